"""How differences that are meant are told: each says which requests show it, in which fields, and why.

`meant` lists them, docs/oracle.md is made of them. A difference that is not
there fails the test, and so does one that is there and shows no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from tests.oracle.outcome import Outcome, difference

PAGE = "docs/oracle.md"
WIDTH = 118
BEGINS = "<!-- what follows is checked against the run: tests/integration/test_data_oracle.py -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One way in which our answer is another one on purpose."""

    title: str
    why: str
    fields: frozenset[str]
    """In which fields of the Outcome it may show."""
    requests: tuple[str, ...]


def unmeant(all_meant: Iterable[Meant], name: str, theirs: Outcome, ours: Outcome) -> tuple[str, ...]:
    """The fields that differ though nothing says that they may."""
    allowed = {each for known in all_meant if name in known.requests for each in known.fields}
    return tuple(each for each in difference(theirs, ours) if each not in allowed)


def page(all_meant: Iterable[Meant], theirs: Mapping[str, Outcome], ours: Mapping[str, Outcome]) -> str:
    """The part of the document that tells each difference, with what both sides said."""
    return "\n".join(_section(at, each, theirs, ours) for at, each in enumerate(all_meant, start=1))


def _section(at: int, each: Meant, theirs: Mapping[str, Outcome], ours: Mapping[str, Outcome]) -> str:
    rows = [
        f"| `{_cell(name, 150)}` | {_told(theirs[name], ours[name])} | {_told(ours[name], theirs[name])} |"
        for name in each.requests
    ]
    table = ["| request | PostgREST | ours |", "|---|---|---|", *rows]
    return "\n".join((f"## {at}. {each.title}", "", fill(each.why, WIDTH), "", *table, ""))


def _told(outcome: Outcome, other: Outcome) -> str:
    """What one side said, as far as it differs."""
    if outcome.failed != other.failed or outcome.code != other.code:
        return _code(f"{outcome.code} {outcome.message}" if outcome.failed else outcome.data)
    return ", ".join(f"{name}: {_value(name, outcome, other)}" for name in difference(outcome, other)) or "the same"


def _value(name: str, outcome: Outcome, other: Outcome) -> str:
    said = str(getattr(outcome, name))
    if name == "contents":
        there = set(str(other.contents).split("\n"))
        said = "; ".join(line for line in said.split("\n") if line not in there)
    return _code(said)


def _code(text: str) -> str:
    return f"`{_cell(text, 110)}`" if text else "nothing"


def _cell(text: str, longest: int) -> str:
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return short.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def listed(requests: Sequence[str]) -> str:
    """For a message."""
    return "\n".join(f"    {name}" for name in requests)
