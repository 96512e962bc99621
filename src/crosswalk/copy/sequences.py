"""Advances the sequences that feed a filled table's columns; one that is far enough is not touched."""

from __future__ import annotations

from crosswalk.connect import Session
from crosswalk.express import Facts
from crosswalk.failpoints import hit
from crosswalk.names import Name, literal
from crosswalk.sequences import Position, feeding, sequence_positions


async def advance_sequences(facts: Facts, target: Name, session: Session) -> list[Position]:
    """Set what is behind, in a transaction of its own; returns the position of every sequence of the table."""
    if not feeding(facts.target, target):
        return []
    async with session.transaction():
        found = await sequence_positions(facts, target, session)
        for each in found:
            if each.behind:
                await session.execute(_advance(each), what=f"the sequence {each.sequence}")
        hit("sequences.before_commit")
    return found


def _advance(position: Position) -> str:
    """Never back: the application may have drawn numbers since the sequence was looked at."""
    name, needed = position.sequence.sql, position.needed
    further, less = ("LEAST", ">") if position.descending else ("GREATEST", "<")
    return (
        f"SELECT pg_catalog.setval({literal(name)}::regclass, {further}({needed}, last_value)) FROM {name}"
        f" WHERE last_value {less} {needed} OR (last_value = {needed} AND NOT is_called)"
    )
