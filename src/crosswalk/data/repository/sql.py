"""The store upon a PostgreSQL database as it is: SQL over the tables' own columns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib import resources
from typing import Final, Self

from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from crosswalk.data.repository import statements, values
from crosswalk.data.repository.batch import Batch, Group, all_of
from crosswalk.data.repository.pool import Connection, affected, again_if_lost, lent, open_pool, rows, same
from crosswalk.data.repository.question import Question
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.statements import Parameters, Place, Plain
from crosswalk.data.repository.store import BackedStore
from crosswalk.data.repository.table import Column, Table, from_catalog

CATALOG: Final = resources.files(__package__).joinpath("catalog.sql").read_text(encoding="utf-8")
CHUNK: Final = 5000
"""Rows in one statement; they travel as one parameter."""
POOL: Final = 10
WAIT: Final = 10.0
"""Seconds that a call waits for a connection before it is Unavailable."""


class SqlStore(BackedStore):
    """A store upon a database as it is: `async with await SqlStore.open(dsn) as store`."""

    _backend: SqlBackend

    @classmethod
    async def open(
        cls, dsn: str, *, pool_size: int = POOL, wait: float = WAIT, prepare: bool = True, default_schema: str = "public"
    ) -> Self:
        """Connect and read the catalog. `prepare=False` where a pooler in transaction mode stands between.

        Raises Unavailable, or what the server refused.
        """
        pool = await open_pool(dsn, size=pool_size, wait=wait, prepare=prepare)
        try:
            tables = await read_catalog(pool)
        except BaseException:
            await pool.close()
            raise
        return cls(SqlBackend(pool), {table.name: table for table in tables}, default_schema)

    async def close(self) -> None:
        await self._backend.close()


async def read_catalog(pool: AsyncConnectionPool[Connection]) -> list[Table]:
    """Every table and view that the role may see."""
    async with lent(pool, "the catalog") as connection:
        return [from_catalog(values.loads(described)) for (described,) in await rows(connection, CATALOG, [])]


class SqlBackend:
    """Upon a pool, or upon the one connection of a transaction."""

    def __init__(self, pool: AsyncConnectionPool[Connection], bound: Connection | None = None) -> None:
        self._pool = pool
        self._bound = bound

    async def close(self) -> None:
        if self._bound is None and not self._pool.closed:
            await self._pool.close()

    def place(self, table: Table) -> Place:
        return Plain(table=table)

    async def read(self, table: Table, question: Question) -> list[Row]:
        parameters = Parameters()
        sql = statements.select(self.place(table), question, parameters, table=table)
        return decoded(await self._ask(table, sql, parameters), question.columns)

    async def count(self, table: Table, question: Question) -> int:
        parameters = Parameters()
        [(number,)] = await self._ask(table, statements.count(self.place(table), question, parameters, table=table), parameters)
        return int(number)

    async def delete(self, table: Table, question: Question) -> int:
        parameters = Parameters()
        sql = statements.delete(table, question, parameters)
        async with self._lent(table) as connection:
            return await affected(connection, sql, parameters.values)

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        stored: dict[int, Row] = {}
        async with self._lent(table) as connection, self._whole(connection, batch):
            for group in batch.groups(table):
                for chunk in group.chunks(CHUNK):
                    written = await self._upsert(connection, table, batch, chunk)
                    stored.update(zip(chunk.places, written, strict=True))
        return [stored[place] for place in range(len(batch.distinct))]

    async def _upsert(self, connection: Connection, table: Table, batch: Batch, group: Group) -> list[Row]:
        parameters = Parameters()
        found = await rows(connection, statements.upsert(table, group, batch.key, parameters), parameters.values)
        return all_of(group, decoded(found, table.columns), table)

    def _whole(self, connection: Connection, batch: Batch) -> AbstractAsyncContextManager[object]:
        """All of a batch or nothing; one row needs no transaction around it, but inside of one a savepoint."""
        return nullcontext() if self._bound is None and len(batch.distinct) == 1 else connection.transaction()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        async with self._lent("a transaction") as connection, connection.transaction():
            yield self._within(connection)

    def _within(self, connection: Connection) -> Self:
        return type(self)(self._pool, connection)

    def _lent(self, table: Table | str) -> AbstractAsyncContextManager[Connection]:
        name = table if isinstance(table, str) else str(table.name)
        return lent(self._pool, name) if self._bound is None else same(self._bound, name)

    async def _ask(self, table: Table, sql: str, parameters: Parameters) -> list[TupleRow]:
        async def once() -> list[TupleRow]:
            async with self._lent(table) as connection:
                return await rows(connection, sql, parameters.values)

        return await (once() if self._bound is not None else again_if_lost(once))


def decoded(found: Sequence[TupleRow], columns: Sequence[Column]) -> list[Row]:
    """Rows that came as JSON."""
    return [values.row(columns, values.loads(each)) for (each,) in found]
