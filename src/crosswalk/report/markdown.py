"""The report as Markdown (CommonMark with GitHub's tables), for a ticket or a merge request.

Whatever comes from a server, a document or a person is escaped, so that no name can break a table,
open a tag or become a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from crosswalk.names import shown
from crosswalk.numerals import plural
from crosswalk.report.values import Absent, Decided, Matrix, Moved, MovedLine, Proven, Rejected, Report, Rules
from crosswalk.report.wording import count, counted, duration, figure, listed, moment, rate, sentence, size

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.$ ]+\Z")
_MEANS: Final = re.compile(r"([\\`*_{}\[\]<>()#|~&!$^=@:+])")
_START: Final = re.compile(r"^(\d+)([.)])|^([-])")
_LINES: Final = re.compile(r"\s*\n\s*")


def text(value: str) -> str:
    """Any text as Markdown that shows it and does nothing else."""
    line = shown(_LINES.sub(" ", value.strip()))
    line = _MEANS.sub(r"\\\1", line).replace("www.", r"www\.")
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", line)


def name(value: str) -> str:
    """A name: as code where it is plain, escaped where it is not."""
    return f"`{value}`" if _PLAIN.match(value) and value.strip() == value else text(shown(value))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; a head that begins with # is of numbers."""
    yield "| " + " | ".join(h.lstrip("#") for h in head) + " |"
    yield "| " + " | ".join("---:" if h.startswith("#") else "---" for h in head) + " |"
    for row in rows:
        yield "| " + " | ".join(cell or "–" for cell in row) + " |"
    yield ""


def _absent(absent: Absent) -> Iterator[str]:
    how = f" To learn it: {name_of_command(absent.command)}" if absent.command else ""
    yield f"{text(sentence(absent.why))}{how}"
    yield ""


def name_of_command(command: str) -> str:
    return f"`{shown(command)}`" if "`" not in command else text(command)


def as_markdown(report: Report) -> str:
    """The whole report; the same report gives the same bytes."""
    parts = (
        _head, _findings, _glance, _proof, _moved, _rejected, _preserved, _decided, _differences, _rules, _phases, _risk,
    )
    return "\n".join(line for part in parts for line in part(report)).rstrip() + "\n"


def _head(r: Report) -> Iterator[str]:
    yield f"<!-- {r.generator} -->"
    yield f"# {text(r.headline)}"
    yield ""
    yield text(r.summary)
    yield ""
    for side in r.sides:
        if side.absent:
            yield f"- {side.side}: {text(side.absent.why)}"
        elif side.rest:
            yield f"- {side.side}: rows of the REST API {text(side.url)}"
        else:
            yield f"- {side.side}: {name(side.database)}, PostgreSQL {side.version}, role {name(side.role)}, {text(side.url)}"
    yield f"- made {moment(r.made_at)} by Crosswalk {r.version}; stage: {r.stage}"
    if r.next:
        yield f"- next: {name_of_command(r.next)}"
    yield ""


def _findings(r: Report) -> Iterator[str]:
    yield "## Findings"
    yield ""
    if not r.findings:
        yield "Nothing to object to."
    for f in r.findings:
        remedy = f" → {text(f.remedy)}" if f.remedy else ""
        yield f"- **{f.weight}**: {text(f.title)}" + (f". {text(f.detail)}" if f.detail else "") + remedy
    yield ""
    if r.questions:
        yield "### Open questions"
        yield ""
        rows = [(name(q.place), str(q.line or ""), text(q.text), text(q.remedy)) for q in r.questions]
        yield from _table(("place", "#line", "what is open", "what to do"), rows)


def _glance(r: Report) -> Iterator[str]:
    if r.figures:
        yield from _table(("figure", "#value", "note"), [(text(f.label), figure(f.value, f.unit), text(f.note)) for f in r.figures])


def _proof(r: Report) -> Iterator[str]:
    yield "## What was verified, and what was not"
    yield ""
    if isinstance(r.proof, Absent):
        yield from _absent(r.proof)
        return
    v: Proven = r.proof
    since = "" if v.current else " **Something was moved since.**"
    yield f"{v.word.capitalize()} on {moment(v.at)} in {duration(v.seconds)}: {plural(v.rows, 'row')} compared.{since}"
    yield ""
    rows = [
        (name(t.target), count(t.expected), count(t.found), count(t.missing), count(t.different), count(t.extra),
         "equal" if t.clean else f"**different** {text(t.problem)}".strip())
        for t in v.tables
    ]
    yield from _table(("table", "#expected", "#found", "#missing", "#different", "#too many", "verdict"), rows)
    for title, lines in (
        ("Differing rows", [f"{t.target}: {s}" for t in v.tables for s in t.samples]), ("Sequences behind", v.behind),
        ("Still switched off", v.held), ("Repaired", v.mended), ("Not verified", v.uncovered),
    ):
        yield from _bullets(title, lines)


