"""What the board is made of: everything that was found, and why the rest was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crosswalk.errors import CrosswalkError
from crosswalk.judge import Problem
from crosswalk.ledger import Held, Run, RunState, Tally
from crosswalk.ledger.running import Running
from crosswalk.mapping import MappingFile
from crosswalk.plan import Decision, Plan
from crosswalk.planfile import PlanFile
from crosswalk.progress import Phase
from crosswalk.reckoning import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why something is not known, or does not hold."""

    code: str
    message: str

    @classmethod
    def of(cls, error: CrosswalkError) -> Trouble:
        return cls(code=error.code, message=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The target's ledger; all but `runs` and `held` is about the newest run."""

    runs: tuple[Run, ...] = ()
    """Newest first."""
    events: tuple[Mapping[str, Any], ...] = ()
    """`at`, `kind`, `name` and `detail` of each, in order."""
    progress: tuple[Mapping[str, Any], ...] = ()
    tallies: tuple[Tally, ...] = ()
    held: tuple[Held, ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()
    """Quarantine counted by table and reason."""
    running: Running | None = None
    """Where the newest run is under way."""
    busy: bool = False
    """A session holds the run's lock: it goes on somewhere at this moment."""

    @property
    def figures(self) -> Figures | None:
        """The newest run in the figures that it shows itself while it is under way; None where it is not."""
        now = self.running
        if now is None:
            return None
        tables = self.progress
        return Figures(
            phase=Phase(now.phase) if now.phase in set(Phase) else None,
            tables=sum(bool(t["done"]) for t in tables),
            of=len(self.runs[0].plan.get("tables", ())),
            rows=sum(int(t["rows"]) for t in tables),
            bytes=sum(int(t["bytes"]) for t in tables),
            rejected=sum(int(t["rejected"]) for t in tables),
            speed=now.speed,
            busy=now.busy,
            workers=now.workers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was found. A path is that of the file, whether it is there or not."""

    document_path: str = "crosswalk.yaml"
    plan_path: str = "crosswalk-plan.json"
    file: MappingFile | None = None
    file_at: str = ""
    """When it was written last."""
    file_trouble: Trouble | None = None
    """It is there and cannot be read."""
    plans: PlanFile | None = None
    plans_trouble: Trouble | None = None
    history: History | None = None
    """None where no target was named."""
    problems: tuple[Problem, ...] | None = None
    """What the document leaves open or gets wrong, by both catalogs; None where they were not looked at."""
    drift: Trouble | None = None
    """Why the plan does not stand on the two databases as they are."""
    compared: bool = False
    """Both catalogs were looked at."""
    unread: Trouble | None = None
    """Why they were not."""

    @property
    def run(self) -> Run | None:
        """The newest run, unless it was taken back: then the way begins anew with the plan."""
        newest = self.history.runs[0] if self.history and self.history.runs else None
        return None if newest is None or newest.state is RunState.ROLLED_BACK else newest

    @property
    def decision(self) -> Decision | None:
        """That of the run, else that of the plan's file."""
        run = self.run
        if run is not None:
            found = run.plan.get("decision")
            return Decision.model_validate(found) if found else None
        return self.plans.decision if self.plans else None

    @property
    def plan(self) -> Plan | None:
        """The plan of the file: the one that was decided on, else the recommended one, else any."""
        if self.plans is None or not self.plans.plans:
            return None
        chosen = self.plans.decision or self.plans.recommendation
        found = self.plans.plans.get(chosen.strategy) if chosen else None
        return found or next(iter(self.plans.plans.values()))

    @property
    def proposed(self) -> tuple[str, ...]:
        """`table.column` of the document's rules that nobody has accepted."""
        tables = self.file.document.tables if self.file else {}
        return tuple(
            f"{name}.{column}"
            for name, table in tables.items()
            for column, rule in table.columns.items()
            if rule.status == "proposed"
        )

    @property
    def rewritten(self) -> bool:
        """Whether the document is another one than the plan was made from."""
        plan = self.plan
        return bool(self.file and plan and self.file.text != (plan.reviewed or plan.document))

    def moment(self, kind: str, name: str | None = None) -> Mapping[str, Any] | None:
        """The newest event of a kind (and name) of the newest run."""
        events = self.history.events if self.history else ()
        return next((e for e in reversed(events) if e["kind"] == kind and name in (None, e["name"])), None)

    @property
    def proof(self) -> Mapping[str, Any] | None:
        """The newest verification, if nothing of ours was written after it."""
        events = self.history.events if self.history and self.run else ()
        last = next((e for e in reversed(_writing(events)) if e["kind"] in {"state", "proof", "retry"}), None)
        return last if last is not None and last["kind"] == "proof" else None


def _writing(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The events without retries of quarantine that came to their end and put no row into the target."""
    kept: list[Mapping[str, Any]] = []
    for each in events:
        landed = each["detail"].get("landed") if (each["kind"], each["name"]) == ("retry", "done") else None
        if landed is not None and not any(landed.values()):
            begun = next((i for i in reversed(range(len(kept))) if kept[i]["kind"] == "retry"), None)
            if begun is not None and kept[begun]["name"] == "begun":
                del kept[begun]
            continue
        kept.append(each)
    return kept
