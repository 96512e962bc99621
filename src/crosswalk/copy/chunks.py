"""Cuts a source table into ranges of its identity, of about equal size in bytes.

The identity is that of the source (primary key, else a NOT NULL unique key) in its own collation; the
outer ranges are open, so that rows which appear later still belong to one. A table without a key is
one chunk: its ctids mean nothing under the next snapshot.
"""

from __future__ import annotations

from typing import Final

from crosswalk.connect import Session
from crosswalk.express import Motion
from crosswalk.ledger import Chunk

CHUNK_BYTES: Final = 24 * 1024 * 1024
"""Of the source's heap and TOAST; takes a second or a few."""


async def cut(motion: Motion, session: Session, *, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """The chunks of a motion's source table, under the session's snapshot."""
    whole = [Chunk(number=0, after=None, upto=None)]
    if motion.by_position or motion.source.bytes <= chunk_bytes:
        return whole
    count = int(await session.fetchval(motion.total(), what=f"the size of {motion.source.name}"))
    rows = max(1, count * chunk_bytes // motion.source.bytes)
    if count <= rows:
        return whole
    found = await session.fetch(motion.boundaries(rows), what=f"the ranges of {motion.source.name}")
    edges = [tuple(str(v) for v in row.values()) for row in found]
    starts: list[tuple[str, ...] | None] = [None, *edges]
    ends: list[tuple[str, ...] | None] = [*edges, None]
    return [Chunk(number=i, after=a, upto=b) for i, (a, b) in enumerate(zip(starts, ends, strict=True))]
