"""A question to one table, checked against its columns and encoded: what all backends are asked. Pure.

The corner cases are decided here once, so that no backend can differ:

    null()                    and a bare None, eq(None): IS NULL; neq(None): IS NOT NULL; any other operator: BadValue
    in_([])                   no row; its negation: every row
    in_([1, None])            NULL is equal to nothing, so the None counts for nothing; negated: no row
    not_(…)                   a NULL satisfies neither a condition nor its negation (but for null)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crosswalk.data.conditions import Condition, Operator, Order, Orders, Where, ordered, tests
from crosswalk.data.failures import BadValue, DataError, NotSupported
from crosswalk.data.repository import sending
from crosswalk.data.repository.table import Column, Table
from crosswalk.data.repository.values import KNOWN, TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One condition on one column; its value is text that PostgreSQL reads for the column's type."""

    column: Column
    operator: Operator
    text: str = ""
    texts: tuple[str, ...] = ()
    """Of `in`."""
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Rows that are asked for."""

    columns: tuple[Column, ...]
    tests: tuple[Test, ...] = ()
    never: bool = False
    """No row can satisfy the conditions."""
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    after: tuple[Any, ...] | None = None
    """Encoded values of the order's columns (none of them NULL): rows that come after these."""


def ask(
    table: Table,
    where: Where | None = None,
    *,
    order: Orders = (),
    limit: int | None = None,
    offset: int = 0,
    columns: Sequence[str] | None = None,
) -> Question:
    """Raises ColumnMissing, BadValue, NotSupported."""
    for name, number in (("limit", limit), ("offset", offset)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
            raise BadValue(f"{name} must be a whole number from 0 on", table=str(table.name))
    by = ordered(order)
    table.read_of(each.column for each in by)
    chosen = table.readable if columns is None else table.read_of(dict.fromkeys(columns))
    question = Question(columns=chosen, order=by, limit=limit, offset=offset)
    return _narrowed(table, question, where)


def walked(question: Question, columns: Sequence[Column]) -> Question:
    """Only the rows whose key is whole: a walk goes on by its values."""
    return replace(question, tests=(*question.tests, *(_null(each, negated=True) for each in columns)))


def lacking(question: Question, columns: Sequence[Column]) -> Iterator[Question]:
    """The other rows, in parts that have none in common."""
    for number, column in enumerate(columns):
        held = (_null(each, negated=True) for each in columns[:number])
        yield replace(question, tests=(*question.tests, *held, _null(column)), order=(), limit=None)


def _null(column: Column, *, negated: bool = False) -> Test:
    return Test(column=column, operator="null", negated=negated)


def _narrowed(table: Table, question: Question, where: Where | None) -> Question:
    found: list[Test] = []
    for name, condition in tests(where):
        said = _test(table, table.read_of([name])[0], condition)
        if said is False:
            question = replace(question, never=True)
        elif said is not True:
            found.append(said)
    return replace(question, tests=tuple(found))


def _test(table: Table, column: Column, condition: Condition) -> Test | bool:
    """The test; True where every row satisfies it, False where none can."""
    operator, value, negated = condition.operator, condition.value, condition.negated
    if operator == "null" or (value is None and operator in {"eq", "neq"}):
        return Test(column=column, operator="null", negated=negated ^ (operator == "neq"))
    if operator == "in":
        return _among(table, column, value, negated)
    if value is None:
        raise BadValue(f"{table.name}.{column.name}: {operator} has no value", table=str(table.name), column=column.name)
    if operator in {"like", "ilike"}:
        return _like(table, column, condition)
    return Test(column=column, operator=operator, text=_text(table, column, value), negated=negated)


def _among(table: Table, column: Column, values: tuple[Any, ...], negated: bool) -> Test | bool:
    real = [each for each in values if each is not None]
    if negated and len(real) < len(values):
        return False
    if not real:
        return negated
    texts = tuple(dict.fromkeys(_text(table, column, each) for each in real))
    return Test(column=column, operator="in", texts=texts, negated=negated)


def _like(table: Table, column: Column, condition: Condition) -> Test:
    textual = column.type.name in TEXTS or column.type.name not in KNOWN
    if column.type.array or not textual or not isinstance(condition.value, str):
        said = f"{table.name}.{column.name}: {condition.operator} compares a text with a pattern"
        raise NotSupported(said, table=str(table.name), column=column.name)
    if (len(condition.value) - len(condition.value.rstrip("\\"))) % 2:
        said = f"{table.name}.{column.name}: a pattern must not end with an escape character"
        raise DataError(said, code="22025", table=str(table.name), column=column.name)
    return Test(column=column, operator=condition.operator, text=condition.value, negated=condition.negated)


def _text(table: Table, column: Column, value: Any) -> str:
    return sending.text(column, sending.encode(column, value, table=str(table.name)))
