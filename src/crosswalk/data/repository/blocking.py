"""The same repositories for synchronous code: one event loop in one background thread serves them all.

    with blocking(SqlStore.open(dsn)) as store:
        people = store.repository("public.people")
        people.find_one({"id": 7})
        with people.transaction() as bound:
            bound.upsert({"id": 7, "name": "Ann"})

The thread starts with the first call and ends with the process, or by `stop()`. A store's connections belong to the
loop on which it was opened: open it here, and not on a loop of your own. In a process that was forked, the thread is
gone: open stores after the fork.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from crosswalk.data.conditions import Orders, Where
from crosswalk.data.failures import Misconfigured
from crosswalk.data.repository.repository import BATCH, Repository, Row, Store, Transaction

R = TypeVar("R")
M = TypeVar("M")
T = TypeVar("T")


class _Loop:
    """The background thread's loop; made when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it on the loop, and wait. Raises what it raises."""
        loop = self._running()
        if threading.current_thread() is self._thread:
            work.close()
            raise Misconfigured("a blocking call on the background loop itself would wait for itself: await the repository there")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="crosswalk-data", daemon=True)
                self._thread.start()
            return self._loop

    def stop(self) -> None:
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_finish(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def forget(self) -> None:
        """In a forked child, where the thread is not."""
        self.__init__()  # type: ignore[misc]


async def _finish() -> None:
    """End what still runs, so that nothing is left pending."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


_LOOP = _Loop()
atexit.register(_LOOP.stop)
os.register_at_fork(after_in_child=_LOOP.forget)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do something on the background loop, and wait for it: how to make what `blocking` then wraps."""
    return _LOOP.run(work)


def stop() -> None:
    """End the background thread; close stores before. The next call starts another."""
    _LOOP.stop()


async def _some(rows: AsyncIterator[R], wanted: int) -> list[R]:
    """The next rows: fewer than wanted only at the end."""
    found: list[R] = []
    while len(found) < wanted:
        try:
            found.append(await anext(rows))
        except StopAsyncIteration:
            break
    return found


async def _closed(rows: AsyncIterator[Any]) -> None:
    if isinstance(rows, AsyncGenerator):
        await rows.aclose()


@contextmanager
def _entered(inner: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """A block on the loop, around a block here."""
    bound = _LOOP.run(_awaited(inner.__aenter__()))
    try:
        yield bound
    except BaseException as error:
        if not _LOOP.run(_awaited(inner.__aexit__(type(error), error, error.__traceback__))):
            raise
    else:
        _LOOP.run(_awaited(inner.__aexit__(None, None, None)))


async def _awaited(thing: Awaitable[T]) -> T:
    return await thing


class BlockingRepository(Generic[R]):
    """`Repository` without `await`."""

    def __init__(self, repository: Repository[R]) -> None:
        self._repository = repository

    @property
    def table(self) -> str:
        return self._repository.table

    def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> R | None:
        return _LOOP.run(self._repository.find_one(where, columns=columns))

    def find_many(
        self,
        where: Where | None = None,
        *,
        order: Orders = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> list[R]:
        return _LOOP.run(self._repository.find_many(where, order=order, limit=limit, offset=offset, columns=columns))

    def upsert(self, row: Mapping[str, Any] | R, *, conflict: Sequence[str] | None = None) -> R:
        return _LOOP.run(self._repository.upsert(row, conflict=conflict))

    def bulk_upsert(self, rows: Sequence[Mapping[str, Any] | R], *, conflict: Sequence[str] | None = None) -> list[R]:
        return _LOOP.run(self._repository.bulk_upsert(rows, conflict=conflict))

    def delete(self, where: Where) -> int:
        return _LOOP.run(self._repository.delete(where))

    def count(self, where: Where | None = None) -> int:
        return _LOOP.run(self._repository.count(where))

    def iterate(self, where: Where | None = None, *, batch: int = BATCH) -> Iterator[R]:
        rows = self._repository.iterate(where, batch=batch)
        try:
            while found := _LOOP.run(_some(rows, batch)):
                yield from found
        finally:
            _LOOP.run(_closed(rows))

    @contextmanager
    def transaction(self) -> Iterator[BlockingRepository[R]]:
        with _entered(self._repository.transaction()) as bound:
            yield BlockingRepository(bound)


class BlockingTransaction:
    """`Transaction`, whose repositories are blocking."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner

    @overload
    def repository(self, table: str, *, row: None = None, conflict: Sequence[str] | None = None) -> BlockingRepository[Row]: ...
    @overload
    def repository(self, table: str, *, row: type[M], conflict: Sequence[str] | None = None) -> BlockingRepository[M]: ...
    def repository(
        self, table: str, *, row: type[Any] | None = None, conflict: Sequence[str] | None = None
    ) -> BlockingRepository[Any]:
        return BlockingRepository(self._inner.repository(table, row=row, conflict=conflict))


class BlockingStore(BlockingTransaction):
    """`Store` without `await`; `with` closes it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.store = store
        """The asynchronous one, for what runs on the background loop."""

    @contextmanager
    def transaction(self) -> Iterator[BlockingTransaction]:
        with _entered(self.store.transaction()) as work:
            yield BlockingTransaction(work)

    def close(self) -> None:
        _LOOP.run(self.store.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@overload
def blocking(thing: Coroutine[Any, Any, Store]) -> BlockingStore: ...
@overload
def blocking(thing: Store) -> BlockingStore: ...
@overload
def blocking(thing: Repository[R]) -> BlockingRepository[R]: ...
def blocking(thing: Any) -> Any:
    """A store's `open(…)` that nobody has awaited, a store, or a repository (of a store that was opened here)."""
    made = _LOOP.run(thing) if asyncio.iscoroutine(thing) else thing
    return BlockingStore(made) if hasattr(made, "repository") else BlockingRepository(made)
