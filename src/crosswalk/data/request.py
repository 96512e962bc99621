"""A request as values: what an application asks, in the words of PostgREST's grammar, before anybody reads them.

The fluent builder makes a Request, the compiler turns it into one Statement, a runner sends that and makes an Answer.
Pure; knows neither drivers nor HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
"""GET and HEAD read (HEAD: the count only), POST inserts or calls, PATCH updates, DELETE deletes, PUT replaces one row."""
Count = Literal["exact", "planned", "estimated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of `execute()`."""

    method: Method
    name: str
    """Of a table, a view or (`rpc`) a function."""
    schema: str = "public"
    rpc: bool = False
    params: tuple[tuple[str, str], ...] = ()
    """Query parameters in order, as PostgREST reads them: select, filters, order, limit, offset, on_conflict, columns …"""
    body: Any = None
    """Of POST, PATCH and PUT: an object, or a list of objects; a function's arguments."""
    count: Count | None = None
    returning: Literal["representation", "minimal"] = "minimal"
    resolution: Literal["merge-duplicates", "ignore-duplicates"] | None = None
    missing: Literal["default", "null"] = "null"
    """What a column gets that some of the rows of a bulk insert leave out."""
    shape: Literal["array", "object", "csv"] = "array"
    """object: exactly one row, else PGRST116."""
    strip_nulls: bool = False
    max_affected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement with numbered parameters ($1 …); PostgreSQL infers their types."""

    sql: str
    parameters: tuple[Any, ...] = ()
    reads: bool = True
    """It changes nothing: it may run in a read-only transaction, and be repeated."""
    plan: Statement | None = None
    """An EXPLAIN of the rows to be counted, for a planned or estimated count: sent in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request."""

    data: Any
    count: int | None = None
    status: int = 200
