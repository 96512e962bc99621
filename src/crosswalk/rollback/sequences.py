"""Sequences stand where they stood. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crosswalk.connect import Session
from crosswalk.names import Name, literal
from crosswalk.schema import Schema


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
    moved, late, left = 0, [], []
    for name, (value, called) in before.items():
        found = schema.sequences.get(name)
        if found is None or await _state(session, name) == (value, called):
            continue
        others = sorted(str(table) for table, _ in found.used_by if table not in tables)
        if others:
            left.append(f"the sequence {name} stays where it is: {', '.join(others)} draws from it too")
            continue
        moved += 1
        own = await session.fetchval(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = $1::text::regclass",
            name.sql,
            what=f"the sequence {name}",
        )
        put = f"SELECT pg_catalog.setval({literal(name.sql)}::regclass, {value}, {'true' if called else 'false'})"
        if own:
            await session.execute(f"ALTER SEQUENCE {name.sql} RESTART WITH {value}; {put}", what=f"the sequence {name}")
        else:
            late.append(put)
    return Sequences(moved=moved, late=tuple(late), left=tuple(left))


async def _state(session: Session, name: Name) -> tuple[int, bool]:
    row = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=f"the sequence {name}")
    assert row is not None
    return int(row[0]), bool(row[1])
