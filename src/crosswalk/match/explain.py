"""Why a column was matched as it was: its candidates with their scores and reasons, the rule, the questions. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from crosswalk.errors import NotInSchema
from crosswalk.match.affinity import Candidate
from crosswalk.match.proposal import Draft, Proposal, Question
from crosswalk.match.tables import Pair
from crosswalk.names import Name, split
from crosswalk.schema import Schema

SHOWN: Final = 8
"""Candidates that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What is known of one column."""

    side: Literal["source", "target"]
    table: Name
    column: str
    other: Name | None
    """The table on the other side; None where there is no counterpart."""
    candidates: tuple[Candidate, ...]
    """The best first."""
    rules: tuple[tuple[str, Proposal], ...]
    """Rules for the target column, or those that read the source column, by target column."""
    decided: bool
    """A person has decided the target column's rule."""
    questions: tuple[Question, ...]


def explain(draft: Draft, place: str, source: Schema, target: Schema) -> list[Explained]:
    """A TABLE.COLUMN of the target, and of the source where it has one of that name.

    Raises NotInSchema, and BadName for text that is no dotted name.
    """
    *table, column = split(place)
    found = [_target(draft, n, column) for n in _tables(target, table) if target.tables[n].column(column)]
    found += [
        each
        for n in _tables(source, table)
        if source.tables[n].column(column)
        for each in _source(draft, n, column)
    ]
    if not found:
        raise NotInSchema(side="source and the target", what=f"column {column}", where=".".join(table) or "any table")
    return found


def _tables(schema: Schema, parts: list[str]) -> list[Name]:
    """Tables by their name, with or without the schema's."""
    return sorted(
        t.name for t in schema.roots if parts in ([t.name.relation], [t.name.schema, t.name.relation])
    )


def _pair(draft: Draft, target: Name) -> Pair | None:
    return next((t.pair for t in draft.tables if t.target == target), draft.near.get(target))


def _asked(draft: Draft, table: Name, column: str) -> tuple[Question, ...]:
    """What is asked about a column, or about its table in words that name the column."""
    named = re.compile(rf"(?<!\w){re.escape(column)}(?!\w)")
    return tuple(
        q for q in draft.questions
        if f"{table}.{column}" in q.places or (q.place == str(table) and named.search(q.text))
    )


def _target(draft: Draft, name: Name, column: str) -> Explained:
    pair = _pair(draft, name)
    table = next((t for t in draft.tables if t.target == name), None)
    rule = table.columns.get(column) if table else None
    return Explained(
        side="target", table=name, column=column, other=pair.source.name if pair else None,
        candidates=tuple(c for c in pair.of_target(column) if c.score > 0)[:SHOWN] if pair else (),
        rules=((column, rule),) if rule else (), decided=bool(table and column in table.decided),
        questions=_asked(draft, name, column),
    )


def _source(draft: Draft, name: Name, column: str) -> list[Explained]:
    tables = [t for t in draft.tables if t.source == name]
    near = [p for p in draft.near.values() if p.source.name == name]
    found = [
        Explained(
            side="source", table=name, column=column, other=t.target,
            candidates=tuple(c for c in t.pair.of_source(column) if c.score > 0)[:SHOWN],
            rules=tuple((target, p) for target, p in t.columns.items() if column in p.reads), decided=column in t.taken,
            questions=_asked(draft, name, column),
        )
        for t in tables
    ]
    return found or [
        Explained(
            side="source", table=name, column=column, other=near[0].target.name if near else None,
            candidates=tuple(c for c in near[0].of_source(column) if c.score > 0)[:SHOWN] if near else (), rules=(),
            decided=False, questions=_asked(draft, name, column),
        )
    ]
