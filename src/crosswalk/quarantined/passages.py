"""The rows in quarantine of some tables on their way: passage by passage, batch by batch.

Plain tables are moved by key, with their accounting in the transaction of each batch (see `batch`); tables whose rows
have no key are compared whole. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from crosswalk.accounts import fill_accounts
from crosswalk.copy import insist
from crosswalk.express import Key, Moment, Motion
from crosswalk.filling import take_out_barred
from crosswalk.judge import steadily
from crosswalk.ledger import quarantine as shelf
from crosswalk.names import Name
from crosswalk.orphans import add_keys, take_out
from crosswalk.progress import Stretch
from crosswalk.quarantined.batch import Fates, fates_of, move_batch
from crosswalk.stage import Stage
from crosswalk.verify import Known, TableResult, compare_table

BATCH: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one table's rows in quarantine, counted by source row."""

    target: Name
    tried: int
    landed: int
    merged: int
    """They give way to another row of their key."""
    filtered: int
    """The document's `where` leaves them out now."""
    gone: int
    """The source has them no more."""
    left: int
    """Still in quarantine."""


@dataclass(slots=True, kw_only=True)
class Passages:
    """What is tried, and what came of it."""

    stage: Stage
    keys: Mapping[Name, tuple[Key, ...]]
    """By target table, parents first: the source rows to be moved again; none where only a halfway retry is ended."""
    plain: frozenset[Name]
    """See `is_plain`."""
    fates: dict[Name, Fates] = field(default_factory=dict)

    def _motion(self, name: Name) -> Motion:
        return Motion(self.stage.facts, name)

    async def go(self) -> None:
        """All rows; then references into tables that came later; then once more what was refused, now that all stand."""
        stage = self.stage
        for name, keys in self.keys.items():
            motion = self._motion(name)
            if motion.by_position:
                await self._by_comparison(motion)
                continue
            if name not in self.plain:
                await take_out_barred(stage, motion, stage.desk)
            await self._move(motion, keys, late=motion.late(stage.order))
        for name, keys in self.keys.items():
            motion = self._motion(name)
            if motion.late(stage.order) and not motion.by_position:
                await self._move(motion, await self._out(motion, keys), second=True)
        tallies = await stage.ledger.tallies(stage.run)
        await take_out(stage, tallies)
        await self._insist()
        for name in self.keys:
            motion = self._motion(name)
            if motion.by_position and motion.late(stage.order):
                await self._by_comparison(motion)
            if name not in self.plain:
                await fill_accounts(stage, name)
        await add_keys(stage, await stage.ledger.tallies(stage.run))

    async def _insist(self) -> None:
        """What was refused is tried as long as some of it lands: a row may have waited for one that came after it."""
        waiting = {n: keys for n, keys in self.keys.items() if not self._motion(n).by_position}
        before = -1
        while True:
            refused = {n: await self._refused(self._motion(n), keys) for n, keys in waiting.items()}
            count = sum(map(len, refused.values()))
            if not count or count == before:
                return
            before = count
            for name, keys in refused.items():
                await self._move(self._motion(name), keys)

    async def _move(
        self, motion: Motion, keys: Sequence[Key], *, late: frozenset[Name] = frozenset(), second: bool = False
    ) -> None:
        """Rows of a table in batches, each with its accounting."""
        stage, plain = self.stage, motion.name in self.plain
        hands = stage.hands(motion, stage.desk, late=late, second=second)
        stage.observer.table(motion.name, 1, 0)
        fates = self.fates.setdefault(motion.name, Fates())
        for start in range(0, len(keys), BATCH):
            hands.moment = stage.moment
            some = tuple(keys[start : start + BATCH])
            moved, became = await insist(partial(move_batch, stage, hands, some, plain=plain))
            stage.observer.chunk(motion.name, Stretch(rows=moved.rows, rejected=moved.refused, bytes=moved.bytes))
            fates.add(became)
            if moved.leaving:
                stage.leaving.setdefault(motion.name, []).extend(moved.leaving)

    async def _out(self, motion: Motion, keys: Sequence[Key]) -> list[Key]:
        """Of some source rows those that are not in quarantine now."""
        held = await shelf.held(self.stage.ledger.session, motion.name, keys, len(motion.identity))
        return [key for key in keys if key not in held]

    async def _refused(self, motion: Motion, keys: Sequence[Key]) -> list[Key]:
        """Of some source rows those that the load refused."""
        width, known = len(motion.identity), await self.stage.ledger.quarantined_keys(motion.name)
        refused = {tuple(text.split("\x1f"))[:width] for text in known}
        return [key for key in keys if key in refused]

    async def _yielded(self, motion: Motion) -> set[Key]:
        """Source rows that give way to rows that stood in the table before."""
        if not self.stage.keeps(motion):
            return set()
        kept = await self.stage.ledger.kept_keys(motion.name)
        what = f"the rows of {motion.name} that stood there before"
        rows = await self.stage.snapshot.keeper.fetch(motion.meeting(list(kept), self.stage.moment), what=what)
        return {tuple(r.values())[: len(motion.identity)] for r in rows}

    async def _by_comparison(self, motion: Motion) -> None:
        """Rows without a key: their place then says nothing now, so what is missing is found by comparing all of them.

        Their old entries go last: until then a kill leaves some of them twice in quarantine, and none nowhere.
        """
        stage, session = self.stage, self.stage.ledger.session
        newest = await shelf.newest(session, motion.name)
        known = Known(kept=await stage.ledger.kept_keys(motion.name), keep=stage.keeps(motion))
        source = stage.snapshot.keeper

        async def ask(moment: Moment) -> TableResult:
            return await compare_table(motion, moment, source, session, known=known, exact=True)

        found, moment = await steadily(stage.facts, motion.name, stage.moment, source, ask)
        stage.learn(moment)
        keys = [d.source_key for d in found.differences if d.source_key is not None]
        await self._move(motion, [*dict.fromkeys(key[:1] for key in keys), *stage.moment.broken.get(motion.name, ())])
        await shelf.forget_until(session, motion.name, newest)

    async def outcome(self, name: Name, before: int) -> Outcome:
        """Of a table whose rows have no key only the counts are known, `before` and now."""
        motion, keys = self._motion(name), self.keys[name]
        if motion.by_position:
            left = (await shelf.counts(self.stage.ledger.session)).get(name, 0)
            return Outcome(target=name, tried=before, landed=max(0, before - left), merged=0, filtered=0, gone=0, left=left)
        out = await self._out(motion, keys)
        fates = self.fates[name]
        if name not in self.plain:
            fates = await fates_of(self.stage, motion, out, yielded=await self._yielded(motion))
        return Outcome(
            target=name,
            tried=len(keys),
            landed=len(fates.landed.intersection(out)),
            merged=len(fates.merged),
            filtered=len(fates.filtered),
            gone=len(fates.gone),
            left=len(keys) - len(out),
        )
