"""Conducts the making of plans: every strategy costed on the real data. Reads only.

The reviewed document is held against the target as it is; those of hybrid and recreate are derived from it and
held against the target as it will be. Rows are judged once for transform and hybrid, whose rules are the same,
and once for recreate. The sample that is timed is rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from crosswalk import ddl
from crosswalk.checking import Checked, judged
from crosswalk.earlier import Earlier, find_earlier, refuse_occupied, refuse_outgrown
from crosswalk.errors import CrosswalkError, SourceKeyDoubled, StrategyImpossible, TableNotEmpty
from crosswalk.express import Facts, Motion
from crosswalk.judge import Problem, examine, gather_facts
from crosswalk.ledger import Ledger
from crosswalk.ledger.census import holding
from crosswalk.mapping import MappingFile
from crosswalk.names import Name, parse
from crosswalk.numerals import plural
from crosswalk.plan import STRATEGIES, UNWRITTEN, Plan, Strategy
from crosswalk.planfile import PlanFile
from crosswalk.schema import Schema
from crosswalk.sequences import unread_sequences
from crosswalk.strategy import (
    Between,
    Candidate,
    Derived,
    Held,
    Shaping,
    as_it_stands,
    as_rows_come,
    asked,
    compose,
    cost,
    derive_hybrid,
    derive_recreate,
    dropped,
    fill_order,
    held,
    held_query,
    parents_with_rows,
    recommend,
    to_create,
)
from crosswalk.survey import Servers, Survey, both, look, read_both
from crosswalk.timing import Timed, time_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What came of planning."""

    file: PlanFile
    checked: Mapping[Strategy, Checked] = field(default_factory=dict)
    """What was counted, by strategy."""


async def make_plan(
    file: MappingFile | None,
    servers: Servers,
    *,
    strategy: Strategy = "transform",
    count: bool = True,
    sample: bool = True,
    rebuild: bool = False,
) -> tuple[Plan, Checked]:
    """One strategy's plan, which nobody has decided on yet; raises as `make_plans`."""
    planned = await make_plans(file, servers, strategies=(strategy,), count=count, sample=sample, rebuild=rebuild)
    return planned.file.plans[strategy], planned.checked[strategy]


async def make_plans(
    file: MappingFile | None,
    servers: Servers,
    *,
    strategies: Sequence[Strategy] = STRATEGIES,
    count: bool = True,
    sample: bool = True,
    schemas: Sequence[str] = (),
    rebuild: bool = False,
) -> Planned:
    """A plan for each strategy that is possible, and the cost of each one.

    Without a document every table of the source (of its `schemas`, or of all) is recreated as it is, and nothing else is possible.
    Raises RulesProposed, DocumentRefused, FormOutgrown, NothingToMove;
    where a single strategy was asked for and is not possible, what stands in
    its way (TableNotEmpty, SourceKeyDoubled) or StrategyImpossible. With `count` the rows are counted by what becomes
    of them, which reads the source once or twice; with `sample` too, some are moved to see how long it takes. With
    `rebuild`, tables that stand and are empty are loaded without their secondary indexes and foreign keys.
    """
    async with _surveyed(file, servers, schemas) as found:
        planner = _Planner(found=found, servers=servers, count=count, sample=sample and count, rebuild=rebuild)
        await planner.look()
        candidates = [await planner.candidate(strategy) for strategy in strategies]
        if len(candidates) == 1:
            _require(candidates[0], planner)
        return planner.planned(candidates)


@asynccontextmanager
async def _surveyed(file: MappingFile | None, servers: Servers, schemas: Sequence[str]) -> AsyncIterator[Survey]:
    """Both sides; a document that somebody wrote must fit them as they are."""
    async with both(servers, purpose="plan") as (source, target):
        if file is None:
            stand = await read_both(source, target)
            made = as_it_stands(*stand, schemas=schemas)
            facts = Facts(source=stand[0], target=stand[1], document=made.document)
            yield Survey(file=made, source=source, target=target, facts=facts, problems=())
            return
        found = await look(file, source, target)
        await refuse_outgrown(file, len(found.problems), Ledger(target))
        found.require_sound()
        yield found


