"""What each phase did, or will do, to source and target, and the run's time line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from crosswalk.ledger import RunState
from crosswalk.numerals import plural
from crosswalk.plan import Phase, Plan
from crosswalk.report.found import Found
from crosswalk.report.times import between, entry, when
from crosswalk.report.values import Absent, Moved, PhaseLine, Phases, Proven, Span
from crosswalk.report.wording import count, size

State = Literal["done", "to come", "under way", "stopped", "nothing to do", "not recorded", "undone"]
_READ = "Catalog read. Nothing written."


def tell_phases(found: Found, moved: Moved | Absent, proof: Proven | Absent) -> Phases:
    lines = [
        _check(found),
        _plan(found),
        _form(found, "shape"),
        _copy(found, moved),
        _form(found, "complete"),
        _verify(found, proof),
    ]
    if isinstance(proof, Proven) and proof.word == "repaired":
        lines.append(_repair(proof))
    if found.run is not None and found.run.state is RunState.ROLLED_BACK:
        lines.append(_rollback(found))
    return Phases(lines=tuple(lines), spans=tuple(_spans(found, moved)))


def _check(found: Found) -> PhaseLine:
    if found.checked is None:
        return PhaseLine(
            phase="check", state="not recorded", target=_READ,
            source="Catalog read, rows counted by the rules in one snapshot. Nothing written.",
        )
    rows = sum(t.extracted for t in found.checked.tallies)
    counted = f"{plural(rows, 'row')} of {plural(len(found.checked.tallies), 'table')} held against the rules in one snapshot"
    source = f"Catalog read; {counted}. Nothing written." if rows else _READ
    return PhaseLine(phase="check", state="done", source=source, target=_READ)


def _plan(found: Found) -> PhaseLine:
    plan = found.plan
    if plan is None:
        return PhaseLine(phase="plan", state="to come", source="Read only.", target="Read only.")
    decision = plan.decision
    chosen = f" Decided for {decision.strategy} by {decision.who}." if decision else ""
    costs = (*plan.costs, *(found.plans.costs if found.plans else ()))
    tried = " A timed sample was moved and rolled back." if any(cost.measured for cost in costs) else ""
    target = f"Read. {plural(len(plan.statements), 'statement')} written down, none run.{tried}{chosen}"
    return PhaseLine(
        phase="plan", state="done", at=plan.created_at, source="Read, fingerprint taken. Nothing written.", target=target
    )


def _state(found: Found, *, finished: bool) -> State:
    """Of a phase of the run, by the run's own state."""
    run = found.run
    if run is None:
        return "to come"
    if run.state is RunState.ROLLED_BACK:
        return "undone"
    if finished or run.state is RunState.FINISHED:
        return "done"
    return "stopped" if run.state is RunState.STOPPED else "under way"


def _form(found: Found, phase: Phase) -> PhaseLine:
    """The statements that change the target's form: before the rows, or after them."""
    plan, done = found.plan, [a for a in (found.history.applied if found.history else ()) if a["phase"] == phase]
    planned = [s for _, s in plan.phase(phase)] if plan else []
    if plan is None or not (planned or done):
        nothing: State = "to come" if plan is None else "nothing to do"
        target = "Its form stays as it is." if plan and phase == "shape" else ""
        return PhaseLine(phase=phase, state=nothing, source="Not touched.", target=target or "No statement.")
    state: State = _state(found, finished=len(done) >= len(planned))
    kinds = {s.kind: sum(x.kind == s.kind for x in planned) for s in planned}
    what = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
    counted = f"{count(len(done))} of {plural(len(planned), 'statement')} run" if found.run else plural(len(planned), "statement")
    at = str(done[0]["at"]) if done else ""
    return PhaseLine(
        phase=phase, state=state, at=at, seconds=between(at, str(done[-1]["at"])) if len(done) > 1 else None,
        source="Not touched.", target=f"{counted}: {what}.",
    )


