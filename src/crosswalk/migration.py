"""Conducts a move: plan in, a filled and accounted target out; stopped at any moment, it can go on.

    migrate   checks the plan against both servers, then fills table by table in one snapshot
    resume    goes on giving the target its form; takes a new snapshot, compares what has landed with it by hash, moves again what
              differs, and goes on

It passes values between the hands (copy, verify, apply); every decision it takes is in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crosswalk import apply
from crosswalk.accounts import fill_accounts
from crosswalk.allowance import Limit, foresee
from crosswalk.claim import claim, look_and_stir, note_landed, note_preserved, note_target
from crosswalk.connect import Session
from crosswalk.copy import advance_sequences
from crosswalk.crew import set_up, targets_of
from crosswalk.earlier import refuse_changed_strategy, refuse_occupied, refuse_unfinished
from crosswalk.errors import CrosswalkError, PlanDrifted, PlanUndecided, SchemaMoved, TriggerUnplanned
from crosswalk.express import Moment, Motion
from crosswalk.failpoints import hit
from crosswalk.filling import fill_references, refuse_hard_failures
from crosswalk.judge import find_moment, kept_keys
from crosswalk.ledger import Ledger, RunState, Tally, former, landed
from crosswalk.ledger.landed import Unrest
from crosswalk.loading import Loading, waiting_builds, waiting_rebuilds
from crosswalk.misfits import build_the_rest
from crosswalk.names import Name
from crosswalk.orphans import add_keys, take_out
from crosswalk.outlook import enter, outlook, standings
from crosswalk.plan import Plan
from crosswalk.progress import Observer, Phase, Silent
from crosswalk.proving import prove_completion
from crosswalk.reconcile import Reconciliation
from crosswalk.rights import require_rights
from crosswalk.sequences import sequence_states, unread_sequences
from crosswalk.shaping import (
    BACKUPS,
    CHUNK_BYTES,
    Shaping,
    archived,
    asked_chunk_bytes,
    is_being_completed,
    is_shaped,
    is_untouched,
    note_settings,
)
from crosswalk.snapshot import Snapshot, snapshot
from crosswalk.stage import Stage
from crosswalk.stopping import note_stop, switch_on
from crosswalk.strategy import unplanned, unplanned_triggers
from crosswalk.stripping import strip
from crosswalk.survey import Servers, Survey, both, glance, look

JOBS = 2


@dataclass(slots=True, kw_only=True)
class Migrated:
    """What a run did."""

    run: int
    tallies: list[Tally] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    """Quarantine counted by table and reason."""
    there: int = 0
    """Of the rows that count as loaded: those that stood in the target already, as they are to be or to be changed."""
    sequences: int = 0
    """Sequences that stand elsewhere than before, be it that rows drew from them."""
    moved_again: int = 0
    """After a resume: rows of finished chunks that differed from the new snapshot."""
    undeclared: tuple[Name, ...] = ()
    """Tables with rows in quarantine that neither the document expects nor a person gave up."""
    unwritten: bool = False
    """The move has no document."""


def never() -> bool:
    """The user has not asked to stop."""
    return False


def unheard(_run: int) -> None:
    """Nobody asks when the run has begun."""


async def migrate(
    plan: Plan,
    servers: Servers,
    *,
    allow: Iterable[str] = (),
    jobs: int = JOBS,
    chunk_bytes: int | None = None,
    observer: Observer | None = None,
    stop: Callable[[], bool] = never,
    backup: Path | None = None,
    who: str = "",
    max_rejects: Limit | None = None,
    begun: Callable[[int], None] = unheard,
) -> Migrated:
    """Carry a plan out; large tables go in chunks of about `chunk_bytes` of the source's heap and TOAST, or of a few seconds.

    Below the directory `backup` preserved tables are dumped, where the plan changes the target's form. `who` is noted
    as the one who allowed the hazards. With `max_rejects` it stops where more rows are rejected in all (TooManyRejects).
    `begun` hears the run's number once there is something to resume.
    Raises PlanUndecided, HazardNotAllowed, StrategyChanged, PlanDrifted, DocumentRefused, RulesProposed, TableNotEmpty,
    AlreadyRunning, ShapeUnexpected, DuplicateKeys, RowsRefused, and what `back_up` raises, before anything is moved;
    Interrupted, SnapshotLost, ConnectionLost, StatementFailed, AccountingBroken after that.
    """
    if plan.decision is None:
        raise PlanUndecided(path=f"plan {plan.id}")
    allowed = list(allow)
    apply.require(plan, allowed)
    asked = {"backup": str((backup or Path(BACKUPS)).absolute()), "allow": allowed, "who": who}
    async with both(servers, purpose="migrate") as (source, target):
        ledger = Ledger(target)
        found = await _look_first(plan, ledger, source, target)
        async with target.transaction():  # a resumption must know what was asked for, a rollback what stood before
            await target.execute("SET LOCAL synchronous_commit = on", what="SET")
            number = await ledger.begin(plan.id, plan.model_dump(mode="json"))
            await note_settings(ledger, number, **asked, max_rejects=str(max_rejects or ""), **{CHUNK_BYTES: chunk_bytes})
            await note_target(ledger, number, found.facts.target)
            hit("run.before_begin")
        begun(number)
        run = _Run(
            plan=plan, found=found, ledger=ledger, servers=servers, run=number, jobs=jobs, observer=observer or Silent(),
            stop=stop, chunk_bytes=chunk_bytes, resumed=False,
        )  # fmt: skip
        del found  # the run looks again, and thousands of tables take room
        return await _conduct(run)


async def _look_first(plan: Plan, ledger: Ledger, source: Session, target: Session) -> Survey:
    """Both sides, and whether the plan may be carried out there; from here on the target is locked. Raises as `migrate`."""
    await ledger.update()
    await refuse_changed_strategy(plan, ledger)
    found = await _look(plan, ledger, source, target)
    await found.require_same_servers(plan)
    found.require_all_planned(plan)
    if not await ledger.exists():
        await _require_unchanged(found, plan, ledger)
        await _refuse_occupied(plan, found, ledger)
    await _require_rights(plan, found, ledger)
    await ledger.create()
    await ledger.lock()
    await refuse_changed_strategy(plan, ledger)
    if not await ledger.held():
        await _require_unchanged(found, plan, ledger)
    await refuse_unfinished(plan, ledger)
    await _refuse_occupied(plan, found, ledger)
    return found


async def resume(
    servers: Servers,
    *,
    jobs: int = JOBS,
    observer: Observer | None = None,
    stop: Callable[[], bool] = never,
    max_rejects: Limit | None = None,
    begun: Callable[[int], None] = unheard,
) -> Migrated:
    """Go on with the newest run that did not finish; raises as `migrate`, and NothingToResume."""
    async with both(servers, purpose="resume") as (source, target):
        ledger = Ledger(target)
        await ledger.update()
        unfinished = await ledger.unfinished()
        plan = Plan.model_validate(unfinished.plan)
        await ledger.lock()
        if max_rejects is not None:
            await note_settings(ledger, unfinished.id, max_rejects=str(max_rejects))
        begun(unfinished.id)
        found = await _look_again(unfinished.id, plan, ledger, source, target, observer or Silent())
        run = _Run(
            plan=plan, found=found, ledger=ledger, servers=servers, run=unfinished.id, jobs=jobs, observer=observer or Silent(),
            stop=stop, chunk_bytes=await asked_chunk_bytes(ledger, unfinished.id), resumed=True,
        )  # fmt: skip
        del found
        return await _conduct(run)


async def _look(plan: Plan, ledger: Ledger, source: Session, target: Session) -> Survey:
    """Both sides; a document that fitted when it was planned no longer does because of drift.

    Where the target has yet to be given its form, the document is held against it afterwards.
    """
    if not await is_shaped(ledger, plan):
        found = await glance(plan.mapping(), source, target)
        await _refuse_unplanned(found, plan, ledger, leaving=archived(plan))
        return found
    found = await look(plan.mapping(), source, target, plan=plan)
    if found.hindrances:
        await _require_unchanged(found, plan, ledger)
    found.require_fit()
    await _refuse_unplanned(found, plan, ledger)
    return found


async def _look_again(
    run: int, plan: Plan, ledger: Ledger, source: Session, target: Session, observer: Observer
) -> Survey:
    """As `_look`, for a run that stopped; where it cannot go on, what it switched off is switched on all the same."""
    try:
        found = await _look(plan, ledger, source, target)
        await _require_unchanged(found, plan, ledger)
        await found.require_same_servers(plan, target=False)
    except CrosswalkError as error:
        await switch_on(ledger, observer)
        if type(error) is PlanDrifted:
            raise SchemaMoved.of(error, run=run) from error
        raise
    return found


async def _require_rights(plan: Plan, found: Survey, ledger: Ledger) -> None:
    """Raises RightsMissing, before anything is written."""
    leaving = () if await is_shaped(ledger, plan) else archived(plan)
    require_rights(plan, found.file.document, found.facts.target, ledger=await ledger.exists(), leaving=leaving)


async def _require_unchanged(found: Survey, plan: Plan, ledger: Ledger) -> None:
    """Raises PlanDrifted or ShapeUnexpected where a schema is not what it should be at this point.

    Between two statements of the plan, and while it completes the form, nobody can say what that is.
    """
    if await is_untouched(ledger, plan):
        found.require_unchanged(plan)
        return
    found.require_source(plan)
    if await is_shaped(ledger, plan) and not await is_being_completed(ledger, plan):
        found.require_shape(plan)


async def _refuse_unplanned(
    found: Survey, plan: Plan, ledger: Ledger, *, leaving: Collection[Name] = frozenset()
) -> None:
    """Raises TriggerUnplanned where a trigger would fire for our rows that the plan neither switches off nor makes."""
    if not await is_being_completed(ledger, plan):
        for table, trigger in unplanned_triggers(found.facts, plan, leaving=leaving)[:1]:
            raise TriggerUnplanned(table=table, trigger=trigger)


@dataclass(slots=True, kw_only=True)
class _Run:
    plan: Plan
    found: Survey
    """Looked at again once the target has its form."""
    ledger: Ledger
    servers: Servers
    run: int
    jobs: int
    observer: Observer
    stop: Callable[[], bool]
    resumed: bool
    chunk_bytes: int | None = None

    @property
    def shaping(self) -> Shaping:
        return Shaping(plan=self.plan, ledger=self.ledger, run=self.run, observer=self.observer, stop=self.stop)


async def _refuse_occupied(plan: Plan, found: Survey, ledger: Ledger) -> None:
    """Raises TableNotEmpty; what still waits to be archived may hold rows."""
    leaving = () if await is_shaped(ledger, plan) else archived(plan)
    await refuse_occupied(found.facts, ledger, leaving=leaving)


async def _conduct(run: _Run) -> Migrated:
    try:
        hit("run.begun")
        await _give_form(run)
        return await _stages(run)
    except BaseException as error:
        await note_stop(run.ledger, run.run, run.observer, error)
        raise


async def _give_form(run: _Run) -> None:
    """Images of what must stay as it is; then the statements of phase `shape`, and a second look. Raises ShapeUnexpected."""
    noted = await run.ledger.preserved(run.run)  # a run that goes on may have been stopped in the middle of this
    await note_preserved(run.ledger, run.run, [n for n in run.found.facts.document.preserved if n not in noted])
    if await is_shaped(run.ledger, run.plan):
        return
    await run.shaping.shape(run.found.facts.target)
    plan, sides = run.plan, (run.found.source, run.found.target)
    run.found = await look(plan.mapping(), *sides, plan=plan)
    run.found.require_shape(run.plan)
    run.found.require_fit()
    await _refuse_unplanned(run.found, run.plan, run.ledger)
    await refuse_occupied(run.found.facts, run.ledger)
    await prove_completion(run.ledger.session, run.plan, run.observer)


async def _stages(run: _Run) -> Migrated:
    ledger, facts = run.ledger, run.found.facts
    for newcomer in run.found.newcomers:
        run.observer.note(newcomer)
    for unread in unread_sequences(facts, run.plan.order):
        run.observer.note(unread)
    await claim(ledger, run.run, facts, run.plan.order)
    for name, unrest in (await look_and_stir(ledger, run.plan.order)).items():
        if unrest is Unrest.FED:  # a run overwrites it where the source still has the row, and cannot tell
            await landed.disturb(ledger.session, name)
    before = await sequence_states(facts, run.plan.order, ledger.session)
    before |= await former.sequences(ledger.session, [run.run])  # a run that goes on has moved some already
    await apply.hold(ledger, run.run, [*run.plan.statements, *unplanned(facts, run.plan)])
    order = run.plan.order
    tables = [facts.source_table(name) for name in order]
    async with (
        snapshot(run.servers.source, tables, workers=run.jobs, purpose="copy") as shared,
        targets_of(run.servers.target, run.jobs) as targets,
    ):
        await ledger.event(run.run, "state", RunState.COPYING, snapshot=shared.id, resumed=run.resumed)
        await set_up(shared.workers, targets)
        await run.found.require_unchanged_under_locks(run.plan, shared.keeper)
        hit("snapshot.taken")
        kept = await kept_keys(facts, order, ledger.session)
        moment = await find_moment(facts, order, shared.keeper, kept=kept)
        occupied = {n for n, empty in (await former.were_empty(ledger.session, order)).items() if not empty}
        stage = _stage(run, moment, shared, targets, occupied)
        await refuse_hard_failures(stage, order)
        stage.allowance = await foresee(ledger, run.run, facts, order, stage.moment, shared.keeper)
        await strip(ledger, run.run, run.plan.statements, facts.target, run.observer.note)
        again = Reconciliation(stage)
        stage.reconciled = again.compare if run.resumed else None
        loading = Loading(stage=stage, builds=await waiting_builds(run.plan, ledger), rebuilds=await waiting_rebuilds(ledger))
        await enter(ledger, run.run, run.observer, Phase.LOAD)
        run.observer.begin(outlook(run.plan, facts, loading.builds, loading.rebuilds))
        for name, found in (await standings(ledger.session, run.run)).items() if run.resumed else ():
            run.observer.stands(name, found)
        result = Migrated(run=run.run, tallies=await loading.load())
        if any(Motion(facts, name).late(order) for name in order):
            await enter(ledger, run.run, run.observer, Phase.REFERENCES)
        result.tallies = [await fill_references(stage, tally) for tally in result.tallies]
        await again.clear()
        await take_out(stage, result.tallies)
        if run.resumed:
            result.moved_again = await again.settle()
            await take_out(stage, result.tallies)
            result.tallies = [await fill_accounts(stage, name) for name in order]
        stage.keep_to_limit(result.tallies)
        await _finish(run, stage, result, before)
    return result


def _stage(run: _Run, moment: Moment, shared: Snapshot, targets: list[Session], occupied: set[Name]) -> Stage:
    return Stage(
        run=run.run, facts=run.found.facts, moment=moment, snapshot=shared, ledger=run.ledger, targets=targets,
        observer=run.observer, order=run.plan.order, stop=run.stop, resumed=run.resumed, chunk_bytes=run.chunk_bytes,
        fresh=frozenset(run.plan.created), occupied=occupied,
    )  # fmt: skip


async def _finish(run: _Run, stage: Stage, result: Migrated, before: Mapping[Name, tuple[int, bool]]) -> None:
    ledger, facts = run.ledger, run.found.facts
    await enter(ledger, run.run, run.observer, Phase.CHECK)
    for name in run.plan.order:
        await advance_sequences(facts, name, ledger.session)
    now = await sequence_states(facts, run.plan.order, ledger.session)
    result.sequences = sum(before.get(name) != state for name, state in now.items())
    await run.shaping.keys()
    await build_the_rest(stage, result.tallies)
    await add_keys(stage, result.tallies)
    stage.keep_to_limit(result.tallies)
    await apply.release(ledger)
    await run.shaping.complete()
    await enter(ledger, run.run, run.observer, Phase.FINISH)
    await stage.snapshot.check()
    await note_landed(ledger, run.run, facts, run.plan.order)
    hit("run.before_finish")
    await ledger.session.execute("SET synchronous_commit = on", what="SET")
    await ledger.event(
        run.run, "state", RunState.FINISHED, sequences=result.sequences, moved_again=result.moved_again
    )
    added = await former.added(ledger.session, run.run)
    result.there = sum(min(t.loaded, max(0, t.written - added.get(t.target, 0))) for t in result.tallies)
    result.reasons = await ledger.reasons()
    result.undeclared = undeclared(run.plan, result.tallies, result.reasons)
    result.unwritten = run.plan.unwritten


def undeclared(plan: Plan, tallies: Iterable[Tally], reasons: Collection[Mapping[str, Any]]) -> tuple[Name, ...]:
    """Tables with rows in quarantine though neither the document says that it expects any, nor a person gave them up."""
    mappings = plan.mapping().document.by_target
    given_up = {str(r["target_table"]) for r in reasons} - {
        str(r["target_table"]) for r in reasons if int(r["rows"]) > int(r["dropped"])
    }
    aside = (t.target for t in tallies if t.quarantined and str(t.target) not in given_up)
    return tuple(name for name in aside if mappings[name].rejects != "quarantine")
