"""A Repository over two of them: the flags of the moment say which one answers and what the other one does.

    legacy, new   one side answers and is written
    shadow        the primary answers; a read runs on the other side beside, and the answers are compared; a write goes
                  to the primary only
    dual-write    the primary answers and is written first, then the other side (`dual`)

A comparison never changes an answer and never delays it: not its time, not its errors. Reads inside a transaction are not
compared (the other side does not see what the transaction has written), and are counted as skipped. A walk (`iterate`)
that was read to its end is compared by walking both sides again, beside.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

from crosswalk.data.conditions import Where
from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.beside import Beside, Question
from crosswalk.data.modes.carry import Pair
from crosswalk.data.modes.compare import ANSWERS, Outcome, Rules
from crosswalk.data.modes.digest import digest
from crosswalk.data.modes.dual import Dual, keys_of
from crosswalk.data.modes.face import Ask, Face, Write
from crosswalk.data.modes.flags import Flags, Route
from crosswalk.data.modes.journal import Entry
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.shape import Shape

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """What all routers of an application share."""

    flags: Callable[[Pair], Awaitable[Flags]]
    beside: Beside
    dual: Dual | None = None

    def writer(self, table: str) -> Dual:
        if self.dual is None:
            raise Misconfigured(f"dual-write of {table} needs a journal", hint="Give Modes a journal.")
        return self.dual


class Router(Face[R]):
    """`Repository` over a pair of them."""

    def __init__(self, pair: Pair, works: Works, shape: Shape[R] | None = None) -> None:
        super().__init__(pair.table, Rules(key=pair.key, absent=pair.left_out), shape)
        self._pair, self._works = pair, works

    def __repr__(self) -> str:
        return f"<router of {self.table}>"

    async def _read(self, method: str, rules: Rules, ask: Ask) -> Any:
        flags = await self._works.flags(self._pair)
        route = flags.route(self.table, method)
        first = self._pair.sides[route.primary]
        question = Question(repository=self.table, method=method, route=route, rules=rules)
        compared = route.compare and self._works.beside.wanted(question, flags)

        async def primary() -> Any:
            return await ask(first)

        async def secondary() -> Any:
            return await ask(_Without(self._pair.sides[route.secondary], self._pair.absent))

        try:
            value = await self._works.beside.calls.run(self.table, method, route.primary, primary, logged=flags.log_calls)
        except Exception as error:
            if compared:
                self._works.beside.ask(question, flags, Outcome(error=error), primary, secondary)
            raise
        if compared:
            self._works.beside.ask(question, flags, Outcome(value=value), primary, secondary)
        return value

    async def _write(self, write: Write) -> Any:
        flags = await self._works.flags(self._pair)
        route = flags.route(self.table, write.method)
        if route.mode == "dual-write":
            return await self._works.writer(self.table).write(self._pair, route, write, flags)
        side = self._pair.sides[route.primary]
        return await self._works.beside.calls.run(
            self.table, write.method, route.primary, lambda: write.ask(side), logged=flags.log_calls
        )

    async def _walk(self, where: Where | None, batch: int) -> AsyncGenerator[Row, None]:
        flags = await self._works.flags(self._pair)
        route = flags.route(self.table, "iterate")
        question = Question(repository=self.table, method="iterate", route=route, rules=self._rules)
        compared = route.compare and self._works.beside.wanted(question, flags)
        first, begun, error, ended = self._pair.sides[route.primary], perf_counter(), None, False
        try:
            async for row in first.iterate(where, batch=batch):
                yield row
            ended = True
        except Exception as raised:
            error = raised
            raise
        finally:
            self._works.beside.calls.tell(
                self.table, "iterate", route.primary, perf_counter() - begun, error, None, logged=flags.log_calls
            )
            if compared:
                self._walked(question, flags, where, batch, Outcome(error=error) if error else None, ended=ended)

    def _walked(
        self, question: Question, flags: Flags, where: Where | None, batch: int, mine: Outcome | None, *, ended: bool
    ) -> None:
        beside = self._works.beside
        if mine is None and not ended:
            beside.skip(question, "not read to its end")
            return

        def walk(side: Repository[Row]) -> Awaitable[Any]:
            return digest(side.iterate(where, batch=batch), question.rules)

        first, second = self._pair.sides[question.route.primary], self._pair.sides[question.route.secondary]
        beside.ask(question, flags, mine, lambda: walk(first), lambda: walk(second))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Repository[R]]:
        flags = await self._works.flags(self._pair)
        route = flags.route(self.table, "transaction")
        noted = Noted() if route.mode == "dual-write" else None
        async with _settled(self._works, noted), self._pair.sides[route.primary].transaction() as side:
            with _body(noted):
                yield Bound(self._pair, self._works, self._shape, flags=flags, route=route, side=side, noted=noted)
        for entry in noted.entries if noted else ():
            await self._works.writer(self.table).second(self._pair, route, entry, flags)


@dataclass(slots=True)
class Noted:
    """What one transaction of dual-write has noted in the journal."""

    entries: list[Entry] = field(default_factory=list)
    taken_back: bool = False
    """The block itself raised: no COMMIT was sent."""


class Bound(Face[R]):
    """The primary inside one transaction. What it writes is carried to the second side after the commit."""

    def __init__(
        self, pair: Pair, works: Works, shape: Shape[R] | None, *, flags: Flags, route: Route, side: Repository[Row],
        noted: Noted | None,
    ) -> None:  # fmt: skip
        super().__init__(pair.table, Rules(key=pair.key, absent=pair.left_out), shape)
        self._pair, self._works, self._flags, self._route, self._side = pair, works, flags, route, side
        self._noted = noted

    async def _read(self, method: str, rules: Rules, ask: Ask) -> Any:
        route = self._flags.route(self.table, method)
        if route.compare:
            self._works.beside.skip(
                Question(repository=self.table, method=method, route=route, rules=rules), "in a transaction"
            )
        return await self._call(method, ask)

    async def _write(self, write: Write) -> Any:
        if self._noted is not None:
            dual, columns = self._works.writer(self.table), tuple(write.conflict or self._pair.key)
            keys = await keys_of(self._side, columns, write) if write.where else self._pair.keys_of(write.rows, columns)
            self._noted.entries.append(await dual.intend(self._pair, self._route, write, columns, keys))
        return await self._call(write.method, write.ask)

    async def _call(self, method: str, ask: Ask) -> Any:
        return await self._works.beside.calls.run(
            self.table, method, self._route.primary, lambda: ask(self._side), logged=self._flags.log_calls
        )

    async def _walk(self, where: Where | None, batch: int) -> AsyncGenerator[Row, None]:
        async for row in self._side.iterate(where, batch=batch):
            yield row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Repository[R]]:
        """A savepoint; of what is taken back nothing is carried."""
        inner = None if self._noted is None else Noted()
        async with _settled(self._works, inner), self._side.transaction() as side:
            with _body(inner):
                yield Bound(
                    self._pair, self._works, self._shape, flags=self._flags, route=self._route, side=side, noted=inner
                )
        if self._noted is not None and inner is not None:
            self._noted.entries.extend(inner.entries)


@contextmanager
def _body(noted: Noted | None) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if noted is not None:
            noted.taken_back = True
        raise


@asynccontextmanager
async def _settled(works: Works, noted: Noted | None) -> AsyncIterator[None]:
    """Around a transaction: what becomes of its entries where it does not end well."""
    try:
        yield
    except BaseException as error:
        if noted is not None and works.dual is not None:
            if noted.taken_back or isinstance(error, ANSWERS):
                works.dual.refused(noted.entries)
            else:
                # Whether the COMMIT arrived is not known: the entries are played, which changes nothing if it did not.
                works.dual.missed(noted.entries, error)
        raise


class _Without:
    """The second side, not asked for columns that it is declared not to have."""

    def __init__(self, side: Repository[Row], absent: Mapping[str, str]) -> None:
        self._side, self._absent = side, absent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> Row | None:
        return await self._side.find_one(where, columns=self._there(columns))

    async def find_many(
        self, where: Where | None = None, *, columns: Sequence[str] | None = None, **more: Any
    ) -> list[Row]:
        return await self._side.find_many(where, columns=self._there(columns), **more)

    def _there(self, columns: Sequence[str] | None) -> Sequence[str] | None:
        return None if columns is None else tuple(c for c in columns if c not in self._absent)
