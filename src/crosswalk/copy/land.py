"""Moves one chunk: extract on the source, load on the target, ledger row and rows in one transaction.

    direct   COPY straight into a table that was empty and needs nothing resolved
    twin     COPY into a temporary twin, then the merge; also where the direct way was refused

Rows that are refused cost no other row. A rule that raises on the source is narrowed by halving the
chunk's keys; a row that the target refuses is narrowed by halving the twin, without reading the
source again. Errors that are nobody's row (a lost connection, a missing privilege) are raised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.copy.quarantine import RAISES, Refusal, forget, quarantine_refused
from crosswalk.errors import CrosswalkError, LookupBroken, RowsLostInRelay, RowsRefused, StatementFailed
from crosswalk.express import HandOver, Key, Landing, Moment, Motion, Selection, delete, groups
from crosswalk.express.rekey import rekey
from crosswalk.failpoints import hit
from crosswalk.ledger import Chunk, Ledger
from crosswalk.names import Name
from crosswalk.relay import relay
from crosswalk.snapshot import savepoint

ROW_FAULTS: Final = ("22", "23", "44", "P0", "54")
"""SQLSTATE classes that blame a row: bad value, constraint, check option, raised by a trigger, too large."""
_ANALYZE_FROM: Final = 5000
_UNIQUE: Final = "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one chunk carried."""

    rows: int
    """Rows that landed (written or found equal)."""
    merged: int
    """Rows that lost to another of their key, or to a row that was kept."""
    refused: int
    """Source rows that the load refused."""
    bytes: int
    done_before: bool = False


@dataclass(slots=True, kw_only=True)
class Hands:
    """Two sessions and what a chunk needs to know."""

    motion: Motion
    moment: Moment
    run: int
    snapshot: str
    source: Session
    target: Session
    direct: bool
    """The table was empty and this is the run's first snapshot."""
    keep: bool = False
    """Rows that stood in the table before win."""
    late: frozenset[Name] = frozenset()
    """Tables that are not filled yet, so that references into them wait for a second passage."""
    second: bool = False
    """This is the second passage: the rows have landed, and only references into late tables are missing."""
    again: bool = False
    """An earlier run filled the table, which has no key: only rows that are too few are written."""
    on_bytes: Callable[[int], None] | None = None
    refused: dict[Key, Refusal] = field(default_factory=dict)
    clashing: dict[int, Refusal] = field(default_factory=dict)
    """Rows of the twin whose unique value another row holds, by number: they get another chance together."""
    sent: int = 0

    def count(self, size: int) -> None:
        self.sent += size
        if self.on_bytes is not None:
            self.on_bytes(size)


def _row_fault(error: CrosswalkError, side: str) -> bool:
    return (
        isinstance(error, StatementFailed)
        and error.fields["side"] == side
        and str(error.fields["sqlstate"]).startswith(ROW_FAULTS)
    )


def _refusal(error: StatementFailed) -> Refusal:
    return Refusal(
        sqlstate=str(error.fields["sqlstate"]),
        message=str(error.fields["reason"]),
        constraint=error.fields.get("constraint"),
        column=error.fields.get("column"),
    )


async def move_chunk(hands: Hands, chunk: Chunk) -> Moved:
    """Move one chunk of a run; does nothing where the ledger says that it has landed."""
    ledger = Ledger(hands.target)
    hands.refused, hands.clashing, hands.sent = {}, {}, 0
    motion = hands.motion
    async with hands.target.transaction():
        if not await ledger.open_chunk(hands.run, motion.name, chunk.number, hands.snapshot):
            return Moved(rows=0, merged=0, refused=0, bytes=0, done_before=True)
        hit("chunk.opened")
        selection = Selection(after=chunk.after, upto=chunk.upto)
        rows, merged = await _load(hands, selection)
        hit("chunk.loaded")
        await quarantine_refused(motion, hands.run, hands.source, hands.target, hands.refused)
        await ledger.close_chunk(
            hands.run, motion.name, chunk.number, rows=rows, merged=merged, rejected=len(hands.refused), size=hands.sent
        )
        hit("chunk.before_commit")
    hit("chunk.after_commit")
    return Moved(rows=rows, merged=merged, refused=len(hands.refused), bytes=hands.sent)


async def move_keys(hands: Hands, keys: tuple[Key, ...]) -> Moved:
    """Move the rows of some source keys again, in the caller's transaction."""
    hands.refused, hands.clashing, hands.sent = {}, {}, 0
    width = len(hands.motion.identity)
    chosen = tuple(dict.fromkeys(key[:width] for key in keys))
    rows, merged = await _through_twin(hands, Selection(keys=chosen))
    await forget(hands.motion, hands.target, list(chosen))
    await quarantine_refused(hands.motion, hands.run, hands.source, hands.target, hands.refused)
    return Moved(rows=rows, merged=merged, refused=len(hands.refused), bytes=hands.sent)


