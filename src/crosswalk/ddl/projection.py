"""The target as its catalog will read: what was there without what went, and the source's objects at home there.

The values agree with what reading gives as far as structure goes; types that are still to be made
have numbers that no server has, so that they equal no other type. Counts are zero. What goes into the
archive, and what stays and follows it there, keeps the texts and the needs that it had: only the server
can say them again, and nobody fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypedDict, TypeVar

from crosswalk.ddl.archive import Cleared
from crosswalk.ddl.grants import Granted
from crosswalk.ddl.hurdles import new_extensions, new_schemas
from crosswalk.ddl.steps import Key, key_of, relation_key
from crosswalk.ddl.tables import NAMED_NOT_NULL
from crosswalk.ddl.wanted import VIEWS, Wanted, function_thing, relation_thing
from crosswalk.names import Name
from crosswalk.schema import (
    Column,
    Extension,
    Function,
    Namespace,
    Need,
    Schema,
    Sequence,
    Table,
    Thing,
    TypeRef,
)

UNBORN: Final = 1 << 32
"""Added to the number of a type that does not exist yet: beyond all numbers of a server."""
PARTITIONS_HAVE_IDENTITY: Final = 17
ALL: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "OWNER"})
V = TypeVar("V")


def readable(schema: str) -> bool:
    """False for schemas that reading the catalog leaves out."""
    return schema != "crosswalk" and not schema.startswith("crosswalk_archive_")


def numbers(schema: Schema) -> dict[Name, int]:
    """OIDs of the types that a schema's columns and types use."""
    found: dict[Name, int] = {}

    def note(ref: TypeRef) -> None:
        found[Name(ref.schema, ref.name)] = ref.oid
        for inner in (ref.element, ref.base):
            if inner is not None:
                note(inner)

    for table in schema.tables.values():
        for column in table.columns:
            note(column.type)
    for domain in schema.domains.values():
        note(domain.base)
    return found


@dataclass(frozen=True, kw_only=True)
class Home:
    """Values of the source as they stand on the target."""

    target: Schema
    kept: Mapping[Name, int]
    """Types of the target that stay, by name."""

    def type(self, ref: TypeRef) -> TypeRef:
        if ref.builtin:
            return ref
        return replace(
            ref, oid=self.kept.get(Name(ref.schema, ref.name), ref.oid % UNBORN + UNBORN),
            element=self.type(ref.element) if ref.element else None, base=self.type(ref.base) if ref.base else None,
        )

    def column(self, column: Column, position: int, *, partition: bool, granted: Granted | None) -> Column:
        identity = column.identity if not partition or self.target.major >= PARTITIONS_HAVE_IDENTITY else None
        return replace(
            column, position=position, type=self.type(column.type), selectable=True, identity=identity,
            not_null_name=column.not_null_name if self.target.major >= NAMED_NOT_NULL else None,
            acl=granted.acl if granted else (),
        )

    def table(self, table: Table, grants: Mapping[Key, Granted], parents: Mapping[Name, Table]) -> Table:
        columns = _in_order(table, parents)
        made = tuple(
            self.column(c, place, partition=table.partition_of is not None, granted=grants.get((*_columns(table), c.name)))
            for place, c in enumerate(columns, 1)
        )
        identity = self._identities(table, made, parents)
        security = table.row_security
        hides = security.enabled and security.forced and not self.target.superuser
        return replace(
            table, columns=identity, owner=self.target.role, rows=0, rows_exact=False, bytes=0, privileges=ALL,
            acl=grants[relation_key(table.name)].acl, row_security=replace(security, hides=hides), apart=(),
        )

    def _identities(self, table: Table, columns: tuple[Column, ...], tables: Mapping[Name, Table]) -> tuple[Column, ...]:
        """Since 17 a partition has its parent's identity, also where the source's server gave it none."""
        parent = tables.get(table.partition_of) if table.partition_of else None
        while parent is not None and parent.partition_of is not None:
            parent = tables.get(parent.partition_of)
        if parent is None or self.target.major < PARTITIONS_HAVE_IDENTITY:
            return columns
        above = {column.name: column.identity for column in parent.columns}
        return tuple(replace(column, identity=above.get(column.name)) for column in columns)

    def sequence(self, sequence: Sequence, granted: Granted | None) -> Sequence:
        return replace(
            sequence, last_value=None, readable=True, owner=self.target.role, acl=granted.acl if granted else ()
        )


