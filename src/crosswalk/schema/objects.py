"""What a database holds beside its relations, and what needs what. Nothing here talks to a server."""

from __future__ import annotations

from dataclasses import dataclass

from crosswalk.names import Name
from crosswalk.schema.typeref import TypeRef


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
    settable: bool = True
    """False where the connected role may not read its state and set it (SELECT and UPDATE)."""
    cache: int = 1
    persistence: str = "permanent"
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    name: Name
    labels: tuple[str, ...]
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    name: Name
    base: TypeRef
    not_null: bool
    default: str | None
    checks: tuple[tuple[str, str], ...]
    """(constraint name, expression with VALUE)."""
    collation: str | None = None
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A free-standing composite type."""

    name: Name
    attributes: tuple[tuple[str, TypeRef], ...]
    collations: tuple[str | None, ...] = ()
    """Beside the attributes: a qualified collation where it is not the type's own; empty where none is."""
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    name: Name
    subtype: TypeRef
    definition: str = ""
    """CREATE TYPE with all its options; empty where it needs a function that does not exist before the type."""
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    name: Name
    arguments: str
    """pg_get_function_identity_arguments."""
    definition: str
    """pg_get_functiondef."""
    kind: str
    """`function`, `procedure`, `aggregate` or `window`."""
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None
    security_definer: bool = False
    signature: str = ""
    """The types of its arguments alone: what tells it from others of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    name: str
    version: str
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation:
    """A collation of the database's own schemas."""

    name: Name
    definition: str
    """CREATE COLLATION."""
    since: int = 14
    """The first major version that can have it."""
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A schema of the database."""

    name: str
    owner: str = ""
    acl: tuple[str, ...] = ()
    comment: str | None = None
    may_create: bool = True
    """True where the connected role may create objects in it."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Thing:
    """An object of the database that others can need."""

    kind: str
    """`relation`, `sequence`, `type`, `function`, `collation`, `extension`, or the server's word for anything else."""
    name: Name
    """An extension, and anything else that has no schema, has an empty one."""
    arguments: str = ""
    """Of a function: pg_get_function_identity_arguments."""

    def __str__(self) -> str:
        name = str(self.name) if self.name.schema else self.name.relation
        return f"{name}({self.arguments})" if self.kind == "function" else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing cannot be without another (pg_depend, lifted from parts to whole objects)."""

    thing: Thing
    part: str
    """What of it needs the other: `default COLUMN`, `constraint NAME`, `trigger NAME`, `policy NAME` …, or empty."""
    on: Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """An extension that the server could install."""

    name: str
    trusted: bool
    """A plain role that may create objects in the database may install it."""
    requires: tuple[str, ...] = ()
    """Extensions that must stand before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What ALTER DEFAULT PRIVILEGES gives away of each object that the connected role creates."""

    schema: str | None
    """None: in every schema, in place of the server's own default."""
    kind: str
    """pg_default_acl.defaclobjtype: `r` tables and views, `S` sequences, `f` functions, `T` types, `n` schemas."""
    acl: tuple[str, ...]
