"""`crosswalk plan`: what a move will do, written to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import verdict_json
from crosswalk.cli.plans import render_plan
from crosswalk.errors import BadPlan, CannotWrite, FileInTheWay
from crosswalk.mapping import read_mapping
from crosswalk.plan import Plan
from crosswalk.planfile import read_plan
from crosswalk.planning import make_plan

DEFAULT: Final = Path("crosswalk-plan.json")
EXAMPLES: Final = (
    "crosswalk plan crosswalk.yaml",
    "crosswalk plan crosswalk.yaml -o friday.json --no-count",
)
EXITS: Final = {
    0: "the plan is written", 1: "the document is wrong, or a server cannot be reached",
    2: "the document does not fit the schemas", 3: "refused: proposed rules, rows in the target, missing rights",
}


def plan(
    mapping: options.Mapping_, source: options.Source = None, target: options.Target = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the plan goes.")] = DEFAULT,
    no_count: Annotated[bool, typer.Option("--no-count", help="Do not count the rows; estimates are told.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is no plan.")] = False,
    as_json: options.Json = False,
) -> int:
    """Write down what a move will do: order, statements with hazards, accounting, estimate.

    Reads both servers and writes one file; an older plan there is replaced. The plan stands on the
    two schemas as they are now: `crosswalk migrate` refuses it when one has changed.
    """
    file = read_mapping(mapping)
    _may_write(output, force=force)
    made, checked = asyncio.run(make_plan(file, options.servers(source, target), count=not no_count))
    _write(output, made)
    flags = [f"--allow {hazard}" for hazard in made.hazards]
    follow = " ".join(["crosswalk migrate", str(output), *flags])
    unspoken = [v for v in checked.verdicts if not v.declared]
    answer = voice.Answer(
        data={
            "path": str(output), "hazards": list(made.hazards), "verdicts": [verdict_json(v) for v in checked.verdicts],
            "plan": made.model_dump(mode="json"),
        },
        view=render_plan(made),
        notes=(f"the document does not speak of {len(unspoken)} reasons for quarantine: `crosswalk check {mapping}`",)
        if unspoken else (),
        next=(options.again(follow, source=source, target=target),),
    )
    voice.note(f"written to {output}")
    return voice.give(answer, as_json=as_json)


def _may_write(path: Path, *, force: bool) -> None:
    """Raises FileInTheWay where something else than a plan of ours stands there."""
    if force or not path.exists():
        return
    try:
        read_plan(path)
    except BadPlan as error:
        raise FileInTheWay(path=path) from error


def _write(path: Path, made: Plan) -> None:
    try:
        path.write_text(made.dump(), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path=path, reason=error.strerror or type(error).__name__) from error
