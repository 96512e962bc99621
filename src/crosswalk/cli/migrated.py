"""The end of `migrate` and `resume`, which is one and the same."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import reason_json, render_reasons, render_tallies, tally_json
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.migration import Migrated
from crosswalk.numerals import plural


def tell(done: Migrated, *, source: str | None, target: str | None, as_json: bool) -> int:
    """Accounting, quarantine and the next command; exit code 2 where quarantine was not declared."""
    names = ", ".join(str(name) for name in done.undeclared)
    notes = (
        f"rows went to quarantine though the document does not expect any: {names}",
        "look at the reasons with `crosswalk status`; then correct rows or rules, or declare it with"
        " `rejects: quarantine` for these tables",
    )
    if done.unwritten:
        notes = (
            f"rows that the target refuses are in quarantine: {names}",
            "see them with `crosswalk quarantine list`; then correct rows or the target's constraints and run"
            " `crosswalk quarantine retry`, or give them up with `crosswalk quarantine drop`",
        )
    reasons = "crosswalk quarantine list" if done.unwritten else "crosswalk status"
    answer = voice.Answer(
        data={
            "run": done.run, "accounting": [tally_json(t) for t in done.tallies],
            "quarantine": [reason_json(r) for r in done.reasons], "undeclared": [str(n) for n in done.undeclared],
            "sequences_moved": done.sequences, "moved_again": done.moved_again,
            "there_already": done.there,
        },
        view=_view(done), exit_code=EXIT_DIFFERENT if done.undeclared else EXIT_CLEAN,
        notes=notes if done.undeclared else (),
        next=(
            *((options.again(reasons, target=target),) if done.undeclared else ()),
            options.again("crosswalk verify", source=source, target=target),
        ),
    )
    return voice.give(answer, as_json=as_json)


def _view(done: Migrated) -> Iterator[RenderableType]:
    yield from render_tallies(done.tallies)
    yield from render_reasons(done.reasons)
    loaded = sum(t.loaded for t in done.tallies) - done.there
    there = f", {done.there:,} there already" if done.there else ""
    said = f"run {done.run}: {plural(loaded, 'row')} loaded{there}, every source row accounted for"
    if done.sequences:
        said += f"; {plural(done.sequences, 'sequence')} moved"
    if done.moved_again:
        said += f"; {plural(done.moved_again, 'row')} moved again"
    yield Text(said, style="green")
