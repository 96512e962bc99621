"""Units: a number that counts seconds on one side and minutes on the other looks the same on both.

Evidence are words of names and comments on both sides; for spans of time also values that are all whole
minutes. What is only likely is proposed with a question, never accepted. Pure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from crosswalk.match.affinity import Candidate
from crosswalk.match.naming import words
from crosswalk.match.profile import Profile
from crosswalk.match.proposal import Proposal, Question
from crosswalk.match.vocabulary import DURATIONS, UNITS
from crosswalk.match.yamltext import flow
from crosswalk.names import quote
from crosswalk.pg_types import FLOATS, NUMBERS, numeric_limits
from crosswalk.schema import Column

_WHOLE_MINUTES: Final = 0.9
_SMALL: Final = frozenset({"cent", "pence", "kopeck"})
_LONG: Final = 600
"""Above this a span of whole minutes is hardly counted in minutes."""


def unit(column: Column) -> tuple[str, str, int] | None:
    """(word, what is measured, how many of the smallest unit), as name or comment say."""
    for text in (column.name, column.comment or ""):
        for word in reversed(words(text)):
            if word in UNITS and (word != "s" or text == column.name):
                return (word, *UNITS[word])
    return None


def convert(candidate: Candidate, seen: Profile | None, place: str) -> Proposal | None:
    """An sql rule where the units differ, or may differ; None where nothing speaks for it."""
    source, target = candidate.source, candidate.target
    if source.type.storage.name not in NUMBERS or target.type.storage.name not in NUMBERS:
        return None
    here, there = unit(source), unit(target)
    if here and not there and here[0] in _SMALL and fractional(target):
        return _small(candidate, here[0], place)
    if here and there and here[1] == there[1]:
        return _between(candidate, here, there) if here[2] != there[2] else None
    if not (set(words(source.name)) & DURATIONS) or seen is None or not seen.present:
        return None
    if seen.sixties < _WHOLE_MINUTES or seen.high is None or seen.high < Decimal(_LONG) or (there and there[2] == UNITS["s"][1]):
        return None
    return _seconds(candidate, seen, place, named=there)


def fractional(column: Column) -> bool:
    """True for a number that may have digits after the point."""
    kind = column.type.storage
    limits = numeric_limits(kind.modifier) if kind.name == "numeric" else None
    return kind.name in FLOATS or (kind.name == "numeric" and (limits is None or limits[1] > 0))


def _small(candidate: Candidate, word: str, place: str) -> Proposal:
    """Whole cents on one side, a fraction on the other."""
    source = candidate.source
    said = f"{source.name} counts {word}s, and {candidate.target.name} has digits after the point"
    text = f"{said}: does it hold the hundredfold?"
    return Proposal(
        rule={"sql": f"{quote(source.name)} / 100.0"}, confidence=0.8, evidence=(candidate.name.reason, said),
        questions=(
            Question(
                code="unit", place=place, text=text, rank=2, detail=f"from {source.name}",
                theme="these count cents or the like, and what they feed has digits after the point: do they hold the hundredfold?",
            ),
        ),
        reads=(source.name,),
    )


def _between(candidate: Candidate, here: tuple[str, str, int], there: tuple[str, str, int]) -> Proposal:
    name = quote(candidate.source.name)
    small, large = sorted((here[2], there[2]))
    sign = "*" if here[2] > there[2] else "/"
    text = f"{name} {sign} {large // small}" + (".0" if sign == "/" else "")
    said = f"{candidate.source.name} counts {here[0]}, {candidate.target.name} counts {there[0]}"
    return Proposal(
        rule={"sql": text}, confidence=0.9, evidence=(candidate.name.reason, said), reads=(candidate.source.name,)
    )


def _seconds(candidate: Candidate, seen: Profile, place: str, *, named: tuple[str, str, int] | None) -> Proposal:
    source = candidate.source
    said = f"{seen.sixties:.0%} of the values of {source.name} other than 0 are multiples of 60, as seconds are"
    offer = flow({candidate.target.name: source.name})[1:-1]
    text = f"{said}: does the target count minutes? If it counts the same, write the column as it is"
    question = Question(code="unit", place=place, text=text, offer=offer, rank=1)
    return Proposal(
        rule={"sql": f"{quote(source.name)} / 60.0"}, confidence=0.8 if named else 0.5,
        evidence=(candidate.name.reason, said), questions=(question,), reads=(source.name,),
    )
