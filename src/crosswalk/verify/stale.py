"""Rows in quarantine that have changed in the source since: they are owed another chance.

Compared by a digest of the row as quarantine keeps it (secrets redacted on both sides); no value
comes here. Of a row that a person gave up the digest is what is left; a row that quarantine could keep by its key alone
is not compared.
"""

from __future__ import annotations

import json
from typing import Final

from crosswalk.connect import Session
from crosswalk.express import Key, Motion

BATCH: Final = 1000
_KEPT: Final = """SELECT DISTINCT ON (q.source_key) q.source_key::text AS key, COALESCE(d.digest, md5(q.row::text)) AS digest
FROM crosswalk.quarantine AS q
LEFT JOIN crosswalk.dropped AS d
       ON d.target_table = q.target_table AND d.source_key = q.source_key AND d.code = q.code
WHERE q.target_table = $1 AND q.found_by = 'load' AND q.code <> 'rule.raises'
  AND (q.row <> '{}' OR d.digest IS NOT NULL)
ORDER BY q.source_key, q.id DESC"""


async def changed_in_quarantine(motion: Motion, source: Session, target: Session) -> list[Key]:
    """Source keys of rows that the load refused and that read otherwise now, or are gone."""
    what = f"the quarantine of {motion.name}"
    width = len(motion.identity)
    kept = {
        tuple(str(part) for part in json.loads(r["key"])[:width]): r["digest"]
        for r in await target.fetch(_KEPT, str(motion.name), what=what)
    }
    keys = list(kept)
    now: dict[Key, str] = {}
    for start in range(0, len(keys), BATCH):
        rows = motion.described(
            tuple(keys[start : start + BATCH]), code="", sqlstate="", message="", constraint=None, column=None
        )
        found = await source.fetch(
            f"SELECT source_key::text AS key, md5(row::text) AS digest FROM ({rows}) AS described", what=what
        )
        now |= {tuple(str(part) for part in json.loads(r["key"])): r["digest"] for r in found}
    return [key for key in keys if now.get(key) != kept[key]]
