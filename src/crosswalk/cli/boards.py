"""The board for people and for `--json`: phases, gates, decision, blockers, in 80 columns.

States are words, so that they read the same without colour. Takes values and gives what Rich
prints; no SQL of its own, no decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from crosswalk.board import Board, GateState, PhaseState
from crosswalk.cli.accounting import heading, line
from crosswalk.cli.tables import shown

_STYLES: Final[dict[str, str]] = {
    PhaseState.DONE: "green", PhaseState.OPEN: "yellow", PhaseState.BLOCKED: "red", PhaseState.NOT_BEGUN: "dim",
    GateState.PASSED: "green", GateState.FAILED: "red", GateState.UNKNOWN: "yellow", GateState.NOT_NEEDED: "dim",
}  # fmt: skip


def render_board(board: Board) -> Iterator[RenderableType]:
    """What stands in the way comes right after the phases, then the gates one by one."""
    phases = _columns("phase", "state", "when (UTC)", "")
    for each in board.phases:
        phases.add_row(each.name, _state(each.state), when(each.at), Text(shown(each.detail)))
    yield phases
    if board.blockers:
        yield heading("what stands in the way")
        for blocker in board.blockers:
            yield line(f"{blocker.phase}: {blocker.what}", indent=2, style="red")
            yield line(f"→ {blocker.remedy}", indent=4, style="green")
    if board.decision is not None:
        yield heading("decision")
        decision = board.decision
        yield line(f"{decision.strategy}, by {decision.who}, {when(decision.at)}: {decision.why}", indent=2)
        if decision.recommended not in (None, decision.strategy):
            yield line(f"the comparison had recommended {decision.recommended}", indent=2, style="dim")
        for earlier in board.earlier:
            yield line(f"before: {earlier.strategy}, by {earlier.who}, {when(earlier.at)}: {earlier.why}", indent=2, style="dim")
    yield heading("gates")
    gates = _columns("", "", "", header=False)
    for gate in board.gates:
        gates.add_row(_state(gate.state), Text(gate.title), Text(shown(gate.detail), style="dim"))
    yield Padding(gates, (0, 0, 0, 2))


def _columns(*names: str, header: bool = True) -> Grid:
    """The last column takes what is left of the line and folds."""
    made = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header)
    for name in names[:-1]:
        made.add_column(name, no_wrap=True)
    made.add_column(names[-1], overflow="fold", ratio=1)
    return made


def _state(state: PhaseState | GateState) -> Text:
    return Text(state.value, style=_STYLES.get(state, ""))


def when(at: str) -> str:
    """To the minute."""
    return shown(at[:16].replace("T", " "))


def board_json(board: Board) -> dict[str, Any]:
    decision = board.decision
    return {
        "phases": [{"name": p.name, "state": p.state, "at": p.at or None, "detail": p.detail} for p in board.phases],
        "gates": [
            {
                "id": g.id, "phase": g.phase, "title": g.title, "state": g.state, "detail": g.detail,
                "remedy": g.remedy or None,
            }
            for g in board.gates
        ],
        "decision": decision.model_dump(mode="json") if decision else None,
        "earlier_decisions": [each.model_dump(mode="json") for each in board.earlier],
        "blockers": [
            {"gate": b.gate, "phase": b.phase, "what": b.what, "remedy": b.remedy} for b in board.blockers
        ],
        "because": board.because,
    }  # fmt: skip
