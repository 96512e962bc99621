"""Moves one chunk: extract on the source, load on the target, ledger row and rows in one transaction.

    direct   COPY straight into a table that was empty and needs nothing resolved
    twin     COPY into a temporary twin, then the merge; also where the direct way was refused

Rows that are refused cost no other row. A rule that raises on the source is narrowed by halving the
chunk's keys; a row that the target refuses is narrowed by halving the twin, without reading the
source again. Errors that are nobody's row (a lost connection, a missing privilege) are raised; a chunk
that lost a deadlock or waited too long for a lock is moved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.copy.chunks import selection
from crosswalk.copy.fill import fill, set_raising_aside
from crosswalk.copy.hands import Hands, Moved, row_fault
from crosswalk.copy.insist import insist
from crosswalk.copy.merge import exchange, hand_over, merge, remove_refused, require_all_there, settle
from crosswalk.copy.quarantine import Refusal, forget, quarantine_refused
from crosswalk.copy.segments import segments
from crosswalk.errors import CrosswalkError, RowsRefused, StatementFailed, Timeout
from crosswalk.express import Key, Landing, Selection
from crosswalk.express.rekey import rekey
from crosswalk.failpoints import hit
from crosswalk.ledger import Chunk, Ledger
from crosswalk.ledger.former import note_came
from crosswalk.names import Name
from crosswalk.relay import relay
from crosswalk.snapshot import savepoint

CLASHES: Final = 999_999_999
"""Number of the ledger's row for what landed at a table's end, once all of its chunks had."""
_ANALYZE_FROM: Final = 5000
_BATCH: Final = 5000
_BRIEFLY: Final = "SET LOCAL lock_timeout = '2s'"
"""An autovacuum in the way gives up after a second."""


async def move_chunks(hands: Hands, chunks: Sequence[Chunk]) -> Moved:
    """Move chunks of a run that follow one another; does nothing where the ledger says that they have landed."""
    return await insist(lambda: _move_chunks(hands, chunks))


async def _move_chunks(hands: Hands, chunks: Sequence[Chunk]) -> Moved:
    ledger = Ledger(hands.target)
    hands.begin()
    motion = hands.motion
    async with hands.target.transaction():
        opened = await ledger.open_chunks(hands.run, motion.name, [c.number for c in chunks], hands.snapshot)
        left = [c for c in chunks if c.number in opened]
        if not left:
            return await _carried(hands, chunks)
        hit("chunk.opened")
        rows, merged = await _load(hands, _selections(left))
        hit("chunk.loaded")
        await quarantine_refused(motion, hands.run, hands.source, hands.target, hands.refused)
        await note_came(hands.target, hands.run, motion.name, hands.came)
        await ledger.close_chunks(
            hands.run, motion.name, sorted(opened), rows=rows, merged=merged, rejected=len(hands.refused), size=hands.sent
        )
        hit("chunk.before_commit")
    hit("chunk.after_commit")
    return replace(_moved(hands, rows, merged), done_before=len(left) < len(chunks))


async def _carried(hands: Hands, chunks: Sequence[Chunk]) -> Moved:
    """What chunks carried that landed before: also in this attempt, where the answer to their COMMIT was lost."""
    numbers = [c.number for c in chunks]
    rows, merged, refused, size = await Ledger(hands.target).carried(hands.run, hands.motion.name, numbers)
    return Moved(rows=rows, merged=merged, refused=refused, bytes=size, done_before=True)


def _selections(chunks: Sequence[Chunk]) -> list[Selection]:
    """One for all where they follow one another; a predecessor whose COMMIT was under way may have left a gap."""
    if chunks[-1].number - chunks[0].number == len(chunks) - 1:
        return [selection(chunks)]
    return [selection([chunk]) for chunk in chunks]


def _moved(hands: Hands, rows: int, merged: int) -> Moved:
    refused, leaving = len(hands.refused), tuple(hands.leaving)
    return Moved(rows=rows, merged=merged, refused=refused, bytes=hands.sent, leaving=leaving)


async def wait_for_batch(target: Session, table: Name) -> None:
    """Wait until no other transaction of ours moves rows of a table by key, however long that takes.

    A batch has no row in the ledger: the advisory lock (hashtext('crosswalk'), hashtext of the table's name), held
    to the end of the caller's transaction, stands for one. A COMMIT that is still under way after its client was
    killed holds it.
    """
    await target.execute("SET LOCAL lock_timeout = 0", what="the lock of a batch")
    await target.execute(
        "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('crosswalk'), pg_catalog.hashtext($1))",
        str(table),
        what="the lock of a batch",
    )


async def move_keys(hands: Hands, keys: tuple[Key, ...]) -> Moved:
    """Move the rows of some source keys again, in the caller's transaction."""
    hands.begin()
    await wait_for_batch(hands.target, hands.motion.name)
    width = len(hands.motion.identity)
    chosen = tuple(dict.fromkeys(key[:width] for key in keys))
    rows, merged = await _through_twin(hands, [Selection(keys=chosen)])
    await forget(hands.motion, hands.target, list(chosen))
    await quarantine_refused(hands.motion, hands.run, hands.source, hands.target, hands.refused)
    await note_came(hands.target, hands.run, hands.motion.name, hands.came)
    return _moved(hands, rows, merged)


async def settle_clashes(hands: Hands) -> int:
    """At a table's end: rows that clashed with rows of other chunks get another chance; returns how many landed.

    All chunks have landed, so that every row which could give a unique value up has done so, or waits here too.
    """
    if hands.direct or not hands.motion.mapping.key:
        return 0
    return await insist(lambda: _settle_clashes(hands))


async def _settle_clashes(hands: Hands) -> int:
    motion, target = hands.motion, hands.target
    hands.begin()
    async with target.transaction():
        await _reopen(hands)
        rows = await target.fetch(
            "SELECT DISTINCT ARRAY(SELECT jsonb_array_elements_text(source_key)) AS k FROM crosswalk.quarantine"
            " WHERE target_table = $1 AND found_by = 'load' AND sqlstate = '23505' AND run_id = $2 ORDER BY 1",
            str(motion.name),
            hands.run,
            what="the quarantine",
        )
        width = len(motion.identity)
        keys: list[Key] = list(dict.fromkeys(tuple(r["k"])[:width] for r in rows))
        if keys:
            batches = [tuple(keys[i : i + _BATCH]) for i in range(0, len(keys), _BATCH)]
            await _through_twin(hands, [Selection(keys=batch) for batch in batches], last=True)
            await forget(motion, target, keys)
            await quarantine_refused(motion, hands.run, hands.source, target, hands.refused)
        landed = len(keys) - len({key[:width] for key in hands.refused})
        await note_came(target, hands.run, motion.name, hands.came)
        await Ledger(target).close_chunks(
            hands.run, motion.name, [CLASHES], rows=landed, merged=0, rejected=-landed, size=hands.sent
        )
        hit("clashes.before_commit")
    return landed


async def _reopen(hands: Hands) -> None:
    """Begin the table's end once more, after a predecessor whose COMMIT is under way."""
    ledger = Ledger(hands.target)
    while True:
        await hands.target.execute(
            "DELETE FROM crosswalk.chunk WHERE run_id = $1 AND target_table = $2 AND number = $3",
            hands.run,
            str(hands.motion.name),
            CLASHES,
            what="the ledger",
        )
        if await ledger.open_chunks(hands.run, hands.motion.name, [CLASHES], hands.snapshot):
            return


async def _load(hands: Hands, selections: Sequence[Selection]) -> tuple[int, int]:
    landing = Landing(hands.motion)
    if hands.direct and landing.can_land_directly and len(selections) == 1:
        landed = await _straight(hands, landing, selections[0])
        if landed is not None:
            return landed, 0
    return await _through_twin(hands, selections)


async def _straight(hands: Hands, landing: Landing, selection: Selection) -> int | None:
    """The direct way: born frozen where that may be, else by segments; None where a row stops it.

    Rows for which a rule raises are found at once, and left out when it is gone again.
    """
    ways = [True, False] if hands.freeze else [False]
    while ways:
        try:
            with hands.attempt():
                landed = await _directly(hands, landing, selection, freeze=ways[0])
        except CrosswalkError as error:
            hands.refused, hands.came = {}, 0
            if row_fault(error, "source") and await set_raising_aside(hands, selection):
                continue
            if not (row_fault(error, "target") or row_fault(error, "source")):
                raise
            ways.pop(0)
        else:
            hands.refused |= hands.raising
            _refuse_to_refuse(hands)
            return landed
    return None


async def _directly(hands: Hands, landing: Landing, selection: Selection, *, freeze: bool) -> int:
    """COPY into the table; how many rows landed. What segments refuse is noted in `hands`."""
    form: CopyFormat = "binary" if landing.direct_form == "binary" else "text"
    query = hands.motion.extract(
        selection, hands.moment, keyed=False, without=tuple(hands.raising), binary=form == "binary"
    )
    table = hands.motion.target.name
    by_segments = None if freeze else await segments(hands, landing)
    async with savepoint(hands.target), savepoint(hands.source):
        freeze = freeze and await _made_new(hands.target, table, hands.what)
        sent = await relay(
            hands.source,
            query,
            by_segments or hands.target,
            table.relation,
            landing.columns,
            schema=table.schema,
            form=form,
            freeze=freeze,
            what=f"the copy of {hands.motion.source.name}",
            on_bytes=hands.count,
        )
        await settle(hands)
        if by_segments:
            await by_segments.name_refused(selection)
    landed = sent.rows - len(hands.refused)
    hands.came = landed
    return landed


async def _made_new(target: Session, table: Name, what: str) -> bool:
    """Give an empty table a new file, so that rows may be born frozen; false where somebody reads it or has written rows.

    A chunk waits for its predecessor however long that takes, but nobody's rows wait for a reader.
    """
    lock = f"LOCK TABLE ONLY {table.sql} IN ACCESS EXCLUSIVE MODE"
    try:
        async with savepoint(target):
            await target.execute(f"{_BRIEFLY}; {lock}; SET LOCAL lock_timeout = 0", what=what)
    except Timeout:
        return False
    if await target.fetchval(f"SELECT EXISTS (SELECT FROM {table.sql})", what=what):
        return False
    await target.execute(f"TRUNCATE ONLY {table.sql}", what=what)
    return True


async def _through_twin(hands: Hands, selections: Iterable[Selection], *, last: bool = False) -> tuple[int, int]:
    """Fill the twin and merge it; returns (rows that landed, rows that lost). `last`: see `exchange`."""
    landing = Landing(hands.motion, late=hands.late)
    target, what = hands.target, hands.what
    await target.execute(landing.drop_twin(), what=what)
    await target.execute(landing.make_twin(), what=what)
    for chosen in selections:
        await fill(hands, landing, chosen)
    hands.refused |= hands.raising
    if hands.keep:
        await target.execute(landing.yield_to_kept(), what=what)
    if hands.second:
        await target.execute(landing.forget_absent(), what=what)
    await _refuse_unresolved(hands, landing)
    counted = await target.fetchrow(landing.count_twin(), what=what)
    assert counted is not None
    total, losers, low, high = counted
    if hands.again:
        await target.execute(landing.forget_standing(), what=what)
    if total:
        if total >= _ANALYZE_FROM or last:
            await target.execute(landing.analyze_twin(), what=what)
        await _rekey(hands, landing)
        if last:
            await exchange(hands, landing)
        else:
            await merge(hands, landing, (low, high))
            await hand_over(hands, landing)
        await require_all_there(hands, landing)
        await remove_refused(hands, landing)
        if hands.motion.needs_key_map:
            await target.execute(landing.remember_keys(), what="the key map")
    spoiled = len(await target.fetch(landing.spoiled_keys(), what=what)) if hands.refused else 0
    await target.execute(landing.drop_twin(), what=what)
    _refuse_to_refuse(hands)
    return total - losers - spoiled, losers


def _refuse_to_refuse(hands: Hands) -> None:
    """Raises RowsRefused where rows were refused and the mapping's word for that is fail."""
    if hands.refused and hands.motion.mapping.rejects == "fail":
        raise RowsRefused(
            rows=len(hands.refused),
            source=hands.motion.source.name,
            table=hands.motion.name,
            reasons="; ".join(sorted({r.message for r in hands.refused.values()})[:3]),
        )


async def _rekey(hands: Hands, landing: Landing) -> None:
    """Give rows that stand under an older key their new one, so that the merge finds them."""
    if hands.direct or not hands.motion.needs_key_map:
        return
    try:
        async with savepoint(hands.target):
            await hands.target.execute(rekey(landing), what=hands.what)
    except StatementFailed as error:
        if not row_fault(error, "target"):
            raise  # a key that cannot be given in place is left to the merge, row by row


async def _refuse_unresolved(hands: Hands, landing: Landing) -> None:
    """Rows that refer to a row which did not land are refused.

    In the second passage they stand in the target, and others may refer to them by now: who takes them out sees to those.
    """
    unresolved = landing.mark_unresolved()
    if unresolved is None:
        return
    numbers = [row[0] for row in await hands.target.fetch(unresolved, what=hands.what)]
    for number in numbers:
        key = await hands.target.fetchval(landing.span_key(), number, what=hands.what)
        hands.refused[tuple(key)] = Refusal(
            sqlstate="23503", message="the row that it refers to is not in the target", code="lookup.unresolved"
        )
    if numbers and hands.second:
        keys = await hands.target.fetch(landing.target_keys(), numbers, what=hands.what)
        hands.leaving += [row["k"] for row in keys]
    else:
        hands.spoiled.update(numbers)
