"""What became of the rows, for people and for `--json`: accounting, verdicts, quarantine, problems.

Counts and masked keys only. Takes values and gives what Rich prints; no SQL, no decisions.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from crosswalk.cli.tables import shown
from crosswalk.judge import Problem, Verdict, Way
from crosswalk.ledger import Tally
from crosswalk.numerals import plural

PARTS: Final = ("extracted", "loaded", "merged", "quarantined", "filtered")
_STYLES: Final = {"merged": "cyan", "quarantined": "yellow", "filtered": "cyan"}


def line(text: str, *, indent: int = 0, style: str = "") -> Padding:
    """A line of text; what does not fit goes on below under the same indent."""
    return Padding(Text(shown(text), style=style), (0, 0, 0, indent), expand=False)


def heading(text: str) -> Text:
    return Text(shown(text), style="bold")


def grid(*columns: str, names: int = 1) -> Grid:
    """A table whose first columns hold names, which fold, and the others numbers, which never do."""
    made = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, column in enumerate(columns):
        if place < names:
            made.add_column(column, overflow="fold", ratio=1, min_width=10)
        else:
            made.add_column(column, justify="right", no_wrap=True)
    return made


def number(count: int, style: str = "") -> Text:
    """A count; a nought steps back."""
    return Text(f"{count:,}", style=style if count else "dim")


def render_tallies(tallies: Sequence[Tally]) -> Iterator[RenderableType]:
    """The accounting: a row for each table, then the sum."""
    if not tallies:
        return
    made = grid("table", *PARTS)
    for tally in tallies:
        counts = [number(getattr(tally, part), _STYLES.get(part, "")) for part in PARTS]
        made.add_row(Text(shown(str(tally.target))), *counts)
    if len(tallies) > 1:
        sums = [number(sum(getattr(t, part) for t in tallies), "bold") for part in PARTS]
        made.add_row(Text("all", style="bold"), *sums)
    yield made
    for tally in tallies:
        if not tally.balanced:
            yield line(f"{tally.target}: the sum does not come out", indent=2, style="red")
        elif tally.written != tally.loaded:
            yield line(f"{tally.target}: {plural(tally.written, 'row')} in the target", indent=2, style="dim")


def render_problems(problems: Sequence[Problem], path: str) -> Iterator[RenderableType]:
    """`crosswalk.yaml:12  message`, and the remedy below."""
    for problem in problems:
        head = Text(shown(f"{path}:{problem.line}"), style="bold").append("  ").append(shown(problem.message))
        yield head.append(f"  ({problem.code})", style="dim")
        yield line(f"→ {problem.remedy}", indent=2, style="green")


def render_verdicts(verdicts: Sequence[Verdict]) -> Iterator[RenderableType]:
    """Why rows are set aside: how many, where, masked keys, and whether the document expects it."""
    for verdict in verdicts:
        rows = "some rows" if verdict.rows is None else plural(verdict.rows, "row")
        yield line(f"{rows} of {verdict.source} → {verdict.target}", style="bold")
        yield line(f"{_place(verdict)}{verdict.reason} ({verdict.code})", indent=2)
        if verdict.samples:
            yield line(f"keys {'; '.join(verdict.samples)}", indent=2, style="dim")
        if verdict.declared:
            yield line("expected by the document", indent=2, style="green")
        else:
            yield line("not expected by the document", indent=2, style="yellow")
        yield from _ways(verdict)


def _ways(verdict: Verdict) -> Iterator[RenderableType]:
    """In full where something has to be done; where the document expects the rows, the words alone."""
    if verdict.declared:
        if verdict.ways:
            rule, words = shlex.quote(f"{verdict.rule}=WAY"), ", ".join(_flag(w) for w in verdict.ways)
            yield line(f"or --apply {rule} ({words})", indent=2, style="dim")
        return
    for way in verdict.ways:
        flag = shlex.quote(f"{verdict.rule}={_flag(way)}")
        yield line(f"--apply {flag}", indent=2, style="cyan")
        yield line(way.sentence, indent=6, style="dim")


def _flag(way: Way) -> str:
    return f"{way.word}:VALUE" if way.takes_value else way.word


def _place(verdict: Verdict) -> str:
    where = verdict.column or verdict.constraint
    return f"{where}: " if where and where not in verdict.reason else ""


def render_reasons(reasons: Iterable[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Quarantine by table and reason."""
    found = [*reasons]
    if not found:
        return
    yield heading("in quarantine")
    for each in found:
        where = each.get("column_name") or each.get("constraint_name")
        yield line(f"{plural(int(each['rows']), 'row')} of {each['source_table']} → {each['target_table']}", indent=2)
        state = f" {each['sqlstate']}" if each.get("sqlstate") else ""
        text = f"{where}: {each['message']}" if where else str(each["message"])
        yield line(f"{text} ({each['code']}{state})", indent=4, style="dim")


def tally_json(tally: Tally) -> dict[str, Any]:
    return {
        "target": str(tally.target), "source": str(tally.source),
        **{part: getattr(tally, part) for part in (*PARTS, "written")}, "balanced": tally.balanced,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "target": str(verdict.target), "source": str(verdict.source), "code": verdict.code, "column": verdict.column,
        "constraint": verdict.constraint, "reason": verdict.reason, "rows": verdict.rows,
        "sample_keys": list(verdict.samples), "declared": verdict.declared, "rule": verdict.rule,
        "exact": verdict.exact,
        "ways": [
            {"way": w.word, "sentence": w.sentence, "takes_value": w.takes_value, "apply": f"{verdict.rule}={_flag(w)}"}
            for w in verdict.ways
        ],
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code, "line": problem.line, "place": list(problem.place), "message": problem.message,
        "remedy": problem.remedy,
    }


def reason_json(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": reason["source_table"], "target": reason["target_table"], "code": reason["code"],
        "sqlstate": reason["sqlstate"], "message": reason["message"], "constraint": reason["constraint_name"],
        "column": reason["column_name"], "rows": reason["rows"],
    }
