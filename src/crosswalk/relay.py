"""Pumps COPY bytes from one server to another without looking at a value.

The source's COPY TO and the target's COPY FROM run at the same time, a few large blocks between
them; memory is those blocks. When the target refuses the stream the source's COPY is read to its
end and thrown away, so that its transaction (and snapshot) stays usable; when the source fails, the
target's COPY is told so and fails too. Where both sides fail, the source's error is raised. A target
that vanishes in the middle is noticed at once, also while it is not reading. Cancelled, both COPYs
are cancelled on their servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.errors import ConnectionLost, CrosswalkError, RowsLostInRelay

BLOCK: Final = 256 * 1024
"""Bytes gathered before they are handed over."""
BLOCKS: Final = 4
"""Blocks that may wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What one relay carried."""

    rows: int
    bytes: int


class _SourceFailed(Exception):
    """Carried through the target's COPY when the source's broke."""


class _Pipe:
    """A bounded queue of blocks between a writer and a reader."""

    def __init__(self, on_bytes: Callable[[int], None] | None) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(BLOCKS)
        self._parts: list[bytes] = []
        self._held = 0
        self._on_bytes = on_bytes
        self.bytes = 0
        self.broken = False
        self.failed = False

    async def write(self, data: bytes) -> None:
        """The source's sink."""
        self._parts.append(data)
        self._held += len(data)
        if self._held >= BLOCK:
            await self._hand_over()

    async def _hand_over(self) -> None:
        block = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._held = 0
        self.bytes += len(block)
        if self._on_bytes is not None:
            self._on_bytes(len(block))
        if not self.broken:
            await self._queue.put(block)

    async def close(self, *, failed: bool) -> None:
        """No more will come."""
        self.failed = failed
        if self._held and not failed:
            await self._hand_over()
        if not self.broken:
            await self._queue.put(None)

    def stop_reading(self) -> None:
        """The target gave up: what still comes is thrown away."""
        self.broken = True
        while not self._queue.empty():
            self._queue.get_nowait()

    async def blocks(self) -> AsyncIterator[bytes]:
        """The target's source."""
        while (block := await self._queue.get()) is not None:
            yield block
        if self.failed:
            raise _SourceFailed


async def relay(
    source: Session,
    query: str,
    target: Session,
    table: str,
    columns: list[str],
    *,
    schema: str | None = None,
    form: CopyFormat = "binary",
    what: str = "the copy",
    on_bytes: Callable[[int], None] | None = None,
) -> Landed:
    """Run `COPY (query) TO` on the source into `COPY table (columns) FROM` on the target.

    Raises the side's error (StatementFailed for a refused value), and RowsLostInRelay where the two
    servers count differently.
    """
    pipe = _Pipe(on_bytes)

    async def push() -> int:
        failed = True
        try:
            sent = await source.copy_out(query, pipe.write, form=form, what=what)
            failed = False
            return sent
        finally:
            await pipe.close(failed=failed)

    async def pull() -> int:
        try:
            async with _noticing_the_end(target, what):
                return await target.copy_in(table, columns, pipe.blocks(), schema=schema, form=form, what=what)
        finally:
            pipe.stop_reading()

    sent, received = await _both(push(), pull())
    if sent != received:
        raise RowsLostInRelay(sent=sent, received=received, what=what)
    return Landed(rows=received, bytes=pipe.bytes)


@asynccontextmanager
async def _noticing_the_end(session: Session, what: str) -> AsyncIterator[None]:
    """Raises ConnectionLost where the connection goes; the driver would wait for ever to be allowed to write."""
    task = asyncio.current_task()
    assert task is not None
    gone: list[object] = []

    def on_end(connection: object) -> None:
        gone.append(connection)
        # One turn later: an error that says more than "lost" may be on its way to the task already.
        asyncio.get_running_loop().call_soon(task.cancel)

    session.raw.add_termination_listener(on_end)
    try:
        yield
    except asyncio.CancelledError:
        if not gone:
            raise
        raise ConnectionLost(side=session.side, reason=f"it was closed during {what}") from None
    finally:
        session.raw.remove_termination_listener(on_end)


async def _both(pushing: Coroutine[Any, Any, int], pulling: Coroutine[Any, Any, int]) -> tuple[int, int]:
    """Run the two sides to their ends; of two errors one of ours comes first, and the source's before the target's."""
    tasks = [asyncio.create_task(pushing), asyncio.create_task(pulling)]
    try:
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors:
        raise next((error for error in errors if isinstance(error, CrosswalkError)), errors[0])
    sent, received = (task.result() for task in tasks)
    return sent, received
