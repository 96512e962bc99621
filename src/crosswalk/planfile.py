"""The plan's file: one plan for each strategy that was costed, side by side, and the decision between them.

`crosswalk plan` writes it, `crosswalk decide` adds the decision, `crosswalk migrate` carries the chosen
plan out. It holds no secret.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crosswalk.errors import BadPlan, CannotWrite, PlanUndecided, StrategyImpossible
from crosswalk.plan import Cost, Decision, Plan, Recommendation, Strategy, content_id


class PlanFile(BaseModel):
    """What stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    plans: dict[Strategy, Plan] = Field(description="A strategy that is not possible has a cost and no plan.")
    costs: tuple[Cost, ...]
    recommendation: Recommendation | None = None
    decision: Decision | None = None
    earlier: tuple[Decision, ...] = Field(default=(), description="Decisions that this one replaced, oldest first.")

    def decide(self, strategy: Strategy, *, who: str, why: str, path: Path | str = "the plan") -> PlanFile:
        """The file with a decision; raises StrategyImpossible. The newest stands, the earlier ones stay listed."""
        cost = next((c for c in self.costs if c.strategy == strategy), None)
        if strategy not in self.plans or (cost is not None and not cost.possible):
            known = ", ".join(self.plans) or "none"
            reason = "; ".join(cost.blockers) if cost is not None else f"{path} holds no plan for it (only: {known})"
            raise StrategyImpossible(strategy=strategy, reason=reason)
        made = Decision(
            strategy=strategy,
            who=_writable(who),
            why=_writable(why),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            recommended=self.recommendation.strategy if self.recommendation else None,
        )
        earlier = (*self.earlier, self.decision) if self.decision is not None else self.earlier
        return self.model_copy(update={"decision": made, "earlier": earlier})

    def chosen(self, path: Path | str = "the plan") -> Plan:
        """The plan that was decided on, with the decision and the comparison in it; raises PlanUndecided."""
        if self.decision is None:
            raise PlanUndecided(path=path)
        return self.plans[self.decision.strategy].model_copy(
            update={"decision": self.decision, "costs": self.costs, "recommendation": self.recommendation}
        )

    def dump(self) -> str:
        """The file's JSON text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def _writable(text: str) -> str:
    """Bytes of a command line that are no UTF-8 become question marks: no file and no server would take them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_plans(path: Path | str) -> PlanFile:
    """The plans in a file; raises BadPlan, also where somebody has edited one."""
    try:
        found = PlanFile.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(path=path, reason=error.strerror or str(error)) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadPlan(path=path, reason=_unreadable(error)) from error
    if any(plan.id != content_id(plan) for plan in found.plans.values()):
        raise BadPlan(path=path, reason="its content is not what its id says: it was edited")
    if any(plan.strategy != strategy for strategy, plan in found.plans.items()):
        raise BadPlan(path=path, reason="a plan stands under another strategy's name: it was edited")
    if found.decision is not None and found.decision.strategy not in found.plans:
        raise BadPlan(path=path, reason=f"the decision is for {found.decision.strategy}, of which it holds no plan")
    return found


def _unreadable(error: ValidationError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def write_plans(path: Path | str, plans: PlanFile) -> None:
    """Put the file in its place, whole or not at all; raises CannotWrite."""
    place = Path(path).resolve()
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        if place.exists() and not place.is_file():  # a pipe, a terminal: nothing that could be replaced
            place.write_text(plans.dump(), encoding="utf-8")
            return
        draft.write_text(plans.dump(), encoding="utf-8")
        draft.replace(place)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CannotWrite(path=path, reason=error.strerror or type(error).__name__) from error
