"""One table on its way: what is committed of it, what is passing, and how much work it is.

Work is counted in bytes of the source, with something for each row and each table: a row of ten bytes costs more than
its bytes. What is built counts in seconds, as a machine of today takes them; the run itself then tells how many times
as long it takes here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from crosswalk.progress import Coming, Standing, Stretch

ROW: Final = 150
"""What a row costs, in bytes."""
TABLE: Final = 1_000_000
"""What a table costs, however small, in bytes."""
_THIN: Final = 100
"""Bytes of a row, where the catalog does not know how many rows there are."""
_INDEX: Final = (1.0e-6, 2.0e-9)
"""Seconds that an index takes, by row and by byte of its table."""
_KEY: Final = (1.1e-6, 0.5e-9)
"""The same for a foreign key that is checked."""
_LAST: Final = (0.1e-6, 0.5e-9)
"""The same for what comes last, for each table."""
_WIDEST: Final = 2_000
"""Bytes of a row outside of TOAST, at most."""
_CHUNK: Final = 8 * 1024 * 1024
_NEARLY: Final = 0.97
"""What has passed is not yet there."""


@dataclass(slots=True, kw_only=True)
class Pace:
    """How fast something goes: what was done lately counts more than what was done first."""

    half: float = 40.0
    """Seconds of work after which something counts half."""
    seconds: float = 0.0
    weight: float = 0.0

    def add(self, seconds: float, weight: float) -> None:
        keep = 0.5 ** (seconds / self.half)
        self.seconds = self.seconds * keep + seconds
        self.weight = self.weight * keep + weight

    def rate(self, prior: float, worth: float) -> float:
        """Seconds for a unit of weight; `prior` counts like so much weight."""
        return (self.seconds + prior * worth) / (self.weight + worth) if self.weight + worth else prior


@dataclass(slots=True, kw_only=True)
class Work:
    """A table on its way."""

    coming: Coming
    chunks: int = 0
    """0: it is not cut yet."""
    landed: int = 0
    rows: int = 0
    bytes: int = 0
    rejected: int = 0
    done: bool = False
    passing: int = 0
    """Bytes that passed and are not committed."""
    began: float | None = None
    pace: Pace = field(default_factory=Pace)
    told: int = 0
    """Bytes of the stretches that this process saw land, of which `pace` knows the time …"""
    moved: float = 0.0
    """… and their weight."""
    second: int = 0
    """Chunks of the second passage that have landed."""
    builds: dict[str, float] = field(default_factory=dict)
    """Indexes that are being built, and when each was begun."""
    built: set[str] = field(default_factory=set)
    checks: dict[str, float] = field(default_factory=dict)
    """The same for what comes at the end: foreign keys."""
    checked: set[str] = field(default_factory=set)

    @property
    def known_rows(self) -> int:
        return self.coming.rows if self.coming.rows > 0 else self.coming.bytes // _THIN

    @property
    def weight(self) -> float:
        """All of its rows, in bytes."""
        return float(TABLE + self.coming.bytes + ROW * self.known_rows)

    @property
    def cut(self) -> int:
        """In how many chunks it is or will be cut."""
        return self.chunks or max(1, self.coming.bytes // _CHUNK)

    @property
    def full(self) -> bool:
        """All of its rows have landed."""
        return self.done or (self.chunks > 0 and self.landed >= self.chunks)

    def stand(self, found: Standing) -> None:
        self.landed, self.rows, self.bytes = found.landed, found.rows, found.bytes
        self.rejected, self.done = found.rejected, found.done

    def land(self, stretch: Stretch) -> None:
        """Chunks are committed; once a table is accounted for, the accounting's figures count."""
        if stretch.second:
            self.second += stretch.chunks
        else:
            self.landed += stretch.chunks
            self.bytes += stretch.bytes
        if not self.done:
            self.rows += 0 if stretch.second else stretch.rows
            self.rejected += stretch.rejected

    def in_flight(self, wire: float) -> float:
        """The weight of what passes; `wire`: bytes of COPY for a unit of weight, where this table has none to tell."""
        ratio = self.told / self.moved if self.moved and self.told else wire
        left = self.weight * (1 - self.landed / self.cut)
        return min(self.passing / ratio, left * _NEARLY) if ratio else 0.0

    def waiting(self, wire: float) -> float:
        """The weight of what has yet to come."""
        return 0.0 if self.full else self.weight * max(0.0, 1 - self.landed / self.cut) - self.in_flight(wire)

    def _seconds(self, each: tuple[float, float]) -> float:
        """Of what lies in TOAST nothing is read."""
        read = min(self.coming.bytes, _WIDEST * self.known_rows)
        return each[0] * self.known_rows + each[1] * read + 0.005

    @property
    def index_seconds(self) -> float:
        return self._seconds(_INDEX)

    @property
    def key_seconds(self) -> float:
        return self._seconds(_KEY)

    @property
    def last_seconds(self) -> float:
        return self._seconds(_LAST)
