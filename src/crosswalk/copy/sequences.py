"""Advances the sequences that feed a filled table's columns; one that is far enough is not touched."""

from __future__ import annotations

from crosswalk.connect import Session
from crosswalk.express import Facts
from crosswalk.failpoints import hit
from crosswalk.names import Name, literal
from crosswalk.sequences import Position, sequence_positions


async def advance_sequences(facts: Facts, target: Name, session: Session) -> list[Position]:
    """Set what is behind, in a transaction of its own; returns the position of every sequence of the table."""
    async with session.transaction():
        found = await sequence_positions(facts, target, session)
        for each in found:
            if each.behind:
                await session.execute(
                    f"SELECT setval({literal(each.sequence.sql)}::regclass, {each.needed})",
                    what=f"the sequence {each.sequence}",
                )
        hit("sequences.before_commit")
    return found
