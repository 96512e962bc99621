"""Which strategy the figures speak for, and why. Pure, and the same for the same figures.

    1. what is impossible is out
    2. recreate, where its archive would hold no rows and it breaks no code, and transform either breaks code
       or refuses more than a tenth of the rows that recreate would take
    3. hybrid, where transform would drop columns that hold something
    4. transform otherwise

A person decides; `decide` records what had been recommended beside what was decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crosswalk.plan import Cost, Recommendation, Strategy
from crosswalk.strategy.lost import Held

REFUSED: Final = 0.1
"""The share of all rows from which on refusing them speaks against a schema."""


def recommend(costs: Sequence[Cost], lost: Sequence[Held], *, counted: bool) -> Recommendation | None:
    """The recommendation among what is possible; None where nothing is, or only one strategy was looked at.

    `lost` is what the columns hold that transform would drop.
    """
    by_name = {c.strategy: c for c in costs}
    possible = [c for c in costs if c.possible]
    if not possible or len(costs) == 1:
        return None
    out = [f"{c.strategy} is not possible: {c.blockers[0]}" for c in costs if not c.possible and c.blockers]
    if len(possible) == 1:
        return Recommendation(strategy=possible[0].strategy, reasons=("nothing else is possible", *out))
    chosen, reasons = _chosen(by_name, lost, counted=counted)
    return Recommendation(strategy=chosen, reasons=(*reasons, *out))


def _chosen(costs: dict[Strategy, Cost], lost: Sequence[Held], *, counted: bool) -> tuple[Strategy, list[str]]:
    def open_(name: Strategy) -> bool:
        return name in costs and costs[name].possible

    if open_("recreate") and (not open_("transform") or _recreate_is_better(costs["transform"], costs["recreate"])):
        if open_("transform"):
            return "recreate", _for_recreate(costs["transform"], costs["recreate"])
        if not open_("hybrid"):
            return "recreate", ["nothing else is possible"]
    if open_("hybrid") and (_holding(lost) or not open_("transform")):
        return "hybrid", _for_hybrid(costs["hybrid"], lost)
    return "transform", _for_transform(costs["transform"], lost, counted=counted)


def _recreate_is_better(transform: Cost, recreate: Cost) -> bool:
    if recreate.rows.get("archived", 0):
        return False
    if transform.code is not None and recreate.code is not None and transform.code and not recreate.code:
        return True
    spared = transform.rows.get("quarantined", 0) - recreate.rows.get("quarantined", 0)
    return not recreate.code and spared > REFUSED * max(transform.rows.get("extracted", 0), 1)


def _for_recreate(transform: Cost, recreate: Cost) -> list[str]:
    archived = recreate.columns is not None and recreate.columns.archived
    reasons = ["the tables that would be archived hold no rows" if archived else "nothing of the target has to make room"]
    refused = transform.rows.get("quarantined", 0)
    if refused:
        rows = transform.rows["extracted"]
        reasons.append(f"the target's rules refuse {refused:,} of {rows:,} rows, the source's own {recreate.rows['quarantined']:,}")
    if transform.code:
        reasons.append(f"{len(transform.code)} places of the code break under the target's schema, none under the source's")
    return reasons


def _holding(lost: Sequence[Held]) -> int:
    return sum(len(each.columns) for each in lost)


def _for_hybrid(hybrid: Cost, lost: Sequence[Held]) -> list[str]:
    columns, tables = _holding(lost), sum(bool(each.columns) for each in lost)
    reasons = []
    if columns:
        rows = sum(each.rows for each in lost)
        reasons.append(
            f"{columns} of the columns that transform would drop hold something, in {rows:,} rows of"
            f" {tables} table{'' if tables == 1 else 's'}"
        )
    added = hybrid.columns.added if hybrid.columns else 0
    columns_added = f"{added} added column{'' if added == 1 else 's'}"
    reasons.append(f"to keep them takes {columns_added}: no row is rewritten, and the way back drops them")
    return reasons


def _for_transform(transform: Cost, lost: Sequence[Held], *, counted: bool) -> list[str]:
    dropped = transform.columns.dropped if transform.columns else 0
    if not dropped:
        return ["nothing is dropped: there is nothing that another strategy would keep"]
    if not counted:
        return ["nothing was counted: whether the dropped columns hold anything is not known"]
    if not _holding(lost):
        return [f"of the {dropped} columns that are dropped, none holds anything whose loss was not called final"]
    return ["it is the only way that keeps the target's schema here"]
