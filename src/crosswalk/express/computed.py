"""What the target computes of every row by itself: generated columns, expressions and predicates of indexes.

Where that raises the target refuses the row, so the source is asked beforehand; not about expressions that only
compare, which cannot raise. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from crosswalk.express.casts import type_sql
from crosswalk.express.facts import Moment, Selection
from crosswalk.express.motion import Motion
from crosswalk.schema import Index
from crosswalk.wording import tokens

_FUNCTIONS: Final = frozenset({"lower", "upper", "length", "char_length", "btrim", "COALESCE", "ANY", "ALL", "AND", "OR", "NOT"})
_CAST: Final = re.compile(r"::(character varying|text|bpchar)(\[\])?(?![\w(])")
_LITERAL_CAST: Final = re.compile(
    r"""('(?:[^']|'')*'|\bNULL)::("?\w+"?(\ varying|\ precision|\ with(out)?\ time\ zone)?)(\(\d+(,\d+)?\))?(\[\])?""",
    re.VERBOSE,
)
_SIGNS: Final = frozenset("<>=!()[],.0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What the target computes of every row, and for whose sake it refuses a row of which it cannot."""

    name: str
    """Of the column, or of the index."""
    columns: tuple[str, ...]
    sql: str
    """A number over the mapped row; it raises where the target does."""


def computed(motion: Motion) -> tuple[list[Computed], list[str]]:
    """Generated columns, expressions and predicates of indexes, and a sentence for each that the source cannot compute."""
    allowed = motion.facts.checks.get(motion.name, ())
    found: list[Computed] = []
    unjudged: list[str] = []
    for column in motion.target.columns:
        if column.generated and column.default:
            if f"computed:{column.name}" in allowed:
                bare = f"::{type_sql(column.type.storage)}" if column.type.storage.builtin else ""
                sql = f"pg_catalog.num_nulls(({column.default}){bare})"
                if not harmless(column.default):
                    found.append(Computed(name=column.name, columns=(column.name,), sql=sql))
            else:
                unjudged.append(f"{motion.name}: {column.name} (the source cannot compute it): left to the load")
    for index in motion.target.indexes:
        if not index.valid or not (index.partial or index.expressions):
            continue
        if f"index:{index.name}" in allowed:
            if not all(harmless(text) for text in (*index.keys, index.predicate or "")):
                found.append(Computed(name=index.name, columns=(), sql=_entry(index)))
        elif not index.unique and not index.constraint:
            unjudged.append(f"{motion.name}: {index.name} (the source cannot compute its entries): left to the load")
    return found, unjudged


def _entry(index: Index) -> str:
    keys = ", ".join(f"({key})" for key, name in zip(index.keys, index.columns, strict=False) if not name)
    number = f"pg_catalog.num_nulls({keys})" if keys else "0"
    return f"CASE WHEN {index.predicate} THEN {number} END" if index.predicate else number


def computing(motion: Motion, what: list[Computed], selection: Selection, moment: Moment) -> str:
    """A number for whose sake the target's own computations are done for each row that fits."""
    total = " + ".join(f"sum({each.sql})" for each in what)
    return f'SELECT {total} FROM ({motion.fitting(selection, moment)}) AS "cw$fitting"'


def harmless(text: str) -> bool:
    """Whether an expression only compares columns and constants, so that it raises for no row."""
    bare = _CAST.sub("", _LITERAL_CAST.sub(r"\1", text))
    parts = [part for part in tokens(bare) if not part.isspace()]
    for place, part in enumerate(parts):
        after = "".join(parts[place + 1 : place + 2])
        name = part[0].isalpha() or part[0] in "_\""
        if name and after == "(" and part not in _FUNCTIONS:
            return False
        if not name and part[0] != "'" and part not in _SIGNS:
            return False
    return True
