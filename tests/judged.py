"""What the judge announces, row by row, and what quarantine holds after the move: for tests that compare the two."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from crosswalk.checking import foretell
from crosswalk.connect import Session
from crosswalk.express import EVERYTHING, Facts, Moment, Motion
from crosswalk.judge import Fates, find_moment, kept_keys, steadily, tally_rows
from crosswalk.mapping import MappingFile
from crosswalk.snapshot import snapshot
from crosswalk.strategy import fill_order
from crosswalk.survey import Servers, survey
from tests.road import Connection

Keys = dict[str, set[str]]
"""Source keys (json texts) by target table; a table without any is left out."""


async def announced(file: MappingFile, servers: Servers) -> Keys:
    """Every source row that the judge says will not land, by its key."""
    async with survey(file, servers, purpose="test") as found:
        facts, order = found.facts, fill_order(found.facts).tables
        async with snapshot(servers.source, [facts.source_table(n) for n in order], workers=0, purpose="test") as shared:
            kept = await kept_keys(facts, order, found.target)
            moment = await find_moment(facts, order, shared.keeper, strict=False, kept=kept)
            forecast = await foretell(found, order, moment, shared)
            keys = {}
            for name in order:
                motion, seen = Motion(facts, name), forecast.seen(moment, name)
                _, healed = await steadily(facts, name, seen, shared.keeper, partial(_tally, motion, shared.keeper))
                moment, seen = replace(moment, broken=healed.broken), healed
                texts = [motion.rejects(EVERYTHING, seen)] if motion.reasons(seen) else []
                texts += [motion.beaten(seen)] if motion.mapping.on_duplicate == "quarantine" and seen.of(name) else []
                rows = [r for text in texts for r in await shared.keeper.fetch(f"SELECT source_key::text AS k FROM ({text}) AS r")]
                keys[str(name)] = {r["k"] for r in rows} | _broken(facts, moment, motion)
    return {name: found for name, found in keys.items() if found}


async def _tally(motion: Motion, session: Session, moment: Moment) -> Fates:
    return await tally_rows(motion, moment, session)


def _broken(facts: Facts, moment: Moment, motion: Motion) -> set[str]:
    return {"[" + ", ".join(f'"{part}"' for part in key) + "]" for key in moment.broken.get(motion.name, ())}


async def in_quarantine(conn: Connection) -> Keys:
    """Every source row in quarantine, elements of a row that landed left out."""
    rows = await conn.fetch(
        "SELECT target_table AS name, source_key::text AS k FROM crosswalk.quarantine WHERE found_by <> 'elements'"
    )
    found: Keys = {}
    for row in rows:
        found.setdefault(row["name"], set()).add(row["k"])
    return found
