"""What stands in the ledger, as values: runs and their states, chunks, tallies, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from crosswalk.names import Name

SECOND: Final = 1_000_000_000
"""Chunks of the second passage are numbered from here; their bytes are not counted again."""


class RunState(StrEnum):
    """Where a run stands. Who sets it, and what a restart does."""

    STARTED = "started"
    """By migrate, before anything is touched. Restart: begin again."""
    COPYING = "copying"
    """By migrate or resume, once a snapshot is taken. Restart: resume compares what landed and goes on."""
    STOPPED = "stopped"
    """By an interruption or an error; triggers and keys may still be held. Restart: resume."""
    FINISHED = "finished"
    """All rows accounted for and everything held released. Restart: nothing to do."""
    ROLLED_BACK = "rolled back"
    """By rollback: the target is as it was before the run. Restart: migrate begins anew."""

    @property
    def over(self) -> bool:
        """Nothing is left to resume."""
        return self in {RunState.FINISHED, RunState.ROLLED_BACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of one table's source rows. `extracted` is the sum of the four after it."""

    target: Name
    source: Name
    extracted: int
    loaded: int
    merged: int
    quarantined: int
    filtered: int
    written: int
    """Rows written to or found equal in the target (more than `loaded` where a row fans out)."""

    @property
    def balanced(self) -> bool:
        """Whether every source row is accounted for once."""
        return self.extracted == self.loaded + self.merged + self.quarantined + self.filtered


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A range of a source table's identity, or of its pages; without any it is the whole table."""

    number: int
    after: tuple[str, ...] | None = None
    upto: tuple[str, ...] | None = None
    pages: tuple[int, int | None] | None = None
    """Under the snapshot of its run only: under another one a row may stand elsewhere. The second is exclusive."""

    @property
    def is_part(self) -> bool:
        """It is less than the whole table."""
        return (self.after, self.upto, self.pages) != (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something switched off for the time of a run."""

    id: int
    kind: str
    target: Name
    name: str
    restore: str
    """The statement that switches it on again."""
    also: str = ""
    """What has to be said again once it is on; empty for most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    id: int
    plan_id: str
    plan: dict[str, Any]
    state: RunState
    started_at: str
