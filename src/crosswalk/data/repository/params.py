"""Questions as query parameters in PostgREST's grammar. Pure.

A page that the server cut short is gone on with by the order's own columns: `after` a row is an `or` over them, with the
place of NULLs in each order. `*` stands for `%` in PostgREST's patterns and cannot be escaped: a pattern that has one is
sent as the same regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from crosswalk.data.conditions import Order
from crosswalk.data.repository import sending
from crosswalk.data.repository.question import Question, Test
from crosswalk.data.repository.table import Column, Table

Params = list[tuple[str, str]]
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")
_SPECIAL: Final = re.compile(r"[.^$*+?()\[\]{}|\\]")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def field(name: str) -> str:
    """A column's name as the grammar reads it."""
    return name if _PLAIN.match(name) else quoted(name)


def fields(names: Sequence[str]) -> str:
    return ",".join(field(name) for name in names)


def tests(question: Question) -> Params:
    return [(field(test.column.name), ("not." if test.negated else "") + _told(test)) for test in question.tests]


def _told(test: Test) -> str:
    if test.operator == "null":
        return "is.null"
    if test.operator == "in":
        return "in.(" + ",".join(quoted(each) for each in test.texts) + ")"
    if test.operator in {"like", "ilike"}:
        return _pattern(test)
    return f"{test.operator}.{test.text}"


def _pattern(test: Test) -> str:
    if "*" not in test.text:
        return f"{test.operator}.{test.text}"
    parts = re.findall(r"\\(?s:.)|(?s:.)", test.text)
    told = "".join(".*" if p == "%" else "." if p == "_" else _literally(p[1] if p[0] == "\\" else p) for p in parts)
    return f"{'match' if test.operator == 'like' else 'imatch'}.^(?:{told})$"


def _literally(char: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", char)


def order(orders: Sequence[Order]) -> Params:
    told = [
        f"{field(each.column)}.{'desc' if each.descending else 'asc'}.{'nullsfirst' if each.nulls_first else 'nullslast'}"
        for each in orders
    ]
    return [("order", ",".join(told))] if told else []


def after(table: Table, orders: Sequence[Order], row: Sequence[Any]) -> Params:
    """Rows that follow the one with these encoded values of the order's columns."""
    ways = []
    equal: list[str] = []
    for each, encoded in zip(orders, row, strict=True):
        column = table.by_name[each.column]
        if later := _later(column, each, encoded):
            ways.append(f"and({','.join([*equal, later])})" if equal else later)
        equal.append(_equal(column, encoded))
    return [("or", f"({','.join(ways)})")]


def _later(column: Column, order: Order, encoded: Any) -> str:
    name = field(column.name)
    if encoded is None:
        return f"{name}.not.is.null" if order.nulls_first else ""
    further = f"{name}.{'lt' if order.descending else 'gt'}.{quoted(sending.text(column, encoded))}"
    return further if order.nulls_first or column.not_null else f"or({further},{name}.is.null)"


def _equal(column: Column, encoded: Any) -> str:
    name = field(column.name)
    return f"{name}.is.null" if encoded is None else f"{name}.eq.{quoted(sending.text(column, encoded))}"
