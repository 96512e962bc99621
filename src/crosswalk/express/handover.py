"""Unique values that rows hand to one another (a → b while b → a): the SQL that parks them.

PostgreSQL checks a unique index row by row, inside a statement too, so that neither of two such rows
can be updated first. Their values are parked where nobody's are (NULL, or a value made up) in the
transaction that then gives each row its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crosswalk.express.casts import type_sql
from crosswalk.express.load import NUMBER, TWIN, Landing
from crosswalk.names import quote
from crosswalk.pg_types import NUMBERS, length_limit
from crosswalk.schema import Column, Table

_MADE_UP: Final = {
    **dict.fromkeys(NUMBERS, "LEAST((SELECT min({column}) FROM {table}), 0) - {number}"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "pg_catalog.left({hash}, {limit})"),
    "uuid": "pg_catalog.gen_random_uuid()",
    "bytea": "pg_catalog.decode({hash}, 'hex')",
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "(SELECT max({column}) FROM {table}) + {number} * {day}"),
}
_HASH: Final = "pg_catalog.md5(pg_catalog.random()::text || {number}::text)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """One unique key of the target and the column of it that can be parked."""

    columns: tuple[str, ...]
    column: str
    value: str
    """SQL over `cw$r`, the row that is to come."""


def parked(table: Table, column: Column, columns: Sequence[str], *, number: str) -> str | None:
    """SQL for a value of a column of the unique key `columns` that no row has, another for each `number`; None: there is none."""
    strict = any(i.nulls_not_distinct for i in table.indexes if i.columns == tuple(columns))
    if not column.not_null and not strict:
        return f"NULL::{type_sql(column.type)}"
    refers = any(column.name in c.columns for c in table.foreign_keys)
    kind = column.type.storage
    if refers or column.identity == "always" or kind.name not in _MADE_UP:
        return None
    made = _MADE_UP[kind.name].format(
        column=quote(column.name),
        table=table.name.sql,
        number=number,
        hash=_HASH.format(number=number),
        limit=length_limit(kind.name, kind.modifier) or 32,
        day="1" if kind.name == "date" else "interval '1 day'",
    )
    return f"({made})::{type_sql(column.type)}"


class HandOver:
    """SQL for rows of the twin that cannot land one by one."""

    def __init__(self, landing: Landing) -> None:
        self.landing = landing
        self.table = landing.table
        self.unique = tuple(self._unique())
        """Every unique key through which two rows can stand in each other's way."""
        indexes = [i for i in self.table.indexes if i.unique]
        self.names = tuple(next((i.name for i in indexes if i.columns == c), "") for c in self.unique)
        """The index behind each of them."""
        self.keys = tuple(self._parkings())

    def _unique(self) -> Iterable[tuple[str, ...]]:
        key = set(self.landing.motion.mapping.key)
        fed = {f.column.name for f in self.landing.fed}
        for columns in dict.fromkeys((self.table.primary_key, *self.table.unique_keys)):
            if columns and not set(columns) <= key and not key <= set(columns) and set(columns) <= fed:
                yield columns

    def _parkings(self) -> Iterable[Parking]:
        """Those of the unique keys that have a column which can be parked."""
        key = set(self.landing.motion.mapping.key)
        fed = {f.column.name: f.column for f in self.landing.fed}
        for columns in self.unique:
            for column in sorted((fed[c] for c in columns if c not in key), key=lambda c: c.not_null):
                value = parked(self.table, column, columns, number=f'"cw$r".{NUMBER}')
                if value is not None:
                    yield Parking(columns=columns, column=column.name, value=value)
                    break

    def unspoil(self) -> str:
        """Give rows ($1: numbers) another chance."""
        return f'UPDATE pg_temp.{quote(TWIN)} SET "cw$spoiled" = false WHERE {NUMBER} = ANY ($1::bigint[])'

    def holders(self, numbers: Iterable[int] | None) -> str | None:
        """(place in `keys`, number, number of the row that holds the value it needs). None: nothing to park.

        `numbers` here and below: rows of the twin; None: all good ones.
        """
        chosen = self.landing.resolved(numbers)
        parts = []
        for place, key in enumerate(self.keys):
            same = " AND ".join(f'"cw$t".{quote(c)} = "cw$r".{quote(c)}' for c in key.columns)
            parts.append(
                f'SELECT {place} AS place, "cw$r".{NUMBER} AS number, "cw$h".{NUMBER} AS holder FROM ({chosen}) AS "cw$r"'
                f' JOIN {self.table.name.sql} AS "cw$t" ON {same}'
                f' JOIN ({chosen}) AS "cw$h" ON {self.landing.on_key("cw$t", "cw$h")}'
                f' WHERE "cw$r".{NUMBER} <> "cw$h".{NUMBER}'
            )
        return " UNION ".join(parts) or None

    def doubled(self, numbers: Iterable[int] | None) -> str | None:
        """(number, place in `unique`) of the rows that need a value which another of them gets."""
        chosen = self.landing.resolved(numbers)
        parts = []
        for place, columns in enumerate(self.unique):
            listed = ", ".join(f'"cw$r".{quote(c)}' for c in columns)
            given = " AND ".join(f'"cw$r".{quote(c)} IS NOT NULL' for c in columns)
            parts.append(
                f'SELECT number, {place} AS key FROM (SELECT "cw$r".{NUMBER} AS number,'
                f" pg_catalog.row_number() OVER (PARTITION BY {listed}"
                f' ORDER BY "cw$r".{NUMBER}) AS place FROM ({chosen}) AS "cw$r" WHERE {given}) AS placed WHERE place > 1'
            )
        return " UNION ".join(parts) or None

    def blocked(self, numbers: Iterable[int] | None) -> str | None:
        """(number, place in `unique`) of the rows that need what a row holds which is none of them."""
        chosen = self.landing.resolved(numbers)
        parts = []
        for place, columns in enumerate(self.unique):
            same = " AND ".join(f'"cw$t".{quote(c)} = "cw$r".{quote(c)}' for c in columns)
            parts.append(
                f'SELECT "cw$r".{NUMBER} AS number, {place} AS key FROM ({chosen}) AS "cw$r"'
                f' JOIN {self.table.name.sql} AS "cw$t" ON {same}'
                f' WHERE NOT EXISTS (SELECT FROM ({chosen}) AS "cw$h" WHERE {self.landing.on_key("cw$t", "cw$h")})'
            )
        return " UNION ".join(parts) or None

    def park(self, places: Iterable[int], numbers: Iterable[int]) -> str:
        """UPDATE the target rows of the given numbers: their values of the given keys go where nobody's are."""
        sets = {self.keys[p].column: self.keys[p].value for p in places}
        listed = ", ".join(f"{quote(column)} = {value}" for column, value in sorted(sets.items()))
        return (
            f'UPDATE {self.table.name.sql} AS "cw$t" SET {listed} FROM ({self.landing.resolved(numbers)}) AS "cw$r"'
            f" WHERE {self.landing.on_key('cw$t', 'cw$r')}"
        )


def groups(numbers: Iterable[int], pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Rows that need one another, together: the connected parts of the graph."""
    home = {n: [n] for n in numbers}
    for one, other in pairs:
        small, large = sorted((home[one], home[other]), key=len)
        if small is not large:
            large += small
            for member in small:
                home[member] = large
    return [sorted(g) for g in {id(g): g for g in home.values()}.values()]
