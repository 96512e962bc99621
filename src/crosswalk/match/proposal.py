"""What matching says: rules with their evidence, questions to a person, the draft that holds them.

Values, made by the thinkers of this package and written down by `writing`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crosswalk.match.tables import Pair
from crosswalk.names import Name

ACCEPTED: Final = 0.95
"""From this confidence on a rule is accepted."""


def many(count: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that only a person can decide."""

    code: str
    """Stable: reference.unsure, unit, labels, table.preserve …"""
    place: str
    """A table, or TABLE.COLUMN."""
    text: str
    offer: str = ""
    """YAML that would answer it, to be copied."""
    rank: int = 5
    """The lower, the earlier it is asked: 1 for what would put wrong data into the target."""
    theme: str = ""
    """The same question in words that suit many places; questions of one theme are asked together."""
    detail: str = ""
    """What is particular of this place, in a group."""
    entry: str = ""
    """The part of the offer that is of this place."""
    also: tuple[str, ...] = ()
    """The other places of a group."""

    @property
    def places(self) -> tuple[str, ...]:
        return (self.place, *self.also)


def heading(question: Question) -> str:
    """What stands before a question's text: its place, or how many there are."""
    return f"{len(question.places)} places" if question.also else question.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A rule for one target column."""

    rule: Mapping[str, Any]
    """As it is written in the document, without what is said about it."""
    confidence: float
    evidence: tuple[str, ...]
    questions: tuple[Question, ...] = ()
    reads: tuple[str, ...] = ()
    """Source columns that it uses."""

    @property
    def accepted(self) -> bool:
        return self.confidence >= ACCEPTED and not self.questions

    def doubted(self, why: str, most: float = 0.9) -> Proposal:
        """The same, not to be accepted."""
        return replace(self, confidence=min(self.confidence, most), evidence=(*self.evidence, why))


@dataclass(slots=True, kw_only=True)
class TableDraft:
    """One target table."""

    pair: Pair
    sure: bool
    columns: dict[str, Proposal] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    rejects: bool = False
    where: tuple[str, str] | None = None
    """A condition and its reason."""
    drop: dict[str, str] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    """Source columns without a place."""
    open: tuple[str, ...] = ()
    """Target columns without a rule."""
    questions: list[Question] = field(default_factory=list)
    decided: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Target columns whose rule a person has decided, with what it reads; they are in none of the fields above."""
    taken: frozenset[str] = frozenset()
    """Source columns that decided rules read, or that were dropped."""
    settled: bool = False
    """A person has decided rules of the table, and so that it is fed from there."""
    answered: frozenset[str] = frozenset()
    """Codes of questions that the document answers for the table."""
    of_list: str = ""
    """The list whose elements become rows."""

    @property
    def source(self) -> Name:
        return self.pair.source.name

    @property
    def target(self) -> Name:
        return self.pair.target.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that was found."""

    tables: tuple[TableDraft, ...]
    questions: tuple[Question, ...]
    """In the order in which they should be answered."""
    unmapped_sources: tuple[Name, ...]
    unmapped_targets: tuple[Name, ...]
    unseen: Mapping[str, str]
    """Reason by what was not looked at."""
    near: Mapping[Name, Pair] = field(default_factory=dict)
    """Pairs that were thought of and not taken, by target table."""
