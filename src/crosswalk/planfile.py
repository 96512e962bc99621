"""The plan's file: one plan for each strategy that was costed, side by side, and the decision between them.

`crosswalk plan` writes it, `crosswalk decide` adds the decision, `crosswalk migrate` carries the chosen
plan out. It holds no secret.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crosswalk.errors import BadPlan, PlanUndecided
from crosswalk.plan import Cost, Decision, Plan, Recommendation, Strategy, content_id


class PlanFile(BaseModel):
    """What stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    plans: dict[Strategy, Plan] = Field(description="A strategy that is not possible has a cost and no plan.")
    costs: tuple[Cost, ...]
    recommendation: Recommendation | None = None
    decision: Decision | None = None

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


def read_plans(path: Path | str) -> PlanFile:
    """The plans in a file; raises BadPlan, also where somebody has edited one."""
    try:
        found = PlanFile.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(path=path, reason=error.strerror or str(error)) from error
    except (ValidationError, UnicodeDecodeError) as error:
        reason = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else "it is not UTF-8"
        raise BadPlan(path=path, reason=reason) from error
    if any(plan.id != content_id(plan) for plan in found.plans.values()):
        raise BadPlan(path=path, reason="its content is not what its id says: it was edited")
    if found.decision is not None and found.decision.strategy not in found.plans:
        raise BadPlan(path=path, reason=f"the decision is for {found.decision.strategy}, of which it holds no plan")
    return found


def read_plan(path: Path | str) -> Plan:
    """A single plan from its file; raises BadPlan, also where somebody has edited it."""
    try:
        found = Plan.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(path=path, reason=error.strerror or str(error)) from error
    except (ValidationError, UnicodeDecodeError) as error:
        reason = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else "it is not UTF-8"
        raise BadPlan(path=path, reason=reason) from error
    if found.id != content_id(found):
        raise BadPlan(path=path, reason="its content is not what its id says: it was edited")
    return found
