"""Who writes which keys now: calls that share a key of a table go one after another, in the order in which they came.

Within one process and one event loop. Nothing is awaited when a lane is given back, so a cancelled call cannot keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from crosswalk.data.modes.canonical import Form


@dataclass(slots=True, eq=False)
class _Turn:
    table: str
    keys: frozenset[Form] | None
    """None: the whole table."""
    go: asyncio.Future[None]

    def meets(self, other: _Turn) -> bool:
        if self.table != other.table:
            return False
        return self.keys is None or other.keys is None or not self.keys.isdisjoint(other.keys)


class Lanes:
    """The turns that are held and those that wait."""

    def __init__(self) -> None:
        self._held: list[_Turn] = []
        self._waiting: list[_Turn] = []

    @asynccontextmanager
    async def hold(self, table: str, keys: frozenset[Form] | None) -> AsyncIterator[None]:
        """Wait for a turn; `keys` None: for the whole table."""
        turn = _Turn(table, keys, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._grant()
        try:
            await turn.go
            yield
        finally:
            for each in (self._held, self._waiting):
                if turn in each:
                    each.remove(turn)
            self._grant()

    def _grant(self) -> None:
        """In order: nobody overtakes one who waits for the same key."""
        left: list[_Turn] = []
        for turn in self._waiting:
            if any(turn.meets(other) for other in (*self._held, *left)):
                left.append(turn)
                continue
            self._held.append(turn)
            if not turn.go.done():
                turn.go.set_result(None)
        self._waiting = left
