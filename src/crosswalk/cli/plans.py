"""A plan for people: order, way and accounting of each table, statements with their hazards.

Takes values and gives what Rich prints; no SQL of its own, no decisions.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli.accounting import grid, heading, line, number
from crosswalk.cli.progress import duration, size
from crosswalk.cli.tables import shown
from crosswalk.numerals import plural
from crosswalk.plan import Hazard, Plan, Statement, TablePlan

_PARTS: Final = ("loaded", "merged", "quarantined", "filtered")


def follow(plan: Plan, path: Path) -> str:
    """The command that carries a plan out, with the hazards to allow."""
    return " ".join(["crosswalk migrate", shlex.quote(str(path)), *(f"--allow {hazard}" for hazard in plan.hazards)])


def _servers(plan: Plan) -> str:
    source, target = (side.get("version", "?") for side in (plan.source, plan.target))
    return f"REST API → PostgreSQL {target}" if plan.source.get("url", "").startswith("http") else f"PostgreSQL {source} → {target}"


def render_plan(plan: Plan, *, measured: bool = False) -> Iterator[RenderableType]:
    """Order first, then what is left behind, statements, warnings and the estimate."""
    yield heading(f"plan {plan.id}: {plan.strategy}, {_servers(plan)}")
    yield heading("tables in the order in which they are filled")
    yield _counted(plan.tables) if any(t.expected for t in plan.tables) else _estimated(plan.tables)
    for table in plan.tables:
        yield from _table(table)
    if plan.preserved:
        yield line(f"preserved, untouched: {', '.join(plan.preserved)}", style="green")
    yield heading("statements on the target")
    for hazard, group in groupby(plan.statements, key=lambda s: s.hazard):
        yield from _statements(hazard, [*group])
    if plan.warnings:
        yield heading("warnings")
        yield from (line(text, indent=2, style="yellow") for text in plan.warnings)
    moved = sum(t.bytes for t in plan.tables)
    stands_on = "by a timed sample" if measured else "a guess by rows and bytes"
    yield line(f"estimate: {spell(plan.seconds)} for {size(moved)} ({stands_on})")


def _counted(tables: Sequence[TablePlan]) -> RenderableType:
    made = grid("table", "rows", *_PARTS)
    for table in tables:
        counts = [number(table.expected.get(part, 0)) for part in _PARTS]
        made.add_row(Text(shown(table.target)), number(table.expected.get("extracted", table.rows)), *counts)
    return made


def _estimated(tables: Sequence[TablePlan]) -> RenderableType:
    made = grid("table", "rows (estimate)", "size")
    for table in tables:
        made.add_row(Text(shown(table.target)), Text(f"~{max(table.rows, 0):,}"), Text(size(max(table.bytes, 0))))
    return made


def _table(table: TablePlan) -> Iterator[RenderableType]:
    way = "straight COPY" if table.way == "direct" else "by a twin and a merge"
    said = f"{table.target} ← {table.source}: {way}, {table.format}; {plural(table.fed, 'column')} fed"
    yield line(said + ("; key map" if table.key_map else ""), indent=2)
    if table.lookups:
        yield line(f"lookups: {', '.join(table.lookups)}", indent=4, style="dim")
    if table.defaulted:
        yield line(f"left to the server: {', '.join(table.defaulted)}", indent=4, style="dim")
    if table.folded:
        yield line(f"folded: {', '.join(table.folded)}", indent=4, style="dim")
    for column, why in table.dropped.items():
        yield line(f"dropped {column}: {why}", indent=4, style="yellow")


def _statements(hazard: Hazard | None, group: Sequence[Statement]) -> Iterator[RenderableType]:
    """Statements that follow one another; those of one hazard stand under its name."""
    if hazard is not None:
        yield line(f"hazard {hazard}" + (f" ({len(group)} statements)" if len(group) > 1 else ""), indent=2, style="bold red")
    for statement in group:
        yield from _statement(statement, indent=4 if hazard is not None else 2)


def _statement(statement: Statement, *, indent: int) -> Iterator[RenderableType]:
    first, *rest = statement.sql.splitlines() or [""]
    if first:
        yield line(first, indent=indent)
    yield from (line(each.strip(), indent=indent + 2) for each in rest)
    if statement.restore:
        yield line(f"after the load: {statement.restore}", indent=indent + 2, style="dim")


def spell(seconds: float) -> str:
    """A time as people say it: tenths of a second below a minute."""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
