"""What is around the tables of a rollback: locks, rows that follow by ON DELETE, subscribers.

All locks are taken first, within a short time for all of them together: who waits for an exclusive lock holds up
everybody behind. What cannot be had by then is given back, and asked for again later.
"""

from __future__ import annotations

import time
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import TargetReadOnly, Timeout
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.rollback.losses import Going, keys, reached, relations
from crosswalk.rollback.scope import Scope

PATIENCE: Final = 3.0
"""Seconds for all locks together."""
_LEDGER: Final = "crosswalk.chunk, crosswalk.came, crosswalk.applied, crosswalk.held, crosswalk.filled, crosswalk.landed"
_TABLES: Final = (
    "SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p')"
    " AND (c.oid IN (SELECT to_regclass(n) FROM unnest($1::text[]) AS n) OR c.oid IN (SELECT confrelid FROM"
    " pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid IN (SELECT to_regclass(n) FROM unnest($2::text[]) AS n))"
    " AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')) ORDER BY c.oid"
)


async def require_writable(target: Session) -> None:
    """Raises TargetReadOnly."""
    row = await target.fetchrow(
        "SELECT pg_catalog.pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'", what="the server's state"
    )
    assert row is not None
    if row[0] or row[1]:
        raise TargetReadOnly(reason="it is a standby" if row[0] else "its transactions are read-only")


async def lock(target: Session, scope: Scope) -> None:
    """Wait for chunks of a killed run that are still being committed, then keep everybody out; raises Timeout.

    With the tables of the run go those in the archive, which come back, and those that tables of the plan refer to,
    for a foreign key cannot leave without a lock on both ends.
    """
    began = time.monotonic()
    await _lock(target, _LEDGER, "EXCLUSIVE", began)
    await target.execute("SET LOCAL search_path = ''", what="SET")
    rows = await target.fetch(
        _TABLES,
        [name.sql for name in (*scope.tables, *scope.in_archive)],
        [name.sql for name in scope.made],
        what="the tables of the run",
    )
    for row in rows:
        await _lock(target, row["name"], "ACCESS EXCLUSIVE", began)
    await target.execute("RESET search_path; SET LOCAL lock_timeout = '3s'", what="SET")


async def _lock(target: Session, names: str, mode: str, began: float) -> None:
    left = max(10, int(1000 * (PATIENCE - (time.monotonic() - began))))
    try:
        await target.execute(f"SET LOCAL lock_timeout = {left}; LOCK TABLE {names} IN {mode} MODE", what=f"a lock on {names}")
    except Timeout as error:
        reason = f"others use it, and all locks together may take {PATIENCE:g} s"
        raise Timeout(side="target", what=f"a lock on {names}", reason=reason) from error


async def counted(target: Session, going: Going) -> dict[Name, int]:
    """Rows of tables that are not ours and may lose some, because their ON DELETE CASCADE says so."""
    parents = {claim.target for claim in going.emptied}
    near = {key.edge.table for key in keys(going.schema) if key.edge.parent in parents and key.action}
    found = near.union(*(reached(going.schema, table) for table in near)) - going.claims.keys() - going.created
    return {name: await _rows(target, name) for name in sorted(found)}


async def fewer(target: Session, before: dict[Name, int]) -> list[str]:
    """What became fewer since."""
    told = []
    for name, rows in before.items():
        gone = rows - await _rows(target, name)
        if gone:
            told.append(f"{plural(gone, 'row')} of {name} went along, by ON DELETE CASCADE")
    return told


async def _rows(target: Session, table: Name) -> int:
    return int(await target.fetchval(f"SELECT count(*) FROM {table.sql}", what=f"the rows of {table}"))


async def published(target: Session, going: Going) -> list[str]:
    """Publications that carry what is deleted to their subscribers."""
    roots = {*going.dropped, *(claim.target for claim in going.emptied)}
    names = sorted(t.name for root in roots for t in relations(going.schema, root))
    rows = await target.fetch(
        "SELECT pubname, string_agg(format('%s.%s', schemaname, tablename), ', ' ORDER BY schemaname, tablename) AS names"
        " FROM pg_catalog.pg_publication_tables JOIN unnest($1::text[], $2::text[]) AS ours (s, t)"
        " ON s = schemaname AND t = tablename GROUP BY 1 ORDER BY 1",
        [name.schema for name in names],
        [name.relation for name in names],
        what="the publications",
    )
    return [
        f"the publication {r['pubname']} carries to its subscribers that rows of {r['names']} go; a table that is dropped"
        " or made is not carried"
        for r in rows
    ]
