"""Earlier runs that stand in a target, and what they rule out. Reads only. Part of the conductor.

A plan says nothing of what was done since it was written: the ledger does. A run that nobody has taken back has
filled tables, or given them another form; a plan of another strategy would build on that, and a document that was
written for the form before no longer fits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError

from crosswalk.errors import FormOutgrown, RunUnfinished, StrategyChanged, TableNotEmpty
from crosswalk.express import Facts
from crosswalk.ledger import Ledger, Run, RunState, former
from crosswalk.ledger.census import counts, holding
from crosswalk.mapping import MappingFile
from crosswalk.names import Name, parse
from crosswalk.numerals import plural
from crosswalk.plan import Plan, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The newest run that stands in the target, as far as given tables are concerned."""

    run: int
    plan: Plan
    shaped: bool
    """It has changed the target's form."""

    def rules_out(self, strategy: Strategy, document: str) -> bool:
        """Whether a plan would build on what another strategy did; the same document does the same again."""
        return strategy != self.plan.strategy and document != self.plan.document


def concerned(plan: Plan) -> frozenset[Name]:
    """Every table that a plan fills, makes, moves or gives another form."""
    formed = (s.table for phase in ("shape", "complete") for _, s in plan.phase(phase) if s.table)
    return frozenset(plan.order) | {parse(table) for table in formed}


async def find_earlier(ledger: Ledger, tables: Collection[Name]) -> Earlier | None:
    """None where no run of ours stands in any of the tables."""
    for run in await ledger.runs():
        plan = _plan(run)
        if plan is None or not concerned(plan) & frozenset(tables):
            continue
        shaped = bool(await former.standing_numbers(ledger.session, plan.id))
        if shaped or await former.claims(ledger.session, concerned(plan)):
            return Earlier(run=run.id, plan=plan, shaped=shaped)
    return None


def _plan(run: Run) -> Plan | None:
    """None where it was rolled back, or was made by a version whose plans are no longer understood."""
    if run.state is RunState.ROLLED_BACK:
        return None
    try:
        return Plan.model_validate(run.plan)
    except ValidationError:
        return None


async def refuse_changed_strategy(plan: Plan, ledger: Ledger) -> None:
    """Raises StrategyChanged where a run of another strategy stands in the plan's tables."""
    found = await find_earlier(ledger, concerned(plan))
    if found is not None and found.rules_out(plan.strategy, plan.document):
        raise StrategyChanged(run=found.run, stood=found.plan.strategy, asked=plan.strategy)


async def refuse_outgrown(file: MappingFile, problems: int, ledger: Ledger) -> None:
    """Raises FormOutgrown where a document has problems because a run has given the target another form."""
    found = await find_earlier(ledger, [*file.document.by_target]) if problems else None
    if found is not None and found.shaped:
        what = "this very document" if file.text in {found.plan.reviewed, found.plan.document} else "a document on these tables"
        raise FormOutgrown(
            path=file.path, run=found.run, strategy=found.plan.strategy, what=what, problems=problems
        )


async def refuse_unfinished(plan: Plan, ledger: Ledger) -> None:
    """Raises RunUnfinished where a run of the same plan has landed rows and did not finish."""
    runs = await ledger.runs()
    stopped = runs and runs[0].plan_id == plan.id and not runs[0].state.over
    if stopped and any(table["landed"] for table in await ledger.progress(runs[0].id)):
        raise RunUnfinished(run=runs[0].id)


async def refuse_occupied(
    facts: Facts, ledger: Ledger, *, leaving: Collection[Name] = frozenset()
) -> dict[Name, int]:
    """Rows in target tables that no run of ours filled; raises TableNotEmpty where the mapping refuses them.

    Tables that are not there yet hold none, and what a plan moves out of the way (`leaving`) may hold any.
    """
    asked = [name for name in facts.document.by_target if name not in leaving and name in facts.target.tables]
    ours = await former.were_empty(ledger.session, asked) if await ledger.exists() else {}
    held = await holding(ledger.session, (name for name in asked if name not in ours))
    occupied = await counts(ledger.session, (name for name in asked if name in held))
    refused = [(n, rows) for n, rows in occupied.items() if rows and facts.mapping(n).existing == "refuse"]
    if refused:
        (name, rows), *others = refused
        more = ", ".join(f"{other} ({plural(count, 'row')})" for other, count in others)
        raise TableNotEmpty(table=name, rows=rows, more=f", and so do others: {more}" if more else "")
    return {name: rows for name, rows in occupied.items() if rows}
