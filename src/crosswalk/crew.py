"""The workers of a run: pairs of sessions, each lent to one job at a time, the most urgent job first.

Part of the conductor; knows nothing of what the jobs do.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
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
_RUN: Final = 32 * 1024 * 1024
"""Bytes that one process sorts at a time for an index. What fits into the processor's caches is sorted a third faster than what
does not, and merging the runs costs next to nothing (docs/benchmarks.md)."""
_TAPE: Final = 256 * 1024
"""Bytes that PostgreSQL reads ahead from each run that it merges: so many runs are merged in one pass as memory holds of these."""
_MOST: Final = 1024 * 1024 * 1024


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
        await each.set(LOAD_SETTINGS)


def sort_memory(size: int) -> int:
    """Bytes to sort in for an index on a table of `size` bytes: no more than it takes to merge the runs in one pass."""
    return max(_RUN, min(math.isqrt(size * _TAPE), _MOST))


async def share_out(target: Session, *, size: int, spare: int) -> None:
    """Memory for an index on a table of `size` bytes, and `spare` processes beside the one that builds it.

    An index for which nothing else waits may have them: who is done early leaves a core idle.
    """
    memory = sort_memory(size) * (spare + 1) // 1024
    await target.execute(
        f"SET maintenance_work_mem = '{memory}kB'; SET max_parallel_maintenance_workers = {spare}", what="SET"
    )


async def settle_down(target: Session) -> None:
    """Memory as the server gives it: a foreign key that is validated asks for it too, to hash what it refers to."""
    await target.execute("RESET maintenance_work_mem", what="RESET")


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
    def spare(self) -> int:
        """Pairs that a job may count on beside its own: none while another job waits."""
        return 0 if any(not future.done() for _, _, future in self._waiting) else self.size - 1

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
