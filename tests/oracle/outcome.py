"""What came of a case, as a value that compares strictly: 1, 1.0 and "1" differ. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer or an error; `contents` are the written tables afterwards, of a writing case."""

    data: str = ""
    """As JSON text, the keys of each object sorted."""
    keys: str = ""
    """The same with its keys in the order in which they came."""
    count: int | None = None
    code: str = ""
    """Of the error; empty when there was none."""
    message: str = ""
    details: str = ""
    hint: str = ""
    contents: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.code)


def answered(response: Any) -> Outcome:
    """Of what `execute()` returned; None is `maybe_single` without a row."""
    if response is None:
        return Outcome(data="no response")
    sorted_, as_is = (json.dumps(response.data, ensure_ascii=False, sort_keys=each) for each in (True, False))
    return Outcome(data=sorted_, keys=as_is, count=response.count)


def refused(error: Any) -> Outcome:
    """Of an error that carries PostgREST's fields."""
    return Outcome(
        code=str(error.code or "none"),
        message=error.message or "",
        details=_text(error.details),
        hint=_text(error.hint),
    )


def broken(error: BaseException) -> Outcome:
    """Of any other error: equal to nothing that PostgREST says."""
    return Outcome(code=type(error).__name__, message=str(error))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def difference(theirs: Outcome, ours: Outcome) -> tuple[str, ...]:
    """The names of the fields that differ; keys only where the data are the same."""
    found = tuple(each.name for each in fields(Outcome) if getattr(theirs, each.name) != getattr(ours, each.name))
    return tuple(name for name in found if name != "keys" or "data" not in found)


def shown(name: str, theirs: Outcome, ours: Outcome, longest: int = 400) -> str:
    """A difference for a reader; of the contents only the lines that one side has."""
    lines = [name]
    for each in difference(theirs, ours):
        said, other = (str(getattr(side, each)) for side in (theirs, ours))
        if each == "contents":
            said, other = _only(said, other), _only(other, said)
        lines += [f"    {each}: theirs {said[:longest]}", f"    {' ' * len(each)}  ours   {other[:longest]}"]
    return "\n".join(lines)


def _only(text: str, other: str) -> str:
    return " | ".join(line for line in text.split("\n") if line not in other.split("\n"))
