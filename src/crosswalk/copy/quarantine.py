"""Writes rejected source rows into the ledger's quarantine, from server to server.

Rows and reasons travel as one COPY; values never pass through Python. Rows that the rules reject are
written once per run and table; rows that only the load could refuse are written in the transaction
of their chunk. A row already there is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from crosswalk.connect import Session
from crosswalk.copy.insist import insist
from crosswalk.errors import StatementFailed
from crosswalk.express import EVERYTHING, Key, Moment, Motion, Selection
from crosswalk.ledger.quarantine import hold_back
from crosswalk.names import Name, array_literal, literal
from crosswalk.relay import relay
from crosswalk.snapshot import savepoint

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


def _addressed(motion: Motion, run: int, found_by: str, rejects: str, *, bare: bool = False) -> str:
    row = "'{}'::jsonb" if bare else "row"
    names = (
        f"{run}::bigint, {literal(str(motion.source.name))}::text, {literal(str(motion.name))}::text,"
        f" {literal(found_by)}::text"
    )
    return (
        f"SELECT {names}, source_key, {row} AS row, code::text, sqlstate::text, message::text, constraint_name::text,"
        f" column_name::text FROM ({rejects}) AS rejects"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """Rejects of a motion on their way into quarantine, in the transactions that both sessions have open."""

    source: Session
    target: Session
    motion: Motion
    run: int
    found_by: str
    rejects: Callable[[Selection], str]
    """Those of some source rows."""

    async def send(self) -> int:
        """Write them; a row that quarantine cannot hold (bad bytes, a NUL in json) is written by its key alone."""
        try:
            return await self._relay(self.rejects(EVERYTHING))
        except StatementFailed as error:
            if not _unholdable(error):
                raise
        keys = await self.source.fetch(
            f"SELECT DISTINCT source_key::text AS k FROM ({self.rejects(EVERYTHING)}) AS rejects", what=self._what
        )
        return await self._halve(sorted(r["k"] for r in keys))

    @property
    def _what(self) -> str:
        return f"quarantine of {self.motion.source.name}"

    async def _halve(self, keys: list[str]) -> int:
        width = len(self.motion.identity)
        rows = Selection(keys=tuple(dict.fromkeys(tuple(json.loads(key)[:width]) for key in keys)))
        chosen = f"source_key = ANY ({array_literal(keys)}::text[]::jsonb[])"
        some = f"SELECT * FROM ({self.rejects(rows)}) AS rejects WHERE {chosen}"
        try:
            return await self._relay(some)
        except StatementFailed as error:
            if not _unholdable(error):
                raise
        if len(keys) == 1:
            return await self._relay(some, bare=True)
        middle = len(keys) // 2
        return await self._halve(keys[:middle]) + await self._halve(keys[middle:])

    async def _relay(self, rejects: str, *, bare: bool = False) -> int:
        async with savepoint(self.target), savepoint(self.source):
            landed = await relay(
                self.source,
                _addressed(self.motion, self.run, self.found_by, rejects, bare=bare),
                self.target,
                "quarantine",
                COLUMNS,
                schema="crosswalk",
                form="binary",
                what=self._what,
            )
        return landed.rows


def _unholdable(error: StatementFailed) -> bool:
    """A value that json or the target's encoding cannot hold, or one that is too large."""
    return str(error.fields["sqlstate"]).startswith(("22", "54"))


async def _send(
    source: Session, target: Session, motion: Motion, run: int, found_by: str, rejects: Callable[[Selection], str]
) -> int:
    errand = _Errand(source=source, target=target, motion=motion, run=run, found_by=found_by, rejects=rejects)
    return await errand.send()


async def quarantine_static(motion: Motion, moment: Moment, run: int, source: Session, target: Session) -> int:
    """Write the rows that the rules reject, in a transaction of its own; returns how many."""

    async def once() -> int:
        async with target.transaction():
            await forget_rejected(motion.name, target)
            count = await _send_all(motion, moment, run, source, target)
            await hold_back(target, motion.name)
        return count

    return await insist(once)


async def _send_all(motion: Motion, moment: Moment, run: int, source: Session, target: Session) -> int:
    """Every source row that the rules reject, and what they reject of its elements; returns how many rows."""
    count = 0
    if motion.reasons(moment):
        count += await _send(source, target, motion, run, "rules", partial(motion.rejects, moment=moment))
        if motion.unnests:
            await _send(source, target, motion, run, "elements", partial(motion.rejects, moment=moment, elements=True))
    if motion.mapping.on_duplicate == "quarantine" and moment.of(motion.name):
        count += await _send(source, target, motion, run, "rules", partial(motion.beaten, moment))
        if motion.unnests:
            await _send(source, target, motion, run, "elements", partial(motion.beaten, moment, elements=True))
    return count


async def quarantine_again(
    motion: Motion, moment: Moment, run: int, source: Session, target: Session, keys: tuple[Key, ...]
) -> None:
    """What the rules say of some source rows now, in the caller's transaction; not where a rule unnests or rows lose."""
    await target.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'rules'"
        " AND source_key = ANY ($2::text[]::jsonb[])",
        str(motion.name),
        [json.dumps(key) for key in keys],
        what="the quarantine",
    )
    if motion.reasons(moment):
        rejects = motion.rejects(Selection(keys=keys), moment)
        await _send(source, target, motion, run, "rules", lambda _: rejects)
    await hold_back(target, motion.name)


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
            described = partial(
                motion.described,
                code=refusal.code,
                sqlstate=refusal.sqlstate,
                message=refusal.message,
                constraint=refusal.constraint,
                column=refusal.column,
            )
            count += await _send(source, target, motion, run, "load", partial(_of_batch, described, batch))
    await hold_back(target, motion.name)
    return count


def _of_batch(described: Callable[[tuple[Key, ...]], str], batch: tuple[Key, ...], some: Selection) -> str:
    """Those of a batch that belong to some source rows; all of them where none are named."""
    if some.keys is None:
        return described(batch)
    named = set(some.keys)
    width = len(next(iter(named)))
    return described(tuple(key for key in batch if key[:width] in named))


async def forget(motion: Motion, target: Session, keys: Mapping[Key, object] | list[Key]) -> None:
    """Take rows that a load refused out of quarantine, by source key: they landed, or are put in again.

    What the rules reject stays: those rows do not land, and `quarantine_static` counts them anew.
    """
    width = len(motion.identity)
    await target.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'load'"
        f" AND source_key - {width} = ANY ($2::text[]::jsonb[])",  # an element's key has its ordinality behind it
        str(motion.name),
        [json.dumps(key[:width]) for key in keys],
        what="the quarantine",
    )
