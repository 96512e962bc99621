"""Giving a target the tables of a source, with everything they need and everything that belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from crosswalk.ddl import finish, tables, typedefs
from crosswalk.ddl.absent import absent_in_bodies
from crosswalk.ddl.archive import Cleared, cleared
from crosswalk.ddl.grants import Granted, Grants
from crosswalk.ddl.hurdles import hurdles, new_extensions, new_schemas
from crosswalk.ddl.keys import Keys, foreign_key, foreign_key_comments, late_constraints, marks, own_foreign_keys
from crosswalk.ddl.made import Made
from crosswalk.ddl.projection import projected
from crosswalk.ddl.standing import Standing, types
from crosswalk.ddl.steps import Key, Step, key_of, ordered, relation_key
from crosswalk.ddl.trimmed import trimmed
from crosswalk.ddl.wanted import VIEWS, Wanted, function_thing, relation_thing
from crosswalk.ddl.wanted import wanted as want
from crosswalk.names import Name, quote
from crosswalk.schema import ConstraintKind, RelationKind, Schema, Table, Thing

_LATE = ("trigger ", "policy ", "rule ", "statistics ", "index ")
"""Parts of a table that come after it; unique indexes wait for what they need in the same phase."""
_OWN_PART = ("default ", "constraint ")


def recreate(
    source: Schema, target: Schema, *, tables: Collection[Name], preserved: Collection[Name], archive: str
) -> Made:
    """Statements that give the target the source's tables `tables` (roots; their partitions come along).

    Target tables that are in the way go into the schema `archive`; `preserved` ones are never touched.
    """
    standing = Standing(target)
    other = [function_thing(f) for f in source.functions if standing.function(f) and not standing.same_function(f)]
    found = want(source, [name for name in tables if _is_table(source, name)], but=other)
    room = cleared(found, standing, preserved=preserved, archive=archive)
    found, left_out = trimmed(found, target, skipped=room.skipped)
    making = Recreating(found, room, target)
    steps, stuck = making.steps()
    blockers = [*room.blockers, *hurdles(found, room, standing)]
    blockers += [f"{name} is no table of the source" for name in sorted(tables) if not _is_table(source, name)]
    blockers += [f"{each.makes[-1]} and what it needs need one another: that cannot be made step by step" for each in stuck]
    keys = own_foreign_keys({table.name: table for table in found.tables})
    return Made(
        statements=tuple(each.statement for each in (*room.steps, *steps)),
        foreign_keys=tuple(foreign_key(table, key) for table, key in keys),
        blockers=tuple(dict.fromkeys(blockers)),
        warnings=tuple(dict.fromkeys([
            *room.warnings, *left_out, *_staying(other, found), *absent_in_bodies(found.functions, source, target),
            *making.absent_roles(),
        ])),
        projected=projected(found, room, target, making.grants),
    )


def _is_table(source: Schema, name: Name) -> bool:
    return name in source.tables and source.tables[name].kind not in VIEWS


def _staying(different: Iterable[Thing], found: Wanted) -> Iterator[str]:
    """Functions that tables do not need, and of which the target has its own."""
    for thing in different:
        if thing not in found.things:
            yield f"the function {thing} of the source is left out: the target has another of that name"


class Recreating:
    """All steps of making what is wanted, once there is room for it."""

    def __init__(self, wanted: Wanted, room: Cleared, target: Schema) -> None:
        self._wanted = wanted
        self._room = room
        self._target = target
        self._new = (wanted.things | {relation_thing(t.name) for t in wanted.relations}) - room.reused
        self._early, self._waiting_for_views = self._phases()
        self.grants = self._granted()

    def steps(self) -> tuple[list[Step], list[Step]]:
        """In order, phase shape before phase complete; and those that wait for one another in a circle."""
        made, stuck = self._sorted(frozenset())
        if stuck:
            split = {each.makes for each in stuck}
            made, stuck = self._sorted(frozenset(t.name for t in self._wanted.tables if relation_key(t.name) in split))
        return made, stuck

    def absent_roles(self) -> list[str]:
        names = sorted({role for granted in self.grants.values() for role in granted.absent})
        return [f"grants to {', '.join(names)} are left out: the target has no such role"] if names else []

    def _sorted(self, split: frozenset[Name]) -> tuple[list[Step], list[Step]]:
        found = [*self._types(), *self._relations(split), *self._finish()]
        shape, stuck = ordered(each for each in found if each.statement.phase == "shape")
        complete, more = ordered(each for each in found if each.statement.phase == "complete")
        return [*shape, *complete], [*stuck, *more]

    def _phases(self) -> tuple[set[Name], set[Thing]]:
        """Views that tables themselves need, and functions that cannot be before other views are."""
        early: set[Thing] = set()
        waiting = [relation_thing(table.name) for table in self._wanted.tables]
        while waiting:
            thing = waiting.pop()
            for need in self._wanted.needs.get(thing, ()):
                if need.on not in early and not need.part.startswith(_LATE):
                    early.add(need.on)
                    waiting.append(need.on)
        late = {relation_thing(v.name) for v in self._wanted.views} - early
        functions: set[Thing] = set()
        users: dict[Thing, set[Thing]] = {}
        for thing in self._new:
            for need in self._wanted.needs.get(thing, ()):
                users.setdefault(need.on, set()).add(need.thing)
        waiting = list(late)
        while waiting:
            for user in users.get(waiting.pop(), ()):
                if user.kind == "function" and user not in functions and user not in early:
                    functions.add(user)
                    waiting.append(user)
        return {thing.name for thing in early if thing.kind == "relation"}, functions

    def _after(self, thing: Thing, *parts: str) -> list[Key]:
        """What must stand before a thing itself (part ""), or before those parts of it that begin so."""
        begins = tuple(part for part in parts if part)
        return [
            key_of(need.on) for need in self._wanted.needs.get(thing, ())
            if (need.part.startswith(begins) if need.part else "" in parts)
        ]

    def _granted(self) -> dict[Key, Granted]:
        """Grants of everything that is made."""
        grants = Grants(self._target)
        found: dict[Key, Granted] = {}
        source = self._wanted.source
        for schema in new_schemas(self._wanted, self._room, self._target):
            if theirs := source.namespaces.get(schema):
                on = f"SCHEMA {quote(schema)}"
                found["schema", schema] = grants.of("n", on, None, acl=theirs.acl, owner=theirs.owner)
        for table in self._wanted.relations:
            found[relation_key(table.name)] = grants.of(
                "r", f"TABLE {table.name.sql}", table.name.schema, acl=table.acl, owner=table.owner
            )
            for column in table.columns:
                if column.acl:
                    found["column", str(table.name), column.name] = grants.of_column(
                        f"TABLE {table.name.sql}", column.name, acl=column.acl, owner=table.owner
                    )
        for sequence in (*self._wanted.sequences, *self._wanted.identity_sequences.values()):
            key = Thing(kind="sequence", name=sequence.name)
            if key in self._new:
                on = f"SEQUENCE {sequence.name.sql}"
                found[key_of(key)] = grants.of("S", on, sequence.name.schema, acl=sequence.acl, owner=sequence.owner)
        for function in self._wanted.functions:
            thing = function_thing(function)
            if thing in self._new:
                on = f"ROUTINE {function.name.sql}({function.arguments})"
                found[key_of(thing)] = grants.of("f", on, function.name.schema, acl=function.acl, owner=function.owner)
        for name, each in types(source).items():
            thing = Thing(kind="type", name=name)
            if thing in self._new:
                found[key_of(thing)] = grants.of("T", f"TYPE {name.sql}", name.schema, acl=each.acl, owner=each.owner)
        return found

    def _grant(self, key: Key) -> Granted:
        return self.grants.get(key, Granted())

    def _types(self) -> Iterator[Step]:
        """Schemas, extensions, types, collations, sequences, functions."""
        source = self._wanted.source
        for name in new_schemas(self._wanted, self._room, self._target):
            yield typedefs.schema(name, source.namespaces.get(name), self._grant(("schema", name)))
        requires = {each.name: each.requires for each in self._target.available}
        for name, where in new_extensions(self._wanted, self._target):
            yield typedefs.extension(name, where, requires.get(name, ()))
        for each in source.collations.values():
            if Thing(kind="collation", name=each.name) in self._new:
                yield typedefs.collation(each)
        for found in types(source).values():
            thing = Thing(kind="type", name=found.name)
            if thing in self._new:
                yield typedefs.free_type(found, self._after(thing, ""), self._grant(key_of(thing)))
        for sequence in self._wanted.sequences:
            thing = Thing(kind="sequence", name=sequence.name)
            if thing in self._new:
                yield typedefs.sequence(sequence, self._grant(key_of(thing)), major=self._target.major)
        for function in self._wanted.functions:
            thing = function_thing(function)
            if thing in self._new:
                yield self._function(typedefs.function(function, self._after(thing, ""), self._grant(key_of(thing))), thing)

    def _function(self, made: Step, thing: Thing) -> Step:
        if thing not in self._waiting_for_views:
            return made
        return replace(made, statement=made.statement.model_copy(update={"phase": "complete"}))

    def _relations(self, split: frozenset[Name]) -> Iterator[Step]:
        """Tables, the sequences' ownership, keys and what must stand before rows."""
        source, wanted = self._wanted.source, self._wanted
        made = {table.name: table for table in wanted.tables}
        making = tables.Making(
            major=self._target.major, tables=source.tables, identities=wanted.identity_sequences, split=split
        )
        unready = {key_of(thing) for thing in self._waiting_for_views}
        keys = Keys(wanted.relations, own_foreign_keys(made), at_once=self._read_at_once, unready=unready)
        for table in made.values():
            thing = relation_thing(table.name)
            parts = [""] if table.name in split else ["", *_OWN_PART]
            yield from tables.table(making, table, self._after(thing, *parts), self._grant(relation_key(table.name)))
            if table.name in split:
                yield from tables.split_parts(table, self._after(thing, *_OWN_PART))
        for sequence in wanted.sequences:
            fresh = Thing(kind="sequence", name=sequence.name) in self._new
            if fresh and sequence.owner_table in made and sequence.owner_column is not None:
                yield typedefs.ownership(sequence, sequence.owner_table, sequence.owner_column)
        for table in made.values():
            thing = relation_thing(table.name)
            late = keys.wait_for_rows(table)
            if late:
                yield from keys.late(table, partial(self._part, thing))
            else:
                after = self._after(thing, "constraint ", "index ")
                yield from keys.constraints(table, after)
                yield from keys.unique_indexes(table, after)
            yield from marks(table, late=late)
        for view in wanted.views:
            yield self._view(view)
            if view.name in self._filled_later:
                yield finish.refresh(view, self._fillings(relation_thing(view.name)))
        for table in wanted.relations:
            if not keys.wait_for_rows(table):
                yield from keys.other_indexes(table, self._after(relation_thing(table.name), "index "))

    @property
    def _read_at_once(self) -> set[Name]:
        """What views that come before the rows read: one that groups by a key needs it to stand."""
        return {
            need.on.name for view in self._wanted.views if view.name in self._early
            for need in self._wanted.needs.get(relation_thing(view.name), ()) if need.on.kind == "relation"
        }

    def _part(self, thing: Thing, part: str) -> list[Key]:
        """What must stand before that part of a thing."""
        return [key_of(need.on) for need in self._wanted.needs.get(thing, ()) if need.part == part]

    def _view(self, view: Table) -> Step:
        thing = relation_thing(view.name)
        query = self._wanted.source.views[view.name]
        needs = [*self._after(thing, "", "default "), *self._fillings(thing), *self._grouped_by(thing)]
        return finish.view(view, query, needs, self._grant(key_of(thing)), early=view.name in self._early)

    def _grouped_by(self, view: Thing) -> Iterator[Key]:
        """Primary keys of what a view reads: it may group by one, and then cannot be without."""
        read = {need.on for need in self._wanted.needs.get(view, ())}
        for table in self._wanted.tables:
            if relation_thing(table.name) in read:
                for each in table.constraints:
                    if each.kind is ConstraintKind.PRIMARY:
                        yield ("constraint", str(table.name), each.name)

    @property
    def _filled_later(self) -> frozenset[Name]:
        """Materialized views that stand before the rows: what they hold comes afterwards."""
        return frozenset(
            view.name for view in self._wanted.views
            if view.name in self._early and view.kind is RelationKind.MATERIALIZED_VIEW and view.populated
        )

    def _fillings(self, thing: Thing) -> list[Key]:
        """The later fillings that a view reads from, through whatever stands between."""
        later = self._filled_later
        found, waiting = {thing}, [thing] if later else []
        while waiting:
            for need in self._wanted.needs.get(waiting.pop(), ()):
                if need.on not in found:
                    found.add(need.on)
                    waiting.append(need.on)
        return [finish.refresh_key(each.name) for each in sorted(found - {thing}) if each.kind == "relation" and each.name in later]

    def _finish(self) -> Iterator[Step]:
        parts = _parts(self._wanted.tables)
        for table in self._wanted.relations:
            thing = relation_thing(table.name)
            yield from late_constraints(table, self._after(thing, "constraint "))
            yield from foreign_key_comments(table)
            yield from finish.statistics(table)
            yield from finish.row_security(table)
            yield from finish.policies(table, self._target.roles, self._after(thing, "policy "))
            yield from finish.rules(table, self._after(thing, "rule "))
            yield from finish.triggers(table, parts.get(table.name, ()), self._after(thing, "trigger "))
            yield from self._table_grants(table)
        for key, granted in self.grants.items():
            if key[0] in {"function", "sequence", "type"}:
                yield from finish.grants([granted], makes=key)

    def _table_grants(self, table: Table) -> Iterator[Step]:
        columns = [self._grant(("column", str(table.name), column.name)) for column in table.columns]
        whole = self._grant(relation_key(table.name))
        yield from finish.grants([whole, *columns], makes=relation_key(table.name), table=table.name)


def _parts(found: Iterable[Table]) -> Mapping[Name, tuple[Table, ...]]:
    """All partitions below each table, at any depth."""
    by_name = {table.name: table for table in found}
    below: dict[Name, tuple[Table, ...]] = {}
    for table in by_name.values():
        parent = table.partition_of
        while parent is not None:
            below[parent] = (*below.get(parent, ()), table)
            parent = by_name[parent].partition_of if parent in by_name else None
    return below