async def _load(hands: Hands, selection: Selection) -> tuple[int, int]:
    landing = Landing(hands.motion)
    if hands.direct and landing.can_land_directly:
        try:
            return await _directly(hands, landing, selection), 0
        except CrosswalkError as error:
            if not (_row_fault(error, "target") or _row_fault(error, "source")):
                raise
    return await _through_twin(hands, selection)


async def _directly(hands: Hands, landing: Landing, selection: Selection) -> int:
    query = hands.motion.extract(selection, hands.moment, keyed=False)
    table = hands.motion.target.name
    form: CopyFormat = "binary" if landing.direct_form == "binary" else "text"
    async with savepoint(hands.target), savepoint(hands.source):
        landed = await relay(
            hands.source,
            query,
            hands.target,
            table.relation,
            landing.columns,
            schema=table.schema,
            form=form,
            what=f"the copy of {hands.motion.source.name}",
            on_bytes=hands.count,
        )
        await _settle(hands)
    return landed.rows


async def _settle(hands: Hands) -> None:
    """Let deferred constraints speak now, where their row can still be found, and not at COMMIT."""
    if Landing(hands.motion).has_deferred:
        await hands.target.execute("SET CONSTRAINTS ALL IMMEDIATE", what=f"the constraints of {hands.motion.name}")


async def _through_twin(hands: Hands, selection: Selection) -> tuple[int, int]:
    """Fill the twin and merge it; returns (rows that landed, rows that lost)."""
    landing = Landing(hands.motion, late=hands.late)
    target = hands.target
    what = f"the load of {hands.motion.name}"
    await target.execute(landing.drop_twin(), what=what)
    await target.execute(landing.make_twin(), what=what)
    await _fill(hands, landing, selection)
    if hands.keep:
        await _yield_to_kept(hands, landing)
    if hands.second:
        await target.execute(landing.forget_absent(), what=what)
    await _refuse_unresolved(hands, landing, what)
    counted = await target.fetchrow(landing.count_twin(), what=what)
    assert counted is not None
    total, losers, low, high = counted
    if hands.again:
        await target.execute(landing.forget_standing(), what=what)
    if total:
        if total >= _ANALYZE_FROM:
            await target.execute(landing.analyze_twin(), what=what)
        await _rekey(hands, landing, what)
        await _merge(hands, landing, None if low == high else (low, high), (low, high))
        await _hand_over(hands, landing)
        if hands.motion.needs_key_map:
            await target.execute(landing.remember_keys(), what="the key map")
    spoiled = len(await target.fetch(landing.spoiled_keys(), what=what)) if hands.refused else 0
    await target.execute(landing.drop_twin(), what=what)
    if hands.refused and hands.motion.mapping.rejects == "fail":
        raise RowsRefused(
            rows=len(hands.refused),
            source=hands.motion.source.name,
            table=hands.motion.name,
            reasons="; ".join(sorted({r.message for r in hands.refused.values()})[:3]),
        )
    return total - losers - spoiled, losers


async def _rekey(hands: Hands, landing: Landing, what: str) -> None:
    """Give rows that stand under an older key their new one, so that the merge finds them."""
    if hands.direct or not hands.motion.needs_key_map:
        return
    try:
        async with savepoint(hands.target):
            await hands.target.execute(rekey(landing), what=what)
    except StatementFailed as error:
        if not _row_fault(error, "target"):
            raise  # a key that cannot be given in place is left to the merge, row by row


async def _refuse_unresolved(hands: Hands, landing: Landing, what: str) -> None:
    """Rows that refer to a row which did not land are refused; in the second passage they leave the target too."""
    unresolved = landing.mark_unresolved()
    if unresolved is None:
        return
    rows = await hands.target.fetch(unresolved, what=what)
    for row in rows:
        key = await hands.target.fetchval(landing.span_key(), row[0], what=what)
        hands.refused[tuple(key)] = Refusal(
            sqlstate="23503", message="the row that it refers to is not in the target", code="lookup.unresolved"
        )
    if rows and hands.second:
        gone = [r["k"] for r in await hands.target.fetch(landing.spoiled_target_keys(), what=what)]
        await hands.target.fetch(delete(landing), gone, what=what)


async def _yield_to_kept(hands: Hands, landing: Landing) -> None:
    await hands.target.execute(landing.yield_to_kept(), what=f"the load of {hands.motion.name}")


async def _fill(hands: Hands, landing: Landing, selection: Selection) -> None:
    """COPY a selection into the twin, narrowing down rows for which a rule raises."""
    try:
        await _copy_to_twin(hands, landing, selection)
        return
    except CrosswalkError as error:
        if not _row_fault(error, "source"):
            raise
    await _blame_parents(hands)
    found = await hands.source.fetch(hands.motion.keys(selection), what=f"the keys of {hands.motion.source.name}")
    await _halve(hands, landing, [tuple(str(v) for v in row.values()) for row in found])


