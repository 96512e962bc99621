"""Giving tables of a target further columns: nullable and without default, so that nothing is rewritten or scanned.

Each statement takes a brief exclusive lock. A domain with a rule of its own would have every row
looked at: the column then gets the type below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from crosswalk.ddl import typedefs
from crosswalk.ddl.archive import Cleared
from crosswalk.ddl.grants import Granted
from crosswalk.ddl.hurdles import collation, hurdles
from crosswalk.ddl.made import Addition, Made
from crosswalk.ddl.making import Recreating
from crosswalk.ddl.projection import Home, numbers, projected
from crosswalk.ddl.standing import Standing, types
from crosswalk.ddl.steps import step
from crosswalk.ddl.wanted import Wanted, by_thing
from crosswalk.names import NAME_BYTES, Name, quote
from crosswalk.plan import Hazard, Statement
from crosswalk.schema import Column, RelationKind, Schema, Table, Thing, TypeKind, TypeRef

MOST_COLUMNS: Final = 1600
_HOLDING: Final = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})


def add_columns(source: Schema, target: Schema, additions: Sequence[Addition]) -> Made:
    """Statements that add each column of `additions`, and make the types that they need."""
    settled = [replace(each, column=_settled(source, each)) for each in additions]
    wanted = _wanted(source, [each.column for each in settled])
    standing = Standing(target)
    room = _room(wanted, standing)
    making = Recreating(wanted, room, target)
    made, stuck = making.steps()
    blockers = [*room.blockers, *hurdles(wanted, room, standing), *_blockers(target, settled), *_rows(source, settled)]
    blockers += [f"{each.makes[-1]} needs itself" for each in stuck]
    return Made(
        statements=(*(each.statement for each in made), *(_statement(each) for each in settled)),
        foreign_keys=(),
        blockers=tuple(dict.fromkeys(blockers)),
        warnings=tuple(dict.fromkeys([*_warnings(additions, settled), *making.absent_roles()])),
        projected=_projected(projected(wanted, room, target, making.grants), target, settled),
    )


def _bare(source: Schema, ref: TypeRef) -> TypeRef:
    """The type below all domains that check something."""
    if ref.kind is not TypeKind.DOMAIN:
        return ref
    name: Name | None = Name(ref.schema, ref.name)
    while name is not None and (found := source.domains.get(name)):
        if found.checks or found.not_null:
            return ref.storage
        name = Name(found.base.schema, found.base.name) if found.base.kind is TypeKind.DOMAIN else None
    return ref


def _settled(source: Schema, addition: Addition) -> Column:
    """The column as it will stand."""
    column = addition.column
    return Column(
        name=addition.name, position=0, type=_bare(source, column.type), not_null=False,
        collation=column.collation, comment=column.comment,
    )


def _used(refs: Iterable[TypeRef]) -> Iterator[Thing]:
    for ref in refs:
        yield Thing(kind="type", name=Name(ref.schema, ref.name))
        yield from _used(inner for inner in (ref.element, ref.base) if inner is not None)


def _wanted(source: Schema, columns: Sequence[Column]) -> Wanted:
    """The free-standing types and collations, and what they need; no tables."""
    needs = by_thing(source.needs)
    known = types(source)
    refs = [column.type for column in columns]
    named = {column.collation for column in columns}
    waiting = [thing for thing in _used(refs) if thing.name in known]
    waiting += [Thing(kind="collation", name=name) for name in source.collations if str(name) in named]
    waiting += [Thing(kind="extension", name=Name("", e)) for e in _extensions(source, refs)]
    found: set[Thing] = set(waiting)
    while waiting:
        for need in needs.get(waiting.pop(), ()):
            if need.on not in found:
                found.add(need.on)
                waiting.append(need.on)
    things = frozenset(thing for thing in found if thing.kind != "relation")
    return Wanted(source=source, tables=(), views=(), things=things, needs=needs)


def _extensions(source: Schema, refs: Iterable[TypeRef]) -> set[str]:
    """Extensions whose types they are, as the source's own columns of these types need them."""
    names = {thing.name for thing in _used(refs)} - types(source).keys()
    names = {name for name in names if name.schema != "pg_catalog"}
    users = {t.name for t in source.tables.values() for c in t.columns if {x.name for x in _used([c.type])} & names}
    return {
        need.on.name.relation for need in source.needs
        if names and need.on.kind == "extension" and need.thing.kind == "relation" and need.thing.name in users
        and not need.part
    }


def _rows(source: Schema, additions: Iterable[Addition]) -> Iterator[str]:
    """A table's own type comes only with the table."""
    for each in additions:
        for thing in _used([each.column.type]):
            if thing.name in source.tables:
                yield f"{each.table}.{each.name} has the row type of {thing.name}, which is no type of its own"


