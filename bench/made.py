"""What `bench.manytables` makes: columns and tables on both sides at once, and the texts that they become."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Literal

from crosswalk.names import literal

Reason = tuple[str, str, str | None]
"""(target table, code of the verdict, column)."""
Style = Literal["kept", "vendor", "anew"]
"""How children know a row: by its id, which stays; by a vendor's number; by an id that the target gives anew."""


@dataclass(kw_only=True)
class Column:
    """One column of one table on both sides; either side may lack it."""

    source: str | None = None
    """Definition without its name."""
    value: str = ""
    """SQL over the row's number `i`."""
    target: str | None = None
    rule: str | None = None
    name: str
    new: str = ""
    """Its name in the target."""
    dropped: str = ""
    comment: str = ""


@dataclass(kw_only=True)
class Table:
    """One table on both sides."""

    name: str
    new: str
    key: list[str]
    source_key: list[str]
    target_key: list[str]
    rows: int
    columns: list[Column] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    """Constraints of the target."""
    after: list[str] = field(default_factory=list)
    """Statements on the target behind the table's."""
    style: Style = "kept"
    merges: bool = False
    partitions: bool = False
    reasons: Counter[Reason] = field(default_factory=Counter)
    comment: str = ""
    free: Iterator[int] = field(default_factory=lambda: iter(()))
    """Numbers of rows that may be dirty."""

    def dirty(self, code: str, column: str | None, count: int) -> list[int]:
        """The numbers of so many rows that do not fit for this reason."""
        found = [number for number, _ in zip(self.free, range(count), strict=False)]
        if found:
            self.reasons[(self.new, code, column)] += len(found)
        return found


@dataclass(kw_only=True)
class Area:
    """What the tables of an area share."""

    name: str
    random: Random
    schema: str | None
    """The schema of its tables in the target, where it has one of its own."""
    zone: str
    tables: list[Table] = field(default_factory=list)

    def names(self, plain: str) -> tuple[str, str]:
        """A table's name on both sides."""
        return f"public.{self.name}_{plain}", f"{self.schema}.{plain}" if self.schema else f"public.{self.name}_{plain}"


def source_sql(table: Table) -> str:
    """The table with its rows in the source."""
    held = [c for c in table.columns if c.source is not None]
    definitions = [f"{c.name} {c.source}" for c in held] + [f"PRIMARY KEY ({', '.join(table.source_key)})"]
    lines = [
        f"CREATE TABLE {table.name} ({', '.join(definitions)})",
        f"INSERT INTO {table.name} ({', '.join(c.name for c in held)})"
        f" SELECT {', '.join(c.value for c in held)} FROM generate_series(1, {table.rows}) AS i",
    ]
    indexed = [c.name for c in held if c.name.endswith("_id") or c.name in {"status", "created", "email", "due_on"}]
    lines += [f"CREATE INDEX ON {table.name} ({name})" for name in indexed]
    lines += [f"COMMENT ON COLUMN {table.name}.{c.name} IS {literal(c.comment)}" for c in held if c.comment]
    if table.comment:
        lines.append(f"COMMENT ON TABLE {table.name} IS {literal(table.comment)}")
    return ";\n".join(lines)


def target_sql(table: Table) -> str:
    """The empty table in the target."""
    held = [c for c in table.columns if c.target is not None]
    definitions = [f"{c.new} {c.target}" for c in held]
    definitions += [f"PRIMARY KEY ({', '.join(table.target_key)})", *table.extra]
    tail = " PARTITION BY RANGE (happened_at)" if table.partitions else ""
    lines = [f"CREATE TABLE {table.new} ({', '.join(definitions)}){tail}", *table.after]
    if table.partitions:
        schema, _, plain = table.new.partition(".")
        bounds = ["2024-01-01", "2024-03-01", "2024-06-01"]
        for number, (low, high) in enumerate(pairwise(bounds), 1):
            part = f"{schema}.{plain}_{number}"
            lines.append(f"CREATE TABLE {part} PARTITION OF {table.new} FOR VALUES FROM ('{low}') TO ('{high}')")
        lines.append(f"CREATE TABLE {schema}.{plain}_rest PARTITION OF {table.new} DEFAULT")
    return ";\n".join(lines)


def flow(value: object) -> str:
    """A value as YAML in one line, which JSON is."""
    return json.dumps(value)


def document_of(made: list[Table]) -> str:
    """The true mapping document."""
    lines = ["version: 1", "tables:"]
    for table in made:
        lines += [f"  {table.new}:", f"    from: {table.name}", f"    key: {flow(table.key)}"]
        if table.merges:
            lines.append("    on_duplicate: first")
        lines += ["    rejects: quarantine", "    columns:"]
        lines += [f"      {c.new}: {c.rule}" for c in table.columns if c.rule is not None]
        dropped = [f"      {c.name}: {c.dropped}" for c in table.columns if c.dropped]
        lines += ["    drop:", *dropped] if dropped else []
    lines += ["preserve:", "  public.live_sessions: written by the new application"]
    lines += ["ignore:", "  source:", "    public.import_scratch: left over from an import"]
    return "\n".join(lines) + "\n"
