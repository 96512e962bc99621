"""Strategies side by side for people: figures in one table of 80 columns, then gains and losses in words.

Takes values and gives what Rich prints; no SQL, no decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from crosswalk.cli.accounting import heading, line, number
from crosswalk.cli.plans import spell
from crosswalk.numerals import plural
from crosswalk.plan import Columns, Cost, Decision, Recommendation

_ROWS: Final = {"loaded": "loaded", "merged": "merged", "quarantined": "refused", "filtered": "filtered"}
_LONGEST: Final = 2_000
"""Characters of a reason that are shown; the file holds them all."""
_COLUMNS: Final = ("kept", "folded", "added", "dropped")


def render_costs(costs: Sequence[Cost]) -> Iterator[RenderableType]:
    """The comparison: every figure of every strategy, then what speaks for and against each."""
    yield _side_by_side(costs)
    for cost in costs:
        yield heading(cost.strategy)
        yield from (line(f"not possible: {text}", indent=2, style="red") for text in cost.blockers)
        yield from (line(f"+ {text}", indent=2, style="green") for text in cost.gains)
        yield from (line(f"- {text}", indent=2, style="yellow") for text in cost.losses)
        if cost.reversibility:
            yield line(f"back: {cost.reversibility}", indent=2, style="dim")


def render_recommendation(found: Recommendation | None) -> Iterator[RenderableType]:
    """Which strategy the figures speak for, and why."""
    if found is None:
        return
    yield heading(f"the figures speak for {found.strategy}")
    yield from (line(reason, indent=2) for reason in found.reasons)


def render_decision(decision: Decision, earlier: Sequence[Decision] = ()) -> Iterator[RenderableType]:
    """Who decided what, when and why; what had been recommended, and earlier decisions."""
    yield heading(f"decided: {decision.strategy}")
    yield line(_told(decision), indent=2)
    if decision.recommended is not None and decision.recommended != decision.strategy:
        yield line(f"recommended had been {decision.recommended}", indent=2, style="yellow")
    for old in earlier:
        yield line(f"before: {old.strategy}: {_told(old)}", indent=2, style="dim")


def _told(decision: Decision) -> str:
    return f"{_cut(decision.why)} ({_cut(decision.who)}, {_cut(decision.at)})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _side_by_side(costs: Sequence[Cost]) -> RenderableType:
    made = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    made.add_column("", no_wrap=True)
    for cost in costs:
        made.add_column(cost.strategy, overflow="fold", ratio=1, min_width=12)
    made.add_row("possible", *(Text("yes", style="green") if c.possible else Text("no", style="red") for c in costs))
    made.add_row("source rows", *(number(c.rows.get("extracted", 0)) for c in costs))
    for part, said in _ROWS.items():
        made.add_row(f"  {said}", *(_count(c.rows.get(part)) for c in costs))
    made.add_row("source columns", *(_count(_total(c.columns)) for c in costs))
    for part in _COLUMNS:
        made.add_row(f"  {part}", *(_count(getattr(c.columns, part) if c.columns else None) for c in costs))
    made.add_row("archived rows", *(_count(c.rows.get("archived")) for c in costs))
    made.add_row("archived columns", *(_count(c.columns.archived if c.columns else None) for c in costs))
    made.add_row("rules violated", *(_count(len(c.violations)) for c in costs))
    made.add_row("statements", *(_count(c.statements) for c in costs))
    made.add_row("hazards", *(Text("\n".join(c.hazards) or "none") for c in costs))
    made.add_row("code that breaks", *(Text(_code(c), style="" if c.code else "dim") for c in costs))
    made.add_row("time", *(Text(_time(c)) for c in costs))
    return made


def _total(columns: Columns | None) -> int | None:
    return None if columns is None else columns.kept + columns.folded + columns.added + columns.dropped


def _count(count: int | None) -> Text:
    return Text("–", style="dim") if count is None else number(count)


def _code(cost: Cost) -> str:
    return "not looked at" if cost.code is None else plural(len(cost.code), "place")


def _time(cost: Cost) -> str:
    if not cost.possible:
        return "–"
    return f"{spell(cost.seconds)}, {'by a sample' if cost.measured else 'a guess'}"
