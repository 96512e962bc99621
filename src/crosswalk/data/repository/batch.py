"""Rows to be upserted, put in order before any backend sees them: checked, encoded, merged, grouped. Pure.

Rows of equal keys become one, as if they had been upserted one after another: a later row's columns go over those of
an earlier. What is left has distinct keys, so the order in which groups are sent does not matter. A group is rows that
give the same columns: a column that a row leaves out must keep its stored value, and no single statement can say that
for rows that differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final, TypeVar

from crosswalk.data.failures import BadValue, DataError
from crosswalk.data.repository import sending, values
from crosswalk.data.repository.table import Column, Key, Table
from crosswalk.numerals import plural

T = TypeVar("T")
_EXACT: Final = Context(prec=200_000)
"""A numeric holds fewer digits."""

Encoded = dict[str, Any]
"""A row of JSON values by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that give the same columns."""

    columns: tuple[Column, ...]
    rows: tuple[Encoded, ...]
    places: tuple[int, ...]
    """Where each row's result belongs among the batch's `distinct` rows."""

    def chunks(self, size: int) -> Iterator[Group]:
        for start in range(0, len(self.rows), size):
            end = start + size
            yield Group(columns=self.columns, rows=self.rows[start:end], places=self.places[start:end])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    key: Key
    distinct: tuple[Encoded, ...]
    """Rows with distinct keys, in the order in which these first came."""
    given: tuple[int, ...]
    """For each row that was given, its place in `distinct`."""

    def groups(self, table: Table) -> list[Group]:
        found: dict[frozenset[str], list[int]] = {}
        for place, row in enumerate(self.distinct):
            found.setdefault(frozenset(row), []).append(place)
        return [
            Group(
                columns=tuple(column for column in table.columns if column.name in names),
                rows=tuple(self.distinct[place] for place in places), places=tuple(places),
            )
            for names, places in found.items()
        ]  # fmt: skip


def prepare(table: Table, rows: Sequence[Mapping[str, Any]], key: Key) -> Batch:
    """Raises ColumnMissing, BadValue."""
    distinct: list[Encoded] = []
    given: list[int] = []
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        encoded = _encoded(table, row)
        same = identity(table, key, encoded)
        place = len(distinct) if same is None else seen.setdefault(same, len(distinct))
        if place == len(distinct):
            distinct.append(encoded)
        else:
            distinct[place].update(encoded)
        given.append(place)
    return Batch(key=key, distinct=tuple(distinct), given=tuple(given))


def _encoded(table: Table, row: Mapping[str, Any]) -> Encoded:
    columns = table.columns_of(row)
    if not columns:
        raise BadValue(f"a row for {table.name} gives no column at all", table=str(table.name))
    return {column.name: sending.encode(column, row[column.name], table=str(table.name)) for column in columns}


def identity(table: Table, key: Key, encoded: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What equal keys have in common; None where the row collides with no other: a NULL in it, or a column left out."""
    parts = []
    for name in key.columns:
        if name not in encoded or (encoded[name] is None and key.nulls_distinct):
            return None
        parts.append(comparable(table.by_name[name], encoded[name]))
    return tuple(parts)


def comparable(column: Column, encoded: Any) -> Any:
    """A hashable that is equal for equal values: padded characters, scales and time zones do not count."""
    value = values.decode(column.type, encoded)
    if isinstance(value, str) and column.type.name == "character":
        return value.rstrip(" ")
    if isinstance(value, str) and column.type.name == "citext":
        return value.lower()
    if isinstance(value, Decimal):
        return _rounded(value, column) if value.is_finite() else str(value)
    return value if value is None or value.__hash__ else values.dumps(encoded)


def _rounded(value: Decimal, column: Column) -> Decimal:
    """As the column's scale has it."""
    if not column.type.modifiers:
        return value
    scale = column.type.modifiers[1] if len(column.type.modifiers) > 1 else 0
    return value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_EXACT)


def all_of(group: Group, stored: list[T], table: Table) -> list[T]:
    """The stored rows, one for each that was sent."""
    if len(stored) != len(group.rows):
        left = len(group.rows) - len(stored)
        raise DataError(f"{table.name}: {plural(left, 'row')} not written: a trigger or a rule left them out", table=str(table.name))
    return stored
