"""What only the source can tell: the types of SQL rules, and which CHECKs it can evaluate.

Statements are prepared, never run. A rule that the source cannot parse becomes a `Problem` with the
server's word; a check that it cannot parse (a function of the target's own) is left to the target.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.errors import CrosswalkError, StatementFailed
from crosswalk.express.casts import type_sql, wire_type
from crosswalk.express.domains import DomainCheck, domain_checks, element_of, means_the_same
from crosswalk.express.facts import EVERYTHING, Facts, Moment
from crosswalk.express.lookups import operand_place
from crosswalk.express.motion import Motion
from crosswalk.express.partitions import BY_HASH, homeless
from crosswalk.express.values import Compiler
from crosswalk.judge.large_objects import large_objects
from crosswalk.judge.problem import Problem
from crosswalk.judge.steady import unsteady
from crosswalk.mapping import Agree, Lookup, MapLabels, MappingFile, Sql, Zone
from crosswalk.names import Name, literal, quote
from crosswalk.schema import Column, ConstraintKind, Schema, Table, TypeKind, TypeRef

_TYPES: Final = files("crosswalk.judge").joinpath("types.sql")
_KINDS: Final = {
    "b": TypeKind.BASE,
    "e": TypeKind.ENUM,
    "d": TypeKind.DOMAIN,
    "c": TypeKind.COMPOSITE,
    "r": TypeKind.RANGE,
    "m": TypeKind.MULTIRANGE,
    "p": TypeKind.PSEUDO,
}
_OVERLAP: Final = "OPERATOR(pg_catalog.&&)"
_FOREIGN_CALL: Final = re.compile(r'[\w"]\.[\w"]+\s*\(|OPERATOR\s*\(', re.IGNORECASE)


async def gather_facts(
    file: MappingFile, source: Schema, target: Schema, session: Session, other: Session
) -> tuple[Facts, list[Problem]]:
    """Facts for compiling, and the rules that the source (`session`) cannot parse or must not run.

    `other` is a session to the target, whose settings are compared.
    """
    facts = Facts(source=source, target=target, document=file.document)
    types: dict[tuple[Name, str], TypeRef] = {}
    problems: list[Problem] = []
    for text, name in zip(file.document.tables, file.document.by_target, strict=True):
        mapping = facts.mapping(name)
        if mapping.source not in source.tables or name not in target.tables:
            continue
        wanted = [*_expressions(facts, name)]
        if mapping.where is not None:
            wanted.append(("where", f"(({mapping.where.sql}\n))::pg_catalog.bool"))
        found, failed = await _describe(session, facts, name, wanted)
        failed += await _constants(session, facts, name)
        types.update({(name, column): ref for column, ref in found.items()})
        for column, error in failed:
            place: tuple[str, ...] = ("tables", text, "columns", column.partition("#")[0])
            if column == "where":
                place = ("tables", text, "where")
            problems.append(
                Problem(
                    code="rule.sql",
                    place=place,
                    line=file.line(*place),
                    message=f"{place[-1]}: {error}",
                    remedy="Correct the rule: its SQL is one expression over one row of the source table, its constants"
                    " are values of the target column's type.",
                )
            )
    facts = replace(facts, types=types)
    problems += await unsteady(file, session) + await _money(file, facts, session, other)
    problems += await large_objects(file, facts, session)
    if problems:
        return facts, problems
    checks = {name: await _checks(session, facts, name) for name in file.document.by_target if name in target.tables}
    facts = replace(facts, checks={name: found for name, found in checks.items() if found})
    return facts, [p async for p in _unparsed(file, facts, session)]


async def _money(file: MappingFile, facts: Facts, source: Session, target: Session) -> list[Problem]:
    """Money is a number of the smallest unit, and how many of them make one is said by lc_monetary on each side."""
    found = []
    for text, name in zip(file.document.tables, file.document.by_target, strict=True):
        table = facts.target.tables.get(name)
        fed = facts.mapping(name).columns
        found += [(text, c) for c in table.columns if c.name in fed and _is_money(c.type)] if table else []
    if not found:
        return []
    ours, theirs = [await s.fetchval("SHOW lc_monetary", what="lc_monetary") for s in (source, target)]
    if ours == theirs:
        return []
    return [
        Problem(
            code="column.money",
            place=("tables", text, "columns", column.name),
            line=file.line("tables", text, "columns", column.name),
            message=f"{text}.{column.name} is money, which means another sum under lc_monetary = {theirs} (the target's) than"
            f" under {ours} (the source's)",
            remedy="Make it numeric in the target, or set it alike there:"
            f" ALTER DATABASE {quote(target.database)} SET lc_monetary = {literal(ours)}.",
        )
        for text, column in found
    ]


def _is_money(ref: TypeRef) -> bool:
    kind = ref.storage.element.storage if ref.storage.element else ref.storage
    return kind.builtin and kind.name == "money"


async def _unparsed(file: MappingFile, facts: Facts, session: Session) -> AsyncIterator[Problem]:
    """Tables whose whole extract the source cannot parse: types that have no cast or no equality."""
    for text, name in zip(file.document.tables, file.document.by_target, strict=True):
        try:
            sql = Motion(facts, name).extract(EVERYTHING, Moment(), keyed=True)
        except CrosswalkError:
            continue  # `examine` finds the same and says where
        try:
            await session.prepare(sql, what=f"the rules of {name}")
        except StatementFailed as error:
            yield Problem(
                code="rule.sql",
                place=("tables", text),
                line=file.line("tables", text),
                message=f"the source cannot run the rules of {name}: {error.fields['reason']}",
                remedy="Compare the types of what the rules read, match and split; cast them in an sql rule.",
            )


def _expressions(facts: Facts, target: Name) -> Iterator[tuple[str, str]]:
    """Rules of a table whose type is not in the catalog: (place, SQL)."""
    compiler = Compiler(facts, target)
    for name, rule in facts.mapping(target).columns.items():
        if isinstance(rule, Lookup):
            for i, match in enumerate(rule.lookup.matches):
                for left, operand in match.items():
                    if isinstance(operand, Sql):
                        yield operand_place(name, i, left), f"({operand.sql}\n)"
        elif isinstance(rule, Sql):
            yield name, f"({rule.sql}\n)"
        elif isinstance(rule, Agree):
            column = facts.target_table(target).column(name)
            if column is not None and all(compiler.source.column(c) for c in rule.agree):
                yield name, compiler.rule(rule, column).sql
        elif isinstance(rule, MapLabels | Zone) and isinstance(rule.from_, Sql):
            yield name, f"({rule.from_.sql}\n)"


async def _describe(
    session: Session, facts: Facts, target: Name, wanted: list[tuple[str, str]]
) -> tuple[dict[str, TypeRef], list[tuple[str, str]]]:
    """Types by place, and the places that failed with the server's word."""
    if not wanted:
        return {}, []
    source = facts.source_table(target).name
    tail = f" FROM {source.sql} AS {quote(source.relation)} LIMIT 0"
    good: dict[str, int] = {}
    failed = []
    for place, sql in wanted:
        try:
            good[place] = await _column_type(session, f"SELECT {sql} AS value{tail}")
            # A WHERE takes one value of one row: no aggregate, no window, nothing that returns several rows.
            await session.prepare(f"SELECT FROM {source.sql} AS {quote(source.relation)} WHERE ({sql}) IS NULL")
        except StatementFailed as error:
            failed.append((place, str(error.fields["reason"])))
    known = await _type_refs(session, set(good.values()))
    return {place: known[oid] for place, oid in good.items()}, failed


