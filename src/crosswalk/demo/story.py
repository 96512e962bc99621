"""The demonstration's acts, each with what it showed; nothing is printed here."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from crosswalk.checking import Checked, check
from crosswalk.demo.agreement import agreement
from crosswalk.demo.example import Example
from crosswalk.demo.naive import Attempt, copy_by_names
from crosswalk.demo.stage import Stage
from crosswalk.diff import Comparison, compare
from crosswalk.errors import CrosswalkError
from crosswalk.mapping import Lookup, MappingFile, Zone, read_mapping, read_text
from crosswalk.matching import match
from crosswalk.migration import Migrated, migrate
from crosswalk.plan import Strategy
from crosswalk.planfile import PlanFile
from crosswalk.planning import make_plans
from crosswalk.progress import Observer
from crosswalk.report import as_html, as_json, as_markdown, gather
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
    plans: PlanFile | None = None
    """All strategies side by side, and the decision."""
    report: Path | None = None

    @property
    def ok(self) -> bool:
        return bool(self.acts) and all(act.ok for act in self.acts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What was planted (rows by fault) and how it was healed."""

    planted: dict[str, int]
    mended: Mended


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is played, and where."""

    example: Example
    stage: Stage
    strategy: Strategy
    folder: Path
    """Where the report and the backup of preserved tables go."""


async def tell(script: Script, story: Story, *, observer: Callable[[], Observer]) -> AsyncIterator[Act]:
    """Play the acts in order; each is yielded when it is over, and added to the story."""
    stage = script.stage
    file = read_mapping(script.example.mapping)
    acts: list[tuple[str, str, Callable[[], Any]]] = [
        ("naive", "Copy by equal column names", lambda: _naive(file, stage)),
        ("diff", "Compare the two schemas", lambda: _diff(stage)),
        ("match", "Draft the mapping document", lambda: _match(file, stage)),
        ("check", "Hold the reviewed document against schemas and rows", lambda: _check(file, stage)),
        ("plan", "Cost three strategies, and decide", lambda: _plan(file, script, story)),
        ("migrate", "Move the rows", lambda: _migrate(script, story, observer())),
        ("verify", "Prove row by row what was moved", lambda: _verify(stage, story)),
        ("repair", "Plant three faults, find them, heal them", lambda: _faults(script, story)),
        ("report", "Tell the story", lambda: _report(script, story)),
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


async def _match(file: MappingFile, stage: Stage) -> _Played:
    """The draft is held against the reviewed document: what it accepts must mean the same."""
    matched = await match(stage.servers)
    drafted = read_text(matched.text).document
    held = agreement(drafted, file.document)
    rules = [rule for table in drafted.tables.values() for rule in table.columns.values()]
    figures = {
        "tables": len(drafted.tables),
        "rules": len(rules),
        "accepted": sum(rule.status == "accepted" for rule in rules),
        "questions": len(matched.draft.questions),
        "reviewed": held.reviewed,
        "same": held.same,
        "accepted_otherwise": list(held.other),
        "lookups": sum(isinstance(rule, Lookup) for rule in rules),
        "zones": sum(isinstance(rule, Zone) for rule in rules),
    }
    return bool(rules) and held.same > 0, figures, matched


async def _plan(file: MappingFile, script: Script, story: Story) -> _Played:
    planned = await make_plans(file, script.stage.servers)
    why = f"the demonstration shows {script.strategy}; --strategy takes another one through"
    story.plans = planned.file.decide(script.strategy, who="the demonstration", why=why)
    plan = story.plans.chosen()
    figures = {
        "id": plan.id,
        "strategy": plan.strategy,
        "tables": len(plan.tables),
        "statements": len(plan.statements),
        "seconds": plan.seconds,
        "hazards": [h.value for h in plan.hazards],
        "possible": [cost.strategy for cost in story.plans.costs if cost.possible],
    }
    return all(cost.possible for cost in story.plans.costs), figures, story.plans


async def _migrate(script: Script, story: Story, observer: Observer) -> _Played:
    assert story.plans is not None
    plan = story.plans.chosen()
    done = await migrate(
        plan,
        script.stage.servers,
        allow=[h.value for h in plan.hazards],
        observer=observer,
        backup=script.folder,
        who="the demonstration",
    )
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


async def _faults(script: Script, story: Story) -> _Played:
    """A fault counts as found when exactly its rows are, in its table and nowhere else."""
    stage, planted = script.stage, script.example.faults(script.strategy)
    spoiled: dict[str, int] = {}
    connection = await asyncpg.connect(stage.servers.target)
    try:
        for sql in planted.values():
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
    faults = dict(zip(planted, spoiled.values(), strict=True))
    return exact and story.planted == story.found == story.repaired, figures, Faults(planted=faults, mended=mended)


async def _report(script: Script, story: Story) -> _Played:
    servers = script.stage.servers
    made = await gather(servers.source, servers.target, file=None, plans=story.plans)
    page = script.folder / "report.html"
    for path, text in (
        (page, as_html(made)), (page.with_suffix(".json"), as_json(made)), (page.with_suffix(".md"), as_markdown(made)),
    ):
        path.write_text(text, encoding="utf-8")
    story.report = page
    return page.exists(), {"path": str(page), "headline": made.headline, "findings": len(made.findings)}, made
