"""`crosswalk status`: what the target's ledger knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

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
from crosswalk.cli.progress import size
from crosswalk.cli.tables import shown
from crosswalk.connect import server_url, session
from crosswalk.ledger import Held, Ledger, Run, RunState, Tally

EXAMPLES: Final = ("crosswalk status", "crosswalk status --json | jq .state")
EXITS: Final = {0: "told, whatever the state", 1: "the target cannot be reached", 3: "the role may not read the ledger"}
_STYLES: Final = {RunState.FINISHED: "green", RunState.STOPPED: "red"}
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """What was read."""

    runs: tuple[Run, ...] = ()
    """Newest first; the rest is about the newest."""
    progress: tuple[Mapping[str, Any], ...] = ()
    tallies: tuple[Tally, ...] = ()
    held: tuple[Held, ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()

    @property
    def next(self) -> str:
        if not self.runs:
            return "crosswalk plan crosswalk.yaml"
        return "crosswalk verify" if self.runs[0].state is RunState.FINISHED else "crosswalk resume"


def status(target: options.Target = None, as_json: options.Json = False) -> int:
    """Show what was moved and what is left: runs, progress, accounting, quarantine, what is switched off.

    Everything comes from the ledger, the schema `crosswalk` of the target; the source is not asked.
    """
    found = asyncio.run(_read(server_url("target", target)))
    data = {
        "state": found.runs[0].state if found.runs else None,
        "runs": [{"id": r.id, "plan": r.plan_id, "state": r.state, "started_at": r.started_at} for r in found.runs],
        "tables": list(found.progress), "accounting": [tally_json(t) for t in found.tallies],
        "held": [
            {"kind": h.kind, "table": str(h.target), "name": h.name, "restore": h.restore} for h in found.held
        ],
        "quarantine": [reason_json(r) for r in found.reasons],
    }
    answer = voice.Answer(
        data=data, view=_view(found), notes=_notes(found), next=(options.again(found.next, target=target),)
    )
    return voice.give(answer, as_json=as_json)


async def _read(url: str) -> _Status:
    async with session("target", url, read_only=True, purpose="status") as opened:
        ledger = Ledger(opened)
        runs = await ledger.runs()
        if not runs:
            return _Status()
        newest = runs[0].id
        return _Status(
            runs=tuple(runs), progress=tuple(await ledger.progress(newest)),
            tallies=tuple(await ledger.tallies(newest)),
            held=tuple(await ledger.held()), reasons=tuple(await ledger.reasons()),
        )


def _notes(found: _Status) -> tuple[str, ...]:
    if found.runs and found.runs[0].state in {RunState.STARTED, RunState.COPYING}:
        return ("the newest run goes on somewhere, or was killed; `crosswalk resume` refuses while it goes on",)
    return ()


def _view(found: _Status) -> Iterator[RenderableType]:
    if not found.runs:
        yield Text("nothing was migrated into this database yet")
        return
    for run in found.runs[:_SHOWN]:
        said = Text(f"run {run.id}  ", style="bold").append(run.state.value, _STYLES.get(run.state, "yellow"))
        yield said.append(f"  plan {shown(run.plan_id)}, started {run.started_at[:19]}", "dim")
    if len(found.runs) > _SHOWN:
        yield line(f"… and {len(found.runs) - _SHOWN} older (--json shows all)", style="dim")
    if found.progress:
        yield heading("landed")
        yield _progress(found)
    if found.tallies:
        yield heading("accounting")
        yield from render_tallies(found.tallies)
    yield from render_reasons(found.reasons)
    if found.held:
        yield heading("still switched off")
        for held in found.held:
            yield line(f"{held.kind} {held.name} of {held.target}", indent=2, style="red")
            yield line(f"on again by: {held.restore}", indent=4, style="dim")


def _progress(found: _Status) -> RenderableType:
    made = grid("table", "chunks", "rows", "bytes")
    for each in found.progress:
        chunks = f"{each['landed']:,}/{each['chunks']:,}"
        made.add_row(Text(shown(each["target"])), Text(chunks), number(each["rows"]), Text(size(each["bytes"])))
    return made
