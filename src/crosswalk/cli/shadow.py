"""`crosswalk shadow`: what an application saw when it asked the old and the new database side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk import shadowlog
from crosswalk.cli import options, voice
from crosswalk.cli.accounting import grid, heading, line, number
from crosswalk.cli.app import epilog
from crosswalk.cli.tables import shown
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT, EXIT_ERROR, ShadowLogUnreadable
from crosswalk.numerals import plural
from crosswalk.shadowlog import Method, Report

_MOST: Final = 8
"""Columns and kinds that are named of a method."""
_EXITS: Final = {
    0: "all that was compared is equal", 1: "an error: no such log, unreadable lines, or too little was compared",
    2: "answers differed, or one side lacks writes",
}
_EXAMPLES: Final = ("crosswalk shadow report shadow.jsonl", "crosswalk shadow report *.jsonl --at-least 100 --json")
_STYLES: Final = {"equal": "green", "different": "red", "failed": "red"}
_COUNTS: Final = ("compared", "equal", "different", "again", "failed")
shadow = typer.Typer(
    rich_markup_mode="rich", add_completion=False, no_args_is_help=True,
    help="What an application saw of the old and the new database, side by side: does the new one answer alike?",
    epilog=epilog(_EXAMPLES, _EXITS),
)


@shadow.callback()
def _shadow() -> None:
    """The verbs below it stay named, though there is one only."""


@shadow.command(epilog=epilog(_EXAMPLES, _EXITS))
def report(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="What the application's ShadowLog wrote.")],
    at_least: Annotated[
        int, typer.Option("--at-least", min=1, metavar="N", help="So many equal answers of each method, or it is no pass.")
    ] = 1,
    as_json: options.Json = False,
) -> int:
    """Add the log up by repository and method: compared, equal, different, and the columns that differ most.

    A call that was not compared is none that was equal: skipped ones, failed comparisons and lines that cannot be
    read are counted apart, and an empty log is no pass. No server is asked.
    """
    found = shadowlog.read(_lines(logs))
    verdict = found.verdict(at_least)
    advice = shadowlog.advice(found, at_least)
    code = {"equal": EXIT_CLEAN, "different": EXIT_DIFFERENT}.get(verdict, EXIT_ERROR)
    data = {
        "verdict": verdict, "compared": found.compared, "first": found.first or None, "last": found.last or None,
        "lines": found.lines, "unreadable": found.unreadable, "advice": list(advice),
        "methods": [_method_json(m, at_least) for m in found.methods],
    }
    view = _view(found, at_least, advice)
    return voice.give(voice.Answer(data=data, view=view, exit_code=code), as_json=as_json)


def _lines(logs: Sequence[Path]) -> Iterator[str]:
    """One line after the other: a log may be large."""
    for path in logs:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from file
        except OSError as error:
            raise ShadowLogUnreadable(path=path, reason=error.strerror or type(error).__name__) from error


def _method_json(method: Method, at_least: int) -> dict[str, Any]:
    return {
        "repository": method.repository or None, "method": method.method, "verdict": method.verdict(at_least),
        **{name: getattr(method, name) for name in _COUNTS}, "outstanding": method.outstanding,
        **{part: dict(getattr(method, part)) for part in ("skipped", "kinds", "columns", "errors", "calls")},
        "ignored": method.ignored, "first": method.first, "last": method.last,
    }


def _view(found: Report, at_least: int, advice: Sequence[str]) -> Iterator[RenderableType]:
    if found.methods:
        made = grid("repository, method", *_COUNTS, "skipped")
        for method in found.methods:
            counts = [number(getattr(method, name), "red" if name in ("different", "failed") else "") for name in _COUNTS]
            made.add_row(Text(shown(shadowlog.name(method))), *counts, number(method.skipped.total(), "yellow"))
        yield made
    for method in found.methods:
        yield from _details(method)
    said = found.verdict(at_least)
    yield Text("")
    span = f", {found.first[:19]} to {found.last[:19]}" if found.first else ""
    yield line(f"{said}: {plural(found.compared, 'comparison')}{span}", style=f"{_STYLES.get(said, 'yellow')} bold")
    for sentence in advice:
        yield line(sentence, indent=2)


def _details(method: Method) -> Iterator[RenderableType]:
    parts = (
        ("kinds of difference", method.kinds), ("columns that differ most", method.columns), ("errors", method.errors),
        ("skipped", method.skipped), ("calls by side", method.calls),
    )
    lines = [
        (f"{name}: {', '.join(f'{each} {count:,}' for each, count in counts.most_common(_MOST))}") for name, counts in parts if counts
    ]
    if method.outstanding:
        lines.append(f"{plural(method.outstanding, 'row')} written to one side only")
    lines += [f"not compared: {column} ({why})" for column, why in sorted(method.ignored.items())]
    if lines:
        yield heading(shadowlog.name(method))
        for text in lines:
            yield line(text, indent=2)
