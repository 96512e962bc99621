"""Columns that hold one of few words: which words the target allows, and which of the source's they are.

Labels come from an enum type or from a CHECK over one column. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from crosswalk.match.vocabulary import LABELS
from crosswalk.schema import Column, Schema, Table, TypeKind

_ONE_OF: Final = re.compile(r"=\s*ANY\s*\(\s*\(?\s*ARRAY\[(.*?)\]", re.DOTALL)
_EQUALS: Final = re.compile(r"=\s*('(?:[^']|'')*')")
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'")


def column_labels(table: Table, column: Column, schema: Schema) -> tuple[str, ...]:
    """The words that a column may hold; empty where it is free."""
    kind = column.type.storage
    if kind.kind is TypeKind.ARRAY and kind.element is not None:
        return schema.enum_labels(kind.element.storage)
    if kind.kind is TypeKind.ENUM:
        return schema.enum_labels(kind)
    for check in table.checks:
        if set(check.columns) == {column.name} and check.expression:
            found = from_check(check.expression)
            if found:
                return found
    return ()


def from_check(expression: str) -> tuple[str, ...]:
    """The words of `x = ANY (ARRAY['a', 'b'])` or `x = 'a' OR x = 'b'`, as the server writes them."""
    listed = _ONE_OF.search(expression)
    if listed:
        return tuple(text.replace("''", "'") for text in _TEXT.findall(listed.group(1)))
    bare = _EQUALS.findall(expression)
    only = " AND " not in expression and "<" not in expression and ">" not in expression
    return tuple(text[1:-1].replace("''", "'") for text in bare) if bare and only else ()


def _plain(label: str) -> str:
    return re.sub(r"[^\w]+", "", label.casefold()).replace("_", "")


def translate(have: Sequence[str], want: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The source's labels that have a counterpart, and those that have none, in the source's order."""
    found: dict[str, str] = {}
    for label in have:
        same = [w for w in want if w == label] or [w for w in want if _plain(w) == _plain(label)] or _meant(label, want)
        if len(same) == 1:
            found[label] = same[0]
    return found, tuple(label for label in have if label not in found)


def _meant(label: str, want: Sequence[str]) -> list[str]:
    """Labels of the same meaning."""
    groups = [g for g in LABELS if _plain(label) in {_plain(w) for w in g}]
    return [w for w in want if any(_plain(w) in {_plain(x) for x in g} for g in groups)]
