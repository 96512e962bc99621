"""Where the sequences that feed a filled table's columns stand, and where they must stand. Reads only.

A sequence must be at least at its column's greatest value (its least, where it counts down) and at the
position of the source's sequence for the same column; one that is far enough is left alone. Values that it
can never give do not count. A sequence inside the default of a text (`'INV-' || nextval(…)`) cannot be held
against the column's values, and one of the source that the role may not read says nothing:
`uncovered_sequences` names both, `unread_sequences` says before a move what the latter costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.express import Facts
from crosswalk.mapping import Take
from crosswalk.names import Name, quote
from crosswalk.pg_types import INTEGERS
from crosswalk.schema import Schema, Sequence, Table

BATCH: Final = 25
"""Sequences in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A sequence that feeds a column, and where it stands."""

    sequence: Name
    target: Name
    column: str
    before: int | None
    """The last value that it gave; None where it gave none."""
    needed: int
    """0 where nothing is asked of it."""
    behind: bool
    descending: bool = False


def feeding(schema: Schema, table: Name) -> Mapping[str, Name]:
    """The sequence behind each column of a table, owned or called by its default."""
    return schema.fed_by_sequences.get(table, {})


def _of_source(facts: Facts, target: Name, column: str) -> Sequence | None:
    """The source's own sequence, where the column is taken from one that has a sequence."""
    rule = facts.mapping(target).columns.get(column)
    if not isinstance(rule, Take):
        return None
    name = feeding(facts.source, facts.mapping(target).source).get(rule.column)
    return facts.source.sequences[name] if name is not None else None


def _counts(table: Table, column: str) -> bool:
    """Whether a column's values are numbers that a sequence may have given."""
    found = table.column(column)
    return found is not None and found.type.storage.name in {*INTEGERS, "numeric"}


def uncovered_sequences(facts: Facts, target: Name) -> Iterator[str]:
    """What `sequence_positions` says nothing of, and why."""
    for column, name in sorted(feeding(facts.target, target).items()):
        if not _counts(facts.target_table(target), column):
            yield f"{name}: the sequence feeds {target}.{column}, whose values are no numbers"
            continue
        theirs = _of_source(facts, target, column)
        if theirs is not None and not theirs.readable:
            yield f"{name}: compared with the values of {target}.{column} alone, the source's {theirs.name} may not be read"


def unread_sequences(facts: Facts, targets: Iterable[Name]) -> Iterator[str]:
    """A word for each sequence of the source that may not be read, and what helps."""
    role = quote(facts.source.role)
    for target in targets:
        for column in sorted(feeding(facts.target, target)):
            theirs = _of_source(facts, target, column) if _counts(facts.target_table(target), column) else None
            if theirs is not None and not theirs.readable:
                yield (
                    f"the source's sequence {theirs.name} may not be read: {target}.{column} goes on after its greatest value,"
                    f" and numbers of rows that were deleted may come again (GRANT SELECT ON SEQUENCE {theirs.name.sql} TO {role})"
                )


async def sequence_states(
    facts: Facts, targets: Iterable[Name], session: Session
) -> dict[Name, tuple[int, bool]]:
    """Last value, and whether it was given out, of the sequences behind these tables that the role may set."""
    named = {name for target in targets for name in feeding(facts.target, target).values()}
    return await states(session, sorted(name for name in named if facts.target.sequences[name].settable))


async def states(session: Session, sequences: Iterable[Name]) -> dict[Name, tuple[int, bool]]:
    """Last value, and whether it was given out; many sequences in one statement."""
    left = list(sequences)
    found: dict[Name, tuple[int, bool]] = {}
    for start in range(0, len(left), BATCH):
        some = left[start : start + BATCH]
        sql = " UNION ALL ".join(f"SELECT {i} AS i, last_value, is_called FROM {name.sql}" for i, name in enumerate(some))
        told = f"the sequence {some[0]}" if len(some) == 1 else "the sequences"
        found |= {some[r["i"]]: (int(r["last_value"]), bool(r["is_called"])) for r in await session.fetch(sql, what=told)}
    return found


async def sequence_positions(facts: Facts, target: Name, session: Session) -> list[Position]:
    """What each sequence of a table needs; changes nothing."""
    found = []
    for column, name in sorted(feeding(facts.target, target).items()):
        if not _counts(facts.target_table(target), column):
            continue
        sequence, what = facts.target.sequences[name], f"the sequence {name}"
        state = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=what)
        assert state is not None
        furthest = await session.fetchval(_furthest(sequence, target, column), what=what)
        needed = _needed(sequence, furthest, _of_source(facts, target, column))
        found.append(
            Position(
                sequence=name,
                target=target,
                column=column,
                before=int(state["last_value"]) if state["is_called"] else None,
                needed=needed or 0,
                behind=needed is not None and _behind(sequence, int(state["last_value"]), state["is_called"], needed),
                descending=sequence.increment < 0,
            )
        )
    return found


def _furthest(sequence: Sequence, target: Name, column: str) -> str:
    """The last of the column's values in the sequence's direction, those left out that it never gives.

    As numeric: the server's own ceil of a bigint is a float, which takes 9007199254740993 for its neighbour.
    """
    name = quote(column)
    within = f"{name} BETWEEN {sequence.minimum} AND {sequence.maximum}"
    last, whole = ("min", "floor") if sequence.increment < 0 else ("max", "ceil")
    return f"SELECT {whole}((SELECT {last}({name}) FROM {target.sql} WHERE {within})::numeric)::bigint"


def _needed(sequence: Sequence, furthest: int | None, theirs: Sequence | None) -> int | None:
    """Where it must stand at least; None where it may stand anywhere."""
    down, values = sequence.increment < 0, [furthest]
    if theirs is not None and theirs.last_value is not None and (theirs.increment < 0) is down:
        end = max(theirs.last_value, sequence.minimum) if down else min(theirs.last_value, sequence.maximum)
        values.append(end)
    given = [v for v in values if v is not None and sequence.minimum <= v <= sequence.maximum]
    if not given:
        return None
    return min(given) if down else max(given)


def _behind(sequence: Sequence, last: int, called: bool, needed: int) -> bool:
    """The next value is one that was given already: `last` itself, where it was not given out."""
    if last == needed:
        return not called
    return last > needed if sequence.increment < 0 else last < needed
