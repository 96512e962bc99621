"""Which columns of tables a view shows, read from its stored rule. Pure.

PostgreSQL keeps a view's query as a tree of nodes in text; each entry of its target list names the column of the
relation that it comes from. Views over views are followed down to tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Raw = Mapping[str, Any]
Origin = tuple[int, str]
"""A table's oid, and its column."""
Sources = Mapping[int, Mapping[Origin, tuple[str, ...]]]
"""By view: what of a table is shown, and under which names."""
_TOKEN = re.compile(r"\\.|[{}]|:targetList |:resno (\d+)|:resorigtbl (\d+)|:resorigcol (\d+)", re.DOTALL)


def sources(found: Raw) -> Sources:
    """Of every view that is there, by its oid."""
    attributes = {raw["oid"]: raw["attributes"] or {} for raw in found["relations"]}
    entries = {raw["oid"]: list(_entries(raw["rule"])) for raw in found["relations"] if raw["rule"]}
    shown: dict[int, dict[Origin, tuple[str, ...]]] = {}
    for view, targets in entries.items():
        own = shown.setdefault(view, {})
        for number, table, column in targets:
            name = attributes[view].get(str(number))
            for origin in _down(entries, attributes, table, column, frozenset((view,))):
                if name is not None:
                    own[origin] = (*own.get(origin, ()), name)
    return shown


def _down(
    entries: Mapping[int, list[tuple[int, int, int]]],
    attributes: Mapping[int, Raw],
    table: int,
    column: int,
    seen: frozenset[int],
) -> Iterator[Origin]:
    """The table's column below a relation's; nothing for an expression."""
    if table in seen:
        return
    if table in entries:
        for number, below, deeper in entries[table]:
            if number == column:
                yield from _down(entries, attributes, below, deeper, seen | {table})
    elif str(column) in attributes.get(table, {}):
        yield table, attributes[table][str(column)]


def _entries(rule: str) -> Iterator[tuple[int, int, int]]:
    """Of the outermost query's target list: position, relation and column that it comes from (0: an expression)."""
    depth, listed = 0, False
    number = table = column = 0
    for token in _TOKEN.finditer(rule):
        text = token.group()
        if text == "{":
            depth += 1
            number, table, column = (0, 0, 0) if depth == 2 else (number, table, column)
        elif text == "}":
            if depth == 2 and listed and number and table:
                yield number, table, column
            depth -= 1
        elif text == ":targetList " and depth == 1:
            listed = True
        elif depth == 2 and listed:
            number = int(token[1] or number)
            table = int(token[2] or table)
            column = int(token[3] or column)


def primary_of_views(found: Raw, seen: Sources) -> dict[int, tuple[str, ...]]:
    """A view's key: those of the tables whose whole key it shows."""
    keys = {raw["oid"]: raw["primary"] for raw in found["relations"] if raw["primary"]}
    primary: dict[int, tuple[str, ...]] = {}
    for view, shown in seen.items():
        for table, columns in keys.items():
            if all((table, column) in shown for column in columns):
                primary[view] = (*primary.get(view, ()), *(shown[table, column][0] for column in columns))
    return primary
