"""The expression for a value that one side keeps in another form (see `forms`).

The sense of a flag is a
person's to confirm wherever the names say the opposite, and nothing here is ever accepted. Pure.
"""

from __future__ import annotations

from crosswalk.match.affinity import Candidate
from crosswalk.match.forms import epoch
from crosswalk.match.proposal import Proposal, Question
from crosswalk.match.vocabulary import NO, YES
from crosswalk.names import literal, quote
from crosswalk.pg_types import INTEGERS


def propose(candidate: Candidate, place: str, labels: tuple[str, ...] | None) -> Proposal | None:
    """The expression; `labels` are the words of a flag that is kept as text."""
    column, name = quote(candidate.source.name), candidate.source.name
    if candidate.way == "epoch":
        return _moment(candidate, place)
    if candidate.way == "dotted":
        return _made(candidate, f"to_date({column}, 'DD.MM.YYYY')", 0.8)
    if candidate.way == "since":
        text = f"{name} is a moment: is {candidate.target.name} {'false' if candidate.turned else 'true'} where it is set?"
        return _made(candidate, f"{column} IS {'' if candidate.turned else 'NOT '}NULL", 0.75, _asked(place, text, 2))
    kind = candidate.source.type.storage.name
    value = column if kind == "bool" else f"{column} <> 0" if kind in INTEGERS else _of_words(column, labels)
    if value is None:
        return None
    if not candidate.turned:
        return _made(candidate, value, 0.9)
    text = f"{candidate.target.name} says the opposite of {name}: is it true where {name} is false?"
    asked = Question(
        code="flag", place=place, text=text, rank=1, detail=f"from {name}",
        theme="these flags say the opposite of what feeds them: are they true where it is false?",
    )
    return _made(candidate, f"NOT ({value})" if value != column else f"NOT {column}", 0.8, (asked,))


def _of_words(column: str, labels: tuple[str, ...] | None) -> str | None:
    if not labels or not all(label.strip().casefold() in YES | NO for label in labels):
        return None
    yes, no = ([w for w in labels if w.strip().casefold() in side] for side in (YES, NO))
    parts = [f"WHEN {', '.join(map(literal, side))} THEN {said}" for side, said in ((yes, "true"), (no, "false")) if side]
    if all(len(side) <= 1 for side in (yes, no)):
        return f"CASE {column} {' '.join(parts)} END"
    parts = [
        f"WHEN {column} IN ({', '.join(map(literal, side))}) THEN {said}" for side, said in ((yes, "true"), (no, "false")) if side
    ]
    return f"CASE {' '.join(parts)} END"


def _moment(candidate: Candidate, place: str) -> Proposal:
    column, seen = quote(candidate.source.name), candidate.seen
    scale, _ = epoch(seen) or (1, "seconds")
    value = f"to_timestamp({column}{f' / {scale}.0' if scale > 1 else ''})"
    asked: tuple[Question, ...] = ()
    if candidate.target.type.storage.name != "timestamptz":
        value = f"({value} AT TIME ZONE 'UTC')" + ("::date" if candidate.target.type.storage.name == "date" else "")
        text = f"{candidate.source.name} holds instants and {candidate.target.name} has no zone: is UTC meant?"
        asked = _asked(place, text, 1, "zone")
    elif seen is not None and seen.low == 0:
        asked = _asked(place, f"some values of {candidate.source.name} are 0: do they stand for nothing?", 2, "epoch")
    return _made(candidate, value, 0.9, asked)


def _asked(place: str, text: str, rank: int, code: str = "flag") -> tuple[Question, ...]:
    return (Question(code=code, place=place, text=text, rank=rank),)


def _made(candidate: Candidate, text: str, confidence: float, asked: tuple[Question, ...] = ()) -> Proposal:
    evidence = tuple(reason.split(": ", 1)[1] for reason in candidate.reasons)
    return Proposal(
        rule={"sql": text}, confidence=confidence, evidence=evidence, questions=asked, reads=(candidate.source.name,)
    )
