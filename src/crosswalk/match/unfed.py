"""Target columns that nothing feeds, and source columns without a place: said aloud, decided by nobody here.

A default that only fills is proposed; one that switches something on or gives a status is a trap, and a
question. Reasons are never invented. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crosswalk.match.affinity import SHOWN
from crosswalk.match.naming import words
from crosswalk.match.proposal import Proposal, Question, TableDraft, many
from crosswalk.match.shapes import as_candidate
from crosswalk.match.vocabulary import DOCUMENTS, SECRET
from crosswalk.match.yamltext import flow
from crosswalk.match.zones import written_by_server
from crosswalk.schema import Column

_NAMED: Final = 3


def made_by_target(column: Column) -> bool:
    """True where the target gives the column a value of its own making."""
    return bool(column.identity or column.generated or (column.default or "").startswith("nextval("))


def required(column: Column) -> bool:
    """True where a row cannot be written without a value for it."""
    return column.not_null and column.default is None and not made_by_target(column)


def propose(draft: TableDraft, column: Column, used: frozenset[str]) -> tuple[Proposal | None, list[Question]]:
    """What becomes of a target column for which no source was found."""
    place = f"{draft.target}.{column.name}"
    others = [c for c in draft.pair.of_target(column.name) if c.score >= SHOWN and c.source.name not in used]
    near = f"; the nearest: {', '.join(map(as_candidate, others[:_NAMED]))}" if others else ""
    if column.default is not None:
        return _default(column, place, near), []
    if column.not_null:
        text = f"nothing was found that feeds it, and it is NOT NULL without a default{near}"
        return None, [Question(code="unfed.required", place=place, text=text, rank=1)]
    evidence = ("no source column was found for it",)
    question = Question(
        code="unfed.near", place=place, text=f"it stays empty unless a column feeds it{near}", rank=4,
        theme="these stay empty unless a column feeds them", detail=near.removeprefix("; "),
    )
    return Proposal(
        rule={"value": None}, confidence=0.7 if others else 0.9, evidence=evidence, questions=(question,) if others else ()
    ), []


def _default(column: Column, place: str, near: str) -> Proposal:
    kind = column.type.storage.name
    if kind == "bool" or set(words(column.name)) & {"status", "state", "type", "role", "level", "stage", "source", "origin"}:
        text, rank = f"every row would get the default {column.default}: is that true of every row?{near}", 1
        theme = "every row would get the default: is that true of every row?"
    elif written_by_server(column):
        text, rank, theme = f"every row would get the moment of the move{near}", 3, "every row would get the moment of the move"
    else:
        text, rank, theme = "", 0, ""
    question = Question(
        code="unfed.default", place=place, text=text, rank=rank, theme=theme, detail=f"{column.default}{near}" if rank == 1 else "",
    )
    asked = (question,) if rank else ()
    evidence = ("no source column was found for it", f"every row would get {column.default}{near}")
    return Proposal(rule={"default": True}, confidence=0.5 if rank else 0.8, evidence=evidence, questions=asked)


def left_over(draft: TableDraft) -> list[Question]:
    """Questions about the source columns that have no place."""
    asked = {draft.pair.chosen[name].source.name for name in draft.open if name in draft.pair.chosen}
    left = [name for name in draft.undecided if name not in asked]
    if not left:
        return []
    place = str(draft.target)
    secret = [name for name in left if _secret(name)]
    rest = [name for name in left if name not in secret]
    found = []
    if secret:
        text = f"{', '.join(secret)} of {draft.source}: secrets, by the name; leave them behind (drop, final and secret)?"
        found.append(Question(code="left.secret", place=place, text=text, rank=3))
    if rest:
        fold = _fold(draft, rest)
        ways = "drop each with a reason, fold them, or add columns to the target"
        text = f"no place for {many(len(rest), 'column')} of {draft.source}: {', '.join(rest)}: {ways}?"
        found.append(Question(code="left.columns", place=place, text=text, offer=fold, rank=4))
    return found


def _secret(name: str) -> bool:
    have = words(name)
    return bool(set(have) & SECRET) or {"api", "key"} <= set(have) or {"session", "data"} <= set(have)


def _fold(draft: TableDraft, names: Sequence[str]) -> str:
    """A fold into the json column that is made for such things, as YAML; empty where there is none."""
    for column in draft.pair.target.columns:
        rule: Mapping[str, Any] = draft.columns[column.name].rule if column.name in draft.columns else {}
        free = not rule or "default" in rule or ("value" in rule and rule["value"] is None)
        if column.type.storage.name == "jsonb" and set(words(column.name)) & DOCUMENTS and free:
            return flow({column.name: {"fold": list(names), "into": "source"}})[1:-1]
    return ""


