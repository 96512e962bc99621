"""Where the sequences that feed a filled table's columns stand, and where they must stand. Reads only.

A sequence must be at least at its column's greatest value and at the position of the source's
sequence for the same column; one that is far enough is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crosswalk.connect import Session
from crosswalk.express import Facts
from crosswalk.mapping import Take
from crosswalk.names import Name, quote
from crosswalk.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A sequence that feeds a column, and where it stands."""

    sequence: Name
    target: Name
    column: str
    before: int | None
    needed: int
    behind: bool


def _feeding(schema: Schema, table: Name) -> Mapping[str, Name]:
    """The sequence behind each column of a table, owned or called by its default."""
    found: dict[str, Name] = {}
    for sequence in schema.sequences.values():
        for owner, column in sequence.used_by:
            if owner == table:
                found.setdefault(column, sequence.name)
        if sequence.owner_table == table and sequence.owner_column:
            found[sequence.owner_column] = sequence.name
    return found


def _source_position(facts: Facts, target: Name, column: str) -> int:
    """How far the source's own sequence is, where the column is taken from one that has a sequence."""
    rule = facts.mapping(target).columns.get(column)
    if not isinstance(rule, Take):
        return 0
    sequence = _feeding(facts.source, facts.mapping(target).source).get(rule.column)
    return (facts.source.sequences[sequence].last_value or 0) if sequence else 0


async def sequence_positions(facts: Facts, target: Name, session: Session) -> list[Position]:
    """What each sequence of a table needs; changes nothing."""
    found = []
    for column, name in sorted(_feeding(facts.target, target).items()):
        if facts.target.sequences[name].increment < 0:
            continue
        what = f"the sequence {name}"
        row = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=what)
        assert row is not None
        top = await session.fetchval(f"SELECT max({quote(column)})::bigint FROM {target.sql}", what=what)
        needed = max(int(top or 0), _source_position(facts, target, column))
        before = int(row["last_value"]) if row["is_called"] else None
        behind = (
            needed > 0 and (before is None or before < needed) and not (before is None and needed < row["last_value"])
        )
        found.append(Position(sequence=name, target=target, column=column, before=before, needed=needed, behind=behind))
    return found
