"""Which runs a rollback takes back: the newest that stands, and all that share a table with it, directly or not."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from crosswalk.earlier import concerned
from crosswalk.errors import FormerStateUnknown, NothingToRollBack
from crosswalk.ledger import Ledger, Run, RunState
from crosswalk.names import Name, parse
from crosswalk.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is taken back."""

    runs: tuple[Run, ...]
    """Oldest first."""
    plans: tuple[Plan, ...]
    """Beside them."""
    others: tuple[int, ...] = ()
    """Runs that stand and have no table in common with these."""

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(run.id for run in self.runs)

    @property
    def tables(self) -> frozenset[Name]:
        """Everything that was filled, made or moved."""
        return frozenset().union(*(concerned(plan) for plan in self.plans))

    @property
    def preserved(self) -> frozenset[Name]:
        return frozenset(parse(name) for plan in self.plans for name in plan.preserved)

    @property
    def archived(self) -> frozenset[Name]:
        """Tables that a plan moves out of the way: one of that name now is another."""
        return frozenset(
            parse(s.table) for plan in self.plans for _, s in plan.phase("shape") if s.kind == "archive" and s.table
        )

    @property
    def in_archive(self) -> frozenset[Name]:
        """Where those stand now."""
        return frozenset(
            Name(plan.archive, parse(s.table).relation)
            for plan in self.plans
            for _, s in plan.phase("shape")
            if s.kind == "archive" and s.table and plan.archive
        )

    @property
    def made(self) -> frozenset[Name]:
        """Tables that a plan creates."""
        return frozenset(
            parse(s.table) for plan in self.plans for _, s in plan.phase("shape") if s.kind == "create" and s.table
        )

    @property
    def pending_keys(self) -> frozenset[tuple[Name, str]]:
        """(table, name) of foreign keys that a plan adds once the rows are there."""
        return frozenset().union(*(plan.later_keys for plan in self.plans))


def _plan(run: Run) -> Plan:
    try:
        return Plan.model_validate(run.plan)
    except ValidationError as error:
        raise FormerStateUnknown(run=run.id) from error


async def find_scope(ledger: Ledger) -> Scope:
    """The runs; raises NothingToRollBack, FormerStateUnknown."""
    standing = [run for run in await ledger.runs() if run.state is not RunState.ROLLED_BACK]
    if not standing:
        raise NothingToRollBack()
    plans = {run.id: _plan(run) for run in standing}
    chosen, tables = {standing[0].id}, concerned(plans[standing[0].id])
    while True:
        more = {number for number, plan in plans.items() if number not in chosen and concerned(plan) & tables}
        if not more:
            break
        chosen |= more
        tables = tables.union(*(concerned(plans[number]) for number in more))
    runs = tuple(sorted((run for run in standing if run.id in chosen), key=lambda run: run.id))
    others = tuple(sorted(number for number in plans if number not in chosen))
    return Scope(runs=runs, plans=tuple(plans[run.id] for run in runs), others=others)
