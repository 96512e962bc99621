"""A verification for people and for `--json`: what differs, what was covered, what was not.

Keys are masked. Takes values and gives what Rich prints; no SQL, no decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli.accounting import grid, heading, line, number, tally_json
from crosswalk.cli.tables import shown
from crosswalk.numerals import plural
from crosswalk.verification import Verified
from crosswalk.verify import TableResult, masked

KINDS: Final = ("missing", "different", "extra")
SAMPLES: Final = 5
_JSON_SAMPLES: Final = 100


def _tables(tables: Sequence[TableResult]) -> RenderableType:
    made = grid("table", "expected", "found", *KINDS, "verdict")
    for table in tables:
        counts = [number(table.count(kind), "red") for kind in KINDS]
        said = Text("equal", style="green") if table.clean else Text("DIFFERENT", style="bold red")
        made.add_row(
            Text(shown(str(table.target))), number(table.expected), number(table.found), *counts, said
        )
    return made


def _details(table: TableResult) -> Iterator[RenderableType]:
    if table.clean:
        return
    yield line(str(table.target), indent=2, style="bold")
    for kind in KINDS:
        found = [d for d in table.differences if d.kind == kind]
        if found:
            keys = "; ".join(masked(d) for d in found[:SAMPLES])
            more = f" and {len(found) - SAMPLES:,} more" if len(found) > SAMPLES else ""
            yield line(f"{kind} {len(found):,}: keys {keys}{more}", indent=4)
    for column, rows in sorted(table.by_column.items()):
        yield line(f"column {column}: {plural(rows, 'row')}", indent=4)


def _beside(verified: Verified) -> Iterator[RenderableType]:
    """Everything but the rows."""
    for tally, problem in verified.accounting:
        if problem:
            yield line(f"accounting of {tally.target}: {problem}", style="red")
    for each in verified.sequences:
        if each.behind:
            yield line(f"the sequence {each.sequence} is behind {each.target}.{each.column}", style="red")
    for held in verified.held:
        yield line(f"the {held.kind} {held.name} of {held.target} is still off: `crosswalk repair` restores it", style="red")
    for kept in verified.preserved:
        if kept.unchanged:
            yield line(f"preserved {kept.table}: {plural(kept.rows, 'row')}, unchanged", style="green")
        else:
            text = f"preserved {kept.table}: {plural(kept.rows_before, 'row')} before, {kept.rows:,} now; not by us"
            yield line(text, style="yellow")
    for table in verified.tables:
        if table.same_value:
            rows = plural(table.same_value, "row")
            yield line(f"{table.target}: {rows} equal by value, not in form (--exact counts them)", style="yellow")
        if table.quarantined:
            rows = plural(table.quarantined, "row")
            yield line(f"{table.target}: {rows} in quarantine, refused by the load (not counted)", style="yellow")
        if table.kept:
            rows = plural(table.kept, "row")
            yield line(f"{table.target}: {rows} that stood there before (not counted)", style="yellow")
    if verified.uncovered:
        yield heading("not covered")
        for text in verified.uncovered:
            yield line(text, indent=2, style="dim")


def render_verified(verified: Verified) -> Iterator[RenderableType]:
    """The table of tables, what differs in each, what stands beside, and the verdict."""
    if verified.tables:
        yield _tables(verified.tables)
    for table in verified.tables:
        yield from _details(table)
    yield from _beside(verified)
    if verified.unrecorded:
        yield line(f"not recorded, the ledger refused the entry: {verified.unrecorded}", style="yellow")
    covered = f"{plural(verified.rows, 'row')} of {plural(len(verified.tables), 'table')} compared"
    if verified.clean:
        yield Text(f"{covered}: the target is the mapped source", style="green")
    else:
        found = [plural(verified.differences, "row")] if verified.differences else []
        found += ["the accounting"] if any(problem for _, problem in verified.accounting) else []
        found += ["sequences"] if any(p.behind for p in verified.sequences) else []
        yield Text(f"{covered}: {', '.join(found)} not as they should be", style="bold red")


def _table_json(table: TableResult) -> dict[str, Any]:
    return {
        "target": str(table.target), "source": str(table.source), "clean": table.clean,
        "expected": table.expected, "found": table.found, "source_rows": table.source_rows,
        "target_rows": table.target_rows, "refused": table.refused, "yielded": table.yielded, "kept": table.kept,
        "quarantined": table.quarantined, "same_value": table.same_value,
        **{kind: table.count(kind) for kind in KINDS}, "by_column": table.by_column, "columns": list(table.columns),
        "unchecked": list(table.unchecked),
        "sample_keys": [
            {"kind": d.kind, "key": masked(d), "columns": list(d.columns)} for d in table.differences[:_JSON_SAMPLES]
        ],
    }


def verified_json(verified: Verified) -> dict[str, Any]:
    return {
        "clean": verified.clean, "rows": verified.rows, "differences": verified.differences,
        "tables": [_table_json(table) for table in verified.tables],
        "accounting": [{**tally_json(tally), "problem": problem} for tally, problem in verified.accounting],
        "sequences": [
            {
                "sequence": str(p.sequence), "target": str(p.target), "column": p.column, "before": p.before,
                "needed": p.needed, "behind": p.behind,
            }
            for p in verified.sequences
        ],
        "preserved": [
            {"table": str(p.table), "rows": p.rows, "rows_before": p.rows_before, "unchanged": p.unchanged}
            for p in verified.preserved
        ],
        "held": [{"kind": h.kind, "target": str(h.target), "name": h.name} for h in verified.held],
        "uncovered": verified.uncovered, "recorded": not verified.unrecorded,
    }