async def _constants(session: Session, facts: Facts, target: Name) -> list[tuple[str, str]]:
    """Constants and zones that the source cannot read: (place, the server's word)."""
    compiler = Compiler(facts, target)
    failed = []
    for name, rule in facts.mapping(target).columns.items():
        column = facts.target_table(target).column(name)
        if column is None:
            continue
        for sql in compiler.constants(rule, column):
            try:
                await session.fetchval(f"SELECT {sql}", what="a constant")
            except StatementFailed as error:
                failed.append((name, str(error.fields["raw"] or error.fields["reason"])))
                break
    return failed


async def _column_type(session: Session, sql: str) -> int:
    oids = await session.result_types(sql, what="a rule's SQL")
    return oids[0]


async def _type_refs(session: Session, oids: Iterable[int]) -> dict[int, TypeRef]:
    rows = {r["oid"]: r for r in await session.fetch(_TYPES.read_text(), sorted(oids), what="the types of the rules")}
    return {oid: _type_ref(rows, oid) for oid in oids}


def _type_ref(rows: dict[int, Any], oid: int, modifier: int = -1) -> TypeRef:
    row = rows[oid]
    array = row["element"] is not None and row["category"] == "A"
    return TypeRef(
        schema=row["schema"],
        name=row["name"],
        kind=TypeKind.ARRAY if array else _KINDS[row["type"]],
        modifier=modifier,
        display=row["display"],
        plain=row["display"],
        oid=oid,
        category=row["category"],
        element=_type_ref(rows, row["element"]) if array else None,
        base=_type_ref(rows, row["base"], row["modifier"]) if row["base"] is not None else None,
    )


