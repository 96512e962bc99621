"""The catalog model: what a PostgreSQL schema is, as frozen values.

Read by `crosswalk.catalog`, compared by `crosswalk.diff`, reasoned about by all floors above. The
values hold the server's own canonical text (format_type, pg_get_expr, pg_get_constraintdef …)
under an empty search_path, so that equal text means equal meaning. Nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from crosswalk.names import Name


class RelationKind(StrEnum):
    """pg_class.relkind of what can be read as a table."""

    TABLE = "table"
    PARTITIONED = "partitioned"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"


class TypeKind(StrEnum):
    """pg_type.typtype, with arrays apart."""

    BASE = "base"
    ARRAY = "array"
    ENUM = "enum"
    DOMAIN = "domain"
    COMPOSITE = "composite"
    RANGE = "range"
    MULTIRANGE = "multirange"
    PSEUDO = "pseudo"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRef:
    """A column's exact type."""

    schema: str
    """Namespace of the type; `pg_catalog` for built-in ones."""
    name: str
    """pg_type.typname, e.g. `int4`, `varchar`, `_int4`, `mood`."""
    kind: TypeKind
    modifier: int
    """atttypmod; -1 where there is none."""
    display: str
    """format_type(oid, typmod), fully qualified for user types: `character varying(20)`."""
    plain: str
    """format_type(oid, NULL), without length or precision: `character varying`. Enters SQL as it is."""
    oid: int
    """The type's OID on its own server (stable across servers only below 16384)."""
    category: str
    """pg_type.typcategory, e.g. `N` numeric, `S` string."""
    element: TypeRef | None = None
    """The element of an array."""
    base: TypeRef | None = None
    """What a domain stands on (fully resolved to a non-domain), with the domain's own modifier."""

    @property
    def builtin(self) -> bool:
        """True where the type has one OID on every server."""
        return self.oid < 16384 and self.schema == "pg_catalog"

    @property
    def storage(self) -> TypeRef:
        """The type below all domains."""
        return self.base or self

    def __str__(self) -> str:
        return self.display


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    name: Name
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cycle: bool
    last_value: int | None
    """None where it was never used, or cannot be read."""
    owner_table: Name | None = None
    owner_column: str | None = None
    used_by: tuple[tuple[Name, str], ...] = ()
    """Columns whose default calls nextval on it, owned or not."""
    readable: bool = True
    """False where the connected role may not read it, so that `last_value` says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    name: Name
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    name: Name
    base: TypeRef
    not_null: bool
    default: str | None
    checks: tuple[tuple[str, str], ...]
    """(constraint name, expression with VALUE)."""
    collation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A free-standing composite type."""

    name: Name
    attributes: tuple[tuple[str, TypeRef], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    name: Name
    subtype: TypeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    name: Name
    arguments: str
    """pg_get_function_identity_arguments."""
    definition: str
    """pg_get_functiondef."""
    kind: str
    """`function`, `procedure`, `aggregate` or `window`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    name: str
    version: str
    schema: str


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
        return tuple(t for t in self.tables.values() if t.partition_of == parent)

    def enum_labels(self, ref: TypeRef) -> tuple[str, ...]:
        """Labels of an enum type; empty for any other."""
        found = self.enums.get(Name(ref.schema, ref.name))
        return found.labels if found else ()
