"""What stands in a table, short enough to compare: its rows and a sum over the hashes of their exact values.

A value counts as its binary form, and as its text where the binary form holds an OID, which another
server gives to something else. Reads only; the transaction is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crosswalk.connect import Session
from crosswalk.names import Name, quote
from crosswalk.pg_types import TEXT_ON_THE_WIRE
from crosswalk.schema import Column, Table, TypeKind, TypeRef

_PLAIN: Final = frozenset({TypeKind.BASE, TypeKind.RANGE, TypeKind.MULTIRANGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableImage:
    """One table as it stood under the dump's snapshot."""

    table: Name
    rows: int
    hash: Decimal
    """Sum of the rows' hashes; comparable between servers, not with images taken in another way."""


async def image_of(session: Session, table: Table) -> TableImage:
    """The image under the session's snapshot; raises RowsHidden, MissingPrivilege, StatementFailed."""
    values = ", ".join(_value(column) for column in table.columns)
    row = await session.fetchrow(
        "SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(pg_catalog.hash_record_extended("
        f'ROW(pg_catalog.record_send(ROW({values}))), 0)), 0) FROM {table.name.sql} AS "cw$t"',
        what=f"the image of {table.name}",
    )
    assert row is not None
    return TableImage(table=table.name, rows=int(row[0]), hash=Decimal(row[1]))


def _value(column: Column) -> str:
    value = f'"cw$t".{quote(column.name)}'
    return value if _same_everywhere(column.type) else f"{value}::pg_catalog.text"


def _same_everywhere(ref: TypeRef) -> bool:
    """Whether the type's binary form is the same on every server."""
    if ref.kind is TypeKind.ARRAY and ref.element is not None:
        return _same_everywhere(ref.element)
    return ref.builtin and ref.kind in _PLAIN and ref.name not in TEXT_ON_THE_WIRE
