"""`crosswalk demo`: the whole story on two embedded servers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import voice
from crosswalk.cli.accounting import grid, line, number, render_reasons, render_tallies
from crosswalk.cli.options import Json
from crosswalk.cli.progress import watch
from crosswalk.cli.strategies import render_costs, render_decision, render_recommendation
from crosswalk.cli.tables import shown, summary
from crosswalk.cli.verdicts import render_verified
from crosswalk.demo import Act, Faults, Script, Stage, Story, build, find_example, tell, two_servers
from crosswalk.demo.naive import Attempt
from crosswalk.errors import EXIT_CLEAN, EXIT_ERROR
from crosswalk.ledger import Tally
from crosswalk.numerals import plural
from crosswalk.plan import STRATEGIES, Strategy
from crosswalk.planfile import PlanFile
from crosswalk.verification import Verified

EXAMPLES: Final = (
    "crosswalk demo", "crosswalk demo --strategy hybrid", "crosswalk demo --rows 100000",
    "crosswalk demo --json", "crosswalk demo --keep",
)
_STRATEGIES: Final[dict[str, Strategy]] = {name: name for name in STRATEGIES}
QUESTIONS: Final = 4
"""Shown of a long list."""
EXITS: Final = {0: "every act showed what it should", 1: "an act did not, or a server would not start"}


class Chosen(StrEnum):
    """What is carried through to the end."""

    RECREATE = "recreate"
    TRANSFORM = "transform"
    HYBRID = "hybrid"


def demo(
    rows: Annotated[
        int | None, typer.Option("--rows", min=100, metavar="N", help="Clients; other tables in proportion.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave both servers up and print their URLs.")] = False,
    strategy: Annotated[Chosen, typer.Option("--strategy", help="Which one is decided on.")] = Chosen.TRANSFORM,
    as_json: Json = False,
) -> int:
    """Play a whole move between two embedded PostgreSQL servers of different versions.

    A naive copy fails; then diff, match, check, plan and decision, migrate, verify; three faults are
    planted, found and healed; a report tells it all. Only a folder of temporary files is left.
    """
    return asyncio.run(_play(rows=rows, keep=keep, strategy=_STRATEGIES[strategy], as_json=as_json))


async def _play(*, rows: int | None, keep: bool, strategy: Strategy, as_json: bool) -> int:
    began = time.monotonic()
    story = Story()
    folder = Path(tempfile.mkdtemp(prefix="crosswalk-demo-"))
    async with _stage(rows=rows, keep=keep, as_json=as_json) as stage:
        script = Script(example=find_example(), stage=stage, strategy=strategy, folder=folder)
        if not as_json:
            voice.out().print(Text(_opening(stage), style="dim"))
        number_of = 0
        with watch() as observer:
            async for act in tell(script, story, observer=lambda: observer):
                number_of += 1
                if not as_json:
                    _show(number_of, act)
        data = _json(story, strategy, stage if keep else None, seconds=time.monotonic() - began)
        if as_json:
            voice.dump(data)
        else:
            _close(story, stage if keep else None, time.monotonic() - began)
    return EXIT_CLEAN if story.ok else EXIT_ERROR


@asynccontextmanager
async def _stage(*, rows: int | None, keep: bool, as_json: bool) -> AsyncIterator[Stage]:
    if not as_json:
        voice.note("starting two servers and filling the old database …")
    with two_servers(keep=keep) as (old, new):
        yield await build(old, new, find_example(), rows=rows)


def _opening(stage: Stage) -> str:
    return f"PostgreSQL {stage.old.version} → PostgreSQL {stage.new.version}, both as a plain owner without superuser"


def _show(place: int, act: Act) -> None:
    console = voice.out()
    console.print()
    verdict = Text("ok", style="green") if act.ok else Text("NOT AS EXPECTED", style="bold red")
    head = Text(f"{place}. {act.title}", style="bold").append(f"  ({act.seconds:.1f} s, ", style="dim")
    console.print(head.append(verdict).append(")", style="dim"))
    for each in _views(act):
        console.print(each)


def _views(act: Act) -> Iterable[RenderableType]:
    if act.shown is None or isinstance(act.shown, Exception):
        return [line(str(act.shown or "nothing to show"), indent=2, style="red")]
    views: dict[str, Any] = {
        "naive": _naive,
        "diff": _diff,
        "match": _match,
        "check": _check,
        "plan": _plan,
        "migrate": _migrate,
        "verify": _verify,
        "repair": _repair,
        "report": _report,
    }
    found: Iterable[RenderableType] = views[act.name](act)
    return found


def _naive(act: Act) -> Iterator[RenderableType]:
    attempts: list[Attempt] = act.shown
    made = grid("table", "rows", "moved", "the target lacks")
    for attempt in attempts:
        made.add_row(
            Text(shown(attempt.table)),
            number(attempt.rows),
            number(attempt.moved),
            Text(shown(attempt.lacks), style="red"),
        )
    yield made
    figures = act.figures
    yield Text(
        f"{plural(figures['failed'], 'error')}: {figures['moved']:,} of {figures['rows']:,} rows moved",
        style="bold red",
    )


def _diff(act: Act) -> Iterator[RenderableType]:
    for table in act.shown.tables:
        if table.source and table.target:
            yield summary(table)
    for side, other in (("source", "target"), ("target", "source")):
        alone = [getattr(t, side).relation for t in act.shown.tables if getattr(t, side) and not getattr(t, other)]
        if alone:
            yield line(f"only in the {side}: {', '.join(alone)}", style="dim")
    yield line("`crosswalk diff` prints the matrix of all columns", style="dim")


def _check(act: Act) -> Iterator[RenderableType]:
    by_table: dict[str, list[str]] = {}
    for verdict in act.shown.verdicts:
        where = verdict.column or verdict.constraint or ""
        by_table.setdefault(str(verdict.source), []).append(f"{verdict.rows} × {where}: {verdict.reason}")
    for table, reasons in by_table.items():
        yield line(table, indent=2, style="bold")
        for reason in reasons:
            yield line(reason, indent=4)
    yield from render_tallies(act.shown.tallies)
    yield line("each of these the mapping document expects, and says what becomes of it", style="green")


def _match(act: Act) -> Iterator[RenderableType]:
    figures, matched = act.figures, act.shown
    yield line(
        f"{plural(figures['rules'], 'rule')} for {plural(figures['tables'], 'table')}: {figures['accepted']} accepted,"
        f" {figures['rules'] - figures['accepted']} proposed; {plural(figures['questions'], 'question')} to a person, the first:"
    )
    for question in matched.draft.questions[:QUESTIONS]:
        yield line(f"{question.place}: {question.text}", indent=2, style="yellow")
    yield line("keys of another meaning, found by where their values live:")
    for table in matched.draft.tables:
        for name, rule in table.columns.items():
            if "lookup" in rule.rule and rule.evidence:
                yield line(f"{table.target.relation}.{name}: {rule.evidence[0]}", indent=2)
    yield line(
        f"of {figures['reviewed']} rules that people reviewed the draft has {figures['same']} word for word; it accepts"
        f" {len(figures['accepted_otherwise']) or 'none'} that they decided otherwise",
        style="green",
    )


def _plan(act: Act) -> Iterator[RenderableType]:
    plans: PlanFile = act.shown
    yield from render_costs(plans.costs)
    yield from render_recommendation(plans.recommendation)
    assert plans.decision is not None
    yield from render_decision(plans.decision)
    plan = plans.chosen()
    for hazard in plan.hazards:
        carrying = [s for s in plan.statements if s.hazard is hazard]
        yield line(f"hazard {hazard}: {plural(len(carrying), 'statement')}, e.g.", style="bold red")
        yield line(carrying[0].sql, indent=2)
        if carrying[0].restore:
            yield line(f"and after the load: {carrying[0].restore}", indent=2, style="dim")
    yield line(f"preserved, untouched: {', '.join(plan.preserved)}", style="green")
    yield line("the plan is JSON; `migrate` refuses it undecided, edited, or once a schema has moved on", style="dim")


def _migrate(act: Act) -> Iterator[RenderableType]:
    yield from render_tallies(act.shown.tallies)
    yield from render_reasons(act.shown.reasons)


def _verify(act: Act) -> Iterator[RenderableType]:
    yield from render_verified(act.shown)


def _repair(act: Act) -> Iterator[RenderableType]:
    faults: Faults = act.shown
    for name, rows in faults.planted.items():
        yield line(f"planted: {name} ({plural(rows, 'row')})", indent=2, style="yellow")
    yield from render_verified(_broken(faults.mended.before))
    for table, done in faults.mended.tables.items():
        yield line(f"{table}: {plural(done.moved, 'row')} moved again", indent=2)
    if faults.mended.after is not None:
        after = faults.mended.after
        if not after.clean:
            yield from render_verified(_broken(after))
        else:
            yield Text(f"verified again: {plural(after.rows, 'row')}, nothing differs", style="green")


def _report(act: Act) -> Iterator[RenderableType]:
    yield line(act.shown.headline)
    for finding in act.shown.findings[:QUESTIONS]:
        yield line(f"{finding.weight}: {finding.title}", indent=2)
    yield line("one page that opens offline, its JSON twin and its Markdown beside it", style="dim")


def _broken(verified: Verified) -> Verified:
    """The tables that differ; the rest was shown before."""
    return replace(verified, tables=[t for t in verified.tables if not t.clean], preserved=[], uncovered=[])


def _close(story: Story, kept: Stage | None, seconds: float) -> None:
    console = voice.out()
    console.print()
    if story.report is not None:
        console.print(Text(f"report: {story.report}"), soft_wrap=True)
    if story.ok:
        console.print(Text(f"All {len(story.acts)} acts as they should be, in {seconds:.0f} s.", style="bold green"))
    else:
        console.print(Text("The story ended early.", style="bold red"))
    if kept is not None:
        console.print(Text(f"CROSSWALK_SOURCE={kept.servers.source}"), soft_wrap=True)
        console.print(Text(f"CROSSWALK_TARGET={kept.servers.target}"), soft_wrap=True)
        voice.command(f"crosswalk pg stop {kept.names[0]} && crosswalk pg stop {kept.names[1]}")


def _tally(tally: Tally) -> dict[str, int]:
    return {part: getattr(tally, part) for part in ("extracted", "loaded", "merged", "quarantined", "filtered")}


def _strategies(story: Story, strategy: Strategy) -> dict[str, Any]:
    """What each costs; of the one that was carried out, whether its verification was clean (of the others, null)."""
    clean = story.verified is not None and story.verified.clean
    return {
        cost.strategy: {
            "chosen": cost.strategy == strategy, "verified": clean if cost.strategy == strategy else None,
            **cost.model_dump(mode="json", exclude={"strategy"}),
        }
        for cost in (story.plans.costs if story.plans else ())
    }


def _json(story: Story, strategy: Strategy, kept: Stage | None, *, seconds: float) -> dict[str, Any]:
    verified = story.verified
    recommended = story.plans.recommendation if story.plans else None
    data: dict[str, Any] = {
        "ok": story.ok,
        "seconds": round(seconds, 2),
        "strategy": strategy,
        "strategies": _strategies(story, strategy),
        "recommendation": recommended.model_dump(mode="json") if recommended else None,
        "decision": story.plans.decision.model_dump(mode="json") if story.plans and story.plans.decision else None,
        "report": str(story.report) if story.report else None,
        "acts": [{"name": a.name, "ok": a.ok, "seconds": a.seconds, "figures": a.figures} for a in story.acts],
        "tables": {t.source.relation: _tally(t) for t in (story.migrated.tallies if story.migrated else ())},
        "preserved": {
            p.table.relation: {"rows": p.rows, "unchanged": p.unchanged}
            for p in (verified.preserved if verified else ())
        },
        "verify": {"clean": verified is not None and verified.clean, "covered": _covered(verified)},
        "faults": {"planted": story.planted, "found": story.found, "repaired": story.repaired},
    }
    if kept is not None:
        data["servers"] = {"source": kept.servers.source, "target": kept.servers.target, "names": list(kept.names)}
    return data


def _covered(verified: Verified | None) -> dict[str, Any]:
    """What the last verification looked at, and what not."""
    if verified is None:
        return {"tables": 0, "rows": 0, "columns": 0, "sequences": 0, "preserved": 0, "not": []}
    return {
        "tables": len(verified.tables),
        "rows": verified.rows,
        "columns": sum(len(t.columns) for t in verified.tables),
        "sequences": len(verified.sequences),
        "preserved": len(verified.preserved),
        "not": verified.uncovered,
    }
