"""From what was found to the report: the sections put together, failures first. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Literal

from crosswalk import __version__
from crosswalk.ledger import RunState
from crosswalk.numerals import plural
from crosswalk.report import findings
from crosswalk.report.choice import tell_decided
from crosswalk.report.found import Found, Looked
from crosswalk.report.matrix import tell_differences
from crosswalk.report.phases import tell_phases
from crosswalk.report.proofs import tell_backup, tell_preserved, tell_proof
from crosswalk.report.risks import tell_risk
from crosswalk.report.rows import tell_moved, tell_rejected
from crosswalk.report.rules import tell_rules
from crosswalk.report.values import (
    Absent,
    Decided,
    Figure,
    Finding,
    Matrix,
    Moved,
    Proven,
    Question,
    Rejected,
    Report,
    RunLine,
    Side,
    Stage,
    Weight,
)
from crosswalk.report.wording import sentence
from crosswalk.stopping import refused_each_time


def tell(found: Found) -> Report:
    """The whole report."""
    proof, moved, rejected = tell_proof(found), tell_moved(found), tell_rejected(found)
    decided, matrix, rules = tell_decided(found), tell_differences(found), tell_rules(found)
    preserved, questions = tell_preserved(found), tuple(_questions(found))
    told = [
        *findings.of_proof(found, proof), *findings.of_run(found, moved),
        *findings.of_rejects(rejected, unwritten=found.plan is not None and found.plan.unwritten),
        *findings.of_document(found, rules, matrix), *findings.of_decision(found, decided),
        *findings.of_preserved(preserved), *findings.of_plan(found), *findings.of_servers(found),
    ]
    told.sort(key=lambda f: findings.ORDER[f.weight])
    stage = _stage(found, decided, proof)
    headline, summary, follow = _headline(stage, found, moved, proof, matrix)
    return Report(
        version=__version__, made_at=found.made_at, stage=stage, verdict=_verdict(stage, told), headline=headline,
        summary=summary, next=_named(follow, found, decided), sides=(_side(found.source), _side(found.target)), findings=tuple(told),
        figures=tuple(_figures(moved, rejected, proof, matrix)), questions=questions, proof=proof, moved=moved,
        rejected=rejected, preserved=preserved, backup=tell_backup(found), decided=decided, differences=matrix, mapping=rules,
        phases=tell_phases(found, moved, proof), risk=tell_risk(found), history=_history(found),
    )


def _named(command: str, found: Found, decided: Decided | Absent) -> str:
    """The command with the names that are known."""
    advised = decided.recommendation if isinstance(decided, Decided) else None
    path = shlex.quote(found.file.path) if found.file else "MAPPING"
    return command.replace("MAPPING", path).replace("STRATEGY", advised or "STRATEGY")


def _questions(found: Found) -> Iterator[Question]:
    if found.live or found.checked is None:
        return
    for problem in found.checked.problems:
        yield Question(place=".".join(problem.place), line=problem.line, text=problem.message, remedy=problem.remedy)


def _stage(found: Found, decided: Decided | Absent, proof: Proven | Absent) -> Stage:
    run = found.run
    if run is None or (run.state is RunState.ROLLED_BACK and found.plans is not None):
        return _before(found, decided)
    if run.state is RunState.ROLLED_BACK:
        return "rolled back"
    if run.state is not RunState.FINISHED:
        return "unfinished"
    if isinstance(proof, Absent) or not proof.current:
        return "moved"
    return "verified" if proof.clean else "different"


def _before(found: Found, decided: Decided | Absent) -> Stage:
    if isinstance(decided, Decided):
        return "planned" if decided.choice is None else "decided"
    return "mapped" if found.file else "compared"


def _verdict(stage: Stage, told: list[Finding]) -> Weight | Literal["good"]:
    """How the page is coloured: by the weightiest finding; green only where all is verified."""
    worst = told[0].weight if told else "note"
    if worst in {"failure", "warning"}:
        return worst
    return "good" if stage == "verified" else "open"


def _headline(
    stage: Stage, found: Found, moved: Moved | Absent, proof: Proven | Absent, matrix: Matrix | Absent
) -> tuple[str, str, str]:
    """What the page says first, in a line and in a sentence, and the command to go on with."""
    if found.history is None and found.target.failed:
        return "What was moved is not known", sentence(found.target.failed), ""
    rows = plural(moved.total.extracted, "source row") if isinstance(moved, Moved) else "the rows"
    fates = _fates(moved)
    if isinstance(proof, Proven) and stage in {"verified", "different"}:
        compared = f"{plural(proof.rows, 'row')} of {plural(len(proof.tables), 'table')} compared byte for byte"
        if stage == "verified":
            return "The target is the mapped source", f"{compared}, none differs. {fates}", ""
        differ = plural(proof.differences, "row")
        return "The target is not the mapped source", f"{compared}, {differ} different. {fates}", "crosswalk repair"
    run = found.run
    table = {
        "moved": ("Moved, not verified", f"{fates} Whether each row arrived as it should has not been verified.", "crosswalk verify"),
        "unfinished": (f"Run {run.id if run else ''} is unfinished", f"{fates or 'No table was finished.'}", _onward(found)),
        "rolled back": ("Rolled back", "The target is as it was before the run.", "crosswalk plan MAPPING"),
        "decided": ("Decided, not moved yet", _forecast(moved, rows), "crosswalk migrate crosswalk-plan.json"),
        "planned": ("Planned, not decided yet", _forecast(moved, rows), "crosswalk decide STRATEGY --why REASON"),
        "mapped": ("Mapped, not planned yet", _forecast(moved, rows), "crosswalk plan MAPPING"),
    }
    compared = "The schemas are equal." if isinstance(matrix, Matrix) and matrix.equal else "The schemas differ."
    if isinstance(matrix, Absent):
        compared = "The schemas could not both be read."
    return table.get(stage, ("Compared, nothing decided yet", compared, "crosswalk match"))


def _onward(found: Found) -> str:
    """What goes on after a run that did not finish."""
    return "crosswalk rollback" if refused_each_time(found.history.events if found.history else ()) else "crosswalk resume"


def _fates(moved: Moved | Absent) -> str:
    if isinstance(moved, Absent) or moved.forecast:
        return ""
    total = moved.total
    parts = [f"{getattr(total, part):,} {part}" for part in ("loaded", "merged", "quarantined", "filtered") if getattr(total, part)]
    return f"Of {plural(total.extracted, 'source row')}: {', '.join(parts) or 'none loaded'}."


def _forecast(moved: Moved | Absent, rows: str) -> str:
    if isinstance(moved, Absent):
        return "Nothing was written to either side."
    total = moved.total
    return f"Of {rows}, {total.loaded:,} would be loaded and {total.quarantined:,} set aside. Nothing was written to either side."


def _figures(
    moved: Moved | Absent, rejected: Rejected | Absent, proof: Proven | Absent, matrix: Matrix | Absent
) -> Iterator[Figure]:
    if isinstance(moved, Moved):
        total, word = moved.total, "to be " if moved.forecast else ""
        yield Figure(label="Source rows", value=total.extracted, note=plural(len(moved.tables), "table"))
        yield Figure(label=f"{word}loaded".capitalize(), value=total.loaded)
        if total.merged:
            yield Figure(label=f"{word}merged".capitalize(), value=total.merged)
        note = plural(len(rejected.reasons), "reason") if isinstance(rejected, Rejected) and rejected.reasons else ""
        yield Figure(label=f"{word}quarantined".capitalize(), value=total.quarantined, note=note)
        if total.filtered:
            yield Figure(label=f"{word}filtered".capitalize(), value=total.filtered)
        if not moved.forecast:
            yield Figure(label="Copy", value=total.seconds, unit="seconds", note="")
    if isinstance(proof, Proven):
        yield Figure(label="Rows compared", value=proof.rows, note=f"{plural(proof.differences, 'difference')}")
    if isinstance(matrix, Matrix) and not isinstance(proof, Proven):
        differing = sum(number for verdict, number in matrix.counts.items() if verdict != "same")
        yield Figure(label="Columns that differ", value=differing, note=f"of {sum(matrix.counts.values()):,}")


def _side(looked: Looked) -> Side:
    schema = looked.schema
    absent = None
    if schema is None:
        why = looked.failed or f"the {looked.side} was not named"
        absent = Absent(why=why, command=f"crosswalk report --{looked.side} URL")
    if looked.url.startswith("http"):
        return Side(side=looked.side, url=looked.url, rest=True, absent=absent)
    return Side(
        side=looked.side, url=looked.url, version=_version(schema.server_version) if schema else "",
        database=schema.database if schema else "", role=schema.role if schema else "", absent=absent,
    )


def _version(number: int) -> str:
    return f"{number // 10000}.{number % 10000}"


def _history(found: Found) -> tuple[RunLine, ...] | Absent:
    if found.history is None:
        why = found.target.failed or "the target was not named, so that its ledger could not be read"
        return Absent(why=why, command="crosswalk report --target URL")
    return tuple(
        RunLine(id=r.id, plan=r.plan_id, strategy=str(r.plan.get("strategy", "")), state=str(r.state), started=r.started_at)
        for r in found.history.runs
    )


