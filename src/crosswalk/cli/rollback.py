"""`crosswalk rollback`: brings the target back to what it was before a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import grid, heading, line, number
from crosswalk.cli.interrupt import endable
from crosswalk.cli.progress import watch
from crosswalk.cli.tables import shown
from crosswalk.connect import server_url
from crosswalk.numerals import plural
from crosswalk.rollback import Loss, TakenBack
from crosswalk.rollback import rollback as conduct

EXAMPLES: Final = ("crosswalk rollback", "crosswalk rollback --allow loses-later-rows")
EXITS: Final = {
    0: "the target is proven to be what it was before the run", 1: "an error; nothing was changed",
    3: "refused: nothing to take back, something of others would be lost, or it could not be proven",
    130: "stopped; nothing was changed, unless its COMMIT was under way: `crosswalk status` says",
}


def rollback(
    target: options.Target = None,
    allow: Annotated[
        list[Loss] | None, typer.Option("--allow", metavar="NAME", help="A loss that is accepted (see below).")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Bring the target back to what it was before the newest run, catalog and rows. The source is not needed.

    Earlier runs of the same tables go along. It is one transaction, which keeps others off those tables meanwhile,
    and is committed only if the target is proven to be what it was. The ledger keeps the history.

    Refused unless allowed: rows that came since (loses-later-rows), changes in rows that were moved, or in tables
    that the run had made (loses-later-changes), rows of other tables whose foreign key would delete or change them
    (loses-referring-rows), a catalog or kept rows that others changed since (keeps-later-changes).
    """
    done = asyncio.run(_take_back(server_url("target", target), allow or []))
    answer = voice.Answer(
        data=_json(done), view=_view(done), notes=(*done.warnings, *_others(done)),
        next=tuple(options.again(f"crosswalk {verb}", target=target) for verb in _next(done)),
    )
    return voice.give(answer, as_json=as_json)


async def _take_back(url: str, allow: list[Loss]) -> TakenBack:
    with watch() as observer:
        return await endable(conduct(url, allow=allow, observer=observer))


def _others(done: TakenBack) -> list[str]:
    runs = ", ".join(map(str, done.standing))
    told = f"still standing, in other tables: run {runs}; `crosswalk rollback` again takes the newest of them back"
    return [told] if done.standing else []


def _next(done: TakenBack) -> tuple[str, ...]:
    return ("rollback", "status") if done.standing else ("status",)


def _json(done: TakenBack) -> dict[str, Any]:
    return {
        "runs": list(done.runs), "standing": list(done.standing), "statements": done.statements, "sequences": done.sequences,
        "tables": [
            {"target": str(t.target), "deleted": t.deleted, "restored": t.restored, "dropped": t.dropped}
            for t in done.tables
        ],
        "changed_since": done.changed, "warnings": done.warnings,
    }


def _view(done: TakenBack) -> Iterator[RenderableType]:
    yield heading("taken back")
    made = grid("table", "rows gone", "rows restored", "")
    for table in done.tables:
        fate = "dropped" if table.dropped else ""
        made.add_row(Text(shown(str(table.target))), number(table.deleted), number(table.restored), Text(fate))
    yield made
    said = f"{plural(done.statements, 'statement')} undone" if done.statements else "the schema was never changed"
    said += f", {plural(done.sequences, 'sequence')} set back" if done.sequences else ""
    yield line(said)
    numbers = ", ".join(map(str, done.runs))
    said = f"run {numbers} rolled back: the target is what it was before"
    if done.changed:
        yield Text(f"{said}, but for what others changed since:", style="yellow")
    else:
        yield Text(said, style="green")
