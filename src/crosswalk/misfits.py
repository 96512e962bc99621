"""Rows that an index refuses which was dropped for the load: found by their target keys and set aside like orphans.

Had the index stood, it would have refused them as they came. They leave in the end, when no row comes any more.
Part of the conductor.
"""

from __future__ import annotations

from crosswalk import apply
from crosswalk.copy.quarantine import Refusal
from crosswalk.errors import RowsBreakRebuilt
from crosswalk.express import Landing, Motion
from crosswalk.express.apart import SPEAKS
from crosswalk.express.index_apart import MISFITS, index_apart, trial
from crosswalk.ledger import Held, Tally
from crosswalk.orphans import take_out
from crosswalk.stage import Stage
from crosswalk.translation import without_values


async def build_the_rest(stage: Stage, tallies: list[Tally]) -> None:
    """Build the indexes that refused rows when all of their table had come, without these rows.

    Raises RowsBreakRebuilt where nobody can tell which rows those are, and what `take_out` raises.
    """
    while True:
        try:
            await apply.release(stage.ledger, kinds=["index"])
            return
        except RowsBreakRebuilt:
            refusing = [held for held in await stage.ledger.held() if held.kind == "index"]
            if not any([await _find(stage, held) for held in refusing]):
                raise
            await take_out(stage, tallies)


async def _find(stage: Stage, held: Held) -> bool:
    """Leave with the stage what `orphans` takes out."""
    target, what = stage.ledger.session, f"the rows that the index {held.name} of {held.target} refuses"
    if not await target.fetchval(SPEAKS, what="the target's languages"):
        return False
    landing = Landing(Motion(stage.facts, held.target))
    async with target.transaction():
        await target.execute(trial(held.target, held.restore), what=what)
        await target.execute(index_apart(held.target), what=what)
        rows = await target.fetch(
            f"SELECT ({landing.target_key()})::text AS k, m.sqlstate, m.message {landing.standing(kept=False)}"
            f' JOIN {MISFITS} AS m ON m.place = "cw$t".ctid',
            what=what,
        )
    found = {
        str(r["k"]): Refusal(
            sqlstate=r["sqlstate"], message=without_values(r["sqlstate"], r["message"]), constraint=held.name
        )
        for r in rows
    }
    stage.misfits.setdefault(held.target, {}).update(found)
    return bool(found)
