"""`crosswalk quarantine`: rows that did not fit; counted, shown, moved again after a fix, or given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import grid, heading, line, number, reason_json, render_reasons, tally_json
from crosswalk.cli.app import epilog
from crosswalk.cli.interrupt import endable
from crosswalk.cli.plan import user
from crosswalk.cli.progress import watch
from crosswalk.cli.tables import shown
from crosswalk.connect import server_url
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.judge.rows import mask_key
from crosswalk.ledger.quarantine import Reject
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.quarantined import Retried, Stock, TableStock, stock
from crosswalk.quarantined import drop as give_up
from crosswalk.quarantined import retry as try_again
from crosswalk.quarantined import show as look
from crosswalk.survey import Servers

LIMIT: Final = 20
_REFUSED: Final = "nothing was migrated, another run holds the target, or a run has to be resumed first"
_LISTED: Final = {
    0: "told", 1: "an error", 2: "the accounting of a finished run says otherwise",
    3: "nothing was migrated, or there is no such table",
}
_SHOWN: Final = {0: "told", 1: "an error", 3: "nothing was migrated, or there is no such table"}
_RETRIED: Final = {
    0: "all rows that were tried found a place", 1: "an error; what was committed stays, run it again",
    2: "some rows are still in quarantine", 3: _REFUSED, 130: "stopped; run it again",
}
_DROPPED: Final = {
    0: "given up, and noted in the ledger", 1: "an error; nothing was changed", 3: f"{_REFUSED}, or there is no such row",
    64: "no reason (--why), or nothing chosen",
}
Tables = Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...", help="Tables of the target; else all.")]
OneTable = Annotated[str, typer.Argument(metavar="TABLE", help="A table of the target.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Rows with that reason only.")]
quarantine = typer.Typer(
    rich_markup_mode="rich", add_completion=False, no_args_is_help=True,
    help="Rows that did not fit: count them, look at them, move them again after a fix, or give them up.",
    epilog=epilog(
        ("crosswalk quarantine list", "crosswalk quarantine show customers --reason not_null",
         "crosswalk quarantine retry", 'crosswalk quarantine drop customers --why "test accounts"'),
        {**_RETRIED, 0: "done", 64: "the command was not understood"},
    ),
)


# --- list ---------------------------------------------------------------------------------------


@quarantine.command(
    "list", epilog=epilog(("crosswalk quarantine list", "crosswalk quarantine list customers --json"), _LISTED)
)
def list_(tables: Tables = None, target: options.Target = None, as_json: options.Json = False) -> int:
    """Count the rows in quarantine by table and reason, beside what the accounting says.

    Counted are source rows. Of a row that a rule spreads over several the elements stand there one by one.
    Only the target is read.
    """
    found = asyncio.run(stock(server_url("target", target), tables or ()))
    wrong = [t for t in found.tables if found.settled and not t.agrees]
    answer = voice.Answer(
        data={
            "run": found.run, "state": found.state, "rows": found.rows, "dropped": found.dropped,
            "tables": [_table_json(t) for t in found.tables],
        },
        view=_list_view(found), exit_code=EXIT_DIFFERENT if wrong else EXIT_CLEAN,
        notes=tuple(f"{t.target}: the accounting has {t.tallied:,} in quarantine, {t.held:,} stand there" for t in wrong),
        next=(options.again(_after_list(found, wrong), target=target),),
    )
    return voice.give(answer, as_json=as_json)


def _after_list(found: Stock, wrong: list[TableStock]) -> str:
    if not found.settled:
        return "crosswalk resume"
    if wrong:
        return "crosswalk quarantine retry"
    return f"crosswalk quarantine show {found.tables[0].target}" if found.tables else "crosswalk verify"


def _table_json(table: TableStock) -> dict[str, Any]:
    return {
        "target": str(table.target), "rows": table.held, "accounted": table.tallied, "agrees": table.agrees,
        "dropped": table.dropped, "reasons": [{**reason_json(r), "dropped": r["dropped"]} for r in table.reasons],
    }


def _list_view(found: Stock) -> Iterator[RenderableType]:
    if not found.tables:
        yield Text("no row is in quarantine", style="green")
        return
    made = grid("table", "rows", "accounted", "dropped")
    for table in found.tables:
        tallied = Text("–") if table.tallied is None else number(table.tallied)
        made.add_row(Text(shown(str(table.target))), number(table.held, "yellow"), tallied, number(table.dropped))
    if len(found.tables) > 1:
        said = number(sum(t.tallied or 0 for t in found.tables), "bold")
        made.add_row(Text("all", style="bold"), number(found.rows, "bold"), said, number(found.dropped, "bold"))
    yield made
    yield from render_reasons(r for t in found.tables for r in t.reasons)


# --- show ---------------------------------------------------------------------------------------


@quarantine.command(
    epilog=epilog(
        ("crosswalk quarantine show customers", "crosswalk quarantine show customers --reason length --limit 100"), _SHOWN
    )
)
def show(
    table: OneTable, reason: Reason = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="So many rows.")] = LIMIT,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="What stands in the rows; secret columns stay redacted.")
    ] = False,
    target: options.Target = None, as_json: options.Json = False,
) -> int:
    """Show rows in quarantine, oldest first: masked key, reason, SQLSTATE, constraint, column.

    Values of rows are shown only with --show-values. Columns that the document calls secret were redacted
    before they came to quarantine.
    """
    url = server_url("target", target)
    name, found = asyncio.run(look(url, table, code=reason, limit=limit, values=show_values))
    answer = voice.Answer(
        data={"table": str(name), "rows": [_reject_json(r, values=show_values) for r in found]},
        view=_show_view(name, found, limit),
        next=(options.again("crosswalk quarantine list", target=target),),
    )
    return voice.give(answer, as_json=as_json)


def _reject_json(reject: Reject, *, values: bool) -> dict[str, Any]:
    said = {
        "key": mask_key(reject.key), "source": str(reject.source), "found_by": reject.found_by, "code": reject.code,
        "sqlstate": reject.sqlstate, "message": reject.message, "constraint": reject.constraint,
        "column": reject.column, "run": reject.run, "at": reject.at,
        "dropped": {"who": reject.who, "why": reject.why, "at": reject.dropped_at} if reject.why is not None else None,
    }
    return {**said, "row": json.loads(reject.row or "{}")} if values else said


def _show_view(name: Name, found: list[Reject], limit: int) -> Iterator[RenderableType]:
    if not found:
        yield Text("no such row is in quarantine", style="green")
        return
    yield heading(f"in quarantine: {name}")
    for reject in found:
        yield from _reject_view(reject)
    if len(found) == limit:
        yield line(f"… at most {plural(limit, 'row')} (--limit shows more)", style="dim")


def _reject_view(reject: Reject) -> Iterator[RenderableType]:
    yield line(f"{mask_key(reject.key)}  {reject.code} {reject.sqlstate}", indent=2)
    where = ", ".join(dict.fromkeys(w for w in (reject.column, reject.constraint) if w))
    yield line(f"{where}: {reject.message}" if where else reject.message, indent=4, style="dim")
    if reject.why is not None:
        yield line(f"dropped by {reject.who}, {(reject.dropped_at or '')[:19]}: {reject.why}", indent=4, style="yellow")
    elif reject.row is not None:
        yield line(reject.row, indent=4)


# --- retry --------------------------------------------------------------------------------------


@quarantine.command(
    epilog=epilog(("crosswalk quarantine retry", "crosswalk quarantine retry customers --dropped"), _RETRIED)
)
def retry(
    tables: Tables = None,
    dropped: Annotated[bool, typer.Option("--dropped", help="Those too that somebody has given up.")] = False,
    source: options.Source = None, target: options.Target = None, as_json: options.Json = False,
) -> int:
    """Move the rows in quarantine again, after the target's rule or the source's rows were corrected.

    What fits now lands and leaves quarantine, what does not stays there with its reason of now, and the
    accounting follows. A table brings along those that refer to it. Triggers are off meanwhile, as in a move.
    """
    done = asyncio.run(_retry(options.servers(source, target), tables or [], dropped=dropped))
    answer = voice.Answer(
        data={
            "run": done.run, "landed": done.landed, "left": done.left,
            "tables": [{"target": str(o.target), **{part: getattr(o, part) for part in _PARTS}} for o in done.tables],
            "accounting": [tally_json(t) for t in done.tallies], "quarantine": [reason_json(r) for r in done.reasons],
        },
        view=_retry_view(done), exit_code=EXIT_DIFFERENT if done.left else EXIT_CLEAN,
        next=(options.again("crosswalk verify", source=source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


_PARTS: Final = ("tried", "landed", "merged", "filtered", "gone", "left")


async def _retry(servers: Servers, tables: list[str], *, dropped: bool) -> Retried:
    with watch() as observer:
        return await endable(try_again(servers, tables, dropped=dropped, observer=observer))


def _retry_view(done: Retried) -> Iterator[RenderableType]:
    if not done.tables:
        yield Text("no row was waiting in quarantine", style="green")
        return
    made = grid("table", *_PARTS)
    for outcome in done.tables:
        counts = [number(getattr(outcome, part), "yellow" if part == "left" else "") for part in _PARTS]
        made.add_row(Text(shown(str(outcome.target))), *counts)
    yield made
    yield from render_reasons(done.reasons)
    said = f"{plural(done.landed, 'row')} landed, {done.left:,} still in quarantine"
    yield Text(said, style="yellow" if done.left else "green")


# --- drop ---------------------------------------------------------------------------------------


@quarantine.command(
    epilog=epilog(
        ('crosswalk quarantine drop customers --reason not_null --why "test accounts"',
         'crosswalk quarantine drop --all --why "the shop closed"'), _DROPPED,
    )
)
def drop(
    tables: Tables = None, reason: Reason = None,
    all_: Annotated[bool, typer.Option("--all", help="Every row in quarantine.")] = False,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for whoever asks later.")] = "",
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Who decides; else your login.")] = "",
    target: options.Target = None, as_json: options.Json = False,
) -> int:
    """Give rows up for good: what stood in them is deleted from the ledger, key and reason stay.

    The source is not touched. The accounting goes on counting them as quarantined, verify does not miss them,
    and a retry leaves them out. Who gave them up and why is kept. A row that changes in the source afterwards
    is another row: verify names it, repair moves it.
    """
    if not why.strip():
        raise typer.BadParameter("to give rows up needs a reason", param_hint="--why")
    if bool(tables or reason) == all_:
        raise typer.BadParameter("name tables or a --reason, or say --all", param_hint="TABLE")
    url = server_url("target", target)
    done = asyncio.run(give_up(url, tables or [], code=reason, why=why.strip(), who=who.strip() or user()))
    rows = sum(done.rows.values())
    answer = voice.Answer(
        data={"run": done.run, "rows": {str(name): n for name, n in done.rows.items()}, "why": done.why, "who": done.who},
        view=[
            *(line(f"{name}: {plural(count, 'row')}", indent=2) for name, count in done.rows.items()),
            line(f"{plural(rows, 'row')} given up by {done.who}: {done.why}", style="green"),
        ],
        next=(options.again("crosswalk quarantine list", target=target),),
    )
    return voice.give(answer, as_json=as_json)
