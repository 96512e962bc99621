"""Which rows of a partitioned table have no partition to go to, as SQL over the row.

Stands on the server's own text for each partition (pg_get_partition_constraintdef), which holds the
bounds of all levels above it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from crosswalk.schema import RelationKind, Schema, Table

DEFAULT_BOUND: Final = "DEFAULT"
_HASH: Final = re.compile(r"modulus (\d+)")
BY_HASH: Final = "satisfies_hash_partition"
"""The server's function behind a hash bound: it takes an OID of its own server, and means nothing on another."""


def homeless(schema: Schema, table: Table) -> str | None:
    """SQL that is true for rows without a partition; None where every row has one."""
    if _complete(schema, table):
        return None
    rules = [*_homes(schema, table)]
    return f"({' OR '.join(f'({rule})' for rule in rules)}) IS NOT TRUE" if rules else "true"


def _complete(schema: Schema, table: Table) -> bool:
    """Whether whatever comes to a table finds a partition in it."""
    if table.kind is not RelationKind.PARTITIONED:
        return True
    parts = schema.partitions(table.name)
    if not all(_complete(schema, part) for part in parts):
        return False
    if any(part.partition_bound == DEFAULT_BOUND for part in parts):
        return True
    moduli = [_HASH.search(part.partition_bound or "") for part in parts]
    return sum((Fraction(1, int(m.group(1))) for m in moduli if m), Fraction(0)) == 1


def _homes(schema: Schema, table: Table) -> Iterator[str]:
    for part in schema.partitions(table.name):
        if _complete(schema, part):
            yield part.partition_rule or "NULL::pg_catalog.bool"
        else:
            yield from _homes(schema, part)
