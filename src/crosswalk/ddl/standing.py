"""What of the target stands already, under which names, and whether it is what the source has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from crosswalk.ddl.wanted import function_thing
from crosswalk.names import Name
from crosswalk.schema import Composite, Domain, Enum, Function, Range, Schema, Sequence, Table, Thing

Type = Enum | Domain | Composite | Range


def types(schema: Schema) -> dict[Name, Type]:
    """All free-standing types by name."""
    return {**schema.enums, **schema.domains, **schema.composites, **schema.ranges}


def type_facts(found: Type) -> Any:
    """What makes two types the same: all but owner, grants, comment and OIDs."""
    if isinstance(found, Enum):
        return ("enum", found.labels)
    if isinstance(found, Domain):
        return ("domain", str(found.base), found.not_null, found.default, found.checks, found.collation)
    if isinstance(found, Composite):
        collations = found.collations or (None,) * len(found.attributes)
        return ("composite", tuple((n, str(t), c) for (n, t), c in zip(found.attributes, collations, strict=True)))
    return ("range", str(found.subtype), found.definition)


def sequence_facts(sequence: Sequence) -> Sequence:
    """A sequence without what does not belong to its form."""
    return replace(
        sequence, last_value=None, readable=True, used_by=(), owner="", acl=(), comment=None, owner_table=None,
        owner_column=None,
    )


def signature(function: Function) -> tuple[Name, str]:
    """What tells functions apart in a schema."""
    return function.name, function.signature or function.arguments


class Standing:
    """The target by name."""

    def __init__(self, target: Schema) -> None:
        self.target = target
        self.types = types(target)
        self.functions = {signature(f): f for f in target.functions}
        self._users: defaultdict[Thing, set[Thing]] = defaultdict(set)
        for need in target.needs:
            self._users[need.on].add(need.thing)
        self._owned: defaultdict[Name, list[Sequence]] = defaultdict(list)
        for sequence in target.sequences.values():
            if sequence.owner_table is not None:
                self._owned[sequence.owner_table].append(sequence)

    def users(self, thing: Thing) -> set[Thing]:
        """What needs it directly."""
        return self._users[thing]

    def owners(self) -> dict[Thing, str]:
        """Who owns each function, type, sequence and collation."""
        found = {function_thing(function): function.owner for function in self.target.functions}
        areas = (("type", self.types), ("sequence", self.target.sequences), ("collation", self.target.collations))
        return found | {Thing(kind=kind, name=n): each.owner for kind, area in areas for n, each in area.items()}

    def owned(self, table: Name) -> list[Sequence]:
        """Sequences that go where the table goes."""
        return self._owned[table]

    def held(self, table: Table) -> Iterator[Name]:
        """Names that a relation takes among relations, its own first: indexes and owned sequences go along with it."""
        yield table.name
        for index in table.indexes:
            yield Name(table.name.schema, index.name)
        for sequence in self._owned[table.name]:
            yield sequence.name

    def same_type(self, name: Name, theirs: Type) -> bool:
        found = self.types.get(name)
        return found is not None and type_facts(found) == type_facts(theirs)

    def same_function(self, theirs: Function) -> bool:
        found = self.functions.get(signature(theirs))
        return found is not None and (found.definition, found.kind) == (theirs.definition, theirs.kind)

    def same_sequence(self, theirs: Sequence) -> bool:
        found = self.target.sequences.get(theirs.name)
        return found is not None and sequence_facts(found) == sequence_facts(theirs)

    def occupied(self, moved: Mapping[Name, Name], things: Collection[Thing]) -> dict[Name, str]:
        """Names among relations that stay taken once `moved` relations and `things` have gone, and by what."""
        found: dict[Name, str] = {}
        for table in self.target.tables.values():
            if table.name not in moved:
                found |= dict.fromkeys(self.held(table), f"an index or a sequence of {table.name}")
                found[table.name] = f"the {table.kind.value} {table.name}"
        for name, sequence in self.target.sequences.items():
            gone = Thing(kind="sequence", name=name) in things or sequence.owner_table in moved
            if not gone:
                found.setdefault(name, f"the sequence {name}")
        for name in self.target.composites:
            if Thing(kind="type", name=name) not in things:
                found[name] = f"the type {name}"
        return found

    def type_names(self, moved: Mapping[Name, Name], things: Collection[Thing]) -> dict[Name, str]:
        """Names among types that stay taken: every relation is one."""
        found = {name: f"the type {name}" for name in self.types if Thing(kind="type", name=name) not in things}
        return found | {
            name: f"the {table.kind.value} {name}" for name, table in self.target.tables.items() if name not in moved
        }

    def function(self, theirs: Function) -> Thing | None:
        """The target's function of that signature."""
        found = self.functions.get(signature(theirs))
        return function_thing(found) if found else None
