"""What the document makes of each column of either side, in a few words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crosswalk.mapping import Default, Document, Fold, Lookup, TableMapping, Value
from crosswalk.mapping.words import words
from crosswalk.names import Name, shown
from crosswalk.report.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """By (table, column): where a source column goes, and what feeds a target column."""

    goes: Mapping[tuple[Name, str], str] = field(default_factory=dict)
    fed: Mapping[tuple[Name, str], str] = field(default_factory=dict)


def fates(document: Document, columns: Mapping[Name, tuple[str, ...]]) -> Fates:
    """`columns` are those of the source's tables."""
    goes: dict[tuple[Name, str], list[str]] = {}
    fed: dict[tuple[Name, str], str] = {}
    for target, mapping in document.by_target.items():
        names = columns.get(mapping.source, ())
        for column, reads in _reads(mapping, names).items():
            fed[target, column] = _feeds(mapping, column, reads)
            for name in reads:
                goes.setdefault((mapping.source, name), []).append(_place(mapping, column))
        for name in mapping.drop:
            goes.setdefault((mapping.source, name), []).append("left behind")
    return Fates(goes={key: listed(dict.fromkeys(places), 3) for key, places in goes.items()}, fed=fed)


def _reads(mapping: TableMapping, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Source columns that each rule reads; those of an SQL text by the words in it."""
    found = {}
    for column, rule in mapping.columns.items():
        mentioned = {word for text in rule.expressions() for word in words(text)}
        found[column] = tuple(dict.fromkeys([*rule.reads(), *(n for n in names if n in mentioned)]))
    return found


def _feeds(mapping: TableMapping, column: str, reads: tuple[str, ...]) -> str:
    rule = mapping.columns[column]
    if isinstance(rule, Value):
        return "a constant"
    if isinstance(rule, Default):
        return "the target's default"
    looked = f", by a lookup in {rule.lookup.table}" if isinstance(rule, Lookup) else ""
    return f"fed by {listed(map(shown, reads), 3)}{looked}" if reads else "an expression"


def _place(mapping: TableMapping, column: str) -> str:
    return ("folded into " if isinstance(mapping.columns[column], Fold) else "→ ") + shown(column)
