"""`crosswalk check`: the mapping document against schemas and rows."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.checking import Checked, apply_ways, not_gone, require_fitting
from crosswalk.checking import check as conduct
from crosswalk.cli import options, voice
from crosswalk.cli.accounting import (
    heading,
    line,
    problem_json,
    render_problems,
    render_tallies,
    render_verdicts,
    tally_json,
    verdict_json,
)
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT, CannotWrite
from crosswalk.mapping import difference, read_mapping
from crosswalk.numerals import plural

EXAMPLES: Final = (
    "crosswalk check crosswalk.yaml",
    "crosswalk check crosswalk.yaml --apply public.clients.name:length=truncate",
    "crosswalk check crosswalk.yaml --json | jq .verdicts",
)
EXITS: Final = {
    0: "the document fits, and so does every row (or it says so)", 1: "the document itself is wrong, or a server",
    2: "the document leaves something open, or rows do not fit", 3: "a role may not read, or would not see all rows",
}


def check(
    mapping: options.Mapping_, source: options.Source = None, target: options.Target = None,
    apply: Annotated[
        list[str] | None,
        typer.Option("--apply", metavar="RULE=WAY", help="Edit MAPPING by a way out that a check offers; may be given often."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Hold a mapping document against both schemas and count the rows that would not fit.

    Reads only, unless --apply edits MAPPING. First every table and column must be accounted for; then
    each rule of the target is asked of each row, under one snapshot of the source. Keys are shown
    masked, values never. For each rule that rows break the ways out are offered as edits of the
    document; --apply makes them, keeps the comments, shows what changed and checks again.
    """
    file = read_mapping(mapping)
    servers = options.servers(source, target)
    checked = asyncio.run(conduct(file, servers))
    changed, remaining = "", list[str]()
    if apply:
        before, after = checked, apply_ways(file, checked, apply)
        changed = difference(file, after)
        checked = asyncio.run(conduct(after, servers))
        require_fitting(before, checked, apply)
        remaining = not_gone(before, checked, apply)
        _write(mapping, after.text)
        file = after
    follow = f"crosswalk plan {mapping}" if checked.clean else f"crosswalk check {mapping}"
    answer = voice.Answer(
        data={
            "path": str(mapping), "clean": checked.clean, "problems": [problem_json(p) for p in checked.problems],
            "verdicts": [verdict_json(v) for v in checked.verdicts],
            "accounting": [tally_json(t) for t in checked.tallies],
            "uncovered": list(checked.uncovered), "remarks": list(checked.remarks), "changed": changed,
        },
        view=[*_changes(changed), *_view(checked, file.path)], exit_code=EXIT_CLEAN if checked.clean else EXIT_DIFFERENT,
        notes=(*remaining, *(() if checked.clean else (_advice(checked),))),
        next=(options.again(follow, source=source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


def _advice(checked: Checked) -> str:
    if checked.problems:
        return "correct the document, then check again"
    return "correct the rows, or take one of the ways out by --apply; then check again"


def _write(path: Path, text: str) -> None:
    """The whole file or nothing of it; raises CannotWrite."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        shutil.copymode(path, beside)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotWrite(path=path, reason=error.strerror or str(error)) from error


def _changes(changed: str) -> Iterator[RenderableType]:
    for text in changed.splitlines():
        style = {"+": "green", "-": "red", "@": "dim"}.get(text[:1], "")
        yield line(text, style=style)


def _view(checked: Checked, path: str) -> Iterator[RenderableType]:
    if checked.problems:
        yield from render_problems(checked.problems, path)
        yield Text(f"{plural(len(checked.problems), 'problem')}; rows were not looked at", style="bold red")
        return
    yield from render_verdicts(checked.verdicts)
    yield from render_tallies(checked.tallies)
    if checked.uncovered:
        yield heading("not judged")
        for text in checked.uncovered:
            yield line(text, indent=2, style="dim")
    for text in checked.remarks:
        yield line(text, style="dim")
    open_ones = sum(not v.declared for v in checked.verdicts)
    if open_ones:
        yield Text(f"{plural(open_ones, 'reason')} that the document does not speak of", style="bold red")
    else:
        yield Text("the document fits both schemas, and every row has its place", style="green")
