"""Sequences of the new schema behind rows that came with a number of the legacy database's.

Dual-write carries a row with the number that the first side made for it. Were the second side's own sequence to stay
where it is, the first row that is written there alone would get a number that is taken. So a new row with a given number
moves the sequence of its column on, in the same transaction; never back, and only where the role may (UPDATE on the
sequence). A sequence that the column does not own is not known here.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

from crosswalk.data.repository.pool import Connection, rows
from crosswalk.data.repository.rewriting import Writing

_MOVED_ON: Final = resources.files(__package__).joinpath("sequence.sql").read_text(encoding="utf-8")


async def moved_on(connection: Connection, writing: Writing, inserted: list[list[Any]]) -> None:
    """`inserted` are the target's keys of the new rows."""
    column = _numbered(writing)
    numbers = [key[0] for key in inserted if isinstance(key[0], int)]
    if column and numbers:
        await rows(connection, _MOVED_ON, [writing.compiled.name.sql, column, str(max(numbers))])


def _numbered(writing: Writing) -> str | None:
    """The target's key, where it is one column that both databases number, and this write says the number."""
    compiled = writing.compiled
    [column, *others] = compiled.target_key
    write = compiled.writes.get(column)
    if others or write is None or not compiled.target_columns[column].default:
        return None
    said = {name for name in write.reads if compiled.columns[name].generated} & writing.names
    return column if said else None
