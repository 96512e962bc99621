"""A request's body as JSON text, as postgrest-py writes it, and Decimal besides. Pure.

Dates and times are ISO 8601, a timedelta is an interval, a UUID its text, bytes are their hex form, a mapping is an
object, any other sequence a list. A Decimal becomes a number with just its digits; where JSON has no number for it (NaN,
Infinity) it becomes its name, which numeric reads. A float that is no number is refused (ValueError), as is a type that
is not known (TypeError).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_MOST_DIGITS = 150_000


def encoded(body: Any) -> str:
    """The text that is sent."""
    mark = f"decimal:{secrets.token_hex(16)}:"
    """Nobody can guess it, so no text of a row can pretend to be a number."""

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{mark}{_number(value)}" if value.is_finite() else str(value)
        return _plain(value)

    text = json.dumps(body, default=plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _unmarked(text, mark) if mark in text else text


def _number(value: Decimal) -> str:
    """Its digits; with an exponent where they are more than any numeric holds, lest a short text fill the memory."""
    return f"{value:f}" if abs(value.adjusted()) < _MOST_DIGITS else str(value)


def _unmarked(text: str, mark: str) -> str:
    first, *rest = text.split(f'"{mark}')
    return first + "".join(part.replace('"', "", 1) for part in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
