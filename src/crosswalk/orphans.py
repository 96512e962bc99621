"""Adds the foreign keys that were dropped for the load; rows that violate one go to quarantine.

A row whose parent did not fit is left without one. It is taken out of the target and set aside, and
so in turn are the rows that pointed to it, until the key holds.
"""

from __future__ import annotations

import json
from dataclasses import replace

from crosswalk import apply
from crosswalk.copy.quarantine import Refusal, quarantine_refused
from crosswalk.errors import StatementFailed
from crosswalk.express import Landing, Motion
from crosswalk.filling import Stage
from crosswalk.ledger import Held, Tally
from crosswalk.names import quote
from crosswalk.schema import Constraint


async def add_keys(stage: Stage, tallies: list[Tally]) -> None:
    """Add every foreign key that is held; corrects the tallies of tables that lost rows by it."""
    for held in [h for h in await stage.ledger.held() if h.kind == "foreign key"]:
        while True:
            try:
                await apply.add_key(stage.ledger.session, held, f"the foreign key {held.name} of {held.target}")
                break
            except StatementFailed as error:
                if error.fields["sqlstate"] != "23503" or not await _set_aside(stage, held, tallies):
                    raise


async def _set_aside(stage: Stage, held: Held, tallies: list[Tally]) -> int:
    """Move the rows that violate a key into quarantine; returns how many."""
    table = stage.facts.target_table(held.target)
    key = next((c for c in table.foreign_keys if c.name == held.name), None)
    if key is None or key.references is None:
        return 0
    motion = Motion(stage.facts, held.target)
    landing = Landing(motion)
    session, keeper = stage.ledger.session, stage.snapshot.keeper
    what = f"the rows that violate {held.name}"
    rows = await session.fetch(_violating(landing, key), what=what)
    orphans = [r["target_key"] for r in rows]
    if not orphans:
        return 0
    sources = [tuple(r.values()) for r in await keeper.fetch(motion.meeting(orphans, stage.moment), what=what)]
    refusal = Refusal(
        sqlstate="23503",
        message=f"the row that it refers to is not in {key.references}",
        constraint=held.name,
        column=", ".join(key.columns),
    )
    async with session.transaction():
        await session.execute(landing.delete(), orphans, what=what)
        await quarantine_refused(motion, stage.run, keeper, session, dict.fromkeys(sources, refusal))
        await session.execute(
            "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND source_key = ANY ($2::text[]::jsonb[])",
            str(held.target),
            [json.dumps(k) for k in sources],
            what="the key map",
        )
        for i, tally in enumerate(tallies):
            if tally.target == held.target:
                tallies[i] = replace(
                    tally,
                    loaded=tally.loaded - len(sources),
                    quarantined=tally.quarantined + len(sources),
                    written=tally.written - len(orphans),
                )
                await stage.ledger.tally(stage.run, tallies[i])
    return len(orphans)


def _violating(landing: Landing, key: Constraint) -> str:
    """Target keys of the rows that refer to nothing (MATCH SIMPLE: a NULL refers to nothing and violates nothing)."""
    assert key.references is not None
    on = " AND ".join(
        f'p.{quote(theirs)} = "cw$t".{quote(ours)}'
        for ours, theirs in zip(key.columns, key.referenced_columns, strict=True)
    )
    given = " AND ".join(f'"cw$t".{quote(c)} IS NOT NULL' for c in key.columns)
    return (
        f"SELECT target_key::text FROM ({landing.existing_keys()} WHERE {given}"
        f" AND NOT EXISTS (SELECT FROM {key.references.sql} AS p WHERE {on})) AS orphans"
    )
