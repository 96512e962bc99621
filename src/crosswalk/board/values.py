"""The board as values: what is shown, in the order in which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crosswalk.plan import Decision


class PhaseState(StrEnum):
    """Where a phase stands."""

    DONE = "done"
    OPEN = "open"
    """It can be begun, or has been, and nothing stands in its way."""
    BLOCKED = "blocked"
    """Something stands in its way; a blocker says what, and what to do."""
    NOT_BEGUN = "not begun"
    """A phase before it is not done."""


class GateState(StrEnum):
    """What is known of a condition."""

    PASSED = "passed"
    OPEN = "open"
    """Its time has not come, or somebody has yet to act."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be looked at; the detail says why."""
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    name: str
    """`match`, `check`, `plan`, `decide`, `migrate` or `verify`."""
    state: PhaseState
    detail: str = ""
    at: str = ""
    """ISO 8601, UTC; empty where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition of the way, and whether it is met."""

    id: str
    """Stable, for machines: `document`, `tables`, `plan` …"""
    phase: str
    """The phase that it holds up."""
    title: str
    state: GateState
    detail: str = ""
    remedy: str = ""
    """A command; only where it is not met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """What stands in the way, and the command that does something about it."""

    gate: str
    phase: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    phases: tuple[Phase, ...]
    gates: tuple[Gate, ...]
    decision: Decision | None
    earlier: tuple[Decision, ...]
    """Decisions that it replaced."""
    next: str
    """One command."""
    because: str
    """Why that."""

    @property
    def blockers(self) -> tuple[Blocker, ...]:
        """Failed gates, in the order of the way."""
        return tuple(
            Blocker(gate=g.id, phase=g.phase, what=f"{g.title}: {g.detail}" if g.detail else g.title, remedy=g.remedy)
            for g in self.gates
            if g.state is GateState.FAILED
        )

    def phase(self, name: str) -> Phase:
        return next(phase for phase in self.phases if phase.name == name)

    def gate(self, name: str) -> Gate:
        return next(gate for gate in self.gates if gate.id == name)
