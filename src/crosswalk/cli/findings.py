"""Findings of the doctor for people: worst first, evidence cut to a few lines, the fix ready to copy.

Names come from databases and are shown as text, never as markup. Takes values and gives what Rich
prints; no SQL, no decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from crosswalk.cli.tables import shown
from crosswalk.doctor import Finding, Severity

_STYLES: Final = {Severity.BLOCKER: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_LINES: Final = 8
"""So many lines of evidence and of a fix are shown; `--json` has them all."""


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"… and {len(lines) - _LINES} more (--json shows all)"


def _line(text: str, *, indent: int, style: str = "") -> Padding:
    """A line of data; what does not fit goes on below, under the same indent."""
    return Padding(Text(shown(text), style=style), (0, 0, 0, indent), expand=False)


def _finding(finding: Finding) -> Iterator[RenderableType]:
    head = Text(finding.severity.value, style=_STYLES[finding.severity])
    yield head.append(f"  {finding.id}", style="bold")
    yield _line(f"{finding.title} ({finding.side})", indent=2)
    for line in _cut(finding.evidence):
        yield _line(line, indent=4, style="dim")
    for line in _cut(finding.fix.splitlines()):
        yield _line(f"→ {line}", indent=2, style="green")


def _total(findings: Sequence[Finding]) -> Text:
    if not findings:
        return Text("nothing found", style="green")
    counts = ((severity, sum(f.severity is severity for f in findings)) for severity in Severity)
    parts = [Text(f"{n} {severity}{'' if n == 1 else 's'}", style=_STYLES[severity]) for severity, n in counts if n]
    return Text(", ").join(parts)


def render_findings(findings: Iterable[Finding]) -> Group:
    """All findings in the order given, then one line that counts them."""
    found = [*findings]
    return Group(*(line for finding in found for line in _finding(finding)), _total(found))
