"""Tables as statements that make them: columns, checks, partitions, what is stored how.

A partition is made as a table of its own and attached, so that its column order, its defaults and
the names of its keys stay what they were. A child by inheritance declares only what is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crosswalk.ddl.grants import Granted
from crosswalk.ddl.steps import Key, Step, relation_key, schema_key, step
from crosswalk.ddl.typedefs import collate, comment, sequence_options
from crosswalk.names import Name, literal, quote
from crosswalk.schema import Column, Constraint, ConstraintKind, RelationKind, Sequence, Table

NAMED_NOT_NULL = 18


@dataclass(frozen=True, kw_only=True)
class Making:
    """What the statements of tables are made under."""

    major: int
    """The target's."""
    tables: Mapping[Name, Table]
    """All tables of the source."""
    identities: Mapping[tuple[Name, str], Sequence]
    split: frozenset[Name]
    """Tables whose defaults and checks come after them: something that needs the table stands in them."""


def options(found: Iterable[str]) -> str:
    """Storage parameters as WITH (…) and SET (…) name them."""
    parts = []
    for option in found:
        key, _, value = option.partition("=")
        space, dot, name = key.rpartition(".")
        parts.append(f"{quote(space)}.{quote(name)} = {literal(value)}" if dot else f"{quote(key)} = {literal(value)}")
    return ", ".join(parts)


def inline_checks(table: Table) -> list[Constraint]:
    """Checks that stand from the beginning: rows are held to them as they come."""
    own = table.partition_of is not None
    return [
        c for c in table.constraints
        if c.kind is ConstraintKind.CHECK and c.validated and c.enforced and (own or not c.inherited)
    ]


def _default(making: Making, table: Table, column: Column) -> str:
    if column.generated is not None:
        stored = " STORED" if column.generated == "stored" else " VIRTUAL"
        return f" GENERATED ALWAYS AS ({column.default}){stored}"
    if column.identity is not None:
        return _identity(making, table, column)
    if column.default is not None and table.name not in making.split:
        return f" DEFAULT {column.default}"
    return ""


def _identity(making: Making, table: Table, column: Column) -> str:
    """Partitions take it from their parent when they are attached."""
    sequence = making.identities.get((table.name, column.name))
    if table.partition_of is not None:
        return ""
    options = f" (SEQUENCE NAME {sequence.name.sql} {sequence_options(sequence)})" if sequence else ""
    return f" GENERATED {(column.identity or '').upper()} AS IDENTITY{options}"


def not_null(making: Making, column: Column) -> str:
    if not column.not_null or column.not_null_by_domain or not column.not_null_validated:
        return ""
    named = making.major >= NAMED_NOT_NULL and column.not_null_name
    return (f" CONSTRAINT {quote(column.not_null_name)}" if named and column.not_null_name else "") + " NOT NULL"


def _column(making: Making, table: Table, column: Column) -> str:
    kind = f"{column.type}{collate(column.collation)}"
    return f"{quote(column.name)} {kind}{_default(making, table, column)}{not_null(making, column)}"


def _create(making: Making, table: Table) -> str:
    unlogged = "UNLOGGED " if table.persistence == "unlogged" and _may_be_unlogged(making, table) else ""
    parts = [_column(making, table, c) for c in table.columns if c.local or table.partition_of is not None]
    if table.name not in making.split:
        parts += [f"CONSTRAINT {quote(c.name)} {c.definition}" for c in inline_checks(table)]
    text = f"CREATE {unlogged}TABLE {table.name.sql} (" + ("\n    " if parts else "") + ",\n    ".join(parts) + ")"
    if table.inherits:
        text += f" INHERITS ({', '.join(parent.sql for parent in table.inherits)})"
    if table.partition_key is not None:
        text += f" PARTITION BY {table.partition_key}"
    return text + (f" WITH ({options(table.options)})" if table.options else "")


def _may_be_unlogged(making: Making, table: Table) -> bool:
    return not (table.kind is RelationKind.PARTITIONED and making.major >= NAMED_NOT_NULL)


