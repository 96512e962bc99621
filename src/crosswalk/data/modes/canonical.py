"""One form for each value, so that equal is what an application would take for equal. Pure.

    numbers      by value: 1.50 is 1.5, -0 is 0, NaN is NaN; as a column int, Decimal and float differ, inside of jsonb they
                 do not
    date, time   an instant is one in whatever zone it is told; one without a zone is never equal to one with
    jsonb        objects without the order of their keys, lists in order
    rows         dicts, pydantic models and dataclasses by their fields

Values become nested tuples: hashable, and they can be sorted. What has no known form raises Incomparable.
"""

from __future__ import annotations

import copy
import dataclasses
import ipaddress
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range
from pydantic import BaseModel

Form = tuple[str, Any]
_SCALARS = (str, UUID, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
            ipaddress.IPv4Interface, ipaddress.IPv6Interface)  # fmt: skip


class Incomparable(Exception):
    """A value of a kind that has no canonical form; the message names the kind only."""


def form(value: Any, *, nested: bool = False) -> Form:
    """The canonical form; `nested` inside of a list or an object."""
    if value is None:
        return ("null", "")
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Enum):
        return form(value.value, nested=nested)
    if isinstance(value, int | float | Decimal):
        return _number(value, nested=nested)
    if isinstance(value, date | time | timedelta):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return ("bytes", bytes(value))
    if isinstance(value, _SCALARS):
        return (type(value).__name__, str(value))
    return _composed(value)


def _number(value: int | float | Decimal, *, nested: bool) -> Form:
    kind = "number" if nested else type(value).__name__ if type(value) in (int, float, Decimal) else "int"
    if isinstance(value, int):
        return (kind, str(int(value)))
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not exact.is_finite():
        return (kind, "NaN" if math.isnan(exact) else "Infinity" if exact > 0 else "-Infinity")
    if not exact:
        return (kind, "0")
    if exact == exact.to_integral_value() and exact.adjusted() < 400:
        return (kind, str(int(exact)))
    sign, digits, exponent = exact.as_tuple()
    trimmed = "".join(map(str, digits)).rstrip("0")
    return (kind, f"{'-' if sign else ''}{trimmed}e{int(exponent) + len(digits) - len(trimmed)}")


def _moment(value: date | time | timedelta) -> Form:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return ("timestamp", value.isoformat())
        return ("instant", value.astimezone(UTC).isoformat())
    if isinstance(value, timedelta):
        return ("interval", (value.days, value.seconds, value.microseconds))
    return ("date" if isinstance(value, date) else "time", value.isoformat())


def _composed(value: Any) -> Form:
    if isinstance(value, Range):
        bounds = (form(value.lower), form(value.upper))
        return ("range", ("empty",) if value.isempty else (str(value.bounds), *bounds))
    if isinstance(value, list | tuple | Multirange):
        return ("list", tuple(form(each, nested=True) for each in value))
    if isinstance(value, set | frozenset):
        return ("set", tuple(sorted(form(each, nested=True) for each in value)))
    if (fields := columns(value)) is not None:
        return ("object", tuple(sorted((str(name), form(each, nested=True)) for name, each in fields.items())))
    raise Incomparable(f"values of kind {type(value).__name__} have no canonical form")


def columns(row: Any) -> Mapping[str, Any] | None:
    """A row by column, whether it is a dict, a pydantic model or a dataclass; None for anything else."""
    if isinstance(row, Mapping):
        return row
    if isinstance(row, BaseModel):
        return {name: getattr(row, name) for name in type(row).model_fields}
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {each.name: getattr(row, each.name) for each in dataclasses.fields(row)}
    return None


def kept(value: Any) -> Any:
    """A copy that the caller's later changes do not reach; cheap, since only containers are copied.

    A model stays a model, for whoever views an answer by its fields.
    """
    if isinstance(value, BaseModel) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        return copy.deepcopy(value)
    if isinstance(value, list | tuple):
        return [kept(each) for each in value]
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, Mapping):
        return {name: kept(each) for name, each in value.items()}
    return value
