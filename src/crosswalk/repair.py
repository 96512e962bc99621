"""Moves the rows again that verification found to differ: the same motion, by key.

One transaction a batch. Rows that are missing or different are extracted and merged; rows that are
too many are deleted only where they are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from crosswalk.connect import Session
from crosswalk.copy import Hands, Moved, insist, move_keys, settle_clashes
from crosswalk.express import Key, Landing, Moment, Motion, delete
from crosswalk.failpoints import hit
from crosswalk.ledger.former import note_came
from crosswalk.ledger.proof import Mended
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
    """Rows too many that were left alone."""
    foreign: int = 0
    """Of them, those that are not provably ours."""
    referred: int = 0
    """Of them, those that others refer to."""

    def noted(self, name: Name) -> Mended:
        """As the ledger keeps it."""
        return Mended(
            target=str(name), moved=self.moved, deleted=self.deleted, refused=self.refused, left=len(self.left)
        )
    leaving: list[str] = field(default_factory=list)
    """Target keys of rows that the second passage refused: they stand in the target until they are taken out."""


async def move_again(
    motion: Motion,
    moment: Moment,
    snapshot: Snapshot,
    source: Session,
    target: Session,
    run: int,
    keys: Iterable[Key],
    *,
    late: frozenset[Name] = frozenset(),
    second: bool = False,
    keep: bool = False,
) -> Repaired:
    """Extract the source rows of some keys again and merge them; `late`, `second` and `keep`: see `Hands`."""
    result = Repaired()
    width = len(motion.identity)
    chosen = list(dict.fromkeys(key[:width] for key in keys))
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
        keep=keep,
    )
    for start in range(0, len(chosen), BATCH):
        moved = await insist(partial(_batch, hands, tuple(chosen[start : start + BATCH])))
        result.moved += moved.rows
        result.refused += moved.refused
        result.leaving += moved.leaving
    if result.refused and len(chosen) > BATCH:
        result.refused -= await settle_clashes(hands)
    return result


async def _batch(hands: Hands, keys: tuple[Key, ...]) -> Moved:
    """One batch in one transaction."""
    async with hands.target.transaction():
        moved = await move_keys(hands, keys)
        hit("repair.before_commit")
    return moved


async def delete_surplus(
    motion: Motion, target: Session, run: int, differences: Iterable[Difference], result: Repaired, *, ours: bool
) -> None:
    """Delete rows that are too many; `ours`: all of them go, for the table was empty before us.

    Otherwise only those go that the key map knows. A row that others refer to is left alone.
    """
    extra = [d for d in differences if d.kind == "extra"]
    keys = [d.target_key for d in extra]
    mine = set(keys) if ours else await _remembered(motion, target, keys)
    landing = Landing(motion)
    foreign = [d for d in extra if d.target_key not in mine]
    result.left += foreign
    result.foreign += len(foreign)
    chosen = [d for d in extra if d.target_key in mine]
    for start in range(0, len(chosen), BATCH):
        await _delete(landing, target, run, chosen[start : start + BATCH], result)


async def _delete(
    landing: Landing, target: Session, run: int, extra: list[Difference], result: Repaired
) -> None:
    """Delete a batch; rows that others refer to stay."""
    motion = landing.motion
    async with target.transaction():
        rows = await target.fetch(
            delete(landing), [d.target_key for d in extra], what=f"the surplus rows of {motion.name}"
        )
        gone = Counter(r["k"] for r in rows)
        await target.execute(
            "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND target_key = ANY ($2::text[]::jsonb[])",
            str(motion.name),
            list(gone),
            what="the key map",
        )
        await note_came(target, run, motion.name, -gone.total())
        hit("repair.before_commit")
    result.deleted += gone.total()
    for difference in extra:
        if gone[difference.target_key]:
            gone[difference.target_key] -= 1
        else:
            result.left.append(difference)
            result.referred += 1


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
