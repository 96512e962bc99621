"""Values: one form in Python for each PostgreSQL type, whichever backend they came through. Pure.

    smallint, integer, bigint        int
    numeric                          Decimal, exact, with its scale; NaN and infinities are Decimals too
    real, double precision           float
    boolean                          bool
    date, time, timetz               date, time
    timestamp                        datetime without a zone
    timestamptz                      datetime in UTC
    uuid                             UUID
    bytea                            bytes
    json, jsonb                      as parsed; a number is an int or a float, or a Decimal where a float would lose digits
    arrays                           list (nested for more dimensions; lower bounds are lost)
    interval                         text, as PostgreSQL prints it ('1 mon 2 days 03:04:05'): a timedelta knows no months
    anything else                    text (enums, ranges, inet, money …); composite types are dicts

What Python's types cannot hold stays PostgreSQL's text: `infinity`, years before 1 and after 9999, `24:00:00`. JSON is
what carries values: `decode` reads what comes, and `sending` makes what is sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from crosswalk.data.failures import ColumnMissing, DataError
from crosswalk.data.repository.table import Column, Type

INTEGERS: Final = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext", "char"})
DOCUMENTS: Final = frozenset({"json", "jsonb"})
_MANY_DIGITS: Final = 4000
"""Python refuses to make an int of more digits than 4,300."""


# --- JSON text


def loads(text: str | bytes) -> Any:
    """JSON whose fractions are Decimals."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer, parse_constant=_no_constant)


def dumps(value: Any) -> str:
    """JSON of encoded values; a Decimal is a number, digit for digit."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    except TypeError:
        return _slowly(value)


def _slowly(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return "[" + ",".join(_slowly(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{_slowly(each)}" for name, each in value.items()) + "}"
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _MANY_DIGITS else Decimal(digits)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


# --- what comes


def row(columns: Sequence[Column], found: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row that came as JSON.

    Raises DataError for one that the table has no more; no ColumnMissing, after which nothing has been written.
    """
    try:
        return {column.name: decode(column.type, found[column.name]) for column in columns}
    except KeyError as error:
        told = f"column {error.args[0]} is not there any more: the table has changed since the store was opened"
        raise DataError(told, code=ColumnMissing.sqlstate, column=str(error.args[0])) from None


def decode(type_: Type, value: Any) -> Any:
    """The canonical value of a JSON value that a server made."""
    if value is None:
        return None
    reader = _READERS.get(type_.name, _plain)
    return _each(reader, value) if type_.array else reader(value)


def _each(reader: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_each(reader, element) for element in value]
    return None if value is None else reader(value)


def _plain(value: Any) -> Any:
    """A document with its numbers as int and float, but Decimal where a float is another number."""
    if isinstance(value, Decimal):
        short = float(value)
        return short if math.isfinite(short) and Decimal(repr(short)) == value else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _or_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def reader(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, OverflowError):
            return value

    return reader


def _instant(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _time(text: str) -> time:
    if text.startswith("24"):
        raise ValueError(text)
    return time.fromisoformat(text)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:]) if text.startswith("\\x") else text.encode()


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(TEXTS, str),
    "numeric": Decimal,
    "real": float,
    "double precision": float,
    "boolean": bool,
    "date": _or_text(date.fromisoformat),
    "time without time zone": _or_text(_time),
    "time with time zone": _or_text(_time),
    "timestamp without time zone": _or_text(lambda text: datetime.fromisoformat(text).replace(tzinfo=None)),
    "timestamp with time zone": _or_text(_instant),
    "uuid": UUID,
    "bytea": _bytes,
}
KNOWN: Final = frozenset({*_READERS, *DOCUMENTS, "interval"})
"""Types that have a form of their own here; of any other nothing is known but its text."""
