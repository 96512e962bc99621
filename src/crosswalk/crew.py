"""The workers of a run: pairs of sessions, each lent to one job at a time, the most urgent job first.

Part of the conductor; knows nothing of what the jobs do.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from crosswalk.connect import Session, session

READ_SETTINGS: Final = (("work_mem", "64MB"), ("max_parallel_workers_per_gather", "0"))
"""Of the sessions that read rows: what a lookup hashes should stay in memory; they are each other's parallel workers."""
LOAD_SETTINGS: Final = (("synchronous_commit", "off"), ("max_parallel_maintenance_workers", "0"))
"""Of the sessions that load and build. The run's last event is committed for good, and with it all before. Several
indexes at a time make better use of the cores than several workers for one."""
_SORT_MEMORY: Final = """
SELECT pg_catalog.pg_size_pretty(LEAST(1024 * 1024 * 1024, GREATEST(256 * 1024 * 1024,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')),
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')))))
"""
"""What an index may sort in: as much as the server was given for its buffers, for nothing else tells how large it is."""


@asynccontextmanager
async def targets_of(url: str, count: int) -> AsyncIterator[list[Session]]:
    """One session to the target for each worker."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(session("target", url, purpose="load")) for _ in range(count)]


async def set_up(sources: Iterable[Session], targets: Iterable[Session]) -> None:
    """Settings of the sessions; none of the servers'."""
    for each in sources:
        await each.set(READ_SETTINGS)
    for each in targets:
        memory = await each.fetchval(_SORT_MEMORY, what="the server's memory")
        await each.set([*LOAD_SETTINGS, ("maintenance_work_mem", str(memory).replace(" ", ""))])


async def share_out(target: Session, *, last: bool) -> None:
    """An index for which nothing else waits may have workers of the server's own: whoever is done early leaves a core idle."""
    await target.execute(f"SET max_parallel_maintenance_workers = {'DEFAULT' if last else '0'}", what="SET")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A session to each side."""

    source: Session
    """Under the run's snapshot."""
    target: Session


def _untold(_busy: int, _of: int) -> None:
    """Nobody asks who is at work."""


@dataclass(slots=True)
class Crew:
    """All pairs of a run."""

    pairs: Sequence[Pair]
    told: Callable[[int, int], None] = _untold
    """Hears how many of how many are at work."""
    _free: list[Pair] = field(init=False)
    _waiting: list[tuple[int, int, asyncio.Future[Pair]]] = field(default_factory=list, init=False)
    _turn: itertools.count[int] = field(default_factory=itertools.count, init=False)

    def __post_init__(self) -> None:
        self._free = list(self.pairs)

    @property
    def size(self) -> int:
        return len(self.pairs)

    @property
    def busy(self) -> int:
        """Pairs that are at work."""
        return len(self.pairs) - len(self._free)

    @property
    def wanted(self) -> bool:
        """A job waits for a pair."""
        return any(not future.done() for _, _, future in self._waiting)

    @asynccontextmanager
    async def pair(self, urgency: int) -> AsyncIterator[Pair]:
        """Borrow a pair; a job of a lower number gets one first."""
        taken = await self._take(urgency)
        self.told(self.busy, self.size)
        try:
            yield taken
        finally:
            self._give(taken)
            self.told(self.busy, self.size)

    async def _take(self, urgency: int) -> Pair:
        if self._free:
            return self._free.pop()
        future: asyncio.Future[Pair] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._turn), future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give(future.result())
            raise

    def _give(self, pair: Pair) -> None:
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(pair)
                return
        self._free.append(pair)
