"""A census of tables: which hold rows, how many, and by which transactions they were written. Many in one statement.

    holding   the tables that hold a row at all
    counts    rows
    writers   rows by the transaction that wrote them: what `remaining` compares with later
    remaining of the rows that were noted by their writers, those that still stand, unchanged

A row's version keeps the number of the transaction that wrote it (`xmin`) for as long as it lives: VACUUM FREEZE,
VACUUM FULL and CLUSTER leave it alone, and so does COPY … FREEZE (seen on 16 and 18). An UPDATE, and an ALTER TABLE
that rewrites, give another. So what came, went or was changed shows without a value being read. The number has 32
bits: after four billion transactions it comes round, and on another server it means nothing. Reads only; what has
to be of one moment is asked for in one transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.names import Name, literal

BATCH: Final = 25
"""Tables in one statement: a small lock table, too, has room for so many with their indexes."""
MOST: Final = 10_000
"""Writers of one table that are worth remembering: rows of a run come by the chunk, those of others one by one."""
_WHAT: Final = "the rows of the tables"
_WRITER: Final = "xmin::text::bigint AS writer, count(*) AS rows FROM {table} GROUP BY xmin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """A table's rows now, beside those that were noted."""

    rows: int
    noted: int
    """Of them, those that were noted and that nobody changed since."""


async def holding(session: Session, tables: Iterable[Name]) -> frozenset[Name]:
    """Tables that hold a row."""
    found: set[Name] = set()
    for names, sql in _over(tables, lambda i, name: f"SELECT {i} AS i WHERE EXISTS (SELECT FROM {name.sql})"):
        found |= {names[r["i"]] for r in await session.fetch(sql, what=_told(names))}
    return frozenset(found)


async def counts(session: Session, tables: Iterable[Name]) -> dict[Name, int]:
    """Rows by table."""
    found: dict[Name, int] = {}
    for names, sql in _over(tables, lambda i, name: f"SELECT {i} AS i, count(*) AS rows FROM {name.sql}"):
        found |= {names[r["i"]]: int(r["rows"]) for r in await session.fetch(sql, what=_told(names))}
    return found


async def writers(session: Session, tables: Iterable[Name]) -> dict[Name, Mapping[int, int]]:
    """By table: how many rows each transaction wrote.

    Without the tables that more than MOST wrote, or that hold rows of which it is not known (a foreign partition).
    """
    found: dict[Name, dict[int, int]] = {}
    limit = f"LIMIT {MOST + 1}"
    for names, sql in _over(tables, lambda i, name: f"(SELECT {i} AS i, {_WRITER.format(table=name.sql)} {limit})"):
        found |= {name: {} for name in names}
        for row in await session.fetch(sql, what=_told(names)):
            found[names[row["i"]]][int(row["writer"])] = int(row["rows"])
    return {name: by for name, by in found.items() if len(by) <= MOST and 0 not in by}


async def remaining(session: Session, tables: Iterable[Name]) -> dict[Name, Remaining]:
    """Tables whose writers the ledger knows, as they stand now."""
    found: dict[Name, Remaining] = {}
    for names, sql in _over(tables, _remaining):
        found |= {
            names[r["i"]]: Remaining(rows=int(r["rows"]), noted=int(r["noted"]))
            for r in await session.fetch(sql, what=_told(names))
        }
    return found


def _remaining(i: int, name: Name) -> str:
    """Of each writer at most as many rows as it had written; a table without rows gives one line too."""
    return (
        f"SELECT {i} AS i, COALESCE(sum(now.rows), 0)::bigint AS rows,"
        " COALESCE(sum(LEAST(now.rows, COALESCE(was.rows, 0))), 0)::bigint AS noted"
        f" FROM (SELECT {_WRITER.format(table=name.sql)}) AS now LEFT JOIN (SELECT key::bigint AS writer, value::bigint AS rows"
        f" FROM crosswalk.landed AS l, json_each_text(l.writers) WHERE l.target_table = {literal(str(name))}) AS was"
        " USING (writer)"
    )


def batches(tables: Iterable[Name]) -> Iterator[list[Name]]:
    """As many at a time as one statement takes."""
    left = list(tables)
    for start in range(0, len(left), BATCH):
        yield left[start : start + BATCH]


def _over(tables: Iterable[Name], select: Callable[[int, Name], str]) -> Iterator[tuple[list[Name], str]]:
    """One statement for each batch: a SELECT for each table, which tells it by its place in the batch."""
    for names in batches(tables):
        yield names, " UNION ALL ".join(select(i, name) for i, name in enumerate(names))


def _told(names: list[Name]) -> str:
    return f"the rows of {names[0]}" if len(names) == 1 else _WHAT
