"""Rows whose target key changed: the SQL that lets them keep their place (and the id that was made for them).

The ledger's key map says where a source row went. Where the same source row now makes another key,
the target row is given that key before the merge looks for it: to delete and insert it would take its
children along. A key that several source rows share, or that is taken already, is left to the merge; a row
that stood in the table before us is never given another key.
"""

from __future__ import annotations

from crosswalk.express.load import NUMBER, SPOILED, TWIN_ROW, Landing
from crosswalk.express.motion import LOSER
from crosswalk.names import literal, quote


def rekey(landing: Landing) -> str:
    """UPDATE the key of each row of the twin that stands under an older key; returns the old keys (jsonb texts)."""
    motion = landing.motion
    key = motion.mapping.key
    table = landing.table.name.sql
    source_key = ", ".join(f"{TWIN_ROW}.{quote(w.name)}::text" for w in motion.key_wires)
    parts = [(f, landing.resolved_value(f, row=TWIN_ROW)) for f in motion.key_fed()]
    values = ", ".join(f"{resolved.value} AS {quote(f.column.name)}" for f, resolved in parts)
    joins = " ".join(join for _, resolved in parts for join in resolved.joins)
    sets = ", ".join(f"{quote(k)} = place.{quote(k)}" for k in key)
    taken = " AND ".join(f'"cw$o".{quote(k)} = moved.{quote(k)}' for k in key)
    here = f"m.target_table = {literal(str(motion.name))}"
    return (
        f"WITH moved AS MATERIALIZED (SELECT m.target_key AS old, {values} FROM {landing.twin} AS {TWIN_ROW} {joins}"
        f" JOIN crosswalk.key_map AS m ON {here} AND m.source_key = jsonb_build_array({source_key})"
        f" WHERE NOT {TWIN_ROW}.{SPOILED} AND NOT {TWIN_ROW}.{LOSER} AND m.target_key <> {landing.twin_key()}"
        f" AND NOT EXISTS (SELECT FROM crosswalk.key_map AS o WHERE o.target_table = m.target_table"
        " AND o.target_key = m.target_key AND o.source_key <> m.source_key)"
        " AND NOT EXISTS (SELECT FROM crosswalk.kept AS k WHERE k.target_table = m.target_table"
        " AND k.target_key = m.target_key)"
        f" ORDER BY {TWIN_ROW}.{NUMBER})"
        f', place AS (SELECT "cw$t".ctid AS place, "cw$t".tableoid AS part, moved.* FROM {table} AS "cw$t"'
        f" {landing.joined_back()} JOIN moved ON {landing.target_key()} = moved.old"
        f' WHERE NOT EXISTS (SELECT FROM {table} AS "cw$o" WHERE {taken}))'
        f' UPDATE {table} AS "cw$u" SET {sets} FROM place'
        ' WHERE "cw$u".ctid = place.place AND "cw$u".tableoid = place.part RETURNING place.old::text AS k'
    )
