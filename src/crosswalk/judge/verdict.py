"""What the judge says: the rows of one table that one rule sets aside, and the ways out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crosswalk.names import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of the document."""

    place: tuple[str, ...]
    """Key path; what is missing on the way is made."""
    value: Any
    """What stands there then: scalars, lists and dicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way out as an edit of the document; the verdict is gone after it, or expected by the document."""

    word: str
    """Stable: quarantine, truncate, round, null, value, filter, first, lookup."""
    sentence: str
    """What becomes of the rows."""
    edits: tuple[Edit, ...] = ()
    """Empty where a value has to be given first."""
    make: Callable[[str], tuple[Edit, ...]] | None = field(default=None, repr=False, compare=False)
    """The edits for a value, written `RULE=WORD:VALUE`."""

    @property
    def takes_value(self) -> bool:
        return self.make is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Rows of one table that one rule sets aside."""

    target: Name
    source: Name
    code: str
    column: str | None
    constraint: str | None
    reason: str
    rows: int | None
    """None where no count is to be had: only the load can tell."""
    samples: tuple[str, ...]
    """Masked source keys."""
    declared: bool
    """True where the document says that such rows go to quarantine (or are merged)."""
    rule: str = ""
    """A handle that stays the same: `public.clients.phone:length`."""
    exact: bool = True
    """False where the rows were not counted."""
    ways: tuple[Way, ...] = ()


def handle(target: Name, code: str, column: str | None, constraint: str | None) -> str:
    """A verdict's stable name."""
    place = constraint if code in {"check", "unique", "exclusion", "foreign_key", "trigger", "clash", "computed"} else column
    return f"{target}.{place}:{code}" if place else f"{target}:{code}"
