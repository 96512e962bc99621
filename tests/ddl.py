"""Carries out what `crosswalk.ddl` made, on a real server, and takes it back; nothing here judges: tests do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import asyncpg

from crosswalk.catalog import read_schema
from crosswalk.connect import session
from crosswalk.ddl import Made
from crosswalk.diff.canon import unqualified
from crosswalk.names import Name
from crosswalk.plan import Statement
from crosswalk.schema import Schema, Table, TypeRef
from crosswalk.wording import settled as settle


async def read(url: str) -> Schema:
    async with session("source", url) as opened:
        return await read_schema(opened)


async def carry_out(url: str, made: Made, *, complete: bool = True) -> None:
    """Each statement in a transaction of its own; foreign keys once the keys stand that they point to."""
    assert made.blockers == (), made.blockers
    shape = [s.sql for s in made.statements if s.phase == "shape"]
    keyed = [s.sql for s in made.statements if s.phase == "complete" and s.of_key]
    later = [s.sql for s in made.statements if s.phase == "complete" and not s.of_key]
    keys = [s.restore for s in made.foreign_keys]
    await _run(url, shape)
    if complete:
        await _run(url, [*keyed, *keys, *later])


async def _run(url: str, texts: Iterable[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for text in texts:
            async with connection.transaction():
                try:
                    await connection.execute(text)
                except asyncpg.PostgresError as error:
                    raise AssertionError(f"{error.sqlstate} {error}\n{text}") from error
    finally:
        await connection.close()


async def take_back(url: str, statements: Iterable[Statement]) -> None:
    """All undo statements in reverse order, in one transaction."""
    done = [*statements]
    assert all(s.undo for s in done)
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for statement in reversed(done):
                try:
                    await connection.execute(statement.undo)
                except asyncpg.PostgresError as error:
                    raise AssertionError(f"{error.sqlstate} {error}\n{statement.undo}") from error
    finally:
        await connection.close()


def settled(schema: Schema) -> Schema:
    """A schema without what is no part of its form: counts, where sequences stand, numbers of types and columns."""
    tables = {name: _table(table) for name, table in schema.tables.items()}
    return replace(
        schema, tables=tables,
        views={name: settle(unqualified(text, schemas=_schemas(schema))) for name, text in schema.views.items()},
        sequences={name: replace(each, last_value=None) for name, each in schema.sequences.items()},
        domains={name: replace(each, base=_unnumbered(each.base)) for name, each in schema.domains.items()},
        ranges={name: replace(each, subtype=_unnumbered(each.subtype)) for name, each in schema.ranges.items()},
        composites={
            name: replace(each, attributes=tuple((n, _unnumbered(t)) for n, t in each.attributes))
            for name, each in schema.composites.items()
        },
    )


def plain(schema: Schema) -> Schema:
    """A schema without the names that a server chooses for NOT NULL."""
    return replace(schema, tables={
        name: replace(table, columns=tuple(replace(c, not_null_name=None) for c in table.columns))
        for name, table in schema.tables.items()
    })


def _schemas(schema: Schema) -> set[str]:
    return {name.schema for name in (*schema.tables, *(f.name for f in schema.functions))}


def _unnumbered(ref: TypeRef) -> TypeRef:
    return replace(
        ref, oid=0, element=_unnumbered(ref.element) if ref.element else None,
        base=_unnumbered(ref.base) if ref.base else None,
    )


def _table(table: Table) -> Table:
    """`partition_rule` of a hash partition holds its parent's number."""
    columns = tuple(
        replace(c, position=place, type=_unnumbered(c.type)) for place, c in enumerate(table.columns, 1)
    )
    return replace(
        table, rows=0, rows_exact=False, bytes=0, columns=columns, partition_rule=None,
        constraints=tuple(replace(c, definition=settle(c.definition), expression=None) for c in table.constraints),
        indexes=tuple(replace(i, definition=settle(i.definition), predicate=None) for i in table.indexes),
    )


def facts(schema: Schema, *, only: Iterable[Name] | None = None) -> dict[str, Any]:
    """A schema as plain texts by object, so that a failing test prints what differs."""
    found = settled(schema)
    wanted = set(only) if only is not None else None
    areas: dict[str, Any] = {
        "table": found.tables, "view": found.views, "sequence": found.sequences, "enum": found.enums,
        "domain": found.domains, "composite": found.composites, "range": found.ranges,
        "collation": found.collations,
    }
    told: dict[str, Any] = {
        f"{area} {name}": each for area, all_of_it in areas.items() for name, each in all_of_it.items()
        if wanted is None or name in wanted
    }
    if wanted is None:
        told |= {f"function {f.name}({f.arguments})": f for f in found.functions}
        told |= {f"schema {name}": each for name, each in found.namespaces.items()}
        told |= {f"extension {e.name}": e.schema for e in found.extensions}
    return told


def unequal(one: dict[str, Any], two: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (one.get(key), two.get(key)) for key in {**one, **two} if one.get(key) != two.get(key)}
