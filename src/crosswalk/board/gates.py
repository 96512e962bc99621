"""The gates of the way: each a condition, what is known of it, and the command that meets it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crosswalk.board.facts import Facts
from crosswalk.board.values import Gate, GateState
from crosswalk.errors import CrosswalkError
from crosswalk.ledger import Run, RunState
from crosswalk.mapping import Document, read_text
from crosswalk.numerals import plural
from crosswalk.plan import UNWRITTEN, Plan

_NEW_PLAN: Final = frozenset({"PlanDrifted", "DocumentRefused", "RulesProposed"})


def gates(found: Facts) -> tuple[Gate, ...]:
    """All of them, in the order of the way."""
    return tuple(make(found) for make in _MAKERS)


def check(found: Facts) -> str:
    return f"crosswalk check {shlex.quote(found.document_path)}"


def plan(found: Facts) -> str:
    return f"crosswalk plan {shlex.quote(found.document_path)}"


def decide(found: Facts) -> str:
    """With what the comparison recommends, so that it can be pasted; a person may say another."""
    advice = found.plans.recommendation if found.plans else None
    possible = [*found.plans.plans] if found.plans else []
    strategy = advice.strategy if advice else possible[0] if possible else "STRATEGY"
    why = f"recommended: {advice.reasons[0]}" if advice and advice.reasons else "the only one that is possible"
    named = "" if found.plan_path == Facts().plan_path else f" {shlex.quote(found.plan_path)}"
    return f"crosswalk decide {strategy}{named} --why {shlex.quote(why)}"


def migrate(found: Facts) -> str:
    chosen = found.plan
    flags = [f"--allow {hazard}" for hazard in chosen.hazards] if chosen else []
    return " ".join(["crosswalk migrate", shlex.quote(found.plan_path), *flags])


# --- before the move ----------------------------------------------------------------------------


def _document(found: Facts) -> Gate:
    state, detail, remedy = GateState.PASSED, found.document_path, ""
    if found.file_trouble is not None:
        state, detail, remedy = GateState.FAILED, found.file_trouble.message, check(found)
    elif found.proposed:
        first = found.proposed[0]
        detail = f"{plural(len(found.proposed), 'rule')} still proposed, the first for {first}"
        state, remedy = GateState.FAILED, check(found)
    elif found.file is None:
        # A run carries its document in its plan, and so does the file of the plan.
        carried = found.run is not None or found.plan is not None
        state = GateState.PASSED if carried else GateState.OPEN
        detail = "no file here; the plan holds a copy" if carried else f"{found.document_path} is not here"
        if _is_unwritten(found):
            detail = "none: every table of the source as it is"
        remedy = "" if carried else "crosswalk match"
    return Gate(
        id="document", phase="match", title="document readable, no rule only proposed", state=state, detail=detail,
        remedy=remedy,
    )  # fmt: skip


def _is_unwritten(found: Facts) -> bool:
    """Whether the move that runs, or the one that is planned, has no document."""
    if found.run is not None:
        return found.run.plan.get("mapping_path") == UNWRITTEN
    return found.plan is not None and found.plan.unwritten


def _tables(found: Facts) -> Gate:
    state, detail, remedy = GateState.UNKNOWN, "", check(found)
    if found.run is not None:
        state, detail, remedy = GateState.PASSED, f"when run {found.run.id} began", ""
    elif found.file is None:
        state, detail, remedy = GateState.OPEN, "no document yet", "crosswalk match"
    elif found.problems is not None:
        state, remedy = GateState.PASSED, ""
        if found.problems:
            first = found.problems[0]
            detail = f"{plural(len(found.problems), 'problem')}, the first in line {first.line}: {first.message}"
            state, remedy = GateState.FAILED, check(found)
    else:
        detail = _unread(found)
    return Gate(
        id="tables", phase="check", title="every table and column decided", state=state, detail=detail, remedy=remedy
    )


def _unread(found: Facts) -> str:
    return found.unread.message.rstrip(".") if found.unread else "the two schemas were not looked at"


def _plan(found: Facts) -> Gate:
    state, detail, remedy = GateState.OPEN, "none yet", plan(found)
    if found.run is not None:
        state, detail, remedy = GateState.PASSED, f"plan {found.run.plan_id}", ""
    elif found.plans_trouble is not None:
        state, detail = GateState.FAILED, found.plans_trouble.message
    elif found.plans is not None and not found.plans.plans:
        state, detail = GateState.FAILED, "no strategy is possible as things stand"
    elif found.rewritten:
        state, detail = GateState.FAILED, f"{found.document_path} was edited after it was made"
    elif found.drift is not None:
        state, detail = GateState.FAILED, found.drift.message
        remedy = plan(found) if found.drift.code in _NEW_PLAN else "crosswalk diff"
    elif found.plan is not None and not found.compared:
        state, detail = GateState.UNKNOWN, _unread(found)
    elif found.plan is not None:
        state, detail, remedy = GateState.PASSED, found.plan_path, ""
    return Gate(
        id="plan", phase="plan", title="plan made for both schemas as they are", state=state, detail=detail, remedy=remedy
    )


def _decision(found: Facts) -> Gate:
    decision = found.decision
    state, detail, remedy = GateState.OPEN, "nobody has decided", decide(found)
    if decision is not None:
        state, detail, remedy = GateState.PASSED, f"{decision.strategy}, by {decision.who}", ""
    elif found.run is not None:
        state, detail, remedy = GateState.PASSED, f"run {found.run.id} was begun without a note of it", ""
    elif found.plan is None:
        detail, remedy = "no plan yet", plan(found)
    return Gate(id="decision", phase="decide", title="strategy decided", state=state, detail=detail, remedy=remedy)


def _hazards(found: Facts) -> Gate:
    state, detail, remedy = GateState.OPEN, "", ""
    hazards: Sequence[str] = [h.value for h in found.plan.hazards] if found.plan else []
    if found.run is not None:
        state, detail = GateState.PASSED, "allowed when the run began"
    elif found.decision is not None:
        state, detail = GateState.NOT_NEEDED, "the plan has none"
        if hazards:
            state, detail, remedy = GateState.OPEN, f"to be allowed by name: {', '.join(hazards)}", migrate(found)
    return Gate(id="hazards", phase="migrate", title="hazards allowed", state=state, detail=detail, remedy=remedy)


def _backup(found: Facts) -> Gate:
    state, detail, remedy = GateState.OPEN, "", ""
    taken = found.moment("backup") if found.run else None
    chosen = _chosen(found)
    if taken is not None:
        proven = taken["name"] == "proven"
        state = GateState.PASSED if proven else GateState.FAILED
        detail = str(taken["detail"].get("directory", ""))
        if not proven:
            detail = f"{detail} could not be proven: {taken['detail'].get('unproven', '')}"
            remedy = f"pg_restore --list {shlex.quote(str(taken['detail'].get('directory', '')) + '/tables.dump')}"
    elif chosen is not None and not (chosen.preserved and chosen.phase("shape")):
        state = GateState.NOT_NEEDED
        detail = "the target keeps its form" if chosen.preserved else "no table is preserved"
    return Gate(
        id="backup", phase="migrate", title="preserved tables dumped, dump proven", state=state, detail=detail, remedy=remedy
    )


def _chosen(found: Facts) -> Plan | None:
    """The plan that is, or would be, carried out; None where an older version wrote it."""
    if found.run is None:
        return found.plan if found.decision else None
    try:
        return Plan.model_validate(found.run.plan)
    except ValueError:
        return None


# --- after it -----------------------------------------------------------------------------------


def _accounted(found: Facts) -> Gate:
    run, tallies = found.run, found.history.tallies if found.history else ()
    state, detail, remedy = GateState.OPEN, "", ""
    broken = [str(t.target) for t in tallies if not t.balanced] if run else []
    if broken:
        state, detail, remedy = GateState.FAILED, f"the sum does not come out for {', '.join(broken)}", "crosswalk verify"
    elif run is not None and run.state is RunState.FINISHED:
        state, detail = GateState.PASSED, f"{plural(sum(t.extracted for t in tallies), 'source row')}"
    return Gate(
        id="accounting", phase="migrate", title="every source row accounted for", state=state, detail=detail, remedy=remedy
    )


def _quarantine(found: Facts) -> Gate:
    run = found.run
    reasons = found.history.reasons if found.history and run else ()
    rows = sum(int(r["rows"]) for r in reasons)
    state, detail, remedy = GateState.OPEN, "", ""
    title = "quarantine dealt with" if run and _is_unwritten(found) else "quarantine expected by the document"
    if run is not None:
        undeclared = sorted(_undeclared(run, reasons))
        state, detail = GateState.PASSED, f"{plural(rows, 'row')} in quarantine"
        given_up = sum(int(r.get("dropped", 0)) for r in reasons)
        detail += f", {given_up:,} of them given up" if given_up else ""
        if undeclared:
            state, remedy = GateState.FAILED, check(found)
            detail = f"the document does not say `rejects: quarantine` for {', '.join(undeclared)}"
            if _is_unwritten(found):
                remedy = "crosswalk quarantine list"
                detail = f"to be retried or dropped: rows of {', '.join(undeclared)}"
        elif not rows and run.state is not RunState.FINISHED:
            state, detail = GateState.OPEN, "none yet"
    return Gate(
        id="quarantine", phase="migrate", title=title, state=state, detail=detail, remedy=remedy
    )  # fmt: skip


def _undeclared(run: Run, reasons: Sequence[Mapping[str, Any]]) -> set[str]:
    """Tables with rows in quarantine that neither the document expects nor a person has given up."""
    tables = {str(r["target_table"]) for r in reasons if int(r["rows"]) > int(r.get("dropped", 0))}
    document = _document_of(run)
    if document is None:
        return set()
    expected = {str(name) for name, table in document.by_target.items() if table.rejects == "quarantine"}
    return tables - expected


def _document_of(run: Run) -> Document | None:
    try:
        return read_text(str(run.plan.get("document", ""))).document
    except CrosswalkError:
        return None


def _released(found: Facts) -> Gate:
    held = found.history.held if found.history else ()
    run = found.run
    over = run is None or run.state is RunState.FINISHED
    state, detail, remedy = GateState.PASSED, "", ""
    if found.history is None:
        state, detail = GateState.UNKNOWN, "no target was named"
    elif held:
        tables = ', '.join(sorted({str(h.target) for h in held}))
        detail = f"{plural(len(held), 'trigger, key or index', 'triggers, keys or indexes')}: {tables}"
        state = GateState.FAILED if over else GateState.OPEN
        remedy = "crosswalk repair" if over else "crosswalk resume"
    elif run is None:
        state = GateState.NOT_NEEDED
    return Gate(id="released", phase="migrate", title="nothing still switched off", state=state, detail=detail, remedy=remedy)


def _verified(found: Facts) -> Gate:
    run, proof = found.run, found.proof
    state, detail, remedy = GateState.OPEN, "", ""
    if run is not None and run.state is RunState.FINISHED:
        state, detail, remedy = GateState.OPEN, _unverified(found), "crosswalk verify"
        if proof is not None:
            clean = bool(proof["detail"].get("clean"))
            state = GateState.PASSED if clean else GateState.FAILED
            detail = f"{plural(int(proof['detail'].get('rows', 0)), 'row')} compared" if clean else "it found differences"
            remedy = "" if clean else "crosswalk repair"
    return Gate(
        id="verified", phase="verify", title="verified clean since the last write", state=state, detail=detail, remedy=remedy
    )


def _unverified(found: Facts) -> str:
    return "rows were written after the last verification" if found.moment("proof") else "never verified"


_MAKERS: Final = (
    _document, _tables, _plan, _decision, _hazards, _backup, _accounted, _quarantine, _released, _verified,
)  # fmt: skip
