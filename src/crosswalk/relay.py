"""Pumps COPY bytes from one server to another without looking at a value.

The source's COPY TO and the target's COPY FROM run at the same time, a few large blocks between
them; memory is those blocks. When the target refuses the stream the source's COPY is read to its
end and thrown away, so that its transaction (and snapshot) stays usable; when the source fails, the
target's COPY is told so and fails too. Where both sides fail, the source's error is raised. A target
that vanishes in the middle is noticed at once, also while it is not reading. Cancelled, the source's
session is closed, and the target's COPY fails; the target's session stays, if it answers soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.errors import ConnectionLost, CrosswalkError, RowsLostInRelay

BLOCK: Final = 256 * 1024
"""Bytes gathered before they are handed over."""
BLOCKS: Final = 4
"""Blocks that may wait."""
GRACE: Final = 3.0
"""Seconds that a target has to end its COPY after a cancellation."""
POISON: Final[Mapping[CopyFormat, bytes]] = {"binary": b"\x7f\xff", "text": b"\x00\n"}
"""What no server takes at the end of whole rows: a count of fields that no table has; a NUL in a text.

The driver's own way to make a COPY in fail (an error in what feeds it) also asks the server to cancel,
and then waits for ever for an answer where the target had refused a row before.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What one relay carried."""

    rows: int
    bytes: int


class _Pipe:
    """A bounded queue of blocks between a writer and a reader."""

    def __init__(self, form: CopyFormat, on_bytes: Callable[[int], None] | None) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(BLOCKS)
        self._parts: list[bytes] = []
        self._held = 0
        self._poison = POISON[form]
        self._on_bytes = on_bytes
        self.bytes = 0
        self.broken = False

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

    async def close(self) -> None:
        """All has come."""
        if self._held:
            await self._hand_over()
        if not self.broken:
            await self._queue.put(None)

    def fail(self) -> None:
        """No more will come, and what came must not stand: the target is made to refuse it."""
        self._drop()
        if not self.broken:
            self._queue.put_nowait(self._poison)
            self._queue.put_nowait(None)

    def stop_reading(self) -> None:
        """The target gave up: what still comes is thrown away."""
        self.broken = True
        self._drop()

    def _drop(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()

    async def blocks(self) -> AsyncIterator[bytes]:
        """The target's source."""
        while (block := await self._queue.get()) is not None:
            yield block


async def relay(
    source: Session,
    query: str,
    target: Session,
    table: str,
    columns: list[str],
    *,
    schema: str | None = None,
    form: CopyFormat = "binary",
    freeze: bool = False,
    what: str = "the copy",
    on_bytes: Callable[[int], None] | None = None,
) -> Landed:
    """Run `COPY (query) TO` on the source into `COPY table (columns) FROM` on the target.

    Raises the side's error (StatementFailed for a refused value), and RowsLostInRelay where the two
    servers count differently.
    """
    pipe = _Pipe(form, on_bytes)

    async def push() -> int:
        try:
            sent = await source.copy_out(query, pipe.write, form=form, what=what)
        except BaseException:
            pipe.fail()
            raise
        await pipe.close()
        return sent

    async def pull() -> int:
        try:
            async with _noticing_the_end(target, what):
                return await target.copy_in(table, columns, pipe.blocks(), schema=schema, form=form, freeze=freeze, what=what)
        finally:
            pipe.stop_reading()

    pushing, pulling = asyncio.create_task(push()), asyncio.create_task(pull())
    try:
        await asyncio.wait({pushing, pulling})
    except asyncio.CancelledError:
        await _abandon(source, target, pushing, pulling)
        raise
    sent, received = _outcome(pushing, pulling)
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


async def _abandon(source: Session, target: Session, pushing: asyncio.Task[int], pulling: asyncio.Task[int]) -> None:
    """End both sides after a cancellation: the source's session is closed, the target's where it does not answer.

    The driver's own way to cancel a COPY out may be lost between two blocks, and the session with it.
    """
    pushing.cancel()
    try:
        await asyncio.wait({pushing})
        source.raw.terminate()
        await asyncio.wait({pulling}, timeout=GRACE)
    finally:
        source.raw.terminate()
        if not pulling.done():
            target.raw.terminate()
            pulling.cancel()
        for task in (pushing, pulling):
            if task.done() and not task.cancelled():
                task.exception()


def _outcome(pushing: asyncio.Task[int], pulling: asyncio.Task[int]) -> tuple[int, int]:
    """What both sides counted; of two errors one of ours is raised first, and the source's before the target's."""
    errors = [error for task in (pushing, pulling) if (error := _error(task)) is not None]
    if errors:
        raise next((error for error in errors if isinstance(error, CrosswalkError)), errors[0])
    return pushing.result(), pulling.result()


def _error(task: asyncio.Task[int]) -> BaseException | None:
    return asyncio.CancelledError() if task.cancelled() else task.exception()
