"""Which columns may hold the numbers of large objects, and the query that counts the rows that do. Pure.

The tables of large objects themselves are closed to a plain role, but for pg_largeobject_metadata, which lists them.
"""

from __future__ import annotations

from typing import Final

from crosswalk.names import Name, quote
from crosswalk.schema import Column

_OID: Final = 26


def holds_numbers(column: Column) -> bool:
    """Of type oid, or of a domain over it (`lo` is one)."""
    return column.type.storage.oid == _OID


def naming(table: Name, column: str) -> str:
    """How many rows hold the number of a large object that exists (one bigint)."""
    return (
        f"SELECT count(*) FROM {table.sql} AS t"
        f" WHERE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata AS m WHERE m.oid = t.{quote(column)})"
    )
