"""`crosswalk plan`: what a move would do under each strategy, side by side, written to a file."""

from __future__ import annotations

import asyncio
import getpass
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import verdict_json
from crosswalk.cli.plans import follow, render_plan
from crosswalk.cli.strategies import render_costs, render_decision, render_recommendation
from crosswalk.errors import EXIT_CLEAN, EXIT_REFUSED, BadPlan, FileInTheWay
from crosswalk.plan import STRATEGIES
from crosswalk.planfile import PlanFile, read_plans, write_plans
from crosswalk.planning import Planned, make_plans

DEFAULT: Final = Path("crosswalk-plan.json")
EXAMPLES: Final = (
    "crosswalk plan crosswalk.yaml",
    'crosswalk plan crosswalk.yaml --strategy transform --why "one page, no choice"',
    "crosswalk plan crosswalk.yaml -o friday.json --no-count",
    "crosswalk plan crosswalk.yaml --rebuild",
    'crosswalk plan --strategy recreate --why "the same schema on another server"',
)
EXITS: Final = {
    0: "the plan is written", 1: "the document is wrong, or a server cannot be reached",
    2: "the document does not fit the schemas", 3: "refused: proposed rules, rows in the target, no strategy is possible",
}


class Choice(StrEnum):
    """What is planned."""

    ALL = "all"
    RECREATE = "recreate"
    TRANSFORM = "transform"
    HYBRID = "hybrid"


def plan(
    mapping: Annotated[
        Path | None,
        typer.Argument(metavar="MAPPING", help="The mapping document; recreate needs none."),
    ] = None,
    source: options.Source = None, target: options.Target = None,
    schema: Annotated[
        list[str] | None, typer.Option("--schema", metavar="NAME", help="Without MAPPING: only tables of this schema.")
    ] = None,
    strategy: Annotated[Choice, typer.Option("--strategy", help="One of them, or all side by side.")] = Choice.ALL,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the plan goes.")] = DEFAULT,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Decide for the one strategy at once.")] = "",
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Who decides; else your login.")] = "",
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Drop secondary indexes and foreign keys of empty tables for the load, and make them again."),
    ] = False,
    no_count: Annotated[bool, typer.Option("--no-count", help="Count no rows, time no sample; guesses are told.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is no plan.")] = False,
    as_json: options.Json = False,
) -> int:
    """Cost the strategies on the real data and write down what each would do.

    Reads both servers and writes one file; an older plan there is replaced. Each plan stands on the
    two schemas as they are now: `crosswalk migrate` refuses it when one has changed, and until
    somebody has decided.
    """
    _sensible(mapping, strategy, schema or [], rebuild=rebuild)
    if why.strip() and strategy is Choice.ALL:
        raise typer.BadParameter("say --strategy with it: of three, none is decided by itself", param_hint="--why")
    file = options.document(mapping)
    _may_write(output, force=force)
    chosen = STRATEGIES if strategy is Choice.ALL else tuple(s for s in STRATEGIES if s == strategy.value)
    servers = options.servers(source, target)
    planned = asyncio.run(
        make_plans(file, servers, strategies=chosen, count=not no_count, schemas=schema or (), rebuild=rebuild)
    )
    plans = planned.file
    if why.strip():
        plans = plans.decide(chosen[0], who=who or user(), why=why.strip(), path=output)
    write_plans(output, plans)
    answer = voice.Answer(
        data=_data(output, plans, planned), view=[*_view(plans)], exit_code=EXIT_CLEAN if plans.plans else EXIT_REFUSED,
        notes=(*_notes(planned, mapping), *_unseen(plans)), next=_next(plans, output, source, target),
    )
    voice.note(f"written to {output}")
    return voice.give(answer, as_json=as_json)


def _sensible(mapping: Path | None, strategy: Choice, schemas: list[str], *, rebuild: bool) -> None:
    """Raises BadParameter for options that say nothing together."""
    if mapping is None and strategy is not Choice.RECREATE:
        advice = "name a mapping document (`crosswalk match` drafts one), or say --strategy recreate: every table as it is"
        raise typer.BadParameter(advice, param_hint="MAPPING")
    if mapping is not None and schemas:
        raise typer.BadParameter("the mapping document says which tables move", param_hint="--schema")
    if rebuild and strategy is Choice.RECREATE:
        told = "tables that recreate makes get indexes and foreign keys after their rows anyway"
        raise typer.BadParameter(told, param_hint="--rebuild")


def user() -> str:
    """Who is at work, where nobody says it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _view(plans: PlanFile) -> list[Any]:
    if len(plans.costs) == 1:
        (made,) = plans.plans.values()
        told = [*render_plan(made, measured=plans.costs[0].measured)]
    else:
        told = [*render_costs(plans.costs), *render_recommendation(plans.recommendation)]
    return told + ([*render_decision(plans.decision)] if plans.decision else [])


def _data(output: Path, plans: PlanFile, planned: Planned) -> dict[str, Any]:
    verdicts = {name: [verdict_json(v) for v in checked.verdicts] for name, checked in planned.checked.items()}
    return {"path": str(output), "verdicts": verdicts, **plans.model_dump(mode="json", exclude={"format"})}


def _notes(planned: Planned, mapping: Path | None) -> tuple[str, ...]:
    checked = planned.checked.get("transform") or planned.checked.get("hybrid")
    unspoken = [v for v in checked.verdicts if not v.declared] if checked else []
    if not unspoken or mapping is None:
        return ()
    return (f"the document does not speak of {len(unspoken)} reasons for quarantine: `crosswalk check {shlex.quote(str(mapping))}`",)


def _unseen(plans: PlanFile) -> tuple[str, ...]:
    """What recreate would not make, where nobody could see it."""
    made = plans.plans.get("recreate")
    if made is None or not made.source.get("url", "").startswith("http"):
        return ()
    told = "a REST API tells columns, keys and references only"
    return (f"recreate: {told}; unique constraints, checks, indexes and most defaults of the source would not be made",)


def _next(plans: PlanFile, output: Path, source: str | None, target: str | None) -> tuple[str, ...]:
    if plans.decision is not None:
        return (options.again(follow(plans.chosen(output), output), source=source, target=target),)
    if not plans.plans:
        return ()
    best = plans.recommendation.strategy if plans.recommendation else next(iter(plans.plans))
    place = "" if output == DEFAULT else f" {shlex.quote(str(output))}"
    return (f'crosswalk decide {best}{place} --why "…"',)


def _may_write(path: Path, *, force: bool) -> None:
    """Raises FileInTheWay where something else than a plan of ours stands there."""
    if force or not path.exists():
        return
    try:
        read_plans(path)
    except BadPlan as error:
        raise FileInTheWay(path=path) from error
