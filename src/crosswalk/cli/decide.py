"""`crosswalk decide`: which strategy is carried out, who says so, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from crosswalk.cli import options, voice
from crosswalk.cli.plan import DEFAULT, user
from crosswalk.cli.plans import follow, render_plan
from crosswalk.cli.strategies import render_decision
from crosswalk.plan import STRATEGIES
from crosswalk.planfile import read_plans, write_plans

EXAMPLES: Final = (
    'crosswalk decide hybrid --why "what the clients told us must not be lost"',
    'crosswalk decide transform friday.json --who "Ann, Bob" --why "nobody reads the old columns"',
)
EXITS: Final = {0: "the decision stands in the plan", 1: "no such plan", 3: "refused: the strategy is not possible"}


def decide(
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="recreate, transform or hybrid.")],
    plan: Annotated[Path, typer.Argument(metavar="[PLAN]", help="The file that `crosswalk plan` wrote.")] = DEFAULT,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for whoever asks later.")] = "",
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Who decides; else your login.")] = "",
    as_json: options.Json = False,
) -> int:
    """Record which strategy is carried out; `crosswalk migrate` refuses a plan that nobody decided on.

    Deciding again is allowed: the newest decision stands, the earlier ones stay listed in the plan. Once
    a run has moved rows, `crosswalk rollback` must take it back before another strategy is carried out.
    """
    chosen = next((name for name in STRATEGIES if name == strategy), None)
    if chosen is None:
        raise typer.BadParameter(f"{strategy} is none of {', '.join(STRATEGIES)}", param_hint="STRATEGY")
    if not why.strip():
        raise typer.BadParameter("a decision needs its reason", param_hint="--why")
    plans = read_plans(plan).decide(chosen, who=who.strip() or user(), why=why.strip(), path=plan)
    write_plans(plan, plans)
    assert plans.decision is not None
    made = plans.chosen(plan)
    measured = any(c.measured for c in plans.costs if c.strategy == chosen)
    answer = voice.Answer(
        data={
            "path": str(plan), "decision": plans.decision.model_dump(mode="json"),
            "earlier": [d.model_dump(mode="json") for d in plans.earlier], "hazards": list(made.hazards),
            "plan": made.model_dump(mode="json", exclude={"costs", "recommendation", "decision"}),
        },
        view=[*render_plan(made, measured=measured), *render_decision(plans.decision, plans.earlier)],
        next=(follow(made, plan),),
    )
    return voice.give(answer, as_json=as_json)
