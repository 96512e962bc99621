"""Where the sequences that feed a filled table's columns stand, and where they must stand. Reads only.

A sequence must be at least at its column's greatest value and at the position of the source's
sequence for the same column; one that is far enough is left alone. A sequence inside the default of a
text (`'INV-' || nextval(…)`) cannot be held against the column's values: `uncovered_sequences` names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crosswalk.connect import Session
from crosswalk.express import Facts
from crosswalk.mapping import Take
from crosswalk.names import Name, quote
from crosswalk.pg_types import INTEGERS
from crosswalk.schema import Schema, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A sequence that feeds a column, and where it stands."""

    sequence: Name
    target: Name
    column: str
    before: int | None
    needed: int
    behind: bool


def feeding(schema: Schema, table: Name) -> Mapping[str, Name]:
    """The sequence behind each column of a table, owned or called by its default."""
    return schema.fed_by_sequences.get(table, {})


def _source_position(facts: Facts, target: Name, column: str) -> int:
    """How far the source's own sequence is, where the column is taken from one that has a sequence."""
    rule = facts.mapping(target).columns.get(column)
    if not isinstance(rule, Take):
        return 0
    sequence = feeding(facts.source, facts.mapping(target).source).get(rule.column)
    return (facts.source.sequences[sequence].last_value or 0) if sequence else 0


def _counts(table: Table, column: str) -> bool:
    """Whether a column's values are numbers that a sequence may have given."""
    found = table.column(column)
    return found is not None and found.type.storage.name in {*INTEGERS, "numeric"}


def uncovered_sequences(facts: Facts, target: Name) -> Iterator[str]:
    """What `sequence_positions` says nothing of, and why."""
    for column, name in sorted(feeding(facts.target, target).items()):
        if not _counts(facts.target_table(target), column):
            yield f"{name}: the sequence feeds {target}.{column}, whose values are no numbers"


async def sequence_states(
    facts: Facts, targets: Iterable[Name], session: Session
) -> dict[Name, tuple[int, bool]]:
    """Last value, and whether it was given out, of the sequences behind these tables that the role may read."""
    named = sorted({name for target in targets for name in feeding(facts.target, target).values()})
    found = {}
    for name in named:
        if facts.target.sequences[name].readable:
            row = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=f"the sequence {name}")
            assert row is not None
            found[name] = (int(row[0]), bool(row[1]))
    return found


async def sequence_positions(facts: Facts, target: Name, session: Session) -> list[Position]:
    """What each sequence of a table needs; changes nothing."""
    found = []
    for column, name in sorted(feeding(facts.target, target).items()):
        sequence = facts.target.sequences[name]
        if sequence.increment < 0 or not _counts(facts.target_table(target), column):
            continue
        what = f"the sequence {name}"
        row = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=what)
        assert row is not None
        within = f"FILTER (WHERE {quote(column)} <= {sequence.maximum})"  # what lies beyond it, it never gives
        top = await session.fetchval(
            f"SELECT ceil(max({quote(column)}) {within})::bigint FROM {target.sql}", what=what
        )
        needed = min(max(int(top or 0), _source_position(facts, target, column)), sequence.maximum)
        before = int(row["last_value"]) if row["is_called"] else None
        behind = (
            needed > 0 and (before is None or before < needed) and not (before is None and needed < row["last_value"])
        )
        found.append(Position(sequence=name, target=target, column=column, before=before, needed=needed, behind=behind))
    return found
