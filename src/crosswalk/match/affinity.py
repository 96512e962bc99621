"""How well a source column suits a target column: name, type, constraints, values, each with its reason.

The score orders candidates; it is no probability of truth. The rule that is made of the best one says
how sure it is (`rules`). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from crosswalk.express.fit import fit
from crosswalk.match.forms import flipped, form, of_one_kind
from crosswalk.match.naming import Likeness, compare, match, opposed, words
from crosswalk.match.profile import Profile
from crosswalk.match.vocabulary import SPARE
from crosswalk.pg_types import INTEGERS, NUMBERS, STRINGS
from crosswalk.schema import Column, Table, TypeKind, TypeRef

Way = Literal["plain", "zone", "first", "reference", "flag", "since", "epoch", "dotted", "codes", "none"]
WORTH: Final = 0.55
"""From this score on a candidate is proposed."""
_GUESS: Final = 0.56
_WIDE: Final = 40_000
"""More pairs of columns than these are not all compared: a name that stands on both sides has its counterpart."""
SHOWN: Final = 0.3
"""From this score on a candidate is worth a look."""
_KEYISH: Final = frozenset({"id", "number", "code", "key", "entity", "record", "row", "object", "serial"})
"""Words that a key's name may be made of, beside its table's."""
_READS: Final = {
    "date": "date", "timestamp": "date", "timestamptz": "date", "json": "json", "jsonb": "json", "uuid": "uuid", "inet": "inet",
    "cidr": "inet", "time": "clock",
}
"""Patterns that texts follow which read as a type."""
_SHAPES: Final = {"email": "email", "phone": "phone", "url": "url", "zone": "zone"}
"""Patterns that tell what a text is, by the word that a column for it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A source column that might feed a target column."""

    source: Column
    target: Column
    score: float
    name: Likeness
    way: Way
    """How the value gets there: as it is, read in a zone, an array's first element …"""
    types: float
    """How well the types agree, 0 to 1."""
    reasons: tuple[str, ...]
    turned: bool = False
    """The names of two flags say the opposite."""
    guess: bool = False
    """Only constraints speak for it."""
    seen: Profile | None = None
    """What was seen of the source column."""


@lru_cache(maxsize=100_000)
def _refused(have: TypeRef, want: TypeRef, labels: tuple[str, ...] = ()) -> bool:
    return fit("v", have, want, labels=labels).verdict == "refused"


def typing(source: Column, target: Column, seen: Profile | None, labels: tuple[str, ...]) -> tuple[Way, float, str]:
    """The way from one type to another, how good it is, and what is said of it."""
    have, want = source.type.storage, target.type.storage
    if have.kind is TypeKind.ARRAY and want.kind is not TypeKind.ARRAY and have.element is not None:
        possible = not _refused(have.element, want, labels) and not _text(want, have.element)
        return ("first", 0.6, f"the first of {have.display}") if possible else _no
    kept = form(have, want, seen)
    if kept is not None:
        return cast(Way, kept[0]), kept[1], kept[2]
    if _refused(have, want, labels):
        clocks = {"timestamp", "timestamptz"}
        if have.name in clocks and want.name in clocks:
            return "zone", 0.95, "a wall clock on one side, an instant on the other"
        return _no
    if have.name == want.name and have.kind is want.kind:
        return "plain", 1.0, "the same type" if have.modifier == want.modifier else "the same type, another length"
    if have.name in NUMBERS and want.name in NUMBERS:
        return "plain", 0.95, f"{have.display} goes into {want.display}"
    if have.name in STRINGS and want.name in STRINGS:
        return "plain", 0.98, f"{have.display} goes into {want.display}"
    if have.kind is TypeKind.ENUM or want.kind is TypeKind.ENUM:
        return "plain", 0.9, "labels"
    if have.name in STRINGS:
        return _from_text(want, seen)
    if want.name in STRINGS:
        return "plain", 0.5, f"{have.display} written as text"
    return "plain", 0.85, f"{have.display} goes into {want.display}"


_no: Final[tuple[Way, float, str]] = ("none", 0.0, "no way from one type to the other")


def _text(want: TypeRef, element: TypeRef) -> bool:
    """A number of a list written as text: no way that somebody meant."""
    return want.name in STRINGS and element.name not in STRINGS and element.kind is not TypeKind.ENUM


def _from_text(want: TypeRef, seen: Profile | None) -> tuple[Way, float, str]:
    shape = "digits" if want.name in INTEGERS else "number" if want.name in NUMBERS else _READS.get(want.name, "")
    if seen is None or not seen.present:
        return "plain", 0.5, f"text into {want.display}, and no value was seen"
    if not shape:
        return "plain", 0.6, f"text into {want.display}"
    share = seen.share(shape)
    if want.name == "date":
        share = max(share, seen.share("compact"))
    return "plain", 0.3 + 0.5 * share, f"{share:.0%} of the texts read as {want.display}"


