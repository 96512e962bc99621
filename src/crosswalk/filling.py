"""Fills one table: cuts it, moves its chunks on all workers, accounts for every source row.

Part of the conductor; `migration` calls it table by table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from crosswalk.connect import Session
from crosswalk.copy import (
    CHUNK_BYTES,
    Hands,
    cut,
    forget_older,
    forget_rejected,
    move_chunk,
    quarantine_static,
    remove_keys,
    settle_clashes,
)
from crosswalk.errors import AccountingBroken, Interrupted, RowsRefused
from crosswalk.express import Facts, Key, Landing, Moment, Motion
from crosswalk.express.together import forsaken
from crosswalk.failpoints import hit
from crosswalk.judge import Fates, steadily, tally_rows
from crosswalk.ledger import Chunk, Ledger, Tally, former
from crosswalk.names import Name
from crosswalk.progress import Observer
from crosswalk.snapshot import Snapshot, savepoint

SECOND: Final = 1_000_000_000
"""Chunks of the second passage are numbered from here."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What all tables of a run share."""

    run: int
    facts: Facts
    moment: Moment
    snapshot: Snapshot
    ledger: Ledger
    """On the control session."""
    targets: list[Session]
    """One for each worker of the snapshot."""
    observer: Observer
    order: tuple[Name, ...]
    """Target tables in the order in which they are filled."""
    stop: Callable[[], bool]
    """True once the user asked to stop at the next chunk's edge."""
    resumed: bool = False
    chunk_bytes: int = CHUNK_BYTES
    occupied: set[Name] = field(default_factory=set)
    """Target tables that held rows before the first run."""
    leaving: dict[Name, list[str]] = field(default_factory=dict)
    """Target keys of rows that the second passage refused: they stand in the target until they are taken out."""

    def stop_here(self) -> None:
        """Raises Interrupted."""
        if self.stop():
            raise Interrupted()


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


async def fill_table(stage: Stage, name: Name) -> Tally:
    """Move what has not landed yet and account for the whole table."""
    motion = Motion(stage.facts, name)
    ledger = stage.ledger
    again = not motion.mapping.key and await ledger.filled_by(name) != stage.run
    chunks = await ledger.planned(stage.run, name)
    if not chunks and again:
        # Equal rows are told apart by their number only, so all of them must be compared at once.
        chunks = [Chunk(number=0, after=None, upto=None)]
        await ledger.plan_chunks(stage.run, name, chunks)
    if not chunks:
        chunks = await cut(motion, stage.snapshot.keeper, chunk_bytes=stage.chunk_bytes)
        await ledger.plan_chunks(stage.run, name, chunks)
        hit("chunks.planned")
    landed = await ledger.landed(stage.run, name)
    stage.observer.table(name, len(chunks), len(landed))
    direct = not stage.resumed and not landed and await _is_empty(motion, ledger.session)
    if not direct:
        await _take_out_barred(stage, motion)
    await _move_all(stage, motion, [c for c in chunks if c.number not in landed], direct=direct, again=again)
    await forget_older(name, stage.run, ledger.session)
    raising = await ledger.raising_keys(name)
    stage.moment = replace(stage.moment, broken={**stage.moment.broken, name: raising})
    await stage.snapshot.check()
    tally = await account(stage, motion)
    await ledger.tally(stage.run, tally)
    stage.observer.done(name, tally)
    hit("table.done")
    return tally


async def _take_out_barred(stage: Stage, motion: Motion) -> None:
    """Target rows of rows that others keep out now leave first, as `on_reject` says: what they hold is free then."""
    if not (stage.moment.bars(motion.name) and motion.mapping.key and motion.mapping.on_reject == "remove"):
        return
    session, what = stage.ledger.session, f"the rows of {motion.name} that others keep out"
    found = {r["k"] for r in await stage.snapshot.keeper.fetch(forsaken(motion, stage.moment), what=what)}
    async with session.transaction():
        keys = sorted(found - await stage.ledger.kept_keys(motion.name))
        gone = await remove_keys(Landing(motion), keys, session, what=what)
        await former.note_came(session, stage.run, motion.name, -gone)


