"""The query builder of supabase-py: method by method, argument by argument. Pure: it only fills a Draft.

    requests.select("id, name").eq("id", 5).order("name").execute()

One body for synchronous and asynchronous code: `execute()` hands the draft to a Sender and gives back what that gives,
an answer or something to wait for. As there, a method changes its builder in place and returns it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, NoReturn, Protocol, Self, TypeVar

from crosswalk.data.client import params
from crosswalk.data.client.draft import Draft
from crosswalk.data.client.filters import Filters
from crosswalk.data.failures import NotSupported
from crosswalk.data.request import Count, Method

Returning = Literal["representation", "minimal"]
R = TypeVar("R")
"""What a request gives: an APIResponse, or a wait for one."""
M = TypeVar("M")
"""What maybe_single gives: the same, or None instead of a response."""
R_co = TypeVar("R_co", covariant=True)
M_co = TypeVar("M_co", covariant=True)


class Sender(Protocol[R_co, M_co]):
    """Runs drafts; the only thing in which synchronous and asynchronous clients differ."""

    def send(self, draft: Draft) -> R_co: ...

    def send_maybe(self, draft: Draft) -> M_co:
        """A request for an array, of which the only row is the answer; None when there is none."""
        ...

    def become(self, token: str) -> None:
        """Ask as the token's role from now on."""
        ...


class _Ready(Generic[R, M]):
    """A draft and who runs it."""

    def __init__(self, sender: Sender[R, M], draft: Draft) -> None:
        self._sender = sender
        self._draft = draft

    def retry(self, enabled: bool) -> Self:
        """Whether a read is repeated once after a broken connection."""
        self._draft.repeats = enabled
        return self


class SingleRequestBuilder(_Ready[R, M]):
    """Nothing is left to say but execute()."""

    def execute(self) -> R:
        return self._sender.send(self._draft)


class MaybeSingleRequestBuilder(_Ready[R, M]):
    """At most one row: execute() gives None when there is none."""

    def execute(self) -> M:
        return self._sender.send_maybe(self._draft)


class _Query(SingleRequestBuilder[R, M], Filters):
    """Filters and pages of what a request gives."""

    def __init__(self, sender: Sender[R, M], draft: Draft) -> None:
        SingleRequestBuilder.__init__(self, sender, draft)
        Filters.__init__(self, draft)

    def select(self, *columns: str) -> Self:
        """Of a write or a call: which columns come back."""
        self._draft.params.add("select", params.columns(columns))
        self._draft.returning = "representation"
        return self

    def order(
        self, column: str, *, desc: bool = False, nullsfirst: bool | None = None, foreign_table: str | None = None
    ) -> Self:
        """One more column of the order; of an embedded resource where `foreign_table` names it."""
        key = _below(foreign_table, "order")
        before = self._draft.params.first(key)
        nulls = "" if nullsfirst is None else ".nullsfirst" if nullsfirst else ".nullslast"
        self._draft.params.set(key, f"{before + ',' if before else ''}{column}.{'desc' if desc else 'asc'}{nulls}")
        return self

    def limit(self, size: int, *, foreign_table: str | None = None) -> Self:
        self._draft.params.add(_below(foreign_table, "limit"), size)
        return self

    def offset(self, size: int) -> Self:
        self._draft.params.add("offset", size)
        return self

    def range(self, start: int, end: int, foreign_table: str | None = None) -> Self:
        """Rows by number from 0, both ends in."""
        self._draft.params.add(_below(foreign_table, "offset"), start)
        self._draft.params.add(_below(foreign_table, "limit"), end - start + 1)
        return self

    def strip_nulls(self) -> Self:
        """Leave out what is null."""
        if self._draft.shape == "csv":
            raise ValueError("strip_nulls() cannot be used with csv()")
        self._draft.strip_nulls = True
        return self

    def maybe_single(self) -> MaybeSingleRequestBuilder[R, M]:
        """At most one row, else an error; execute() gives None when there is none."""
        return MaybeSingleRequestBuilder(self._sender, self._draft)

    def _as_csv(self) -> None:
        if self._draft.strip_nulls:
            raise ValueError("strip_nulls() cannot be used with csv()")
        self._draft.shape = "csv"


