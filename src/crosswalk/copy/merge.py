"""Merges the twin into the table; rows that the target refuses cost no other row.

The rows to blame for a stretch that is refused are found inside the server (see `apart`), or by halving. Rows
that clash only because they hand unique values to one another (a → b, b → a) land together, their values parked
meanwhile; where the other row belongs to another chunk, `exchange` does so at the table's end, once all chunks
have landed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from crosswalk.connect import Session
from crosswalk.copy.apart import can_land_apart, land_apart
from crosswalk.copy.hands import UNIQUE, Hands, refusal, row_fault
from crosswalk.copy.quarantine import Refusal
from crosswalk.errors import RowsLostInRelay, StatementFailed
from crosswalk.express import HandOver, Landing, delete, groups
from crosswalk.snapshot import savepoint

Span = tuple[int, int]
PARTS: Final = 8
"""Into so many parts a stretch is cut that was refused as a whole."""


async def settle(hands: Hands) -> None:
    """Let deferred constraints speak now, where their row can still be found, and not at COMMIT."""
    if Landing(hands.motion).has_deferred:
        await hands.target.execute("SET CONSTRAINTS ALL IMMEDIATE", what=f"the constraints of {hands.motion.name}")


async def merge(hands: Hands, landing: Landing, span: Span, *, whole: bool = True) -> None:
    """UPDATE and INSERT a stretch of the twin; of one that is refused, the rows to blame are found (see `apart`)."""
    try:
        async with savepoint(hands.target):
            update = landing.update(span)
            if update and not hands.direct:
                await hands.target.execute(update, what=hands.what)
            tag = await hands.target.execute(landing.insert(span, fresh=hands.direct), what=hands.what)
            if hands.direct or not hands.motion.mapping.key:
                await _all_taken(hands, landing, span, int(tag.rpartition(" ")[2]))
            await settle(hands)
        hands.came += int(tag.rpartition(" ")[2])
    except StatementFailed as error:
        if not row_fault(error, "target"):
            raise
        if whole:
            await _clear_the_way(hands, landing, refusal(error))
            for part in _parts(span):
                await merge(hands, landing, part, whole=False)
            return
        low, high = span
        if low == high:
            await _spoil(hands, landing, low, refusal(error))
        elif await can_land_apart(hands):
            await _spoil_all(hands, landing, await land_apart(hands, landing, span, parts=PARTS))
        else:
            middle = (low + high) // 2
            await merge(hands, landing, (low, middle), whole=False)
            await merge(hands, landing, (middle + 1, high), whole=False)


def _parts(span: Span) -> list[Span]:
    low, high = span
    step = (high - low) // PARTS + 1
    return [(start, min(start + step - 1, high)) for start in range(low, high + 1, step)]


async def _all_taken(hands: Hands, landing: Landing, span: Span, inserted: int) -> None:
    """Raises RowsLostInRelay where the table did not take every row (a trigger or a rule swallowed some)."""
    sent = int(await hands.target.fetchval(landing.count_good(span), what=hands.what))
    if inserted != sent:
        raise RowsLostInRelay(sent=sent, received=inserted, what=hands.what)


async def require_all_there(hands: Hands, landing: Landing) -> None:
    """Raises RowsLostInRelay where a row that nothing refused does not stand in the table after the merge."""
    if hands.direct or not hands.motion.mapping.key:
        return
    missing = int(await hands.target.fetchval(landing.missing(), what=hands.what))
    if missing:
        sent = int(await hands.target.fetchval(landing.count_good(), what=hands.what))
        raise RowsLostInRelay(sent=sent, received=sent - missing, what=hands.what)


async def _clear_the_way(hands: Hands, landing: Landing, why: Refusal) -> None:
    """Before the first halving: rows that stand in one another's way are set aside together, not found one by one."""
    await hands.target.execute(landing.index_twin(), what=hands.what)
    if not _may_yet_land(hands, why):
        return
    over = HandOver(landing)
    found = await _hopeless(hands, over, None)
    query = over.holders(None)
    for _, number, holder in await hands.target.fetch(query, what=hands.what) if query else []:
        found.setdefault(number, why)
        found.setdefault(holder, why)
    await hands.target.fetch(landing.spoil_all(), list(found), what=hands.what)
    hands.clashing.update(found)


def _may_yet_land(hands: Hands, why: Refusal) -> bool:
    return why.sqlstate == UNIQUE and not hands.direct and bool(hands.motion.mapping.key)


async def _spoil_all(hands: Hands, landing: Landing, refused: dict[int, Refusal]) -> None:
    """`_spoil` for many rows."""
    for number, key in await hands.target.fetch(landing.spoil_all(), list(refused), what=hands.what):
        if _may_yet_land(hands, refused[number]):
            hands.clashing[number] = refused[number]
        else:
            hands.refused[tuple(key)] = refused[number]
            hands.spoiled.add(number)


async def _spoil(hands: Hands, landing: Landing, number: int, why: Refusal) -> None:
    """Take a row of the twin out; one that clashes with another row may yet be helped by `hand_over`."""
    key = await hands.target.fetchval(landing.spoil(), number, what=hands.what)
    if key is None:
        return
    if _may_yet_land(hands, why):
        hands.clashing[number] = why
    else:
        hands.refused[tuple(key)] = why
        hands.spoiled.add(number)


async def remove_refused(hands: Hands, landing: Landing) -> None:
    """`on_reject: remove`: the target rows of what is refused for good leave, but for those that others refer to."""
    numbers, hands.spoiled = sorted(hands.spoiled), set()
    mapping = hands.motion.mapping
    if numbers and not hands.direct and mapping.key and mapping.on_reject == "remove":
        await remove(hands, landing, numbers)


