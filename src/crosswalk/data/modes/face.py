"""Repository's interface, once, over whatever carries its calls out: what a router and a transaction of one share.

Calls become values (`Write`) or functions of a repository; rows are dicts below, and become models here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from crosswalk.data.conditions import Orders, Where, ordered
from crosswalk.data.modes.compare import Rules
from crosswalk.data.repository.repository import BATCH, Repository, Row
from crosswalk.data.repository.shape import Shape

R = TypeVar("R")
Ask = Callable[[Repository[Row]], Awaitable[Any]]
"""One call, of whichever side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A writing call, as a value."""

    method: str
    ask: Ask
    rows: Sequence[Mapping[str, Any]] = ()
    """Of an upsert."""
    conflict: Sequence[str] | None = None
    where: Where | None = None
    """Of a delete."""


class Face(ABC, Generic[R]):
    """The methods of Repository, in terms of `_read` and `_write`."""

    def __init__(self, table: str, rules: Rules, shape: Shape[R] | None) -> None:
        self._table, self._rules, self._shape = table, rules, shape

    @property
    def table(self) -> str:
        return self._table

    @abstractmethod
    async def _read(self, method: str, rules: Rules, ask: Ask) -> Any: ...

    @abstractmethod
    async def _write(self, write: Write) -> Any: ...

    @abstractmethod
    def _walk(self, where: Where | None, batch: int) -> AsyncGenerator[Row, None]: ...

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Repository[R]]: ...

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> R | None:
        asked, held = self._columns(columns), _held(where) or {}
        found = await self._read("find_one", self._rules, lambda side: side.find_one(held, columns=asked))
        return None if found is None else self._row(found)

    async def find_many(
        self,
        where: Where | None = None,
        *,
        order: Orders = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> list[R]:
        asked, held, by = self._columns(columns), _held(where), ordered(order)

        def ask(side: Repository[Row]) -> Awaitable[Any]:
            return side.find_many(held, order=by, limit=limit, offset=offset, columns=asked)

        found = await self._read("find_many", replace(self._rules, order=by), ask)
        return [self._row(row) for row in found]

    async def count(self, where: Where | None = None) -> int:
        held = _held(where)
        return int(await self._read("count", Rules(), lambda side: side.count(held)))

    async def iterate(self, where: Where | None = None, *, batch: int = BATCH) -> AsyncIterator[R]:
        async with aclosing(self._walk(_held(where), batch)) as rows:
            async for row in rows:
                yield self._row(row)

    async def upsert(self, row: Mapping[str, Any] | R, *, conflict: Sequence[str] | None = None) -> R:
        given = self._given(row)
        write = Write(
            method="upsert", ask=lambda side: side.upsert(given, conflict=conflict), rows=[given], conflict=conflict
        )
        return self._row(await self._write(write))

    async def bulk_upsert(
        self, rows: Sequence[Mapping[str, Any] | R], *, conflict: Sequence[str] | None = None
    ) -> list[R]:
        given = [self._given(row) for row in rows]
        write = Write(
            method="bulk_upsert", ask=lambda side: side.bulk_upsert(given, conflict=conflict), rows=given, conflict=conflict
        )
        return [self._row(row) for row in await self._write(write)]

    async def delete(self, where: Where) -> int:
        held = _held(where) or {}
        return int(await self._write(Write(method="delete", ask=lambda side: side.delete(held), where=held)))

    def _columns(self, columns: Sequence[str] | None) -> Sequence[str] | None:
        chosen = self._shape.columns if columns is None and self._shape else columns
        return None if chosen is None else tuple(chosen)

    def _row(self, row: Row) -> R:
        return self._shape.row(row) if self._shape else cast(R, row)

    def _given(self, row: Mapping[str, Any] | R) -> Mapping[str, Any]:
        return dict(self._shape.given(row) if self._shape else cast(Mapping[str, Any], row))


def _held(where: Where | None) -> Where | None:
    """A copy: the caller may go on changing its own while the other side is asked."""
    if where is None:
        return None
    return {c: list(said) if isinstance(said, list | set | frozenset) else said for c, said in where.items()}
