"""Conducts a timed sample: how long the whole will take, by what some of it took.

Of each of the larger tables a bounded sample is extracted under one snapshot and relayed into the twin of its
landing, on the target, inside a transaction that is rolled back: the road that the rows will take, and nothing
of it stays. Small tables are taken whole. What the sample cannot see is the merge from the twin into the table
with its indexes; for tables that land that way a factor stands for it.

On the target it makes temporary tables and locks nothing. A sample is bounded by rows, by bytes and by seconds; where
one cannot be taken (no TEMPORARY privilege, a time-out, a full disk) the reason is handed over and the time is a guess.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.copy import CHUNK_BYTES
from crosswalk.copy.hands import row_fault
from crosswalk.errors import LocksExhausted, MissingPrivilege, StatementFailed, Timeout
from crosswalk.express import EVERYTHING, Facts, Landing, Moment, Motion
from crosswalk.names import Name
from crosswalk.relay import relay
from crosswalk.snapshot import savepoint, snapshot

SAMPLE: Final = 20_000
"""Rows of a table that are moved at most."""
SAMPLE_BYTES: Final = 48 * 2**20
"""And so many bytes, by what a row of the table takes on the average: rows may hold whole documents."""
SLOWEST: Final = 10
"""Seconds after which the sample of a table is given up."""
TABLES: Final = 12
"""So many tables are sampled, the largest ones; the others are taken to be as quick."""
BUDGET: Final = 20.0
"""Seconds after which no further table is begun."""
MERGE: Final = 2.5
"""A row that goes through the twin is written twice, the second time with its indexes; as benchmarks have shown."""
OVERHEAD: Final = 0.5
"""Seconds for connecting, the ledger and the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How long a move will take, one worker at work."""

    seconds: float
    measured: bool
    """False where no table could be sampled."""
    tables: Mapping[Name, float] = field(default_factory=dict)
    untimed: Mapping[Name, str] = field(default_factory=dict)
    """Why the sample of a table could not be taken, by table."""


async def time_sample(facts: Facts, order: Sequence[Name], rows: Mapping[Name, int], url: str, target: Session) -> Timed:
    """Move samples and take them back. `rows` are the source rows by target table, `url` is the source's."""
    chosen = sorted((n for n in order if rows.get(n)), key=lambda n: (-facts.source_table(n).bytes, n))[:TABLES]
    took: dict[Name, float] = {}
    untimed: dict[Name, str] = {}
    async with snapshot(url, [facts.source_table(n) for n in chosen], workers=0, purpose="sample") as shared:
        await target.execute("BEGIN", what="the timed sample")
        try:
            for session in (shared.keeper, target):
                await session.execute(f"SET LOCAL statement_timeout = '{SLOWEST}s'", what="SET")
            began = time.monotonic()
            for name in chosen:
                if time.monotonic() - began > BUDGET:
                    break
                try:
                    took[name] = await _table(facts, name, rows[name], shared.keeper, target)
                except (StatementFailed, Timeout, MissingPrivilege, LocksExhausted) as error:
                    # A row that a rule cannot be computed for is told elsewhere.
                    if not (row_fault(error, "source") or row_fault(error, "target")):
                        untimed[name] = str(error)
                    if isinstance(error, MissingPrivilege | LocksExhausted):
                        break
        finally:
            if not target.raw.is_closed():
                await target.execute("ROLLBACK", what="the timed sample")
    return Timed(seconds=_whole(facts, order, took), measured=bool(took), tables=took, untimed=untimed)


async def _table(facts: Facts, name: Name, rows: int, source: Session, target: Session) -> float:
    """Seconds for a whole table."""
    landing = Landing(Motion(facts, name))
    limit = _limit(landing.motion.source.bytes, rows)
    fixed = await _relayed(landing, source, target, 1) if rows > limit else 0.0
    seconds = sampled = await _relayed(landing, source, target, limit)
    if rows > limit:
        chunks = max(1, landing.motion.source.bytes // CHUNK_BYTES)
        seconds = fixed * chunks + max(sampled - fixed, 0.0) * rows / limit
    return seconds * (1.0 if landing.can_land_directly else MERGE)


def _limit(size: int, rows: int) -> int:
    """Rows of the sample of a table of that size."""
    return max(1, min(SAMPLE, SAMPLE_BYTES * rows // max(size, 1)))


async def _relayed(landing: Landing, source: Session, target: Session, limit: int) -> float:
    """Seconds that so many rows take from the source into the twin."""
    what = f"the timed sample of {landing.motion.source.name}"
    query = landing.motion.extract(EVERYTHING, Moment(), keyed=True)
    form: CopyFormat = "binary" if landing.twin_form == "binary" else "text"
    async with savepoint(target), savepoint(source):
        await target.execute(landing.drop_twin(), what=what)
        await target.execute(landing.make_twin(), what=what)
        began = time.monotonic()
        await relay(
            source,
            f'SELECT * FROM ({query}) AS "cw$sample" LIMIT {limit}',
            target,
            "cw_twin",
            landing.twin_columns,
            schema="pg_temp",
            form=form,
            what=what,
        )
        return time.monotonic() - began


def _whole(facts: Facts, order: Sequence[Name], took: Mapping[Name, float]) -> float:
    """All tables, those that were not sampled at the pace of those that were."""
    moved = sum(facts.source_table(n).bytes for n in took)
    rest = sum(facts.source_table(n).bytes for n in order if n not in took)
    pace = sum(took.values()) / moved if moved else 0.0
    return round(OVERHEAD + sum(took.values()) + rest * pace, 1)
