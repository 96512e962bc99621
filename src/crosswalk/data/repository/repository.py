"""What every repository does, whichever database stands behind it: the interface, without any of the backends.

    async with await SqlStore.open(dsn) as store:
        people = store.repository("public.people", conflict=("shop", "phone"))
        await people.upsert({"id": 1, "shop": 7, "phone": "5", "name": "Ann"})
        await people.find_many({"shop": 7, "name": ilike("%ann%")}, order=[desc("visits")], limit=10)

A `Store` is one backend for many tables, a `Repository` is one table of it. Rows are dicts of canonical Python values
(see `values`) under the names of the legacy schema, or instances of the `row` model that the repository was made with.

The rules that hold for every backend:

    unknown columns     ColumnMissing with the near names, before anything is sent
    values              that the column's type cannot hold: BadValue, before anything is sent where Python can tell
    conflict keys       compared with the catalog when the repository is made: NoMatchingKey
    a lost connection   Unavailable; a read has been tried once again, a write never
    what was written    a column that a row leaves out keeps its stored value; a new row takes the column's default
    errors              are `DataError`s by name; no message holds a value
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, overload, runtime_checkable

from crosswalk.data.conditions import Orders, Where

Row = dict[str, Any]
"""A row by column; values are canonical."""
R = TypeVar("R")
M = TypeVar("M")
BATCH = 1000
"""Rows that `iterate` asks for at a time."""


@runtime_checkable
class Repository(Protocol[R]):
    """One table, through one backend or (the modes' router) two of them. `R` is Row, or the model of `row=`."""

    @property
    def table(self) -> str:
        """The legacy table: `schema.name`."""
        ...

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> R | None:
        """The one row; None for none, and None for more than one."""
        ...

    async def find_many(
        self,
        where: Where | None = None,
        *,
        order: Orders = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> list[R]:
        """All rows that satisfy `where`: never fewer because a server cuts its answers. Without an order, in any."""
        ...

    async def upsert(self, row: Mapping[str, Any] | R, *, conflict: Sequence[str] | None = None) -> R:
        """Insert, or update the row of the same conflict key (else: the repository's, else the primary key).

        Returns the row as it is stored.
        """
        ...

    async def bulk_upsert(
        self, rows: Sequence[Mapping[str, Any] | R], *, conflict: Sequence[str] | None = None
    ) -> list[R]:
        """As if the rows were upserted one after another, in one transaction: of equal keys the last wins.

        Rows may differ in their columns. Returns one stored row for each given one, in their order.
        """
        ...

    async def delete(self, where: Where) -> int:
        """Delete rows; returns how many. An empty `where` is refused (NotSupported)."""
        ...

    async def count(self, where: Where | None = None) -> int:
        """How many rows satisfy `where`."""
        ...

    def iterate(self, where: Where | None = None, *, batch: int = BATCH) -> AsyncIterator[R]:
        """All rows in the order of their key, a batch at a time and each batch by itself: no transaction stays open.

        A row that is there throughout comes exactly once, whatever is inserted or deleted meanwhile. NotSupported where
        the table has no unique key of NOT NULL columns.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[Repository[R]]:
        """The same repository inside one transaction; an error in the block takes everything back.

        `async with people.transaction() as bound: await bound.upsert(…)`. Only calls of what it gives belong to the
        transaction; within it, another `transaction()` is a savepoint. NotSupported on a REST backend.
        """
        ...


class Transaction(Protocol):
    """Several tables of one store inside one transaction."""

    @overload
    def repository(self, table: str, *, row: None = None, conflict: Sequence[str] | None = None) -> Repository[Row]: ...
    @overload
    def repository(self, table: str, *, row: type[M], conflict: Sequence[str] | None = None) -> Repository[M]: ...


class Store(Protocol):
    """A backend for many tables. Each has its own `open`, a coroutine; `async with` closes it.

    `repository` makes one of a table: `row` is a pydantic model or a dataclass, `conflict` the key that upserts go by.
    It raises TableMissing, ColumnMissing, NoMatchingKey, Misconfigured.
    """

    @overload
    def repository(self, table: str, *, row: None = None, conflict: Sequence[str] | None = None) -> Repository[Row]: ...
    @overload
    def repository(self, table: str, *, row: type[M], conflict: Sequence[str] | None = None) -> Repository[M]: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction for several tables: `async with store.transaction() as work: work.repository(…)`."""
        ...

    async def close(self) -> None:
        """Give connections back; may be called twice."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
