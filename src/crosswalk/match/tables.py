"""Which source table goes into which target table: blocked by words, scored by names and columns, assigned.

A pair is cheap to find (an index of the words that tables are made of) and dear to score (every column
against every column), so that only the likeliest few sources of each target are scored. A shared name
alone is weak: a pair is *sure* only where the columns agree as well. Pure.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from crosswalk.match.affinity import WORTH, Candidate, matrix
from crosswalk.match.assign import assign
from crosswalk.match.labels import column_labels
from crosswalk.match.naming import match, words
from crosswalk.match.profile import Profile
from crosswalk.match.vocabulary import GENERIC, LIGHT
from crosswalk.names import Name
from crosswalk.schema import Column, Schema, Table

SHORTLIST: Final = 6
"""Sources of one target that are scored column by column."""
PAIRED: Final = 0.3
"""From this score on two tables are taken for a pair."""
_SURE_NAME, _SURE_OVERLAP, _FAIR_OVERLAP = 0.8, 0.5, 0.35
_MANY: Final = 3.0
"""Columns in common, by what they tell: enough where one side has many more of its own."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A source table and a target table, and how their columns compare."""

    source: Table
    target: Table
    name: float
    """How alike the names are."""
    overlap: float
    """How much of their columns they share, common ones counted little."""
    shared: float = 0.0
    """How many columns they share, common ones counted little."""
    candidates: Mapping[tuple[str, str], Candidate] = field(repr=False)
    profiles: Mapping[str, Profile] = field(default_factory=dict, repr=False)

    @property
    def score(self) -> float:
        return max(0.5 * self.name + 0.5 * self.overlap, 0.75 * self.overlap)

    @property
    def sure(self) -> bool:
        """True where name and columns agree: rules of other pairs are never accepted by themselves."""
        if self.name >= _SURE_NAME:
            return self.overlap >= _SURE_OVERLAP or (self.overlap >= _FAIR_OVERLAP and self.shared >= _MANY)
        return self.name >= 0.5 and self.overlap >= 0.75

    @cached_property
    def chosen(self) -> dict[str, Candidate]:
        """The best one-to-one assignment, by target column."""
        scores = {pair: c.score for pair, c in self.candidates.items()}
        found: dict[str, str] = assign(scores, least=WORTH)
        return {target: self.candidates[source, target] for target, source in found.items()}

    def of_target(self, column: str) -> list[Candidate]:
        """Candidates of a target column, the best first."""
        found = [c for (_, t), c in self.candidates.items() if t == column]
        return sorted(found, key=lambda c: (-c.score, c.source.name))

    def of_source(self, column: str) -> list[Candidate]:
        """Candidates of a source column, the best first."""
        found = [c for (s, _), c in self.candidates.items() if s == column]
        return sorted(found, key=lambda c: (-c.score, c.target.name))


def fillable(table: Table) -> tuple[Column, ...]:
    """Columns that may be given a value."""
    return tuple(c for c in table.columns if not c.generated)


def pair(
    source: Table, target: Table, commons: Mapping[str, float], schema: Schema,
    profiles: Mapping[str, Profile] | None = None,
) -> Pair:
    """The two tables compared; with profiles the values speak as well."""
    labels = {c.name: column_labels(target, c, schema) for c in target.columns}
    found = matrix(source, target, profiles or {}, labels)
    strong = {p: c.score for p, c in found.items() if c.score >= WORTH and c.name.score >= 0.5 and not c.name.weak}
    taken: dict[str, str] = assign(strong, least=WORTH)
    score = {t: strong[s, t] for t, s in taken.items()}
    of_target = _covered(fillable(target), score, commons)
    of_source = _covered(source.columns, {s: score[t] for t, s in taken.items()}, commons)
    overlap = 0.7 * max(of_target, of_source) + 0.3 * min(of_target, of_source)
    shared = sum(_weight(c, commons) * score.get(c.name, 0.0) for c in target.columns)
    name = _named(source.name, target.name)
    return Pair(
        source=source, target=target, name=name, overlap=overlap, shared=shared, candidates=found, profiles=profiles or {}
    )


def _named(source: Name, target: Name) -> float:
    """How alike two tables' names are; a schema may stand as a prefix on the other side (`a.orders`, `a_orders`)."""
    bare = words(source.relation), words(target.relation)
    full = words(source.schema) + bare[0], words(target.schema) + bare[1]
    if full[0] == full[1] or bare == full:
        return 1.0
    crossed = (match(full[0], full[1]), match(bare[0], full[1]), match(full[0], bare[1]))
    # Of equal names in several schemas the one in the schema of the same name is meant.
    return max(match(*bare).score * 0.98, *(found.score for found in crossed))


def _covered(columns: Sequence[Column], score: Mapping[str, float], commons: Mapping[str, float]) -> float:
    whole = sum(_weight(c, commons) for c in columns)
    return sum(_weight(c, commons) * score.get(c.name, 0.0) for c in columns) / whole if whole else 0.0


def _weight(column: Column, commons: Mapping[str, float]) -> float:
    """What a column tells of its table: little where most tables have it."""
    own = set(words(column.name))
    base = 0.1 if own <= LIGHT | {"id"} else 0.5 if own <= GENERIC else 1.0
    return base * (1 - min(0.9, commons.get(column.name, 0.0)))


def common_columns(schemas: Sequence[Schema]) -> dict[str, float]:
    """By column name the share of tables that have it, where several do."""
    count = Counter(c.name for schema in schemas for t in schema.roots for c in t.columns)
    tables = sum(len(schema.roots) for schema in schemas)
    return {name: n / tables for name, n in count.items() if n > 2}


def shortlists(source: Schema, target: Schema) -> dict[Name, list[Table]]:
    """For each target table the likeliest sources, by the words that both are made of."""
    bags = {t.name: _bag(t) for t in (*source.roots,)}
    index: dict[str, list[Name]] = defaultdict(list)
    for name, bag in bags.items():
        for word in bag:
            index[word].append(name)
    every = len(bags)
    norms = {name: math.sqrt(sum((n * _rarity(w, index, every)) ** 2 for w, n in bag.items())) for name, bag in bags.items()}
    found = {}
    for table in target.roots:
        scores: dict[Name, float] = defaultdict(float)
        for word, n in _bag(table).items():
            worth = n * _rarity(word, index, every) ** 2
            for name in index.get(word, ()):
                scores[name] += worth * bags[name][word] / (norms[name] or 1)
        best = sorted(scores, key=lambda name: (-scores[name], name))[:SHORTLIST]
        found[table.name] = [source.tables[name] for name in best]
        if not best and every <= 3 * SHORTLIST:
            found[table.name] = sorted(source.roots, key=lambda t: t.name)
    return found


def _rarity(word: str, index: Mapping[str, Sequence[Name]], every: int) -> float:
    return math.log((1 + every) / (1 + len(index.get(word, ())))) + 0.1


def _bag(table: Table) -> Counter[str]:
    """The words of a table: those of its name count thrice."""
    bag = Counter(w for c in table.columns for w in words(c.name) if w not in LIGHT)
    for word in words(table.name.relation):
        bag[word] += 3
    for word in words(table.name.schema):
        bag[word] += 1
    return bag


def paired(source: Schema, target: Schema) -> dict[Name, Name]:
    """By target table the source that the optimal assignment of tables gives, on names and types alone."""
    commons = common_columns([source, target])
    every = {
        (s.name, name): pair(s, target.tables[name], commons, target).score
        for name, sources in shortlists(source, target).items()
        for s in sources
    }
    return assign(every, least=PAIRED, power=4)