def _require(candidate: Candidate, planner: _Planner) -> None:
    if candidate.plan is None:
        refusal = planner.refusals.get(candidate.strategy)
        raise refusal or StrategyImpossible(strategy=candidate.strategy, reason="; ".join(candidate.blockers))


@dataclass(slots=True, kw_only=True)
class _Way:
    """How a strategy would go, before anything is counted."""

    derived: Derived
    found: Survey
    shaping: Shaping | None = None
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Planner:
    """Takes each strategy as far as it goes."""

    found: Survey
    servers: Servers
    count: bool
    sample: bool
    rebuild: bool
    between: Between = field(init=False)
    held: tuple[Held, ...] = ()
    """What the columns hold that the reviewed document drops."""
    earlier: Earlier | None = None
    """The run that stands in these tables."""
    checked: dict[Strategy, Checked] = field(default_factory=dict)
    refusals: dict[Strategy, CrosswalkError] = field(default_factory=dict)
    _judged: list[tuple[Facts, Checked]] = field(default_factory=list)

    @property
    def file(self) -> MappingFile:
        """The reviewed document."""
        return self.found.file

    @property
    def schemas(self) -> tuple[Schema, Schema]:
        """Source and target as they were found."""
        return self.found.facts.source, self.found.facts.target

    async def look(self) -> None:
        """What all strategies need to know."""
        source, target = self.found.source, self.found.target
        self.between = Between(
            urls=(source.url, target.url), clusters=(await source.cluster(), await target.cluster())
        )
        self.earlier = await find_earlier(Ledger(target), [*self.file.document.by_target])
        if self.count:
            schema = self.schemas[0]
            for name, columns in asked(dropped(self.file.document, schema), schema).items():
                row = await source.fetchrow(held_query(name, columns), what=f"the columns of {name} that are dropped")
                assert row is not None
                self.held += (held(name, columns, dict(row)),)

    async def candidate(self, strategy: Strategy) -> Candidate:
        """The strategy's plan, or what stands in its way."""
        way = await self._way(strategy)
        occupied = await self._hinder(strategy, way)
        made = Candidate(
            strategy=strategy, derived=way.derived, counted=self.count, archived=await self._archived(way),
            held=self.held if strategy == "transform" else (),
        )
        if way.blockers:
            return replace(made, blockers=way.blockers)
        try:
            checked = await self._check(way.found)
        except SourceKeyDoubled as error:
            self.refusals[strategy] = error
            return replace(made, blockers=(str(error),))
        self.checked[strategy] = checked
        timed = await self._timed(way.found.facts, checked)
        plan = compose(
            strategy,
            way.found.facts,
            way.derived.file,
            between=self.between,
            reviewed=None if strategy == "transform" else self.file,
            shaping=way.shaping,
            occupied=occupied,
            tallies=checked.tallies,
            seconds=timed.seconds if timed.measured else None,
            warnings=[
                *way.warnings,
                *_warnings(checked, occupied, way.found.facts),
                *(f"the time of {name} was not measured: {why}" for name, why in timed.untimed.items()),
            ],
            bare=await self._bare(way),
        )
        return replace(
            made, plan=plan, tallies=checked.tallies, verdicts=checked.verdicts, measured=timed.measured
        )

    async def _hinder(self, strategy: Strategy, way: _Way) -> dict[Name, int]:
        """What stands in the target beside what the catalogs say joins the obstacles; rows that may stay are returned."""
        if self.earlier is not None and self.earlier.rules_out(strategy, way.derived.file.text):
            stands = f"run {self.earlier.run} under {self.earlier.plan.strategy} stands in the target: roll it back first"
            way.blockers = (stands, *way.blockers)
        if strategy == "recreate":
            return {}
        try:
            return await refuse_occupied(way.found.facts, Ledger(self.found.target))
        except TableNotEmpty as error:
            if not way.blockers:
                self.refusals[strategy] = error
            way.blockers = (*way.blockers, str(error))
            return {}

    def planned(self, candidates: Sequence[Candidate]) -> Planned:
        """The file, with the comparison."""
        costs = tuple(cost(each, *self.schemas, self.file.document) for each in candidates)
        return Planned(
            file=PlanFile(
                plans={each.strategy: each.plan for each in candidates if each.plan is not None},
                costs=costs,
                recommendation=recommend(costs, self.held, counted=self.count),
            ),
            checked=self.checked,
        )

    # --- ways ---------------------------------------------------------------------------------------

    async def _way(self, strategy: Strategy) -> _Way:
        source, target = self.schemas
        if strategy == "transform":
            return _Way(derived=Derived(file=self.file), found=self.found)
        if strategy == "hybrid":
            derived = derive_hybrid(self.file, source, target)
            if not derived.additions:
                return _Way(derived=derived, found=self.found)
            additions = [ddl.Addition(table=a.target, name=a.name, column=a.column) for a in derived.additions]
            return await self._shaped(derived, ddl.add_columns(source, target, additions))
        created, archive = to_create(self.file, source), _archive_name(source, target)
        keyed, left = parents_with_rows(self.file, source)
        made = ddl.recreate(keyed, target, tables=created, preserved=[*self.file.document.preserved], archive=archive)
        made = replace(made, warnings=(*made.warnings, *left, *await self._columnless(created)))
        moved = {parse(s.table) for s in made.statements if s.kind == "archive" and s.table}
        return await self._shaped(derive_recreate(self.file, source, target, archived=moved), made, archive)

    async def _shaped(self, derived: Derived, made: ddl.Made, archive: str = "") -> _Way:
        """The derived document held against the target as it will be."""
        blockers = (*derived.blockers, *made.blockers)
        way = _Way(derived=derived, found=self.found, blockers=blockers, warnings=made.warnings)
        way.shaping = Shaping(
            former=self.schemas[1],
            statements=(*made.statements, *made.foreign_keys),
            created=derived.created,
            archived=derived.archived,
            archive=archive if derived.archived else "",
        )
        target = as_rows_come(made.projected, derived.created)
        facts, problems = await self._held_against(derived.file, target)
        facts = replace(facts, lenient=made.lenient)
        if blockers:
            problems = [p for p in problems if not _follows(p, blockers)]
        else:
            way.found = replace(self.found, file=derived.file, facts=facts, problems=tuple(problems))
        told = (_obstacle(p, unwritten=self.file.path == UNWRITTEN) for p in problems)
        way.blockers = tuple(dict.fromkeys([*blockers, *told]))
        return way

    async def _held_against(self, file: MappingFile, target: Schema) -> tuple[Facts, list[Problem]]:
        """All problems at once: of tables whose rules the source cannot parse, these alone."""
        facts, found = await gather_facts(file, self.schemas[0], target, self.found.source, self.found.target)
        broken = {p.place[:2] for p in found if p.place[:1] == ("tables",)}
        return facts, [*found, *(p for p in examine(file, facts) if p.place[:2] not in broken)]

    # --- counting -----------------------------------------------------------------------------------

    async def _archived(self, way: _Way) -> dict[Name, int]:
        """Rows of the target tables that would go into the archive."""
        found = {}
        for name in way.derived.archived:
            rows = max(self.schemas[1].tables[name].rows, 0)
            if self.count:
                what = f"the rows of {name}"
                rows = int(await self.found.target.fetchval(f"SELECT count(*) FROM {name.sql}", what=what))
            found[name] = rows
        return found

    async def _columnless(self, created: Sequence[Name]) -> list[str]:
        """A word for each table of a move without a document that holds rows and no column to move them by."""
        tables = [n for n in created if not self.schemas[0].tables[n].columns] if self.file.path == UNWRITTEN else []
        told = []
        for name in tables:
            rows = await self.found.source.fetchval(f"SELECT count(*) FROM {name.sql}", what=f"the rows of {name}")
            if rows:
                told.append(f"{name} has no column: it is made empty, and its {plural(rows, 'row')} cannot be moved")
        return told

    async def _bare(self, way: _Way) -> frozenset[Name]:
        """Tables that stand, are empty and are to be loaded without what slows that down."""
        stand = self.schemas[1].tables.keys() & set(way.found.facts.document.by_target)
        if not self.rebuild or way.derived.created:
            return frozenset()
        return frozenset(stand) - await holding(self.found.target, sorted(stand))

    async def _check(self, found: Survey) -> Checked:
        """What becomes of the rows; asked once where the rules are the same."""
        if not self.count:
            return Checked(problems=())
        for facts, checked in self._judged:
            if _same_rules(facts, found.facts):
                return checked
        checked = await judged(found, self.servers, stands=found is self.found)
        self._judged.append((found.facts, checked))
        return checked

    async def _timed(self, facts: Facts, checked: Checked) -> Timed:
        if not self.sample:
            return Timed(seconds=0.0, measured=False)
        rows = {t.target: t.extracted for t in checked.tallies}
        return await time_sample(facts, fill_order(facts).tables, rows, self.servers.source, self.found.target)


