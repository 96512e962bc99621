"""The target with the keys and indexes that its new tables get once their rows are there. Pure.

Until they stand no catalog shows them, and yet rows are judged by them, a merge goes by them, and the form of the
target is what it will be: whoever looks at a target between its first row and its last key sees them through this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from crosswalk.ddl import KEYS
from crosswalk.names import Name
from crosswalk.schema import Schema, Table


class _Named(Protocol):
    @property
    def name(self) -> str: ...


V = TypeVar("V", bound=_Named)


def with_keys_to_come(target: Schema, source: Schema, coming: Collection[tuple[Name, str]]) -> Schema:
    """`coming` names (table, key or index) that a plan has yet to make as they are in the source."""
    names: defaultdict[Name, set[str]] = defaultdict(set)
    for table, name in coming:
        names[table].add(name)
    tables = {
        name: _keyed(target.tables[name], source.tables[name], of)
        for name, of in names.items()
        if name in target.tables and name in source.tables
    }
    return replace(target, tables={**target.tables, **tables})


def _keyed(table: Table, model: Table, names: Collection[str]) -> Table:
    """In the model's order. An index whose constraint is still to come is taken for the constraint's."""
    keys = [c for c in model.constraints if c.name in names and c.kind in KEYS]
    stand = {c.name for c in table.constraints}
    late = {c.name for c in keys} - stand
    found = {index.name for index in table.indexes}
    new = [i for i in model.indexes if i.name in names and (i.name not in found or i.constraint in late)]
    replaced = {index.name for index in new}
    return replace(
        table,
        constraints=_in_order([*table.constraints, *(c for c in keys if c.name in late)], model.constraints),
        indexes=_in_order([*(i for i in table.indexes if i.name not in replaced), *new], model.indexes),
    )


def _in_order(found: Iterable[V], model: Iterable[_Named]) -> tuple[V, ...]:
    place = {each.name: number for number, each in enumerate(model)}
    return tuple(sorted(found, key=lambda each: place.get(each.name, len(place))))
