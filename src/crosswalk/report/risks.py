"""What is risked: hazards and who allowed them, what cannot be taken back, the way back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from crosswalk.ledger import RunState
from crosswalk.numerals import plural
from crosswalk.plan import Hazard, Plan, Statement
from crosswalk.report.found import Found
from crosswalk.report.values import Absent, HazardLine, Risk
from crosswalk.report.wording import listed

MEANINGS: Final = {
    Hazard.DISABLES_TRIGGERS: "Triggers of the target's tables do not fire while rows are moved; each is switched on"
    " again exactly as it was.",
    Hazard.DROPS_FOREIGN_KEYS: "Foreign keys (those that lie in a circle; with --rebuild all of empty tables) are dropped"
    " for the load, and added again and validated after it. Until then nobody keeps a parent from being deleted.",
    Hazard.REBUILDS_INDEXES: "Secondary indexes of empty tables are dropped for the load and built again once the rows are"
    " in; whoever queries such a table meanwhile does without.",
    Hazard.KEEPS_EXISTING_ROWS: "Target tables hold rows already. They stay as they are; the moved rows go beside them.",
    Hazard.UPDATES_EXISTING_ROWS: "Target tables hold rows already. Those of the same key are overwritten; as they were,"
    " they are kept in the ledger.",
    Hazard.ARCHIVES_TABLES: "Target tables move, with their rows, into an archive schema; whoever uses them no longer"
    " finds them by name.",
    Hazard.ADDS_COLUMNS: "Live tables get further columns. Nothing is rewritten, but each takes a brief exclusive lock.",
    Hazard.UNPROVEN_BACKUP: "The dump of the preserved tables could not be proven by restoring it; the move goes on"
    " without that proof.",
}


def tell_risk(found: Found) -> Risk | Absent:
    plan = found.plan
    if plan is None:
        return Absent(why="nothing was planned yet, so that no hazard is known", command="crosswalk plan MAPPING")
    return Risk(
        hazards=tuple(_hazard(hazard, plan, found) for hazard in plan.hazards),
        irreversible=tuple(_irreversible(plan, found)),
        way_back=_way_back(plan, found),
        warnings=plan.warnings,
    )


def _hazard(hazard: Hazard, plan: Plan, found: Found) -> HazardLine:
    return HazardLine(
        hazard=hazard.value,
        meaning=MEANINGS.get(hazard, ""),
        statements=tuple(_said(s) for s in plan.statements if s.hazard is hazard),
        allowed=_allowed(hazard, found),
    )


def _said(statement: Statement) -> str:
    return f"{statement.table}: {statement.kind} {statement.name}".strip() if statement.name else statement.table


def _allowed(hazard: Hazard, found: Found) -> str:
    if found.run is None or (found.plans and not found.live):
        return f"not allowed yet: it takes --allow {hazard.value}"
    events = found.history.events if found.history else ()
    asked: dict[str, Any] = next((e["detail"] for e in events if e["kind"] == "settings"), {})
    role = found.run.plan.get("target", {}).get("role", "")
    who = f", by {asked['who']}" if asked.get("who") else ""
    return f"by name (--allow), when run {found.run.id} began{who}" + (f", as the target's role {role}" if role else "")


def _irreversible(plan: Plan, found: Found) -> Iterator[str]:
    """What stays only in the source, and what no undo statement takes back."""
    document = found.file.document if found.file else None
    left = [(t, c, d) for t, m in document.by_target.items() for c, d in m.drop.items()] if document else []
    if left:
        final = sum(d.final for _, _, d in left)
        more = f"; {plural(final, 'of them is', 'of them are')} final, whatever the strategy" if final else ""
        yield f"{plural(len(left), 'source column')} left behind: their values stay in the source and nowhere else{more}."
    tallies = found.history.tallies if found.history and found.live else ()
    lost = {part: sum(getattr(t, part) for t in tallies) for part in ("merged", "filtered", "quarantined")}
    told = [f"{plural(rows, 'row')} {part}" for part, rows in lost.items() if rows]
    if told:
        yield f"{listed(told)}: once the source is gone, only quarantine still holds its rows."
    bare = [s for s in plan.statements if s.phase in {"shape", "complete"} and not s.undo]
    if bare:
        yield f"{plural(len(bare), 'statement')} without a statement that takes it back: {listed(map(_said, bare), 5)}."


def _way_back(plan: Plan, found: Found) -> str:
    if found.run is not None and found.run.state is RunState.ROLLED_BACK and not found.live:
        return "Taken: the target is as it was before the run. Only the ledger's history stays."
    cost = next((c for c in plan.costs if c.strategy == plan.strategy), None)
    if cost is not None and cost.reversibility:
        return cost.reversibility
    return "The source is only read. `crosswalk rollback` takes out of the target what the run put there."