def _same_rules(one: Facts, other: Facts) -> bool:
    """Whether the same rows fit under both: equal conditions, keys, filters and policies, table by table."""
    if one is other:
        return True
    if list(one.document.by_target) != list(other.document.by_target):
        return False
    return all(_rules(one, name) == _rules(other, name) for name in one.document.by_target)


def _rules(facts: Facts, name: Name) -> tuple[object, ...]:
    motion = Motion(facts, name)
    mapping = facts.mapping(name)
    words = (mapping.source, mapping.key, mapping.source_key, mapping.where, mapping.on_duplicate, mapping.rejects)
    constraints = tuple(c.definition for c in facts.target_table(name).constraints)
    return (*words, constraints, *((c.code, c.sql, c.policy) for c in motion.conditions))


def _archive_name(source: Schema, target: Schema) -> str:
    """`archive_YYYYMMDD` in UTC, with a number where a schema of that name, or of one that begins so, is or will be there.

    Where names meet in the archive further ones are made, with numbers behind its name.
    """
    taken = {name.schema for name in (*source.tables, *target.tables)} | {*source.namespaces, *target.namespaces}
    base = f"archive_{datetime.now(UTC):%Y%m%d}"
    name, number = base, 1
    while any(each == name or each.startswith(f"{name}_") for each in taken):
        number += 1
        name = f"{base}_{number}"
    return name


def _warnings(checked: Checked, occupied: Mapping[Name, int], facts: Facts) -> list[str]:
    lines = [
        f"{v.source}: {v.rows if v.rows is not None else 'some'} rows: {v.column or v.constraint or v.code}: {v.reason}"
        for v in checked.verdicts
        if not v.declared
    ]
    lines += [
        f"{name} holds {rows} rows already (existing: {facts.mapping(name).existing})"
        for name, rows in occupied.items()
    ]
    return [*lines, *unread_sequences(facts, facts.document.by_target)]


def _follows(problem: Problem, blockers: Sequence[str]) -> bool:
    """Whether a problem may be there only for what stands in the way already: of the same table, or of none."""
    return problem.place[:1] != ("tables",) or any(str(parse(problem.place[1])) in each for each in blockers)


def _obstacle(problem: Problem, *, unwritten: bool) -> str:
    """A problem as one of several obstacles, with the way out where the document is none."""
    said = problem.message.rstrip(".")
    if problem.code == "column.money":
        return f"{said}. {problem.remedy.rstrip('.')}"
    return f"{said} (a document can say otherwise: `crosswalk match` drafts one)" if unwritten else said