async def remove(hands: Hands, landing: Landing, numbers: Collection[int]) -> None:
    """Delete the target rows of rows of the twin; never one that stood there before, or that another refers to."""
    keys = [r["k"] for r in await hands.target.fetch(landing.target_keys(), list(numbers), what=hands.what)]
    hands.came -= await remove_keys(landing, keys, hands.target, what=hands.what)


async def remove_keys(landing: Landing, keys: Sequence[str], target: Session, *, what: str) -> int:
    """Delete rows by their target keys (jsonb texts), never one that another refers to; returns how many went."""
    gone = [r["k"] for r in await target.fetch(delete(landing), list(keys), what=what)]
    await target.execute(
        "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND target_key = ANY ($2::text[]::jsonb[])",
        str(landing.motion.name),
        gone,
        what="the key map",
    )
    return len(gone)


# --- unique values that go from row to row ------------------------------------------------------


async def hand_over(hands: Hands, landing: Landing) -> None:
    """Let rows that hand unique values to one another land together; what still clashes is refused for now."""
    clashing, hands.clashing = hands.clashing, {}
    if not clashing:
        return
    await hands.target.execute(HandOver(landing).unspoil(), list(clashing), what=hands.what)
    await _sort_out(hands, landing, clashing, last=False)


async def exchange(hands: Hands, landing: Landing) -> None:
    """Land all rows of the twin, whatever order their unique values ask for; what clashes in truth is refused for good."""
    await hands.target.execute(landing.index_twin(), what=hands.what)
    found = await hands.target.fetch(landing.good_numbers(), what=hands.what)
    await _sort_out(hands, landing, {int(row[0]): _clash("") for row in found}, last=True)


async def _sort_out(hands: Hands, landing: Landing, waiting: dict[int, Refusal], *, last: bool) -> None:
    """Rows that need what a stranger holds, or what another of them gets, are out.

    So are then (to a fixed point) those that need what these keep; the others land together. With `last` nothing
    can help a refused row any more, and what it holds is free where `on_reject` takes its target row away.
    """
    over = HandOver(landing)
    while waiting:
        hopeless = await _hopeless(hands, over, list(waiting))
        if hopeless:
            await _refuse(hands, landing, hopeless, last=last)
            waiting = {n: why for n, why in waiting.items() if n not in hopeless}
            continue
        waiting = {n: waiting[n] for n in await _together(hands, landing, waiting)}
        if not await _one_by_one(hands, landing, waiting, last=last):
            await _refuse(hands, landing, waiting, last=last)
            return


def _clash(constraint: str) -> Refusal:
    message = f'duplicate key value violates unique constraint "{constraint}"' if constraint else "unique values clash"
    return Refusal(sqlstate=UNIQUE, message=message, constraint=constraint or None)


async def _hopeless(hands: Hands, over: HandOver, numbers: list[int] | None) -> dict[int, Refusal]:
    found: dict[int, Refusal] = {}
    for query in (over.doubled(numbers), over.blocked(numbers)) if numbers != [] else ():
        for number, place in await hands.target.fetch(query, what=hands.what) if query else []:
            found.setdefault(int(number), _clash(over.names[place]))
    return found


async def _together(hands: Hands, landing: Landing, numbers: Iterable[int]) -> list[int]:
    """Land rows with their values parked: all at once, else group by group; returns those that did not land."""
    over, chosen = HandOver(landing), sorted(numbers)
    query = over.holders(chosen)
    found = [tuple(r.values()) for r in await hands.target.fetch(query, what=hands.what)] if query else []
    if await _landed(hands, landing, {place for place, _, _ in found}, chosen) is None:
        return []
    left: list[int] = []
    for group in groups(chosen, [(number, holder) for _, number, holder in found]):
        places = {place for place, number, _ in found if number in group}
        if group == chosen or await _landed(hands, landing, places, group) is not None:
            left += group
    return left


async def _one_by_one(hands: Hands, landing: Landing, waiting: dict[int, Refusal], *, last: bool) -> bool:
    """Try each row alone; takes out what landed or is refused for another reason. Whether there was any."""
    before = len(waiting)
    for number in list(waiting):
        why = await _landed(hands, landing, set(), [number])
        if why is None:
            del waiting[number]
        elif why.sqlstate != UNIQUE:
            del waiting[number]
            await _refuse(hands, landing, {number: why}, last=last)
        else:
            waiting[number] = why
    return len(waiting) < before


async def _landed(hands: Hands, landing: Landing, places: set[int], numbers: list[int]) -> Refusal | None:
    """Write some rows, after parking what they hold of the unique keys at `places`; why not, where they are refused."""
    try:
        async with savepoint(hands.target):
            if places:
                await hands.target.execute(HandOver(landing).park(places, numbers), what=hands.what)
            update = landing.update(numbers)
            if update:
                await hands.target.execute(update, what=hands.what)
            tag = await hands.target.execute(landing.insert(numbers), what=hands.what)
            await settle(hands)
        hands.came += int(tag.rpartition(" ")[2])
    except StatementFailed as error:
        if not row_fault(error, "target"):
            raise
        return refusal(error)
    return None


async def _refuse(hands: Hands, landing: Landing, rows: dict[int, Refusal], *, last: bool) -> None:
    """Spoil rows of the twin; their target rows go by policy, those of clashing rows only where it is the `last` word."""
    for number, key in await hands.target.fetch(landing.spoil_all(), list(rows), what=hands.what):
        hands.refused[tuple(key)] = rows[number]
        if last or rows[number].sqlstate != UNIQUE:
            hands.spoiled.add(number)
    if last:
        await remove_refused(hands, landing)