def judge(
    source: Column,
    target: Column,
    own: frozenset[str] = frozenset(),
    *,
    seen: Profile | None = None,
    labels: tuple[str, ...] = (),
    keys: tuple[bool, bool] = (False, False),
    rest: str = "",
    alone: bool = False,
) -> Candidate | None:
    """A pair of columns; `own` are words of the tables' names, `keys` whether each alone is its table's key.

    `rest` says what else their constraints have in common; `alone` that the target's values are unique. None where
    nothing speaks for it.
    """
    name = compare(source.name, target.name, own)
    turned = False
    if of_one_kind(source, target):
        name, turned = _sense(source, target, name)
    told = all(keys) or rest or (seen and seen.shares and _asked(target)) or source.type.storage.kind is TypeKind.ARRAY
    if not name.score and (not told or opposed(words(source.name), words(target.name))):
        return None
    way, types, said = typing(source, target, seen, labels)
    if turned and way == "plain":
        way = "flag"
    if way == "first":
        name = max(name, _chosen(source, target), key=lambda n: n.score)
    reasons = [f"name {name.score:.2f}: {name.reason}", f"type {types:.2f}: {said}"]
    score = name.score * (0.35 + 0.65 * types) if types else 0.0
    shape = _shape(source, target, seen) if types else ""
    if shape and score < WORTH:
        score = max(score, 0.6)
        reasons.append(f"values 0.60: {shape}")
    if all(keys) and types >= 0.8 and score < 0.6 + 0.02 * types:
        score = max(score, 0.6 + 0.02 * types if _bare_keys(source, target, own) else 0.5)
        reasons.append(f"constraint {score:.2f}: each is its table's whole key")
    guess = bool(rest) and types >= 0.8 and score < _GUESS
    if guess:
        score = _GUESS
        reasons.append(f"constraint {_GUESS:.2f}: {rest}")
    if alone and _repeats(seen):
        score *= 0.5
        reasons.append(f"constraint: {target.name} is unique by itself, and values of {source.name} repeat")
    if not score:
        return None
    return Candidate(
        source=source, target=target, score=round(score, 4), name=name, way=way, types=types, reasons=tuple(reasons),
        turned=turned, seen=seen, guess=guess,
    )


def _bare_keys(source: Column, target: Column, own: frozenset[str]) -> bool:
    """Whether both names say no more than that they are keys of their tables."""
    return all(set(words(column.name)) <= _KEYISH | own for column in (source, target))


def _repeats(seen: Profile | None) -> bool:
    """Whether a value was seen twice."""
    return seen is not None and seen.distinct is not None and seen.present > 1 and seen.distinct < seen.present


def _sense(source: Column, target: Column, name: Likeness) -> tuple[Likeness, bool]:
    """How alike two flags' names are, and whether they say the opposite (`disabled`, `is_active`)."""
    (here, turns), (there, turns_there) = flipped(words(source.name)), flipped(words(target.name))
    if turns == turns_there:
        return name, False
    found = match(here, there)
    if found.score < WORTH or found.weak:
        return name, False
    return Likeness(score=min(found.score, 0.9), reason=f"{found.reason}, the opposite sense"), True


def _chosen(source: Column, target: Column) -> Likeness:
    """`main_subject` names one of `subjects`."""
    return match(words(source.name), tuple(w for w in words(target.name) if w not in SPARE))


def _asked(target: Column) -> list[str]:
    """What the target's name asks the values to be."""
    return [word for word in words(target.name)[-1:] if word in _SHAPES]


def _shape(source: Column, target: Column, seen: Profile | None) -> str:
    """What the values are, where the target's name asks for just that."""
    if seen is None or not seen.shares or source.type.storage.name not in STRINGS:
        return ""
    for word in _asked(target):
        share = seen.share(_SHAPES[word])
        if share >= 0.6 and not (seen.share("digits") == share == 1.0 and word != "phone"):
            return f"{share:.0%} of the values look like a {word}"
    return ""


def matrix(
    source: Table, target: Table, profiles: Mapping[str, Profile], labels: Mapping[str, tuple[str, ...]]
) -> dict[tuple[str, str], Candidate]:
    """Every pair of columns that something speaks for, by (source, target)."""
    own = frozenset(words(source.name.relation)) | frozenset(words(target.name.relation))
    key_here, key_there = source.row_identity, target.row_identity
    single = {k[0] for k in target.unique_keys if len(k) == 1}
    together = len(key_here) == len(key_there) > 1
    other_here, other_there = _only_other_key(source), _only_other_key(target)
    found = {}
    both = set(source.column_names) & set(target.column_names)
    wide = len(source.columns) * len(target.columns) > _WIDE
    for s in source.columns:
        for t in target.columns:
            if wide and s.name != t.name and (s.name in both or t.name in both):
                continue
            rest = ""
            if together and s.name in key_here and t.name in key_there:
                rest = "both belong to their table's key"
            elif s.name == other_here and t.name == other_there:
                rest = "each is its table's only other key"
            made = judge(
                s, t, own, seen=profiles.get(s.name), labels=labels.get(t.name, ()), rest=rest, alone=t.name in single,
                keys=(key_here == (s.name,), key_there == (t.name,)),
            )
            if made is not None:
                found[s.name, t.name] = made
    return found


def _only_other_key(table: Table) -> str:
    """The one column that is unique by itself beside the row's identity; empty where there are several or none."""
    found = {k[0] for k in table.unique_keys if len(k) == 1} - set(table.row_identity)
    return found.pop() if len(found) == 1 else ""
