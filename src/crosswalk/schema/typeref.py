"""Types as columns use them. Nothing here talks to a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