def _columns(table: Table) -> Key:
    return ("column", str(table.name))


def _in_order(table: Table, tables: Mapping[Name, Table]) -> list[Column]:
    """Columns as CREATE TABLE … INHERITS gives them: the parents' first."""
    if not table.inherits:
        return list(table.columns)
    own = {column.name: column for column in table.columns}
    above = [c.name for name in table.inherits if name in tables for c in _in_order(tables[name], tables)]
    names = dict.fromkeys([*(name for name in above if name in own), *own])
    return [own[name] for name in names]


def projected(wanted: Wanted, cleared: Cleared, target: Schema, grants: Mapping[Key, Granted]) -> Schema:
    """The target once everything is made and every foreign key stands."""
    gone = set(cleared.things)
    kept = {name: oid for name, oid in numbers(target).items() if Thing(kind="type", name=name) not in gone}
    home = Home(target=target, kept=kept)
    sources = {table.name: table for table in wanted.relations}
    tables = {name: table for name, table in target.tables.items() if name not in cleared.moved}
    tables |= _archived(cleared, target)
    tables |= {name: home.table(table, grants, sources) for name, table in sources.items()}
    views = {n: text for n, text in target.views.items() if n not in cleared.moved}
    source = wanted.source

    def own(name: Name) -> _Owned:
        granted = grants.get(key_of(Thing(kind="type", name=name)), Granted())
        return _Owned(owner=target.role, acl=granted.acl)

    return replace(
        target,
        tables=_sorted(tables),
        views=_sorted({**views, **{t.name: source.views[t.name] for t in sources.values() if t.kind in VIEWS}}),
        sequences=_sorted(_sequences(wanted, cleared, home, grants)),
        functions=tuple(sorted(_functions(wanted, cleared, target, grants), key=lambda f: (f.name, f.arguments))),
        extensions=tuple(sorted([*target.extensions, *_extensions(wanted, target)], key=lambda e: e.name)),
        namespaces=_namespaces(wanted, cleared, target, grants),
        collations=_merged(
            target.collations, source.collations, wanted, cleared, "collation", lambda c: replace(c, owner=target.role)
        ),
        needs=_needs(wanted, cleared, target),
        enums=_merged(target.enums, source.enums, wanted, cleared, "type", lambda e: replace(e, **own(e.name))),
        domains=_merged(
            target.domains, source.domains, wanted, cleared, "type",
            lambda d: replace(d, base=home.type(d.base), **own(d.name)),
        ),
        composites=_merged(
            target.composites, source.composites, wanted, cleared, "type",
            lambda c: replace(c, attributes=tuple((n, home.type(t)) for n, t in c.attributes), **own(c.name)),
        ),
        ranges=_merged(
            target.ranges, source.ranges, wanted, cleared, "type",
            lambda r: replace(r, subtype=home.type(r.subtype), **own(r.name)),
        ),
    )


def _sorted(found: Mapping[Name, V]) -> dict[Name, V]:
    return dict(sorted(found.items()))


def _merged(
    mine: Mapping[Name, V], theirs: Mapping[Name, V], wanted: Wanted, cleared: Cleared, kind: str,
    change: Callable[[V], V],
) -> dict[Name, V]:
    """The target's things of a kind without archived ones, and the new ones as they stand there."""
    found = {n: each for n, each in mine.items() if Thing(kind=kind, name=n) not in cleared.things}
    new = {thing.name for thing in wanted.things - cleared.reused if thing.kind == kind}
    return _sorted(found | {name: change(each) for name, each in theirs.items() if name in new})


