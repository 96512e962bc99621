"""Questions that are one question: asked once, with the places that it is about.

Only questions of one code whose theme is the same are put together; what tells them apart stays in the
text as a detail of each place. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crosswalk.match.proposal import Question


def grouped(questions: Sequence[Question]) -> list[Question]:
    """The questions in their order, each group where its first one stood."""
    groups: dict[tuple[str, str, int], list[Question]] = {}
    for i, question in enumerate(questions):
        theme = question.theme or str(i)
        groups.setdefault((question.code, theme, question.rank), []).append(question)
    return [each[0] if len(each) == 1 else _one(each) for each in groups.values()]


def _one(questions: Sequence[Question]) -> Question:
    first = questions[0]
    said = "; ".join(f"{q.place} ({q.detail})" if q.detail else q.place for q in questions)
    sign = "" if first.theme.endswith("?") else ":"
    return replace(
        first, text=f"{first.theme}{sign} {said}", offer=_offer(questions), also=tuple(q.place for q in questions[1:])
    )


def _offer(questions: Sequence[Question]) -> str:
    """The first one's as an example; where each adds an entry to one mapping, all of them."""
    first, entries = questions[0].offer, [q.entry for q in questions]
    if not all(entries) or questions[0].entry not in first:
        return first
    return first.replace(questions[0].entry, ", ".join(entries), 1)
