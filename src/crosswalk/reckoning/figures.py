"""The figures of a run at one moment, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crosswalk.progress import Phase

WINDOW: Final = 60.0
"""Seconds over which bytes a second are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole run. Tables, rows, bytes and rejected ones are what is committed: the ledger has the same."""

    phase: Phase | None = None
    tables: int = 0
    """Accounted for."""
    of: int = 0
    rows: int = 0
    bytes: int = 0
    rejected: int = 0
    speed: float = 0.0
    """Committed bytes a second, over the last minute; 0 where none were."""
    busy: int | None = None
    """Workers at work; None where that cannot be known."""
    workers: int = 0
    elapsed: float | None = None
    """Seconds since rows began to come."""
    left: float | None = None
    """Seconds until the end of the run; None: it is too early to say."""

    @property
    def share(self) -> float | None:
        """How much of the time is over, 0 to 1."""
        if self.left is None or self.elapsed is None:
            return None
        return self.elapsed / max(self.elapsed + self.left, 0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing that is being done now."""

    table: str
    building: str = ""
    """An index or key; empty where rows come."""
    share: float = 0.0
    """Of its rows; or of the time that it is thought to take."""
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    """Since it began."""
