"""`crosswalk check`: the mapping document against schemas and rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import (
    plural,
    problem_json,
    render_problems,
    render_tallies,
    render_verdicts,
    tally_json,
    verdict_json,
)
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.mapping import read_mapping
from crosswalk.planning import Checked
from crosswalk.planning import check as conduct

EXAMPLES: Final = ("crosswalk check crosswalk.yaml", "crosswalk check crosswalk.yaml --json | jq .verdicts")
EXITS: Final = {
    0: "the document fits, and so does every row (or it says so)", 1: "the document itself is wrong, or a server",
    2: "the document leaves something open, or rows do not fit", 3: "a role may not read, or would not see all rows",
}


def check(
    mapping: options.Mapping_, source: options.Source = None, target: options.Target = None,
    as_json: options.Json = False,
) -> int:
    """Hold a mapping document against both schemas and count the rows that would not fit.

    Reads only. First every table and column must be accounted for; then each rule is asked of each
    row, under one snapshot of the source. Keys are shown masked, values never.
    """
    file = read_mapping(mapping)
    checked = asyncio.run(conduct(file, options.servers(source, target)))
    follow = f"crosswalk plan {mapping}" if checked.clean else f"crosswalk check {mapping}"
    answer = voice.Answer(
        data={
            "path": str(mapping), "clean": checked.clean, "problems": [problem_json(p) for p in checked.problems],
            "verdicts": [verdict_json(v) for v in checked.verdicts],
            "accounting": [tally_json(t) for t in checked.tallies],
        },
        view=_view(checked, file.path), exit_code=EXIT_CLEAN if checked.clean else EXIT_DIFFERENT,
        notes=() if checked.clean else (_advice(checked),),
        next=(options.again(follow, source=source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


def _advice(checked: Checked) -> str:
    if checked.problems:
        return "correct the document, then check again"
    return "correct the rows or the rules, or say `rejects: quarantine` for the table, then check again"


def _view(checked: Checked, path: str) -> Iterator[RenderableType]:
    if checked.problems:
        yield from render_problems(checked.problems, path)
        yield Text(f"{plural(len(checked.problems), 'problem')}; rows were not looked at", style="bold red")
        return
    yield from render_verdicts(checked.verdicts)
    yield from render_tallies(checked.tallies)
    open_ones = sum(not v.declared for v in checked.verdicts)
    if open_ones:
        yield Text(f"{plural(open_ones, 'reason')} that the document does not speak of", style="bold red")
    else:
        yield Text("the document fits both schemas, and every row has its place", style="green")
