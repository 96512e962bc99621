r"""A page as PostgREST's query parameters; pure.

Rows after a key are asked for as `or=(a.gt."1",and(a.eq."1",b.gt."x"))`. Inside such a list every value stands in
double quotes with backslashes before `"` and `\`, so that commas, parentheses, dots and the word null are plain text,
and so do names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crosswalk.rest.openapi import StagedColumn

PLACE: Final = ("tableoid", "ctid")
"""Where a row lies: the order of a table that has no key. A view has no such columns."""


def quoted(text: str) -> str:
    """A name or a value in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def selected(columns: Sequence[StagedColumn]) -> list[str]:
    """The items of `select`, in the columns' order: each value as the server's own text."""
    casts = {"text": "::text", "plain": "", "numeric": "::numeric"}
    return [quoted(column.name) + casts[column.reading] for column in columns]


def ordered(names: Sequence[str]) -> str:
    """`order`; NULLs last, which matters only where there is no key."""
    return ",".join(f"{quoted(name)}.asc" for name in names)


def after(names: Sequence[str], values: Sequence[str]) -> str:
    """`or`: the rows that come after these values in the order of these names."""
    terms = []
    for position, (name, value) in enumerate(zip(names, values, strict=True)):
        equal = [f"{quoted(n)}.eq.{quoted(v)}" for n, v in zip(names[:position], values[:position], strict=True)]
        parts = [*equal, f"{quoted(name)}.gt.{quoted(value)}"]
        terms.append(parts[0] if len(parts) == 1 else f"and({','.join(parts)})")
    return f"({','.join(terms)})"


def since(names: Sequence[str], values: Sequence[str]) -> str:
    """`and`: what `after` implies of a composite key's first column, said apart for the index to begin there."""
    return f"({quoted(names[0])}.gte.{quoted(values[0])})"
