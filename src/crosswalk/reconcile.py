"""After a stop the old snapshot is gone: what has landed is compared with the new one and moved again where it differs.

    compare   table by table, parents first: rows that differ or are missing are merged again
    settle    at the end: rows whose source is gone are deleted, children first, and rows that the
              target had refused get another chance

Part of the conductor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from crosswalk.connect import Session
from crosswalk.copy import wait_for_batch
from crosswalk.express import Key, Moment, Motion, Selection
from crosswalk.filling import Stage
from crosswalk.judge import steadily
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.repair import Repaired, delete_surplus, move_again
from crosswalk.verify import Difference, Known, TableResult, compare_table


@dataclass(slots=True)
class Reconciliation:
    """What a resumed run found to differ from its new snapshot."""

    stage: Stage
    moved: int = 0
    extra: dict[Name, list[Difference]] = field(default_factory=dict)

    async def compare(self, name: Name) -> None:
        """Hold what has landed of a table against the new snapshot; move again what differs."""
        stage, ledger, motion = self.stage, self.stage.ledger, Motion(self.stage.facts, name)
        landed = await ledger.landed(stage.run, name)
        if not landed:
            return
        chunks = await ledger.planned(stage.run, name)
        done = tuple(Selection(after=c.after, upto=c.upto) for c in chunks if c.number in landed)
        quarantined = await ledger.quarantined_keys(name)
        keep = name in stage.occupied and motion.mapping.existing == "keep"
        known = Known(quarantined=quarantined, kept=await ledger.kept_keys(name), keep=keep)
        stage.observer.note(f"the old snapshot is gone: comparing {plural(len(done), 'finished chunk')} of {name} with a new one")
        async with stage.targets[0].transaction():
            await wait_for_batch(stage.targets[0], name)
        async with stage.snapshot.worker() as source:
            ask = partial(_compared, motion=motion, source=source, target=stage.targets[0], known=known, done=done)
            found, stage.moment = await steadily(stage.facts, name, stage.moment, source, ask)
        self.extra[name] = [d for d in found.differences if d.kind == "extra"]
        keys = [d.source_key for d in found.differences if d.source_key is not None]
        self.moved += len(keys)
        await self._move(motion, [*keys, *_keys(quarantined)])

    async def _move(self, motion: Motion, keys: list[Key], *, last: bool = False) -> Repaired:
        stage = self.stage
        async with stage.snapshot.worker() as source:
            return await move_again(
                motion,
                stage.moment,
                stage.snapshot,
                source,
                stage.targets[0],
                stage.run,
                keys,
                late=frozenset() if last else motion.late(stage.order),
                keep=motion.name in stage.occupied and motion.mapping.existing == "keep",
            )

    async def settle(self) -> int:
        """Delete what has no source row any more and retry what was refused; returns how many rows had to change."""
        stage = self.stage
        for name in reversed(stage.order):
            if not self.extra.get(name):
                continue
            result = Repaired()
            motion = Motion(stage.facts, name)
            extra, ours = self.extra[name], name not in stage.occupied and not motion.needs_key_map
            await delete_surplus(motion, stage.targets[0], stage.run, extra, result, ours=ours)
            self.moved += result.deleted
            if result.deleted:
                stage.observer.note(f"{plural(result.deleted, 'row')} of {name} deleted: the source has no such row any more")
            if result.left:
                stage.observer.note(
                    f"{plural(len(result.left), 'row')} of {name} without a source row left alone: not provably ours, or referred to"
                )
        for name in stage.order:
            refused = await stage.ledger.quarantined_keys(name)
            if refused:
                await self._move(Motion(stage.facts, name), _keys(refused), last=True)
        if self.moved:
            stage.observer.note(
                f"moved again, since they differed from the new snapshot: {plural(self.moved, 'row')} of finished chunks"
            )
        return self.moved


async def _compared(
    moment: Moment, *, motion: Motion, source: Session, target: Session, known: Known, done: tuple[Selection, ...]
) -> TableResult:
    return await compare_table(motion, moment, source, target, known=known, exact=True, selections=done)


def _keys(joined: frozenset[str]) -> list[Key]:
    return [tuple(key.split("\x1f")) for key in sorted(joined)]
