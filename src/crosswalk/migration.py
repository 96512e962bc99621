"""Conducts a move: plan in, a filled and accounted target out; stopped at any moment, it can go on.

    migrate   checks the plan against both servers, then fills table by table in one snapshot
    resume    takes a new snapshot, compares what has landed with it by hash, moves again what
              differs, and goes on

It passes values between the hands (copy, verify, apply); every decision it takes is in the ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from crosswalk import apply
from crosswalk.connect import Session, session
from crosswalk.copy import CHUNK_BYTES, advance_sequences
from crosswalk.errors import CrosswalkError, RunUnfinished, TableNotEmpty, TriggerUnplanned
from crosswalk.express import Facts, Landing, Motion
from crosswalk.failpoints import hit
from crosswalk.filling import Stage, fill_accounts, fill_references, fill_table, refuse_hard_failures
from crosswalk.judge import find_moment
from crosswalk.ledger import Ledger, RunState, Tally
from crosswalk.names import Name
from crosswalk.orphans import add_keys
from crosswalk.plan import Plan
from crosswalk.progress import Observer, Silent
from crosswalk.reconcile import Reconciliation
from crosswalk.snapshot import snapshot
from crosswalk.strategy import unplanned_triggers
from crosswalk.survey import Servers, Survey, survey
from crosswalk.verify import image_of

JOBS = 2


@dataclass(slots=True, kw_only=True)
class Migrated:
    """What a run did."""

    run: int
    tallies: list[Tally] = field(default_factory=list)
    reasons: list[dict[str, object]] = field(default_factory=list)
    """Quarantine counted by table and reason."""
    sequences: int = 0
    """Sequences that were moved."""
    moved_again: int = 0
    """After a resume: rows of finished chunks that differed from the new snapshot."""
    undeclared: tuple[Name, ...] = ()
    """Tables with rows in quarantine though the document does not say that it expects any."""


def never() -> bool:
    """The user has not asked to stop."""
    return False


async def migrate(
    plan: Plan,
    servers: Servers,
    *,
    allow: Iterable[str] = (),
    jobs: int = JOBS,
    chunk_bytes: int = CHUNK_BYTES,
    observer: Observer | None = None,
    stop: Callable[[], bool] = never,
) -> Migrated:
    """Carry a plan out; large tables go in chunks of about `chunk_bytes` of the source's heap and TOAST.

    Raises HazardNotAllowed, PlanDrifted, DocumentRefused, RulesProposed, TableNotEmpty, AlreadyRunning,
    DuplicateKeys, RowsRefused before anything is moved; Interrupted, SnapshotLost, ConnectionLost,
    StatementFailed, AccountingBroken after that.
    """
    apply.require(plan, allow)
    async with survey(plan.mapping(), servers, purpose="migrate") as found:
        _require(found, plan)
        await found.require_same_servers(plan)
        ledger = Ledger(found.target)
        if not await ledger.exists():
            found.require_unchanged(plan)
            await refuse_occupied(found.facts, ledger)
        await ledger.create()
        await ledger.lock()
        if not await ledger.held():
            found.require_unchanged(plan)
        _refuse_unplanned(found, plan)
        await _refuse_unfinished(plan, ledger)
        await refuse_occupied(found.facts, ledger)
        run = await ledger.begin(plan.id, plan.model_dump(mode="json"))
        return await _conduct(
            _Run(
                plan=plan,
                found=found,
                ledger=ledger,
                servers=servers,
                run=run,
                jobs=jobs,
                observer=observer or Silent(),
                stop=stop,
                chunk_bytes=chunk_bytes,
                resumed=False,
            )
        )


async def resume(
    servers: Servers, *, jobs: int = JOBS, observer: Observer | None = None, stop: Callable[[], bool] = never
) -> Migrated:
    """Go on with the newest run that did not finish; raises as `migrate`, and NothingToResume."""
    async with session("target", servers.target, purpose="resume") as target:
        unfinished = await Ledger(target).unfinished()
    plan = Plan.model_validate(unfinished.plan)
    async with survey(plan.mapping(), servers, purpose="resume") as found:
        found.require_unchanged(plan)
        found.require_sound()
        await found.require_same_servers(plan, target=False)
        _refuse_unplanned(found, plan)
        ledger = Ledger(found.target)
        await ledger.lock()
        return await _conduct(
            _Run(
                plan=plan,
                found=found,
                ledger=ledger,
                servers=servers,
                run=unfinished.id,
                jobs=jobs,
                observer=observer or Silent(),
                stop=stop,
                resumed=True,
            )
        )


def _require(found: Survey, plan: Plan) -> None:
    """Raises as `Survey.require_sound`; a document that fitted when it was planned no longer does because of drift."""
    if found.problems:
        found.require_unchanged(plan)
    found.require_sound()


async def _refuse_unfinished(plan: Plan, ledger: Ledger) -> None:
    """Raises RunUnfinished where a run of the same plan has landed rows and did not finish."""
    runs = await ledger.runs()
    stopped = runs and runs[0].plan_id == plan.id and runs[0].state is not RunState.FINISHED
    if stopped and any(table["landed"] for table in await ledger.progress(runs[0].id)):
        raise RunUnfinished(run=runs[0].id)


def _refuse_unplanned(found: Survey, plan: Plan) -> None:
    """Raises TriggerUnplanned where a trigger would fire for our rows that the plan does not switch off."""
    for table, trigger in unplanned_triggers(found.facts, plan)[:1]:
        raise TriggerUnplanned(table=table, trigger=trigger)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    plan: Plan
    found: Survey
    ledger: Ledger
    servers: Servers
    run: int
    jobs: int
    observer: Observer
    stop: Callable[[], bool]
    resumed: bool
    chunk_bytes: int = CHUNK_BYTES


async def refuse_occupied(facts: Facts, ledger: Ledger) -> dict[Name, int]:
    """Rows in target tables that no run of ours filled; raises TableNotEmpty where the mapping refuses them."""
    occupied = {}
    known = await ledger.exists()
    for name, mapping in facts.document.by_target.items():
        if known and await ledger.filled(name) is not None:
            continue
        rows = int(await ledger.session.fetchval(f"SELECT count(*) FROM {name.sql}", what=f"the table {name}"))
        if rows and mapping.existing == "refuse":
            raise TableNotEmpty(table=name, rows=rows)
        if rows:
            occupied[name] = rows
    return occupied


async def _conduct(run: _Run) -> Migrated:
    try:
        return await _stages(run)
    except BaseException as error:
        await _stopped(run, error)
        raise


async def _stopped(run: _Run, error: BaseException) -> None:
    """Note the stop and switch triggers on again, as far as the target still answers."""
    if run.ledger.session.raw.is_closed():
        return
    try:
        if run.ledger.session.raw.is_in_transaction():
            await run.ledger.session.execute("ROLLBACK", what="ROLLBACK")
        code = error.code if isinstance(error, CrosswalkError) else type(error).__name__
        await run.ledger.event(run.run, "state", RunState.STOPPED, error=code)
        for failed in await apply.restore_what_can_be(run.ledger):
            run.observer.note(f"still switched off, `crosswalk resume` tries again: {failed}")
    except CrosswalkError as second:
        run.observer.note(f"the stop could not be noted in the ledger: {second}")


async def _stages(run: _Run) -> Migrated:
    ledger, facts = run.ledger, run.found.facts
    for name in facts.document.preserved:
        if not run.resumed:
            rows, total = await image_of(ledger.session, name)
            await ledger.preserve(run.run, name, rows, total)
    await _claim(run)
    await apply.hold(ledger, run.run, run.plan.statements)
    order = run.plan.order
    tables = [facts.source_table(name) for name in order]
    async with snapshot(run.servers.source, tables, workers=run.jobs, purpose="copy") as shared, _hands(run) as targets:
        await ledger.event(run.run, "state", RunState.COPYING, snapshot=shared.id, resumed=run.resumed)
        await run.found.require_unchanged_under_locks(run.plan, shared.keeper)
        hit("snapshot.taken")
        moment = await find_moment(facts, order, shared.keeper)
        stage = Stage(
            run=run.run,
            facts=facts,
            moment=moment,
            snapshot=shared,
            ledger=ledger,
            targets=targets,
            observer=run.observer,
            order=order,
            stop=run.stop,
            resumed=run.resumed,
            chunk_bytes=run.chunk_bytes,
            occupied={n for n in order if await ledger.filled(n) is False},
        )
        await refuse_hard_failures(stage, order)
        run.observer.begin([(n, t.rows, t.bytes) for n, t in zip(order, tables, strict=True)])
        result = Migrated(run=run.run)
        again = Reconciliation(stage)
        for name in order:
            stage.stop_here()
            if run.resumed:
                await again.compare(name)
            result.tallies.append(await fill_table(stage, name))
        result.tallies = [await fill_references(stage, tally) for tally in result.tallies]
        if run.resumed:
            result.moved_again = await again.settle()
            result.tallies = [await fill_accounts(stage, name) for name in order]
        await _finish(run, stage, result)
    return result


async def _claim(run: _Run) -> None:
    """Note which target tables are filled by us from here on, and which rows stand there already."""
    ledger, facts = run.ledger, run.found.facts
    for name in run.plan.order:
        landing = Landing(Motion(facts, name))
        if await ledger.filled(name) is not None:
            if await ledger.kept(name):
                await ledger.session.execute(landing.forget_gone(), what=f"the rows that stood in {name} before")
            continue
        async with ledger.session.transaction():
            tag = await ledger.session.execute(
                "INSERT INTO crosswalk.kept (target_table, target_key) SELECT $1, k.target_key"
                f" FROM ({landing.existing_keys()}) AS k WHERE k.target_key IS NOT NULL",
                str(name),
                what=f"the rows that stand in {name}",
            )
            await ledger.fill(run.run, name, was_empty=tag.endswith(" 0"))


@asynccontextmanager
async def _hands(run: _Run) -> AsyncIterator[list[Session]]:
    """One session to the target for each worker."""
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(session("target", run.servers.target, purpose="load"))
            for _ in range(run.jobs)
        ]
        yield found


async def _finish(run: _Run, stage: Stage, result: Migrated) -> None:
    ledger, facts = run.ledger, run.found.facts
    for name in run.plan.order:
        for position in await advance_sequences(facts, name, ledger.session):
            result.sequences += position.behind
    await add_keys(stage, result.tallies)
    await apply.release(ledger)
    await stage.snapshot.check()
    hit("run.before_finish")
    await ledger.session.execute("SET synchronous_commit = on", what="SET")
    await ledger.event(run.run, "state", RunState.FINISHED)
    result.reasons = await ledger.reasons()
    result.undeclared = tuple(
        t.target for t in result.tallies if t.quarantined and facts.mapping(t.target).rejects != "quarantine"
    )
