"""Lands a stretch of the twin of which some rows are refused, and says which: inside the server, in one statement.

Where the target has no PL/pgSQL for us (see `can_land_apart`) the caller halves the stretch itself.
"""

from __future__ import annotations

from crosswalk.copy.hands import Hands
from crosswalk.copy.quarantine import Refusal
from crosswalk.errors import RowsLostInRelay
from crosswalk.express import Landing
from crosswalk.express.apart import CAME, REFUSED, SPEAKS, landing_apart, make_refused
from crosswalk.names import literal
from crosswalk.snapshot import savepoint
from crosswalk.translation import without_values


async def can_land_apart(hands: Hands) -> bool:
    """Whether the target runs blocks for this role; asked once."""
    if hands.blocks is None:
        hands.blocks = bool(await hands.target.fetchval(SPEAKS, what="the target's languages"))
    return hands.blocks


async def land_apart(
    hands: Hands, landing: Landing, span: tuple[int, int], *, parts: int = 1
) -> dict[int, Refusal]:
    """Land what the target takes of a stretch of the twin; the refused rows by number. The caller spoils them.

    Raises what blames no row, and RowsLostInRelay where the table did not take every row that it did not refuse.
    """
    target, what = hands.target, hands.what
    async with savepoint(target):
        await target.execute(make_refused(), what=what)
        await target.execute(landing.index_twin(), what=what)
        await target.execute(landing_apart(landing, span, fresh=hands.direct, parts=parts), what=what)
        came = int(await target.fetchval(f"SELECT pg_catalog.current_setting({literal(CAME)})", what=what))
        rows = await target.fetch(f"SELECT * FROM {REFUSED} ORDER BY number", what=what)
        if hands.direct or not hands.motion.mapping.key:
            sent = int(await target.fetchval(landing.count_good(span), what=what))
            if came != sent - len(rows):
                raise RowsLostInRelay(sent=sent - len(rows), received=came, what=what)
    hands.came += came
    return {
        int(number): Refusal(
            sqlstate=state, message=without_values(state, said), constraint=constraint or None, column=column or None
        )
        for number, state, said, constraint, column in rows
    }
