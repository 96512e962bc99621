"""What was decided, by whom and why, and what the strategies cost side by side. Pure."""

from __future__ import annotations

from crosswalk.plan import Cost, Decision, Plan, Recommendation
from crosswalk.report.found import Found
from crosswalk.report.values import Absent, Choice, Decided, StrategyLine


def tell_decided(found: Found) -> Decided | Absent:
    """The decision and the comparison, from the plan that was carried out, else from the plan file."""
    plan, plans = found.plan, found.plans
    if plan is None and plans is None:
        return Absent(why="nothing was planned yet, so that no strategy has been costed", command="crosswalk plan MAPPING")
    ran = plan is not None and bool(plan.costs or plan.decision)
    costs = plan.costs if plan and ran else plans.costs if plans else ()
    advice = plan.recommendation if plan and ran else plans.recommendation if plans else None
    decision = plan.decision if plan and ran else plans.decision if plans else None
    return Decided(
        choice=_choice(decision) if decision else _only(plan, found),
        recommendation=advice.strategy if advice else None,
        reasons=advice.reasons if advice else (),
        strategies=tuple(_strategy(cost, decision, advice) for cost in costs),
        plan=plan.id if plan else "",
    )


def _choice(decision: Decision) -> Choice:
    return Choice(
        strategy=decision.strategy, who=decision.who, why=decision.why, at=decision.at, recommended=decision.recommended
    )


def _only(plan: Plan | None, found: Found) -> Choice | None:
    """A plan that was carried out without a word of who chose it."""
    if plan is None or not found.live:
        return None
    return Choice(strategy=plan.strategy, who="", why="", at="")


def _strategy(cost: Cost, decision: Decision | None, advice: Recommendation | None) -> StrategyLine:
    return StrategyLine(
        strategy=cost.strategy,
        chosen=decision is not None and decision.strategy == cost.strategy,
        recommended=advice is not None and advice.strategy == cost.strategy,
        possible=cost.possible,
        blockers=cost.blockers,
        rows=cost.rows,
        columns=cost.columns.model_dump() if cost.columns else {},
        violations=cost.violations,
        statements=cost.statements,
        hazards=tuple(str(hazard) for hazard in cost.hazards),
        reversibility=cost.reversibility,
        seconds=cost.seconds if cost.possible else None,
        measured=cost.measured,
        code=cost.code,
        gains=cost.gains,
        losses=cost.losses,
    )
