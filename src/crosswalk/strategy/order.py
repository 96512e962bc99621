"""The order in which tables are filled: whatever is referred to comes first.

"a before b" is declared for each foreign key and each lookup and sorted, not written down. Foreign
keys inside a circle (a table that refers to itself is one) cannot be met row by row; they are named,
to be dropped for the load and added again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crosswalk.express import Facts
from crosswalk.mapping import Lookup
from crosswalk.names import Name, parse
from crosswalk.schema import Constraint


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Target tables in the order of filling, and the foreign keys that stand in the way."""

    tables: tuple[Name, ...]
    circular: tuple[tuple[Name, Constraint], ...]
    """Foreign keys whose two ends lie in one circle."""


def needs(facts: Facts, *, hard: bool = False) -> dict[Name, set[Name]]:
    """By target table: the mapped tables that must be filled before it; `hard`: for a column that is NOT NULL."""
    mapped = set(facts.document.by_target)
    found: dict[Name, set[Name]] = {name: set() for name in facts.document.by_target}
    for name, mapping in facts.document.by_target.items():
        table = facts.target.tables.get(name)
        required = {c.name for c in table.columns if c.not_null} if table else set()
        for key in table.foreign_keys if table else ():
            if key.references in mapped and key.references is not None and (not hard or set(key.columns) <= required):
                found[name].add(key.references)
        for column, rule in mapping.columns.items():
            if isinstance(rule, Lookup) and (not hard or column in required):
                meant = rule.lookup.target
                found[name].update([parse(meant)] if meant else facts.document.targets_of(parse(rule.lookup.table)))
    return found


def _circles(needs: Mapping[Name, set[Name]], names: Iterable[Name]) -> list[list[Name]]:
    """Strongly connected components, needed ones first (Tarjan; a chain may be longer than Python's stack)."""
    index: dict[Name, int] = {}
    low: dict[Name, int] = {}
    stack: dict[Name, None] = {}
    found: list[list[Name]] = []
    for first in names:
        path = [] if first in index else [_entered(first, needs, index, low, stack)]
        while path:
            name, others = path[-1]
            other = next(others, None)
            if other is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == index[name]:
                    found.append(_closed(name, stack))
            elif other not in index:
                path.append(_entered(other, needs, index, low, stack))
            elif other in stack:
                low[name] = min(low[name], index[other])
    return found


def _entered(
    name: Name, needs: Mapping[Name, set[Name]], index: dict[Name, int], low: dict[Name, int], stack: dict[Name, None]
) -> tuple[Name, Iterator[Name]]:
    """A table that is come upon for the first time, and what is still to be looked at from there."""
    index[name] = low[name] = len(index)
    stack[name] = None
    return name, iter(sorted(needs[name]))


def _closed(name: Name, stack: dict[Name, None]) -> list[Name]:
    """The circle that was entered by `name`, off the stack."""
    circle: list[Name] = []
    while not circle or circle[-1] != name:
        circle.append(stack.popitem()[0])
    return sorted(circle)


def _unrolled(circle: list[Name], hard: Mapping[Name, set[Name]]) -> list[Name]:
    """A circle in an order that meets what cannot be left empty at first, as far as there is one."""
    members = set(circle)
    inside = {name: hard[name] & members - {name} for name in circle}
    return [name for part in _circles(inside, circle) for name in part]


def fill_order(facts: Facts) -> Ordered:
    """The order for the document's tables; stable for equal documents."""
    wanted = needs(facts)
    circles = _circles(wanted, sorted(wanted))
    hard = needs(facts, hard=True)
    circles = [_unrolled(circle, hard) for circle in circles]
    home = {name: number for number, circle in enumerate(circles) for name in circle}
    circular = [
        (name, key)
        for circle in circles
        for name in circle
        if name in facts.target.tables
        for key in facts.target.tables[name].foreign_keys
        if key.references is not None and home.get(key.references) == home[name] and not key.inherited
    ]
    return Ordered(tables=tuple(name for circle in circles for name in circle), circular=tuple(circular))
