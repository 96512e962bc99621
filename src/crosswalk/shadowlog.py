"""The log of comparisons between the old and the new database: its format, and what it adds up to. Pure; imports nothing.

One JSON object a line, `v` 1, `event` one of

    mismatch   two answers differed: kind, columns, counts, hashes of keys, classes of errors; it counts for itself
    failed     a comparison that could not be made: the class of what went wrong
    tally      what else has been since the last one: equal, differences beyond the sample, skipped, left-out columns
    missed     a write of dual-write that the second side lacks; `replayed`: one that it has since
    call       one call of one side (LOG_DATABASE_CALLS)

No line holds a value of a row: keys are hashed under a secret of the writer. A mismatch is written at once, equal ones
are added up: a writer that is killed has told of fewer equal answers than there were, never of more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

VERSION: Final = 1
EVENTS: Final = frozenset({"mismatch", "failed", "tally", "missed", "replayed", "call"})
Verdict = Literal["equal", "different", "failed", "too few", "nothing compared"]


def line(event: str, **fields: Any) -> str:
    """One line of the log, with its end."""
    assert event in EVENTS, event
    return json.dumps({"v": VERSION, "event": event, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(slots=True, kw_only=True)
class Method:
    """What was seen of one method of one repository, or of one function (`repository` empty)."""

    repository: str
    method: str
    equal: int = 0
    different: int = 0
    again: int = 0
    """Differed at first and not when both were asked once more: neither equal nor different."""
    failed: int = 0
    """Comparisons that could not be made."""
    missed: dict[str, int] = field(default_factory=dict)
    """Rows by entry of the journal."""
    replayed: set[str] = field(default_factory=set)
    """Entries."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Calls that were not compared, by the reason."""
    kinds: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    ignored: dict[str, str] = field(default_factory=dict)
    """Columns that were left out of the comparison, and why."""
    errors: Counter[str] = field(default_factory=Counter)
    """By class: of sides that raised, of comparisons that failed, of writes that were missed."""
    calls: Counter[str] = field(default_factory=Counter)
    """By side, where calls were logged."""
    first: str = ""
    last: str = ""

    @property
    def compared(self) -> int:
        return self.equal + self.different + self.again

    @property
    def outstanding(self) -> int:
        """Rows written to one side that the other still lacks."""
        return sum(rows for entry, rows in self.missed.items() if entry not in self.replayed)

    def verdict(self, at_least: int = 1) -> Verdict:
        """A pass only where enough was compared and nothing else was found."""
        if self.different or self.outstanding:
            return "different"
        if self.failed:
            return "failed"
        if not self.compared:
            return "nothing compared"
        return "equal" if self.equal >= at_least else "too few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole log."""

    methods: tuple[Method, ...]
    lines: int
    unreadable: int
    """Lines that are none of ours: what they said is not known, so it is no pass."""
    first: str
    last: str

    @property
    def compared(self) -> int:
        return sum(m.compared for m in self.methods)

    def verdict(self, at_least: int = 1) -> Verdict:
        """Of everything; a method of which nothing was compared is named, and fails nobody else's comparison."""
        found = {m.verdict(at_least) for m in self.methods}
        if "different" in found:
            return "different"
        if "failed" in found or self.unreadable:
            return "failed"
        if not self.compared:
            return "nothing compared"
        return "too few" if "too few" in found else "equal"


def read(lines: Iterable[str]) -> Report:
    """Add the lines up; those of several logs may follow one another."""
    methods: dict[tuple[str, str], Method] = {}
    number = unreadable = 0
    for text in filter(str.strip, lines):
        number += 1
        said = _entry(text)
        try:
            if said is None:
                raise ValueError
            whose = (str(said["repository"]), str(said["method"]))
            fresh = Method(repository=whose[0], method=whose[1])
            _add(fresh, said)
        except (AttributeError, KeyError, TypeError, ValueError):
            unreadable += 1
            continue
        _merge(methods.setdefault(whose, Method(repository=whose[0], method=whose[1])), fresh)
    found = tuple(methods[whose] for whose in sorted(methods))
    return Report(
        methods=found, lines=number, unreadable=unreadable,
        first=min((m.first for m in found), default=""), last=max((m.last for m in found), default=""),
    )  # fmt: skip


def _entry(text: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("v") != VERSION or said.get("event") not in EVENTS:
        return None
    return said


def _add(to: Method, said: Mapping[str, Any]) -> None:
    """Whatever is wrong with a line raises here, before anything of it counts."""
    to.first, to.last = str(said.get("since") or said["at"]), str(said["at"])
    event = said["event"]
    if event == "tally":
        _tally(to, said)
    elif event == "mismatch":
        to.different = 1
        to.kinds[str(said["kind"])] += 1
        to.columns.update(map(str, said["columns"]))
        to.errors.update(str(e) for e in said.get("errors", ()) if e)
    elif event == "failed":
        to.failed = 1
        to.errors[str(said["error"])] += 1
    elif event == "missed":
        to.missed[str(said["id"])] = _count(said["rows"])
        to.errors[str(said["error"])] += 1
    elif event == "replayed":
        to.replayed.add(str(said["id"]))
    else:
        to.calls[str(said["side"])] += 1


def _tally(to: Method, said: Mapping[str, Any]) -> None:
    to.equal, to.different = _count(said["equal"]), _count(said["different"])
    to.again, to.failed = _count(said["again"]), _count(said["failed"])
    for part in ("skipped", "kinds", "columns", "errors"):
        getattr(to, part).update({str(name): _count(n) for name, n in said[part].items()})
    to.ignored = {str(column): str(why) for column, why in said["ignored"].items()}


def _count(said: Any) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or said < 0:
        raise ValueError
    return said


def _merge(into: Method, more: Method) -> None:
    for part in ("equal", "different", "again", "failed"):
        setattr(into, part, getattr(into, part) + getattr(more, part))
    into.missed |= more.missed
    into.replayed |= more.replayed
    for part in ("skipped", "kinds", "columns", "errors", "calls"):
        getattr(into, part).update(getattr(more, part))
    into.ignored |= more.ignored
    into.first = min(filter(None, (into.first, more.first)))
    into.last = max(into.last, more.last)


def advice(report: Report, at_least: int = 1) -> tuple[str, ...]:
    """What to do next, a sentence each."""
    said = []
    if not report.compared:
        said.append("Nothing was compared: run with mode shadow, and let the application work.")
    if report.unreadable:
        said.append(f"{report.unreadable} lines could not be read: what they said is unknown. Start a new log.")
    if any(m.outstanding for m in report.methods):
        said.append("Play the journal of dual-write: the second side lacks writes.")
    if any(m.different for m in report.methods):
        said.append("Correct the mapping or the data of what differs, then start a new log.")
    if any(m.kinds["columns"] for m in report.methods):
        said.append("Where one side has no such column at all, declare it: modes.table(…, absent={column: why}).")
    if any(m.failed for m in report.methods):
        said.append("Comparisons failed: look for their error in the application's log; they prove nothing.")
    thin = [name(m) for m in report.methods if m.verdict(at_least) in ("too few", "nothing compared")]
    if report.compared and thin:
        said.append(f"Too little was compared to judge: {', '.join(thin)}.")
    if report.verdict(at_least) == "equal" and not thin:
        said.append("All that was compared is equal. Where the old database answers, USE_LEGACY_SUPABASE=false makes it the shadow.")
    return tuple(said)


def name(method: Method) -> str:
    """As people read it."""
    return f"{method.repository}.{method.method}" if method.repository else method.method
