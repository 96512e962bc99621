"""What comes along: the tables asked for, what they need, and what belongs to them and needs nothing else.

Needs are the server's own (pg_depend). What a function names only inside the text of its body is
unknown to the server; functions of the source whose names stand there come along as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from crosswalk.names import Name
from crosswalk.schema import Function, Need, RelationKind, Schema, Sequence, Table, Thing

VIEWS: Final = frozenset({RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW})
_NAME: Final = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')
_CALL: Final = re.compile(rf"(?:(?:{_NAME.pattern})\s*\.\s*)?(?:{_NAME.pattern})\s*\(")
FOREIGN_KEY: Final = "foreign key "


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Everything of the source that the target shall have."""

    source: Schema
    tables: tuple[Table, ...]
    """Tables and partitions, parents first."""
    views: tuple[Table, ...]
    things: frozenset[Thing]
    """Types, functions, sequences, collations, extensions and what else tables and views need."""
    needs: Mapping[Thing, tuple[Need, ...]]
    """What needs what, by the thing that needs; foreign keys left out."""

    @cached_property
    def relations(self) -> tuple[Table, ...]:
        return (*self.tables, *self.views)

    @cached_property
    def names(self) -> frozenset[Name]:
        return frozenset(table.name for table in self.relations)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(f for f in self.source.functions if function_thing(f) in self.things)

    @cached_property
    def sequences(self) -> tuple[Sequence, ...]:
        """All but those of identity columns, which come with their table."""
        return tuple(
            s for s in self.source.sequences.values()
            if Thing(kind="sequence", name=s.name) in self.things and not is_identity(self.source, s)
        )

    @cached_property
    def identity_sequences(self) -> Mapping[tuple[Name, str], Sequence]:
        names = {table.name for table in self.tables}
        return {
            (s.owner_table, s.owner_column): s for s in self.source.sequences.values()
            if s.owner_table in names and s.owner_column is not None and is_identity(self.source, s)
        }

    def of(self, kind: str) -> list[Name]:
        """Names of the wanted things of a kind, in order."""
        return sorted(thing.name for thing in self.things if thing.kind == kind)


def relation_thing(name: Name) -> Thing:
    return Thing(kind="relation", name=name)


def function_thing(function: Function) -> Thing:
    return Thing(kind="function", name=function.name, arguments=function.arguments)


def is_identity(schema: Schema, sequence: Sequence) -> bool:
    """True for the sequence that an identity column brought."""
    table = schema.tables.get(sequence.owner_table) if sequence.owner_table else None
    column = table.column(sequence.owner_column) if table and sequence.owner_column else None
    return column is not None and column.identity is not None


def by_thing(needs: Iterable[Need]) -> dict[Thing, tuple[Need, ...]]:
    """Needs by what needs, without those of foreign keys: they are added when everything stands."""
    found: defaultdict[Thing, list[Need]] = defaultdict(list)
    for need in needs:
        if not need.part.startswith(FOREIGN_KEY):
            found[need.thing].append(need)
    return {thing: tuple(each) for thing, each in found.items()}


class Families:
    """Tables and what stands below them."""

    def __init__(self, schema: Schema) -> None:
        self._tables = schema.tables
        self._children: defaultdict[Name, list[Table]] = defaultdict(list)
        for table in schema.tables.values():
            if table.partition_of is not None:
                self._children[table.partition_of].append(table)

    def of(self, roots: Iterable[Name]) -> tuple[Table, ...]:
        """The tables of those names that there are, each followed by its partitions; parents by inheritance first."""
        found: dict[Name, Table] = {}
        wanted = set(roots) & self._tables.keys()
        for name in sorted(wanted):
            self._visit(self._tables[name], wanted, found)
        return tuple(found.values())

    def _visit(self, table: Table, wanted: Collection[Name], found: dict[Name, Table]) -> None:
        if table.name in found:
            return
        for parent in table.inherits:
            if parent in wanted:
                self._visit(self._tables[parent], wanted, found)
        found[table.name] = table
        for child in self._children[table.name]:
            self._visit(child, wanted, found)


def wanted(source: Schema, roots: Collection[Name], *, but: Collection[Thing] = ()) -> Wanted:
    """What the tables `roots` need and what belongs to them; functions in `but` come only where they are needed."""
    needs = by_thing(source.needs)
    tables = Families(source).of(roots)
    views = _views(source, needs, {table.name for table in tables})
    calls = _Calls(source, needs, {table.name for table in (*tables, *views)}, frozenset(but))
    things = _closure(source, needs, [*tables, *views], calls)
    things |= calls.working_on(things)
    return Wanted(source=source, tables=tables, views=views, things=frozenset(things), needs=needs)


