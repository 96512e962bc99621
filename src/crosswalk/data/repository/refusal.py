"""What a server refused, as a DataError by name. Pure.

A server's message may hold a row's value: `invalid input syntax for type integer: "…"`, or whatever a trigger raises.
Only messages of classes that hold none are passed on; the others are worded here, and the server's own stands in
`details`, which is for the caller and for no log.
"""

from __future__ import annotations

import re
from typing import Final

from crosswalk.data.failures import DataError, Unavailable, named

_SPEAKING: Final = ("08", "0A", "23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "PGRST")
"""Classes whose messages name tables, columns and constraints, and no value."""
_WORDED: Final = {
    "22001": "a text is too long for its column",
    "22003": "a number is out of its column's range",
    "22007": "a text is no date or time",
    "22008": "a date or time is out of range",
    "22P02": "a text is none that the column's type reads",
    "22P05": "a text holds a character that the database cannot store",
    "22021": "a text holds a character that the database cannot store",
}
_CONSTRAINT: Final = re.compile(r'constraint "((?:[^"]|"")+)"')
_COLUMN: Final = re.compile(r'column "((?:[^"]|"")+)"')


def refusal(
    code: str, message: str, *, table: str, details: str = "", hint: str = "", constraint: str = "", column: str = ""
) -> DataError:
    """The error of a SQLSTATE (or of a code of PostgREST's) that a statement about `table` came back with."""
    kind = named(code)
    told = message if code.startswith(_SPEAKING) else _WORDED.get(code, f"the server refused it (SQLSTATE {code or 'unknown'})")
    kept = details if told is message else "; ".join(each for each in (message, details) if each)
    return kind(
        f"{table}: {told}", code=code, table=table, details=kept, hint=hint,
        constraint=constraint or _first(_CONSTRAINT, message, code.startswith("23")),
        column=column or _first(_COLUMN, message, code in {"23502", "42703"}),
    )  # fmt: skip


def lost(table: str, reason: str, hint: str = "") -> Unavailable:
    """The connection broke, or none was to be had; `reason` is a name of an error, never a URL."""
    return Unavailable(f"{table}: the server cannot be reached ({reason})", table=table, hint=hint)


def _first(pattern: re.Pattern[str], message: str, wanted: bool) -> str:
    found = pattern.search(message) if wanted else None
    return found.group(1).replace('""', '"') if found else ""
