"""A relation and everything that hangs on it. Nothing here talks to a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from crosswalk.names import Name
from crosswalk.schema.typeref import TypeRef


class RelationKind(StrEnum):
    """pg_class.relkind of what can be read as a table."""

    TABLE = "table"
    PARTITIONED = "partitioned"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"

    @property
    def noun(self) -> str:
        """As it stands in a sentence."""
        return "partitioned table" if self is RelationKind.PARTITIONED else str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    position: int
    """attnum."""
    type: TypeRef
    not_null: bool
    """Declared NOT NULL on the column, or by its domain."""
    default: str | None = None
    """pg_get_expr of the default; None where there is none."""
    identity: str | None = None
    """`always` or `by default`."""
    generated: str | None = None
    """`stored` or `virtual`; the expression stands in `default`."""
    collation: str | None = None
    """Qualified collation, only where it is not the type's own default."""
    comment: str | None = None
    selectable: bool = True
    """False where the connected role may not SELECT it."""
    not_null_validated: bool = True
    """False for a NOT NULL that older rows may break (NOT VALID, PostgreSQL 18)."""
    not_null_by_domain: bool = False
    """True where NOT NULL is the domain's word alone, not the column's own."""
    not_null_name: str | None = None
    """The name of the NOT NULL constraint, where the server keeps one (PostgreSQL 18)."""
    local: bool = True
    """False where the column is only inherited."""
    storage: str | None = None
    """`plain`, `external`, `extended` or `main`, only where it is not the type's own."""
    compression: str | None = None
    """`pglz` or `lz4`, only where it was chosen for this column."""
    statistics: int | None = None
    """The statistics target, only where it was chosen for this column."""
    options: tuple[str, ...] = ()
    """pg_attribute.attoptions, e.g. `n_distinct=100`."""
    acl: tuple[str, ...] = ()
    """pg_attribute.attacl as text, sorted."""


class ConstraintKind(StrEnum):
    PRIMARY = "primary key"
    UNIQUE = "unique"
    FOREIGN = "foreign key"
    CHECK = "check"
    EXCLUSION = "exclusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    name: str
    kind: ConstraintKind
    columns: tuple[str, ...]
    """In the constraint's order; for a check, those that it mentions."""
    definition: str
    """pg_get_constraintdef."""
    expression: str | None = None
    """A check's bare expression (pg_get_expr of conbin), else None."""
    deferrable: bool = False
    deferred: bool = False
    """INITIALLY DEFERRED."""
    validated: bool = True
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    inherited: bool = False
    """True on a partition for a constraint that belongs to its parent."""
    enforced: bool = True
    """False for a NOT ENFORCED check or foreign key (PostgreSQL 18): it refuses nothing."""
    operators: tuple[str, ...] = ()
    """Of an exclusion: `OPERATOR(pg_catalog.&&)`, one a column, as it enters SQL."""
    since: int = 14
    """The first major version that can have it (14 stands for all that are read)."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    name: str
    definition: str
    columns: tuple[str, ...]
    """Key columns in order; `` (empty) stands for an expression."""
    unique: bool
    partial: bool
    """It has a WHERE."""
    predicate: str | None
    expressions: bool
    """It has an expression among its key columns."""
    immediate: bool
    """False for the index of a deferrable constraint."""
    valid: bool
    method: str
    nulls_not_distinct: bool = False
    constraint: str | None = None
    """The constraint that it serves."""
    inherited: bool = False
    parent: Name | None = None
    """The index of the partitioned table that it is a part of."""
    clustered: bool = False
    """CLUSTER goes by it."""
    comment: str | None = None
    keys: tuple[str, ...] = ()
    """Each key column or expression as SQL over the table's row (pg_get_indexdef of the place)."""


class TriggerState(StrEnum):
    """pg_trigger.tgenabled."""

    ORIGIN = "O"
    DISABLED = "D"
    REPLICA = "R"
    ALWAYS = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    name: str
    definition: str
    function: str
    """Qualified name of the function."""
    timing: str
    """`before`, `after` or `instead of`."""
    events: tuple[str, ...]
    """Of insert, update, delete, truncate."""
    row: bool
    state: TriggerState
    constraint: bool
    """A CONSTRAINT TRIGGER: it checks, it does not rewrite."""
    inherited: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule; the one that makes a view is the view's own fact and left out."""

    name: str
    definition: str
    state: TriggerState
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An extended statistics object."""

    name: Name
    definition: str
    target: int | None = None
    """Its statistics target, where one was chosen."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity:
    enabled: bool = False
    forced: bool = False
    hides: bool = False
    """True where the connected role would not see all rows (row_security_active)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: Name
    kind: RelationKind
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    row_security: RowSecurity = field(default_factory=RowSecurity)
    owner: str = ""
    comment: str | None = None
    persistence: str = "permanent"
    """`permanent`, `unlogged` or `temporary`."""
    partition_key: str | None = None
    """pg_get_partkeydef of a partitioned table."""
    partition_of: Name | None = None
    partition_bound: str | None = None
    partition_rule: str | None = None
    """pg_get_partition_constraintdef: what a row of this partition satisfies, with all levels above."""
    inherits: tuple[Name, ...] = ()
    """Parents by plain inheritance."""
    replica_identity: str = "default"
    """`default`, `nothing`, `full` or `index NAME`."""
    rows: int = 0
    """The planner's estimate, or an exact count where the reader was asked for one."""
    rows_exact: bool = False
    bytes: int = 0
    """pg_table_size (heap and TOAST, without indexes), partitions summed."""
    extension: str | None = None
    """The extension that owns it."""
    privileges: frozenset[str] = frozenset()
    """Of SELECT, INSERT, UPDATE, DELETE, TRUNCATE, OWNER held by the connected role."""
    options: tuple[str, ...] = ()
    """pg_class.reloptions in order, e.g. `security_invoker=true`, `fillfactor=70`."""
    acl: tuple[str, ...] = ()
    """pg_class.relacl as text, sorted; empty where nobody was granted anything."""
    rules: tuple[Rule, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    populated: bool = True
    """False for a materialized view WITH NO DATA."""
    apart: tuple[str, ...] = ()
    """What the model has no words for, said for a person: a row type (OF), a tablespace, an access method …"""

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key; empty where there is none."""
        return next((c.columns for c in self.constraints if c.kind is ConstraintKind.PRIMARY), ())

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        """Those that are enforced."""
        return tuple(c for c in self.constraints if c.kind is ConstraintKind.FOREIGN and c.enforced)

    @property
    def checks(self) -> tuple[Constraint, ...]:
        """Those that are enforced."""
        return tuple(c for c in self.constraints if c.kind is ConstraintKind.CHECK and c.enforced)

    @property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """Column sets that are unique over all rows: plain, whole, immediate, valid unique indexes."""
        return tuple(
            i.columns
            for i in self.indexes
            if i.unique and not i.partial and not i.expressions and i.valid and i.immediate
        )

    @property
    def row_identity(self) -> tuple[str, ...]:
        """Columns that tell rows apart and are never NULL: the primary key, else the shortest such unique key."""
        if self.primary_key:
            return self.primary_key
        required = {c.name for c in self.columns if c.not_null}
        keys = sorted((k for k in self.unique_keys if k and set(k) <= required), key=lambda k: (len(k), k))
        return keys[0] if keys else ()
