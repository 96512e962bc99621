"""The check of sequences: does the next value lie beyond what the column already holds?

A sequence that lags makes the application's next INSERT fail. Asked only where an index answers it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

from crosswalk.doctor.access import lines
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Scene
from crosswalk.names import literal, quote
from crosswalk.schema import Column, Sequence, Table

_INTEGERS: Final = frozenset({"int2", "int4", "int8"})
_AT_ONCE: Final = 100
Feed = tuple[Sequence, Table, Column]


async def sequences_behind(scene: Scene) -> AsyncIterator[Finding]:
    """Sequences whose next value is not beyond the largest value in the column that they feed."""
    feeds = [*_feeds(scene)]
    largest = await _largest(scene, feeds)
    pairs = zip(feeds, largest, strict=True)
    behind = [(s, t, c, value) for (s, t, c), value in pairs if value is not None and _lags(s, value)]
    if behind:
        yield scene.found(
            "sequences.behind", Severity.WARNING, "Sequences lag behind their columns: the next INSERT may fail",
            (
                f"{s.name} is {f'at {s.last_value}' if s.last_value is not None else 'unused'}, "
                f"{t.name}.{quote(c.name)} is ahead by {value - (s.last_value or s.start - s.increment)}"
                for s, t, c, value in behind
            ),
            fix=lines(
                f"SELECT setval({literal(s.name.sql).strip()}, (SELECT max({quote(c.name)}) FROM {t.name.sql}));"
                for s, t, c, _ in behind
            ),
            tables=dict.fromkeys(table.name for _, table, _, _ in behind),
        )


def _lags(sequence: Sequence, largest: int) -> bool:
    following = sequence.start if sequence.last_value is None else sequence.last_value + sequence.increment
    return following <= largest


def _feeds(scene: Scene) -> Iterator[Feed]:
    """Ascending sequences with a readable column that an index leads with."""
    tables = {table.name: table for table in scene.tables}
    for sequence in scene.schema.sequences.values():
        if not sequence.readable or sequence.increment < 0 or sequence.cycle:
            continue
        uses = set(sequence.used_by)
        if sequence.owner_table is not None and sequence.owner_column is not None:
            uses.add((sequence.owner_table, sequence.owner_column))
        for name, column in sorted(uses):
            table = tables.get(name)
            found = table.column(column) if table else None
            if table and found and _cheap(table, found):
                yield sequence, table, found


def _cheap(table: Table, column: Column) -> bool:
    indexed = any(
        i.method == "btree" and i.columns[:1] == (column.name,) and i.valid and not i.partial for i in table.indexes
    )
    readable = column.selectable and not table.row_security.hides
    return indexed and readable and column.type.storage.name in _INTEGERS


async def _largest(scene: Scene, feeds: list[Feed]) -> list[int | None]:
    """max() of each column, in order; a hundred in one query."""
    found: list[int | None] = []
    for start in range(0, len(feeds), _AT_ONCE):
        parts = [
            f"(SELECT max({quote(column.name)})::bigint FROM {table.name.sql})"
            for _, table, column in feeds[start : start + _AT_ONCE]
        ]
        sql = f"SELECT unnest(ARRAY[{', '.join(parts)}]) AS largest"
        found.extend(row["largest"] for row in await scene.session.fetch(sql, what="reading the largest keys"))
    return found
