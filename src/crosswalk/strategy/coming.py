"""The target with what comes once the rows are there: keys and indexes of new tables, foreign keys dropped for the load. Pure.

Until they stand no catalog shows them, and yet rows are judged by them, a merge goes by them, and the form of the
target is what it will be: whoever looks at a target between its first row and its last key sees them through this.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from crosswalk.ddl import KEYS
from crosswalk.names import Name, parse, quote, split
from crosswalk.schema import Constraint, ConstraintKind, Schema, Table

_ID: Final = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)'
_IDS: Final = rf"(?:PERIOD )?{_ID}(?:, (?:PERIOD )?{_ID})*"
_FOREIGN_KEY: Final = re.compile(
    rf"FOREIGN KEY \((?P<columns>{_IDS})\) REFERENCES (?P<parent>{_ID}\.{_ID})\((?P<referenced>{_IDS})\).*?"
    r"(?P<deferrable> DEFERRABLE)?(?P<deferred> INITIALLY DEFERRED)?(?P<loose> NOT VALID)?\Z",
    re.DOTALL,
)
"""As pg_get_constraintdef writes it under an empty search_path."""
_SOME: Final = re.compile(r" ON DELETE SET (?:NULL|DEFAULT) \(")


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


# --- foreign keys that were dropped -------------------------------------------------------------


def with_dropped_keys(target: Schema, dropped: Iterable[tuple[Name, str, str]]) -> Schema:
    """The target with foreign keys (table, name, statement that adds it again) that do not stand for the time of a run."""
    tables = dict(target.tables)
    for name, key, restore in dropped:
        table = tables.get(name)
        if table is not None and key not in {c.name for c in table.constraints}:
            definition = restore.removeprefix(f"ALTER TABLE {name.sql} ADD CONSTRAINT {quote(key)} ")
            found = (*table.constraints, foreign_key_of(key, definition))
            tables[name] = replace(table, constraints=tuple(sorted(found, key=lambda c: c.name.encode())))
    return replace(target, tables=tables)


def foreign_key_of(name: str, definition: str) -> Constraint:
    """The key that the catalog model has for a definition."""
    found = _FOREIGN_KEY.match(definition)
    assert found is not None, definition
    return Constraint(
        name=name,
        kind=ConstraintKind.FOREIGN,
        columns=_identifiers(found["columns"]),
        definition=definition,
        deferrable=found["deferrable"] is not None,
        deferred=found["deferred"] is not None,
        validated=found["loose"] is None,
        references=parse(found["parent"]),
        referenced_columns=_identifiers(found["referenced"]),
        since=18 if "PERIOD " in found["columns"] else 15 if _SOME.search(definition, found.end("referenced")) else 14,
    )


def _identifiers(text: str) -> tuple[str, ...]:
    return tuple(split(each)[0] for each in re.findall(rf"(?:PERIOD )?({_ID})", text))