async def _copy_to_twin(hands: Hands, landing: Landing, selection: Selection) -> None:
    query = hands.motion.extract(selection, hands.moment, keyed=True)
    form: CopyFormat = "binary" if landing.twin_form == "binary" else "text"
    async with savepoint(hands.target), savepoint(hands.source):
        await relay(
            hands.source,
            query,
            hands.target,
            "cw_twin",
            landing.twin_columns,
            schema="pg_temp",
            form=form,
            what=f"the copy of {hands.motion.source.name}",
            on_bytes=hands.count,
        )


async def _halve(hands: Hands, landing: Landing, keys: list[Key]) -> None:
    """Load the keys' rows; a set that raises is halved until one row is left, which is refused."""
    if not keys:
        return
    try:
        await _copy_to_twin(hands, landing, Selection(keys=tuple(keys)))
    except StatementFailed as error:
        if not _row_fault(error, "source"):
            raise
        if len(keys) == 1:
            hands.refused[keys[0]] = replace(_refusal(error), code=RAISES)
            return
        middle = len(keys) // 2
        await _halve(hands, landing, keys[:middle])
        await _halve(hands, landing, keys[middle:])


async def _blame_parents(hands: Hands) -> None:
    """Raises LookupBroken where a parent's own rows raise: then no row of this table is to blame."""
    for parent, rows in hands.motion.lookups(hands.moment):
        try:
            async with savepoint(hands.source):
                await hands.source.fetchval(
                    f"SELECT count(found.*) FROM ({rows}) AS found", what=f"a lookup into {parent}"
                )
        except StatementFailed as error:
            raise LookupBroken(table=hands.motion.name, parent=parent, reason=error.fields["reason"]) from error


async def _merge(hands: Hands, landing: Landing, span: tuple[int, int] | None, reach: tuple[int, int]) -> None:
    """UPDATE and INSERT a stretch of the twin; a stretch that is refused is halved."""
    what = f"the load of {hands.motion.name}"
    try:
        async with savepoint(hands.target):
            update = landing.update(span)
            if update and not hands.direct:
                await hands.target.execute(update, what=what)
            tag = await hands.target.execute(landing.insert(span, fresh=hands.direct), what=what)
            if hands.direct:
                await _all_taken(hands, landing, span, int(tag.rpartition(" ")[2]))
            await _settle(hands)
    except StatementFailed as error:
        if not _row_fault(error, "target"):
            raise
        low, high = reach
        if low == high:
            await _spoil(hands, landing, low, _refusal(error))
            return
        middle = (low + high) // 2
        await _merge(hands, landing, (low, middle), (low, middle))
        await _merge(hands, landing, (middle + 1, high), (middle + 1, high))


async def _all_taken(hands: Hands, landing: Landing, span: tuple[int, int] | None, inserted: int) -> None:
    """Raises RowsLostInRelay where an empty table did not take every row (a trigger or a rule swallowed some)."""
    what = f"the load of {hands.motion.name}"
    sent = int(await hands.target.fetchval(landing.count_good(span), what=what))
    if inserted != sent:
        raise RowsLostInRelay(sent=sent, received=inserted, what=what)


async def _spoil(hands: Hands, landing: Landing, number: int, refusal: Refusal) -> None:
    """Take a row of the twin out; one that clashes with another row may yet be helped by `_hand_over`."""
    key = await hands.target.fetchval(landing.spoil(), number, what=f"the load of {hands.motion.name}")
    if key is None:
        return
    if refusal.sqlstate == _UNIQUE and not hands.direct and hands.motion.mapping.key:
        hands.clashing[number] = refusal
    else:
        hands.refused[tuple(key)] = refusal


async def _hand_over(hands: Hands, landing: Landing) -> None:
    """Let rows that hand unique values to one another land together; what still clashes is refused."""
    clashing, hands.clashing = hands.clashing, {}
    if not clashing:
        return
    what = f"the load of {hands.motion.name}"
    exchange = HandOver(landing)
    await hands.target.execute(exchange.unspoil(), list(clashing), what=what)
    query = exchange.holders(clashing)
    found = [tuple(r.values()) for r in await hands.target.fetch(query, what=what)] if query else []
    for group in groups(clashing, [(number, holder) for _, number, holder in found]):
        places = {place for place, number, _ in found if number in group}
        try:
            async with savepoint(hands.target):
                if places:
                    await hands.target.execute(exchange.park(places, group), what=what)
                update = landing.update(group)
                if update:
                    await hands.target.execute(update, what=what)
                await hands.target.execute(landing.insert(group), what=what)
                await _settle(hands)
        except StatementFailed as error:
            if not _row_fault(error, "target"):
                raise
            for number in group:
                key = await hands.target.fetchval(landing.spoil(), number, what=what)
                hands.refused[tuple(key)] = clashing[number]
