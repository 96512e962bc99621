"""Both sides looked at together: catalogs, facts, and whether the document fits them.

Every verb that needs the mapping begins here. Reads only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from crosswalk.catalog import read_schema, read_under_locks
from crosswalk.connect import Session, connect
from crosswalk.errors import (
    DocumentRefused,
    PlanDrifted,
    PlanElsewhere,
    RulesProposed,
    SchemaMoved,
    ShapeUnexpected,
)
from crosswalk.express import Facts
from crosswalk.fingerprint import fingerprint
from crosswalk.judge import UNDECIDED, Problem, examine, gather_facts, undecided
from crosswalk.ledger import Ledger, former
from crosswalk.mapping import MappingFile
from crosswalk.names import Name, parse
from crosswalk.plan import UNWRITTEN, Plan
from crosswalk.rights import require_sight
from crosswalk.schema import Schema
from crosswalk.strategy import as_rows_come, with_dropped_keys, with_keys_to_come


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The two URLs, as given; they may hold passwords and go nowhere but into `connect`."""

    source: str
    target: str

    def __repr__(self) -> str:
        return "Servers(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found."""

    file: MappingFile
    source: Session
    target: Session
    facts: Facts
    problems: tuple[Problem, ...]

    @property
    def hindrances(self) -> tuple[Problem, ...]:
        """The problems that concern what a plan moves: a table that nobody decided about is none of its business."""
        return tuple(p for p in self.problems if p.code != UNDECIDED)

    @property
    def newcomers(self) -> tuple[str, ...]:
        """The tables that nobody decided about, as sentences: when a plan was made from the document there were none."""
        if not self.problems:
            return ()
        return tuple(
            f"{name} of the {side} came after the plan: nobody decided about it" for side, name in undecided(self.facts)
        )

    def require_sound(self) -> None:
        """Raises RulesProposed or DocumentRefused; tables that nobody decided about count."""
        self._require(self.problems)

    def require_fit(self, *, run: int | None = None) -> None:
        """As `require_sound`, for a plan that stands: tables that came since do not count.

        Raises SchemaMoved where it is the document of a `run`, which did fit.
        """
        if run is not None and self.hindrances:
            raise SchemaMoved(run=run, what=self.hindrances[0].message)
        self._require(self.hindrances)

    def _require(self, problems: tuple[Problem, ...]) -> None:
        proposed = [
            f"{name}.{column}"
            for name, table in self.file.document.tables.items()
            for column, rule in table.columns.items()
            if rule.status == "proposed"
        ]
        if proposed:
            raise RulesProposed(rules=len(proposed), first=proposed[0])
        if problems:
            first = problems[0]
            raise DocumentRefused(path=self.file.path, problems=len(problems), line=first.line, first=first.message)

    async def require_same_servers(self, plan: Plan, *, target: bool = True) -> None:
        """Raises PlanElsewhere where a side is another database than the one that was planned for.

        Without `target` only the source is asked: a plan from the target's own ledger may have come along with a
        copy of the target.
        """
        sides = [("source", self.source, plan.source), ("target", self.target, plan.target)]
        for side, opened, planned in sides if target else sides[:1]:
            now, then = await opened.cluster(), planned.get("cluster", "")
            if now and then and now != then:
                raise PlanElsewhere(side=side, planned=planned.get("url", then), now=opened.url)

    def require_unchanged(self, plan: Plan) -> None:
        """Raises PlanDrifted where a schema is not what the plan stands on, the target before it is given its form."""
        self.require_source(plan)
        archived = {parse(s.table) for s in plan.statements if s.kind == "archive" and s.table}
        now = fingerprint(self.facts.target, archived | set(self.file.document.by_target), without=_without(plan))
        if now != plan.target_fingerprint:
            raise PlanDrifted(side="target", now=now, planned=plan.target_fingerprint, what=self._what)

    def require_all_planned(self, plan: Plan) -> None:
        """Raises PlanDrifted where every table was to be moved, and one came after the plan."""
        came = [name for side, name in undecided(self.facts) if side == "source"]
        if plan.mapping_path == UNWRITTEN and came:
            now, then = fingerprint(self.facts.source, came), plan.source_fingerprint
            what = f": every table was to be moved, and {came[0]} came after the plan"
            raise PlanDrifted(side="source", now=now, planned=then, what=what)

    def require_source(self, plan: Plan) -> None:
        """Raises PlanDrifted where the source's schema is not what the plan stands on."""
        now = fingerprint(self.facts.source, {m.source for m in self.file.document.by_target.values()})
        if now != plan.source_fingerprint:
            raise PlanDrifted(side="source", now=now, planned=plan.source_fingerprint, what=self._what)

    @property
    def _what(self) -> str:
        """What the change does to the document, where it is known."""
        return f": {self.hindrances[0].message}" if self.hindrances else ""

    def require_shape(self, plan: Plan) -> None:
        """Raises ShapeUnexpected where the target's form is not the one that the plan gives it."""
        tables, without = self.file.document.by_target, _without(plan)
        now = fingerprint(self.facts.target, tables, without=without)
        if now == plan.shaped_fingerprint:
            return
        other = [
            f"{name} " + ("is not as planned" if name in self.facts.target.tables else "is not there")
            for name in sorted(tables)
            if plan.shaped.get(str(name)) != fingerprint(self.facts.target, [name], without=without)
        ]
        raise ShapeUnexpected(now=now, planned=plan.shaped_fingerprint, differences="; ".join(other) or "a type")

    async def require_unchanged_under_locks(self, plan: Plan, keeper: Session) -> None:
        """Raises PlanDrifted where a source table was altered after it was looked at and before it was locked."""
        sources = {mapping.source for mapping in self.file.document.by_target.values()}
        now = fingerprint(await read_under_locks(keeper), sources)
        if now != plan.source_fingerprint:
            raise PlanDrifted(side="source", now=now, planned=plan.source_fingerprint, what="")


