"""Tables and rows in the staging database.

All of it happens in one transaction of the caller's: what was staged before goes, the tables are made, the rows come by
COPY as the texts that the API gave, and only then keys, so that a key that rows break is told apart from a row that is
no row. Foreign keys are declared NOT VALID: pages are not read in one snapshot, so that a row may lack its parent, and
whether it does must not change what the source's schema looks like from one pull to the next.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import RestStyleUnknown, Timeout
from crosswalk.names import Name, literal, quote, quote_list
from crosswalk.rest.openapi import Catalog, StagedColumn, StagedTable
from crosswalk.rest.pages import Row

LOCK: Final = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('crosswalk rest'))"
_SCHEMAS: Final = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
_STRANGE: Final = {
    # 01/31/2026, 31.01.2026, 31-01-2026, Sat Jan 31 …: a date in ISO begins with four digits or more.
    "date": re.compile(r"[A-Za-z]{3} (?:[A-Za-z]{3} )?\d|(?<![\d:.+-])\d{1,2}[-/.]\d{1,2}[-/.]\d"),
    # 1-2 or -1 4:05:06, as the SQL standard has them: days without the word.
    "interval": re.compile(r"(?<![\d:])\d+-\d|\d [+-]?\d+:"),
}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A foreign key of one column."""

    table: Name
    column: str
    parent: Name
    taken: str
    """The parent's column."""


async def make_anew(session: Session, catalog: Catalog) -> None:
    """Drop what was staged and make the tables, empty and without keys.

    Raises Timeout where another session reads what was staged.
    """
    await session.execute(LOCK, what="waiting for another pull")
    for row in await session.fetch(_SCHEMAS, what="the staged schemas"):
        await session.execute(f"DROP SCHEMA {quote(row['nspname'])} CASCADE", what="clearing the staging database")
    for schema in catalog.schemas:
        await session.execute(f"CREATE SCHEMA {quote(schema)}", what="a staged schema")
    for extension, schema in catalog.extensions.items():
        await session.execute(f"CREATE EXTENSION {quote(extension)} SCHEMA {quote(schema)}", what="a staged extension")
    for name, labels in catalog.enums.items():
        await session.execute(
            f"CREATE TYPE {name.sql} AS ENUM ({', '.join(map(literal, labels))})", what=f"the staged type {name}"
        )
    for table in catalog.tables:
        await session.execute("; ".join(_made(table)), what=f"the staged table {table.name}")


def _made(table: StagedTable) -> Iterable[str]:
    yield f"CREATE TABLE {table.name.sql} ({', '.join(map(_column, table.columns))})"
    if table.comment:
        yield f"COMMENT ON TABLE {table.name.sql} IS {literal(table.comment)}"
    for column in table.columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {table.name.sql}.{quote(column.name)} IS {literal(column.comment)}"


def _column(column: StagedColumn) -> str:
    default = f" DEFAULT {column.default}" if column.default is not None else ""
    return f"{quote(column.name)} {column.type}{default}" + (" NOT NULL" if column.required else "")


async def load(session: Session, table: StagedTable, rows: Sequence[Row]) -> None:
    """COPY a page in; raises StatementFailed where the staging server takes a text for no value of its type."""
    require_known_style(table, rows)

    async def blocks() -> AsyncIterator[bytes]:
        yield "".join(map(_line, rows)).encode()

    await session.copy_in(
        table.name.relation, [c.name for c in table.columns], blocks(), schema=table.name.schema, form="text",
        what=f"staging rows of {table.name}",
    )  # fmt: skip


def _line(row: Row) -> str:
    return "\t".join("\\N" if value is None else value.translate(_ESCAPES) for value in row) + "\n"


def require_known_style(table: StagedTable, rows: Sequence[Row]) -> None:
    """Under another date style 1 February is read as 2 January, under another interval style a sign goes astray."""
    for position, column in enumerate(table.columns):
        strange = _STRANGE.get(column.styled)
        if strange is not None and any(strange.search(row[position] or "") for row in rows):
            raise RestStyleUnknown(table=table.name, column=column.name)


async def empty(session: Session, table: StagedTable) -> None:
    """Take the rows out again."""
    await session.execute(f"TRUNCATE {table.name.sql}", what=f"emptying the staged {table.name}")


async def finish(session: Session, catalog: Catalog) -> list[tuple[Foreign, int]]:
    """Keys, foreign keys and statistics; returns the foreign keys that rows break, with how many rows do."""
    for table in catalog.tables:
        if table.key:
            columns = quote_list(c.name for c in table.key)
            await session.execute(
                f"ALTER TABLE {table.name.sql} ADD PRIMARY KEY ({columns})", what=f"the key of the staged {table.name}"
            )
    broken = []
    for foreign in foreign_keys(catalog):
        await session.execute(_referring(foreign), what=f"a foreign key of the staged {foreign.table}")
        if lost := int(await session.fetchval(_orphans(foreign), what=f"rows of {foreign.table} without a parent")):
            broken.append((foreign, lost))
    await session.execute("ANALYZE", what="statistics of the staged tables")
    return broken


def foreign_keys(catalog: Catalog) -> Iterable[Foreign]:
    """Those that lead to a table's whole primary key; the document tells of no other unique column."""
    tables = {table.name: table for table in catalog.tables}
    for table in catalog.tables:
        for column in table.columns:
            if column.foreign is None or table.view:
                continue
            parent = tables.get(Name(table.name.schema, column.foreign[0]))
            if parent and [(c.name, c.type) for c in parent.key] == [(column.foreign[1], column.type)]:
                yield Foreign(table=table.name, column=column.name, parent=parent.name, taken=column.foreign[1])


def _referring(foreign: Foreign) -> str:
    return (
        f"ALTER TABLE {foreign.table.sql} ADD FOREIGN KEY ({quote(foreign.column)})"
        f" REFERENCES {foreign.parent.sql} ({quote(foreign.taken)}) NOT VALID"
    )


def _orphans(foreign: Foreign) -> str:
    mine, theirs = quote(foreign.column), quote(foreign.taken)
    return (
        f"SELECT count(*) FROM {foreign.table.sql} AS c WHERE c.{mine} IS NOT NULL"
        f" AND NOT EXISTS (SELECT FROM {foreign.parent.sql} AS p WHERE p.{theirs} = c.{mine})"
    )


def is_busy(error: Timeout) -> bool:
    """True where the old content could not go because somebody reads it."""
    return str(error.fields.get("what", "")).startswith(("clearing", "waiting"))
