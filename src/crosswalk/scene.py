"""What a verb works with that comes after a move: the newest run that stands, both sides, one snapshot of the source.

Verification, repair and a retry of quarantine begin here. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from crosswalk import apply
from crosswalk.connect import session
from crosswalk.errors import NotFinished, NotFormedYet, NothingMigrated, RolledBack
from crosswalk.express import Facts, Landing, Moment, Motion
from crosswalk.judge import find_moment, kept_keys
from crosswalk.ledger import Ledger, Run, RunState
from crosswalk.mapping import MappingFile
from crosswalk.names import Name
from crosswalk.plan import Plan
from crosswalk.shaping import is_shaped
from crosswalk.snapshot import Snapshot, snapshot
from crosswalk.survey import Servers, Survey, survey


@dataclass(slots=True, kw_only=True)
class Scene:
    """Both sides, open, under one snapshot."""

    found: Survey
    shared: Snapshot
    moment: Moment
    ledger: Ledger
    run: Run
    plan: Plan

    @property
    def facts(self) -> Facts:
        return self.found.facts

    @property
    def order(self) -> tuple[Name, ...]:
        return self.plan.order

    async def forget_gone(self, name: Name) -> None:
        """Rows that stood in a table before and were deleted since are no longer known as such."""
        if await self.ledger.kept(name):
            gone = Landing(Motion(self.facts, name)).forget_gone()
            await self.ledger.session.execute(gone, what=f"the rows that stood in {name} before")


async def newest(ledger: Ledger) -> tuple[Run, Plan]:
    """The newest run of a ledger that stands; raises NothingMigrated, RolledBack, LedgerOutdated."""
    runs = await ledger.runs()
    standing = [run for run in runs if run.state is not RunState.ROLLED_BACK]
    if not standing:
        raise RolledBack(run=runs[0].id) if runs else NothingMigrated()
    return standing[0], Plan.model_validate(standing[0].plan)


async def _last_plan(servers: Servers) -> tuple[Run, Plan]:
    async with session("target", servers.target, purpose="status") as target:
        ledger = Ledger(target)
        await ledger.update()
        return await newest(ledger)


async def require_finished(ledger: Ledger) -> None:
    """Raises NotFinished where the newest run may still be resumed."""
    runs = await ledger.runs()
    if runs and not runs[0].state.over:
        raise NotFinished(run=runs[0].id, state=runs[0].state)


@asynccontextmanager
async def scene(
    servers: Servers, file: MappingFile | None, *, purpose: str, lock: bool, finished: bool = False
) -> AsyncIterator[Scene]:
    """Open both sides; with `lock` nobody else writes meanwhile, with `finished` the newest run must have finished.

    Raises NothingMigrated, RolledBack, NotFormedYet, AlreadyRunning, NotFinished, SchemaMoved, DocumentRefused,
    RulesProposed, PlanElsewhere, and whatever keeps a side from being read.
    """
    run, plan = await _last_plan(servers)
    async with survey(file or plan.mapping(), servers, purpose=purpose, plan=plan) as found:
        ledger = Ledger(found.target)
        if not await is_shaped(ledger, plan):
            raise NotFormedYet(run=run.id)
        if lock:
            await ledger.lock()
        if finished:
            await require_finished(ledger)
        try:
            found.require_fit(run=run.id if file is None else None)
            if lock:
                await found.require_same_servers(plan, target=False)
        except BaseException:
            if lock:  # a repair that was killed may have left triggers off, and this one will not come to them
                await apply.restore_what_can_be(ledger)
            raise
        tables = [found.facts.source_table(name) for name in plan.order]
        async with snapshot(servers.source, tables, workers=1, purpose=purpose) as shared:
            kept = await kept_keys(found.facts, plan.order, found.target)
            moment = await find_moment(found.facts, plan.order, shared.keeper, kept=kept)
            yield Scene(found=found, shared=shared, moment=moment, ledger=ledger, run=run, plan=plan)
