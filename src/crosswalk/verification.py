"""Conducts a verification of everything that was moved, and the repair of what was found.

Rows of each table through the mapping, the accounting, sequences, preserved tables; says what it
covered and what not. An error is never a pass: it is raised. What was found is noted in the ledger
(counts and masked keys), where the role may write there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from crosswalk import apply
from crosswalk.claim import look_and_stir, note_mended
from crosswalk.connect import Session
from crosswalk.copy import advance_sequences, quarantine_static
from crosswalk.errors import MissingPrivilege, RestCannotDelete, StatementFailed
from crosswalk.express import Key, Landing, Moment, Motion
from crosswalk.judge import steadily, tally_rows
from crosswalk.ledger import Held, Tally
from crosswalk.ledger import proof as noted
from crosswalk.mapping import MappingFile
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.orphans import take_out
from crosswalk.progress import Observer, Silent, Stretch
from crosswalk.repair import Repaired, delete_surplus, move_again
from crosswalk.scene import Scene, scene
from crosswalk.sequences import Position, sequence_positions, uncovered_sequences
from crosswalk.snapshot import savepoint
from crosswalk.stage import Stage
from crosswalk.strategy import unplanned
from crosswalk.survey import Servers
from crosswalk.verify import (
    Known,
    PreservedResult,
    TableResult,
    changed_in_quarantine,
    compare_table,
    image_of,
    preserved_proof,
    table_proof,
)


@dataclass(slots=True, kw_only=True)
class Verified:
    """What a verification found."""

    tables: list[TableResult] = field(default_factory=list)
    accounting: list[tuple[Tally, str]] = field(default_factory=list)
    """The accounting as it is now, and what is wrong with it (empty: nothing)."""
    sequences: list[Position] = field(default_factory=list)
    preserved: list[PreservedResult] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    """Triggers and foreign keys that a run or a repair switched off and nobody switched on again."""
    stale: dict[Name, list[Key]] = field(default_factory=dict)
    """Rows in quarantine that have changed in the source since."""
    uncovered: list[str] = field(default_factory=list)
    """What was not verified, and why."""
    unrecorded: str = ""
    """Why the ledger does not know of it; empty where it does."""

    @property
    def clean(self) -> bool:
        """Nothing differs. A preserved table that its own application changed is a warning, not a difference."""
        return (
            all(t.clean for t in self.tables)
            and not any(problem for _, problem in self.accounting)
            and not any(p.behind for p in self.sequences)
            and not self.held
        )

    @property
    def rows(self) -> int:
        """Rows that should be there, each of them compared."""
        return sum(t.expected for t in self.tables)

    @property
    def differences(self) -> int:
        return sum(len(t.differences) for t in self.tables)


async def verify(
    servers: Servers, *, file: MappingFile | None = None, exact: bool = False, observer: Observer | None = None
) -> Verified:
    """Compare everything that the last run moved, under one snapshot of the source.

    Raises NothingMigrated, SchemaMoved, DocumentRefused, and whatever keeps a side from being read.
    """
    began = time.monotonic()
    async with scene(servers, file, purpose="verify", lock=False) as found:
        result = await _verify(found, exact=exact, observer=observer or Silent())
        await _note(found, result, "verified", exact=exact, began=began)
        return result


async def _known(scene: Scene, name: Name) -> Known:
    keep = await scene.ledger.filled(name) is False and scene.facts.mapping(name).existing == "keep"
    kept: frozenset[str] = frozenset()
    if await scene.ledger.kept(name):
        standing = Landing(Motion(scene.facts, name)).kept_and_standing()
        kept = frozenset(
            r["k"] for r in await scene.found.target.fetch(standing, what=f"the rows that stood in {name} before")
        )
    return Known(quarantined=await scene.ledger.quarantined_keys(name), kept=kept, keep=keep)


async def _verify(scene: Scene, *, exact: bool, observer: Observer) -> Verified:
    result = Verified()
    target = scene.found.target
    for name in scene.order:
        motion = Motion(scene.facts, name)
        observer.table(name, 1, 0)
        known, keeper = await _known(scene, name), scene.shared.keeper
        ask = partial(_compared, motion=motion, source=keeper, target=target, known=known, exact=exact)
        table, scene.moment = await steadily(scene.facts, name, scene.moment, keeper, ask)
        table.quarantined += len(scene.moment.broken.get(name, ()))
        result.tables.append(table)
        observer.chunk(name, Stretch(rows=table.source_rows, rejected=len(table.differences)))
        tally, problem = await _accounting(scene, motion, table)
        async with savepoint(keeper):
            stale = await changed_in_quarantine(motion, keeper, target)
        if stale:
            result.stale[name] = stale
            problem = (
                problem or f"changed in the source since they went to quarantine: {plural(len(stale), 'row')}, to be moved again"
            )
        result.accounting.append((tally, problem))
        result.sequences += await sequence_positions(scene.facts, name, target)
        result.uncovered += uncovered_sequences(scene.facts, name)
        if table.unchecked:
            result.uncovered.append(f"{name}: {', '.join(table.unchecked)} (made by the server or left to a default)")
    result.held = await scene.ledger.held()
    await scene.shared.check()
    before = await scene.ledger.preserved(scene.run.id)
    for name in scene.facts.document.preserved:
        if name not in before:
            result.uncovered.append(f"{name}: preserved, but the run took no image of it")
            continue
        rows, total = await image_of(target, name)
        result.preserved.append(
            PreservedResult(table=name, rows=rows, rows_before=before[name][0], unchanged=(rows, total) == before[name])
        )
    result.uncovered += scene.found.newcomers
    if role := scene.shared.keeper.bound_role:
        result.uncovered.append(f"rows that row-level security hides from {role}, the role of the key for the source")
    for source, why in scene.facts.document.ignored_sources.items():
        result.uncovered.append(f"{source}: ignored ({why})")
    return result


async def _compared(
    moment: Moment, *, motion: Motion, source: Session, target: Session, known: Known, exact: bool
) -> TableResult:
    return await compare_table(motion, moment, source, target, known=known, exact=exact)


async def _accounting(scene: Scene, motion: Motion, table: TableResult) -> tuple[Tally, str]:
    """The accounting by the rules under this snapshot, held against what the ledger holds in quarantine."""
    async with savepoint(scene.shared.keeper):
        fates = await tally_rows(motion, scene.moment, scene.shared.keeper)
    tally = fates.tally
    problem = ""
    if not tally.balanced:
        problem = "the sum does not come out"
    held = int(
        await scene.ledger.session.fetchval(
            "SELECT count(*) FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'rules'",
            str(motion.name),
            what="the quarantine",
        )
    )
    if held != tally.quarantined - fates.broken:
        problem = f"set aside by the rules: {plural(tally.quarantined - fates.broken, 'row')}, and quarantine holds {held:,}"
    unknown = set(scene.moment.broken.get(motion.name, ())) - set(await scene.ledger.raising_keys(motion.name))
    if unknown:
        problem = f"a rule raises an error for {plural(len(unknown), 'row')} not in quarantine"
    if table.source_rows != tally.written:
        problem = f"to be written by the rules: {plural(tally.written, 'row')}, and {table.source_rows:,} came to the comparison"
    return tally, problem


@dataclass(slots=True, kw_only=True)
class Mended:
    """What a repair did."""

    before: Verified
    tables: dict[Name, Repaired] = field(default_factory=dict)
    after: Verified | None = None
    """The verification after it; None where there was nothing to do."""


async def repair(
    servers: Servers,
    *,
    file: MappingFile | None = None,
    delete_extra: bool = False,
    exact: bool = False,
    observer: Observer | None = None,
) -> Mended:
    """Verify, move the differing keys again, verify again; raises as `verify` and AlreadyRunning."""
    told, began = observer or Silent(), time.monotonic()
    async with scene(servers, file, purpose="repair", lock=True) as found:
        if delete_extra and found.shared.keeper.bound_role:
            keeper = found.shared.keeper
            raise RestCannotDelete(url=keeper.stands_for, role=keeper.bound_role)
        for name in found.order:
            await found.forget_gone(name)
        mended = Mended(before=await _verify(found, exact=exact, observer=told))
        if not mended.before.clean:
            seen = await look_and_stir(found.ledger, [t.target for t in _broken(mended.before)])
            await _mend(found, mended, delete_extra=delete_extra)
            mended.after = await _verify(found, exact=exact, observer=told)
            healed = [t.target for t in mended.after.tables if t.clean]
            await note_mended(found.ledger, found.run.id, found.facts, seen, clean=healed)
        word: noted.Word = "repaired" if mended.after else "verified"
        await _note(found, mended.after or mended.before, word, exact=exact, began=began, mended=mended.tables)
    return mended


async def _note(
    scene: Scene,
    found: Verified,
    word: noted.Word,
    *,
    exact: bool,
    began: float,
    mended: Mapping[Name, Repaired] | None = None,
) -> None:
    """Tell the ledger; where that is refused, the answer says so."""
    proof = noted.Proof(
        word=word,
        clean=found.clean,
        exact=exact,
        rows=found.rows,
        seconds=round(time.monotonic() - began, 3),
        tables=tuple(_table_proof(t, found) for t in found.tables),
        sequences=len(found.sequences),
        behind=tuple(f"{p.sequence} ({p.target}.{p.column})" for p in found.sequences if p.behind),
        held=tuple(f"{h.kind} {h.name} of {h.target}" for h in found.held),
        preserved=tuple(preserved_proof(p) for p in found.preserved),
        uncovered=tuple(found.uncovered),
        mended=tuple(repaired.noted(name) for name, repaired in (mended or {}).items()),
    )
    try:
        await noted.write_proof(scene.ledger.session, scene.run.id, proof)
    except (MissingPrivilege, StatementFailed) as error:
        found.unrecorded = str(error.fields.get("reason", error))


def _table_proof(table: TableResult, found: Verified) -> noted.TableProof:
    problem = next((problem for tally, problem in found.accounting if tally.target == table.target), "")
    return table_proof(table, problem=problem, stale=len(found.stale.get(table.target, ())))


def _broken(before: Verified) -> list[TableResult]:
    return [t for t in before.tables if not t.clean or t.target in before.stale]


async def _mend(scene: Scene, mended: Mended, *, delete_extra: bool) -> None:
    """Repair table by table, with the plan's triggers and circular keys switched off meanwhile."""
    before = mended.before
    broken, concerned = _broken(before), {str(t.target) for t in _broken(before)}
    # A table that the plan made has its triggers only since its rows came: the plan does not switch them off.
    off = [*scene.plan.statements, *unplanned(scene.facts, scene.plan)]
    await apply.hold(scene.ledger, scene.run.id, [s for s in off if s.table in concerned])
    leaving: dict[Name, list[str]] = {}
    try:
        for table in broken:
            mended.tables[table.target] = await _again(scene, table, before, second=False)
        for table in broken:
            if Motion(scene.facts, table.target).late(scene.order):
                leaving[table.target] = (await _again(scene, table, before, second=True)).leaving
        await _take_out(scene, {name: keys for name, keys in leaving.items() if keys})
        for table in reversed(broken):
            await _delete(scene, table, mended.tables[table.target], wanted=delete_extra)
        for table in broken:
            if mended.tables[table.target].refused:
                mended.tables[table.target].refused = (await _again(scene, table, before, last=True)).refused
        await _refresh_quarantine(scene, before)
    except BaseException:
        await apply.restore_what_can_be(scene.ledger)
        raise
    # What a run that has yet to finish took off, it adds itself: the keys pointed to may not stand, nor all the rows.
    await apply.release(scene.ledger, kinds=apply.KINDS if scene.run.state.over else ("trigger",))
    for name in dict.fromkeys([*(t.target for t in broken), *(p.target for p in before.sequences if p.behind)]):
        await advance_sequences(scene.facts, name, scene.ledger.session)


