"""`crosswalk match`: a draft of the mapping document."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import grid, heading, line, number
from crosswalk.cli.tables import shown
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT, CannotWrite, DraftInTheWay
from crosswalk.mapping import read_mapping
from crosswalk.match import Explained, Proposal, Question, TableDraft
from crosswalk.match import heading as heading_of
from crosswalk.match.yamltext import flow
from crosswalk.matching import Matched
from crosswalk.matching import match as conduct
from crosswalk.numerals import plural

DEFAULT: Final = Path("crosswalk.yaml")
EXAMPLES: Final = (
    "crosswalk match", "crosswalk match -o draft.yaml --json | jq .questions",
    "crosswalk match --update crosswalk.yaml", "crosswalk match --explain orders.customer_id",
)
EXITS: Final = {
    0: "the draft is written and nothing in it is open", 1: "an error, or the file is in the way",
    2: "the draft is written, and a person has to decide", 3: "a role may not read the catalog, or there is no such column",
}


def match(
    source: options.Source = None, target: options.Target = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where the draft goes; else crosswalk.yaml.")
    ] = None,
    update: Annotated[
        Path | None, typer.Option("--update", metavar="FILE", help="Keep what a person decided there, add the rest.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="TABLE.COLUMN", help="Show its candidates and write nothing.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that stands there.")] = False,
    as_json: options.Json = False,
) -> int:
    """Draft the mapping document from names, types, constraints and counts of values.

    Reads both servers and writes one file. A rule that is not certain is proposed, with its evidence;
    what only a person can decide is asked at the head of the file. Values are counted where they are;
    only labels are read.
    """
    place = output or update or DEFAULT
    if explain is None and place != update and place.exists() and not force:
        raise DraftInTheWay(path=place)
    file = read_mapping(update) if update is not None else None
    made = asyncio.run(conduct(options.servers(source, target), update=file))
    if explain is not None:
        return voice.give(_explained(made, explain), as_json=as_json)
    _write(place, made.text)
    voice.note(f"written to {place}")
    follow = options.again(f"crosswalk check {place}", source=source, target=target)
    return voice.give(_answer(made, place, follow), as_json=as_json)


def _write(path: Path, text: str) -> None:
    """Replace the file at once: an update that is broken off leaves the old one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotWrite(path=path, reason=error.strerror or type(error).__name__) from error


def _answer(made: Matched, path: Path, follow: str) -> voice.Answer:
    draft = made.draft
    proposed = sum(not p.accepted for t in draft.tables for p in t.columns.values())
    undecided = bool(draft.questions or proposed)
    return voice.Answer(
        data={
            "path": str(path), "questions": [question_json(q) for q in draft.questions],
            "tables": [table_json(t) for t in draft.tables],
            "unmapped": {
                "source": [str(n) for n in draft.unmapped_sources], "target": [str(n) for n in draft.unmapped_targets],
            },
            "not_looked_at": dict(draft.unseen),
        },
        view=_view(made), exit_code=EXIT_DIFFERENT if undecided else EXIT_CLEAN,
        notes=(f"{plural(proposed, 'rule')} to review, {plural(len(draft.questions), 'question')} to answer",)
        if undecided else (),
        next=(follow,),
    )


def _view(made: Matched) -> Iterator[RenderableType]:
    draft = made.draft
    if draft.questions:
        yield heading("questions to you, the gravest first")
        for number_, question in enumerate(draft.questions, 1):
            yield from _question(number_, question)
    rows = grid("target", "source", "accepted", "proposed", "open", "left over", names=2)
    for table in draft.tables:
        accepted = sum(p.accepted for p in table.columns.values())
        counts = (accepted, len(table.columns) - accepted, len(table.open), len(table.undecided))
        styles = ("green", "yellow", "red", "yellow")
        cells = [number(n, style) for n, style in zip(counts, styles, strict=True)]
        rows.add_row(Text(shown(str(table.target))), Text(shown(str(table.source))), *cells)
    yield rows
    for what, why in draft.unseen.items():
        yield line(f"not looked at: {what}: {why}", style="yellow")


def _question(number_: int, question: Question) -> Iterator[RenderableType]:
    yield line(f"{number_:>3}. {heading_of(question)}", style="bold")
    yield line(question.text, indent=5)
    if question.offer:
        yield line(f"→ {question.offer}", indent=5, style="green")


def _explained(made: Matched, place: str) -> voice.Answer:
    found = made.explain(place)
    return voice.Answer(
        data={"explained": [explained_json(each) for each in found]},
        view=(part for each in found for part in _explanation(each)),
    )


def _explanation(each: Explained) -> Iterator[RenderableType]:
    yield heading(f"{each.side} {each.table}.{each.column}")
    if each.other is None:
        yield line("its table has no counterpart on the other side", indent=2)
    elif not each.candidates:
        yield line(f"nothing in {each.other} is like it", indent=2)
    for candidate in each.candidates:
        column = candidate.source.name if each.side == "target" else candidate.target.name
        yield line(f"{candidate.score:.2f}  {each.other}.{column}", indent=2, style="bold")
        for reason in candidate.reasons:
            yield line(reason, indent=8, style="dim")
    for target, rule in each.rules:
        word = "accepted" if rule.accepted else "proposed"
        yield line(f"{word} with {rule.confidence:.2f} for {target}: {_in_words(rule)}", indent=2, style="green")
        for evidence in rule.evidence:
            yield line(evidence, indent=8, style="dim")
    if each.decided:
        yield line("decided by a person, in the document", indent=2, style="green")
    for question in each.questions:
        yield line(f"asked: {question.text}", indent=2, style="yellow")


def _in_words(rule: Proposal) -> str:
    return flow(dict(rule.rule))[1:-1]


def question_json(question: Question) -> dict[str, Any]:
    return {
        "code": question.code, "place": question.place, "text": question.text, "offer": question.offer or None,
        "rank": question.rank, "also": list(question.also),
    }


def _rule_json(rule: Proposal) -> dict[str, Any]:
    return {
        "rule": dict(rule.rule), "status": "accepted" if rule.accepted else "proposed", "confidence": rule.confidence,
        "evidence": list(rule.evidence),
    }


def table_json(table: TableDraft) -> dict[str, Any]:
    return {
        "target": str(table.target), "source": str(table.source), "sure": table.sure, "key": list(table.key),
        "columns": {name: _rule_json(rule) for name, rule in table.columns.items()}, "open": list(table.open),
        "left_over": list(table.undecided),
    }


def explained_json(each: Explained) -> dict[str, Any]:
    return {
        "side": each.side, "table": str(each.table), "column": each.column,
        "other": str(each.other) if each.other else None,
        "candidates": [
            {"column": c.source.name if each.side == "target" else c.target.name, "score": c.score,
             "reasons": list(c.reasons)}
            for c in each.candidates
        ],
        "rules": {target: _rule_json(rule) for target, rule in each.rules}, "decided": each.decided,
        "questions": [question_json(q) for q in each.questions],
    }
