"""`crosswalk status`: where the project stands, and what the target's ledger knows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.board import Board, Facts, History, look, weigh
from crosswalk.cli import options, voice
from crosswalk.cli.accounting import (
    grid,
    heading,
    line,
    number,
    reason_json,
    render_reasons,
    render_tallies,
    tally_json,
)
from crosswalk.cli.boards import board_json, render_board
from crosswalk.cli.plan import DEFAULT
from crosswalk.cli.progress import packed, parts, size
from crosswalk.cli.tables import shown
from crosswalk.connect import server_url
from crosswalk.ledger import RunState
from crosswalk.reckoning import Figures

DOCUMENT: Final = Path("crosswalk.yaml")
EXAMPLES: Final = (
    "crosswalk status",
    "crosswalk status --json | jq .blockers",
    "crosswalk status --mapping shop.yaml --plan friday.json",
)
EXITS: Final = {0: "told, whatever the state", 1: "the target cannot be reached", 3: "the role may not read the ledger"}
_STYLES: Final = {RunState.FINISHED: "green", RunState.STOPPED: "red"}
_SHOWN: Final = 10

MappingFile = Annotated[Path, typer.Option("--mapping", metavar="FILE", help="The mapping document, if it is there.")]
PlanFile = Annotated[Path, typer.Option("--plan", metavar="FILE", help="The plan, if it is there.")]


def status(
    source: options.Source = None, target: options.Target = None, mapping: MappingFile = DOCUMENT,
    plan: PlanFile = DEFAULT, as_json: options.Json = False,
) -> int:
    """Show where the project stands: phases, gates, decision, blockers with their remedies, the next step.

    Reads the ledger (the schema `crosswalk` of the target), the mapping document and the plan where
    they lie, and before a move both schemas. What cannot be known is said. Then come the runs, what has
    landed, the accounting, quarantine, and what is still switched off.
    """
    to = _target(target, mapping, plan)
    from_ = options.staged_url(source, server=lambda: _named("source", source))
    found = asyncio.run(look(from_, to, document=mapping, plan=plan))
    board = weigh(found)
    answer = voice.Answer(
        data={**_ledger_json(found.history or History()), **board_json(board)},
        view=_view(found, board),
        notes=_notes(found),
        next=(_again(board.next, source, target),),
    )
    return voice.give(answer, as_json=as_json)


def _named(side: str, given: str | None) -> str | None:
    """The URL, or None where nobody named one."""
    wanted = given or os.environ.get(f"CROSSWALK_{side.upper()}")
    return server_url("source" if side == "source" else "target", wanted) if wanted else None


def _target(given: str | None, *files: Path) -> str | None:
    """None where nobody named one and a file can tell something; else raises NoServerNamed."""
    return None if _named("target", given) is None and any(f.exists() for f in files) else server_url("target", given)


_BOTH: Final = frozenset({"match", "check", "plan", "diff", "doctor", "migrate", "resume", "verify", "repair", "report"})
_TARGET: Final = frozenset({"status", "rollback"})


def _again(command: str, source: str | None, target: str | None) -> str:
    """The command with the servers that were given on the command line, as far as its verb takes them."""
    verb = command.split()[1] if command.startswith("crosswalk ") else ""
    if verb in _BOTH:
        return options.again(command, source=source, target=target)
    return options.again(command, target=target) if verb in _TARGET else command


def _ledger_json(history: History) -> dict[str, object]:
    runs = history.runs
    return {
        "state": runs[0].state if runs else None,
        "busy": history.busy,
        "runs": [{"id": r.id, "plan": r.plan_id, "state": r.state, "started_at": r.started_at} for r in runs],
        "figures": _figures_json(history.figures) if history.figures else None,
        "tables": list(history.progress),
        "accounting": [tally_json(t) for t in history.tallies],
        "held": [{"kind": h.kind, "table": str(h.target), "name": h.name, "restore": h.restore} for h in history.held],
        "quarantine": [reason_json(r) for r in history.reasons],
    }


def _notes(found: Facts) -> tuple[str, ...]:
    notes = []
    if found.history is None:
        notes.append("no target was named: what stands in its ledger is not known (--target, CROSSWALK_TARGET)")
    elif found.history.busy:
        notes.append("a run goes on at this moment")
    if found.unread is not None:
        notes.append(f"the two schemas were not looked at: {found.unread.message}")
    if found.run is not None and found.plan is not None and found.plans and found.run.plan_id not in _ids(found):
        notes.append(f"{found.plan_path} holds other plans than that of run {found.run.id}, which the board tells of")
    return tuple(notes)


def _ids(found: Facts) -> set[str]:
    return {plan.id for plan in found.plans.plans.values()} if found.plans else set()


def _view(found: Facts, board: Board) -> Iterator[RenderableType]:
    yield from render_board(board)
    history = found.history
    if history is None:
        return
    yield heading("in the target")
    if not history.runs:
        yield line("nothing was migrated into this database yet", indent=2)
        return
    for run in history.runs[:_SHOWN]:
        said = Text(f"run {run.id}  ", style="bold").append(run.state.value, _STYLES.get(run.state, "yellow"))
        yield said.append(f"  plan {shown(run.plan_id)}, started {run.started_at[:19]}", "dim")
    if len(history.runs) > _SHOWN:
        yield line(f"… and {len(history.runs) - _SHOWN} older (--json shows all)", style="dim")
    if history.runs[0].state is RunState.ROLLED_BACK:
        return
    if history.figures:
        yield heading("under way")
        head = f"{history.figures.phase or 'begun'}: "
        first, *others = parts(history.figures)
        yield from (line(each, indent=2) for each in packed([head + first, *others], voice.out().width - 2))
    if history.progress:
        yield heading("landed")
        yield _progress(history)
    if history.tallies:
        yield heading("accounting")
        yield from render_tallies(history.tallies)
    yield from render_reasons(history.reasons)
    if history.held:
        yield heading("still switched off")
        for held in history.held:
            yield line(f"{held.kind} {held.name} of {held.target}", indent=2, style="red")
            yield line(f"on again by: {held.restore}", indent=4, style="dim")


def _figures_json(figures: Figures) -> dict[str, object]:
    """What the run itself shows at this moment; how long it will take only its own process knows."""
    return {
        "phase": figures.phase, "tables": figures.tables, "of": figures.of, "rows": figures.rows, "bytes": figures.bytes,
        "rejected": figures.rejected, "bytes_per_second": round(figures.speed), "workers": figures.workers,
        "busy": figures.busy,
    }


def _progress(history: History) -> RenderableType:
    made = grid("table", "chunks", "rows", "bytes", "rejected")
    for each in history.progress:
        chunks = f"{each['landed']:,}/{each['chunks']:,}"
        counts = number(each["rows"]), Text(size(each["bytes"])), number(each["rejected"], "yellow")
        made.add_row(Text(shown(each["target"])), Text(chunks), *counts)
    return made
