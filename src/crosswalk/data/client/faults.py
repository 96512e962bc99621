"""The driver's errors in the island's words: what the server said as PostgREST passes it on, or that it cannot be reached."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from crosswalk.data.client.course import Lost
from crosswalk.data.failures import BadValue, DataError, Unavailable, named

_NONE_FREE = "All connections are in use, or the server cannot be reached."
_RAISED = "PGRST"
"""The SQLSTATE by which a function says the whole error itself, as JSON."""


def translated(error: Exception, *, harmless: bool) -> DataError:
    """`harmless`: nothing had been sent that could have changed something."""
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Unavailable("Timed out acquiring connection from connection pool.", code="PGRST003", hint=_NONE_FREE)
    if isinstance(error, PoolClosed):
        return Unavailable("the client is closed")
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return _without_state(error, harmless)
    made = _said(error)
    if isinstance(made, Lost):
        made.harmless = harmless
    return made


def _without_state(error: Exception, harmless: bool) -> DataError:
    """No server said it: a connection that is no more, or a value that the driver cannot send."""
    if isinstance(error, UnicodeError):
        return BadValue("a text has no form in UTF-8: it holds half of a surrogate pair, or bytes of something else", code="22021")
    if isinstance(error, psycopg.DataError):
        return BadValue("a text holds a zero byte, which PostgreSQL cannot store", code="22021")
    lost = Lost("the connection to the server cannot be made, or broke", hint=_reason(error))
    lost.harmless = harmless
    return lost


def _reason(error: Exception) -> str:
    """The first line: the driver names host, port and user there, never a password."""
    return next(iter(str(error).splitlines()), "")


def _said(error: psycopg.Error) -> DataError:
    diag, code = error.diag, error.sqlstate or ""
    if code == _RAISED:
        return _raised(diag.message_primary or "", diag.message_detail or "")
    kind = named(code)
    return (Lost if kind is Unavailable else kind)(
        diag.message_primary or _reason(error),
        code=code,
        constraint=diag.constraint_name or "",
        table=diag.table_name or "",
        column=diag.column_name or "",
        details=diag.message_detail or "",
        hint=diag.message_hint or "",
    )


def _raised(message: str, detail: str) -> DataError:
    """A function's own error; its status and headers, in the detail, have nowhere to go here."""
    said, more = _object(message), _object(detail)
    if not all(isinstance(said.get(key), str) for key in ("code", "message")) or not {"status", "headers"} <= more.keys():
        return DataError("The message and detail field of RAISE 'PGRST' error expects JSON", code="PGRST121")
    kind = named(said["code"])
    return kind(said["message"], code=said["code"], details=said.get("details") or "", hint=said.get("hint") or "")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
