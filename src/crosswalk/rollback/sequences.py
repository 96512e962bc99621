"""Sequences stand where they stood. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crosswalk.connect import Session
from crosswalk.names import Name, literal
from crosswalk.schema import Schema
from crosswalk.sequences import states


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """What was done, and what has to wait for the very end."""

    moved: int
    late: tuple[str, ...]
    """Statements that no ROLLBACK takes back: of sequences that are not the role's own."""
    left: tuple[str, ...]
    """Why a sequence was left where it is."""


async def set_sequences_back(
    session: Session, schema: Schema, before: Mapping[Name, tuple[int, bool]], tables: Collection[Name]
) -> Sequences:
    """Let sequences stand where they stood. RESTART gives a sequence a new file, so that setval after it is undone by
    a ROLLBACK; only the owner may do that."""
    now = await states(session, before.keys() & schema.sequences.keys())
    moved = {name: state for name, state in before.items() if name in now and now[name] != state}
    left = {name: others for name in moved if (others := _others(schema, name, tables))}
    for name in left:
        del moved[name]
    own = await _own(session, moved)
    put = {name: f"SELECT pg_catalog.setval({literal(name.sql)}::regclass, {_state(*moved[name])})" for name in moved}
    back = [f"ALTER SEQUENCE {name.sql} RESTART WITH {moved[name][0]}; {put[name]}" for name in moved if name in own]
    if back:
        await session.execute("; ".join(back), what="the sequences")
    return Sequences(
        moved=len(moved),
        late=tuple(sql for name, sql in put.items() if name not in own),
        left=tuple(f"the sequence {name} stays where it is: {others} draws from it too" for name, others in left.items()),
    )


def _state(value: int, called: bool) -> str:
    return f"{value}, {'true' if called else 'false'}"


def _others(schema: Schema, sequence: Name, tables: Collection[Name]) -> str:
    """Further tables that draw from it."""
    return ", ".join(sorted(str(table) for table, _ in schema.sequences[sequence].used_by if table not in tables))


async def _own(session: Session, sequences: Collection[Name]) -> frozenset[Name]:
    """Of them, those that the role may alter."""
    rows = await session.fetch(
        "SELECT n AS name FROM unnest($1::text[]) AS n WHERE pg_has_role("
        "(SELECT relowner FROM pg_catalog.pg_class WHERE oid = n::regclass), 'USAGE')",
        [name.sql for name in sequences],
        what="the sequences",
    )
    found = {row["name"] for row in rows}
    return frozenset(name for name in sequences if name.sql in found)
