"""The driver's errors as ours, in one place: by SQLSTATE, and by how a connection ends.

Messages are the server's, without values of rows. Which states mean a lost connection or a time-out is said by
`sqlstates`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import asyncpg

from crosswalk.errors import (
    ConnectionLost,
    CrosswalkError,
    LocksExhausted,
    LoginRefused,
    MissingPrivilege,
    RowsHidden,
    StatementFailed,
    Timeout,
)
from crosswalk.sqlstates import Meaning, is_foreign, meaning

Side = Literal["source", "target"]
SPOKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError)
"""What the driver raises; InternalClientError comes where a connection ends in the middle of an exchange."""
_QUOTED_VALUE: Final = re.compile(r'(?<=: )".*"', re.DOTALL)
_BUSY: Final = "another operation is in progress"
_ALLOCATION: Final = re.compile(r"\b\d{10,}\b")
"""A size beyond 1 GB, in whatever language the message is."""
_HIDDEN: Final = re.compile(r'row-level security policy for table "(.+)"')


def harmless(error: asyncpg.PostgresError) -> str:
    """The server's message without values of rows."""
    return without_values(error.sqlstate or "", str(error.args[0]) if error.args else type(error).__name__)


def without_values(state: str, text: str) -> str:
    """A message of the server, by its SQLSTATE, without values of rows."""
    if _is_allocation(state, text):
        return f"a row that takes over 1 GB can neither be sent nor stored ({text.splitlines()[0]})"
    if state.startswith("22"):
        return _QUOTED_VALUE.sub('"…"', text)
    if state in {"P0001", "P0002", "P0003", "P0004"} or is_foreign(state):
        return "a function or trigger raised an exception"
    return text.splitlines()[0] if text else state


def state_of(error: asyncpg.PostgresError) -> str:
    """Its SQLSTATE; 54000, of a limit, for a row that is too large for the server's memory."""
    state = error.sqlstate or ""
    return "54000" if _is_allocation(state, str(error.args[0]) if error.args else "") else state


def _is_allocation(state: str, text: str) -> bool:
    """A row that takes over 1 GB ends in the allocator, as an internal error."""
    return state == "XX000" and _ALLOCATION.search(text) is not None


def ended(error: BaseException) -> str:
    """How a connection ended, in words of the system or ours: the driver's speak of its own parts."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return "it was closed by the server or on the way"


def translate(error: BaseException, *, side: Side, what: str, url: str = "") -> CrosswalkError:
    """Our error for one of the driver's; `what` says what was being done, as a noun phrase."""
    if isinstance(error, asyncpg.PostgresError):
        state = state_of(error)
        known = meaning(state)
        reason = harmless(error)
        hidden = _HIDDEN.search(reason)
        if state == "42501" and hidden:
            return RowsHidden(side=side, table=hidden.group(1), reason=reason)
        if state == "42501":
            return MissingPrivilege(side=side, what=what, reason=reason)
        if state.startswith("28") or state == "3D000":
            return LoginRefused(side=side, url=url, reason=reason)
        if known is Meaning.LOST:
            return ConnectionLost(side=side, reason=reason, sqlstate=state)
        if state == "53200" and "shared memory" in reason:
            return LocksExhausted(side=side, what=what, reason=reason)
        if state == "55P03" or known is Meaning.LATE:
            return Timeout(side=side, what=what, reason=reason, sqlstate=state)
        return StatementFailed(
            side=side,
            what=what,
            sqlstate=state,
            reason=reason,
            raw=str(error.args[0]) if error.args else "",
            constraint=getattr(error, "constraint_name", None),
            column=getattr(error, "column_name", None),
            table=getattr(error, "table_name", None),
        )
    if isinstance(error, asyncpg.InterfaceError) and _BUSY in str(error):
        # A mistake of ours, and no reason to connect again.
        return StatementFailed(side=side, what=what, sqlstate="", reason=str(error))
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError)):
        return ConnectionLost(side=side, reason=ended(error))
    return StatementFailed(side=side, what=what, sqlstate="", reason=f"{type(error).__name__}: {error}")
