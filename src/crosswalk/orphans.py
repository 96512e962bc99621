"""Adds the foreign keys that were dropped for the load; rows that violate one go to quarantine.

A row whose parent did not fit is left without one. It is taken out of the target and set aside, and
so in turn are the rows that pointed to it, until the key holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from crosswalk import apply
from crosswalk.copy.quarantine import Refusal, quarantine_refused
from crosswalk.errors import StatementFailed
from crosswalk.express import Landing, Motion, delete
from crosswalk.filling import Stage
from crosswalk.ledger import Held, Tally
from crosswalk.names import Name, quote

_KEY: Final = files("crosswalk.ledger").joinpath("foreign_key.sql")


async def add_keys(stage: Stage, tallies: list[Tally]) -> None:
    """Add every foreign key that is held; corrects the tallies of tables that lost rows by it."""
    held = [h for h in await stage.ledger.held() if h.kind == "foreign key"]
    for each in held:
        while True:
            try:
                await apply.add_key(stage.ledger.session, each, f"the foreign key {each.name} of {each.target}")
                break
            except StatementFailed as error:
                if error.fields["sqlstate"] != "23503":
                    raise
                if not await _set_aside(stage, each, tallies, besides=frozenset(h.name for h in held)):
                    raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A foreign key as it stands now, perhaps not valid yet."""

    columns: tuple[str, ...]
    references: Name
    referenced_columns: tuple[str, ...]


async def _key(stage: Stage, held: Held) -> _Key | None:
    """The key from the catalog, where it was added but not validated; else as it was before it was dropped."""
    row = await stage.ledger.session.fetchrow(_KEY.read_text(), held.target.sql, held.name, what="the foreign keys")
    if row is not None:
        return _Key(
            columns=tuple(row["columns"]),
            references=Name(row["schema"], row["relation"]),
            referenced_columns=tuple(row["referenced"]),
        )
    found = next((c for c in stage.facts.target_table(held.target).foreign_keys if c.name == held.name), None)
    if found is None or found.references is None:
        return None
    return _Key(columns=found.columns, references=found.references, referenced_columns=found.referenced_columns)


async def _set_aside(stage: Stage, held: Held, tallies: list[Tally], *, besides: frozenset[str]) -> int:
    """Move the rows that violate a key into quarantine; returns how many left the target."""
    key = await _key(stage, held)
    if key is None:
        return 0
    motion = Motion(stage.facts, held.target)
    landing = Landing(motion)
    session, keeper = stage.ledger.session, stage.snapshot.keeper
    what = f"the rows that violate {held.name}"
    orphans = [r["target_key"] for r in await session.fetch(_violating(landing, key), what=what)]
    refusal = Refusal(
        sqlstate="23503",
        message=f"the row that it refers to is not in {key.references}",
        constraint=held.name,
        column=", ".join(key.columns),
    )
    async with session.transaction():
        rows = await session.fetch(delete(landing, besides=besides), orphans, what=what)
        gone = [r["k"] for r in rows]
        sources = [tuple(r.values()) for r in await keeper.fetch(motion.meeting(gone, stage.moment), what=what)]
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
                    written=tally.written - len(gone),
                )
                await stage.ledger.tally(stage.run, tallies[i])
    return len(gone)


def _violating(landing: Landing, key: _Key) -> str:
    """Target keys of the rows that refer to nothing (MATCH SIMPLE: a NULL refers to nothing and violates nothing)."""
    on = " AND ".join(
        f'p.{quote(theirs)} = "cw$t".{quote(ours)}'
        for ours, theirs in zip(key.columns, key.referenced_columns, strict=True)
    )
    given = " AND ".join(f'"cw$t".{quote(c)} IS NOT NULL' for c in key.columns)
    return (
        f"SELECT target_key::text FROM ({landing.existing_keys()} WHERE {given}"
        f" AND NOT EXISTS (SELECT FROM {key.references.sql} AS p WHERE {on})) AS orphans"
    )