def _together(facts: Facts, table: Table, alike: list[Column]) -> Iterator[tuple[str, str]]:
    """Expressions, predicates and operators of a table's indexes, and the bounds of its partitions."""
    row = ", ".join(f"NULL::{type_sql(wire_type(c.type))} AS {quote(c.name)}" for c in alike)
    tail = f" FROM (SELECT {row}) AS mapped"
    operators = {c.name: c.operators for c in table.constraints if c.kind is ConstraintKind.EXCLUSION}
    for index in table.indexes:
        texts = [f"({key})" for key, name in zip(index.keys, index.columns, strict=False) if not name]
        texts += [f"({index.predicate})"] if index.predicate else []
        if any(_FOREIGN_CALL.search(text) for text in texts):
            continue
        if texts:
            yield f"index:{index.name}", f"SELECT {', '.join(texts)}{tail}"
        used = operators.get(index.constraint or "", ())
        if used:
            both = [f"({key}) {operator} ({key})" for key, operator in zip(index.keys, used, strict=True)]
            # A sub-select, since the search for foreign calls would take the operator for one.
            yield f"exclusion:{index.name}", f"SELECT 1 FROM (SELECT {', '.join([*both, *texts])}{tail}) AS asked"
            for place, (key, operator) in enumerate(zip(index.keys, used, strict=True)):
                if operator == _OVERLAP:
                    ends = f"max(upper({key})), bool_or(upper_inc({key}) OR lower_inf({key}) OR isempty({key}))"
                    yield f"swept:{index.name}:{place}", f"SELECT 1 FROM (SELECT {ends}, max(lower({key})){tail}) AS asked"
    bounds = homeless(facts.target, table)
    if bounds is not None and BY_HASH not in bounds:
        yield "partition", f"SELECT {bounds}{tail}"


def _value(check: DomainCheck) -> str:
    element = element_of(check.column.type) if check.of_elements else None
    kind = element.storage if element is not None else wire_type(check.column.type)
    return f"NULL::{type_sql(kind)} AS value"


async def _checks(session: Session, facts: Facts, target: Name) -> tuple[str, ...]:
    """CHECK constraints of a target table that the source can evaluate over the mapped row."""
    table = facts.target_table(target)
    fed = [c for c in table.columns if c.name in facts.mapping(target).columns]
    row = ", ".join(f"NULL::{type_sql(wire_type(c.type))} AS {quote(c.name)}" for c in fed)
    alike = {c.name for c in fed if means_the_same(facts.target, c)}
    wanted = [
        (f"check:{c.name}", f"SELECT ({c.expression}) FROM (SELECT {row}) AS mapped")
        for c in table.checks
        if c.expression and set(c.columns) <= alike
    ]
    for check in (c for column in fed for c in domain_checks(facts.target, column)):
        if means_the_same(facts.target, check.column, element=check.of_elements):
            wanted.append((check.handle, f"SELECT ({check.expression}) FROM (SELECT {_value(check)}) AS domain_value"))
    for column in table.columns:
        if column.generated and column.default:
            wanted.append((f"computed:{column.name}", f"SELECT ({column.default}) FROM (SELECT {row}) AS mapped"))
    wanted += _together(facts, table, [c for c in fed if c.name in alike])
    found = []
    for name, sql in wanted:
        if _FOREIGN_CALL.search(sql.partition(" FROM ")[0]):
            continue
        try:
            await session.prepare(sql, what="a check")
        except CrosswalkError:
            continue
        found.append(name)
    return tuple(dict.fromkeys(found))
