"""Keys, indexes and the constraints that come later; foreign keys as what is added once the rows are there.

A table that stands alone is filled before it has keys or indexes (`late_keys`); partitions, partitioned
tables and those that inherit or are inherited have their keys from the beginning. Of a partitioned table
the parts' keys and indexes are made first: the parent's then takes them in under the names that they
have. The server writes a partitioned index as ON ONLY: its parts join it by ATTACH PARTITION in the same
statement, and leave with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from crosswalk.ddl.late_keys import KEYS, LateKeys, index_key, keyed_after_rows
from crosswalk.ddl.steps import Key, Step, relation_key, step
from crosswalk.ddl.tables import add_constraint, constraint_comment
from crosswalk.ddl.typedefs import comment
from crosswalk.ddl.wanted import VIEWS
from crosswalk.names import Name, quote
from crosswalk.plan import Phase, Statement
from crosswalk.schema import Column, Constraint, ConstraintKind, Index, RelationKind, Table


class Keys:
    """The keys and indexes of all wanted relations.

    Of the tables `at_once` something needs the keys before there are rows; `unready` is what is made only afterwards.
    """

    def __init__(
        self, relations: Iterable[Table], foreign: Iterable[tuple[Table, Constraint]], *,
        at_once: Collection[Name], unready: Collection[Key],
    ) -> None:
        self._relations = tuple(relations)
        self._at_once = at_once
        self._unready = unready
        self._parents = {parent for table in self._relations for parent in table.inherits}
        self._parts: defaultdict[Name, list[tuple[Table, Index]]] = defaultdict(list)
        self._children: defaultdict[Name, list[Key]] = defaultdict(list)
        self._pointing: defaultdict[Name, list[str]] = defaultdict(list)
        for table in self._relations:
            for index in table.indexes:
                if index.parent is not None:
                    self._parts[index.parent].append((table, index))
            if table.partition_of is not None:
                self._children[table.partition_of].append(("attached", str(table.name)))
        for table, key in foreign:
            if key.references is not None:
                self._pointing[key.references].append(_dropped(table, key))

    def wait_for_rows(self, table: Table) -> bool:
        """Whether a table's keys come after its rows."""
        return keyed_after_rows(table, parents=self._parents, at_once=self._at_once)

    def late(self, table: Table, needs: Callable[[str], list[Key]]) -> Iterator[Step]:
        """All keys and indexes of a table that is filled before it has any; `needs` tells those of a part of it."""
        pointing = tuple(self._pointing[table.name])
        yield from LateKeys(table=table, needs=needs, unready=self._unready, pointing=pointing).steps()

    def constraints(self, table: Table, after: Iterable[Key]) -> Iterator[Step]:
        """Primary keys, unique and exclusion constraints; the way back first drops what points to them."""
        for constraint in table.constraints:
            if constraint.kind not in KEYS:
                continue
            parts = self._parts[Name(table.name.schema, constraint.name)]
            needs = {*self._standing(table), *after, *(("constraint", str(t.name), i.constraint or "") for t, i in parts)}
            made = add_constraint(table, constraint, after=needs, only=False)
            yield _undone_after(made, self._pointing[table.name])

    def unique_indexes(self, table: Table, after: Iterable[Key]) -> Iterator[Step]:
        """Those that are no constraint; a foreign key may point to one."""
        for index in table.indexes:
            if index.unique and index.constraint is None and table.kind not in VIEWS and _whole(table, index):
                made = self._index(table, index, [*self._standing(table), *after], "shape")
                yield _undone_after(made, self._pointing[table.name])

    def other_indexes(self, table: Table, after: Iterable[Key]) -> Iterator[Step]:
        """Indexes of what has its keys from the beginning, and of materialized views."""
        for index in table.indexes:
            if index.constraint is None and (not index.unique or table.kind in VIEWS) and _whole(table, index):
                yield self._index(table, index, [*self._standing(table), *after], "complete")

    def _standing(self, table: Table) -> list[Key]:
        attached = [("attached", str(table.name))] if table.partition_of is not None else []
        return [relation_key(table.name), *attached, *self._children[table.name]]

    def _index(self, table: Table, index: Index, after: Iterable[Key], phase: Phase) -> Step:
        name = Name(table.name.schema, index.name)
        parts = [(t, i) for t, i in self._parts[name] if _whole(t, i)]
        sql = [index.definition]
        sql += [f"ALTER INDEX {name.sql} ATTACH PARTITION {Name(t.name.schema, i.name).sql}" for t, i in parts]
        sql += comment(f"INDEX {name.sql}", index.comment)
        exists = "IF EXISTS " if index.inherited else ""
        needs = [*after, *(("index", str(Name(t.name.schema, i.name))) for t, i in parts)]
        undo = f"DROP INDEX {exists}{name.sql}"
        return step(("index", str(name)), sql, undo=undo, table=table.name, after=needs, phase=phase)


