"""What every method answers: `{success, data, operation, timestamp}`, and `error` where it failed. Nothing is raised.

A single row that is not there, or of which there are several, is a success whose data is None. An error tells its class
and SQLSTATE, by which callers know it; never a row's value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, NotRequired, ParamSpec, TypedDict, TypeVar

from pydantic import ValidationError

from crosswalk.data.failures import DataError, Unavailable

INVALID = "InvalidRow"
"""The name of an error that the application itself found: a row or an argument that its model refuses."""


class Failure(TypedDict):
    """Why there is no answer."""

    name: str
    """DuplicateKey, ForeignKeyViolated, NullViolated, TableMissing, ColumnMissing, NoMatchingKey, BadValue, Unavailable …"""
    code: str
    """The SQLSTATE; empty where no database was asked."""
    message: str
    constraint: str


class Envelope(TypedDict):
    """The answer of every method."""

    success: bool
    data: Any
    operation: str
    timestamp: str
    """When it was answered: ISO 8601, UTC."""
    error: NotRequired[Failure]


class Refused(Exception):
    """An argument that no database need be asked about."""


P = ParamSpec("P")
S = TypeVar("S")


def answered(
    method: Callable[Concatenate[S, P], Awaitable[Any]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, Envelope]]:
    """The method with its result, or its failure, in an envelope. A cancelled task stays cancelled."""

    @wraps(method)
    async def answer(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Envelope:
        try:
            return _envelope(method.__name__, data=await method(self, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - to answer, whatever went wrong, is the promise
            return _envelope(method.__name__, error=failure(error))

    return answer


def failure(error: Exception) -> Failure:
    """An exception as callers know it."""
    if isinstance(error, DataError):
        return Failure(name=type(error).__name__, code=error.code, message=error.message, constraint=error.constraint)
    if isinstance(error, ValidationError):
        return Failure(name=INVALID, code="", message=_places(error), constraint="")
    if isinstance(error, Refused):
        return Failure(name=INVALID, code="", message=str(error), constraint="")
    if isinstance(error, TimeoutError | OSError):
        return Failure(name=Unavailable.__name__, code=Unavailable.sqlstate, message="no answer in time", constraint="")
    return Failure(name=type(error).__name__, code="", message="an error of the application", constraint="")


def _places(error: ValidationError) -> str:
    """Where a row is wrong, and the kind of error; pydantic's own message may quote the value."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'row'}: {each['type']}" for each in error.errors())


def _envelope(operation: str, *, data: Any = None, error: Failure | None = None) -> Envelope:
    made = Envelope(success=error is None, data=data, operation=operation, timestamp=datetime.now(UTC).isoformat())
    if error is not None:
        made["error"] = error
    return made
