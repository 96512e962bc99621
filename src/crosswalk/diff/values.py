"""What a comparison of two schemas is, as frozen values, and as the object that `--json` prints.

"Missing" always means: the source has it and the target has not; "new" is the other way round.
Sizes, row counts and versions are told but never make a difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crosswalk.names import Name
from crosswalk.schema import Column, RelationKind


class ColumnVerdict(StrEnum):
    """The weightiest of a column's differences, in this order."""

    MISSING = "missing"
    NEW = "new"
    TYPE = "type"
    NULLABILITY = "nullability"
    GENERATED = "generated"
    IDENTITY = "identity"
    DEFAULT = "default"
    COLLATION = "collation"
    COMMENT = "comment"
    SAME = "same"


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    RENAMED = "renamed"
    """Equal but for the name."""
    MISSING = "missing"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One thing that differs; None stands for "not there"."""

    name: str
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDiff:
    source: Column | None
    target: Column | None
    verdict: ColumnVerdict
    differs: tuple[Attribute, ...] = ()
    """Every attribute that differs, not only the one that gave the verdict."""

    @property
    def name(self) -> str:
        column = self.source or self.target
        assert column is not None
        return column.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDiff:
    """A part of a table (key, index, trigger …) or of a schema (enum, function …) that differs."""

    kind: str
    """`primary key`, `index`, `trigger`, `enum` …"""
    source: str | None
    """Its name there."""
    target: str | None
    verdict: Verdict
    differs: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    rows: int
    exact: bool
    """False where `rows` is the planner's estimate."""
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDiff:
    source: Name | None
    target: Name | None
    kind: RelationKind
    partition: bool
    """True where its rows belong to another table."""
    verdict: Verdict
    columns: tuple[ColumnDiff, ...]
    """Those of the source in their order, then the target's new ones in theirs."""
    properties: tuple[Attribute, ...] = ()
    """Of the relation as a whole: row security, partitioning, comment …"""
    objects: tuple[ObjectDiff, ...] = ()
    """Empty for a table that one side lacks: everything of it is missing or new."""
    source_size: Size | None = None
    target_size: Size | None = None

    @property
    def counts(self) -> dict[ColumnVerdict, int]:
        """How many columns got each verdict; those that none got are left out."""
        counted = Counter(column.verdict for column in self.columns)
        return {verdict: counted[verdict] for verdict in ColumnVerdict if counted[verdict]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    tables: tuple[TableDiff, ...]
    """Tables of both sides, equal ones included: the source's by name, then the target's new ones."""
    views: tuple[TableDiff, ...]
    objects: tuple[ObjectDiff, ...]
    """Enums, domains, sequences, functions, extensions … that differ."""
    notes: tuple[Attribute, ...]
    """What differs without being a difference of the schemas: server and extension versions."""

    @property
    def equal(self) -> bool:
        """True where nothing differs."""
        return not self.objects and all(t.verdict is Verdict.SAME for t in (*self.tables, *self.views))


def _attributes(attributes: tuple[Attribute, ...]) -> list[dict[str, Any]]:
    return [{"name": a.name, "source": a.source, "target": a.target} for a in attributes]


def _object(found: ObjectDiff) -> dict[str, Any]:
    return {
        "kind": found.kind, "source": found.source, "target": found.target, "verdict": found.verdict.value,
        "differs": _attributes(found.differs),
    }


def _column(found: ColumnDiff) -> dict[str, Any]:
    return {
        "name": found.name, "verdict": found.verdict.value,
        "source_type": str(found.source.type) if found.source else None,
        "target_type": str(found.target.type) if found.target else None,
        "differs": _attributes(found.differs),
    }


def _size(size: Size | None) -> dict[str, Any] | None:
    return {"rows": size.rows, "exact": size.exact, "bytes": size.bytes} if size else None


def _table(found: TableDiff) -> dict[str, Any]:
    return {
        "source": str(found.source) if found.source else None,
        "target": str(found.target) if found.target else None,
        "kind": found.kind.value, "partition": found.partition, "verdict": found.verdict.value,
        "counts": {verdict.value: count for verdict, count in found.counts.items()},
        "columns": [_column(column) for column in found.columns],
        "properties": _attributes(found.properties),
        "objects": [_object(each) for each in found.objects],
        "source_size": _size(found.source_size), "target_size": _size(found.target_size),
    }


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain lists, strings and numbers."""
    return {
        "schema_version": 1,
        "equal": comparison.equal,
        "tables": [_table(table) for table in comparison.tables],
        "views": [_table(view) for view in comparison.views],
        "objects": [_object(each) for each in comparison.objects],
        "notes": _attributes(comparison.notes),
    }
