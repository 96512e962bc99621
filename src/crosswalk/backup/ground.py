"""The ground on which a dump of a few tables can be restored: all that they refer to and do not bring.

On an empty server: a role without rights that restores (what stands in a dump is code, and runs), the
roles that policies name, extensions as far as this server has them, types and functions from the
second dump, and stubs of the tables that foreign keys, policies and parents name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from crosswalk.backup.dump import Dumped
from crosswalk.connect import Session
from crosswalk.names import Name, literal, quote, quote_list
from crosswalk.schema import Constraint, ConstraintKind, RelationKind, Table

PROVER: Final = "crosswalk_prover"
DATABASE: Final = "proof"
_PUBLIC: Final = "public"
_INDEXED: Final = frozenset({ConstraintKind.PRIMARY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUSION})


@dataclass(slots=True, kw_only=True)
class Ground:
    """What was prepared."""

    password: str = field(repr=False)
    missing: tuple[str, ...] = ()
    """Extensions of the target that this server does not have."""


async def make_database(session: Session) -> Ground:
    """The prover and its database, from a session to another one."""
    password = secrets.token_urlsafe(24)
    await session.execute(f"CREATE ROLE {PROVER} LOGIN PASSWORD {literal(password)}", what="a role")
    await session.execute(f"CREATE DATABASE {DATABASE} OWNER {PROVER} TEMPLATE template0", what="a database")
    return Ground(password=password)


async def prepare(session: Session, dumped: Dumped, ground: Ground) -> None:
    """Schemas, roles, extensions; for a missing one, stand-ins of the functions that defaults call."""
    for name in sorted(_schemas(dumped)):
        made = f"CREATE SCHEMA IF NOT EXISTS {quote(name)}; ALTER SCHEMA {quote(name)} OWNER TO {PROVER}"
        await session.execute(made, what=f"the schema {name}")
    known = {r[0] for r in await session.fetch("SELECT rolname::text FROM pg_catalog.pg_roles", what="the roles")}
    for role in sorted(_roles(dumped) - known):
        await session.execute(f"CREATE ROLE {quote(role)} NOLOGIN", what=f"the role {role}")
    here = await session.fetch("SELECT name::text FROM pg_catalog.pg_available_extensions", what="the extensions")
    available = {r[0] for r in here}
    for each in dumped.whole.extensions:
        if each.name in available:
            made = f"CREATE EXTENSION IF NOT EXISTS {quote(each.name)} SCHEMA {quote(each.schema)}"
            await session.execute(made, what=f"the extension {each.name}")
    ground.missing = tuple(sorted(e.name for e in dumped.whole.extensions if e.name not in available))
    for call in dumped.called:
        if call.extension in ground.missing:
            made = f"FUNCTION {call.name.sql}({call.arguments}) RETURNS {call.result} LANGUAGE sql AS 'SELECT NULL::{call.result}'"
            await session.execute(f"CREATE OR REPLACE {made}", what=f"a stand-in for {call.name}")


def _schemas(dumped: Dumped) -> set[str]:
    names = {*dumped.part.tables, *dumped.part.sequences, *stubs(dumped)}
    extended = {e.schema for e in dumped.whole.extensions}
    return {name for name in {_PUBLIC, *extended, *(n.schema for n in names)} if not name.startswith("pg_")}


def _roles(dumped: Dumped) -> set[str]:
    return {r for t in dumped.part.tables.values() for p in t.policies for r in p.roles} - {_PUBLIC}


# --- stubs --------------------------------------------------------------------------------------


def outward(dumped: Dumped) -> Iterator[tuple[Table, Constraint]]:
    """The foreign keys that point to tables outside the dump."""
    for table in dumped.part.tables.values():
        for key in table.foreign_keys:
            if key.references is not None and key.references not in dumped.part.tables and not key.inherited:
                yield table, key


def stubs(dumped: Dumped) -> dict[Name, str]:
    """By table outside the dump: the statement that makes as much of it as is spoken of."""
    columns: dict[Name, set[str]] = {name: set(each) for name, each in dumped.needs.items()}
    keys: dict[Name, set[tuple[str, ...]]] = {}
    for _, key in outward(dumped):
        assert key.references is not None
        columns.setdefault(key.references, set()).update(key.referenced_columns)
        keys.setdefault(key.references, set()).add(key.referenced_columns)
    for parent in _parents(dumped):
        columns[parent.name] = set(parent.column_names)
    found = dumped.whole.tables
    return {n: _stub(found[n], each, keys.get(n, set())) for n, each in sorted(columns.items()) if n in found}


def _parents(dumped: Dumped) -> Iterator[Table]:
    for table in dumped.part.tables.values():
        for name in (*table.inherits, *([table.partition_of] if table.partition_of else [])):
            if name not in dumped.part.tables and name in dumped.whole.tables:
                yield dumped.whole.tables[name]


def _stub(table: Table, columns: set[str], keys: set[tuple[str, ...]]) -> str:
    parts = [f"{quote(c.name)} {c.type.display}" for c in table.columns if c.name in columns]
    parts += [f"UNIQUE ({quote_list(key)})" for key in sorted(keys)]
    partitioned = f" PARTITION BY {table.partition_key}" if table.kind is RelationKind.PARTITIONED and not keys else ""
    return f"CREATE TABLE IF NOT EXISTS {table.name.sql} ({', '.join(parts)}){partitioned}"


def _indexes(table: Table) -> Iterator[str]:
    """What makes the indexes of a partitioned table, without its partitions: theirs are attached to them."""
    for c in table.constraints:
        if c.kind in _INDEXED and not c.inherited:
            yield f"ALTER TABLE ONLY {table.name.sql} ADD CONSTRAINT {quote(c.name)} {c.definition}"
    yield from (i.definition for i in table.indexes if i.constraint is None and not i.inherited)


async def lay_stubs(session: Session, dumped: Dumped) -> None:
    """Make the stubs, as the prover's own."""
    for name, statement in stubs(dumped).items():
        owned = f"{statement}; ALTER TABLE {name.sql} OWNER TO {PROVER}"
        await session.execute(owned, what=f"a stub of {name}")


async def fill_stubs(session: Session, dumped: Dumped) -> None:
    """Give foreign keys that point outside the rows that they need, and partitions their parent's indexes."""
    for parent in {t.name: t for t in _parents(dumped) if t.kind is RelationKind.PARTITIONED}.values():
        for statement in _indexes(parent):
            await session.execute(statement, what=f"an index of a stub of {parent.name}")
    for table, key in outward(dumped):
        if key.references is not None and key.references in dumped.whole.tables:
            await session.execute(_filled(table.name, key, key.references), what=f"a stub of {key.references}")


def _filled(table: Name, key: Constraint, parent: Name) -> str:
    present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
    return (
        f"INSERT INTO {parent.sql} ({quote_list(key.referenced_columns)})"
        f" SELECT DISTINCT {quote_list(key.columns)} FROM {table.sql} WHERE {present} ON CONFLICT DO NOTHING"
    )


def variables(ground: Ground, environment: Mapping[str, str]) -> dict[str, str]:
    """The prover's way in, from that of the superuser."""
    return {**environment, "PGUSER": PROVER, "PGPASSWORD": ground.password, "PGDATABASE": DATABASE}