async def fill_references(stage: Stage, tally: Tally) -> Tally:
    """The second passage over a table that refers to tables filled after it, or to itself; the tally as it is then."""
    motion = Motion(stage.facts, tally.target)
    if not motion.late(stage.order):
        return tally
    if stage.resumed:
        # What the second passage wrote under an older snapshot is written again under this one.
        await stage.ledger.forget_chunks(stage.run, tally.target, SECOND)
    chunks = [replace(c, number=c.number + SECOND) for c in await stage.ledger.planned(stage.run, tally.target)]
    await _move_all(stage, motion, chunks, direct=False, second=True)
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
    await stage.ledger.tally(stage.run, after)
    return after


async def fill_accounts(stage: Stage, name: Name) -> Tally:
    """The accounting of a table once more, after rows were moved again or deleted."""
    tally = await account(stage, Motion(stage.facts, name))
    await stage.ledger.tally(stage.run, tally)
    return tally


async def _is_empty(motion: Motion, session: Session) -> bool:
    return not await session.fetchval(
        f"SELECT EXISTS (SELECT FROM {motion.target.name.sql})", what=f"the table {motion.name}"
    )


async def _move_all(
    stage: Stage, motion: Motion, chunks: list[Chunk], *, direct: bool, again: bool = False, second: bool = False
) -> None:
    """All chunks of a table, on as many workers as there are; the first error stops the others at their edge."""
    waiting = list(reversed(chunks))
    failed: list[BaseException] = []

    def hands(source: Session, target: Session) -> Hands:
        return Hands(
            motion=motion,
            moment=stage.moment,
            run=stage.run,
            snapshot=stage.snapshot.id,
            source=source,
            target=target,
            direct=direct,
            keep=_keeps(stage, motion),
            late=frozenset() if second else motion.late(stage.order),
            second=second,
            again=again,
            on_bytes=lambda count: stage.observer.bytes(motion.name, count),
        )

    async def work(target: Session) -> None:
        async with stage.snapshot.worker() as source:
            mine = hands(source, target)
            while waiting and not failed:
                stage.stop_here()
                moved = await move_chunk(mine, waiting.pop())
                if moved.leaving:
                    stage.leaving.setdefault(motion.name, []).extend(moved.leaving)
                stage.observer.chunk(motion.name, moved.rows, moved.refused)

    async def guarded(target: Session) -> None:
        try:
            await work(target)
        except BaseException as error:
            failed.append(error)
            raise

    tasks = [asyncio.create_task(guarded(t)) for t in stage.targets[: max(1, min(len(stage.targets), len(chunks)))]]
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    if failed:
        raise failed[0]
    if not second:
        async with stage.snapshot.worker() as source:
            await settle_clashes(hands(source, stage.targets[0]))


def _keeps(stage: Stage, motion: Motion) -> bool:
    return motion.name in stage.occupied and motion.mapping.existing == "keep"


async def account(stage: Stage, motion: Motion) -> Tally:
    """What became of every source row; raises AccountingBroken where the sum does not come out.

    A first run counts what passed through its hands and asks the rules only for the rest. A resumed run
    (whose chunks may have landed under an older snapshot) and one that spreads rows ask the rules for all,
    and the target for what stands there.
    """
    way = _by_rule if stage.resumed or motion.unnests else _by_hand
    async with savepoint(stage.snapshot.keeper):
        rest = await way(stage, motion)
    if not rest.balanced:
        raise AccountingBroken(
            table=motion.name,
            extracted=rest.extracted,
            loaded=rest.loaded,
            merged=rest.merged,
            quarantined=rest.quarantined,
            filtered=rest.filtered,
        )
    return rest


