"""The planner's statistics of a table that has just been filled."""

from __future__ import annotations

from crosswalk.connect import Session
from crosswalk.errors import MissingPrivilege, Timeout
from crosswalk.failpoints import hit
from crosswalk.names import Name


async def analyze(target: Session, table: Name) -> None:
    """ANALYZE a table; who may not, or stands before somebody else's lock, leaves it to autovacuum."""
    try:
        await target.execute(f"ANALYZE {table.sql}", what=f"the statistics of {table}")
    except (MissingPrivilege, Timeout):
        return
    hit("statistics.taken")
