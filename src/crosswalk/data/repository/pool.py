"""Connections to PostgreSQL for the stores: a pool that outlives the server's restarts, and errors by name.

A connection that broke while it lay in the pool is found out before it is lent: the server's goodbye waits to be read
in its socket, and only then is the server asked. So neither a read nor a write is lost to a stale connection. One that
breaks in the middle is Unavailable: whoever reads tries once again, whoever writes does not know what arrived.
"""

from __future__ import annotations

import select as polling
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from crosswalk.data.failures import DataError, Misconfigured, Unavailable
from crosswalk.data.repository.refusal import lost, refusal

Connection = AsyncConnection[TupleRow]
T = TypeVar("T")

SETTINGS: Final = {"IntervalStyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex"}
"""What a value's JSON form depends on. The session's time zone stays the server's: it is part of what defaults mean."""
_RETRY_SECONDS: Final = 2.0
"""How long the pool tries to replace a connection before it leaves that to the next who asks for one."""


async def open_pool(
    dsn: str, *, size: int, wait: float, prepare: bool, settings: Mapping[str, str] = SETTINGS
) -> AsyncConnectionPool[Connection]:
    """Raises Unavailable (or what the server refused the login with)."""
    kept: dict[str, Any] = {"autocommit": True, "cursor_factory": AsyncRawCursor, "row_factory": tuple_row}
    kept |= {"connect_timeout": max(int(wait), 1)} | ({} if prepare else {"prepare_threshold": None})
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        dsn, min_size=1, max_size=size, open=False, timeout=wait, reconnect_timeout=_RETRY_SECONDS, kwargs=kept,
        configure=lambda connection: _configure(connection, settings), name="crosswalk-data",
    )  # fmt: skip
    await _first(dsn, wait)
    await pool.open()
    return pool


async def _first(dsn: str, seconds: float) -> None:
    """Connect once by itself: a pool would only say that it waited in vain."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=max(int(seconds), 1)):
            pass
    except psycopg.OperationalError as error:
        # Whether nobody listens or the password is wrong stands in the first line; it names host and user, no password.
        told = next(iter(str(error).splitlines()), "")
        raise (translated(error, "the store") if error.sqlstate else lost("the store", type(error).__name__, told)) from None
    except psycopg.ProgrammingError:
        hint = "It looks like postgresql://user@host:5432/database."
        raise Misconfigured("the connection string cannot be read", hint=hint) from None


async def _configure(connection: Connection, settings: Mapping[str, str]) -> None:
    listed = ", ".join(f"set_config(${2 * at + 1}, ${2 * at + 2}, false)" for at in range(len(settings)))
    await connection.execute(f"SELECT {listed}", [each for pair in settings.items() for each in pair])


@asynccontextmanager
async def lent(pool: AsyncConnectionPool[Connection], table: str) -> AsyncIterator[Connection]:
    """A connection for a while; the driver's errors come as DataErrors."""
    failures = _failures(pool)
    try:
        connection = await _sound(pool)
        try:
            yield connection
        finally:
            await pool.putconn(connection)
    except PoolTimeout as error:
        if _failures(pool) == failures:
            raise _busy(pool, table) from error
        raise translated(error, table) from error
    except psycopg.Error as error:
        raise translated(error, table) from error


def _failures(pool: AsyncConnectionPool[Connection]) -> int:
    """Attempts to connect that failed."""
    return pool.get_stats().get("connections_errors", 0)


def _busy(pool: AsyncConnectionPool[Connection], table: str) -> Unavailable:
    """Nothing was sent; the server had no part in it."""
    hint = f"{pool.max_size} of them, for {pool.timeout:g} s: end transactions sooner, or open the store with more (pool_size=)."
    return Unavailable(f"{table}: all connections of the pool are in use", table=table, hint=hint)


async def _sound(pool: AsyncConnectionPool[Connection]) -> Connection:
    """One that did not break meanwhile. The pool's own check waits longer after each broken one; here none is waited for."""
    while True:
        connection = await pool.getconn()
        try:
            if await _alive(connection):
                return connection
            await connection.close()
        except BaseException:
            # Whoever is cancelled here must not take the connection along.
            await pool.putconn(connection)
            raise
        await pool.putconn(connection)


async def _alive(connection: Connection) -> bool:
    """Asks the server only if something waits to be read."""
    try:
        readable, _, _ = polling.select([connection.fileno()], [], [], 0)
        if readable:
            await connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return not connection.closed


async def again_if_lost(read: Callable[[], Awaitable[T]]) -> T:
    """A read, tried once more where the connection broke; not where none was to be had."""
    try:
        return await read()
    except Unavailable as error:
        if isinstance(error.__cause__, PoolTimeout | PoolClosed | TooManyRequests):
            raise
        return await read()


@asynccontextmanager
async def same(connection: Connection, table: str) -> AsyncIterator[Connection]:
    """A transaction's own connection, as `lent` gives another."""
    try:
        yield connection
    except psycopg.Error as error:
        raise translated(error, table) from error


async def rows(connection: Connection, sql: str, parameters: list[Any]) -> list[TupleRow]:
    cursor = await connection.execute(sql, parameters)
    return await cursor.fetchall()


async def affected(connection: Connection, sql: str, parameters: list[Any]) -> int:
    cursor = await connection.execute(sql, parameters)
    return cursor.rowcount


def translated(error: psycopg.Error, table: str) -> DataError:
    """The driver's error by name."""
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests) or not error.sqlstate:
        return lost(table, type(error).__name__)
    told = error.diag
    return refusal(
        error.sqlstate, told.message_primary or "", table=table, details=told.message_detail or "",
        hint=told.message_hint or "", constraint=told.constraint_name or "", column=told.column_name or "",
    )  # fmt: skip
