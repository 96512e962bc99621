"""How alike two names are, and why: their words, not their letters.

A name is cut into words (at signs, digits and capitals), each is brought to a plain form (singular,
abbreviations spelled out), and the words are matched one to one. The names of the two tables are left
out of their own columns' names, for `orders.order_date` says no more than `date`. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import JaroWinkler

from crosswalk.match.languages import FOREIGN, LINKS, STEMS
from crosswalk.match.synonyms import NEAR, PHRASES, SAME, SPELLINGS
from crosswalk.match.vocabulary import DURATIONS, GENERIC, LIGHT, POLES, SELF, UNITS

_CAMEL: Final = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])")
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_KNOWN: Final = frozenset(SAME) | frozenset(SAME.values()) | frozenset(w for group in NEAR for w in group) | GENERIC
_PARTS: Final = frozenset(w for w in _KNOWN | frozenset(FOREIGN) if len(w) > 2) | {"nr"}
"""Words of which compounds are made (orderdate, rechnungsdatum)."""
_TAILS: Final = frozenset({"id", "no", "nr", "by", "at", "on"})
"""Short words at the end of a compound."""
_POLE: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    word: tuple((axis, i) for axis, poles in enumerate(POLES) for i, pole in enumerate(poles) if word in pole)
    for poles in POLES for pole in poles for word in pole
}
_TURNED: Final = ("in", "un", "non", "dis", "im", "anti")
"""Before a word, they turn its meaning round."""
NEARLY: Final = 0.88
"""What two near synonyms count for."""
CUT: Final = 0.86
"""What a word counts for that looks like another one's abbreviation."""
SPELLED: Final = 0.92
"""From this likeness of letters on, two unknown words count as one that was spelled twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two names are."""

    score: float
    """0 to 1."""
    reason: str
    exact: bool = False
    """Equal but for spelling and number (visit_count, visits_count)."""
    weak: bool = False
    """Only words that many columns carry are shared."""


_SAME: Final = Likeness(score=1.0, reason="the same name", exact=True)


_MEANT: Final = Likeness(score=0.95, reason="the same words, some of them in another form")