async def _by_hand(stage: Stage, motion: Motion) -> Tally:
    session, keeper = stage.ledger.session, stage.snapshot.keeper
    what = f"the accounting of {motion.name}"
    row = await session.fetchrow(
        "SELECT COALESCE(sum(rows), 0)::bigint, COALESCE(sum(merged), 0)::bigint, COALESCE(sum(rejected), 0)::bigint"
        f" FROM crosswalk.chunk WHERE run_id = $1 AND target_table = $2 AND number < {SECOND}",
        stage.run,
        str(motion.name),
        what=what,
    )
    assert row is not None
    loaded, merged, refused = (int(v) for v in row)
    extracted = int(await keeper.fetchval(motion.total(), what=what))
    beaten = motion.mapping.on_duplicate == "quarantine" and bool(stage.moment.of(motion.name))
    set_aside = filtered = 0
    if extracted != loaded + merged + refused or beaten:
        filtered = int(await keeper.fetchval(motion.filtered(), what=what))
        set_aside = await quarantine_static(motion, stage.moment, stage.run, keeper, session)
    else:
        await forget_rejected(motion.name, session)
    if beaten:
        merged -= len(stage.moment.of(motion.name))
    return Tally(
        target=motion.name,
        source=motion.source.name,
        extracted=extracted,
        loaded=loaded,
        merged=merged,
        quarantined=set_aside + refused,
        filtered=filtered,
        written=loaded,
    )


async def _by_rule(stage: Stage, motion: Motion) -> Tally:
    session, keeper = stage.ledger.session, stage.snapshot.keeper
    fates = await tally_rows(motion, stage.moment, keeper)
    set_aside = await quarantine_static(motion, stage.moment, stage.run, keeper, session)
    keys = await stage.ledger.quarantined_keys(motion.name)
    refused = len(keys) - fates.broken
    spent = await _spent(motion, stage.moment, keeper, keys) if motion.unnests else refused
    yielded = len(await _yielded(stage, motion))
    tally = fates.tally
    standing = int(
        await session.fetchval(f"SELECT count(*) FROM {motion.target.name.sql}", what=f"the table {motion.name}")
    ) - await stage.ledger.kept(motion.name)
    landed = tally.loaded - spent - yielded
    if set_aside != tally.quarantined - fates.broken:
        raise AccountingBroken(
            table=motion.name,
            extracted=tally.extracted,
            loaded=landed,
            merged=tally.merged + yielded,
            quarantined=set_aside + spent,
            filtered=tally.filtered,
        )
    if not motion.unnests and motion.mapping.existing != "update" and standing < landed:
        stage.observer.note(
            f"{motion.name} holds {standing} rows of ours, {landed} landed: verify will name the others"
        )
    return Tally(
        target=tally.target,
        source=tally.source,
        extracted=tally.extracted,
        loaded=landed,
        merged=tally.merged + yielded,
        quarantined=tally.quarantined + spent,
        filtered=tally.filtered,
        written=tally.written - refused,
    )


async def _spent(motion: Motion, moment: Moment, session: Session, keys: frozenset[str]) -> int:
    """Source rows of which the load refused every element that fits."""
    elements = [key for key in (tuple(k.split("\x1f")) for k in sorted(keys)) if len(key) > len(motion.identity)]
    what = f"the accounting of {motion.name}"
    return int(await session.fetchval(motion.spent(elements, moment), what=what)) if elements else 0


async def _yielded(stage: Stage, motion: Motion) -> list[Key]:
    """Source rows that gave way to rows that stood in the table before."""
    if not _keeps(stage, motion):
        return []
    kept = await stage.ledger.kept_keys(motion.name)
    rows = await stage.snapshot.keeper.fetch(
        motion.meeting(list(kept), stage.moment), what=f"the accounting of {motion.name}"
    )
    return [tuple(r.values()) for r in rows]