def _bullets(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"### {title}"
        yield ""
        yield from (f"- {text(line)}" for line in lines)
        yield ""


def _moved(r: Report) -> Iterator[str]:
    yield "## What will move" if isinstance(r.moved, Moved) and r.moved.forecast else "## What moved"
    yield ""
    if isinstance(r.moved, Absent):
        yield from _absent(r.moved)
        return
    head = ("table", "#extracted", "#loaded", "#merged", "#quarantined", "#filtered", "#written", "#size", "#time", "#rate")
    lines = [*r.moved.tables, *([r.moved.total] if len(r.moved.tables) > 1 else [])]
    yield from _table(head, [_moved_row(line, total=line is r.moved.total) for line in lines])


def _moved_row(t: MovedLine, *, total: bool) -> tuple[str, ...]:
    numbers = (t.extracted, t.loaded, t.merged, t.quarantined, t.filtered, t.written)
    said = "all tables" if total else name(t.target)
    return (said if t.balanced else f"**{said}**", *map(count, numbers), size(t.bytes), duration(t.seconds), rate(t.rate))


def _rejected(r: Report) -> Iterator[str]:
    forecast = isinstance(r.rejected, Rejected) and r.rejected.forecast
    yield "## What would be rejected, and why" if forecast else "## What was rejected, and why"
    yield ""
    if isinstance(r.rejected, Absent):
        yield from _absent(r.rejected)
        return
    rows = [
        (name(x.target), "some" if x.rows is None else count(x.rows), name(x.place) if x.place else "",
         f"{text(x.reason)} ({text(x.code)})", text("; ".join(x.keys)), "expected" if x.declared else "**not expected**")
        for x in r.rejected.reasons
    ]
    if rows:
        yield from _table(("table", "#rows", "where", "why", "keys (masked)", "document"), rows)
    else:
        yield "No row is set aside."
        yield ""


def _preserved(r: Report) -> Iterator[str]:
    yield "## Preserved tables"
    yield ""
    if isinstance(r.preserved, Absent):
        yield from _absent(r.preserved)
        return
    said = {None: "not verified yet", True: "unchanged", False: "**changed, not by us**"}
    rows = [(name(t.table), count(t.rows_before), count(t.rows), said[t.unchanged], text(t.why)) for t in r.preserved]
    if r.backup:
        yield text(r.backup)
        yield ""
    if rows:
        yield from _table(("table", "#rows before", "#rows when verified", "content", "why"), rows)
    else:
        yield "The document names none."
        yield ""


def _decided(r: Report) -> Iterator[str]:
    yield "## The decision, and the strategies"
    yield ""
    if isinstance(r.decided, Absent):
        yield from _absent(r.decided)
        return
    d: Decided = r.decided
    if d.choice is None:
        yield "Not decided yet."
    else:
        who = f", by {text(d.choice.who)}, {moment(d.choice.at)}" if d.choice.who else ""
        yield f"**{d.choice.strategy}**{who}." + (f" {text(d.choice.why)}" if d.choice.why else "")
    yield ""
    if d.recommendation:
        yield from _bullets(f"Recommended: {d.recommendation}", d.reasons)
    rows = [
        (s.strategy, "yes" if s.possible else f"**no**: {text(listed(s.blockers))}", text(counted(s.rows)),
         text(counted(s.columns)), str(sum(s.violations.values())), f"{s.statements}: {text(listed(s.hazards))}".rstrip(": "),
         duration(s.seconds), text(s.reversibility), text("; ".join(s.gains)), text("; ".join(s.losses)))
        for s in d.strategies
    ]
    if rows:
        yield from _table(
            ("strategy", "possible", "rows", "columns", "#rows refused", "statements, hazards", "#time", "the way back",
             "gains", "losses"), rows,
        )


def _differences(r: Report) -> Iterator[str]:
    yield "## What differs between the two schemas"
    yield ""
    if isinstance(r.differences, Absent):
        yield from _absent(r.differences)
        return
    matrix: Matrix = r.differences
    yield f"Columns: {text(counted(matrix.counts)) or 'none'}."
    yield ""
    rows = [
        (name(t.source) if t.source else "", name(t.target) if t.target else "", t.verdict, text(counted(t.counts)), t.fate)
        for t in matrix.tables
    ]
    yield from _table(("source", "target", "verdict", "columns", "the document says"), rows)


def _rules(r: Report) -> Iterator[str]:
    yield "## Field mapping"
    yield ""
    if isinstance(r.mapping, Absent):
        yield from _absent(r.mapping)
        return
    rules: Rules = r.mapping
    for t in rules.tables:
        yield f"### {name(t.source)} → {name(t.target)}"
        yield ""
        rows = [
            (name(c.column), text(c.feed), text(c.why), c.decided + (f", {c.confidence:.0%}" if c.confidence is not None else ""))
            for c in t.rules
        ]
        yield from _table(("target column", "fed by", "why", "decided"), rows)
        if t.left:
            yield from _table(("left behind", "why"), [(name(c.column), text(c.why)) for c in t.left])
    for left in (*rules.ignored, *rules.ignored_targets):
        yield f"- {name(left.table)} is left alone: {text(left.why)}"
    yield ""


def _phases(r: Report) -> Iterator[str]:
    yield "## Impact by phase"
    yield ""
    rows = [(x.phase, x.state, moment(x.at), duration(x.seconds), text(x.source), text(x.target)) for x in r.phases.lines]
    yield from _table(("phase", "state", "when", "#took", "source", "target"), rows)


def _risk(r: Report) -> Iterator[str]:
    yield "## Risk"
    yield ""
    if isinstance(r.risk, Absent):
        yield from _absent(r.risk)
        return
    rows = [(h.hazard, text(h.meaning), text(h.allowed), text(listed(h.statements, 12))) for h in r.risk.hazards]
    if rows:
        yield from _table(("hazard", "what it means", "allowed", "statements"), rows)
    yield from _bullets("What cannot be taken back", r.risk.irreversible)
    yield from _bullets("The way back", (r.risk.way_back,))
    yield from _bullets("Warnings of the plan", r.risk.warnings)
