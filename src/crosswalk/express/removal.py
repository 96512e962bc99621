"""DELETE of target rows by their keys: only rows that nobody refers to.

A foreign key with CASCADE, SET NULL or SET DEFAULT would take or change rows that are not ours (a
preserved table's, say) without a word. A row that any other row refers to is therefore left where it
is, whatever its foreign keys would do; the caller sees by the keys returned which rows went.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crosswalk.express.load import Landing
from crosswalk.names import quote
from crosswalk.schema import Constraint, Table


def delete(landing: Landing, *, besides: Collection[str] = ()) -> str:
    """DELETE the rows of the given target keys ($1: jsonb texts); returns the keys of those that went.

    Without a key, as many rows go as there are equal texts. `besides` names foreign keys that do not count,
    for the caller sees to the rows that refer by them.
    """
    wanted = f"{landing.target_key()} = ANY ($1::text[]::jsonb[])"
    chosen = (
        f'SELECT "cw$t".ctid AS place, "cw$t".tableoid AS part, {landing.target_key()} AS key'
        f" {landing.standing(kept=False)} WHERE {wanted}"
    )
    if not landing.motion.mapping.key:
        numbered = (
            f'SELECT "cw$t".ctid AS place, "cw$t".tableoid AS part, {landing.target_key()} AS key,'
            f" pg_catalog.row_number() OVER (PARTITION BY {landing.target_key()}) AS number {landing.standing(kept=False)}"
        )
        chosen = (
            f"SELECT place, part, key FROM ({numbered}) AS mine JOIN (SELECT k::jsonb AS key, count(*) AS times"
            " FROM unnest($1::text[]) AS k GROUP BY 1) AS wanted USING (key) WHERE number <= times"
        )
    free = "".join(f" AND NOT EXISTS ({child})" for child in _referring(landing, besides))
    return (
        f'DELETE FROM {landing.table.name.sql} AS "cw$d" USING ({chosen}) AS gone'
        f' WHERE "cw$d".ctid = gone.place AND "cw$d".tableoid = gone.part{free} RETURNING gone.key::text AS k'
    )


def _referring(landing: Landing, besides: Collection[str]) -> Iterator[str]:
    """A subquery for each foreign key into the table: the rows that refer to `cw$d` (others than itself)."""
    for table in landing.motion.facts.target.tables.values():
        for key in table.foreign_keys:
            if key.references == landing.table.name and table.partition_of is None and key.name not in besides:
                yield _children(table, key, landing)


def _children(table: Table, key: Constraint, landing: Landing) -> str:
    on = " AND ".join(
        f'"cw$c".{quote(ours)} = "cw$d".{quote(theirs)}'
        for ours, theirs in zip(key.columns, key.referenced_columns, strict=True)
    )
    other = ""
    if table.name == landing.table.name:
        other = ' AND ("cw$c".tableoid, "cw$c".ctid) <> ("cw$d".tableoid, "cw$d".ctid)'
    return f'SELECT FROM {table.name.sql} AS "cw$c" WHERE {on}{other}'
