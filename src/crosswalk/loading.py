"""Loads all tables of a run: which one may begin when, and what is built once its rows are in.

    a table waits for those that it looks into or refers to; any other may be loaded at the same time
    the largest begin first; what is built on a table that is complete goes before the rows of another
    indexes of a table that the plan made come after its rows, each on a worker of its own, then its keys; so do those
    that were dropped from an empty table for the load

Part of the conductor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from crosswalk import apply
from crosswalk.copy import analyze
from crosswalk.crew import Pair, share_out
from crosswalk.errors import RowsBreakIndex, RowsBreakRebuilt
from crosswalk.filling import Filled, complete_table, cut_small, fill_table, find_stains
from crosswalk.ledger import Held, Ledger, Tally, former
from crosswalk.names import Name, parse
from crosswalk.outlook import building
from crosswalk.plan import Plan, Statement
from crosswalk.stage import GivenUp, Stage, together
from crosswalk.strategy import needs

MANY: Final = 50
"""Tables, from which on round trips are saved."""
SMALL: Final = 8 * 1024 * 1024
"""Bytes of a source table, below which what is built takes no time to speak of."""
_FIRST: Final = -1
"""More urgent than any table's rows."""
Numbered = tuple[int, Statement]


@dataclass(slots=True, kw_only=True)
class Loading:
    """All tables on their way."""

    stage: Stage
    builds: Mapping[Name, list[Numbered]]
    rebuilds: Mapping[Name, list[Held]] = field(default_factory=dict)
    tallies: dict[Name, Tally] = field(default_factory=dict)
    _full: dict[Name, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self._full = {name: asyncio.Event() for name in self.stage.order}

    async def load(self) -> list[Tally]:
        """Fill every table and build what belongs to it; raises the first error, the others at their edge."""
        stage, wanted = self.stage, needs(self.stage.facts)
        await cut_small(stage)
        await find_stains(stage)
        place = {name: i for i, name in enumerate(stage.order)}
        urgency = stage.urgency(stage.order)
        works = [
            self._table(name, [p for p in wanted[name] if place.get(p, len(place)) < place[name]], urgency[name])
            for name in stage.order
        ]
        await together(stage, works)
        return [self.tallies[name] for name in stage.order]

    async def _table(self, name: Name, parents: Collection[Name], urgency: int) -> None:
        try:
            for parent in parents:
                await self._full[parent].wait()
            if self.stage.failed:
                raise GivenUp
            if self.stage.resumed:
                await self._build_early(name)
            filled = await fill_table(self.stage, name, urgency)
        finally:
            self._full[name].set()
        if self.stage.resumed:  # an index may have refused rows that the comparison moves again
            await self._complete(name, filled)
            await self._build(name, analyzed=filled.new)
        else:
            await together(self.stage, [self._complete(name, filled), self._build(name, analyzed=filled.new)])

    async def _complete(self, name: Name, filled: Filled) -> None:
        self.tallies[name] = await complete_table(self.stage, filled, _FIRST)

    async def _build_early(self, name: Name) -> None:
        """A run that goes on merges, and rows that stand there are found by their key; what they break, they may break no
        more in the end."""
        found = self.builds.get(name, [])
        for each in list(found):
            try:
                await self._perform(each)
            except RowsBreakIndex:
                return
            found.remove(each)

    async def _build(self, name: Name, *, analyzed: bool) -> None:
        """Indexes side by side, then the keys that stand on them, statistics last."""
        found, again = self.builds.get(name, []), self.rebuilds.get(name, [])
        if len(self.stage.order) >= MANY and self.stage.facts.source_table(name).bytes < SMALL:
            await self._build_at_once(name, found, again, analyzed=analyzed)
            return
        made = [self._perform(each) for each in found if each[1].kind == "index"]
        await together(self.stage, [*made, *(self._build_again(each) for each in again)])
        for each in found:
            if each[1].kind == "key":
                await self._perform(each)
        if analyzed:
            async with self.stage.crew.pair(_FIRST) as pair:
                await analyze(pair.target, name)

    async def _build_at_once(self, name: Name, found: list[Numbered], again: list[Held], *, analyzed: bool) -> None:
        """A small table of many: round trips are what takes the time."""
        async with self.stage.crew.pair(_FIRST) as pair:
            if self.stage.failed:
                raise GivenUp
            if found:
                with building(self.stage.observer, name, *(each[1].name for each in found if each[1].kind == "index")):
                    await apply.perform_all(Ledger(pair.target), self.stage.run, found)
            for each in again:
                await self._build_again_on(pair, each)
            if analyzed:
                await analyze(pair.target, name)

    async def _perform(self, numbered: Numbered) -> None:
        async with self.stage.crew.pair(_FIRST) as pair:
            self.stage.go_on()
            statement = numbered[1]
            name, index = parse(statement.table), statement.kind == "index"
            if index:
                await self._share_out(name, pair)
            with building(self.stage.observer, name, *([statement.name] if index else [])):
                await apply.perform(Ledger(pair.target), self.stage.run, *numbered)

    async def _share_out(self, name: Name, pair: Pair) -> None:
        size = self.stage.facts.source_table(name).bytes
        await share_out(pair.target, size=size, spare=self.stage.crew.spare)

    async def _build_again(self, held: Held) -> None:
        async with self.stage.crew.pair(_FIRST) as pair:
            self.stage.go_on()
            await self._share_out(held.target, pair)
            await self._build_again_on(pair, held)

    async def _build_again_on(self, pair: Pair, held: Held) -> None:
        """An index that refuses rows is built in the end (`misfits`), once these have left."""
        with building(self.stage.observer, held.target, held.name), suppress(RowsBreakRebuilt):
            await apply.build_again(Ledger(pair.target), held)


async def waiting_rebuilds(ledger: Ledger) -> dict[Name, list[Held]]:
    """Indexes that were dropped for the load, by table."""
    found: dict[Name, list[Held]] = {}
    for held in await ledger.held():
        if held.kind == "index":
            found.setdefault(held.target, []).append(held)
    return found


async def waiting_builds(plan: Plan, ledger: Ledger) -> dict[Name, list[Numbered]]:
    """What has yet to be built, by table."""
    standing = await former.standing_numbers(ledger.session, plan.id)
    found: dict[Name, list[Numbered]] = {}
    for number, statement in plan.keys():  # noqa: SIM118  (no mapping)
        if number not in standing:
            found.setdefault(parse(statement.table), []).append((number, statement))
    return found
