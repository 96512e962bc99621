"""Moves the rows in quarantine again, by key: after the target's rule, or the rows of the source, have been corrected.

The same motion as the copy and the repair, parents before children; the plan's triggers and circular keys are off
meanwhile. What fits now lands and leaves quarantine; what does not stays there with its reason of now. The accounting
of the newest run follows. A table named brings along those that refer to it: their rows may have waited for its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from crosswalk import apply
from crosswalk.accounts import fill_accounts
from crosswalk.claim import look_and_stir, note_mended
from crosswalk.copy import Hands, advance_sequences, insist
from crosswalk.express import Key, Moment, Motion, foreign_edges, reference_edges
from crosswalk.filling import take_out_barred
from crosswalk.judge import steadily
from crosswalk.ledger import Ledger, Tally
from crosswalk.ledger import quarantine as shelf
from crosswalk.names import Name, parse
from crosswalk.orphans import add_keys, take_out
from crosswalk.progress import Observer, Silent
from crosswalk.quarantined.batch import Fates, fates_of, is_plain, move_batch
from crosswalk.quarantined.stock import resolve
from crosswalk.scene import Scene, scene
from crosswalk.stage import Stage
from crosswalk.strategy import unplanned
from crosswalk.survey import Servers
from crosswalk.verify import Known, TableResult, compare_table

BATCH: Final = 2000
KIND: Final = "retry"
"""Of the ledger's events: one before the first write, one when all is done."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a retry did."""

    run: int
    tables: tuple[Outcome, ...] = ()
    """Those that had rows in quarantine."""
    tallies: tuple[Tally, ...] = ()
    """The accounting as it is now."""
    reasons: tuple[Mapping[str, Any], ...] = ()
    """What quarantine holds now."""

    @property
    def left(self) -> int:
        return sum(t.left for t in self.tables)

    @property
    def landed(self) -> int:
        return sum(t.landed for t in self.tables)


async def retry(
    servers: Servers, tables: Iterable[str] = (), *, dropped: bool = False, observer: Observer | None = None
) -> Retried:
    """Move the rows in quarantine again: of some tables and what refers to them, or of all.

    With `dropped` those too that a person gave up. Raises as `scene`, and NotOfThisRun, DuplicateKeys; what was
    committed stays then, and a retry goes on.
    """
    async with scene(servers, None, purpose="quarantine", lock=True, finished=True) as found:
        wanted = resolve(tables, found.order, found.run.id)
        chosen = [name for name in found.order if not wanted or name in _with_referring(found, wanted)]
        retrial = await _prepare(found, chosen, dropped=dropped, observer=observer or Silent())
        outcomes = await retrial.conduct() if retrial.keys else []
        ledger = found.ledger
        return Retried(
            run=found.run.id,
            tables=tuple(outcomes),
            tallies=tuple(await ledger.tallies(found.run.id)),
            reasons=tuple(await ledger.reasons()),
        )


def _with_referring(found: Scene, wanted: Iterable[Name]) -> set[Name]:
    """Tables, and those whose rows refer to theirs by a lookup or a foreign key, directly or not."""
    edges = {(e.table, e.parent) for e in (*foreign_edges(found.facts), *reference_edges(found.facts))}
    for name in found.order:
        edges |= {(name, parent) for parent, _ in Motion(found.facts, name).lookups(found.moment)}
    tables = set(wanted)
    while more := {child for child, parent in edges if parent in tables} - tables:
        tables |= more
    return tables


async def _prepare(found: Scene, chosen: Sequence[Name], *, dropped: bool, observer: Observer) -> _Retrial:
    """Of tables that are not plain all rows are tried: the rules are asked for all of them in the end."""
    ledger, keys = found.ledger, dict[Name, tuple[Key, ...]]()
    stage = await _stage(found, observer)
    motions = {name: Motion(found.facts, name) for name in chosen}
    plain = {name for name, motion in motions.items() if is_plain(stage, motion)}
    halfway = await _halfway(ledger, found.run.id)
    for name, motion in motions.items():
        known = await shelf.keys(ledger.session, name, dropped=dropped or name not in plain)
        if known or name in halfway:
            keys[name] = tuple(dict.fromkeys(key[: len(motion.identity)] for key in known))
    return _Retrial(scene=found, stage=stage, keys=keys, plain=plain)


