"""After a stop the old snapshot is gone: what has landed is compared with the new one and moved again where it differs.

    compare   once the rest of a table has come: rows that differ or are missing are merged again
    clear     once all tables have come: rows whose source is gone are deleted, children first
    settle    at the end: the same once more, and rows that the target had refused get another chance

Part of the conductor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from crosswalk.copy import wait_for_batch
from crosswalk.crew import Pair
from crosswalk.express import Key, Moment, Motion
from crosswalk.failpoints import hit
from crosswalk.judge import steadily
from crosswalk.ledger import Ledger
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.repair import Repaired, delete_surplus, move_again
from crosswalk.stage import Stage
from crosswalk.verify import Difference, Known, TableResult, compare_table


@dataclass(slots=True)
class Reconciliation:
    """What a resumed run found to differ from its new snapshot."""

    stage: Stage
    moved: int = 0
    extra: dict[Name, list[Difference]] = field(default_factory=dict)

    async def compare(self, name: Name, pair: Pair) -> None:
        """Hold a table of which some chunks had landed before against the new snapshot; move again what differs.

        All of it: where a row stood under the old snapshot says nothing of where it stands now.
        """
        stage, ledger, motion = self.stage, Ledger(pair.target), Motion(self.stage.facts, name)
        quarantined = await ledger.quarantined_keys(name)
        known = Known(quarantined=quarantined, kept=await ledger.kept_keys(name), keep=stage.keeps(motion))
        stage.observer.note(f"the old snapshot is gone: comparing the finished chunks of {name} with a new one")
        async with pair.target.transaction():
            await wait_for_batch(pair.target, name)
        ask = partial(_compared, motion=motion, pair=pair, known=known)
        before = stage.moment
        found, moment = await steadily(stage.facts, name, before, pair.source, ask)
        stage.learn(moment, since=before)
        self.extra[name] = [d for d in found.differences if d.kind == "extra"]
        keys = [d.source_key for d in found.differences if d.source_key is not None]
        self.moved += len(keys)
        hit("reconcile.compared")
        await self._move(motion, [*keys, *_keys(quarantined)], pair)

    async def _move(
        self, motion: Motion, keys: list[Key], pair: Pair, *, late: frozenset[Name] = frozenset(), second: bool = False
    ) -> Repaired:
        stage = self.stage
        return await move_again(
            motion, stage.moment, stage.snapshot, pair.source, pair.target, stage.run, keys,
            late=late, second=second, keep=stage.keeps(motion),
        )  # fmt: skip

    async def _try_again(self, pair: Pair) -> None:
        """All rows in quarantine, in two passages: around a circle each row waits for the next, and none would come alone.

        What the second passage refuses is `leaving` then.
        """
        stage = self.stage
        refused = {name: _keys(await stage.ledger.quarantined_keys(name)) for name in stage.order}
        motions = {name: Motion(stage.facts, name) for name, keys in refused.items() if keys}
        late = {name: motion.late(stage.order) for name, motion in motions.items()}
        for name, motion in motions.items():
            await self._move(motion, refused[name], pair, late=late[name])
        for name, motion in motions.items():
            if late[name]:
                still = set(_keys(await stage.ledger.quarantined_keys(name)))
                moved = await self._move(motion, [k for k in refused[name] if k not in still], pair, second=True)
                if moved.leaving:
                    stage.leaving.setdefault(name, []).extend(moved.leaving)

    async def clear(self) -> None:
        """Delete rows whose source is gone, as long as there is one that nothing refers to.

        Before rows are set aside that refer to nothing: each of those must have a source row. None is deleted where the
        source's key may not see all rows: what it does not show is not gone.
        """
        deleted = -1 if not self._unseen else self.moved
        while deleted != self.moved:
            deleted = self.moved
            for name in [n for n in reversed(self.stage.order) if self.extra.get(n)]:
                self.extra[name] = (await self._delete(name)).left

    @property
    def _unseen(self) -> str:
        """The role from which row-level security may hide source rows."""
        return self.stage.snapshot.keeper.bound_role

    async def _delete(self, name: Name) -> Repaired:
        """Delete the rows of a table that have no source row, children first; what others refer to stays."""
        stage, pair = self.stage, self.stage.crew.pairs[0]
        result, motion = Repaired(), Motion(stage.facts, name)
        ours = name not in stage.occupied and not motion.needs_key_map
        await delete_surplus(motion, pair.target, stage.run, self.extra[name], result, ours=ours)
        self.moved += result.deleted
        if result.deleted:
            stage.observer.note(f"{plural(result.deleted, 'row')} of {name} deleted: the source has no such row any more")
        return result

    async def settle(self) -> int:
        """Delete what has no source row any more and retry what was refused; returns how many rows had to change.

        What refers to rows that were refused once more is still to be taken out.
        """
        stage, pair = self.stage, self.stage.crew.pairs[0]
        await self.clear()
        for name, left in self.extra.items():
            if left:
                why = "not provably ours, or referred to"
                if self._unseen:
                    why = f"row-level security may hide the source rows from {self._unseen}"
                stage.observer.note(f"{plural(len(left), 'row')} of {name} without a source row left alone: {why}")
        hit("reconcile.deleted")
        await self._try_again(pair)
        if self.moved:
            stage.observer.note(
                f"moved again, since they differed from the new snapshot: {plural(self.moved, 'row')} of finished chunks"
            )
        return self.moved


async def _compared(moment: Moment, *, motion: Motion, pair: Pair, known: Known) -> TableResult:
    return await compare_table(motion, moment, pair.source, pair.target, known=known, exact=True)


def _keys(joined: frozenset[str]) -> list[Key]:
    return [tuple(key.split("\x1f")) for key in sorted(joined)]
