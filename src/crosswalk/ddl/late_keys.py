"""Keys and indexes of a table that is filled before it has any: built over the rows at once, not row by row.

    index   CREATE [UNIQUE] INDEX, which several sessions may do side by side for one table
    key     once all of them stand: ADD CONSTRAINT … USING INDEX, which writes the catalog alone. What knows no such
            form (EXCLUDE, WITHOUT OVERLAPS) builds its index in that statement

The index of a key is made from the server's own text of it, so that its INCLUDE, its storage parameters and how it
counts NULLs come along. What has to wait for something else of the phase (an expression whose function reads a view)
is a statement like any other of that phase, of kind `create`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from crosswalk.ddl.steps import Key, Step, relation_key, step
from crosswalk.ddl.tables import add_constraint, constraint_comment
from crosswalk.ddl.typedefs import comment
from crosswalk.names import Name, quote
from crosswalk.plan import Kind
from crosswalk.schema import Constraint, ConstraintKind, Index, RelationKind, Table

KEYS: Final = frozenset({ConstraintKind.PRIMARY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUSION})
_WORDS: Final = {ConstraintKind.PRIMARY: "PRIMARY KEY", ConstraintKind.UNIQUE: "UNIQUE"}


def keyed_after_rows(table: Table, *, parents: Collection[Name], at_once: Collection[Name]) -> bool:
    """Whether a table's keys may wait: it stands alone, and nothing that is made before the rows reads it by its key.

    Keys of a partition are taken in by its parent's as it is attached; USING INDEX is refused for a partitioned table.
    """
    alone = table.partition_of is None and not table.inherits and table.name not in parents
    return table.kind is RelationKind.TABLE and alone and table.name not in at_once


def index_key(table: Table, name: str) -> Key:
    return ("index", str(Name(table.name.schema, name)))


@dataclass(frozen=True, kw_only=True)
class LateKeys:
    """The keys and indexes of one table as steps."""

    table: Table
    needs: Callable[[str], list[Key]]
    """What a part of the table (`index NAME`, `constraint NAME`) needs beside it."""
    unready: Collection[Key]
    """What is itself made only once the rows are there."""
    pointing: tuple[str, ...]
    """What drops the foreign keys that point to the table: the way back begins with it."""

    def steps(self) -> Iterator[Step]:
        """Indexes, then the keys that wait for all of them."""
        served = {c.name: c for c in self.table.constraints if c.kind in KEYS}
        indexes = [i for i in self.table.indexes if i.valid and (not i.constraint or _adoptable(i, served))]
        made = [self._index(index) for index in indexes]
        yield from made
        side_by_side = [each.makes for each in made if each.statement.kind == "index"]
        by_constraint = {index.constraint: index for index in indexes if index.constraint}
        for constraint in served.values():
            yield self._key(constraint, by_constraint.get(constraint.name), side_by_side)

    def _index(self, index: Index) -> Step:
        name = Name(self.table.name.schema, index.name)
        needs = self.needs(f"index {index.name}")
        exists = "IF EXISTS " if index.constraint else ""  # it has gone with its constraint, if that stood
        undo = [*(self.pointing if index.unique and not index.constraint else ()), f"DROP INDEX {exists}{name.sql}"]
        made = step(
            index_key(self.table, index.name), [index.definition, *comment(f"INDEX {name.sql}", index.comment)],
            undo=";\n".join(undo), table=self.table.name, after=[relation_key(self.table.name), *needs],
            phase="complete", kind=self._kind("index", needs),
        )
        return _changed(made, name=index.name)

    def _key(self, constraint: Constraint, index: Index | None, indexes: Iterable[Key]) -> Step:
        needs = [*self.needs(f"constraint {constraint.name}"), *self.needs(f"index {constraint.name}")]
        after = [relation_key(self.table.name), *indexes, *needs]
        kind = self._kind("key", needs)
        if index is None:
            made = add_constraint(self.table, constraint, after=after, only=False, complete=True)
        else:
            made = _adopting(self.table, constraint, index, [*after, index_key(self.table, index.name)])
        undo = ";\n".join([*self.pointing, made.statement.undo])
        return _changed(made, undo=undo, kind=kind)

    def _kind(self, kind: Kind, needs: Iterable[Key]) -> Kind:
        return "create" if any(need in self.unready for need in needs) else kind


def _changed(made: Step, **fields: str) -> Step:
    return replace(made, statement=made.statement.model_copy(update=fields))


def _adoptable(index: Index, served: Collection[str]) -> bool:
    """Whether a constraint can be made of it; an index over ranges (WITHOUT OVERLAPS) cannot."""
    return index.constraint in served and index.unique and index.method == "btree"


def _adopting(table: Table, constraint: Constraint, index: Index, after: Iterable[Key]) -> Step:
    alter, name = f"ALTER TABLE {table.name.sql}", quote(constraint.name)
    says = f"{_WORDS[constraint.kind]} USING INDEX {quote(index.name)}"
    says += " DEFERRABLE" if constraint.deferrable else ""
    says += " INITIALLY DEFERRED" if constraint.deferred else ""
    return step(
        ("constraint", str(table.name), constraint.name),
        [f"{alter} ADD CONSTRAINT {name} {says}", *constraint_comment(table, constraint)],
        undo=f"{alter} DROP CONSTRAINT {name}", table=table.name, after=after, phase="complete",
    )
