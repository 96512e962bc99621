"""How far a draft agrees with the document that people reviewed: rule by rule, reasons and confidence aside. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from crosswalk.mapping import Document
from crosswalk.mapping.rules import Inferred

_SAID: Final = {"why", "confidence", "evidence", "status", "secret"}
"""What a rule says about itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Rules of target columns, counted."""

    reviewed: int
    """In the reviewed document."""
    same: int
    """Of these, how many the draft has word for word."""
    other: tuple[str, ...]
    """TABLE.COLUMN of rules that the draft accepted and the reviewed document says otherwise."""


def agreement(draft: Document, reviewed: Document) -> Agreement:
    """The draft held against the reviewed document."""
    wanted = {(t, c): _bare(rule) for t, table in reviewed.tables.items() for c, rule in table.columns.items()}
    found = {(t, c): rule for t, table in draft.tables.items() for c, rule in table.columns.items()}
    return Agreement(
        reviewed=len(wanted),
        same=sum(place in found and _bare(found[place]) == rule for place, rule in wanted.items()),
        other=tuple(
            f"{t}.{c}"
            for (t, c), rule in found.items()
            if rule.status == "accepted" and (t, c) in wanted and _bare(rule) != wanted[t, c]
        ),
    )


def _bare(rule: Inferred) -> dict[str, Any]:
    return {"kind": rule.kind, **rule.model_dump(by_alias=True, exclude=_SAID)}
