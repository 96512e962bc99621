"""What a person has decided in a document already, and what of it is still open.

A rule is a person's where its status is accepted or where it says why; proposed rules without a reason
are open. Tables that are preserved or ignored are closed. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from crosswalk.mapping import Document, Rule, TableMapping
from crosswalk.mapping.words import words
from crosswalk.match.proposal import TableDraft
from crosswalk.match.tables import Pair, paired
from crosswalk.names import Name
from crosswalk.schema import Schema, Table


def is_decided(rule: Rule) -> bool:
    """Whether a person stands behind a rule."""
    return rule.status == "accepted" or bool(rule.why)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A document's decisions; none where there is no document."""

    document: Document | None = None

    @cached_property
    def sources(self) -> dict[Name, Name]:
        """Source by mapped target table."""
        return {name: t.source for name, t in self.document.by_target.items()} if self.document else {}

    @cached_property
    def closed_targets(self) -> frozenset[Name]:
        """Target tables that are preserved or ignored."""
        return frozenset((*self.document.preserved, *self.document.ignored_targets)) if self.document else frozenset()

    @cached_property
    def closed_sources(self) -> frozenset[Name]:
        return frozenset(self.document.ignored_sources) if self.document else frozenset()

    @cached_property
    def lists(self) -> frozenset[Name]:
        """Target tables of one row for each element of a list, as a draft proposed them and nobody decided."""
        tables = self.document.by_target if self.document else {}
        return frozenset(
            name for name, table in tables.items()
            if any(rule.kind == "unnest" for rule in table.columns.values())
            and not any(map(is_decided, table.columns.values()))
        )

    def pairs(self, source: Schema, target: Schema) -> dict[Name, tuple[Table, Table]]:
        """The tables of both sides that belong together: as decided, and as they are found among the rest."""
        decided = {
            t: (source.tables[s], target.tables[t])
            for t, s in self.sources.items()
            if s in source.tables and t in target.tables
        }
        lists = self.lists
        decided = {t: each for t, each in decided.items() if t not in lists}
        used = {s.name for s, _ in decided.values()} | self.closed_sources
        here = _without(source, frozenset(used))
        there = _without(target, frozenset(decided) | self.closed_targets | lists)
        found = {t: (source.tables[s], target.tables[t]) for t, s in paired(here, there).items()}
        return decided | found

    def begin(self, pair: Pair) -> TableDraft:
        """The draft of a table, with what was decided about it."""
        mapping = self.document.by_target.get(pair.target.name) if self.document else None
        if mapping is None:
            return TableDraft(pair=pair, sure=pair.sure)
        rules = {name: rule for name, rule in mapping.columns.items() if is_decided(rule)}
        settled = bool(rules or mapping.drop)
        reads = {name: tuple(rule.reads()) for name, rule in rules.items()}
        return TableDraft(
            pair=pair, sure=settled or pair.sure, decided=reads, taken=_taken(mapping, rules, pair.source),
            settled=settled, key=mapping.key, answered=_answered(mapping),
        )


def _answered(mapping: TableMapping) -> frozenset[str]:
    """Codes of questions about the table that its policies answer."""
    found = {"duplicates"} if mapping.on_duplicate != "fail" else set()
    found |= {"table.occupied"} if mapping.existing != "refuse" else set()
    return frozenset(found | ({"key"} if mapping.key else set()))


def _taken(mapping: TableMapping, rules: dict[str, Rule], source: Table) -> frozenset[str]:
    reads = {column for rule in rules.values() for column in rule.reads()}
    mentioned = {word for rule in rules.values() for text in rule.expressions() for word in words(text)}
    return frozenset(reads | (mentioned & set(source.column_names)) | set(mapping.drop))


def _without(schema: Schema, names: frozenset[Name]) -> Schema:
    return replace(schema, tables={name: t for name, t in schema.tables.items() if name not in names})
