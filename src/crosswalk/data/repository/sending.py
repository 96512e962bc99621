"""Values as they are sent: the JSON value for a column (`encode`), the text that a condition compares with (`text`). Pure.

A text is taken for almost any type, and PostgreSQL reads it. What Python can judge is refused before it is sent, by the
column's name and never with the value; so is what PostgreSQL would cut in silence: a datetime for a date, one without a
zone for a timestamptz, one with a zone for a timestamp. A list stands for an array, and a text for none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from crosswalk.data.failures import BadValue, DataError
from crosswalk.data.repository.table import Column, Type
from crosswalk.data.repository.values import DOCUMENTS, INTEGERS, TEXTS, dumps

_TRUE: Final = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "off", "0"})


class _Misfit(Exception):
    """Why a value does not fit; never the value."""

    def __init__(self, reason: str, code: str = BadValue.sqlstate) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def encode(column: Column, value: Any, *, table: str) -> Any:
    """The JSON value to send for a column. Raises BadValue (a DataError 22003 for a number out of range)."""
    if value is None:
        return None
    try:
        return _encoded(column.type, value)
    except _Misfit as misfit:
        kind = BadValue if misfit.code == BadValue.sqlstate else DataError
        message = f"{table}.{column.name}: {misfit.reason}, which {column.type} does not take"
        raise kind(message, code=misfit.code, table=table, column=column.name) from None


def _encoded(type_: Type, value: Any) -> Any:
    writer = _WRITERS.get(type_.name, _other)
    if not type_.array:
        return writer(value, type_)
    if not isinstance(value, list | tuple):
        raise _Misfit(f"{_article(value)} for an array")
    return [_element(writer, each, type_) for each in value]


def _element(writer: Callable[[Any, Type], Any], value: Any, type_: Type) -> Any:
    if isinstance(value, list | tuple) and type_.name not in DOCUMENTS:
        return [_element(writer, each, type_) for each in value]
    return None if value is None else writer(value, type_)


def _article(value: Any) -> str:
    return f"a value of Python's {type(value).__name__}"


def _whole(value: Any, type_: Type) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _Misfit(_article(value))
    try:
        number = int(value)
    except ValueError:
        raise _Misfit("a text that is no whole number") from None
    if not -INTEGERS[type_.name] <= number < INTEGERS[type_.name]:
        raise _Misfit("a number out of range", "22003")
    return number


def _decimal(value: Any, _: Type) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str | float | Decimal):
        raise _Misfit(_article(value))
    try:
        return str(Decimal(repr(value) if isinstance(value, float) else value))
    except InvalidOperation:
        raise _Misfit("a text that is no number") from None


def _float(value: Any, type_: Type) -> Any:
    digits = _decimal(value, type_)
    try:
        number = float(digits)
    except OverflowError:
        raise _Misfit("a number out of range", "22003") from None
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        if not Decimal(digits).is_infinite():
            raise _Misfit("a number out of range", "22003")
        return "Infinity" if number > 0 else "-Infinity"
    return number


def _bool(value: Any, _: Type) -> bool:
    said = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    raise _Misfit(f"{_article(value)} that is neither true nor false")


def _text(value: Any, _: Type) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float | Decimal | UUID):
        raise _Misfit(_article(value))
    return _clean(str(value) if not isinstance(value, str) else str.__str__(value))


def _clean(text: str) -> str:
    if "\x00" in text:
        raise _Misfit("a text with a zero byte")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise _Misfit("a text with half a surrogate pair")
    return text


def _date(value: Any, _: Type) -> str:
    if isinstance(value, datetime):
        raise _Misfit("a datetime")
    if isinstance(value, date):
        return value.isoformat()
    return _said(value)


def _timestamp(value: Any, type_: Type) -> str:
    zoned = type_.name.endswith("with time zone")
    if isinstance(value, datetime):
        if zoned is (value.tzinfo is None):
            raise _Misfit(f"a datetime {'without' if zoned else 'with'} a zone")
        return value.isoformat()
    if isinstance(value, date) and not zoned:
        return datetime.combine(value, time()).isoformat()
    return _said(value)


def _clock(value: Any, type_: Type) -> str:
    if isinstance(value, time):
        if type_.name.endswith("with time zone") is (value.tzinfo is None):
            raise _Misfit("a time whose zone, or lack of one, is not the column's")
        return value.isoformat()
    return _said(value)


def _interval(value: Any, _: Type) -> str:
    if not isinstance(value, timedelta):
        return _said(value)
    total = value // timedelta(microseconds=1)
    sign = "-" if total < 0 else ""
    days, below = divmod(abs(total), 86_400_000_000)
    seconds, micro = divmod(below, 1_000_000)
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{micro:06}".rstrip("0") if micro else "")
    if not days:
        return clock
    return f"{sign}{days} day{'' if total > 0 and days == 1 else 's'}" + (f" {clock}" if below else "")


def _uuid(value: Any, _: Type) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(_said(value)))
    except ValueError:
        raise _Misfit("a text that is no UUID") from None


def _raw(value: Any, _: Type) -> str:
    return "\\x" + bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else _said(value)


def _said(value: Any) -> str:
    if not isinstance(value, str):
        raise _Misfit(_article(value))
    return _clean(value)


def _document(value: Any, _: Type) -> Any:
    return _checked(value)


def _checked(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_checked(each) for each in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {_clean(name): _checked(each) for name, each in value.items()}
    raise _Misfit(f"{_article(value)} inside a document")


def _other(value: Any, type_: Type) -> Any:
    return _checked(value) if isinstance(value, dict | int | float | Decimal) else _clean(str(value))


_WRITERS: Final[Mapping[str, Callable[[Any, Type], Any]]] = {
    **dict.fromkeys(INTEGERS, _whole),
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(DOCUMENTS, _document),
    "numeric": _decimal,
    "real": _float,
    "double precision": _float,
    "boolean": _bool,
    "date": _date,
    "time without time zone": _clock,
    "time with time zone": _clock,
    "timestamp without time zone": _timestamp,
    "timestamp with time zone": _timestamp,
    "uuid": _uuid,
    "bytea": _raw,
    "interval": _interval,
}


def text(column: Column, encoded: Any) -> str:
    """An encoded value as the text that PostgreSQL reads for the type: what a condition compares with."""
    return _literal(column.type, encoded) if column.type.array else _scalar(column.type, encoded)


def _scalar(type_: Type, encoded: Any) -> str:
    if type_.name in DOCUMENTS or isinstance(encoded, dict | list):
        return dumps(encoded)
    if isinstance(encoded, bool):
        return "true" if encoded else "false"
    return encoded if isinstance(encoded, str) else str(encoded)


def _literal(type_: Type, elements: list[Any]) -> str:
    parts = []
    for each in elements:
        if each is None:
            parts.append("NULL")
        elif isinstance(each, list) and type_.name not in DOCUMENTS:
            parts.append(_literal(type_, each))
        else:
            parts.append('"' + _scalar(type_, each).replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(parts) + "}"


def list_of(texts: Sequence[str]) -> str:
    """Texts as the literal of an array, to be cast by who uses it."""
    return _literal(Type(name="text"), list(texts))