def _views(
    source: Schema, needs: Mapping[Thing, tuple[Need, ...]], tables: set[Name]
) -> tuple[Table, ...]:
    """Views that stand on wanted tables alone, the lower ones first."""
    known: dict[Name, bool] = dict.fromkeys(tables, True)
    found: list[Table] = []

    def stands(name: Name) -> bool:
        if name not in known:
            known[name] = False
            table = source.tables.get(name)
            if table is not None and table.kind in VIEWS and table.extension is None:
                below = [n.on.name for n in needs.get(relation_thing(name), ()) if n.on.kind == "relation"]
                missing = [other for other in below if not stands(other)]
                known[name] = bool(below) and not missing
                if known[name]:
                    found.append(table)
        return known[name]

    for name in source.tables:
        stands(name)
    return tuple(found)


def _closure(
    source: Schema, needs: Mapping[Thing, tuple[Need, ...]], relations: Collection[Table], calls: _Calls
) -> set[Thing]:
    """Everything that the relations need, and what that needs; relations themselves are left out."""
    names = {table.name for table in relations}
    waiting = [relation_thing(name) for name in names]
    waiting += [Thing(kind="sequence", name=s.name) for s in source.sequences.values() if s.owner_table in names]
    waiting += [Thing(kind="collation", name=n) for n in source.collations if n in _collations(source, relations)]
    found: set[Thing] = set(waiting)
    while waiting:
        thing = waiting.pop()
        more = [need.on for need in needs.get(thing, ())]
        if thing.kind == "function":
            more += calls.by(thing)
        for other in more:
            if other not in found:
                found.add(other)
                if other.kind != "relation":
                    waiting.append(other)
    return {thing for thing in found if thing.kind != "relation"}


def _collations(source: Schema, relations: Iterable[Table]) -> set[Name]:
    said = {column.collation for table in relations for column in table.columns if column.collation}
    return {name for name in source.collations if str(name) in said}


def words_of(text: str) -> set[str]:
    """Every name in a text, quoted or not, whatever it names."""
    return {_unquoted(*found) for found in _NAME.findall(text)}


def _unquoted(quoted: str, plain: str) -> str:
    return quoted.replace('""', '"') if quoted else plain


def _calls(text: str) -> set[tuple[str, str]]:
    """(schema or "", name) of everything that is followed by a parenthesis."""
    return {(_unquoted(*found[:2]), _unquoted(*found[2:])) for found in _CALL.findall(text)}


class _Calls:
    """Functions by what the text of their bodies names: the server does not know of it."""

    def __init__(
        self, source: Schema, needs: Mapping[Thing, tuple[Need, ...]], names: Collection[Name], but: frozenset[Thing]
    ) -> None:
        self._functions = {function_thing(f): f for f in source.functions}
        self._needs = needs
        self._names = names
        self._but = but
        self._named: defaultdict[str, list[Thing]] = defaultdict(list)
        for thing in self._functions:
            self._named[thing.name.relation].append(thing)

    def by(self, thing: Thing) -> list[Thing]:
        """Functions that the text of `thing` seems to call, as far as they can be had."""
        function = self._functions.get(thing)
        if function is None:
            return []
        named = [
            other for schema, name in sorted(_calls(function.definition)) for other in self._named.get(name, ())
            if not schema or schema == other.name.schema
        ]
        return [other for other in named if other != thing and self._can_be_had(other)]

    def working_on(self, things: Collection[Thing]) -> set[Thing]:
        """Functions that name a table or view of ours, with those they call, where they need nothing further."""
        short = {name.relation for name in self._names}
        waiting = [
            thing for thing, function in self._functions.items()
            if thing not in things and short & words_of(function.definition)
        ]
        found: set[Thing] = set()
        while waiting:
            thing = waiting.pop()
            below = [need.on for need in self._needs.get(thing, ()) if need.on.kind != "relation"]
            if thing not in found and thing not in things and self._can_be_had(thing) and {*below} <= {*things}:
                found.add(thing)
                waiting += self.by(thing)
        return found

    def _can_be_had(self, thing: Thing) -> bool:
        relations = [need.on.name for need in self._needs.get(thing, ()) if need.on.kind == "relation"]
        return thing not in self._but and all(name in self._names for name in relations)
