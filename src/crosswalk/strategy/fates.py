"""What becomes of each column of the mapped source tables: kept, folded, or dropped with a reason.

A column is looked at once for its table, whatever number of target tables that table feeds: it is lost only
where none of them takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from crosswalk.mapping import Document, Fold, TableMapping
from crosswalk.mapping.words import words
from crosswalk.names import Name
from crosswalk.schema import Schema

Fate = Literal["kept", "folded", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A source column that no target table takes."""

    source: Name
    column: str
    target: str
    """The first table of the document that says so, as it is written there."""
    why: str
    final: bool
    """Not even hybrid or recreate carries it over; where several drops speak of it, one such word is enough."""
    secret: bool


def sources(document: Document) -> Mapping[Name, tuple[TableMapping, ...]]:
    """The mapped source tables in the order of the document, each with the mappings that it feeds."""
    found: dict[Name, tuple[TableMapping, ...]] = {}
    for mapping in document.tables.values():
        found[mapping.source] = (*found.get(mapping.source, ()), mapping)
    return found


def fates(document: Document, source: Schema) -> Mapping[Name, Mapping[str, Fate]]:
    """By mapped source table: what becomes of each of its columns."""
    return {
        name: _fates(source.tables[name].column_names, mappings)
        for name, mappings in sources(document).items()
        if name in source.tables
    }


def dropped(document: Document, source: Schema) -> tuple[Dropped, ...]:
    """Every column that is lost, in the order of the source tables and their columns."""
    return tuple(
        _dropped(document, name, column)
        for name, columns in fates(document, source).items()
        for column, fate in columns.items()
        if fate == "dropped"
    )


def _fates(columns: tuple[str, ...], mappings: tuple[TableMapping, ...]) -> dict[str, Fate]:
    taken = {column for mapping in mappings for column in _taken(mapping)}
    rules = (rule for mapping in mappings for rule in mapping.columns.values())
    folded = {column for rule in rules if isinstance(rule, Fold) for column in rule.fold}
    return {c: "kept" if c in taken else "folded" if c in folded else "dropped" for c in columns}


def _taken(mapping: TableMapping) -> set[str]:
    """Columns that feed a column: named by a rule, or mentioned in its SQL; what is dropped all the same is not."""
    rules = [rule for rule in mapping.columns.values() if not isinstance(rule, Fold)]
    named = {column for rule in rules for column in rule.reads()}
    mentioned = {word for rule in rules for text in rule.expressions() for word in words(text)}
    return (named | mentioned) - set(mapping.drop)


def _dropped(document: Document, source: Name, column: str) -> Dropped:
    said = [*_said(document, source, column)]
    target, why = said[0][:2] if said else ("", "")
    return Dropped(
        source=source,
        column=column,
        target=target,
        why=why,
        final=any(final for _, _, final, _ in said),
        secret=any(secret for _, _, _, secret in said),
    )


def _said(document: Document, source: Name, column: str) -> Iterator[tuple[str, str, bool, bool]]:
    for target, mapping in document.tables.items():
        drop = mapping.drop.get(column)
        if mapping.source == source and drop is not None:
            yield target, drop.why, drop.final, drop.secret