def _copy(found: Found, moved: Moved | Absent) -> PhaseLine:
    plan = found.plan
    tables = len(plan.tables) if plan else 0
    held = f" {' and '.join(_switched(plan))} off meanwhile{_on_again(found)}." if plan and _switched(plan) else ""
    locks = f"One snapshot read, ACCESS SHARE on {plural(tables, 'table')} meanwhile. Nothing written."
    if not isinstance(moved, Moved) or moved.forecast:
        state: State = _state(found, finished=False)
        source = locks if plan else "Read only."
        target = "Rows taken out again." if state == "undone" else f"{plural(tables, 'table')} to fill.{held}"
        return PhaseLine(phase="copy", state=state, source=source, target=target)
    total = moved.total
    written = f"{plural(total.written or 0, 'row')} written in {plural(len(moved.tables), 'table')}"
    volume = f", {size(total.bytes)}" if total.bytes else ""
    aside = f"; {plural(total.quarantined, 'row')} in quarantine" if total.quarantined else ""
    return PhaseLine(
        phase="copy", state=_state(found, finished=False), seconds=total.seconds, source=locks,
        at=entry(found.history.events if found.history else (), RunState.COPYING), target=f"{written}{volume}{aside}.{held}",
    )


def _switched(plan: Plan) -> list[str]:
    """What the plan switches off or drops for the load, counted."""
    kinds = Counter[str](s.kind for _, s in plan.phase("before"))
    told = (("trigger", ""), ("foreign key", ""), ("index", "indexes"))
    return [plural(kinds[kind], kind, many) for kind, many in told if kinds[kind]]


def _on_again(found: Found) -> str:
    if found.history is None or found.run is None:
        return ""
    still = len(found.history.held)
    return f"; {plural(still, 'of them is', 'of them are')} still off" if still else ", on again as they were"


def _verify(found: Found, proof: Proven | Absent) -> PhaseLine:
    if isinstance(proof, Absent):
        return PhaseLine(phase="verify", state="to come", source="Read only.", target="Read; one entry in the ledger.")
    read = f"{plural(proof.rows, 'row')} of {plural(len(proof.tables), 'table')}"
    return PhaseLine(
        phase="verify", state="done", at=proof.at, seconds=proof.seconds, source=f"{read} hashed in one snapshot.",
        target=f"{read} hashed; {plural(proof.differences, 'row')} different. One entry in the ledger.",
    )


def _repair(proof: Proven) -> PhaseLine:
    return PhaseLine(
        phase="repair", state="done", at=proof.at, source="The differing rows read again. Nothing written.",
        target="; ".join(proof.mended) or "No row moved.",
    )


def _rollback(found: Found) -> PhaseLine:
    assert found.history is not None
    undone = sum(1 for a in found.history.applied if a["undone_at"])
    forms = f" {plural(undone, 'statement')} undone." if undone else ""
    return PhaseLine(
        phase="rollback", state="done", at=entry(found.history.events, RunState.ROLLED_BACK, last=True),
        source="Not touched.", target=f"Our rows taken out, in one transaction.{forms}",
    )


def _spans(found: Found, moved: Moved | Absent) -> Iterator[Span]:
    """The newest run's stretches one after the other; a pause between a stop and a resumption is left out."""
    if not isinstance(moved, Moved) or moved.forecast or found.history is None:
        return
    history, at = found.history, 0.0
    began = entry(history.events, RunState.STARTED)
    ready = between(began, entry(history.events, RunState.COPYING))
    if ready:
        yield Span(label="preparation", kind="before", start=0.0, seconds=ready)
        at += ready
    for table in moved.tables:
        if table.seconds:
            yield Span(label=table.target, kind="table", start=round(at, 3), seconds=table.seconds)
            at += table.seconds
    ended = entry(history.events, RunState.FINISHED, last=True)
    landed = max((float(p["ended"]) for p in history.pace.values()), default=0.0)
    if ended and landed and when(ended).timestamp() > landed:
        rest = round(when(ended).timestamp() - landed, 3)
        yield Span(label="keys, sequences, finish", kind="after", start=round(at, 3), seconds=rest)
