"""The planner's statistics of a table that has just been filled."""

from __future__ import annotations

from crosswalk.connect import Session
from crosswalk.errors import MissingPrivilege, StatementFailed, Timeout
from crosswalk.failpoints import hit
from crosswalk.names import Name


async def analyze(target: Session, table: Name) -> None:
    """ANALYZE a table; who may not, or stands before somebody else's lock, leaves it to autovacuum.

    So does one for which it raises: what extended statistics compute of a row, nobody has computed before.
    """
    try:
        await target.execute(f"ANALYZE {table.sql}", what=f"the statistics of {table}")
    except (MissingPrivilege, StatementFailed, Timeout):
        return
    hit("statistics.taken")