def _inherited(making: Making, table: Table) -> Iterator[str]:
    """Where a child by inheritance says otherwise than its parents."""
    if not table.inherits:
        return
    parents = [making.tables[name] for name in table.inherits if name in making.tables]
    for column in table.columns:
        above = [found for parent in parents if (found := parent.column(column.name))]
        if column.local or not above or column.generated is not None:
            continue
        alter = f"ALTER TABLE ONLY {table.name.sql} ALTER COLUMN {quote(column.name)}"
        if column.default is not None and column.default != above[0].default:
            yield f"{alter} SET DEFAULT {column.default}"
        elif column.default is None and any(c.default is not None for c in above):
            yield f"{alter} DROP DEFAULT"
        if column.not_null and column.not_null_validated and not any(c.not_null for c in above):
            yield f"{alter} SET NOT NULL"


def _kept(table: Table) -> Iterator[str]:
    """How columns are stored and looked at."""
    for column in table.columns:
        alter = f"ALTER TABLE ONLY {table.name.sql} ALTER COLUMN {quote(column.name)}"
        if column.storage is not None:
            yield f"{alter} SET STORAGE {column.storage.upper()}"
        if column.compression is not None:
            yield f"{alter} SET COMPRESSION {column.compression}"
        if column.statistics is not None:
            yield f"{alter} SET STATISTICS {column.statistics}"
        if column.options:
            yield f"{alter} SET ({options(column.options)})"


def comments(table: Table, word: str = "TABLE") -> Iterator[str]:
    yield from comment(f"{word} {table.name.sql}", table.comment)
    for column in table.columns:
        yield from comment(f"COLUMN {table.name.sql}.{quote(column.name)}", column.comment)


def constraint_comment(table: Table, found: Constraint) -> list[str]:
    return comment(f"CONSTRAINT {quote(found.name)} ON {table.name.sql}", found.comment)


def table(making: Making, found: Table, after: Iterable[Key], granted: Granted) -> Iterator[Step]:
    """CREATE TABLE with all that can stand before rows, and its place below a partitioned table."""
    checks = [] if found.name in making.split else [t for c in inline_checks(found) for t in constraint_comment(found, c)]
    sql = [_create(making, found), *_inherited(making, found), *_kept(found), *granted.at_once, *comments(found), *checks]
    for column in found.columns:
        if sequence := making.identities.get((found.name, column.name)):
            sql += comment(f"SEQUENCE {sequence.name.sql}", sequence.comment)
    needs = [schema_key(found.name), *after, *map(relation_key, found.inherits)]
    if found.partition_of is not None:  # it is attached; nothing of it waits for the parent
        needs = [key for key in needs if key != relation_key(found.partition_of)]
    makes = relation_key(found.name)
    yield step(makes, sql, undo=f"DROP TABLE {found.name.sql}", table=found.name, after=needs)
    if found.partition_of is not None:
        alter = f"ALTER TABLE {found.partition_of.sql}"
        yield step(
            ("attached", str(found.name)), f"{alter} ATTACH PARTITION {found.name.sql} {found.partition_bound}",
            undo=f"{alter} DETACH PARTITION {found.name.sql}", table=found.name,
            after=[makes, relation_key(found.partition_of)],
        )


def split_parts(found: Table, after: Iterable[Key]) -> Iterator[Step]:
    """Defaults and checks of a table that is needed before them."""
    needs = [relation_key(found.name), *after]
    alter = f"ALTER TABLE ONLY {found.name.sql}"
    for column in found.columns:
        if column.default is not None and column.generated is None:
            change = f"{alter} ALTER COLUMN {quote(column.name)}"
            yield step(
                ("default", str(found.name), column.name), f"{change} SET DEFAULT {column.default}",
                undo=f"{change} DROP DEFAULT", table=found.name, after=needs,
            )
    for check in inline_checks(found):
        yield add_constraint(found, check, after=needs, only=False)


def add_constraint(
    found: Table, constraint: Constraint, *, after: Iterable[Key], only: bool, complete: bool = False
) -> Step:
    """ADD CONSTRAINT. It may have gone already where the way back took the parent's along with its parts."""
    alter = f"ALTER TABLE {'ONLY ' if only else ''}{found.name.sql}"
    name = quote(constraint.name)
    sql = [f"{alter} ADD CONSTRAINT {name} {constraint.definition}", *constraint_comment(found, constraint)]
    for index in found.indexes:
        if index.constraint == constraint.name:
            sql += comment(f"INDEX {Name(found.name.schema, index.name).sql}", index.comment)
    exists = "IF EXISTS " if constraint.inherited else ""
    return step(
        ("constraint", str(found.name), constraint.name), sql, undo=f"{alter} DROP CONSTRAINT {exists}{name}",
        table=found.name, after=after, phase="complete" if complete else "shape",
    )
