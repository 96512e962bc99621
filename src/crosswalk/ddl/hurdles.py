"""Why something cannot be made on the target: its version, its extensions, the role's rights, names that are taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from crosswalk.ddl.absent import absent
from crosswalk.ddl.archive import Cleared
from crosswalk.ddl.standing import Standing
from crosswalk.ddl.wanted import VIEWS, Wanted, relation_thing
from crosswalk.names import Name, parse
from crosswalk.schema import Column, Namespace, RelationKind, Schema, Table, Thing

_OPTIONS: Final = {
    "security_invoker": 15, "autovacuum_vacuum_max_threshold": 18, "vacuum_max_eager_freeze_failure_rate": 18,
}
"""Storage parameters that came with a version."""
_MADE: Final = frozenset({"relation", "sequence", "type", "function", "extension", "collation"})
_BUILT_IN: Final = "plpgsql"
_VIRTUAL: Final = 18
_NULLS_NOT_DISTINCT: Final = 15


def hurdles(wanted: Wanted, cleared: Cleared, standing: Standing) -> Iterator[str]:
    """Every reason, in words for a person."""
    target = standing.target
    for table in wanted.relations:
        if table.name not in cleared.skipped:
            yield from _table(table, target)
            yield from _parents(table, wanted)
    yield from absent(wanted, target, skipped=cleared.skipped, reused=cleared.reused)
    yield from _things(wanted, cleared, target)
    yield from _extensions(wanted, target)
    yield from _taken(wanted, cleared, standing)
    yield from _rights(wanted, cleared, target)


def _table(table: Table, target: Schema) -> Iterator[str]:
    if table.kind is RelationKind.FOREIGN:
        yield f"{table.name} is a foreign table: its server and its rows are elsewhere"
    if table.extension is not None:
        yield f"{table.name} belongs to the source's extension {table.extension}, which makes it itself"
    for column in table.columns:
        yield from _column(table, column, target)
    for constraint in table.constraints:
        if constraint.since > target.major:
            yield f"{table.name}: {constraint.name} ({constraint.definition}) needs PostgreSQL {constraint.since}"
    for index in table.indexes:
        if index.nulls_not_distinct and index.constraint is None and target.major < _NULLS_NOT_DISTINCT:
            yield f"{table.name}: the index {index.name} (NULLS NOT DISTINCT) needs PostgreSQL {_NULLS_NOT_DISTINCT}"
    for option in table.options:
        since = _OPTIONS.get(option.partition("=")[0], 0)
        if since > target.major:
            yield f"{table.name}: {option} needs PostgreSQL {since}"


def _column(table: Table, column: Column, target: Schema) -> Iterator[str]:
    if column.generated == "virtual" and target.major < _VIRTUAL:
        yield f"{table.name}.{column.name} is generated when it is read: that needs PostgreSQL {_VIRTUAL}"
    if column.not_null and not column.not_null_validated and target.major < _VIRTUAL:
        yield f"{table.name}.{column.name} is NOT NULL for new rows only (NOT VALID): that needs PostgreSQL {_VIRTUAL}"
    yield from collation(f"{table.name}.{column.name}", column.collation, target)


def collation(whose: str, named: str | None, target: Schema) -> Iterator[str]:
    """A collation of the server's own that the target's server does not have."""
    name = parse(named) if named else None
    if name and name.schema == "pg_catalog" and target.known_collations and name.relation not in target.known_collations:
        yield f"{whose} is sorted by {named}, a collation that the target's server does not have"


def _parents(table: Table, wanted: Wanted) -> Iterator[str]:
    names = wanted.names
    for parent in (*table.inherits, *([table.partition_of] if table.partition_of else [])):
        if parent not in names:
            yield f"{table.name} inherits from {parent}, which is not among the tables to be made"


def _things(wanted: Wanted, cleared: Cleared, target: Schema) -> Iterator[str]:
    """What things and tables need that nobody makes: operators, tables that do not move …"""
    makers = {*wanted.things, *(relation_thing(table.name) for table in wanted.relations)}
    names = wanted.names - cleared.skipped
    for thing in sorted(makers - cleared.reused):
        for need in wanted.needs.get(thing, ()):
            if need.on.kind == "relation" and need.on.name not in names:
                yield f"{thing} needs {need.on} ({need.part or 'its definition'}), which is not among what is made"
            elif need.on.kind not in _MADE:
                yield f"{thing} needs the {need.on.kind} {need.on}, which cannot be made from the catalog"
    for name, found in wanted.source.ranges.items():
        if Thing(kind="type", name=name) in wanted.things - cleared.reused and not found.definition:
            yield f"the range type {name} needs a canonical function, which cannot be made before it"
    for function in wanted.functions:
        if function.definition.startswith("--"):
            yield f"the aggregate {function.name} takes its rows in order: it cannot be made from the catalog"
    for name in wanted.of("collation"):
        found_collation = wanted.source.collations.get(name)
        if found_collation is None:
            yield f"the collation {name} cannot be read"
        elif found_collation.since > target.major:
            yield f"the collation {name} needs PostgreSQL {found_collation.since}"


def _extensions(wanted: Wanted, target: Schema) -> Iterator[str]:
    there = {extension.name: extension for extension in target.extensions}
    offered = {each.name: each for each in target.available}
    theirs = {extension.name: extension for extension in wanted.source.extensions}
    for key in _with_required(wanted, target):
        mine = theirs[key].schema if key in theirs and Name("", key) in wanted.of("extension") else None
        if key in there:
            if mine is not None and there[key].schema != mine:
                yield f"the extension {key} stands in the schema {there[key].schema}, in the source in {mine}"
        elif key not in offered:
            yield f"the extension {key} is needed and not installed on the target's server"
        elif not target.superuser and not offered[key].trusted:
            yield f"the extension {key} is needed; only a superuser may create it (CREATE EXTENSION {key})"


def new_extensions(wanted: Wanted, target: Schema) -> list[tuple[str, str]]:
    """(name, schema) of the extensions to be created, in order."""
    there = {extension.name for extension in target.extensions} | {_BUILT_IN}
    theirs = {extension.name: extension.schema for extension in wanted.source.extensions}
    names = _with_required(wanted, target)
    return [(name, theirs[name]) for name in names if name not in there and name in theirs]


def _with_required(wanted: Wanted, target: Schema) -> list[str]:
    """The extensions that are needed, each after those that it requires itself."""
    requires = {each.name: each.requires for each in target.available}
    found: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        for other in requires.get(name, ()):
            if other not in above:
                visit(other, above | {other})
        found[name] = None

    for name in wanted.of("extension"):
        visit(name.relation, frozenset({name.relation}))
    return list(found)


def _new_names(wanted: Wanted, cleared: Cleared) -> Iterator[tuple[str, Name]]:
    """Names among relations that what is made will take."""
    for table in wanted.relations:
        if table.name not in cleared.skipped:
            yield f"the {table.kind.value} {table.name}", table.name
            for index in table.indexes:
                yield f"the index {index.name} of {table.name}", Name(table.name.schema, index.name)
    for sequence in (*wanted.sequences, *wanted.identity_sequences.values()):
        if Thing(kind="sequence", name=sequence.name) not in cleared.reused:
            yield f"the sequence {sequence.name}", sequence.name


def _taken(wanted: Wanted, cleared: Cleared, standing: Standing) -> Iterator[str]:
    relations = standing.occupied(cleared.moved, cleared.things)
    for what, name in _new_names(wanted, cleared):
        if name in relations:
            yield f"{what} cannot be made: the target keeps {relations[name]} under that name"
    types = standing.type_names(cleared.moved, cleared.things)
    for name in wanted.of("type"):
        thing = Thing(kind="type", name=name)
        if thing not in cleared.reused and name in types:
            yield f"the type {name} cannot be made: the target keeps {types[name]} under that name"
    kept = {s.name: t.name for t in standing.target.tables.values() if t.name not in cleared.moved for s in t.statistics}
    for table in wanted.tables:
        for each in table.statistics:
            if each.name in kept:
                yield f"the statistics {each.name} cannot be made: {kept[each.name]} has one of that name"


def new_schemas(wanted: Wanted, cleared: Cleared, target: Schema) -> list[str]:
    """Schemas that must be created: for what is made, and for extensions."""
    names = {table.name.schema for table in wanted.relations if table.name not in cleared.skipped}
    names |= {thing.name.schema for thing in wanted.things - cleared.reused if thing.kind != "extension"}
    names |= {each.name.schema for table in wanted.tables for each in table.statistics}
    names |= {schema for _, schema in new_extensions(wanted, target)}
    return sorted(name for name in names if name and name not in target.namespaces and not name.startswith("pg_"))


def _rights(wanted: Wanted, cleared: Cleared, target: Schema) -> Iterator[str]:
    made = new_schemas(wanted, cleared, target)
    archives = sorted({*(name.schema for name in cleared.moved.values()), *cleared.things.values()})
    if (made or archives) and not target.may_create:
        names = ", ".join([*made, *archives])
        yield (
            f"{target.role} may not create the schemas {names}: "
            f"GRANT CREATE ON DATABASE {target.database} TO {target.role}"
        )
    used = {table.name.schema for table in wanted.relations if table.name not in cleared.skipped}
    used |= {thing.name.schema for thing in wanted.things - cleared.reused if thing.kind != "extension"}
    used |= {name.schema for name in cleared.moved} | {thing.name.schema for thing in cleared.things}  # the way back
    yield from cannot_create(used, target.namespaces, target.role)


def cannot_create(schemas: Collection[str], there: Mapping[str, Namespace], role: str) -> Iterator[str]:
    """Schemas of the target in which the role may create nothing."""
    for name in sorted(schemas):
        found = there.get(name)
        if found is not None and not found.may_create:
            yield f"{role} may create nothing in the schema {name}: GRANT CREATE ON SCHEMA {name} TO {role}"


def views_left(wanted: Wanted) -> Iterable[Name]:
    """Views of the source that stand on something that is not made as well."""
    names = wanted.names
    return (t.name for t in wanted.source.tables.values() if t.kind in VIEWS and t.name not in names and t.extension is None)
