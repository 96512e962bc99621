"""The image of a preserved table: rows and a sum over the hashes of their exact bytes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from crosswalk.connect import Session
from crosswalk.names import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class PreservedResult:
    """A preserved table, before the run and now."""

    table: Name
    rows: int
    unchanged: bool
    rows_before: int


async def image_of(session: Session, table: Name) -> tuple[int, Decimal]:
    """Rows of a table and the sum of their hashes."""
    row = await session.fetchrow(
        'SELECT count(*), COALESCE(sum(pg_catalog.hash_record_extended(ROW(pg_catalog.record_send("cw$t".*)), 0)), 0)'
        f' FROM {table.sql} AS "cw$t"',
        what=f"the image of {table}",
    )
    assert row is not None
    return int(row[0]), Decimal(row[1])