def _room(wanted: Wanted, standing: Standing) -> Cleared:
    """Nothing makes room for a column: what differs is in the way."""
    theirs = types(wanted.source)
    there = [thing for thing in wanted.things if thing.kind == "type" and thing.name in standing.types]
    equal = {thing for thing in there if standing.same_type(thing.name, theirs[thing.name])}
    functions = {
        Thing(kind="function", name=f.name, arguments=f.arguments): standing.same_function(f)
        for f in wanted.functions if standing.function(f) is not None
    }
    collations = {
        Thing(kind="collation", name=name): found.definition == wanted.source.collations[name].definition
        for name, found in standing.target.collations.items() if Thing(kind="collation", name=name) in wanted.things
    }
    equal |= {thing for thing, same in (functions | collations).items() if same}
    different = sorted({*there, *functions, *collations} - equal)
    return Cleared(
        reused=frozenset(equal),
        blockers=tuple(f"the target's {thing.kind} {thing} differs from the source's" for thing in different),
    )


def _statement(addition: Addition) -> Statement:
    column = addition.column
    alter = f"ALTER TABLE {addition.table.sql}"
    name = quote(addition.name)
    sql = [f"{alter} ADD COLUMN {name} {column.type}{typedefs.collate(column.collation)}"]
    sql += typedefs.comment(f"COLUMN {addition.table.sql}.{name}", column.comment)
    return step(
        ("column", str(addition.table), addition.name), sql, undo=f"{alter} DROP COLUMN {name}",
        table=addition.table, kind="column", hazard=Hazard.ADDS_COLUMNS,
    ).statement


def _heirs(target: Schema, table: Table) -> Iterator[Table]:
    """Partitions and children, at any depth: they get the column too."""
    for other in target.tables.values():
        if other.partition_of == table.name or table.name in other.inherits:
            yield other
            yield from _heirs(target, other)


def _blockers(target: Schema, additions: Sequence[Addition]) -> Iterator[str]:
    seen: set[tuple[Name, str]] = set()
    more: Counter[Name] = Counter()
    for each in additions:
        table = target.tables.get(each.table)
        where = f"{each.table}.{each.name}"
        if table is None or table.kind not in _HOLDING:
            yield f"{each.table} is no table of the target that columns can be added to"
            continue
        if table.partition_of is not None:
            yield f"{each.table} is a partition: columns are added to {table.partition_of}"
        if typed := next((word for word in table.apart if word.startswith("it is a typed table")), None):
            yield f"{where} cannot be added: {typed}"
        for other in (table, *_heirs(target, table)):  # the column reaches all of them
            if "OWNER" not in other.privileges:
                yield f"{where} cannot be added: {other.name} belongs to {other.owner}, not to {target.role}"
        if any(other.column(each.name) for other in (table, *_heirs(target, table))) or (each.table, each.name) in seen:
            yield f"{where} is there already"
        if len(each.name.encode()) > NAME_BYTES or not each.name:
            yield f"{where} is no possible name: one has 1 to {NAME_BYTES} bytes"
        yield from collation(where, each.column.collation, target)
        seen.add((each.table, each.name))
        more[each.table] += 1
        if max((c.position for c in table.columns), default=0) + more[each.table] > MOST_COLUMNS:  # dropped ones count
            yield f"{each.table} would have more than {MOST_COLUMNS} columns"


def _warnings(additions: Sequence[Addition], settled: Sequence[Addition]) -> Iterator[str]:
    for asked, each in zip(additions, settled, strict=True):
        if asked.column.type != each.column.type:
            yield (
                f"{each.table}.{each.name} is added as {each.column.type}, without the rules of the domain "
                f"{asked.column.type}: they would have every row looked at"
            )


def _projected(found: Schema, target: Schema, additions: Sequence[Addition]) -> Schema:
    """The schema with the columns; partitions and children have them too, inherited."""
    home = Home(target=target, kept=numbers(target))
    tables = dict(found.tables)
    for each in additions:
        table = tables.get(each.table)
        for other in [table, *_heirs(found, table)] if table is not None else []:
            last = max((column.position for column in tables[other.name].columns), default=0)
            column = home.column(each.column, last + 1, partition=False, granted=Granted())
            column = replace(column, local=other.name == each.table, comment=column.comment if column.local else None)
            if other.name != each.table:
                column = replace(column, comment=None)
            tables[other.name] = replace(tables[other.name], columns=(*tables[other.name].columns, column))
    return replace(found, tables=tables)