async def _take_out(scene: Scene, leaving: dict[Name, list[str]]) -> None:
    """Rows that the second passage refused, and what refers to them."""
    stage = Stage(
        run=scene.run.id, facts=scene.facts, moment=scene.moment, snapshot=scene.shared, ledger=scene.ledger, targets=[],
        observer=Silent(), order=scene.order, stop=lambda: False, leaving=leaving,
    )  # fmt: skip
    await take_out(stage, [])


async def _refresh_quarantine(scene: Scene, before: Verified) -> None:
    """Write the rows again that the rules set aside now, where the accounting says that others stand there."""
    for tally, problem in before.accounting:
        if problem:
            motion = Motion(scene.facts, tally.target)
            await quarantine_static(motion, scene.moment, scene.run.id, scene.shared.keeper, scene.ledger.session)


async def _again(
    scene: Scene, table: TableResult, before: Verified, *, second: bool = False, last: bool = False
) -> Repaired:
    """Move a table's differing rows again; references into tables repaired after it wait for the second passage.

    By the `last` time all tables are as they will be: a row whose reference leads nowhere has no place any more.
    """
    motion = Motion(scene.facts, table.target)
    keys = [d.source_key for d in table.differences if d.source_key is not None]
    return await move_again(
        motion,
        scene.moment,
        scene.shared,
        scene.shared.keeper,
        scene.found.target,
        scene.run.id,
        [*keys, *before.stale.get(table.target, [])],
        late=frozenset() if second or last else motion.late(scene.order),
        second=second,
        keep=(await _known(scene, table.target)).keep,
    )


async def _delete(scene: Scene, table: TableResult, result: Repaired, *, wanted: bool) -> None:
    """Delete rows too many, children before their parents, where that is wanted; else they are left."""
    if not wanted:
        result.left += [d for d in table.differences if d.kind == "extra"]
        return
    ours = await scene.ledger.filled(table.target) is True
    motion = Motion(scene.facts, table.target)
    await delete_surplus(motion, scene.found.target, scene.run.id, table.differences, result, ours=ours)
