"""Conditions, orders and types as PostgreSQL has them, on values in memory. Pure.

Texts compare by code points, as under COLLATE "C". NaN is equal to itself and greater than any other number. What a
type makes of a value (a length, a scale, padding) is done here too, for the memory store has no server that would.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cmp_to_key
from typing import Any, Final

from crosswalk.data.conditions import Order
from crosswalk.data.failures import NotSupported
from crosswalk.data.repository import values
from crosswalk.data.repository.question import Test
from crosswalk.data.repository.refusal import refusal
from crosswalk.data.repository.table import Column, Table, Type

_EXACT: Final = Context(prec=2000)
_MOMENTS: Final = ("date", "timestamp", "time")


# --- values as a column keeps them


def kept(column: Column, encoded: Any, *, table: str) -> Any:
    """The canonical value that the column stores. Raises DataErrors by PostgreSQL's codes."""
    if encoded is None:
        return None
    decoded = values.decode(column.type, encoded)
    if column.type.array:
        return [None if each is None else _fitted(column, each, table) for each in decoded]
    return _fitted(column, decoded, table)


def _fitted(column: Column, value: Any, table: str) -> Any:
    type_ = column.type
    if isinstance(value, str):
        return _fitted_text(column, value, table)
    if isinstance(value, Decimal) and type_.modifiers and value.is_finite():
        return _scaled(column, value, table)
    return _single(value) if type_.name == "real" else value


def _fitted_text(column: Column, value: str, table: str) -> str:
    type_, name = column.type, column.type.name
    if name.startswith(_MOMENTS) and value not in {"infinity", "-infinity"}:
        raise refusal("22007", "", table=table, column=column.name)
    if not type_.modifiers or name not in {"character varying", "character"}:
        return value.rstrip(" ") if name == "character" else value
    length = type_.modifiers[0]
    if len(value.rstrip(" ")) > length:
        raise refusal("22001", "", table=table, column=column.name)
    return value[:length].ljust(length if name == "character" else 0)


def _scaled(column: Column, value: Decimal, table: str) -> Decimal:
    precision, scale = (*column.type.modifiers, 0)[:2]
    rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_EXACT)
    if rounded and rounded.adjusted() >= precision - scale:
        raise refusal("22003", "", table=table, column=column.name)
    return rounded


def _single(value: float) -> float:
    """The shortest number that is the same in single precision."""
    if not math.isfinite(value):
        return value
    packed = struct.pack("f", value)
    return next(short for digits in (6, 7, 8, 9) if struct.pack("f", short := float(f"{value:.{digits}g}")) == packed)


# --- conditions


def holds(test: Test, row: Mapping[str, Any]) -> bool:
    """Whether a row satisfies a test; NULL satisfies none but `null`."""
    value = row[test.column.name]
    if test.operator == "null":
        return (value is None) != test.negated
    if value is None:
        return False
    return _positive(test, value) != test.negated


def _positive(test: Test, value: Any) -> bool:
    if test.operator in {"like", "ilike"}:
        return bool(_pattern(test.text, ignore=test.operator == "ilike").fullmatch(value))
    if test.operator == "in":
        return any(compare(test.column, value, read_text(test.column, each)) == 0 for each in test.texts)
    sign = compare(test.column, value, read_text(test.column, test.text))
    return {
        "eq": sign == 0, "neq": sign != 0, "gt": sign > 0, "gte": sign >= 0, "lt": sign < 0, "lte": sign <= 0,
    }[test.operator]  # fmt: skip


def read_text(column: Column, text: str) -> Any:
    """A condition's text as a value."""
    type_ = column.type
    if type_.array:
        raise NotSupported(f"conditions on arrays are not known in memory: {column.name}", column=column.name)
    if type_.name in values.DOCUMENTS:
        return values.loads(text)
    if type_.name == "boolean":
        return text == "true"
    return kept(Column(name=column.name, type=Type(name=type_.name)), text, table="")


def _pattern(pattern: str, *, ignore: bool) -> re.Pattern[str]:
    parts = re.findall(r"\\(?s:.)|(?s:.)", pattern)
    told = "".join(".*" if p == "%" else "." if p == "_" else re.escape(p[1] if p[0] == "\\" else p) for p in parts)
    return re.compile(told, re.DOTALL | (re.IGNORECASE if ignore else 0))


# --- order


def compare(column: Column, left: Any, right: Any) -> int:
    """-1, 0 or 1, of two values that are not NULL."""
    one, other = _rank(column, left), _rank(column, right)
    return (one > other) - (one < other)


def _rank(column: Column, value: Any) -> tuple[Any, ...]:
    """What Python orders as PostgreSQL orders the value."""
    if isinstance(value, str) and column.type.name.startswith(_MOMENTS):
        return (2 if value == "infinity" else 0,)
    if isinstance(value, float | Decimal) and math.isnan(value):
        return (2,)
    if column.type.name in values.DOCUMENTS or isinstance(value, dict):
        return (1, json.dumps(value, sort_keys=True, default=str))
    if isinstance(value, list):
        return (1, [_rank(column, each) if each is not None else (3,) for each in value])
    if hasattr(value, "utcoffset") and value.tzinfo is not None and hasattr(value, "astimezone"):
        return (1, value.astimezone(UTC))
    return (1, value.rstrip(" ") if column.type.name == "character" else value)


def ordered(table: Table, rows: Sequence[dict[str, Any]], order: Sequence[Order]) -> list[dict[str, Any]]:
    """Rows by an order; equal ones stay as they stand."""
    found = list(rows)
    for each in reversed(order):
        found.sort(key=cmp_to_key(lambda one, other, each=each: _before(table, each, one, other)))  # type: ignore[misc]
    return found


def _before(table: Table, order: Order, one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    left, right = one[order.column], other[order.column]
    if left is None or right is None:
        last = (left is None) - (right is None)
        return -last if order.nulls_first else last
    sign = compare(table.by_name[order.column], left, right)
    return -sign if order.descending else sign


def follows(table: Table, order: Sequence[Order], row: Mapping[str, Any], after: Sequence[Any]) -> bool:
    """Whether a row comes after one of these encoded values."""
    for each, encoded in zip(order, after, strict=True):
        column = table.by_name[each.column]
        sign = compare(column, row[each.column], kept(column, encoded, table=str(table.name)))
        if sign:
            return sign > 0
    return False
