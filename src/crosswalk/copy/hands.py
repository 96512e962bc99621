"""What a worker has in hand while it moves rows of one table, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from crosswalk.connect import Session
from crosswalk.copy.quarantine import Refusal
from crosswalk.errors import CrosswalkError, StatementFailed
from crosswalk.express import Key, Moment, Motion
from crosswalk.names import Name
from crosswalk.sqlstates import blames_a_row

UNIQUE: Final = "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one chunk carried."""

    rows: int
    """Rows that landed (written or found equal)."""
    merged: int
    """Rows that lost to another of their key, or to a row that was kept."""
    refused: int
    """Source rows that the load refused."""
    bytes: int
    done_before: bool = False
    """Some or all of it had landed before."""
    leaving: tuple[str, ...] = ()
    """Target keys (jsonb texts) of refused rows that stand in the target still: they must be taken out."""


@dataclass(slots=True, kw_only=True)
class Hands:
    """Two sessions and what a chunk needs to know."""

    motion: Motion
    moment: Moment
    run: int
    snapshot: str
    source: Session
    target: Session
    direct: bool
    """The table was empty and this is the run's first snapshot."""
    freeze: bool = False
    """Nobody else can have written or read the table, and one transaction fills it: its rows are born frozen."""
    keep: bool = False
    """Rows that stood in the table before win."""
    late: frozenset[Name] = frozenset()
    """Tables that are not filled yet, so that references into them wait for a second passage."""
    second: bool = False
    """This is the second passage: the rows have landed, and only references into late tables are missing."""
    again: bool = False
    """An earlier run filled the table, which has no key: only rows that are too few are written."""
    on_bytes: Callable[[int], None] | None = None
    refused: dict[Key, Refusal] = field(default_factory=dict)
    raising: dict[Key, Refusal] = field(default_factory=dict)
    """Those of the source's rows for which a rule raises: they are left out of what is asked for."""
    clashing: dict[int, Refusal] = field(default_factory=dict)
    """Rows of the twin whose unique value another row holds, by number: they get another chance together."""
    spoiled: set[int] = field(default_factory=set)
    """Rows of the twin that are refused for good, by number: `on_reject` speaks of them."""
    leaving: list[str] = field(default_factory=list)
    """See `Moved`."""
    blocks: bool | None = None
    """The target runs PL/pgSQL blocks for us; None: not asked yet."""
    wary: int = 0
    """So many segments go through the twin at once, since rows were refused before them; kept from chunk to chunk."""
    sent: int = 0
    came: int = 0
    """Rows that the transaction has added to the table, less those that it took out."""

    @property
    def what(self) -> str:
        """What is being done, for an error."""
        return f"the load of {self.motion.name}"

    def begin(self) -> None:
        """Forget what was before."""
        self._take_back(0)
        self.refused, self.clashing, self.spoiled, self.sent, self.came = {}, {}, set(), 0, 0
        self.leaving, self.raising = [], {}

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What an attempt that fails has sent does not count."""
        before = self.sent
        try:
            yield
        except BaseException:
            self._take_back(before)
            raise

    def _take_back(self, before: int) -> None:
        if self.on_bytes is not None and self.sent > before:
            self.on_bytes(before - self.sent)
        self.sent = before

    def count(self, size: int) -> None:
        self.sent += size
        if self.on_bytes is not None:
            self.on_bytes(size)


def row_fault(error: CrosswalkError, side: str) -> bool:
    """Whether an error of that side blames a row."""
    return (
        isinstance(error, StatementFailed)
        and error.fields["side"] == side
        and blames_a_row(str(error.fields["sqlstate"]))
    )


def refusal(error: StatementFailed) -> Refusal:
    return Refusal(
        sqlstate=str(error.fields["sqlstate"]),
        message=str(error.fields["reason"]),
        constraint=error.fields.get("constraint"),
        column=error.fields.get("column"),
    )
