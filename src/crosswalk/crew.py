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

READ_SETTINGS: Final = (("work_mem", "64MB"),)
"""Of the sessions that read rows: what a lookup hashes should stay in memory."""
LOAD_SETTINGS: Final = (("synchronous_commit", "off"), ("maintenance_work_mem", "256MB"))
"""Of the sessions that load and build. The run's last event is committed for good, and with it all before."""


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
