"""Whether the columns that are left behind hold anything: the question, as SQL for the source, and the answer.

A value counts where it is neither NULL, nor empty (an empty text, array or jsonb document), nor the constant that
its column has as default: nobody has written it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crosswalk.names import Name, quote
from crosswalk.schema import Column, Schema, TypeKind, TypeRef
from crosswalk.strategy.fates import Dropped

_CONSTANT: Final = re.compile(
    r"""(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|\(-\d+(?:\.\d+)?\)|true|false)(?:::[\w ."\[\](),]+)?\Z"""
)
_EQUATING: Final = frozenset("NSBDT")
"""pg_type.typcategory of numbers, texts, booleans, dates and spans of time."""
_EMPTY_JSON: Final = "('{}', '[]', 'null', '\"\"')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the columns of one source table that are left behind hold."""

    source: Name
    total: int
    """Rows of the table."""
    rows: int
    """Rows in which at least one of the columns holds something."""
    columns: Mapping[str, int]
    """Rows in which it holds something, by column; only columns that do."""


def held_query(source: Name, columns: Sequence[Column]) -> str:
    """One row: all rows, rows that hold something in any of the columns, then a count for each column."""
    alias = '"cw$held"'
    tests = [_holds(f"{alias}.{quote(c.name)}", c) for c in columns]
    counts = [f'count(*) FILTER (WHERE {test}) AS "{i}"' for i, test in enumerate(tests)]
    anywhere = " OR ".join(f"({test})" for test in tests)
    return (
        f"SELECT count(*) AS total, count(*) FILTER (WHERE {anywhere}) AS rows, {', '.join(counts)}"
        f" FROM {source.sql} AS {alias}"
    )


def held(source: Name, columns: Sequence[Column], row: Mapping[str, int]) -> Held:
    """The answer to `held_query`."""
    found = {column.name: int(row[str(i)]) for i, column in enumerate(columns)}
    return Held(
        source=source,
        total=int(row["total"]),
        rows=int(row["rows"]),
        columns={name: count for name, count in found.items() if count},
    )


def asked(lost: Sequence[Dropped], source: Schema) -> dict[Name, list[Column]]:
    """By source table the columns to ask for: those whose loss nobody has called final."""
    found: dict[Name, list[Column]] = {}
    for each in lost:
        column = source.tables[each.source].column(each.column)
        if column is not None and not each.final:
            found.setdefault(each.source, []).append(column)
    return found


def _holds(value: str, column: Column) -> str:
    test = f"{value} IS NOT NULL{_filled(value, column.type.storage)}"
    if column.default is not None and column.generated is None and _CONSTANT.match(column.default):
        equates = _equates(column.type)
        mine = value if equates else f"{value}::pg_catalog.text"
        own = f"({column.default})" if equates else f"({column.default})::pg_catalog.text"
        test += f" AND {mine} IS DISTINCT FROM {own}"
    return test


def _filled(value: str, ref: TypeRef) -> str:
    """Further: it is not empty, whatever that is for its type."""
    if ref.kind is TypeKind.ARRAY:
        return f" AND pg_catalog.cardinality({value}) > 0"
    if ref.name in {"json", "jsonb"}:
        return f" AND {value}::pg_catalog.text NOT IN {_EMPTY_JSON}"
    return f" AND {value}::pg_catalog.text <> ''" if ref.category == "S" else ""


def _equates(ref: TypeRef) -> bool:
    """Whether two values of the type are told apart by `=`; 0 and 0.00 are one number and two texts."""
    storage = ref.storage
    if storage.element is not None:
        return _equates(storage.element)
    return storage.name == "jsonb" or (storage.builtin and storage.category in _EQUATING) or storage.kind is TypeKind.ENUM
