"""A repository upon a backend: everything that is the same whichever backend it is.

A backend answers encoded questions with canonical rows; names, values, keys, batches, models and pages are settled here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from crosswalk.data.conditions import Orders, Where, asc
from crosswalk.data.failures import BadValue, NotSupported
from crosswalk.data.repository import sending
from crosswalk.data.repository.batch import Batch, prepare
from crosswalk.data.repository.question import Question, ask, lacking, walked
from crosswalk.data.repository.repository import BATCH, Repository, Row
from crosswalk.data.repository.shape import Shape
from crosswalk.data.repository.table import Key, Table

R = TypeVar("R")


class Backend(Protocol):
    """What a store can do with a table. Rows that come back are canonical; they hold the question's columns."""

    async def read(self, table: Table, question: Question) -> list[Row]: ...

    async def count(self, table: Table, question: Question) -> int: ...

    async def delete(self, table: Table, question: Question) -> int: ...

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        """One whole stored row for each of the batch's distinct ones, in their order."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Backend]: ...


class BackedRepository(Generic[R]):
    """`Repository` over a backend."""

    def __init__(self, backend: Backend, table: Table, shape: Shape[R], conflict: Key | None) -> None:
        self._backend = backend
        self._table = table
        self._shape = shape
        self._conflict = conflict

    def __repr__(self) -> str:
        return f"<repository of {self.table}>"

    @property
    def table(self) -> str:
        return str(self._table.name)

    @property
    def described(self) -> Table:
        """What is known of the table."""
        return self._table

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> R | None:
        found = await self.find_many(where, limit=2, columns=columns)
        return found[0] if len(found) == 1 else None

    async def find_many(
        self,
        where: Where | None = None,
        *,
        order: Orders = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> list[R]:
        chosen = self._shape.columns if columns is None else columns
        question = ask(self._table, where, order=order, limit=limit, offset=offset, columns=chosen)
        if question.never or limit == 0:
            return []
        return self._shape.rows(await self._backend.read(self._table, question))

    async def upsert(self, row: Mapping[str, Any] | R, *, conflict: Sequence[str] | None = None) -> R:
        [stored] = await self.bulk_upsert([row], conflict=conflict)
        return stored

    async def bulk_upsert(
        self, rows: Sequence[Mapping[str, Any] | R], *, conflict: Sequence[str] | None = None
    ) -> list[R]:
        key = self._key(conflict)
        batch = prepare(self._table, [self._shape.given(row) for row in rows], key)
        if not batch.distinct:
            return []
        stored = self._shape.rows(await self._backend.write(self._table, batch))
        return [stored[place] for place in batch.given]

    def _key(self, conflict: Sequence[str] | None) -> Key:
        if conflict is None and self._conflict is not None:
            return self._conflict
        return self._table.arbiter(conflict)

    async def delete(self, where: Where) -> int:
        question = ask(self._table, where)
        if not where or not (question.tests or question.never):
            raise NotSupported(f"{self.table}: a delete without a condition is refused", table=self.table)
        return 0 if question.never else await self._backend.delete(self._table, question)

    async def count(self, where: Where | None = None) -> int:
        question = ask(self._table, where)
        return 0 if question.never else await self._backend.count(self._table, question)

    async def iterate(self, where: Where | None = None, *, batch: int = BATCH) -> AsyncIterator[R]:
        if batch < 1:
            raise BadValue("a batch holds at least one row", table=self.table)
        key = self._walked()
        chosen = None if self._shape.columns is None else tuple(dict.fromkeys([*self._shape.columns, *key.columns]))
        at_once = None if key.doubled else batch
        question = ask(self._table, where, order=[asc(name) for name in key.columns], limit=at_once, columns=chosen)
        named = self._table.columns_of(key.columns)
        async for each in self._by_key(walked(question, named) if key.lacked else question, key):
            yield self._shape.row(each)
        for rest in lacking(question, named) if key.lacked and not question.never else ():
            for each in await self._backend.read(self._table, rest):
                yield self._shape.row(each)

    async def _by_key(self, question: Question, key: Key) -> AsyncIterator[Row]:
        while not question.never:
            found = await self._backend.read(self._table, question)
            for each in found:
                yield each
            if question.limit is None or len(found) < question.limit:
                return
            question = replace(question, after=self._last(key, found[-1]))

    def _walked(self) -> Key:
        if self._table.key is None:
            raise NotSupported(f"{self.table} has no unique key of NOT NULL columns to walk by", table=self.table)
        return self._table.key

    def _last(self, key: Key, row: Row) -> tuple[Any, ...]:
        return tuple(sending.encode(self._table.by_name[name], row[name], table=self.table) for name in key.columns)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Repository[R]]:
        async with self._backend.transaction() as bound:
            yield BackedRepository(bound, self._table, self._shape, self._conflict)
