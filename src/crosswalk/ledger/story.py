"""What the ledger can tell of a run besides its states: pace by table, keys of quarantine, statements applied.

For those who read only. Keys come as they are; whoever shows them masks them.
"""

from __future__ import annotations

from typing import Any

from crosswalk.connect import Session
from crosswalk.ledger.entries import SECOND
from crosswalk.ledger.queries import query


async def pace(session: Session, run: int) -> list[dict[str, Any]]:
    """By target table: bytes, chunks, seconds, and when it began and ended (seconds since 1970).

    The time between two chunks that landed one after the other belongs to the table of the later one; a pause
    between a stop and a resumption belongs to nobody.
    """
    return [dict(r) for r in await session.fetch(query("story"), run, SECOND, what="the ledger")]


async def rejected_keys(session: Session, limit: int) -> list[dict[str, Any]]:
    """A few source keys for each reason in quarantine."""
    return [dict(r) for r in await session.fetch(query("samples"), limit, what="the ledger")]


async def applied(session: Session, run: int) -> list[dict[str, Any]]:
    """The statements that changed the target's form, in order."""
    rows = await session.fetch(
        "SELECT number, phase, target_table, name, sql, undo, at::text AS at, undone_at::text AS undone_at"
        " FROM crosswalk.applied WHERE run_id = $1 ORDER BY number",
        run,
        what="the ledger",
    )
    return [dict(r) for r in rows]


async def kept_counts(session: Session) -> dict[str, int]:
    """By target table: rows that stood there before the first run."""
    rows = await session.fetch(
        "SELECT target_table, count(*) AS rows FROM crosswalk.kept GROUP BY 1 ORDER BY 1", what="the ledger"
    )
    return {r["target_table"]: int(r["rows"]) for r in rows}
