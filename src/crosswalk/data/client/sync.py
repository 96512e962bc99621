"""The synchronous client: runs the course of each request on a pool of psycopg connections. May be shared by threads.

Nothing connects before the first request; the pool opens then, so that a client made before a fork belongs to its child.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import psycopg
from psycopg_pool import ConnectionPool

from crosswalk.data.client import answers, connecting, faults
from crosswalk.data.client.answers import APIResponse
from crosswalk.data.client.course import Course, Known
from crosswalk.data.client.draft import Draft
from crosswalk.data.client.identity import Identity, become, identity
from crosswalk.data.client.queries import SupabaseClient
from crosswalk.data.client.scripts import Row, Script
from crosswalk.data.client.settings import Settings
from crosswalk.data.failures import DataError, Unavailable
from crosswalk.data.request import Statement

Connection = psycopg.Connection[Row]


class Door:
    """The pool, and what is known of the database behind it."""

    def __init__(self, settings: Settings) -> None:
        self.known = Known(settings)
        self._pipelined = psycopg.Pipeline.is_supported() and not settings.transaction_pooler
        self._parameters = {**connecting.parameters(settings), "cursor_factory": psycopg.RawCursor}
        self._closed = False
        self.begin()
        connecting.follow_forks(self)

    def begin(self) -> None:
        """With no connection; in a forked process anew, where those of its parent are not to be touched."""
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs=self._parameters, configure=self._met, connection_class=Connection,
            **connecting.pooled(self.known.settings),
        )  # fmt: skip
        self._loading = threading.Lock()
        self._fresh: WeakSet[Connection] = WeakSet()
        """Opened since a connection was last seen broken."""

    def close(self) -> None:
        self._closed = True
        self._pool.close()

    def renew(self) -> None:
        """All connections are made anew."""
        self._fresh = WeakSet()
        self._pool.drain()

    def follow(self, course: Course) -> Any:
        """Run what it asks for, to its end."""
        try:
            script = next(course)
            while True:
                try:
                    came = self._shared(script) if script.needed else self._run(script)
                except DataError as refused:
                    script = course.throw(refused)
                else:
                    script = course.send(came)
        except StopIteration as done:
            return done.value
        except DataError as refused:
            raise answers.refusal(refused) from None

    def _shared(self, script: Script) -> Any:
        """One loads for all who wait."""
        with self._loading:
            return self._run(script) if script.needed and script.needed() else None

    def _run(self, script: Script) -> Any:
        harmless = True
        try:
            with self._connection(script) as connection:
                rows: list[Row | None] = []
                for phase in script.phases:
                    harmless = script.reads or not rows
                    rows += self._sent(connection, phase)
                return script.judge(rows)
        except (psycopg.Error, OSError, UnicodeError) as error:
            raise faults.translated(error, harmless=harmless) from None

    def _sent(self, connection: Connection, phase: tuple[Statement, ...]) -> list[Row | None]:
        cursors = [connection.cursor() for _ in phase]
        first = connecting.First()
        with first, connection.pipeline() if self._pipelined else nullcontext(), first:
            for cursor, statement in zip(cursors, phase, strict=True):
                cursor.execute(statement.sql, statement.parameters)
        if first.error:
            self._renew(connection)
            raise first.error
        return [cursor.fetchone() if cursor.description else None for cursor in cursors]

    @contextmanager
    def _connection(self, script: Script) -> Iterator[Connection]:
        if self._closed:
            raise Unavailable("the client is closed")
        if script.needed:
            with Connection.connect(**self._parameters) as alone:
                yield alone
        else:
            self._open()
            with self._pool.connection() as connection:
                yield connection

    def _open(self) -> None:
        self._pool.open()
        if self._closed:
            self._pool.close()

    def _met(self, connection: Connection) -> None:
        self._fresh.add(connection)

    def _renew(self, connection: Connection) -> None:
        """Where one broke, those of its time are broken too, as a rule: all are made anew, once."""
        if connection.closed and connection in self._fresh:
            self.renew()


class _Sender:
    def __init__(self, door: Door, who: Identity) -> None:
        self.door = door
        self.who = who

    def become(self, token: str) -> None:
        self.who = become(token, self.door.known.settings.jwt_secret)

    def send(self, draft: Draft) -> APIResponse:
        return self.door.follow(self.door.known.answer(draft, self.who))  # type: ignore[no-any-return]

    def send_maybe(self, draft: Draft) -> APIResponse | None:
        return self.door.follow(self.door.known.answer_maybe(draft, self.who))  # type: ignore[no-any-return]


class Client(SupabaseClient[APIResponse, APIResponse | None]):
    """Made by create_client(). Close it, or use it as a context manager."""

    def __init__(self, settings: Settings, who: Identity, *, door: Door | None = None) -> None:
        self._settings = settings
        self._door = door or Door(settings)
        self._owns = door is None
        self._asking = _Sender(self._door, who)
        super().__init__(self._asking, settings.schema)

    def acting_as(
        self, key: str | None = None, *, role: str | None = None, claims: Mapping[str, Any] | None = None
    ) -> Client:
        """A client that asks as somebody else over the same connections; closing it does nothing.

        Where nothing names a role it is this client's. Raises Misconfigured where that is only in a token.
        """
        other = identity(key, role, claims, self._settings.jwt_secret)
        return Client(self._settings, self._asking.who.instead(other), door=self._door)

    def reload(self) -> None:
        """After the schema has changed: read the schema cache anew, and forget what sessions have prepared."""
        self._door.follow(self._door.known.load())
        self._door.renew()

    def close(self) -> None:
        if self._owns:
            self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
