"""What every store shares: tables by name, repositories made and checked, closing."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from crosswalk.data.failures import TableMissing
from crosswalk.data.repository.backed import BackedRepository, Backend
from crosswalk.data.repository.repository import Repository, Row, Transaction
from crosswalk.data.repository.shape import shape_of
from crosswalk.data.repository.table import Table
from crosswalk.errors import BadName
from crosswalk.names import Name, parse

M = TypeVar("M")


class Tables:
    """The tables of a store, upon one backend: the pool's, or that of one transaction."""

    def __init__(self, backend: Backend, tables: Mapping[Name, Table], default_schema: str = "public") -> None:
        self._backend = backend
        self._tables = tables
        self._default_schema = default_schema

    @overload
    def repository(self, table: str, *, row: None = None, conflict: Sequence[str] | None = None) -> Repository[Row]: ...
    @overload
    def repository(self, table: str, *, row: type[M], conflict: Sequence[str] | None = None) -> Repository[M]: ...
    def repository(
        self, table: str, *, row: type[Any] | None = None, conflict: Sequence[str] | None = None
    ) -> Repository[Any]:
        """Raises TableMissing, ColumnMissing, NoMatchingKey, Misconfigured."""
        known = self.described(table)
        key = None if conflict is None else known.arbiter(conflict)
        return BackedRepository(self._backend, known, shape_of(known, row), key)

    @property
    def tables(self) -> tuple[Table, ...]:
        """What is known of every table."""
        return tuple(self._tables.values())

    def described(self, table: str) -> Table:
        """What is known of a table; raises TableMissing."""
        try:
            name = parse(table, default_schema=self._default_schema)
        except BadName as error:
            raise TableMissing(f"{str(table)[:80]!r} is no table's name", table=str(table)) from error
        if name not in self._tables:
            near = difflib.get_close_matches(str(name), [str(each) for each in self._tables], n=3)
            more = f"; near names: {', '.join(near)}" if near else ""
            raise TableMissing(f"there is no table {name}, or it may not be seen{more}", table=str(name))
        return self._tables[name]


class BackedStore(Tables):
    """A store over a backend; `close` gives back what the backend holds."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._backend.transaction() as bound:
            yield Tables(bound, self._tables, self._default_schema)

    async def close(self) -> None:
        """May be called twice."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