def _without(plan: Plan) -> set[tuple[Name, str]]:
    return {(parse(table), name) for table, name in plan.without}


@asynccontextmanager
async def both(servers: Servers, *, purpose: str) -> AsyncIterator[tuple[Session, Session]]:
    """A session to each server."""
    source = await connect("source", servers.source, purpose=purpose)
    try:
        target = await connect("target", servers.target, purpose=purpose)
        try:
            yield source, target
        finally:
            await target.close()
    finally:
        await source.close()


async def read_both(source: Session, target: Session) -> tuple[Schema, Schema]:
    """Both catalogs. Where one cannot be read, the other side's session is at rest again before that is raised."""
    old, new = await asyncio.gather(read_schema(source), read_schema(target), return_exceptions=True)
    if isinstance(old, BaseException):
        raise old
    if isinstance(new, BaseException):
        raise new
    return old, new


async def glance(file: MappingFile, source: Session, target: Session) -> Survey:
    """Both catalogs only: for a target that has yet to be given the form that the document speaks of."""
    schemas = await read_both(source, target)
    facts = Facts(source=schemas[0], target=schemas[1], document=file.document)
    return Survey(file=file, source=source, target=target, facts=facts, problems=())


async def _coming(plan: Plan, ledger: Ledger) -> frozenset[tuple[Name, str]]:
    """Keys and indexes that the plan has yet to make for the tables that it has made.

    Asked before the catalog is read, so that one which comes in between is not missed.
    """
    standing = await former.standing_numbers(ledger.session, plan.id) if await ledger.exists() else frozenset()
    shaped = all(number in standing for number, _ in plan.phase("shape"))
    return plan.coming(standing) if shaped else frozenset()


async def _dropped(plan: Plan, ledger: Ledger) -> list[tuple[Name, str, str]]:
    """Foreign keys (table, name, what adds it again) that the plan dropped, and that it will add once the rows are there."""
    asked = {(parse(s.table), s.name) for s in plan.statements if s.if_empty and s.kind == "foreign key"}
    held = await ledger.held() if asked and await ledger.exists() else []
    return [(h.target, h.name, h.restore) for h in held if h.kind == "foreign key" and (h.target, h.name) in asked]


async def look(
    file: MappingFile,
    source: Session,
    target: Session,
    *,
    plan: Plan | None = None,
) -> Survey:
    """Facts and problems of a document, through sessions that are open.

    Of a target that a `plan` has given its form: what comes, or comes back, only once the rows are there is known.
    Raises RowsHidden and ColumnsUnreadable before a row is read.
    """
    coming = await _coming(plan, Ledger(target)) if plan else frozenset()
    dropped = await _dropped(plan, Ledger(target)) if plan else []
    schema, standing = await read_both(source, target)
    require_sight(file.document, schema, standing)
    if plan is not None:
        standing = with_keys_to_come(as_rows_come(standing, plan.created), schema, coming)
        standing = with_dropped_keys(standing, dropped)
    facts, problems = await gather_facts(file, schema, standing, source, target)
    facts = replace(facts, later=plan.later_keys if plan else frozenset())
    if not problems:
        problems = examine(file, facts)
    return Survey(file=file, source=source, target=target, facts=facts, problems=tuple(problems))


@asynccontextmanager
async def survey(
    file: MappingFile,
    servers: Servers,
    *,
    purpose: str,
    plan: Plan | None = None,
) -> AsyncIterator[Survey]:
    """Sessions, facts and problems of a document; `plan` as in `look`."""
    async with both(servers, purpose=purpose) as (source, target):
        yield await look(file, source, target, plan=plan)
