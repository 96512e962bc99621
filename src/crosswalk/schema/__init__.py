"""The catalog model: what a PostgreSQL schema is, as frozen values.

Read by `crosswalk.catalog`, compared by `crosswalk.diff`, reasoned about by all floors above. The
values hold the server's own canonical text (format_type, pg_get_expr, pg_get_constraintdef …)
under an empty search_path, so that equal text means equal meaning. Nothing here talks to a server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from crosswalk.names import Name
from crosswalk.schema.objects import (
    Available,
    Collation,
    Composite,
    Domain,
    Enum,
    Extension,
    Function,
    Given,
    Namespace,
    Need,
    Range,
    Sequence,
    Thing,
)
from crosswalk.schema.table import (
    Column,
    Constraint,
    ConstraintKind,
    Index,
    Policy,
    RelationKind,
    RowSecurity,
    Rule,
    Statistics,
    Table,
    Trigger,
    TriggerState,
)
from crosswalk.schema.typeref import TypeKind, TypeRef

__all__ = [
    "Available",
    "Collation",
    "Column",
    "Composite",
    "Constraint",
    "ConstraintKind",
    "Domain",
    "Enum",
    "Extension",
    "Function",
    "Given",
    "Index",
    "Namespace",
    "Need",
    "Policy",
    "Range",
    "RelationKind",
    "RowSecurity",
    "Rule",
    "Schema",
    "Sequence",
    "Statistics",
    "Table",
    "Thing",
    "Trigger",
    "TriggerState",
    "TypeKind",
    "TypeRef",
]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Everything read of one server's database, our own ledger schema left out."""

    server_version: int
    """server_version_num, e.g. 180001."""
    database: str
    role: str
    tables: Mapping[Name, Table]
    sequences: Mapping[Name, Sequence]
    enums: Mapping[Name, Enum]
    domains: Mapping[Name, Domain]
    functions: tuple[Function, ...] = ()
    views: Mapping[Name, str] = field(default_factory=dict)
    """pg_get_viewdef of views and materialized views."""
    extensions: tuple[Extension, ...] = ()
    composites: Mapping[Name, Composite] = field(default_factory=dict)
    ranges: Mapping[Name, Range] = field(default_factory=dict)
    collate: str = ""
    """The database's own collation (datcollate or ICU locale)."""
    encoding: str = "UTF8"
    superuser: bool = False
    """The connected role is a superuser."""
    may_create: bool = True
    """The connected role may create schemas in the database."""
    may_make_temporary: bool = True
    """The connected role may make temporary tables."""
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    collations: Mapping[Name, Collation] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    roles: frozenset[str] = frozenset()
    """Every role of the server."""
    acts_as: frozenset[str] = frozenset()
    """Roles whose rights the connected role has, its own among them."""
    available: tuple[Available, ...] = ()
    given: tuple[Given, ...] = ()
    known_collations: frozenset[str] = frozenset()
    """Names of the server's own collations (those in pg_catalog) that this database can use."""
    known_functions: frozenset[str] = frozenset()
    """Names of the server's own functions (those in pg_catalog)."""
    brought_types: frozenset[Name] = frozenset()
    """Types that came with an extension."""
    large_objects: int = 0
    """How many the database holds."""
    unread: tuple[str, ...] = ()
    """What the database has and the model has no place for, in words: publications, event triggers …"""

    @property
    def major(self) -> int:
        return self.server_version // 10000

    @cached_property
    def roots(self) -> tuple[Table, ...]:
        """Tables that rows belong to: no partitions (their root stands for them), no views, none of an extension."""
        return tuple(
            t
            for t in self.tables.values()
            if t.partition_of is None
            and t.extension is None
            and t.kind in {RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.FOREIGN}
        )

    def partitions(self, parent: Name) -> tuple[Table, ...]:
        """The partitions directly below a table, in name order."""
        return self._parts.get(parent, ())

    @cached_property
    def _parts(self) -> Mapping[Name, tuple[Table, ...]]:
        """The partitions by their parent: one walk for all who ask."""
        found: defaultdict[Name, list[Table]] = defaultdict(list)
        for table in self.tables.values():
            if table.partition_of is not None:
                found[table.partition_of].append(table)
        return {parent: tuple(parts) for parent, parts in found.items()}

    @cached_property
    def inherited_from(self) -> frozenset[Name]:
        """Tables that others inherit from, partitioning apart: a SELECT of one reads its heirs' rows too."""
        return frozenset(parent for table in self.tables.values() for parent in table.inherits)

    @cached_property
    def fed_by_sequences(self) -> Mapping[Name, Mapping[str, Name]]:
        """By table, by column: the sequence behind it, owned or called by its default."""
        found: defaultdict[Name, dict[str, Name]] = defaultdict(dict)
        for sequence in self.sequences.values():
            for table, column in sequence.used_by:
                found[table].setdefault(column, sequence.name)
            if sequence.owner_table is not None and sequence.owner_column:
                found[sequence.owner_table][sequence.owner_column] = sequence.name
        return dict(found)

    def enum_labels(self, ref: TypeRef) -> tuple[str, ...]:
        """Labels of an enum type; empty for any other."""
        found = self.enums.get(Name(ref.schema, ref.name))
        return found.labels if found else ()
