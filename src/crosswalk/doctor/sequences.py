"""The checks of sequences: does the next value lie beyond what the column already holds, and who sets the free ones?

A sequence that lags makes the application's next INSERT fail. Asked only where an index answers it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

from crosswalk.doctor.access import lines
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Both, Scene
from crosswalk.names import Name, literal, quote
from crosswalk.schema import Column, Schema, Sequence, Table

_INTEGERS: Final = frozenset({"int2", "int4", "int8"})
_AT_ONCE: Final = 100
Feed = tuple[Sequence, Table, Column]


async def free_sequences(both: Both) -> AsyncIterator[Finding]:
    """Sequences that feed no column are the application's alone: no row tells where they must stand, and no move sets them."""
    fed, known = _fed(both.source.schema) | _fed(both.target.schema), both.target.schema.sequences
    schemas = {table.name.schema for table in both.source.tables}
    evidence, fixes = [], []
    for name, sequence in sorted(both.source.schema.sequences.items()):
        last = sequence.last_value
        if name in fed or name.schema not in schemas or last is None:
            continue
        here = known.get(name)
        if here is None:
            evidence.append(f"{name} is at {last}, and the target has none of that name")
        elif _is_before(here, last):
            evidence.append(f"{name} is at {last}, the target's {f'at {here.last_value}' if here.last_value else 'unused'}")
            fixes.append(f"SELECT setval({literal(name.sql).strip()}, {last});")
    if evidence:
        yield both.target.found(
            "sequences.free", Severity.WARNING, "Sequences that feed no column: a move does not set them", evidence,
            fix=lines(fixes),
        )


def _fed(schema: Schema) -> set[Name]:
    return {sequence for columns in schema.fed_by_sequences.values() for sequence in columns.values()}


def _is_before(sequence: Sequence, last: int) -> bool:
    """It has yet to give a number that the other has given; one that may not be read counts as such."""
    at = sequence.last_value
    return at is None or (at > last if sequence.increment < 0 else at < last)


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
