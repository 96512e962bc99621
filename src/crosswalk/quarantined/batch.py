"""Some rows of one table out of quarantine, in one transaction: moved again, judged again, counted again.

Rows, quarantine and accounting commit together, so that a kill leaves all of them as they were or as they are then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from crosswalk.copy import Hands, Moved, move_keys, quarantine_again
from crosswalk.express import Key, Motion, Selection
from crosswalk.failpoints import hit
from crosswalk.ledger import Tally
from crosswalk.ledger import quarantine as shelf
from crosswalk.stage import Stage


@dataclass(slots=True, kw_only=True)
class Fates:
    """What became of rows that were in quarantine."""

    landed: set[Key] = field(default_factory=set)
    merged: set[Key] = field(default_factory=set)
    """They give way to another row of their key, or to one that stood there before."""
    filtered: set[Key] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)
    """The source has them no more."""

    def add(self, other: Fates) -> None:
        """And of more rows."""
        for mine, theirs in zip(self._all, other._all, strict=True):
            mine.update(theirs)

    @property
    def _all(self) -> tuple[set[Key], ...]:
        return self.landed, self.merged, self.filtered, self.gone

    def __len__(self) -> int:
        return sum(map(len, self._all))


def is_plain(stage: Stage, motion: Motion) -> bool:
    """Whether each source row counts for itself: none is spread, none loses to another or is kept out by one.

    Of such tables the accounting follows each batch; of others it is made anew by the rules at the end.
    """
    crowded = stage.moment.of(motion.name) or stage.moment.bars(motion.name) or motion.name in stage.occupied
    return not (motion.unnests or motion.by_position or crowded)


async def move_batch(stage: Stage, hands: Hands, keys: tuple[Key, ...], *, plain: bool) -> tuple[Moved, Fates]:
    """Move some source rows again, all of them in quarantine or (in the second passage) none; `plain`: see `is_plain`.

    What became of the rows of other tables is not known before the rules have been asked for all of their rows.
    """
    target, motion = hands.target, hands.motion
    async with target.transaction():
        width = len(motion.identity)
        before = await shelf.held(target, motion.name, keys, width)
        moved = await move_keys(hands, keys)
        raising = await stage.ledger.raising_keys(motion.name)
        stage.learn(replace(stage.moment, broken={motion.name: raising}))
        fates = Fates()
        if plain:
            await quarantine_again(motion, stage.moment, stage.run, hands.source, target, keys)
            after = await shelf.held(target, motion.name, keys, width)
            fates = await fates_of(stage, motion, before - after)
            await _count(stage, motion, fates, refused=len(after - before))
        hit("retry.before_commit")
    return moved, fates


async def fates_of(
    stage: Stage, motion: Motion, left: Iterable[Key], *, yielded: Collection[Key] = frozenset()
) -> Fates:
    """What became of source rows that stand in quarantine no more; those `yielded` give way to rows from before."""
    keys, fates = tuple(sorted(left)), Fates()
    if not keys:
        return fates
    here = motion.described(keys, code="", sqlstate="", message="", constraint=None, column=None)
    what = f"the rows of {motion.source.name} that were in quarantine"
    rows = await stage.snapshot.keeper.fetch(
        f"SELECT ARRAY(SELECT pg_catalog.jsonb_array_elements_text(source_key)) AS k FROM ({here}) AS here", what=what
    )
    existing = {tuple(r["k"]) for r in rows}
    wanted = {tuple(r.values()) for r in await stage.snapshot.keeper.fetch(motion.keys(Selection(keys=keys)), what=what)}
    losers = {key[: len(motion.identity)] for key in stage.moment.of(motion.name)}.union(yielded)
    for key in keys:
        if key not in existing:
            fates.gone.add(key)
        elif key not in wanted:
            fates.filtered.add(key)
        else:
            (fates.merged if key in losers else fates.landed).add(key)
    return fates


async def _count(stage: Stage, motion: Motion, fates: Fates, *, refused: int) -> None:
    """The accounting follows: `refused` rows had landed and were refused now."""
    tally = await tally_of(stage, motion)
    if tally is None:
        return
    await stage.ledger.tally(
        stage.run,
        replace(
            tally,
            extracted=tally.extracted - len(fates.gone),
            loaded=tally.loaded + len(fates.landed) - refused,
            written=tally.written + len(fates.landed) - refused,
            filtered=tally.filtered + len(fates.filtered),
            quarantined=tally.quarantined - len(fates) + refused,
        ),
    )


async def tally_of(stage: Stage, motion: Motion) -> Tally | None:
    """A table's accounting as it stands."""
    return next((t for t in await stage.ledger.tallies(stage.run) if t.target == motion.name), None)