class _Owned(TypedDict):
    owner: str
    acl: tuple[str, ...]


def _sequences(wanted: Wanted, cleared: Cleared, home: Home, grants: Mapping[Key, Granted]) -> dict[Name, Sequence]:
    found: dict[Name, Sequence] = {}
    for name, each in home.target.sequences.items():
        there = cleared.things.get(Thing(kind="sequence", name=name))
        owner = cleared.moved.get(each.owner_table) if each.owner_table else None
        schema = owner.schema if owner else there
        if schema is None:
            found[name] = replace(each, used_by=_users(each, wanted, cleared))
        elif readable(schema):
            away = Name(schema, name.relation)
            found[away] = replace(each, name=away, owner_table=owner)
    for each in (*wanted.sequences, *wanted.identity_sequences.values()):
        key = Thing(kind="sequence", name=each.name)
        if key not in cleared.reused:
            found[each.name] = home.sequence(each, grants.get(key_of(key)))
    return found


def _users(sequence: Sequence, wanted: Wanted, cleared: Cleared) -> tuple[tuple[Name, str], ...]:
    """Columns that draw from a sequence that stays: new ones too, where the source has one of that name that is equal."""
    stay = [(cleared.moved.get(table, table), column) for table, column in sequence.used_by]
    theirs = wanted.source.sequences.get(sequence.name)
    reused = theirs is not None and Thing(kind="sequence", name=sequence.name) in cleared.reused
    new = [(table, column) for table, column in theirs.used_by if table in wanted.names] if theirs and reused else []
    return tuple(sorted([*stay, *new], key=lambda user: user[0]))


def _archived(cleared: Cleared, target: Schema) -> dict[Name, Table]:
    """Archived tables under their new names, where reading would find them."""
    found = {}
    for old, new in cleared.moved.items():
        if readable(new.schema):
            table = target.tables[old]
            found[new] = replace(
                table, name=new,
                partition_of=cleared.moved.get(table.partition_of, table.partition_of) if table.partition_of else None,
                inherits=tuple(cleared.moved.get(parent, parent) for parent in table.inherits),
            )
    return found


def _functions(
    wanted: Wanted, cleared: Cleared, target: Schema, grants: Mapping[Key, Granted]
) -> Iterator[Function]:
    for each in target.functions:
        if function_thing(each) not in cleared.things:
            yield each
    for each in wanted.functions:
        thing = function_thing(each)
        if thing not in cleared.reused:
            yield replace(each, owner=target.role, acl=grants.get(key_of(thing), Granted()).acl)


def _extensions(wanted: Wanted, target: Schema) -> list[Extension]:
    versions = {each.name: each.version for each in wanted.source.extensions}
    return [Extension(name=n, version=versions[n], schema=schema) for n, schema in new_extensions(wanted, target)]


def _namespaces(
    wanted: Wanted, cleared: Cleared, target: Schema, grants: Mapping[Key, Granted]
) -> dict[str, Namespace]:
    made = dict(target.namespaces)
    for name in new_schemas(wanted, cleared, target):
        theirs = wanted.source.namespaces.get(name)
        granted = grants.get(("schema", name), Granted())
        made[name] = Namespace(
            name=name, owner=target.role, acl=granted.acl, comment=theirs.comment if theirs else None
        )
    for name in {*(n.schema for n in cleared.moved.values()), *cleared.things.values()}:
        if readable(name):
            made[name] = Namespace(name=name, owner=target.role)
    return dict(sorted(made.items()))


def _needs(wanted: Wanted, cleared: Cleared, target: Schema) -> tuple[Need, ...]:
    gone = {relation_thing(name) for name in cleared.moved} | set(cleared.things)
    made = (wanted.things | {relation_thing(table.name) for table in wanted.relations}) - cleared.reused
    found = [need for need in target.needs if need.thing not in gone]
    found += [need for need in wanted.source.needs if need.thing in made]
    return tuple(sorted(found, key=lambda n: (n.thing, n.part, n.on)))


