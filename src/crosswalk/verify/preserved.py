"""The image of a preserved table: rows and a sum over the hashes of their exact bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from crosswalk.connect import Session
from crosswalk.ledger.landed import unsent
from crosswalk.names import Name, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class PreservedResult:
    """A preserved table, before the run and now."""

    table: Name
    rows: int
    unchanged: bool
    rows_before: int


async def _listed(session: Session, table: Name, texts: Collection[str]) -> str:
    """All columns, some as texts."""
    rows = await session.fetch(
        "SELECT attname::text AS name FROM pg_catalog.pg_attribute"
        " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        table.sql,
        what=f"the columns of {table}",
    )
    listed = (f'"cw$t".{quote(r["name"])}' + ("::text" if r["name"] in texts else "") for r in rows)
    return f"ROW({', '.join(listed)})"


async def image_of(session: Session, table: Name) -> tuple[int, Decimal]:
    """Rows of a table and the sum of their hashes."""
    texts = await unsent(session, table)
    whole = await _listed(session, table, texts) if texts else '"cw$t".*'
    row = await session.fetchrow(
        f"SELECT count(*), COALESCE(sum(pg_catalog.hash_record_extended(ROW(pg_catalog.record_send({whole})), 0)), 0)"
        f' FROM {table.sql} AS "cw$t"',
        what=f"the image of {table}",
    )
    assert row is not None
    return int(row[0]), Decimal(row[1])
