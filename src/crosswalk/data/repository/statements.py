"""Questions and batches as SQL. Pure: names come quoted from `names`, values are parameters.

What a column is, is asked of a `Place`: in a table as it is, the column itself; in the new schema, whatever expression
the compiled mapping has for it. Rows come back as JSON, so that a value has one form whichever way it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from crosswalk.data.conditions import Order
from crosswalk.data.repository import sending
from crosswalk.data.repository.batch import Group
from crosswalk.data.repository.question import Question, Test
from crosswalk.data.repository.table import Column, Key, Table
from crosswalk.data.repository.values import dumps
from crosswalk.names import quote, quote_list

_OPERATORS: Final = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "LIKE", "ilike": "ILIKE"}
_PATTERNS: Final = frozenset({"like", "ilike"})
_ORDINAL: Final = '"cw$place"'
ROW: Final = "t"
"""The alias of the row that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`sql OP before value after` compares a column with a value."""

    sql: str
    before: str = ""
    after: str = ""


class Place(Protocol):
    """Where a table's rows stand."""

    def relation(self) -> str:
        """What follows FROM; the row's alias is `t`."""
        ...

    def read(self, column: Column) -> str:
        """The column's value."""
        ...

    def compared(self, column: Column, *, pattern: bool = False) -> Compared: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A table of the very schema."""

    table: Table

    def relation(self) -> str:
        return f"{self.table.name.sql} AS {ROW}"

    def read(self, column: Column) -> str:
        return f"{ROW}.{quote(column.name)}"

    def compared(self, column: Column, *, pattern: bool = False) -> Compared:
        return Compared(sql=self.read(column))


@dataclass(slots=True)
class Parameters:
    """Values on their way into a statement; each use gives its `$n`."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: str, cast: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


def select(place: Place, question: Question, parameters: Parameters, *, table: Table) -> str:
    """One column: each row as JSON."""
    chosen = ", ".join(f"{place.read(column)} AS {quote(column.name)}" for column in question.columns)
    inner = f"SELECT {chosen} FROM {place.relation()}{where(place, question, parameters, table=table)}"
    if question.order:
        inner += " ORDER BY " + ", ".join(_order(place, table, each) for each in question.order)
    if question.limit is not None:
        inner += f" LIMIT {parameters.add(str(question.limit), 'bigint')}"
    if question.offset:
        inner += f" OFFSET {parameters.add(str(question.offset), 'bigint')}"
    return f'SELECT row_to_json("cw$read")::text FROM ({inner}) AS "cw$read"'


def count(place: Place, question: Question, parameters: Parameters, *, table: Table) -> str:
    return f"SELECT count(*) FROM {place.relation()}{where(place, question, parameters, table=table)}"


def where(place: Place, question: Question, parameters: Parameters, *, table: Table) -> str:
    """` WHERE …`, or nothing."""
    parts = [_test(place, test, parameters) for test in question.tests]
    if question.after is not None:
        parts.append(_after(place, question, parameters, table))
    return " WHERE " + " AND ".join(parts) if parts else ""


def _order(place: Place, table: Table, order: Order) -> str:
    direction = "DESC" if order.descending else "ASC"
    nulls = "FIRST" if order.nulls_first else "LAST"
    return f"{place.compared(table.by_name[order.column]).sql} {direction} NULLS {nulls}"


def _after(place: Place, question: Question, parameters: Parameters, table: Table) -> str:
    names, values = [], []
    for order, encoded in zip(question.order, question.after or (), strict=True):
        column = table.by_name[order.column]
        compared = place.compared(column)
        names.append(compared.sql)
        values.append(_value(compared, sending.text(column, encoded), column, parameters))
    return f"({', '.join(names)}) > ({', '.join(values)})"


def _test(place: Place, test: Test, parameters: Parameters) -> str:
    compared = place.compared(test.column, pattern=test.operator in _PATTERNS)
    if test.operator == "null":
        return f"{compared.sql} IS {'NOT ' if test.negated else ''}NULL"
    if test.operator == "in":
        told = _among(compared, test, parameters)
    elif test.operator in _PATTERNS:
        told = f"{compared.sql} {_OPERATORS[test.operator]} {parameters.add(test.text, 'text')}"
    else:
        told = f"{compared.sql} {_OPERATORS[test.operator]} {_value(compared, test.text, test.column, parameters)}"
    return f"NOT ({told})" if test.negated else told


def _among(compared: Compared, test: Test, parameters: Parameters) -> str:
    if compared.before or compared.after or test.column.type.array:
        listed = ", ".join(_value(compared, each, test.column, parameters) for each in test.texts)
        return f"{compared.sql} IN ({listed})"
    return f"{compared.sql} = ANY ({parameters.add(sending.list_of(test.texts), test.column.type.cast + '[]')})"


def _value(compared: Compared, text: str, column: Column, parameters: Parameters) -> str:
    return compared.before + parameters.add(text, column.type.cast) + compared.after


def delete(table: Table, question: Question, parameters: Parameters) -> str:
    return f"DELETE FROM {table.name.sql} AS {ROW}{where(Plain(table=table), question, parameters, table=table)}"


def upsert(table: Table, group: Group, key: Key, parameters: Parameters) -> str:
    """One column: each stored row as JSON, in the order of the group's rows."""
    names = [column.name for column in group.columns]
    changed = [name for name in names if name not in key.columns] or list(key.columns)
    settings = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in changed)
    return (
        f"INSERT INTO {table.name.sql} AS {ROW} ({quote_list(names)})"
        f" SELECT {quote_list(names, prefix='g.')} FROM {given(group, parameters)} AS g ({quote_list(names)}, {_ORDINAL})"
        f" ORDER BY g.{_ORDINAL}"
        f" ON CONFLICT ({quote_list(key.columns)}) DO UPDATE SET {settings} RETURNING row_to_json({ROW})::text"
    )


def given(group: Group, parameters: Parameters) -> str:
    """The group's rows as a relation: its columns, and their number."""
    typed = ", ".join(f"{quote(column.name)} {column.type.cast}" for column in group.columns)
    rows = parameters.add(dumps(list(group.rows)), "json")
    return f"ROWS FROM (json_to_recordset({rows}) AS ({typed})) WITH ORDINALITY"
