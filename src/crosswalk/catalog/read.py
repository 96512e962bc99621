"""Reading a catalog: a fixed number of queries, whatever the number of tables, in one read-only snapshot.

`read_schema` needs no superuser and reads no row of a table unless exact counts are asked for. The
search_path is empty while it reads, so that every text the server makes is fully qualified. An
object that somebody drops while we read makes a text function of the server fail; the reading then
starts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Final

import asyncpg

from crosswalk.catalog import assemble, objects
from crosswalk.catalog.typebook import TypeBook
from crosswalk.connect import Session
from crosswalk.errors import StatementFailed
from crosswalk.names import Name, literal
from crosswalk.schema import Extension, Need, RelationKind, Schema, Table

_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ATTEMPTS: Final = 8
_PAUSE: Final = 0.05
"""Seconds before the second attempt; more before each further one."""
_DROPPED_MEANWHILE: Final = frozenset({"XX000", "42P01", "42703", "42704", "42883"})
_COUNTS_AT_ONCE: Final = 50


async def read_schema(
    session: Session, *, schemas: Collection[str] | None = None, exact_counts: bool = False
) -> Schema:
    """Everything in the database's schemas but the server's own and ours; `schemas` narrows it by name.

    `exact_counts` counts the rows of every root table that the role may read, inside the same snapshot.
    The session must not be inside a transaction. Raises what `Session` raises.
    """
    wanted = sorted(schemas) if schemas is not None else None
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with session.transaction(_BEGIN):
                await session.execute("SET LOCAL search_path = ''", what="SET search_path")
                found = await _read(session, wanted)
                return await _counted(session, found) if exact_counts else found
        except StatementFailed as error:
            if attempt == _ATTEMPTS or error.fields.get("sqlstate") not in _DROPPED_MEANWHILE:
                raise
            await asyncio.sleep(_PAUSE * attempt)
    raise AssertionError("unreachable")


async def read_under_locks(session: Session) -> Schema:
    """The same inside the caller's transaction, which holds the tables; its search_path is left as it was."""
    await session.execute("SAVEPOINT cw_catalog; SET LOCAL search_path = ''", what="SAVEPOINT")
    found = await _read(session, None)
    await session.execute("ROLLBACK TO SAVEPOINT cw_catalog; RELEASE SAVEPOINT cw_catalog", what="ROLLBACK TO SAVEPOINT")
    return found


async def _query(session: Session, area: str, *args: object) -> list[asyncpg.Record]:
    sql = files("crosswalk.catalog").joinpath(f"{area}.sql").read_text(encoding="utf-8")
    what = f"reading the catalog ({area})"
    rows = await session.fetch(sql, *args, what=what)
    if any(row.get("definition", "") is None for row in rows):
        reason = "an object was dropped meanwhile"
        raise StatementFailed(side=session.side, what=what, sqlstate="42704", reason=reason)
    return rows


async def _read(session: Session, wanted: list[str] | None) -> Schema:
    [database] = await _query(session, "database")
    oids = [row["oid"] for row in await _query(session, "schemas", wanted)]
    types = TypeBook(await _query(session, "types", oids))
    columns = assemble.grouped(await _query(session, "columns", oids))
    parts = assemble.Parts(
        columns=columns,
        constraints=assemble.grouped(await _query(session, "constraints", oids)),
        indexes=assemble.grouped(await _query(session, "indexes", oids)),
        triggers=assemble.grouped(await _query(session, "triggers", oids)),
        policies=assemble.grouped(await _query(session, "policies", oids)),
        rules=assemble.grouped(await _query(session, "rules", oids)),
        statistics=assemble.grouped(await _query(session, "statistics", oids)),
    )
    [around] = await _query(session, "surroundings")
    sequences = [assemble.sequence(row) for row in await _query(session, "sequences", oids)]
    return Schema(
        server_version=database["version"], database=database["database"], role=database["role"],
        encoding=database["encoding"], collate=database["collate"],
        tables=assemble.tables(await _query(session, "tables", oids), parts, types),
        sequences={sequence.name: sequence for sequence in sequences},
        enums=types.enums(), domains=types.domains(), ranges=types.ranges(),
        composites=types.composites(columns),
        functions=tuple(map(objects.function, await _query(session, "functions", oids))),
        views={Name(r["schema"], r["name"]): r["definition"] for r in await _query(session, "views", oids)},
        extensions=tuple(
            Extension(name=r["name"], version=r["version"], schema=r["schema"])
            for r in await _query(session, "extensions")
        ),
        superuser=around["superuser"], may_create=around["may_create"],
        may_make_temporary=around["may_make_temporary"], roles=frozenset(around["roles"]),
        acts_as=frozenset(around["acts_as"]),
        known_collations=frozenset(around["collations"]), known_functions=frozenset(around["functions"]),
        brought_types=frozenset(Name(*each) for each in around["brought"]),
        unread=tuple(around["unread"]),
        large_objects=around["large_objects"],
        namespaces={r["name"]: objects.namespace(r) for r in await _query(session, "namespaces", oids)},
        collations={c.name: c for c in map(objects.collation, await _query(session, "collations", oids))},
        needs=await _needs(session, oids),
        available=tuple(map(objects.available, await _query(session, "available"))),
        given=tuple(map(objects.given, await _query(session, "given"))),
    )


async def _needs(session: Session, oids: list[int]) -> tuple[Need, ...]:
    """What needs what. The planner takes the joined texts for short and would walk one inside the other."""
    await session.execute("SET LOCAL enable_nestloop = off", what="SET enable_nestloop")
    rows = await _query(session, "needs", oids)
    await session.execute("RESET enable_nestloop", what="RESET enable_nestloop")
    return objects.needs(rows)


def _countable(table: Table) -> bool:
    """True for a table whose rows this role can count without an error."""
    return (
        table.kind in {RelationKind.TABLE, RelationKind.PARTITIONED}
        and not table.row_security.hides
        and any(column.selectable for column in table.columns)
    )


async def _counted(session: Session, schema: Schema) -> Schema:
    """The schema with exact row counts of its countable root tables."""
    names = [table.name for table in schema.roots if _countable(table)]
    counts: dict[Name, int] = {}
    for start in range(0, len(names), _COUNTS_AT_ONCE):
        counts.update(await _count(session, names[start : start + _COUNTS_AT_ONCE], schema.tables))
    tables = {
        name: replace(table, rows=counts[name], rows_exact=True) if name in counts else table
        for name, table in schema.tables.items()
    }
    return replace(schema, tables=tables)


async def _count(session: Session, names: list[Name], tables: Mapping[Name, Table]) -> dict[Name, int]:
    """Exact counts; a parent by plain inheritance counts its own rows: its children are roots themselves."""

    def one(name: Name) -> str:
        only = "" if tables[name].kind is RelationKind.PARTITIONED else "ONLY "
        key = f"{literal(name.schema)}, {literal(name.relation)}"
        return f"SELECT {key}, count(*) FROM {only}{name.sql}"

    rows = await session.fetch("\nUNION ALL ".join(map(one, names)), what="counting rows")
    return {Name(schema, relation): count for schema, relation, count in rows}
