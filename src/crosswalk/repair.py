"""Moves the rows again that verification found to differ: the same motion, by key.

One transaction a batch. Rows that are missing or different are extracted and merged; rows that are
too many are deleted only where they are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from crosswalk.connect import Session
from crosswalk.copy import Hands, move_keys
from crosswalk.express import Key, Landing, Moment, Motion
from crosswalk.failpoints import hit
from crosswalk.names import Name
from crosswalk.snapshot import Snapshot
from crosswalk.verify import Difference

BATCH = 2000


@dataclass(slots=True, kw_only=True)
class Repaired:
    """What was done for one table."""

    moved: int = 0
    """Source rows moved again."""
    deleted: int = 0
    """Target rows deleted."""
    refused: int = 0
    """Rows that the target refused, now in quarantine."""
    left: list[Difference] = field(default_factory=list)
    """Rows too many that are not provably ours: left alone."""


async def repair_rows(
    motion: Motion,
    moment: Moment,
    snapshot: Snapshot,
    source: Session,
    target: Session,
    run: int,
    differences: Iterable[Difference],
    *,
    also: Iterable[Key] = (),
    ours: bool,
    delete: bool = True,
    late: frozenset[Name] = frozenset(),
    second: bool = False,
) -> Repaired:
    """Move differing rows again; `ours`: every row too many is ours, for the table was empty before us.

    `late` and `second`: see `Hands`.

    `also` names further source rows to give another chance (those in quarantine). Without `delete`
    nothing is deleted.
    """
    result = Repaired()
    listed = list(differences)
    extra = [d for d in listed if d.kind == "extra"]
    if extra:
        await _delete(motion, target, extra, result, ours=ours, delete=delete)
    width = len(motion.identity)
    keys = list(dict.fromkeys([d.source_key[:width] for d in listed if d.source_key] + [k[:width] for k in also]))
    hands = Hands(
        motion=motion,
        moment=moment,
        run=run,
        snapshot=snapshot.id,
        source=source,
        target=target,
        direct=False,
        late=late,
        second=second,
    )
    for start in range(0, len(keys), BATCH):
        async with target.transaction():
            moved = await move_keys(hands, tuple(keys[start : start + BATCH]))
            hit("repair.before_commit")
        result.moved += moved.rows
        result.refused += moved.refused
    return result


async def _delete(
    motion: Motion, target: Session, extra: list[Difference], result: Repaired, *, ours: bool, delete: bool
) -> None:
    landing = Landing(motion)
    keys = [d.target_key for d in extra]
    mine = set(keys) if ours and not motion.needs_key_map else await _remembered(motion, target, keys)
    chosen = [key for key in keys if key in mine] if delete else []
    result.left += [d for d in extra if d.target_key not in set(chosen)]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        async with target.transaction():
            tag = await target.execute(landing.delete(), batch, what=f"the surplus rows of {motion.name}")
            await target.execute(
                "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND target_key = ANY ($2::text[]::jsonb[])",
                str(motion.name),
                batch,
                what="the key map",
            )
            hit("repair.before_commit")
        result.deleted += int(tag.rpartition(" ")[2])


async def _remembered(motion: Motion, target: Session, keys: list[str]) -> set[str]:
    """Target keys that the key map knows as ours."""
    rows = await target.fetch(
        "SELECT k FROM unnest($2::text[]) AS k WHERE EXISTS (SELECT FROM crosswalk.key_map AS m"
        " WHERE m.target_table = $1 AND m.target_key = k::jsonb)",
        str(motion.name),
        keys,
        what="the key map",
    )
    return {r["k"] for r in rows}
