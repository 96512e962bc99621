"""The tree that PostgREST's query parameters stand for: frozen values. Pure; `reading` makes it.

A path leads from the root to an embedded resource by the names or aliases of the embeds on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Path = tuple[str, ...]
Aggregate = Literal["count", "sum", "avg", "min", "max"]
Join = Literal["", "inner", "left"]
Direction = Literal["", "asc", "desc"]
Nulls = Literal["", "nullsfirst", "nullslast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a JSON path: a key, or an index as digits with their sign."""

    text: bool
    """`->>`, which gives text."""
    key: str
    index: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column, maybe a path into its JSON."""

    name: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the answer; `*` stands for all, and with `count` for the row."""

    field: Field
    alias: str = ""
    cast: str = ""
    aggregate: Aggregate | None = None
    aggregate_cast: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """A related resource inside of each row; spread puts its columns into the row itself."""

    name: str
    alias: str = ""
    hint: str = ""
    join: Join = ""
    spread: bool = False
    columns: tuple[Column, ...] = ()
    embeds: tuple[Embed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test of a field. `value` is text, for `in` a tuple of texts."""

    field: Field
    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    quantifier: Literal["", "any", "all"] = ""
    config: str = ""
    """Of a text search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic:
    """Tests joined by `and` or `or`."""

    operator: Literal["and", "or"]
    parts: tuple[Check | Logic, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One term of an order; `relation` names an embed whose column it sorts by."""

    field: Field
    relation: str = ""
    direction: Direction = ""
    nulls: Nulls = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """All query parameters of a request."""

    columns: tuple[Column, ...] = ()
    embeds: tuple[Embed, ...] = ()
    tests: tuple[tuple[Path, Check | Logic], ...] = ()
    orders: tuple[tuple[Path, tuple[Sort, ...]], ...] = ()
    limits: tuple[tuple[Path, int], ...] = ()
    offsets: tuple[tuple[Path, int], ...] = ()
    on_conflict: tuple[str, ...] | None = None
    only: tuple[str, ...] | None = None
    """The `columns` parameter: which of a payload's keys are written."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Of a function that is called by GET."""


OPERATORS: frozenset[str] = frozenset(
    (
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "like",
        "ilike",
        "match",
        "imatch",
        "cs",
        "cd",
        "ov",
        "sl",
        "sr",
        "nxr",
        "nxl",
        "adj",
    )
)
QUANTIFIED: frozenset[str] = frozenset(("eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"))
SEARCHES: frozenset[str] = frozenset(("fts", "plfts", "phfts", "wfts"))
TRUTHS: frozenset[str] = frozenset(("null", "true", "false", "unknown"))
