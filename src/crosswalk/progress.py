"""What a long run tells while it goes on: a protocol, and an observer that says nothing.

Numbers only; no value of a row is ever passed. Implementations must not raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crosswalk.ledger import Tally
from crosswalk.names import Name


class Phase(StrEnum):
    """What a run is at. Each one stands in the ledger, too, as an event of kind `phase`, but for `build`."""

    SHAPE = "shape"
    """The target is given its form."""
    LOAD = "load"
    """Rows come; indexes of tables whose rows are in are built beside that."""
    BUILD = "build"
    """All rows are in, and indexes are still being built."""
    REFERENCES = "references"
    """The second passage: references into tables that were filled later."""
    CHECK = "check"
    """Sequences, and foreign keys, validated."""
    FINISH = "finish"
    """What comes last: how the target stands is noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A table that is to be filled, as catalog and plan know it."""

    name: Name
    rows: int = 0
    """The planner's estimate."""
    bytes: int = 0
    """Of the source's heap and TOAST."""
    direct: bool = True
    """Straight COPY; else through a twin and a merge."""
    indexes: int = 0
    """To be built once its rows are in."""
    keys: int = 0
    """Foreign keys to be checked at the end."""
    again: bool = False
    """It has a second passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Chunks that were committed together."""

    rows: int
    """That landed."""
    rejected: int = 0
    bytes: int = 0
    """Of COPY, without those of attempts that were given up."""
    chunks: int = 1
    seconds: float = 0.0
    """That a worker was at it."""
    second: bool = False
    """Of the second passage: its rows and bytes are not counted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger says of a table at a moment."""

    landed: int
    """Chunks, without those of the second passage."""
    rows: int
    bytes: int
    rejected: int
    done: bool = False
    """It is accounted for; rows and rejected ones are those of the accounting."""


class Observer(Protocol):
    """Is told what happens, in order; of several tables at the same time."""

    def note(self, text: str) -> None:
        """Something that a person should know."""

    def phase(self, phase: Phase) -> None:
        """The run comes to something else."""

    def begin(self, tables: Sequence[Coming]) -> None:
        """All tables to come, once their rows begin to; again where the run goes on after a break."""

    def workers(self, busy: int, of: int) -> None:
        """So many workers are at work."""

    def table(self, name: Name, chunks: int, landed: int) -> None:
        """A table begins; so many of its chunks have landed before."""

    def stands(self, name: Name, standing: Standing) -> None:
        """What the ledger has of a table, in place of what was told of it before."""

    def bytes(self, name: Name, count: int) -> None:
        """Bytes of COPY have passed; below zero: they count no more, for they are committed or were given up."""

    def chunk(self, name: Name, stretch: Stretch) -> None:
        """Chunks are committed."""

    def building(self, name: Name, what: str) -> None:
        """An index or a key of a table is begun."""

    def built(self, name: Name, what: str) -> None:
        """It stands, or has failed."""

    def done(self, name: Name, tally: Tally) -> None:
        """A table is accounted for; again where the accounting changes."""


class Silent:
    """Tells nobody."""

    def note(self, text: str) -> None:
        pass

    def phase(self, phase: Phase) -> None:
        pass

    def begin(self, tables: Sequence[Coming]) -> None:
        pass

    def workers(self, busy: int, of: int) -> None:
        pass

    def table(self, name: Name, chunks: int, landed: int) -> None:
        pass

    def stands(self, name: Name, standing: Standing) -> None:
        pass

    def bytes(self, name: Name, count: int) -> None:
        pass

    def chunk(self, name: Name, stretch: Stretch) -> None:
        pass

    def building(self, name: Name, what: str) -> None:
        pass

    def built(self, name: Name, what: str) -> None:
        pass

    def done(self, name: Name, tally: Tally) -> None:
        pass
