"""Texts that do not read as a value of a type: the conditions, as SQL over the text.

From PostgreSQL 16 on the server is asked (pg_input_is_valid); before that, and for dates and times always,
the text must have a form that is written down here.
"""

from __future__ import annotations

from typing import Final

from crosswalk.express.casts import type_sql
from crosswalk.names import literal
from crosswalk.pg_types import INTEGERS
from crosswalk.schema import TypeRef

SYNTAX: Final = {
    **dict.fromkeys(INTEGERS, r"^\s*[-+]?[0-9]{1,18}\s*$"),
    "numeric": r"^\s*([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|NaN)\s*$",
    "uuid": r"^\s*\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?\s*$",
    "bool": r"^\s*([tT](rue)?|[fF](alse)?|[yY](es)?|[nN]o?|on|off|0|1)\s*$",
}
"""What a text must look like to become a value, where the server cannot be asked."""

_DATE: Final = r"\d{4,7}-\d{1,2}-\d{1,2}"
_CLOCK: Final = r"\d{1,2}:[0-5]\d(:[0-5]\d([.]\d{1,6}0*)?)?"
_ZONE: Final = r"\s*(Z|UTC|GMT|[-+]\d{1,2}(:?\d\d){0,2})"
_FORMS: Final = {
    "date": (rf"^\s*({_DATE}(\s+BC)?|[-+]?infinity)\s*$", "YYYY-MM-DD"),
    "timestamp": (rf"^\s*({_DATE}([T ]\s*{_CLOCK})?(\s+BC)?|[-+]?infinity)\s*$", "YYYY-MM-DD hh:mm:ss"),
    "timestamptz": (rf"^\s*({_DATE}[T ]\s*{_CLOCK}{_ZONE}(\s+BC)?|[-+]?infinity)\s*$", "YYYY-MM-DD hh:mm:ss+hh"),
    "time": (rf"^\s*{_CLOCK}\s*$", "hh:mm:ss"),
    "timetz": (rf"^\s*{_CLOCK}{_ZONE}\s*$", "hh:mm:ss+hh"),
    "interval": (r"^(?!.*[.]\d{6}\d*[1-9])", "an interval of at most six digits after the second"),
}
"""How a text must be written, for PostgreSQL reads much more: it drops a zone or a time of day in silence,
guesses the zone that is missing, and takes `tomorrow` for a date."""


def unread(text: str, wire: TypeRef, *, validates: bool) -> tuple[list[str], str]:
    """Conditions under which the text is no value of the type, and for people how it should be written."""
    conditions = []
    if validates:
        conditions.append(f"NOT pg_catalog.pg_input_is_valid({text}, {literal(type_sql(wire))})")
    elif wire.name in SYNTAX:
        conditions.append(f"{text} !~ {literal(SYNTAX[wire.name])}")
    if wire.name not in _FORMS:
        return conditions, ""
    form, written = _FORMS[wire.name]
    return [*conditions, f"{text} !~* {literal(form)}"], f", written as {written}"
