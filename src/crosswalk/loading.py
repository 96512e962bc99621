"""Loads all tables of a run: which one may begin when, and what is built once its rows are in.

    a table waits for those that it looks into or refers to; any other may be loaded at the same time
    the largest begin first; what is built on a table that is complete goes before the rows of another
    indexes of a table that the plan made come after its rows, each on a worker of its own, then its keys

Part of the conductor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from crosswalk import apply
from crosswalk.filling import GivenUp, fill_table, together
from crosswalk.ledger import Ledger, Tally, former
from crosswalk.names import Name, parse
from crosswalk.plan import Plan, Statement
from crosswalk.stage import Stage
from crosswalk.strategy import needs

BUILDS: Final = frozenset({"index", "key"})
"""Kinds of statements that are run table by table, once the rows are in."""
_FIRST: Final = -1
"""More urgent than any table's rows."""
Numbered = tuple[int, Statement]


@dataclass(slots=True, kw_only=True)
class Loading:
    """All tables on their way."""

    stage: Stage
    builds: Mapping[Name, list[Numbered]]
    tallies: dict[Name, Tally] = field(default_factory=dict)
    _full: dict[Name, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self._full = {name: asyncio.Event() for name in self.stage.order}

    async def load(self) -> list[Tally]:
        """Fill every table and build what belongs to it; raises the first error, the others at their edge."""
        stage, wanted = self.stage, needs(self.stage.facts)
        place = {name: i for i, name in enumerate(stage.order)}
        urgency = stage.urgency(stage.order)
        works = [
            self._table(name, [p for p in wanted[name] if place.get(p, len(place)) < place[name]], urgency[name])
            for name in stage.order
        ]
        await together(stage, works)
        return [self.tallies[name] for name in stage.order]

    async def _table(self, name: Name, parents: Collection[Name], urgency: int) -> None:
        for parent in parents:
            await self._full[parent].wait()
        if self.stage.failed:
            raise GivenUp
        try:
            if self.stage.resumed:  # rows that stand there are found by their key
                await self._build(name)
            self.tallies[name] = await fill_table(self.stage, name, urgency)
        finally:
            self._full[name].set()
        await self._build(name)

    async def _build(self, name: Name) -> None:
        """Indexes side by side, then the keys that stand on them."""
        found = self.builds.get(name, [])
        await together(self.stage, [self._perform(each) for each in found if each[1].kind == "index"])
        for each in found:
            if each[1].kind == "key":
                await self._perform(each)
        found.clear()

    async def _perform(self, numbered: Numbered) -> None:
        async with self.stage.crew.pair(_FIRST) as pair:
            if self.stage.failed:
                raise GivenUp
            self.stage.stop_here()
            await apply.perform(Ledger(pair.target), self.stage.run, *numbered)


async def waiting_builds(plan: Plan, ledger: Ledger) -> dict[Name, list[Numbered]]:
    """What has yet to be built, by table."""
    standing = await former.standing_numbers(ledger.session, plan.id)
    found: dict[Name, list[Numbered]] = {}
    for number, statement in plan.phase("complete"):
        if statement.kind in BUILDS and number not in standing:
            found.setdefault(parse(statement.table), []).append((number, statement))
    return found
