"""What the data layer raises, by name: one class a failure, told by its SQLSTATE, with the constraint that it concerns.

    DataError                anything a database or this layer refuses
      DuplicateKey 23505, ForeignKeyViolated 23503, NullViolated 23502, CheckViolated 23514
      TableMissing 42P01, ColumnMissing 42703, NoMatchingKey 42P10, BadValue 22P02 and all of class 22
      Unavailable              the server cannot be reached, or the connection broke: nothing is known of a write
      NotSupported             what this layer does not do; the message names the construct
      Misconfigured            settings, flags or a compiled mapping that contradict themselves or the catalog; raised at start

No message holds a row's value: the server's DETAIL, which does, is kept apart in `details`.
"""

from __future__ import annotations

from typing import ClassVar


class DataError(Exception):
    """Anything that a database or this layer refuses."""

    sqlstate: ClassVar[str] = ""
    """Of the class; an instance's own is `code`."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        constraint: str = "",
        table: str = "",
        column: str = "",
        details: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.sqlstate
        self.constraint = constraint
        self.table = table
        self.column = column
        self.details = details
        """May hold values of a row: for the caller, never for a log."""
        self.hint = hint


class DuplicateKey(DataError):
    """A row of that key is there already."""

    sqlstate = "23505"


class ForeignKeyViolated(DataError):
    """A row refers to one that is not there, or is referred to."""

    sqlstate = "23503"


class NullViolated(DataError):
    """A column that must hold a value was given none."""

    sqlstate = "23502"


class CheckViolated(DataError):
    """A value is outside of what a CHECK allows."""

    sqlstate = "23514"


class TableMissing(DataError):
    """There is no such table, or it may not be seen."""

    sqlstate = "42P01"


class ColumnMissing(DataError):
    """There is no such column."""

    sqlstate = "42703"


class NoMatchingKey(DataError):
    """No unique key of the table holds just the conflict's columns."""

    sqlstate = "42P10"


class BadValue(DataError):
    """A value that the column's type does not take: a text that it does not read, a number or a text too large for it."""

    sqlstate = "22P02"


class Unavailable(DataError):
    """The server cannot be reached, or the connection broke: whether a write arrived is not known."""

    sqlstate = "08006"


class NotSupported(DataError):
    """What this layer does not do; nothing was sent."""

    sqlstate = "0A000"


class Misconfigured(DataError):
    """Settings, flags or a compiled mapping that contradict themselves or the catalog; nothing was started."""

    sqlstate = "F0000"

    def __init__(self, message: str, **told: str) -> None:
        super().__init__(message, **told)
        if self.hint:
            # It ends a program as it starts: whoever reads the traceback is who needs the remedy.
            self.add_note(self.hint)


_NAMED: tuple[type[DataError], ...] = (
    DuplicateKey, ForeignKeyViolated, NullViolated, CheckViolated, TableMissing, ColumnMissing, NoMatchingKey, BadValue,
)  # fmt: skip
BY_SQLSTATE: dict[str, type[DataError]] = {each.sqlstate: each for each in _NAMED}


def named(code: str) -> type[DataError]:
    """The class of an SQLSTATE; what has no name is DataError.

    A lost or refused connection (08, 57P0x, 53300) is Unavailable, any data exception (22) a BadValue: which of them it is
    differs from one schema to another.
    """
    if code.startswith(("08", "57P")) or code == "53300":
        return Unavailable
    return BY_SQLSTATE.get(code, BadValue if code.startswith("22") else DataError)
