"""Where one column becomes two, two become one, or a list becomes rows: each with evidence in the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from crosswalk.match.affinity import Candidate, typing
from crosswalk.match.looking import Looker
from crosswalk.match.naming import match, words
from crosswalk.match.proposal import Proposal, Question
from crosswalk.match.tables import Pair, fillable
from crosswalk.match.vocabulary import COPY, SPARE
from crosswalk.names import Name, quote
from crosswalk.pg_types import INTEGERS, STRINGS
from crosswalk.schema import Column, Table, TypeKind

_EQUAL: Final = 0.95
_VARIED: Final = 5
"""Different values from which on two columns are not equal by chance; ids are never equal by chance."""
_SEPARATED: Final = 0.5
_PEOPLE: Final = frozenset(["name", "fullname", "author", "person", "contact", "owner", "fio", "holder"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Two columns of one table that say the same."""

    columns: tuple[str, str]
    """In the table's order."""
    both: int
    """Rows in which both are present."""
    same: int
    """Of these, rows in which they are equal."""


async def repeated(pair: Pair, look: Looker) -> dict[str, Repeated]:
    """By source column that feeds something: itself and the column that repeats it."""
    chosen = {c.source.name: c for c in pair.chosen.values()}
    tries = [
        (a, b)
        for a, b in combinations(pair.source.columns, 2)
        if _repeats(a, b) and len({a.name, b.name} & set(chosen)) == 1 and {a.name, b.name} <= set(pair.profiles)
    ]
    sql = [(f"s.{quote(a.name)}", f"s.{quote(b.name)}") for a, b in tries]
    found: dict[str, Repeated] = {}
    for (a, b), (both, same) in zip(tries, await look.equal(pair.source, sql), strict=True):
        fed = a.name if a.name in chosen else b.name
        if not _ids(a, b) and (pair.profiles[fed].distinct or 0) < _VARIED:
            continue
        if both and same >= _EQUAL * both and fed not in found and chosen[fed].way == "plain":
            found[fed] = Repeated(columns=(a.name, b.name), both=both, same=same)
    return found


def _repeats(a: Column, b: Column) -> bool:
    """Whether the names allow that one repeats the other."""
    if a.type.storage.name != b.type.storage.name and not {a.type.storage.name, b.type.storage.name} <= {*INTEGERS}:
        return False
    bare = [tuple(w for w in words(c.name) if w not in COPY) for c in (a, b)]
    if bare[0] and bare[0] == bare[1]:
        return True
    return _ids(a, b)


def _ids(a: Column, b: Column) -> bool:
    return all(words(c.name)[-1:] == ("id",) and c.type.storage.name in INTEGERS for c in (a, b))


def split(pair: Pair, free: Mapping[str, Column]) -> dict[str, Proposal]:
    """First and last name from one text, where the values have two parts; `free` are source columns in no use."""
    open_ones = [c for c in fillable(pair.target) if c.type.storage.name in STRINGS]
    first = next((c for c in open_ones if _part(c, "forename")), None)
    last = next((c for c in open_ones if _part(c, "surname")), None)
    texts = [c for c in free.values() if c.type.storage.name in STRINGS and set(words(c.name)) & _PEOPLE]
    if not first or not last or any(_has_its_own(pair, part, texts) for part in (first, last)):
        return {}
    for column in texts:
        seen = pair.profiles.get(column.name)
        if seen is None:
            continue
        for pattern, by, order in (("comma", ", ", (2, 1)), ("words", " ", (1, 2))):
            if seen.share(pattern) >= _SEPARATED:
                return {
                    part.name: _split(pair, column, by, take, seen.share(pattern), part)
                    for part, take in zip((first, last), order, strict=True)
                }
    return {}


def _has_its_own(pair: Pair, part: Column, texts: list[Column]) -> bool:
    """Whether a column of the source is that part already."""
    found = pair.chosen.get(part.name)
    return found is not None and found.source.name not in {c.name for c in texts}


def _part(column: Column, word: str) -> bool:
    return word in words(column.name)


def _split(pair: Pair, column: Column, by: str, take: int, share: float, part: Column) -> Proposal:
    kind = "comma" if by == ", " else "blank"
    said = f"{share:.0%} of the values of {column.name} have two parts with a {kind} between them"
    question = Question(
        code="split", place=f"{pair.target.name}.{part.name}", rank=3,
        text=f"is part {take} of {column.name} the {part.name}, and what of values that have another number of parts?",
    )
    return Proposal(
        rule={"split": column.name, "by": by, "take": take}, confidence=0.75, evidence=(said,), questions=(question,),
        reads=(column.name,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """A target table that holds one row for each element of a list."""

    parent: Pair
    reference: Column
    """Its column that refers to the parent."""
    take: str
    """The parent's column that is referred to."""
    column: Column
    """Where an element goes."""
    items: Column
    """The list, a column of the parent's source."""


def unnested(target: Table, pairs: Mapping[Name, Pair]) -> Elements | None:
    """What a target table holds, where that are the elements of a list of a table that it refers to."""
    columns = [c for c in fillable(target) if not (c.identity or (c.default or "").startswith("nextval("))]
    for key in target.foreign_keys:
        parent = pairs.get(key.references) if key.references else None
        reference = target.column(key.columns[0])
        rest = [c for c in columns if c.name not in key.columns and c.not_null]
        if parent is None or reference is None or len(key.columns) != 1 or len(rest) != 1:
            continue
        for column in parent.source.columns:
            if column.type.storage.kind is TypeKind.ARRAY and _elements(column, rest[0]):
                return Elements(
                    parent=parent, reference=reference, take=key.referenced_columns[0], column=rest[0], items=column
                )
    return None


def _elements(column: Column, target: Column) -> bool:
    way, _, _ = typing(column, target, None, ())
    bare = tuple(w for w in words(target.name) if w not in SPARE)
    return way == "first" and match(words(column.name), bare).score >= 0.9




def as_candidate(found: Candidate) -> str:
    """`column (0.45)`, for a question."""
    return f"{found.source.name} ({found.score:.2f})"
