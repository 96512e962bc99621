"""Writes rejected source rows into the ledger's quarantine, from server to server.

Rows and reasons travel as one COPY; values never pass through Python. Rows that the rules reject are
written once per run and table; rows that only the load could refuse are written in the transaction
of their chunk. A row already there is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.express import EVERYTHING, Key, Moment, Motion
from crosswalk.names import Name, literal
from crosswalk.relay import relay

COLUMNS: Final = [
    "run_id",
    "source_table",
    "target_table",
    "found_by",
    "source_key",
    "row",
    "code",
    "sqlstate",
    "message",
    "constraint_name",
    "column_name",
]
_BATCH: Final = 500
RAISES: Final = "rule.raises"
"""The code of rows for which a rule raised an error on the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the load refused a row."""

    sqlstate: str
    message: str
    """Without values of the row."""
    constraint: str | None = None
    column: str | None = None
    code: str = "refused"


def _addressed(motion: Motion, run: int, found_by: str, rejects: str) -> str:
    names = (
        f"{run}::bigint, {literal(str(motion.source.name))}::text, {literal(str(motion.name))}::text,"
        f" {literal(found_by)}::text"
    )
    return (
        f"SELECT {names}, source_key, row, code::text, sqlstate::text, message::text, constraint_name::text,"
        f" column_name::text FROM ({rejects}) AS rejects"
    )


async def _send(source: Session, target: Session, motion: Motion, run: int, found_by: str, rejects: str) -> int:
    landed = await relay(
        source,
        _addressed(motion, run, found_by, rejects),
        target,
        "quarantine",
        COLUMNS,
        schema="crosswalk",
        form="binary",
        what=f"quarantine of {motion.source.name}",
    )
    return landed.rows


async def quarantine_static(motion: Motion, moment: Moment, run: int, source: Session, target: Session) -> int:
    """Write the rows that the rules reject, in a transaction of its own; returns how many."""
    async with target.transaction():
        await forget_rejected(motion.name, target)
        count = 0
        if motion.conditions:
            count += await _send(source, target, motion, run, "rules", motion.rejects(EVERYTHING, moment))
            if motion.unnests:
                await _send(source, target, motion, run, "elements", motion.rejects(EVERYTHING, moment, elements=True))
        if motion.mapping.on_duplicate == "quarantine" and moment.of(motion.name):
            count += await _send(source, target, motion, run, "rules", motion.beaten(moment))
    return count


async def forget_older(target_table: Name, run: int, target: Session) -> None:
    """Take out what the loads of earlier runs refused: this run has asked for every row of the table again."""
    await target.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'load' AND run_id < $2",
        str(target_table),
        run,
        what="the quarantine",
    )


async def forget_rejected(target_table: Name, target: Session) -> None:
    """Take out what the rules rejected: they reject no row of the table any more."""
    await target.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by IN ('rules', 'elements')",
        str(target_table),
        what="the quarantine",
    )


async def quarantine_refused(
    motion: Motion, run: int, source: Session, target: Session, refused: Mapping[Key, Refusal]
) -> int:
    """Write rows that the load refused, in the caller's transaction; returns how many."""
    if not refused:
        return 0
    await forget(motion, target, refused)
    by_reason: dict[Refusal, list[Key]] = {}
    for key, refusal in refused.items():
        by_reason.setdefault(refusal, []).append(key)
    count = 0
    for refusal, keys in by_reason.items():
        for start in range(0, len(keys), _BATCH):
            batch = tuple(keys[start : start + _BATCH])
            rejects = motion.described(
                batch,
                code=refusal.code,
                sqlstate=refusal.sqlstate,
                message=refusal.message,
                constraint=refusal.constraint,
                column=refusal.column,
            )
            count += await _send(source, target, motion, run, "load", rejects)
    return count


async def forget(motion: Motion, target: Session, keys: Mapping[Key, object] | list[Key]) -> None:
    """Take rows out of quarantine by source key, whatever put them there."""
    width = len(motion.identity)
    await target.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'load'"
        " AND source_key = ANY ($2::text[]::jsonb[])",
        str(motion.name),
        [json.dumps(key[:width]) for key in keys],
        what="the quarantine",
    )
