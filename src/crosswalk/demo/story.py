"""The demonstration's acts, each with what it showed; nothing is printed here."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from crosswalk.checking import Checked, check
from crosswalk.demo.example import Example
from crosswalk.demo.naive import Attempt, copy_by_names
from crosswalk.demo.stage import Stage
from crosswalk.diff import Comparison, compare
from crosswalk.errors import CrosswalkError
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.migration import Migrated, migrate
from crosswalk.plan import Plan
from crosswalk.planning import make_plans
from crosswalk.progress import Observer
from crosswalk.survey import both, read_both
from crosswalk.verification import Mended, Verified, repair, verify


@dataclass(slots=True, kw_only=True)
class Act:
    """One act: what it was about, whether it showed what it should, and its figures."""

    name: str
    title: str
    ok: bool
    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)
    shown: Any = None
    """What the act produced, for rendering."""


@dataclass(slots=True, kw_only=True)
class Story:
    """All acts so far, and what they left behind."""

    acts: list[Act] = field(default_factory=list)
    migrated: Migrated | None = None
    verified: Verified | None = None
    """The last verification: after repair."""
    planted: int = 0
    found: int = 0
    repaired: int = 0

    @property
    def ok(self) -> bool:
        return bool(self.acts) and all(act.ok for act in self.acts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What was planted (rows by fault) and how it was healed."""

    planted: dict[str, int]
    mended: Mended


async def tell(example: Example, stage: Stage, story: Story, *, observer: Callable[[], Observer]) -> AsyncIterator[Act]:
    """Play the acts in order; each is yielded when it is over, and added to the story."""
    file = read_mapping(example.mapping)
    plans: list[Plan] = []
    acts: list[tuple[str, str, Callable[[], Any]]] = [
        ("naive", "Copy by equal column names", lambda: _naive(file, stage)),
        ("diff", "Compare the two schemas", lambda: _diff(stage)),
        ("check", "Hold the mapping document against schemas and rows", lambda: _check(file, stage)),
        ("plan", "Write down what the move will do", lambda: _plan(file, stage, plans)),
        ("migrate", "Move the rows through the mapping", lambda: _migrate(stage, plans, story, observer())),
        ("verify", "Prove row by row what was moved", lambda: _verify(stage, story)),
        ("repair", "Plant three faults, find them, heal them", lambda: _faults(example, stage, story)),
    ]
    for name, title, play in acts:
        began = time.monotonic()
        try:
            ok, figures, shown = await play()
        except CrosswalkError as error:
            ok, figures, shown = False, {"error": error.as_json()}, error
        act = Act(
            name=name, title=title, ok=ok, seconds=round(time.monotonic() - began, 2), figures=figures, shown=shown
        )
        story.acts.append(act)
        yield act
        if not ok:
            return


_Played = tuple[bool, dict[str, Any], Any]


async def _naive(file: MappingFile, stage: Stage) -> _Played:
    attempts: list[Attempt] = await copy_by_names(file.document, stage.servers)
    moved = sum(a.moved for a in attempts)
    figures = {
        "tables": len(attempts),
        "failed": sum(bool(a.error) for a in attempts),
        "rows": sum(a.rows for a in attempts),
        "moved": moved,
        "lacks": {a.table: a.lacks for a in attempts},
    }
    return moved == 0 and all(a.error for a in attempts), figures, attempts


async def _diff(stage: Stage) -> _Played:
    async with both(stage.servers, purpose="diff") as (source, target):
        comparison: Comparison = compare(*await read_both(source, target))
    verdicts: dict[str, int] = {}
    for table in comparison.tables:
        for column in table.columns:
            verdicts[str(column.verdict)] = verdicts.get(str(column.verdict), 0) + 1
    return not comparison.equal, {"tables": len(comparison.tables), "columns": verdicts}, comparison


async def _check(file: MappingFile, stage: Stage) -> _Played:
    checked: Checked = await check(file, stage.servers)
    figures = {
        "problems": len(checked.problems),
        "rows": sum(t.extracted for t in checked.tallies),
        "fit": sum(t.loaded for t in checked.tallies),
        "merged": sum(t.merged for t in checked.tallies),
        "quarantined": sum(t.quarantined for t in checked.tallies),
    }
    return checked.clean, figures, checked


async def _plan(file: MappingFile, stage: Stage, plans: list[Plan]) -> _Played:
    planned = await make_plans(file, stage.servers)
    decided = planned.file.decide("transform", who="the demonstration", why="it shows the road through the mapping")
    plan = decided.chosen()
    plans.append(plan)
    figures = {
        "id": plan.id,
        "tables": len(plan.tables),
        "statements": len(plan.statements),
        "seconds": plan.seconds,
        "hazards": [h.value for h in plan.hazards],
    }
    return True, figures, plan


async def _migrate(stage: Stage, plans: list[Plan], story: Story, observer: Observer) -> _Played:
    plan = plans[0]
    done = await migrate(plan, stage.servers, allow=[h.value for h in plan.hazards], observer=observer)
    story.migrated = done
    figures = {
        "rows": sum(t.extracted for t in done.tallies),
        "loaded": sum(t.loaded for t in done.tallies),
        "merged": sum(t.merged for t in done.tallies),
        "quarantined": sum(t.quarantined for t in done.tallies),
        "filtered": sum(t.filtered for t in done.tallies),
        "sequences": done.sequences,
    }
    return all(t.balanced for t in done.tallies) and not done.undeclared, figures, done


async def _verify(stage: Stage, story: Story) -> _Played:
    found = await verify(stage.servers)
    story.verified = found
    return found.clean, {"rows": found.rows, "differences": found.differences, "tables": len(found.tables)}, found


async def _faults(example: Example, stage: Stage, story: Story) -> _Played:
    """A fault counts as found when exactly its rows are, in its table and nowhere else."""
    spoiled: dict[str, int] = {}
    connection = await asyncpg.connect(stage.servers.target)
    try:
        for sql in example.faults.values():
            row = await connection.fetchrow(sql)
            assert row is not None
            spoiled[row["table"]] = row["rows"]
    finally:
        await connection.close()
    mended = await repair(stage.servers)
    found = {str(t.target): len(t.differences) for t in mended.before.tables if t.differences}
    left = {str(t.target): len(t.differences) for t in mended.after.tables} if mended.after else found
    exact = found == {table: rows for table, rows in spoiled.items() if rows}
    healed = mended.after is not None and mended.after.clean
    story.planted = sum(rows > 0 for rows in spoiled.values())
    story.found = sum(found.get(table) == rows for table, rows in spoiled.items() if rows)
    story.repaired = sum(healed and left.get(table) == 0 for table, rows in spoiled.items() if rows)
    story.verified = mended.after or mended.before
    figures = {
        "planted": story.planted,
        "found": story.found,
        "repaired": story.repaired,
        "rows": sum(spoiled.values()),
        "rows_found": sum(found.values()),
        "rows_left": sum(left.values()),
    }
    faults = dict(zip(example.faults, spoiled.values(), strict=True))
    return exact and story.planted == story.found == story.repaired, figures, Faults(planted=faults, mended=mended)
