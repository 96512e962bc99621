"""The asynchronous client: `sync` again, where waiting is awaiting. It belongs to the event loop of its first request.

Only what waits is here; what is asked, when it is repeated and what it means is in `course`, which both shells follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, nullcontext
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import psycopg
from psycopg_pool import AsyncConnectionPool

from crosswalk.data.client import answers, connecting, faults
from crosswalk.data.client.answers import APIResponse
from crosswalk.data.client.course import Course, Known
from crosswalk.data.client.draft import Draft
from crosswalk.data.client.identity import Identity, become, identity
from crosswalk.data.client.queries import SupabaseClient
from crosswalk.data.client.scripts import Row, Script
from crosswalk.data.client.settings import Settings
from crosswalk.data.failures import DataError, NotSupported, Unavailable
from crosswalk.data.request import Statement

Connection = psycopg.AsyncConnection[Row]


class Door:
    """The pool, and what is known of the database behind it."""

    def __init__(self, settings: Settings) -> None:
        self.known = Known(settings)
        self._pipelined = psycopg.Pipeline.is_supported() and not settings.transaction_pooler
        self._parameters = {**connecting.parameters(settings), "cursor_factory": psycopg.AsyncRawCursor}
        self._closed = False
        self.begin()
        connecting.follow_forks(self)

    def begin(self) -> None:
        """With no connection; in a forked process anew, where those of its parent are not to be touched."""
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            kwargs=self._parameters, configure=self._met, connection_class=Connection,
            **connecting.pooled(self.known.settings),
        )  # fmt: skip
        self._loading = asyncio.Lock()
        self._fresh: WeakSet[Connection] = WeakSet()
        """Opened since a connection was last seen broken."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def _here(self) -> None:
        """Raises NotSupported in an event loop that is not that of the first request."""
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise NotSupported("an AsyncClient belongs to the event loop of its first request: make one in each")

    async def aclose(self) -> None:
        self._closed = True
        await self._pool.close()

    async def renew(self) -> None:
        """All connections are made anew."""
        self._fresh = WeakSet()
        await self._pool.drain()

    async def follow(self, course: Course) -> Any:
        """Run what it asks for, to its end."""
        try:
            self._here()
            script = next(course)
            while True:
                try:
                    came = await (self._shared(script) if script.needed else self._run(script))
                except DataError as refused:
                    script = course.throw(refused)
                else:
                    script = course.send(came)
        except StopIteration as done:
            return done.value
        except DataError as refused:
            raise answers.refusal(refused) from None

    async def _shared(self, script: Script) -> Any:
        """One loads for all who wait."""
        async with self._loading:
            return await self._run(script) if script.needed and script.needed() else None

    async def _run(self, script: Script) -> Any:
        harmless = True
        try:
            async with self._connection(script) as connection:
                rows: list[Row | None] = []
                for phase in script.phases:
                    harmless = script.reads or not rows
                    rows += await self._sent(connection, phase)
                return script.judge(rows)
        except (psycopg.Error, OSError, UnicodeError) as error:
            raise faults.translated(error, harmless=harmless) from None

    async def _sent(self, connection: Connection, phase: tuple[Statement, ...]) -> list[Row | None]:
        cursors = [connection.cursor() for _ in phase]
        first = connecting.First()
        with first:
            async with connection.pipeline() if self._pipelined else nullcontext():
                with first:
                    for cursor, statement in zip(cursors, phase, strict=True):
                        await cursor.execute(statement.sql, statement.parameters)
        if first.error:
            await self._renew(connection)
            raise first.error
        return [await cursor.fetchone() if cursor.description else None for cursor in cursors]

    @asynccontextmanager
    async def _connection(self, script: Script) -> AsyncIterator[Connection]:
        if self._closed:
            raise Unavailable("the client is closed")
        if script.needed:
            async with await Connection.connect(**self._parameters) as alone:
                yield alone
        else:
            await self._open()
            async with self._pool.connection() as connection:
                yield connection

    async def _open(self) -> None:
        await self._pool.open()
        if self._closed:
            await self._pool.close()

    async def _met(self, connection: Connection) -> None:
        self._fresh.add(connection)

    async def _renew(self, connection: Connection) -> None:
        """Where one broke, those of its time are broken too, as a rule: all are made anew, once."""
        if connection.closed and connection in self._fresh:
            await self.renew()


class _Sender:
    def __init__(self, door: Door, who: Identity) -> None:
        self.door = door
        self.who = who

    def become(self, token: str) -> None:
        self.who = become(token, self.door.known.settings.jwt_secret)

    def send(self, draft: Draft) -> Awaitable[APIResponse]:
        """Who asks is settled now, not when it is awaited."""
        return self.door.follow(self.door.known.answer(draft, self.who))

    def send_maybe(self, draft: Draft) -> Awaitable[APIResponse | None]:
        return self.door.follow(self.door.known.answer_maybe(draft, self.who))


class AsyncClient(SupabaseClient[Awaitable[APIResponse], Awaitable[APIResponse | None]]):
    """Made by create_async_client(). Close it, or use it as a context manager."""

    def __init__(self, settings: Settings, who: Identity, *, door: Door | None = None) -> None:
        self._settings = settings
        self._door = door or Door(settings)
        self._owns = door is None
        self._asking = _Sender(self._door, who)
        super().__init__(self._asking, settings.schema)

    def acting_as(
        self, key: str | None = None, *, role: str | None = None, claims: Mapping[str, Any] | None = None
    ) -> AsyncClient:
        """A client that asks as somebody else over the same connections; closing it does nothing.

        Where nothing names a role it is this client's. Raises Misconfigured where that is only in a token.
        """
        other = identity(key, role, claims, self._settings.jwt_secret)
        return AsyncClient(self._settings, self._asking.who.instead(other), door=self._door)

    async def reload(self) -> None:
        """After the schema has changed: read the schema cache anew, and forget what sessions have prepared."""
        await self._door.follow(self._door.known.load())
        await self._door.renew()

    async def aclose(self) -> None:
        if self._owns:
            await self._door.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()
