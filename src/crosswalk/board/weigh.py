"""From facts to the board: the state of each phase, and the one next step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crosswalk.board import gates as ways
from crosswalk.board.facts import Facts
from crosswalk.board.values import Board, Gate, GateState, Phase, PhaseState
from crosswalk.ledger import RunState
from crosswalk.numerals import plural
from crosswalk.stopping import refused_each_time

PHASES: Final = ("match", "check", "plan", "decide", "migrate", "verify")
"""In the order of the way; later ones are added when they exist."""
Gates = Mapping[str, Gate]
_AFTERWARDS: Final = frozenset({"quarantine", "backup"})
"""Gates that are told when they fail and stop nothing any more."""


def weigh(found: Facts) -> Board:
    """The whole board."""
    gates = ways.gates(found)
    by_id = {gate.id: gate for gate in gates}
    phases = _phases(found, by_id)
    command, because = _next(found, by_id)
    return Board(
        phases=phases, gates=gates, decision=found.decision,
        earlier=found.plans.earlier if found.plans and found.run is None else (), next=command, because=because,
    )  # fmt: skip


# --- phases -------------------------------------------------------------------------------------


def _phases(found: Facts, gates: Gates) -> tuple[Phase, ...]:
    made = (_match(found, gates), _check(found, gates), _plan(found, gates), _decide(found), _migrate(found, gates))
    return (*made, _verify(found, gates))


def _match(found: Facts, gates: Gates) -> Phase:
    gate = gates["document"]
    state = {GateState.PASSED: PhaseState.DONE, GateState.FAILED: PhaseState.BLOCKED}.get(gate.state, PhaseState.OPEN)
    tables = f", {plural(len(found.file.document.tables), 'table')}" if found.file else ""
    detail = gate.detail + (tables if state is PhaseState.DONE else "")
    return Phase(name="match", state=state, detail=detail, at=found.file_at)


def _check(found: Facts, gates: Gates) -> Phase:
    gate = gates["tables"]
    planned = found.plan is not None and not found.rewritten
    if found.run is not None or (planned and gate.state is not GateState.FAILED):
        at = str(found.run.plan.get("created_at", "")) if found.run else found.plan.created_at if found.plan else ""
        return Phase(name="check", state=PhaseState.DONE, detail="with the plan", at=at)
    if found.file_trouble or found.proposed or gate.state is GateState.FAILED:
        detail = gate.detail if gate.state is GateState.FAILED else "the document comes first"
        return Phase(name="check", state=PhaseState.BLOCKED, detail=detail)
    if found.file is None:
        return Phase(name="check", state=PhaseState.NOT_BEGUN)
    detail = "the document fits both schemas" if gate.state is GateState.PASSED else gate.detail
    return Phase(name="check", state=PhaseState.OPEN, detail=detail)


def _plan(found: Facts, gates: Gates) -> Phase:
    gate, made = gates["plan"], found.plan.created_at if found.plan else ""
    if found.run is not None:
        detail = f"{found.run.plan.get('strategy', '')}, plan {found.run.plan_id}"
        return Phase(name="plan", state=PhaseState.DONE, detail=detail, at=str(found.run.plan.get("created_at", "")))
    if gate.state is GateState.FAILED:
        return Phase(name="plan", state=PhaseState.BLOCKED, detail=gate.detail, at=made)
    if found.plans is not None:
        return Phase(name="plan", state=PhaseState.DONE, detail=f"costed: {', '.join(found.plans.plans)}", at=made)
    ready = found.file is not None and not found.proposed and gates["tables"].state is not GateState.FAILED
    return Phase(name="plan", state=PhaseState.OPEN if ready else PhaseState.NOT_BEGUN)


def _decide(found: Facts) -> Phase:
    decision = found.decision
    if decision is not None:
        return Phase(
            name="decide", state=PhaseState.DONE, detail=f"{decision.strategy}, by {decision.who}", at=decision.at
        )
    if found.run is not None:
        return Phase(name="decide", state=PhaseState.DONE, detail=str(found.run.plan.get("strategy", "")))
    if found.plans is None or not found.plans.plans:
        return Phase(name="decide", state=PhaseState.NOT_BEGUN)
    advice = found.plans.recommendation
    return Phase(name="decide", state=PhaseState.OPEN, detail=f"recommended: {advice.strategy}" if advice else "")


def _migrate(found: Facts, gates: Gates) -> Phase:
    run = found.run
    if run is None:
        return _unmoved(found, gates)
    ended = found.moment("state")
    at = str(ended["at"]) if ended else run.started_at
    if run.state is RunState.FINISHED:
        blocked = any(gates[name].state is GateState.FAILED for name in ("accounting", "released"))
        return Phase(
            name="migrate", state=PhaseState.BLOCKED if blocked else PhaseState.DONE, detail=f"run {run.id} finished", at=at
        )
    word = "goes on at this moment" if found.history and found.history.busy else "was stopped or killed"
    if run.state is RunState.STOPPED:
        word = "was stopped" + (f" by {ended['detail'].get('error')}" if ended and ended["detail"].get("error") else "")
    return Phase(name="migrate", state=PhaseState.OPEN, detail=f"run {run.id} {word}", at=at)


def _unmoved(found: Facts, gates: Gates) -> Phase:
    taken_back = found.history.runs[0] if found.history and found.history.runs else None
    detail = f"run {taken_back.id} was rolled back" if taken_back else ""
    at = str((found.moment("state") or {}).get("at", "")) if taken_back else ""
    if gates["plan"].state is GateState.FAILED:
        return Phase(name="migrate", state=PhaseState.BLOCKED, detail=detail or "the plan comes first", at=at)
    state = PhaseState.OPEN if found.decision else PhaseState.NOT_BEGUN
    return Phase(name="migrate", state=state, detail=detail, at=at)


def _verify(found: Facts, gates: Gates) -> Phase:
    gate, proof = gates["verified"], found.proof
    if found.run is None or found.run.state is not RunState.FINISHED:
        return Phase(name="verify", state=PhaseState.NOT_BEGUN)
    state = {GateState.PASSED: PhaseState.DONE, GateState.FAILED: PhaseState.BLOCKED}.get(gate.state, PhaseState.OPEN)
    return Phase(name="verify", state=state, detail=gate.detail, at=str(proof["at"]) if proof else "")


# --- the next step ------------------------------------------------------------------------------


def _next(found: Facts, gates: Gates) -> tuple[str, str]:
    if found.run is not None:
        return _after(found, gates)
    stopping = [g for g in gates.values() if g.state is GateState.FAILED and g.id not in _AFTERWARDS and g.remedy]
    if stopping:
        return stopping[0].remedy, stopping[0].title
    if found.file is None and found.plan is None:
        return "crosswalk match", "there is no mapping document yet"
    if found.plan is None:
        return ways.plan(found), "the strategies are to be costed"
    if found.decision is None:
        return ways.decide(found), "somebody has to decide; this is what the comparison recommends"
    return ways.migrate(found), "the plan is decided on"


def _after(found: Facts, gates: Gates) -> tuple[str, str]:
    """With a run in the target."""
    assert found.run is not None
    if not found.run.state.over:
        if found.history and found.history.busy:
            return "crosswalk status", "the run goes on at this moment"
        state = refused_each_time(found.history.events if found.history else ())
        if state:
            return "crosswalk rollback", f"the target's server refuses a statement of the plan each time ({state}): plan again"
        return "crosswalk resume", "the run did not finish"
    for gate in (gates["released"], gates["verified"]):
        if gate.state in {GateState.FAILED, GateState.OPEN}:
            return gate.remedy, gate.detail
    return "crosswalk report", "everything is verified"
