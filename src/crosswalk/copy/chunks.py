"""Cuts a source table into ranges of about equal size in bytes, and says how many a worker takes at a time.

    pages   of a table: ranges of its file (the same ones in each file where it has parts), which cost nothing to find
            and are read without an index
    keys    of anything else: ranges of its identity (primary key, else a NOT NULL unique key) in the columns' own
            collation; the outer ranges are open, so that rows which appear later still belong to one

Without either it is one chunk. Ranges of pages mean the same rows under one snapshot only: another run never
takes them for a place where rows are (see `reconcile`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from crosswalk.connect import Session
from crosswalk.express import Motion, Selection
from crosswalk.ledger import Chunk
from crosswalk.mapping import Lookup
from crosswalk.schema import RelationKind

CHUNK_BYTES: Final = 24 * 1024 * 1024
"""Of the source's heap and TOAST: what a worker takes at first; then as much as takes a few seconds."""
_UNIT_BYTES: Final = 8 * 1024 * 1024
_UNITS: Final = 4096
"""A table is cut into about so many ranges at most."""
_SECONDS: Final = (2.0, 6.0)
"""What is moved at a time should take about so long."""
_SECONDS_WITH_LOOKUPS: Final = (10.0, 30.0)
"""The tables that are looked into are read again each time."""
_SIZE: Final = files("crosswalk.copy").joinpath("size.sql")
_PAGED: Final = frozenset({RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW})


async def cut(motion: Motion, session: Session, *, chunk_bytes: int | None = None) -> list[Chunk]:
    """The chunks of a motion's source table, under the session's snapshot; None: small ones, for `Pace` to join."""
    if is_small(motion, chunk_bytes=chunk_bytes):
        return [Chunk(number=0)]
    if motion.source.kind in _PAGED | {RelationKind.PARTITIONED}:
        found = await session.fetchrow(_SIZE.read_text(), motion.source.name.sql, what=f"the size of {motion.source.name}")
        assert found is not None
        if found["files"]:
            return _by_pages(found["pages"], found["bytes"], _size(found["bytes"], chunk_bytes))
    return [Chunk(number=0)] if motion.by_position else await _by_keys(motion, session, _size(motion.source.bytes, chunk_bytes))


def is_small(motion: Motion, *, chunk_bytes: int | None = None) -> bool:
    """Whether the catalog alone says that the table is one chunk."""
    plain = motion.source.kind in _PAGED and not motion.has_heirs
    return plain and motion.source.bytes <= (chunk_bytes or _UNIT_BYTES)


def _size(whole: int, wanted: int | None) -> int:
    """Of a chunk, where the table has so many bytes and somebody may have named a size."""
    return wanted or max(_UNIT_BYTES, whole // _UNITS)


def _by_pages(pages: int, size: int, wanted: int) -> list[Chunk]:
    """Every page belongs to one; TOAST is taken to lie evenly behind them."""
    step = max(1, pages * wanted // max(size, 1))
    starts = list(range(0, max(pages, 1), step))
    ends: list[int | None] = [*starts[1:], None]
    return [Chunk(number=i, pages=(a, b)) for i, (a, b) in enumerate(zip(starts, ends, strict=True))]


async def _by_keys(motion: Motion, session: Session, size: int) -> list[Chunk]:
    if motion.source.bytes <= size:
        return [Chunk(number=0)]
    count = int(await session.fetchval(motion.total(), what=f"the size of {motion.source.name}"))
    rows = max(1, count * size // motion.source.bytes)
    if count <= rows:
        return [Chunk(number=0)]
    found = await session.fetch(motion.boundaries(rows), what=f"the ranges of {motion.source.name}")
    edges = [tuple(str(v) for v in row.values()) for row in found]
    starts: list[tuple[str, ...] | None] = [None, *edges]
    ends: list[tuple[str, ...] | None] = [*edges, None]
    return [Chunk(number=i, after=a, upto=b) for i, (a, b) in enumerate(zip(starts, ends, strict=True))]


def selection(chunks: Sequence[Chunk]) -> Selection:
    """The rows of chunks that follow one another."""
    first, last = chunks[0], chunks[-1]
    if first.pages is None or last.pages is None:
        return Selection(after=first.after, upto=last.upto)
    return Selection(pages=(first.pages[0], last.pages[1]))


def pace_of(motion: Motion, chunks: Sequence[Chunk], *, workers: int, steady: bool) -> Pace:
    """How to go about a table's chunks."""
    looks = any(isinstance(rule, Lookup) for rule in motion.mapping.columns.values())
    seconds = _SECONDS_WITH_LOOKUPS if looks else _SECONDS
    return Pace(waiting=list(chunks), workers=workers, steady=steady, seconds=seconds)


@dataclass(slots=True, kw_only=True)
class Pace:
    """How many chunks of a table are moved at a time, so that each time takes a few seconds."""

    waiting: list[Chunk]
    """In order."""
    workers: int
    steady: bool = False
    """One at a time, whatever it takes."""
    seconds: tuple[float, float] = _SECONDS
    """Below and above which more or fewer are taken."""
    _many: int = field(default=CHUNK_BYTES // _UNIT_BYTES, init=False)

    def take(self) -> list[Chunk]:
        """The next ones that follow one another; few towards the end, so that all workers end together."""
        many = 1 if self.steady else max(1, min(self._many, -(-len(self.waiting) // (2 * self.workers))))
        taken = self.waiting[:1]
        while len(taken) < min(many, len(self.waiting)) and self.waiting[len(taken)].number == taken[-1].number + 1:
            taken.append(self.waiting[len(taken)])
        del self.waiting[: len(taken)]
        return taken

    def took(self, chunks: int, since: float) -> None:
        """So many were moved, begun at that moment of the monotonic clock."""
        seconds = time.monotonic() - since
        low, high = self.seconds
        if seconds < low and chunks >= self._many:
            self._many *= 2
        elif seconds > high:
            self._many = max(1, self._many // 2)