def _whole(table: Table, index: Index) -> bool:
    """A partitioned index is as valid as its parts; any other that is not was never finished."""
    return index.valid or table.kind is RelationKind.PARTITIONED


def _undone_after(made: Step, first: Iterable[str]) -> Step:
    undo = ";\n".join([*first, made.statement.undo])
    return Step(makes=made.makes, after=made.after, statement=made.statement.model_copy(update={"undo": undo}))


def unfinished(table: Table) -> list[str]:
    """Indexes that are left out."""
    return [index.name for index in table.indexes if not _whole(table, index)]


def marks(table: Table, *, late: bool) -> Iterator[Step]:
    """Replica identity, and the index that CLUSTER goes by; `late` where the indexes come after the rows."""
    alter = f"ALTER TABLE ONLY {table.name.sql}"
    kind, _, index = table.replica_identity.partition(" ")
    if kind != "default":
        says = f"USING INDEX {quote(index)}" if index else kind.upper()
        yield step(
            ("replica identity", str(table.name)), f"{alter} REPLICA IDENTITY {says}",
            undo=f"{alter} REPLICA IDENTITY DEFAULT", table=table.name, phase="complete" if late and index else "shape",
            after=[relation_key(table.name), *(_index_keys(table, index) if index else [])],
        )
    for each in table.indexes:
        if each.clustered and table.kind not in VIEWS:
            yield step(
                ("cluster", str(table.name)), f"{alter} CLUSTER ON {quote(each.name)}",
                undo=f"{alter} SET WITHOUT CLUSTER", table=table.name, phase="complete",
                after=[relation_key(table.name), *_index_keys(table, each.name)],
            )


def _index_keys(table: Table, name: str) -> list[Key]:
    return [("constraint", str(table.name), name), index_key(table, name)]


def late_constraints(table: Table, after: Iterable[Key]) -> Iterator[Step]:
    """Checks and NOT NULLs that older rows may break, and what is not enforced at all."""
    for each in table.constraints:
        loose = not each.validated or not each.enforced
        late = each.kind is ConstraintKind.CHECK or (each.kind is ConstraintKind.FOREIGN and not each.enforced)
        if late and loose and not each.inherited:
            yield add_constraint(table, each, after=[relation_key(table.name), *after], only=False, complete=True)
    for column in table.columns:
        if column.not_null and not column.not_null_validated and not column.not_null_by_domain and column.local:
            yield _late_not_null(table, column)


def _late_not_null(table: Table, column: Column) -> Step:
    name = column.not_null_name or f"{column.name}_not_null"
    alter = f"ALTER TABLE {table.name.sql}"
    return step(
        ("constraint", str(table.name), name),
        f"{alter} ADD CONSTRAINT {quote(name)} NOT NULL {quote(column.name)} NOT VALID",
        undo=f"{alter} DROP CONSTRAINT {quote(name)}", table=table.name, phase="complete",
    )


def foreign_key(table: Table, key: Constraint) -> Statement:
    """Added when the rows are there."""
    return Statement(
        phase="before", table=str(table.name), kind="foreign key", name=key.name, sql="",
        restore=f"ALTER TABLE {table.name.sql} ADD CONSTRAINT {quote(key.name)} {key.definition}",
    )


def foreign_key_comments(table: Table) -> Iterator[Step]:
    """They come when the keys stand; the way back takes the key itself."""
    for key in table.foreign_keys:
        if key.comment and not key.inherited:
            yield step(
                ("comment", str(table.name), key.name), constraint_comment(table, key), undo=_dropped(table, key),
                table=table.name, phase="complete", after=[relation_key(table.name)],
            )


def _dropped(table: Table, key: Constraint) -> str:
    """Both may have gone already."""
    return f"ALTER TABLE IF EXISTS {table.name.sql} DROP CONSTRAINT IF EXISTS {quote(key.name)}"


def own_foreign_keys(tables: Mapping[Name, Table]) -> Iterator[tuple[Table, Constraint]]:
    """Enforced foreign keys, each where it was declared."""
    for table in tables.values():
        for key in table.foreign_keys:
            if not key.inherited:
                yield table, key