class SelectRequestBuilder(_Query[R, M]):
    """A read, or what a write gives back."""

    def single(self) -> SingleRequestBuilder[R, M]:
        """Just one row, else PGRST116."""
        self._draft.shape = "object"
        return SingleRequestBuilder(self._sender, self._draft)

    def csv(self) -> SingleRequestBuilder[R, M]:
        """The answer as one text."""
        self._as_csv()
        return SingleRequestBuilder(self._sender, self._draft)

    def text_search(self, column: str, query: str, options: Mapping[str, Any] | None = None) -> Self:
        """`options`: type (plain, phrase or web_search) and config (a text search configuration)."""
        said = options or {}
        kind = {"plain": "pl", "phrase": "ph", "web_search": "w"}.get(str(said.get("type")), "")
        config = f"({said['config']})" if said.get("config") else ""
        return self.filter(column, f"{kind}fts{config}", query)

    def explain(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupported("explain() is not supported; EXPLAIN a statement on the server instead")


class RPCFilterRequestBuilder(_Query[R, M]):
    """What a function gives."""

    def single(self) -> Self:
        """Just one row, else PGRST116."""
        self._draft.shape = "object"
        return self

    def csv(self) -> Self:
        """The answer as one text."""
        self._as_csv()
        return self


class RequestBuilder(Generic[R, M]):
    """A table or view, and nothing said yet."""

    def __init__(self, sender: Sender[R, M], name: str, schema: str) -> None:
        self._sender = sender
        self._name = name
        self._schema = schema

    def select(
        self, *columns: str, count: Count | None = None, head: bool | None = None
    ) -> SelectRequestBuilder[R, M]:
        """Columns and embedded resources in PostgREST's grammar; `head` wants the count only."""
        draft = self._draft("HEAD" if head else "GET", count)
        draft.params.add("select", params.columns(columns))
        return SelectRequestBuilder(self._sender, draft)

    def insert(
        self,
        json: Any,
        *,
        count: Count | None = None,
        returning: Returning = "representation",
        upsert: bool = False,
        default_to_null: bool = True,
    ) -> SelectRequestBuilder[R, M]:
        """A row, or a list of rows, of which a key that is left out is null unless `default_to_null` is False."""
        draft = self._write("POST", json, count, returning)
        draft.resolution = "merge-duplicates" if upsert else None
        draft.missing = "null" if default_to_null else "default"
        _name_columns(draft)
        return SelectRequestBuilder(self._sender, draft)

    def upsert(
        self,
        json: Any,
        *,
        count: Count | None = None,
        returning: Returning = "representation",
        ignore_duplicates: bool = False,
        on_conflict: str = "",
        default_to_null: bool = True,
    ) -> SelectRequestBuilder[R, M]:
        """Insert, or update the row that has the key: the primary one, or the columns of `on_conflict`."""
        draft = self._write("POST", json, count, returning)
        draft.resolution = "ignore-duplicates" if ignore_duplicates else "merge-duplicates"
        draft.missing = "null" if default_to_null else "default"
        if on_conflict:
            draft.params.add("on_conflict", on_conflict)
        _name_columns(draft)
        return SelectRequestBuilder(self._sender, draft)

    def update(
        self, json: Any, *, count: Count | None = None, returning: Returning = "representation"
    ) -> SelectRequestBuilder[R, M]:
        """Change the rows that the filters leave."""
        return SelectRequestBuilder(self._sender, self._write("PATCH", json, count, returning))

    def delete(
        self, *, count: Count | None = None, returning: Returning = "representation"
    ) -> SelectRequestBuilder[R, M]:
        """Delete the rows that the filters leave."""
        return SelectRequestBuilder(self._sender, self._write("DELETE", None, count, returning))

    def _write(self, method: Method, body: Any, count: Count | None, returning: Returning) -> Draft:
        draft = self._draft(method, count)
        draft.body = body
        draft.returning = _plain(returning)
        return draft

    def _draft(self, method: Method, count: Count | None) -> Draft:
        return Draft(method=method, name=self._name, schema=self._schema, count=_plain(count))


def call(
    sender: Sender[R, M], schema: str, func: str, arguments: Mapping[str, Any] | None, *, count: Count | None, method: Method
) -> RPCFilterRequestBuilder[R, M]:
    """A function's call: its arguments are the body, or with GET and HEAD query parameters."""
    given = arguments or {}
    draft = Draft(method=method, name=func, schema=schema, rpc=True, count=_plain(count))
    if method == "POST":
        draft.body = given
    else:
        for name, value in given.items():
            draft.params.add(name, params.argument(value))
    return RPCFilterRequestBuilder(sender, draft)


def _below(foreign_table: str | None, key: str) -> str:
    return f"{foreign_table}.{key}" if foreign_table else key


def _name_columns(draft: Draft) -> None:
    """A list of rows names all their columns; a single row names its own."""
    body = draft.body
    rows = isinstance(body, Sequence) and not isinstance(body, str | bytes | bytearray)
    if rows and all(isinstance(row, Mapping) for row in body) and (named := params.columns_of(body)):
        draft.params.add("columns", named)


def _plain(said: Any) -> Any:
    """The word of an enum such as the old library's CountMethod."""
    return getattr(said, "value", said)
