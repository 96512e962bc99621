"""Conducts a check of the document and the making of a plan. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from crosswalk.express import Facts
from crosswalk.judge import Problem, Verdict, find_moment, judge_rows
from crosswalk.ledger import Ledger, Tally
from crosswalk.mapping import MappingFile
from crosswalk.migration import refuse_occupied
from crosswalk.names import Name
from crosswalk.plan import Plan
from crosswalk.snapshot import snapshot
from crosswalk.strategy import fill_order, plan_transform
from crosswalk.survey import Servers, Survey, survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The document against both catalogs, and the rows against the rules."""

    problems: tuple[Problem, ...]
    tallies: tuple[Tally, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing stands in the way, and every row that does not fit is one that the document speaks of."""
        return not self.problems and all(v.declared for v in self.verdicts)


async def check(file: MappingFile, servers: Servers) -> Checked:
    """Check a document; rows are counted only where the document itself is sound."""
    async with survey(file, servers, purpose="check") as found:
        return await _check(found, servers)


async def _check(found: Survey, servers: Servers) -> Checked:
    if found.problems:
        return Checked(problems=found.problems)
    order = fill_order(found.facts).tables
    tables = [found.facts.source_table(name) for name in order]
    async with snapshot(servers.source, tables, workers=0, purpose="check") as shared:
        moment = await find_moment(found.facts, order, shared.keeper, strict=False)
        tallies, verdicts = await judge_rows(found.facts, order, moment, shared.keeper)
    return Checked(problems=(), tallies=tuple(tallies), verdicts=tuple(verdicts))


async def make_plan(file: MappingFile, servers: Servers, *, count: bool = True) -> tuple[Plan, Checked]:
    """A plan by transform; raises RulesProposed, DocumentRefused, TableNotEmpty.

    With `count` the rows are counted by what becomes of them, which reads the source once.
    """
    async with survey(file, servers, purpose="plan") as found:
        found.require_sound()
        occupied = await refuse_occupied(found.facts, Ledger(found.target))
        checked = await _check(found, servers) if count else Checked(problems=())
        plan = plan_transform(
            found.facts,
            file,
            urls=(found.source.url, found.target.url),
            clusters=(await found.source.cluster(), await found.target.cluster()),
            occupied=occupied,
            tallies=checked.tallies,
            warnings=_warnings(checked, occupied, found.facts),
        )
    return plan, checked


def _warnings(checked: Checked, occupied: dict[Name, int], facts: Facts) -> list[str]:
    lines = [
        f"{v.source}: {v.rows if v.rows is not None else 'some'} rows: {v.column or v.constraint or v.code}: {v.reason}"
        for v in checked.verdicts
        if not v.declared
    ]
    lines += [
        f"{name} holds {rows} rows already (existing: {facts.mapping(name).existing})"
        for name, rows in occupied.items()
    ]
    return lines
