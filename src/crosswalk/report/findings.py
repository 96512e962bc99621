"""What a reader must know first: failures, then warnings, then what is open, then notes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from crosswalk.ledger import RunState
from crosswalk.numerals import plural
from crosswalk.report.found import Found
from crosswalk.report.values import (
    Absent,
    Decided,
    Finding,
    Matrix,
    Moved,
    PreservedLine,
    Proven,
    Rejected,
    Rules,
)
from crosswalk.report.wording import listed
from crosswalk.stopping import refused_each_time

ORDER: Final = {"failure": 0, "warning": 1, "open": 2, "note": 3}
_FIRST: Final = 3


def of_servers(found: Found) -> Iterator[Finding]:
    for side in (found.source, found.target):
        if side.failed:
            what = f"The {side.side} could not be read" if side.schema is None else "The ledger could not be read"
            yield Finding(
                weight="warning", title=what, detail=side.failed, remedy=side.advice,
                section="glance",
            )
    if found.unchecked:
        yield Finding(
            weight="warning", title="The rows were not held against the rules", detail=found.unchecked,
            remedy="crosswalk check MAPPING", section="rejected",
        )


def of_document(found: Found, rules: Rules | Absent, matrix: Matrix | Absent) -> Iterator[Finding]:
    """What keeps a move from starting. Once rows have moved, it no longer does."""
    if found.live:
        return
    problems = found.checked.problems if found.checked else ()
    if problems:
        first = listed([f"line {p.line}: {p.message}" for p in problems[:_FIRST]])
        yield Finding(
            weight="failure", title=f"The document leaves {plural(len(problems), 'thing')} open or wrong", detail=first,
            remedy="crosswalk check MAPPING", section="mapping",
        )
    proposed = rules.decided.get("proposed", 0) if isinstance(rules, Rules) else 0
    if proposed:
        yield Finding(
            weight="open", title=f"{plural(proposed, 'rule')} proposed, and accepted by nobody yet",
            detail="A move refuses a document with proposed rules.",
            remedy="Say `status: accepted` for each that is right.", section="mapping",
        )
    if isinstance(rules, Absent) and isinstance(matrix, Matrix) and not matrix.equal:
        yield Finding(
            weight="open", title="No mapping document yet", detail="Nobody has said what becomes of what differs.",
            remedy="crosswalk match", section="mapping",
        )


def of_decision(found: Found, decided: Decided | Absent) -> Iterator[Finding]:
    if found.live or isinstance(decided, Absent):
        return
    if decided.choice is None:
        word = decided.recommendation
        advice = f"Recommended: {word}." if word else ""
        yield Finding(
            weight="open", title="No strategy has been decided on", detail=advice,
            remedy=f"crosswalk decide {word or 'STRATEGY'} --why REASON", section="strategies",
        )
    chosen = next((s for s in decided.strategies if s.chosen), None)
    if chosen is not None and not chosen.possible:
        yield Finding(
            weight="failure", title=f"The chosen strategy, {chosen.strategy}, is not possible as things stand",
            detail=listed(chosen.blockers), section="strategies",
        )


def of_run(found: Found, moved: Moved | Absent) -> Iterator[Finding]:
    run = found.run
    if run is None:
        return
    if run.state in {RunState.STOPPED, RunState.COPYING, RunState.STARTED}:
        stopped = run.state is RunState.STOPPED
        events = found.history.events if found.history else ()
        errors = [e["detail"].get("error") for e in events if e["name"] == "stopped"]
        yield Finding(
            weight="failure" if stopped else "warning", title=f"Run {run.id} has not come to its end",
            detail=f"It was stopped: {errors[-1]}." if stopped and errors and errors[-1] else f"It is in the state “{run.state}”.",
            remedy="crosswalk rollback" if refused_each_time(events) else "crosswalk resume", section="phases",
        )
    if isinstance(moved, Moved) and not moved.forecast and not moved.total.balanced:
        bad = [line.target for line in moved.tables if not line.balanced]
        yield Finding(
            weight="failure", title="The accounting does not come out", detail=listed(bad), section="moved",
            remedy="crosswalk verify",
        )
    held = found.history.held if found.history else ()
    if held and run.state is RunState.FINISHED:
        yield Finding(
            weight="failure", title=f"{plural(len(held), 'trigger, key or index', 'triggers, keys or indexes')} still switched off",
            detail=listed([f"{h.kind} {h.name} of {h.target}" for h in held], 5), remedy="crosswalk repair", section="proof",
        )


def of_rejects(rejected: Rejected | Absent, *, unwritten: bool = False) -> Iterator[Finding]:
    if isinstance(rejected, Absent) or not rejected.reasons:
        return
    silent = [r for r in rejected.reasons if not r.declared]
    where = listed(dict.fromkeys(r.target for r in silent), 5)
    if silent:
        title = " though the document does not expect it"
        remedy = "Correct the rows or the rules, or say `rejects: quarantine` for the table."
        if unwritten:
            title, remedy = "", "Correct rows or the target's constraints and run `crosswalk quarantine retry`, or give them up."
        yield Finding(
            weight="failure", title=f"{_aside(rejected.undeclared, rejected)} set aside{title}", detail=where, remedy=remedy,
            section="rejected",
        )
    spoken = rejected.rows - rejected.undeclared
    if spoken:
        yield Finding(
            weight="note", title=f"{_aside(spoken, rejected)} set aside, as expected or given up",
            detail=f"By {plural(len(rejected.reasons) - len(silent), 'reason')}.", section="rejected",
        )


def _aside(rows: int, rejected: Rejected) -> str:
    return f"{plural(rows, 'row')} {'would be' if rejected.forecast else 'is' if rows == 1 else 'are'}"


def of_proof(found: Found, proof: Proven | Absent) -> Iterator[Finding]:
    if isinstance(proof, Absent):
        if found.live and found.run is not None and found.run.state is RunState.FINISHED:
            yield Finding(
                weight="open", title="What was moved has not been verified yet", remedy="crosswalk verify", section="proof"
            )
        return
    for table in proof.tables:
        if not table.clean:
            kinds = [("missing", table.missing), ("different", table.different), ("too many", table.extra)]
            told = [f"{plural(number, 'row')} {word}" for word, number in kinds if number] + [table.problem] * bool(table.problem)
            yield Finding(
                weight="failure", title=f"{table.target} is not the mapped source", detail=listed(told),
                remedy="crosswalk repair", section="proof",
            )
    if proof.behind:
        yield Finding(
            weight="failure", title=f"{plural(len(proof.behind), 'sequence')} behind", detail=listed(proof.behind, 5),
            remedy="crosswalk repair", section="proof",
        )
    if not proof.current:
        yield Finding(
            weight="warning", title="The last verification is older than the last move", remedy="crosswalk verify",
            section="proof",
        )
    same = sum(table.same_value for table in proof.tables)
    if same:
        yield Finding(
            weight="note", title=f"{plural(same, 'row')} equal by value, not in form",
            remedy="crosswalk verify --exact", section="proof",
        )
    if proof.uncovered:
        yield Finding(
            weight="note", title=f"{plural(len(proof.uncovered), 'thing')} not verified", section="proof",
            detail="They are listed with the verification, each with its reason.",
        )


def of_preserved(lines: tuple[PreservedLine, ...] | Absent) -> Iterator[Finding]:
    changed = [] if isinstance(lines, Absent) else [line for line in lines if line.unchanged is False]
    if changed:
        yield Finding(
            weight="warning", title=f"{plural(len(changed), 'preserved table')} changed since the run began",
            detail=f"{listed(line.table for line in changed)}. No statement of Crosswalk names them: their own application wrote.",
            section="preserved",
        )


def of_plan(found: Found) -> Iterator[Finding]:
    if found.plan is not None and found.plan.warnings and (found.run is None or (found.plans and not found.live)):
        yield Finding(
            weight="warning", title=f"The plan carries {plural(len(found.plan.warnings), 'warning')}",
            detail=listed(found.plan.warnings, 2), section="risk",
        )
