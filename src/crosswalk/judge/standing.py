"""The rows of others that stand in a target table: their keys, to which rows of ours give way. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from crosswalk.connect import Session
from crosswalk.express import Facts, Landing, Motion
from crosswalk.ledger import Ledger
from crosswalk.names import Name

MOST_VALUES: Final = 200_000
"""Distinct values, or rows that stand in a table, that are sent from one server to the other."""


async def kept_keys(facts: Facts, order: Iterable[Name], target: Session) -> dict[Name, frozenset[str]]:
    """By target table under `existing: keep`: target keys (jsonb texts) of the rows that stay, at most MOST_VALUES + 1."""
    keep = [name for name in order if facts.mapping(name).existing == "keep" and facts.mapping(name).key]
    return {name: await standing_keys(Motion(facts, name), target) for name in keep}


async def standing_keys(motion: Motion, target: Session) -> frozenset[str]:
    """Target keys (jsonb texts) of the rows of others, at most MOST_VALUES + 1."""
    ledger = Ledger(target)
    was_empty = await ledger.filled(motion.name) if await ledger.exists() else None
    if was_empty:
        return frozenset()
    landing = Landing(motion)
    sql = f"SELECT e.target_key::text AS k FROM ({landing.existing_keys()}) AS e"
    if was_empty is False:
        sql = landing.kept_and_standing()
    rows = await target.fetch(f"{sql} LIMIT {MOST_VALUES + 1}", what=f"the rows that stand in {motion.name}")
    return frozenset(r["k"] for r in rows)
