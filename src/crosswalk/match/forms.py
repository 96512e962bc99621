"""In which other form a value may be kept: flags as words or numbers or the opposite, moments as numbers or text.

Read from types, names and profiles; the expressions that follow are `coded`'s. Pure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from crosswalk.match.profile import Profile
from crosswalk.match.vocabulary import FLIPS
from crosswalk.pg_types import INTEGERS, STRINGS
from crosswalk.schema import Column, TypeKind, TypeRef

_CODES: Final = 24
"""More different numbers are no codes of labels."""
CLOCKS: Final = frozenset({"timestamp", "timestamptz"})
_SCALES: Final = ((1, "seconds"), (1000, "milliseconds"), (1_000_000, "microseconds"))
_SINCE, _UNTIL = Decimal(946_684_800), Decimal(4_102_444_800)
"""The years 2000 to 2100, in seconds since 1970."""


def epoch(seen: Profile | None) -> tuple[int, str] | None:
    """How many of what the numbers count in a second, where all of them (but for 0) are moments of our time."""
    if seen is None or seen.high is None or seen.low is None or seen.distinct in (None, 0):
        return None
    for scale, word in _SCALES:
        if _SINCE * scale <= seen.high <= _UNTIL * scale and (seen.low == 0 or seen.low >= _SINCE * scale):
            return scale, word
    return None


def form(have: TypeRef, want: TypeRef, seen: Profile | None) -> tuple[str, float, str] | None:
    """(way, how good, what is said) where the value is kept in another form; None where it is not."""
    if want.name == "bool":
        return _flag(have, seen)
    if want.kind is TypeKind.ENUM and have.name in INTEGERS:
        few = seen is not None and seen.distinct is not None and 0 < seen.distinct <= _CODES
        return ("codes", 0.6, "numbers on one side, labels on the other") if few else None
    if want.name in {*CLOCKS, "date"} and (have.name in INTEGERS or have.name == "numeric"):
        found = epoch(seen)
        return ("epoch", 0.85, f"its numbers are {found[1]} since 1970") if found else None
    if want.name == "date" and have.name in STRINGS and seen is not None and seen.share("dotted") >= 0.9:
        return "dotted", 0.8, f"{seen.share('dotted'):.0%} of the texts are dates such as 31.12.1999"
    return None


def _flag(have: TypeRef, seen: Profile | None) -> tuple[str, float, str] | None:
    if have.name in {*CLOCKS, "date"}:
        return "since", 0.8, "a moment on one side, a flag on the other"
    if have.name in INTEGERS and seen is not None and seen.present and seen.low is not None and seen.high is not None:
        fits = seen.low >= 0 and seen.high <= 1
        return ("flag", 0.9, "its numbers are 0 and 1") if fits else None
    if have.name in STRINGS and seen is not None and seen.present and seen.share("flag") == 1:
        return "flag", 0.9, "its words are yes and no"
    return None


def flipped(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The words of a flag's name without those that say the opposite, and whether they turn it round."""
    bare = tuple(FLIPS.get(w, w) for w in words if w not in {"not", "non", "no"})
    turns = sum(w in FLIPS or w in {"not", "non"} for w in words)
    return bare, turns % 2 == 1


def of_one_kind(source: Column, target: Column) -> bool:
    """Whether both are flags of any form, so that their names may say the opposite."""
    have = source.type.storage.name
    return target.type.storage.name == "bool" and (have == "bool" or have in INTEGERS or have in STRINGS or have in {*CLOCKS, "date"})
