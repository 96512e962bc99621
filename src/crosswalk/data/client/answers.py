"""What execute() returns and raises, with the names and attributes of supabase-py. Pure.

    APIResponse(data, count)     SingleAPIResponse of single() and maybe_single()
    APIError                     code, message, details, hint, json(); also one of the island's failures by name

An error raised here is both: `except APIError` catches it, and so does `except DuplicateKey`. Its text holds code, message
and hint, but never `details`, where the server puts values of rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from crosswalk.data import failures
from crosswalk.data.failures import DataError
from crosswalk.data.request import Answer


class APIResponse(BaseModel):
    """The answer to a request."""

    data: Any
    """A list of rows, an object, what a function gave, or CSV as text; an empty list where nothing was asked for."""
    count: int | None = None


class SingleAPIResponse(APIResponse):
    """The answer of one row."""


class APIError(DataError):
    """A refusal, in PostgREST's words. `details` and `hint` are None where there are none."""

    details: Any
    hint: Any

    def __init__(self, error: Mapping[str, Any], *, constraint: str = "", table: str = "", column: str = "") -> None:
        super().__init__(
            error.get("message") or "", code=error.get("code") or "", constraint=constraint, table=table, column=column
        )
        self._raw_error = dict(error)
        self.details = error.get("details")
        self.hint = error.get("hint")

    def json(self) -> dict[str, Any]:
        """The body that PostgREST would have sent."""
        return self._raw_error

    def __str__(self) -> str:
        return str({"message": self.message, "code": self.code, "hint": self.hint})

    def __repr__(self) -> str:
        hint = f"\nHint: {self.hint}" if self.hint else ""
        return f"Error {self.code}:\nMessage: {self.message}{hint}"


def _both(named: type[DataError]) -> type[APIError]:
    doc = f"{named.__doc__} Also an APIError."
    return type(named.__name__, (APIError, named), {"__doc__": doc, "__module__": __name__})


_BOTH: dict[type[DataError], type[APIError]] = {
    each: _both(each)
    for each in vars(failures).values()
    if isinstance(each, type) and issubclass(each, DataError) and each is not DataError
}


def refusal(failure: DataError) -> APIError:
    """The failure as supabase-py's error."""
    if isinstance(failure, APIError):
        return failure
    named = next((each for each in type(failure).__mro__ if each in _BOTH), None)
    error = {
        "message": failure.message, "code": failure.code, "hint": failure.hint or None, "details": _details(failure),
    }  # fmt: skip
    both = _BOTH[named] if named else APIError
    return both(error, constraint=failure.constraint, table=failure.table, column=failure.column)


def _details(failure: DataError) -> Any:
    """PostgREST's relationships to choose from are a list."""
    if failure.code != "PGRST201" or not failure.details:
        return failure.details or None
    try:
        return json.loads(failure.details)
    except (TypeError, ValueError):  # a function has raised that code itself
        return failure.details


def response(answer: Answer, *, single: bool) -> APIResponse:
    return (SingleAPIResponse if single else APIResponse).model_construct(data=answer.data, count=answer.count)


def at_most_one(answer: Answer) -> Answer | None:
    """The only row of a list, None when there is none; several are refused."""
    rows = answer.data if isinstance(answer.data, list) else [] if answer.data is None else [answer.data]
    if len(rows) > 1:
        raise DataError(
            "Cannot coerce the result to a single JSON object",
            code="406",
            details="The result contains more than one row.",
            hint="Please check traceback of the code",
        )
    return Answer(data=rows[0], count=answer.count, status=answer.status) if rows else None
