"""Moves the rows in quarantine again, by key: after the target's rule, or the rows of the source, have been corrected.

The same motion as the copy and the repair, parents before children; the plan's triggers and circular keys are off
meanwhile. What fits now lands and leaves quarantine; what does not stays there with its reason of now. The accounting
of the newest run follows. A table named brings along those that refer to it: their rows may have waited for its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from crosswalk import apply
from crosswalk.claim import look_and_stir, note_mended
from crosswalk.copy import advance_sequences
from crosswalk.express import Key, Moment, Motion, foreign_edges, reference_edges
from crosswalk.ledger import Ledger, Tally
from crosswalk.ledger import quarantine as shelf
from crosswalk.names import Name, parse
from crosswalk.progress import Observer, Silent
from crosswalk.quarantined.batch import is_plain
from crosswalk.quarantined.passages import Outcome, Passages
from crosswalk.quarantined.stock import resolve
from crosswalk.scene import Scene, scene
from crosswalk.stage import Stage
from crosswalk.strategy import unplanned
from crosswalk.survey import Servers

KIND: Final = "retry"
"""Of the ledger's events: one before the first write, one when all is done."""


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
        outcomes = await retrial.conduct() if retrial.passages.keys else []
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


async def _prepare(found: Scene, chosen: Collection[Name], *, dropped: bool, observer: Observer) -> _Retrial:
    """Of tables that are not plain all rows are tried: the rules are asked for all of them in the end."""
    ledger, keys = found.ledger, dict[Name, tuple[Key, ...]]()
    stage = await _stage(found, observer)
    motions = {name: Motion(found.facts, name) for name in found.order}
    plain = frozenset(name for name, motion in motions.items() if is_plain(stage, motion))
    halfway = await _halfway(ledger, found.run.id)
    for name, motion in motions.items():
        wanted = name in chosen
        known = await shelf.keys(ledger.session, name, dropped=dropped or name not in plain) if wanted else []
        if known or name in halfway:
            keys[name] = tuple(dict.fromkeys(key[: len(motion.identity)] for key in known))
    return _Retrial(scene=found, passages=Passages(stage=stage, keys=keys, plain=plain))


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
    """The passages, and what has to be done around them."""

    scene: Scene
    passages: Passages

    async def conduct(self) -> list[Outcome]:
        """Move, account, switch on again what was off."""
        found, ledger, run, keys = self.scene, self.scene.ledger, self.scene.run.id, self.passages.keys
        before = await shelf.counts(ledger.session)
        await ledger.event(run, KIND, "begun", tables=[str(n) for n in keys])
        for name in keys:
            await found.forget_gone(name)
        seen = await look_and_stir(ledger, self._touched())
        concerned = {str(name) for name in keys}
        off = [*found.plan.statements, *unplanned(found.facts, found.plan)]
        await apply.hold(ledger, run, [s for s in off if s.table in concerned])
        try:
            await self.passages.go()
        except BaseException:
            await apply.restore_what_can_be(ledger)
            raise
        await apply.release(ledger)
        for name in keys:
            await advance_sequences(found.facts, name, ledger.session)
        await note_mended(ledger, run, found.facts, seen, clean=())
        outcomes = [await self.passages.outcome(name, before.get(name, 0)) for name in keys]
        told = {str(o.target): o.landed for o in outcomes}
        await ledger.event(run, KIND, "done", landed=told, left=sum(o.left for o in outcomes))
        return outcomes

    def _touched(self) -> list[Name]:
        """Tables that may be written: where keys are off or references wait, rows of others may have to leave as well."""
        order, keys = self.scene.order, self.passages.keys
        wide = any(Motion(self.scene.facts, name).late(order) for name in keys)
        wide |= any(s.kind == "foreign key" and s.phase == "before" for s in self.scene.plan.statements)
        return list(order if wide else keys)
