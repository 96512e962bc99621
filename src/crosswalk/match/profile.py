"""Profiles: what the values of a column look like, asked of the server as counts, never as rows.

A profile is read over a bounded sample of a table, one statement for the whole table. It holds
shares, counts, lengths and ends of numbers; no text of a row. It stays in memory: what is written
down of it are counts. `sql` makes the statement, `read` its answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from crosswalk.match.vocabulary import NO, YES
from crosswalk.names import literal, quote
from crosswalk.pg_types import NUMBERS, STRINGS
from crosswalk.schema import Column, RelationKind, Table, TypeKind

ROWS: Final = 4000
"""Rows of a sample at most."""
WHOLE_BYTES: Final = 8 << 20
"""Up to this size a table is read from its start; larger ones are sampled all over."""
PATTERNS: Final[Mapping[str, str]] = {
    "digits": r"^\d+$",
    "number": r"^-?\d+(\.\d+)?$",
    "phone": r"^\+?\d[\d ()./-]{5,18}\d(@.*)?$",
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "url": r"^[a-z]+://",
    "uuid": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "clock": r"^\d{1,2}:\d{2}(:\d{2})?$",
    "date": r"^\d{4}-\d{2}-\d{2}",
    "compact": r"^(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$",
    "dotted": r"^\d{1,2}\.\d{1,2}\.\d{4}$",
    "instant": r"^\d{4}-\d{2}-\d{2}[T ].*(Z|[+-]\d{2}(:?\d{2})?)$",
    "flag": rf"(?i)^\s*({'|'.join(sorted(YES | NO))})\s*$",
    "inet": r"^[0-9a-fA-F.:]{3,}(/\d{1,3})?$",
    "zone": r"^[A-Z][A-Za-z]+/[A-Z][A-Za-z_/+-]+$",
    "quoted": r"^'.*'$",
    "comma": r"^[^,]+, [^,]+",
    "words": r"^\S+ \S+$",
    "json": r"^\s*[\[{]",
}
"""Patterns whose share is asked of texts."""
_OPAQUE: Final = frozenset({"json", "jsonb", "bytea", "xml", "tsvector", "point", "polygon", "path"})
_CLOCKS: Final = frozenset({"timestamp", "timestamptz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What was seen of one column."""

    rows: int
    """Rows that were looked at."""
    present: int
    """Of them not NULL."""
    distinct: int | None = None
    low: Decimal | None = None
    """Of numbers. A value: it never leaves memory."""
    high: Decimal | None = None
    whole: float = 1.0
    """Share of numbers without a fraction."""
    sixties: float = 0.0
    """Share of numbers that are divisible by 60, of those that are not 0."""
    longest: int | None = None
    """Characters of the longest text."""
    shares: Mapping[str, float] | None = None
    """By pattern the share of texts that follow it."""
    midnight: float = 0.0
    """Share of times without a time of day."""
    most: int | None = None
    """Elements of the longest array."""

    def share(self, pattern: str) -> float:
        """Of the texts, those that follow the pattern; 0 where nothing was asked."""
        return (self.shares or {}).get(pattern, 0.0)

    @property
    def always(self) -> bool:
        return self.present == self.rows and self.rows > 0


def sql(table: Table, columns: Sequence[Column]) -> str:
    """One row with one json object a column."""
    parts = ",\n ".join(f"{_measures(c)} AS {quote(f'c{i}')}" for i, c in enumerate(columns))
    names = ", ".join(quote(c.name) for c in columns)
    return f"SELECT {parts}\nFROM (SELECT {names} FROM {sampled(table)} LIMIT {ROWS}) AS s"


def sampled(table: Table) -> str:
    """The table, or a repeatable sample of one that is large."""
    if table.bytes <= WHOLE_BYTES or table.kind not in {RelationKind.TABLE, RelationKind.PARTITIONED}:
        return table.name.sql
    percent = max(0.01, 100 * WHOLE_BYTES / table.bytes)
    return f"{table.name.sql} TABLESAMPLE SYSTEM ({percent:.4f}) REPEATABLE (1)"


def _measures(column: Column) -> str:
    value, kind = f"s.{quote(column.name)}", column.type.storage
    pairs = ["'rows', count(*)", f"'present', count({value})"]
    if kind.kind is TypeKind.ARRAY:
        pairs.append(f"'most', max(pg_catalog.cardinality({value}))")
    elif kind.builtin and kind.name not in _OPAQUE:
        pairs.append(f"'distinct', count(DISTINCT {value}::pg_catalog.text)")
        pairs += _of_numbers(value, kind.name) + _of_texts(value, kind.name) + _of_times(value, kind.name)
    elif kind.kind is TypeKind.ENUM:
        pairs.append(f"'distinct', count(DISTINCT {value}::pg_catalog.text)")
    return f"pg_catalog.jsonb_build_object({', '.join(pairs)})::pg_catalog.text"


def _of_numbers(value: str, name: str) -> list[str]:
    if name not in NUMBERS:
        return []
    finite = f"{value}::pg_catalog.text !~ '[NI]'"
    number = f"CASE WHEN {finite} THEN {value}::pg_catalog.numeric END"
    return [
        f"'low', min({number})::pg_catalog.text",
        f"'high', max({number})::pg_catalog.text",
        f"'whole', avg((({number}) = pg_catalog.trunc({number}))::int)",
        f"'sixties', avg((({number}) % 60 = 0)::int) FILTER (WHERE {value} <> 0)",
    ]


def _of_texts(value: str, name: str) -> list[str]:
    if name not in STRINGS:
        return []
    text = f"pg_catalog.left({value}::pg_catalog.text, 200)"
    shares = ", ".join(
        f"{literal(key)}, avg(({text} ~ {literal(pattern)})::int) FILTER (WHERE {text} <> '')"
        for key, pattern in PATTERNS.items()
    )
    return [
        f"'longest', max(pg_catalog.char_length({value}::pg_catalog.text))",
        f"'shares', pg_catalog.jsonb_build_object({shares})",
    ]


def _of_times(value: str, name: str) -> list[str]:
    if name not in _CLOCKS:
        return []
    return [f"'midnight', avg(({value}::time = '00:00')::int)"]


def read(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, Profile]:
    """Profiles by column from the statement's row."""
    return {column.name: _profile(json.loads(text)) for column, text in zip(columns, row, strict=True)}


def _profile(found: Mapping[str, Any]) -> Profile:
    return Profile(
        rows=found["rows"], present=found["present"], distinct=found.get("distinct"), low=_number(found.get("low")),
        high=_number(found.get("high")), whole=_share(found.get("whole"), 1.0), sixties=_share(found.get("sixties")),
        longest=found.get("longest"),
        shares={k: _share(v) for k, v in found["shares"].items()} if found.get("shares") else None,
        midnight=_share(found.get("midnight")), most=found.get("most"),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _share(value: Any, default: float = 0.0) -> float:
    return default if value is None else float(value)
