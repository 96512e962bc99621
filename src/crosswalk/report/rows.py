"""What moved and what was rejected: the accounting and quarantine, or their forecast. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from crosswalk.judge import Verdict
from crosswalk.judge.rows import mask_key
from crosswalk.ledger import RunState, Tally
from crosswalk.report.found import Found, History
from crosswalk.report.times import between, entry
from crosswalk.report.values import FATES, Absent, Moved, MovedLine, Rejected, RejectLine

UNASKED: Final = (
    "The target itself was not asked: what clashes with rows that stand there, and what only the target can try."
    " `crosswalk check` asks it, and takes what it tried back."
)


def tell_moved(found: Found) -> Moved | Absent:
    """The accounting of the newest run; before one, what the rules say that will become of the rows."""
    history = found.history
    if history and history.tallies and found.live:
        lines = [_line(t, found, history.pace.get(str(t.target), {})) for t in _ordered(history.tallies, found)]
        begun, ended = entry(history.events, RunState.STARTED), entry(history.events, RunState.FINISHED)
        return Moved(
            forecast=False, tables=tuple(lines), total=_total(lines), begun=begun, ended=ended,
            seconds=between(begun, ended),
        )
    if found.checked and found.checked.tallies:
        lines = [_line(t, found, {}) for t in found.checked.tallies]
        lines = [line.model_copy(update={"written": None}) for line in lines]
        return Moved(forecast=True, tables=tuple(lines), total=_total(lines))
    return _nothing(found)


def _nothing(found: Found) -> Absent:
    if found.run is not None and found.run.state is RunState.ROLLED_BACK:
        return Absent(why="the run was rolled back: none of its rows is in the target", command="crosswalk plan MAPPING")
    if found.live:
        return Absent(why="the run has not accounted for any table yet", command="crosswalk resume")
    if found.target.failed:
        return Absent(why=found.target.failed, command="crosswalk report --target URL")
    if found.checked and found.checked.problems:
        return Absent(why="the document does not fit the schemas, so that no row was looked at", command="crosswalk check MAPPING")
    return Absent(why=found.unchecked or "nothing was moved yet", command="crosswalk migrate crosswalk-plan.json")


def _ordered(tallies: Iterable[Tally], found: Found) -> list[Tally]:
    """In the order in which tables were filled."""
    place = {str(name): number for number, name in enumerate(found.plan.order)} if found.plan else {}
    return sorted(tallies, key=lambda t: (place.get(str(t.target), len(place)), str(t.target)))


def _line(tally: Tally, found: Found, pace: Mapping[str, Any]) -> MovedLine:
    planned = {t.target: t for t in found.plan.tables} if found.plan else {}
    plan = planned.get(str(tally.target))
    seconds = float(pace["seconds"]) if pace else None
    return MovedLine(
        target=str(tally.target),
        source=str(tally.source),
        extracted=tally.extracted,
        loaded=tally.loaded,
        merged=tally.merged,
        quarantined=tally.quarantined,
        filtered=tally.filtered,
        written=tally.written,
        bytes=int(pace["bytes"]) if pace else None,
        seconds=round(seconds, 3) if seconds is not None else None,
        rate=round(tally.extracted / seconds, 1) if seconds else None,
        balanced=tally.balanced,
        way="" if plan is None else {"direct": "straight COPY", "twin": "twin and merge"}[plan.way],
    )


def _total(lines: list[MovedLine]) -> MovedLine:
    sums: dict[str, Any] = {part: sum(getattr(line, part) for line in lines) for part in ("extracted", *FATES)}
    known = [line.seconds for line in lines if line.seconds is not None]
    seconds = round(sum(known), 3) if known else None
    written = [line.written for line in lines if line.written is not None]
    sizes = [line.bytes for line in lines if line.bytes is not None]
    return MovedLine(
        target="all", source="", **sums, written=sum(written) if written else None,
        bytes=sum(sizes) if sizes else None, seconds=seconds,
        rate=round(sums["extracted"] / seconds, 1) if seconds else None, balanced=all(line.balanced for line in lines),
    )


def tell_rejected(found: Found) -> Rejected | Absent:
    """Quarantine by reason; before a run, the rows that the rules would set aside."""
    history = found.history
    if history and found.live:
        return _rejected([_reason(r, history, found) for r in history.reasons], forecast=False)
    if found.checked and not found.checked.problems:
        unjudged = (*found.checked.uncovered, UNASKED)
        aside = [_verdict(v) for v in found.checked.verdicts if not _merges(v, found)]
        return _rejected(aside, forecast=True, unjudged=unjudged)
    return _nothing(found)


def _rejected(lines: list[RejectLine], *, forecast: bool, unjudged: Iterable[str] = ()) -> Rejected:
    """Reasons that nobody has spoken of come first, then the greatest."""
    lines = sorted(lines, key=lambda x: (x.declared, -(x.rows or 0), x.target, x.code, x.place, x.reason))
    return Rejected(
        forecast=forecast, rows=sum(x.rows or 0 for x in lines),
        undeclared=sum(x.rows or 0 for x in lines if not x.declared), reasons=tuple(lines), unjudged=tuple(unjudged),
    )


def _reason(reason: Mapping[str, Any], history: History, found: Found) -> RejectLine:
    spoken = {str(n): m.rejects == "quarantine" for n, m in found.file.document.by_target.items()} if found.file else {}
    given_up = int(reason.get("dropped", 0)) >= int(reason["rows"])
    return RejectLine(
        source=reason["source_table"],
        target=reason["target_table"],
        place=reason["column_name"] or reason["constraint_name"] or "",
        code=reason["code"],
        sqlstate=reason["sqlstate"] or "",
        reason=reason["message"],
        rows=int(reason["rows"]),
        keys=_keys(history).get(_of(reason), ()),
        declared=reason["code"] == "duplicate" or given_up or spoken.get(reason["target_table"], True),
    )


def _of(reason: Mapping[str, Any]) -> tuple[Any, ...]:
    parts = ("source_table", "target_table", "code", "sqlstate", "message", "constraint_name", "column_name")
    return tuple(reason[part] for part in parts)


def _keys(history: History) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Masked keys by reason."""
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for each in history.keys:
        found[_of(each)].append(mask_key("NULL" if part is None else part for part in each["key"]))
    return {reason: tuple(keys) for reason, keys in found.items()}


def _merges(verdict: Verdict, found: Found) -> bool:
    """Rows that lose to another one are not rejected where the document lets one of them win."""
    mapping = found.file.document.by_target.get(verdict.target) if found.file else None
    return verdict.code == "duplicate" and mapping is not None and mapping.on_duplicate not in {"fail", "quarantine"}


def _verdict(verdict: Verdict) -> RejectLine:
    return RejectLine(
        source=str(verdict.source),
        target=str(verdict.target),
        place=verdict.column or verdict.constraint or "",
        code=verdict.code,
        reason=verdict.reason,
        rows=verdict.rows,
        keys=verdict.samples,
        declared=verdict.declared,
        ways=tuple(f"{way.word}: {way.sentence}" for way in verdict.ways),
        rule=verdict.rule,
    )
