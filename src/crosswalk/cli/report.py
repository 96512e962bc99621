"""`crosswalk report`: the story so far, as a page for people and a twin for machines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import heading, line
from crosswalk.connect import Side, server_url
from crosswalk.errors import (
    BadMapping,
    BadPlan,
    CannotWrite,
    MappingUnreadable,
    NoServerNamed,
    NothingToReport,
    ReportInTheWay,
)
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.numerals import plural
from crosswalk.planfile import PlanFile, read_plans
from crosswalk.report import GENERATOR, Report, as_html, as_json, as_markdown, gather

DEFAULT: Final = Path("crosswalk-report.html")
MAPPING: Final = Path("crosswalk.yaml")
PLAN: Final = Path("crosswalk-plan.json")
EXAMPLES: Final = (
    "crosswalk report", "crosswalk report -o friday.html --md", "crosswalk report --json | jq .report.findings",
)
EXITS: Final = {
    0: "the report is written, whatever it says", 1: "a file cannot be read or written",
    3: "nothing is known that could be told",
}
_STYLES: Final = {"failure": "bold red", "warning": "yellow", "open": "cyan", "note": "dim"}
_HEAD: Final = 4000
"""Bytes of a file in which a report says what it is."""
_SHOWN: Final = 8


def report(
    source: options.Source = None, target: options.Target = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="A mapping document.", show_default=str(MAPPING))
    ] = None,
    plan: Annotated[Path | None, typer.Option("--plan", metavar="FILE", help="A plan file.", show_default=str(PLAN))] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the page goes.")] = DEFAULT,
    as_json_: options.Json = False,
    md: Annotated[bool, typer.Option("--md", help="Write Markdown too, beside the page.")] = False,
    no_count: Annotated[bool, typer.Option("--no-count", help="Before a move: do not hold the rows against the rules.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are no reports.")] = False,
) -> int:
    """Tell the story so far: one self-contained HTML file, failures first, and its JSON twin beside it.

    It can be made at any stage and reads only. What cannot be learned is said in its place, with the
    command that would tell. Once rows have moved the document is that of the last run, unless
    --mapping names another. Counts and masked keys only: no value of a row, no password.
    """
    urls = options.staged_url(source, server=lambda: _url("source", source)), _url("target", target)
    file, (draft, plans, notes) = options.document(mapping), _beside(mapping, plan)
    if not any((*urls, file, draft, plans)):
        raise NothingToReport()
    page = output.with_suffix(".html") if output.suffix in {".json", ".md"} else output
    paths = [page, page.with_suffix(".json"), *([page.with_suffix(".md")] if md else [])]
    for path in paths:
        _may_write(path, force=force)
    made = asyncio.run(
        gather(*urls, file=file, draft=draft, plans=plans, count=not no_count)
    )
    for path, text in zip(paths, (as_html(made), as_json(made), as_markdown(made)), strict=False):
        _write(path, text)
    told = json.loads(as_json(made))
    follow = (options.again(made.next, source=source, target=target),) if made.next else ()
    answer = voice.Answer(
        data={"paths": [str(path) for path in paths], "report": told}, view=_view(made, paths), notes=notes, next=follow
    )
    return voice.give(answer, as_json=as_json_)


def _url(side: Side, given: str | None) -> str | None:
    """A server's URL; None where nobody named it, which the report then says."""
    try:
        return server_url(side, given)
    except NoServerNamed:
        return None


def _beside(mapping: Path | None, plan: Path | None) -> tuple[MappingFile | None, PlanFile | None, tuple[str, ...]]:
    """Document and plan that lie in the working directory; a file that nobody named is no error."""
    notes, draft, plans = [], None, None
    try:
        draft = read_mapping(MAPPING) if mapping is None and MAPPING.exists() else None
    except (BadMapping, MappingUnreadable) as error:
        notes.append(f"left out: {error}")
    if plan is not None:
        return draft, read_plans(plan), tuple(notes)
    try:
        plans = read_plans(PLAN) if PLAN.exists() else None
    except BadPlan as error:
        notes.append(f"left out: {error}")
    return draft, plans, tuple(notes)


def _may_write(path: Path, *, force: bool) -> None:
    """Raises ReportInTheWay where something else than a report of ours stands there."""
    if force or not path.exists():
        return
    try:
        head = path.read_bytes()[:_HEAD].decode("utf-8", "replace")
    except OSError as error:
        raise CannotWrite(path=path, reason=error.strerror or type(error).__name__) from error
    if GENERATOR not in head:
        raise ReportInTheWay(path=path)


def _write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    try:
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise CannotWrite(path=path, reason=error.strerror or type(error).__name__) from error


def _view(made: Report, paths: list[Path]) -> Iterator[RenderableType]:
    yield heading(made.headline)
    yield line(made.summary)
    for finding in made.findings[:_SHOWN]:
        yield line(f"{finding.weight}: {finding.title}", indent=2, style=_STYLES[finding.weight])
    if len(made.findings) > _SHOWN:
        yield line(f"and {plural(len(made.findings) - _SHOWN, 'finding')} more", indent=2, style="dim")
    yield line(f"written to {', '.join(str(path) for path in paths)}")
