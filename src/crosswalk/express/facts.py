"""What express must know beyond the document: two catalogs, and what only a server could tell.

`Facts` is what compiling stands on; `Moment` is what is true under one snapshot only (which rows
lose to another row of the same key); `Selection` says which rows of a source table are meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crosswalk.errors import NotInSchema
from crosswalk.express.parts import Compiled
from crosswalk.mapping import Document, TableMapping
from crosswalk.names import Name
from crosswalk.schema import Column, Schema, Table, TypeRef

Key = tuple[str, ...]
"""A source row's identity as text, one part a column (the `ctid` alone where there is no key)."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    source: Schema
    target: Schema
    document: Document
    types: Mapping[tuple[Name, str], TypeRef] = field(default_factory=dict)
    """By (target table, column): what type the rule's bare value has, where the server had to be asked."""
    checks: Mapping[Name, tuple[str, ...]] = field(default_factory=dict)
    """By target table: what the source can evaluate over the mapped row: `check:NAME`, `domain:COLUMN:DOMAIN.CHECK`,
    `computed:COLUMN` for generated columns, `index:NAME` and `exclusion:NAME` for expressions and predicates,
    `partition` for the bounds of all partitions."""

    later: frozenset[tuple[Name, str]] = frozenset()
    """Foreign keys (table, name) of the target that come once the rows are there: what breaks one is set aside then."""

    lenient: frozenset[tuple[Name, str]] = frozenset()
    """Those that come NOT VALID then, as the source has them: no row that came before breaks one."""

    compiled: dict[tuple[Name, tuple[Name, ...]], Compiled] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What has been compiled from these facts, by (target table, tables inside which it is a lookup's parent): every
    stage asks for the same motions again, once a table and once for each that looks into it."""

    def mapping(self, target: Name) -> TableMapping:
        return self.document.by_target[target]

    def source_table(self, target: Name) -> Table:
        """The table that feeds a target table; raises NotInSchema."""
        return self.table("source", self.mapping(target).source)

    def target_table(self, target: Name) -> Table:
        """Raises NotInSchema."""
        return self.table("target", target)

    def table(self, side: str, name: Name) -> Table:
        """A table of either side; raises NotInSchema."""
        found = (self.source if side == "source" else self.target).tables.get(name)
        if found is None:
            raise NotInSchema(side=side, what=f"table {name}", where="the database")
        return found

    def column(self, side: str, table: Table, column: str) -> Column:
        """A column of a table; raises NotInSchema."""
        found = table.column(column)
        if found is None:
            raise NotInSchema(side=side, what=f"column {column}", where=f"table {table.name}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows of the source table: a range of its identity, of its pages, a set of keys, or (empty) all."""

    after: Key | None = None
    """Exclusive lower bound."""
    upto: Key | None = None
    """Inclusive upper bound."""
    keys: tuple[Key, ...] | None = None
    between: bool = False
    """From one identity to another (both in it) that variables of a block name (see `apart`)."""
    pages: tuple[int, int | None] | None = None
    """Pages of the table's file, the second exclusive (None: to the end); they mean the same rows under one snapshot only."""


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """Rows that a rule of the target refuses which only several rows together can break."""

    code: str
    """unique, exclusion, foreign_key."""
    reason: str
    sqlstate: str
    constraint: str
    columns: tuple[str, ...]
    keys: tuple[Key, ...]
    """Identities (then ordinality where the rule unnests) of the rows."""

    @property
    def column(self) -> str:
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What holds under one snapshot of the source."""

    losers: Mapping[Name, tuple[Key, ...]] = field(default_factory=dict)
    """By target table: rows that lose to another row of the same target key (identity, then ordinality where
    the rule unnests)."""

    broken: Mapping[Name, tuple[Key, ...]] = field(default_factory=dict)
    """By target table: rows for which a rule raises an error. The copy alone asks for them again."""

    lost: Mapping[Name, tuple[Key, ...]] = field(default_factory=dict)
    """By target table that looks into itself, directly or in a circle: rows set aside for what their own lookups
    found. A lookup cannot see that by itself, for it is cut where the circle closes."""

    barred: Mapping[Name, tuple[Barred, ...]] = field(default_factory=dict)
    """By target table: rows set aside for the sake of other rows, by the rule that refuses them."""

    causes: Mapping[Name, tuple[Barred, ...]] = field(default_factory=dict)
    """By target table: the true reason of rows among `lost` that another row keeps out. They took along what refers to
    them, and so find nothing themselves."""

    unjudged: tuple[str, ...] = ()
    """Rules that the rows of this moment are too many for, each as a sentence."""

    def of(self, target: Name) -> tuple[Key, ...]:
        return self.losers.get(target, ())

    def bars(self, target: Name) -> tuple[Barred, ...]:
        return self.barred.get(target, ())
