"""A line between us and a server that a test can cut, stall, slow down, refuse, or rob of an answer.

`async with line(url) as through:` listens on a port of its own and passes bytes both ways; `through.url` leads there.
It lives in the test's loop, so that what a test does to it happens between two steps of the product. The kernel
acknowledges what a stalled line takes: to the product a stalled line is a slow server, never a dead one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BLOCK = 64 * 1024


@dataclass(eq=False)
class _Wire:
    """One connection: to the product, and to the server."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    robbed: bool = False
    """The server's next answer is not passed on, and the connection ends."""

    kept: bool = False
    """The server believes that we are still there."""

    def end(self, *, half: bool = False) -> None:
        """With a reset; of `half` a cut the server hears nothing."""
        self.kept = half
        self.near.transport.abort()
        if not half:
            self.far.transport.abort()


@dataclass
class Line:
    """The way to one server."""

    url: str
    host: str
    port: int
    refusing: bool = False
    """New connections are reset."""
    pace: float = 0.0
    """Bytes a second and direction; 0 is as fast as can be."""
    valued: bytes = b"COMMIT\x00"
    """What is counted when it is sent."""
    sent: int = 0
    """How often it was sent so far."""
    steal: int = 0
    """The answer to the one of that number is lost, counted from 1, and with it the connection; 0 loses none."""
    half: bool = False
    """Of that loss the server hears nothing."""
    wires: list[_Wire] = field(default_factory=list)
    halves: list[_Wire] = field(default_factory=list)
    """Cut on our side only."""
    _flows: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self, *, half: bool = False) -> None:
        """End every connection that stands."""
        while self.wires:
            wire = self.wires.pop()
            wire.end(half=half)
            if half:
                self.halves.append(wire)

    def tell(self) -> None:
        """The server notices the cuts of which it had heard nothing."""
        while self.halves:
            self.halves.pop().end()

    def close(self) -> None:
        """The server is gone."""
        self.refusing = True
        self.cut()

    def open(self) -> None:
        """The server is back."""
        self.refusing = False

    def stall(self) -> None:
        """Nothing passes until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def take(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        """A connection comes in."""
        if self.refusing:
            near.transport.abort()
            return
        back, far = await asyncio.open_connection(self.host, self.port)
        wire = _Wire(near, far)
        self.wires.append(wire)
        await asyncio.gather(self._there(reader, wire), self._back(back, wire), return_exceptions=True)

    async def _there(self, reader: asyncio.StreamReader, wire: _Wire) -> None:
        with suppress(OSError):
            while data := await self._block(reader):
                if self.valued in data:
                    self.sent += 1
                    wire.robbed = self.sent == self.steal
                    if wire.robbed and self.half:
                        self.halves.append(wire)
                wire.far.write(data)
                await wire.far.drain()
        if not wire.kept:
            wire.far.close()

    async def _back(self, reader: asyncio.StreamReader, wire: _Wire) -> None:
        with suppress(OSError):
            while data := await self._block(reader):
                if wire.kept:
                    continue
                if wire.robbed:
                    wire.end(half=self.half)
                    continue
                wire.near.write(data)
                await wire.near.drain()
        wire.near.close()

    async def _block(self, reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(BLOCK)
        await self._flows.wait()
        if self.pace:
            await asyncio.sleep(len(data) / self.pace)
        return data


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Line]:
    """A line to the server of a URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    found = Line(url="", host=parts.hostname, port=parts.port)
    found.flow()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found.url = url.replace(f":{parts.port}/", f":{port}/", 1)
    try:
        yield found
    finally:
        found.flow()
        server.close()
        found.close()
        found.tell()
        await asyncio.sleep(0)
