"""Fills one table: cuts it, moves its chunks on whatever workers are free, accounts for every source row.

Part of the conductor; `loading` calls it for all tables of a run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

from crosswalk.accounts import account, fill_accounts
from crosswalk.connect import Session
from crosswalk.copy import (
    CHUNK_BYTES,
    CLASHES,
    Hands,
    Moved,
    cut,
    forget_older,
    insist,
    is_small,
    move_chunks,
    pace_of,
    remove_keys,
    settle_clashes,
)
from crosswalk.crew import Pair
from crosswalk.errors import RowsRefused
from crosswalk.express import Landing, Moment, Motion
from crosswalk.express.together import forsaken
from crosswalk.failpoints import hit
from crosswalk.judge import Fates, steadily, tally_rows
from crosswalk.ledger import Chunk, Ledger, Tally, former
from crosswalk.ledger.entries import SECOND
from crosswalk.names import Name
from crosswalk.progress import Stretch
from crosswalk.snapshot import undeterred
from crosswalk.stage import Stage, together


async def refuse_hard_failures(stage: Stage, order: tuple[Name, ...]) -> None:
    """Raises RowsRefused where rows meet a rule whose word is `fail`, before anything is moved."""
    for name in order:
        motion = Motion(stage.facts, name)
        hard = {c.number: c for c in motion.reasons(stage.moment) if c.policy == "fail"}
        if not hard:
            continue
        keeper = stage.snapshot.keeper
        ask = partial(_fates, motion=motion, session=keeper)
        fates, stage.moment = await steadily(stage.facts, name, stage.moment, keeper, ask)
        met = {number: rows for number, rows in (*fates.rejected.items(), *fates.elements.items()) if number in hard}
        if met:
            reasons = "; ".join(f"{hard[n].column or hard[n].constraint}: {hard[n].reason}" for n in met)
            raise RowsRefused(rows=sum(met.values()), source=motion.source.name, table=name, reasons=reasons)


async def _fates(moment: Moment, *, motion: Motion, session: Session) -> Fates:
    return await tally_rows(motion, moment, session)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How the rows of a table come."""

    motion: Motion
    chunks: list[Chunk]
    """Those that have not landed."""
    landed: bool
    """Some had, before this run went on."""
    direct: bool = False
    freeze: bool = False
    again: bool = False
    second: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A table whose rows have come."""

    motion: Motion
    new: bool
    """It was empty before the run."""
    tally: Tally | None = None
    """None: it is yet to be accounted for."""


async def fill_table(stage: Stage, name: Name, urgency: int) -> Filled:
    """Move what has not landed yet; a table of one chunk is accounted for at once, on the pair that moved it.

    Raises GivenUp where another table failed.
    """
    motion = Motion(stage.facts, name)
    async with stage.crew.pair(urgency) as pair:
        stage.go_on()
        way = await _prepare(stage, motion, pair)
        if len(way.chunks) <= 1:
            await _move_here(stage, way, pair)
            await _settle(stage, way, pair)
            return Filled(motion=motion, new=way.direct or way.landed, tally=await _account(stage, motion, pair))
    await _move_all(stage, way, urgency)
    async with stage.crew.pair(urgency) as pair:
        await _settle(stage, way, pair)
    return Filled(motion=motion, new=way.direct or way.landed)


async def complete_table(stage: Stage, filled: Filled, urgency: int) -> Tally:
    """Account for the whole table, once all of its rows have come."""
    if filled.tally is not None:
        return filled.tally
    async with stage.crew.pair(urgency) as pair:
        return await _account(stage, filled.motion, pair)


async def _prepare(stage: Stage, motion: Motion, pair: Pair) -> _Way:
    ledger, name = Ledger(pair.target), motion.name
    chunks, landed = await _known(stage, name, ledger)
    # Equal rows are told apart by their number only, so all of them must be compared at once.
    again = not motion.mapping.key and (bool(landed) or await ledger.filled_by(name) != stage.run)
    left = [c for c in chunks if c.number not in landed]
    if not chunks or (again and any(c.is_part for c in left)):
        left = await _cut(stage, motion, pair, whole=again, number=max([c.number + 1 for c in chunks], default=0))
        await ledger.plan_chunks(stage.run, name, left)
        hit("chunks.planned")
    stage.observer.table(name, len(left) + len(landed), len(landed))
    if landed:
        await stage.tell_standing(name, ledger)
    direct = not stage.resumed and not landed and await _is_empty(motion, pair.target)
    if not direct:
        await take_out_barred(stage, motion, pair)
    freeze = direct and name in stage.fresh and _in_one(stage, motion, left)
    return _Way(motion=motion, chunks=left, landed=bool(landed), direct=direct, freeze=freeze, again=again)


async def _known(stage: Stage, name: Name, ledger: Ledger) -> tuple[list[Chunk], set[int]]:
    """The chunks of a table, and which of them have landed; its end and its second passage have numbers beyond theirs."""
    if name in stage.cut:
        return stage.cut[name], set()
    if not stage.resumed:
        return [], set()
    chunks = await ledger.planned(stage.run, name)
    return chunks, {n for n in await ledger.landed(stage.run, name) if n < CLASHES} if chunks else set()


async def cut_small(stage: Stage) -> None:
    """One chunk for each table that is small, planned all at once."""
    motions = [Motion(stage.facts, name) for name in stage.order]
    small = [m.name for m in motions if not stage.resumed and is_small(m, chunk_bytes=stage.chunk_bytes)]
    await stage.ledger.plan_whole(stage.run, small)
    hit("chunks.planned")
    stage.cut = {name: [Chunk(number=0)] for name in small}


async def find_stains(stage: Stage) -> None:
    """What need not be asked of quarantine for each table."""
    stage.stained = await stage.ledger.quarantined_tables()


def _in_one(stage: Stage, motion: Motion, chunks: list[Chunk]) -> bool:
    """A table that is filled in one transaction, and large enough for that to be worth a new file."""
    return len(chunks) == 1 and motion.source.bytes > CHUNK_BYTES // 3 and not motion.target.partition_key


async def _cut(stage: Stage, motion: Motion, pair: Pair, *, whole: bool, number: int) -> list[Chunk]:
    """Chunks from a number on; those of an earlier plan that never landed are forgotten."""
    if number:
        await Ledger(pair.target).forget_plan(stage.run, motion.name)
        hit("chunks.forgotten")
    if whole:
        return [Chunk(number=number)]
    return await cut(motion, pair.source, chunk_bytes=stage.chunk_bytes)


async def _settle(stage: Stage, way: _Way, pair: Pair) -> None:
    """Once all rows have come: what stands elsewhere under the new snapshot, and what was refused."""
    motion, ledger = way.motion, Ledger(pair.target)
    before = way.landed or motion.name in stage.overtaken
    if before and stage.reconciled is not None and not motion.late(stage.order):
        await stage.reconciled(motion.name, pair)
    if not stage.is_stained(motion.name):
        return
    await forget_older(motion.name, stage.run, pair.target)
    raising = await ledger.raising_keys(motion.name)
    stage.learn(replace(stage.moment, broken={motion.name: raising}))


async def _account(stage: Stage, motion: Motion, pair: Pair) -> Tally:
    tally = await account(stage, motion, pair)
    await stage.account(tally, Ledger(pair.target))
    if tally.quarantined and stage.allowance is not None:
        await stage.allowance.keep(pair.target)
    hit("table.done")
    return tally


async def take_out_barred(stage: Stage, motion: Motion, pair: Pair) -> None:
    """Target rows of rows that others keep out now leave first, as `on_reject` says: what they hold is free then."""
    if not (stage.moment.bars(motion.name) and motion.mapping.key and motion.mapping.on_reject == "remove"):
        return
    what = f"the rows of {motion.name} that others keep out"
    found = {r["k"] for r in await pair.source.fetch(forsaken(motion, stage.moment), what=what)}

    async def leave() -> None:
        async with pair.target.transaction():
            keys = sorted(found - await Ledger(pair.target).kept_keys(motion.name))
            gone = await remove_keys(Landing(motion), keys, pair.target, what=what)
            await former.note_came(pair.target, stage.run, motion.name, -gone)

    await insist(leave)


async def fill_references(stage: Stage, tally: Tally) -> Tally:
    """The second passage over a table that refers to tables filled after it, or to itself; the tally as it is then."""
    motion = Motion(stage.facts, tally.target)
    if not motion.late(stage.order):
        return tally
    if stage.resumed:
        # What the second passage wrote under an older snapshot is written again under this one.
        await stage.ledger.forget_chunks(stage.run, tally.target, SECOND)
        hit("references.forgotten")
    chunks = [replace(c, number=c.number + SECOND) for c in await stage.ledger.planned(stage.run, tally.target)]
    await _move_all(stage, _Way(motion=motion, chunks=chunks, landed=False, second=True), 0)
    if stage.reconciled is not None:  # before, every row would have differed by what it refers to
        await stage.reconciled(motion.name, stage.crew.pairs[0])
    if motion.unnests:
        return await fill_accounts(stage, tally.target)
    lost = await stage.ledger.session.fetchval(
        "SELECT COALESCE(sum(rejected), 0)::bigint FROM crosswalk.chunk"
        " WHERE run_id = $1 AND target_table = $2 AND number >= $3",
        stage.run,
        str(tally.target),
        SECOND,
        what="the ledger",
    )
    after = replace(
        tally, loaded=tally.loaded - lost, written=tally.written - lost, quarantined=tally.quarantined + lost
    )
    await stage.account(after, stage.ledger)
    return after


async def _is_empty(motion: Motion, session: Session) -> bool:
    return not await session.fetchval(
        f"SELECT EXISTS (SELECT FROM {motion.target.name.sql})", what=f"the table {motion.name}"
    )


# --- moving -----------------------------------------------------------------------------------------


async def _move_all(stage: Stage, way: _Way, urgency: int) -> None:
    """All chunks of a table, on as many workers as are free; the first error stops the others at their edge."""
    pace = pace_of(way.motion, way.chunks, workers=stage.crew.size, steady=stage.chunk_bytes is not None)

    async def work() -> None:
        while pace.waiting:
            async with stage.crew.pair(urgency) as pair:
                stage.go_on()
                chunks = pace.take()
                if chunks:
                    began = time.monotonic()
                    await _move(stage, way, pair, chunks)
                    pace.took(len(chunks), began)

    await together(stage, [work() for _ in range(min(stage.crew.size, len(way.chunks)))])
    if not way.second:
        async with stage.crew.pair(urgency) as pair:
            await _settle_clashes(stage, way, pair)


async def _move_here(stage: Stage, way: _Way, pair: Pair) -> None:
    """A table of one chunk, on the pair that prepared it."""
    for chunk in way.chunks:
        await _move(stage, way, pair, [chunk])
    await _settle_clashes(stage, way, pair)


async def _settle_clashes(stage: Stage, way: _Way, pair: Pair) -> None:
    hands = _hands(stage, way, pair)
    landed = await settle_clashes(hands)
    stage.observer.bytes(way.motion.name, -hands.sent)
    if landed or hands.sent or stage.resumed:
        await stage.tell_standing(way.motion.name, Ledger(pair.target))


async def _move(stage: Stage, way: _Way, pair: Pair, chunks: list[Chunk]) -> None:
    hands, began = _hands(stage, way, pair), time.monotonic()
    move = partial(move_chunks, hands, chunks)
    # A chunk whose COMMIT was not answered must tell again which rows leave: in the second passage only a resumed run asks.
    moved = await (move() if way.second else undeterred(move, stage.snapshot, pair.source, pair.target, stage.observer.note))
    stage.blocks = hands.blocks
    if moved.done_before:
        stage.overtaken.add(way.motion.name)
    if moved.refused and stage.stained is not None:
        stage.stained.add(way.motion.name)
    if moved.leaving:
        stage.leaving.setdefault(way.motion.name, []).extend(moved.leaving)
    stage.observer.bytes(way.motion.name, -hands.sent)
    if moved.done_before and not way.second:  # a predecessor's COMMIT came late: the ledger knows what it carried
        await stage.tell_standing(way.motion.name, Ledger(pair.target))
    else:
        stage.observer.chunk(way.motion.name, _stretch(moved, len(chunks), began, second=way.second))
    if moved.refused and stage.allowance is not None:
        await stage.allowance.keep(pair.target, clashes=False)


def _stretch(moved: Moved, chunks: int, began: float, *, second: bool) -> Stretch:
    seconds = time.monotonic() - began
    return Stretch(
        rows=moved.rows, rejected=moved.refused, bytes=moved.bytes, chunks=chunks, seconds=seconds, second=second
    )


def _hands(stage: Stage, way: _Way, pair: Pair) -> Hands:
    late = frozenset[Name]() if way.second else way.motion.late(stage.order)
    hands = stage.hands(way.motion, pair, late=late, second=way.second)
    hands.direct, hands.freeze, hands.again = way.direct, way.freeze, way.again
    hands.on_bytes = partial(stage.observer.bytes, way.motion.name)
    return hands