def _cut(name: str) -> list[str]:
    return [part.lower() for part in _WORD.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", name)))]


@lru_cache(maxsize=100_000)
def surface(name: str) -> tuple[str, ...]:
    """The words of a name as they stand there, but in the singular and spelled out."""
    return tuple(SPELLINGS.get(part) or SPELLINGS.get(singular(part)) or singular(part) for part in _cut(name))


@lru_cache(maxsize=100_000)
def words(name: str) -> tuple[str, ...]:
    """The plain words of a name, in order: `lastSyncAt` gives last, sync, at."""
    parts = [piece for part in _cut(name) for piece in compound(part)]
    spans = any(plain(part) in DURATIONS for part in parts)
    found = tuple("minute" if spans and part == "min" else plain(part) for part in parts)
    return _folded(found)


def _folded(found: tuple[str, ...]) -> tuple[str, ...]:
    """Words that together are one (`first name`) made one."""
    for size in (3, 2):
        for i in range(len(found) - size + 1):
            one = PHRASES.get(found[i : i + size])
            if one is not None:
                return _folded((*found[:i], one, *found[i + size :]))
    return found


@lru_cache(maxsize=100_000)
def compound(word: str) -> tuple[str, ...]:
    """The parts of a word that is made of known ones (`orderdate`); else the word itself."""
    if len(word) < 5 or word in _PARTS or singular(word) in _PARTS or SAME.get(singular(word)):
        return (word,)
    return _split(word) or (word,)


def _split(word: str) -> tuple[str, ...]:
    for i in range(len(word) - 2, 2, -1):
        head, tail = word[:i], word[i:]
        heads = (head[: len(head) - len(link)] for link in LINKS if head.endswith(link))
        bare = next(filter(_is_part, heads), "")
        if not bare:
            continue
        if tail in _TAILS or _is_part(tail):
            return bare, tail
        rest = _split(tail) if len(tail) > 5 else ()
        if rest:
            return bare, *rest
    return ()


def _is_part(word: str) -> bool:
    return len(word) > 2 and (word in _PARTS or singular(word) in _PARTS)


@lru_cache(maxsize=100_000)
def plain(word: str) -> str:
    """A word in its plain form: abbreviations spelled out, singular, in English."""
    single = singular(word)
    told = FOREIGN.get(word) or FOREIGN.get(single)
    if told is None and not word.isascii():
        told = next((STEMS[stem] for cut in (0, 1, 2) if (stem := word[: len(word) - cut]) in STEMS), None)
    return SAME.get(word) or SAME.get(single) or (SAME.get(told, told) if told else single)


def singular(word: str) -> str:
    """An English plural's singular, roughly; other words as they are."""
    if len(word) <= 3 or not word.isascii() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@lru_cache(maxsize=500_000)
def alike(left: str, right: str) -> float:
    """How alike two plain words are."""
    if left == right:
        return 1.0
    if any(left in group and right in group for group in NEAR):
        return NEARLY
    if not set(_POLE.get(left, ())).isdisjoint(_POLE.get(right, ())):
        return CUT
    short, long = sorted((left, right), key=len)
    if len(short) < 3 or short in _KNOWN:
        return 0.0
    if long in _KNOWN or len(short) < 4:
        return CUT if _abbreviates(short, long) else 0.0
    if long in {f"{prefix}{short}" for prefix in _TURNED}:
        return 0.0
    if _abbreviates(short, long):
        return CUT
    likeness = JaroWinkler.similarity(left, right)
    return likeness if likeness >= SPELLED else 0.0


def _abbreviates(short: str, long: str) -> bool:
    """`aprv` for approve, `term` for termination: a beginning, or the consonants in their order."""
    if len(short) > 6 or len(long) < len(short) + 2 or short[0] != long[0] or not short.isascii() or not short.isalpha():
        return False
    rest = iter(long)
    return long.startswith(short) or (not set(short[1:]) & set("aeiou") and all(letter in rest for letter in short))


def opposed(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Whether the names stand at different poles of one axis, as billing and shipping do."""
    here, there = _stands(left), _stands(right)
    return any(axis in there and not here[axis] & there[axis] for axis in here)


@lru_cache(maxsize=100_000)
def _stands(side: tuple[str, ...]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for word in side:
        for axis, pole in _POLE.get(word, ()):
            found.setdefault(axis, set()).add(pole)
    return found


def weight(word: str) -> float:
    """What a word counts for in a name."""
    if word in LIGHT or word in UNITS:
        return 0.2
    if word == "id" or word.isdigit():
        return 0.5
    return 1.0


def compare(left: str, right: str, own: frozenset[str] = frozenset()) -> Likeness:
    """How alike two columns' names are; `own` are words of the tables' own names."""
    if left == right:
        return _SAME
    mine = words(left) + words(right)
    return _compare(left, right, _NONE if own.isdisjoint(mine) else own.intersection(mine))


@lru_cache(maxsize=500_000)
def _compare(left: str, right: str, own: frozenset[str]) -> Likeness:
    mine, other = words(left), words(right)
    whole = match(mine, other)
    if whole.exact:
        return whole if surface(left) == surface(right) else _MEANT
    if opposed(mine, other):
        return _OPPOSED
    left_out = own | SELF
    if left_out.isdisjoint(mine) and left_out.isdisjoint(other):
        return whole
    bare = match(_without(mine, left_out), _without(other, left_out))
    if bare.score * 0.95 <= whole.score:
        return whole
    return Likeness(score=bare.score * 0.95, reason=f"{bare.reason}, the table's own name left out", weak=bare.weak)


_NONE: Final[frozenset[str]] = frozenset()
_OPPOSED: Final = Likeness(score=0.0, reason="they stand for opposite things")


def _without(side: tuple[str, ...], own: Collection[str]) -> tuple[str, ...]:
    kept = tuple(word for word in side if word not in own)
    return kept if any(word != "id" and not word.isdigit() for word in kept) else side


@lru_cache(maxsize=1_000_000)
def match(left: tuple[str, ...], right: tuple[str, ...]) -> Likeness:
    """The words of two names matched one to one, the most alike first."""
    if not left or not right:
        return Likeness(score=0.0, reason="no words")
    if left == right:
        return Likeness(score=0.99, reason="the same name but for its spelling", exact=True)
    pairs = sorted(
        ((alike(a, b), -i, -j) for i, a in enumerate(left) for j, b in enumerate(right) if alike(a, b)), reverse=True
    )
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    shared: list[tuple[str, str, float]] = []
    for score, i, j in pairs:
        if -i not in taken_left and -j not in taken_right:
            taken_left.add(-i)
            taken_right.add(-j)
            shared.append((left[-i], right[-j], score))
    rest_left = [word for i, word in enumerate(left) if i not in taken_left]
    rest_right = [word for j, word in enumerate(right) if j not in taken_right]
    return _judge(left, right, shared, rest_left, rest_right)


def _judge(
    left: tuple[str, ...],
    right: tuple[str, ...],
    shared: list[tuple[str, str, float]],
    rest_left: list[str],
    rest_right: list[str],
) -> Likeness:
    if not shared:
        return Likeness(score=0.0, reason="no word in common")
    score = sum(s * (weight(a) + weight(b)) for a, b, s in shared) / sum(map(weight, left + right))
    heavy_left, heavy_right = ([w for w in side if weight(w) >= 1] for side in (rest_left, rest_right))
    weak = all(a in GENERIC and b in GENERIC for a, b, _ in shared) and bool(rest_left or rest_right)
    if heavy_left and heavy_right:
        score *= 0.75
    if weak and (heavy_left or heavy_right or not any(weight(a) >= 1 for a, _, _ in shared)):
        score = min(score, 0.5)
    else:
        weak = False
    said = ", ".join(a if a == b else f"{a} ~ {b}" for a, b, _ in shared)
    rest = "; ".join(f"only on one side: {', '.join(r)}" for r in (rest_left + rest_right,) if r)
    return Likeness(score=score, reason=f"words in common: {said}" + (f" ({rest})" if rest else ""), weak=weak)