async def _stage(found: Scene, observer: Observer) -> Stage:
    return Stage(
        run=found.run.id,
        facts=found.facts,
        moment=await _moment(found),
        snapshot=found.shared,
        ledger=found.ledger,
        targets=[found.ledger.session],
        observer=observer,
        order=found.order,
        stop=lambda: False,
        resumed=True,
        occupied={n for n in found.order if await found.ledger.filled(n) is False},
    )


async def _moment(found: Scene) -> Moment:
    """What holds now; rows for which a rule raised when they were copied count as such until they are moved again."""
    broken = {}
    for name in found.order:
        known = (*found.moment.broken.get(name, ()), *await found.ledger.raising_keys(name))
        if known:
            broken[name] = tuple(dict.fromkeys(known))
    return replace(found.moment, broken=broken)


async def _halfway(ledger: Ledger, run: int) -> set[Name]:
    """Tables of a retry that did not come to its end."""
    told = [e for e in await ledger.events(run) if e["kind"] == KIND and e["name"] in {"begun", "done"}]
    unfinished = told and told[-1]["name"] == "begun"
    return {parse(text) for text in told[-1]["detail"]["tables"]} if unfinished else set()


@dataclass(slots=True, kw_only=True)
class _Retrial:
    """What is tried, and what came of it."""

    scene: Scene
    stage: Stage
    keys: dict[Name, tuple[Key, ...]]
    """By target table, parents first: the source rows to be moved again; none where only a halfway retry is ended."""
    plain: set[Name]
    """See `is_plain`."""
    fates: dict[Name, Fates] = field(default_factory=dict)

    async def conduct(self) -> list[Outcome]:
        """Move, account, switch on again what was off."""
        found, ledger, run = self.scene, self.stage.ledger, self.stage.run
        before = await shelf.counts(ledger.session)
        await ledger.event(run, KIND, "begun", tables=[str(n) for n in self.keys])
        for name in self.keys:
            await found.forget_gone(name)
        seen = await look_and_stir(ledger, self._touched())
        concerned = {str(name) for name in self.keys}
        off = [*found.plan.statements, *unplanned(found.facts, found.plan)]
        await apply.hold(ledger, run, [s for s in off if s.table in concerned])
        try:
            await self._passages()
        except BaseException:
            await apply.restore_what_can_be(ledger)
            raise
        await apply.release(ledger)
        for name in self.keys:
            await advance_sequences(found.facts, name, ledger.session)
        await note_mended(ledger, run, found.facts, seen, clean=())
        outcomes = [await self._outcome(name, before.get(name, 0)) for name in self.keys]
        told = {str(o.target): o.landed for o in outcomes}
        await ledger.event(run, KIND, "done", landed=told, left=sum(o.left for o in outcomes))
        return outcomes

    def _motion(self, name: Name) -> Motion:
        return Motion(self.stage.facts, name)

    def _touched(self) -> list[Name]:
        """Tables that may be written: where keys are off or references wait, rows of others may have to leave as well."""
        wide = any(self._motion(name).late(self.stage.order) for name in self.keys)
        wide |= any(s.kind == "foreign key" and s.phase == "before" for s in self.scene.plan.statements)
        return list(self.stage.order if wide else self.keys)

    async def _passages(self) -> None:
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
        for name, keys in self.keys.items():
            if not self._motion(name).by_position:
                await self._move(self._motion(name), await self._refused(self._motion(name), keys))
        for name in self.keys:
            if name not in self.plain:
                await fill_accounts(stage, name)
        await add_keys(stage, await stage.ledger.tallies(stage.run))

    async def _move(
        self, motion: Motion, keys: Sequence[Key], *, late: frozenset[Name] = frozenset(), second: bool = False
    ) -> None:
        """Rows of a table in batches, each with its accounting."""
        stage, plain = self.stage, motion.name in self.plain
        hands = self._hands(motion, late=late, second=second)
        stage.observer.table(motion.name, 1, 0)
        fates = self.fates.setdefault(motion.name, Fates())
        for start in range(0, len(keys), BATCH):
            hands.moment = stage.moment
            some = tuple(keys[start : start + BATCH])
            moved, became = await insist(partial(move_batch, stage, hands, some, plain=plain))
            stage.observer.chunk(motion.name, moved.rows, moved.refused)
            fates.add(became)
            if moved.leaving:
                stage.leaving.setdefault(motion.name, []).extend(moved.leaving)

    def _hands(self, motion: Motion, *, late: frozenset[Name] = frozenset(), second: bool = False) -> Hands:
        stage = self.stage
        return Hands(
            motion=motion,
            moment=stage.moment,
            run=stage.run,
            snapshot=stage.snapshot.id,
            source=stage.snapshot.keeper,
            target=stage.ledger.session,
            direct=False,
            late=late,
            second=second,
            keep=motion.name in stage.occupied and motion.mapping.existing == "keep",
        )

    async def _out(self, motion: Motion, keys: Sequence[Key]) -> list[Key]:
        """Of some source rows those that are not in quarantine now."""
        held = await shelf.held(self.stage.ledger.session, motion.name, keys, len(motion.identity))
        return [key for key in keys if key not in held]

    async def _refused(self, motion: Motion, keys: Sequence[Key]) -> list[Key]:
        """Of some source rows those that the load refused."""
        width, known = len(motion.identity), await self.stage.ledger.quarantined_keys(motion.name)
        refused = {tuple(text.split("\x1f"))[:width] for text in known}
        return [key for key in keys if key in refused]

    async def _by_comparison(self, motion: Motion) -> None:
        """Rows without a key: their place then says nothing now, so what is missing is found by comparing all of them.

        Their old entries go last: until then a kill leaves some of them twice in quarantine, and none nowhere.
        """
        stage, session = self.stage, self.stage.ledger.session
        newest = await shelf.newest(session, motion.name)
        keep = motion.name in stage.occupied and motion.mapping.existing == "keep"
        known = Known(kept=await stage.ledger.kept_keys(motion.name), keep=keep)
        source, target = stage.snapshot.keeper, session

        async def ask(moment: Moment) -> TableResult:
            return await compare_table(motion, moment, source, target, known=known, exact=True)

        found, stage.moment = await steadily(stage.facts, motion.name, stage.moment, source, ask)
        keys = [d.source_key for d in found.differences if d.source_key is not None]
        await self._move(motion, [*dict.fromkeys(key[:1] for key in keys), *stage.moment.broken.get(motion.name, ())])
        await shelf.forget_until(session, motion.name, newest)

    async def _outcome(self, name: Name, before: int) -> Outcome:
        """Of a table without a key in the source only the counts are known."""
        motion, keys = self._motion(name), self.keys[name]
        if motion.by_position:
            left = (await shelf.counts(self.stage.ledger.session)).get(name, 0)
            return Outcome(target=name, tried=before, landed=max(0, before - left), merged=0, filtered=0, gone=0, left=left)
        out = await self._out(motion, keys)
        fates = self.fates[name] if name in self.plain else await fates_of(self.stage, motion, out)
        return Outcome(
            target=name,
            tried=len(keys),
            landed=len(fates.landed.intersection(out)),
            merged=len(fates.merged),
            filtered=len(fates.filtered),
            gone=len(fates.gone),
            left=len(keys) - len(out),
        )
