"""The values of the schema cache: relations, relationships and functions, as PostgREST knows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crosswalk.names import Name

Kind = Literal["m2o", "o2m", "o2o", "m2m", "computed"]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedColumn:
    """A column of an exposed relation."""

    name: str
    type: str
    """As SQL reads it, with its modifier, under any search_path."""
    base: str
    """The bare name of its type, below all domains."""
    nullable: bool
    generated: bool
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, view, materialized view, foreign or partitioned table."""

    name: Name
    view: bool
    columns: Mapping[str, CachedColumn]
    primary: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """The table between the two sides of a many-to-many relationship."""

    table: Name
    constraints: tuple[str, str]
    columns: Pairs
    """Source column, junction column."""
    target_columns: Pairs
    """Target column, junction column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How rows of `table` find rows of `target`."""

    table: Name
    target: Name
    kind: Kind
    constraint: str = ""
    columns: Pairs = ()
    """Column of the table, column of the target."""
    junction: Junction | None = None
    function: Name | None = None
    """Of a computed one."""
    single: bool = False
    """A computed one gives at most one row."""
    target_is_view: bool = False
    table_is_view: bool = False

    @property
    def to_one(self) -> bool:
        return self.kind in ("m2o", "o2o") or (self.kind == "computed" and self.single)

    @property
    def itself(self) -> bool:
        return self.table == self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An input argument of a function."""

    name: str
    type: str
    shown: str
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of an exposed schema that can be called by name."""

    name: Name
    arguments: tuple[Argument, ...]
    result: Name
    set: bool
    composite: bool
    volatile: bool

    @property
    def scalar(self) -> bool:
        return not self.set and not self.composite

    @property
    def void(self) -> bool:
        return self.scalar and self.result == Name("pg_catalog", "void")
