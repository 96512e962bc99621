"""Comparisons for people: one matrix a table, made to fit 80 columns.

Names come from databases and are shown as text, never as markup; control characters are made
visible. Takes values and gives what Rich prints; no SQL, no decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from crosswalk.diff import Attribute, ColumnDiff, ColumnVerdict, Comparison, ObjectDiff, TableDiff, Verdict
from crosswalk.names import shown

__all__ = ["render_comparison", "shown", "summary"]

_STYLES: Final = {
    "same": "green", "missing": "red", "new": "cyan", "type": "yellow", "nullability": "yellow",
    "different": "yellow", "renamed": "yellow",
}
_SAID_BY_VERDICT: Final = {
    ColumnVerdict.TYPE: ("type",), ColumnVerdict.NULLABILITY: ("not null",), ColumnVerdict.GENERATED: ("generated",),
    ColumnVerdict.IDENTITY: ("identity",), ColumnVerdict.DEFAULT: ("default",),
    ColumnVerdict.COLLATION: ("collation",), ColumnVerdict.COMMENT: ("comment",),
}
_IN_MATRIX: Final = frozenset({"type", "not null"})
_INDENT: Final = (0, 0, 0, 2)
_CUT: Final = 200


def _text(value: object, style: str = "") -> Text:
    text = shown(str(value))
    return Text(text if len(text) <= _CUT else text[: _CUT - 1] + "…", style=style)


def _styled(verdict: str) -> Text:
    return Text(verdict, style=_STYLES.get(verdict, "yellow"))


def _label(table: TableDiff) -> str:
    if table.source and table.target and table.source != table.target:
        return f"{table.source} → {table.target}"
    return str(table.source or table.target)


def _rows(table: TableDiff) -> str:
    sizes = (table.source_size, table.target_size)
    return " → ".join("–" if s is None else ("" if s.exact else "~") + f"{s.rows:,}" for s in sizes) + " rows"


def _counted(counts: Iterable[tuple[str, int]]) -> Text:
    parts = [Text(f"{word} {count}", style=_STYLES.get(word, "yellow")) for word, count in counts]
    return Text(", ").join(parts) if parts else Text("no columns")


def summary(table: TableDiff) -> Text:
    """`public.clients · same 9, type 2, missing 1, new 3 · ~1,200 → ~0 rows`."""
    head = Text(shown(_label(table)), style="bold")
    if table.verdict in {Verdict.MISSING, Verdict.NEW}:
        said = Text(f"{table.verdict}, {len(table.columns)} columns", style=_STYLES[table.verdict])
        return Text(" · ").join([head, said, Text(_rows(table), style="dim")])
    order = [ColumnVerdict.SAME, *(v for v in ColumnVerdict if v is not ColumnVerdict.SAME)]
    counts = table.counts
    said = _counted((v.value, counts[v]) for v in order if v in counts)
    return Text(" · ").join([head, said, Text(_rows(table), style="dim")])


def _column(diff: ColumnDiff) -> tuple[Text, Text, Text, Text]:
    absent = Text("–", style="dim")
    verdict = _styled(diff.verdict.value)
    others = ", ".join(a.name for a in diff.differs if a.name not in _SAID_BY_VERDICT.get(diff.verdict, ()))
    if others:
        verdict.append(f" ({others})", style="dim")
    return (
        _text(diff.name),
        _text(diff.source.type) if diff.source else absent,
        _text(diff.target.type) if diff.target else absent,
        verdict,
    )


def _matrix(table: TableDiff) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("column", ratio=3, overflow="fold")
    grid.add_column("source", ratio=3, overflow="fold")
    grid.add_column("target", ratio=3, overflow="fold")
    grid.add_column("verdict", ratio=2, overflow="fold", min_width=11)
    for diff in table.columns:
        grid.add_row(*_column(diff))
    return grid


def _details(table: TableDiff) -> Iterator[Padding]:
    """What the matrix has no room for: defaults, comments, labels … of columns that both sides have."""
    for column in table.columns:
        for a in column.differs:
            if a.name not in _IN_MATRIX:
                yield _attribute(Attribute(name=f"{column.name} {a.name}", source=a.source, target=a.target))


def _attribute(attribute: Attribute) -> Padding:
    line = _text(attribute.name, "dim").append(": ", style="dim")
    line.append_text(_text("–" if attribute.source is None else attribute.source)).append(" → ")
    line.append_text(_text("–" if attribute.target is None else attribute.target))
    return Padding(line, _INDENT, expand=False)


def _object(found: ObjectDiff) -> Iterator[Padding]:
    names = [name for name in (found.source, found.target) if name is not None]
    label = " → ".join(dict.fromkeys(names))
    line = Text().append_text(_styled(found.verdict.value)).append(f" {found.kind} ")
    yield Padding(line.append_text(_text(label)), _INDENT, expand=False)
    for attribute in found.differs:
        yield Padding(_attribute(attribute), _INDENT, expand=False)


def _table(table: TableDiff) -> Iterator[RenderableType]:
    yield summary(table)
    if table.verdict in {Verdict.SAME, Verdict.MISSING, Verdict.NEW}:
        return
    if any(column.verdict is not ColumnVerdict.SAME for column in table.columns):
        yield Padding(_matrix(table), _INDENT, expand=False)
        yield from _details(table)
    yield from map(_attribute, table.properties)
    for found in table.objects:
        yield from _object(found)


def _total(comparison: Comparison) -> Text:
    tables = [t for t in comparison.tables if not t.partition]
    counts = [(verdict.value, sum(t.verdict is verdict for t in tables)) for verdict in Verdict]
    line = Text(f"{len(tables)} tables: ").append_text(_counted((w, n) for w, n in counts if n))
    if comparison.equal:
        line.append(" · the schemas are equal", style="green")
    return line


def render_comparison(comparison: Comparison) -> Group:
    """The matrix by table, then views and other objects that differ, then one line for the whole.

    Partitions are shown only where they differ; equal tables take one line.
    """
    lines: list[RenderableType] = []
    for table in (*comparison.tables, *comparison.views):
        if not table.partition or table.verdict is not Verdict.SAME:
            lines.extend(_table(table))
    if comparison.objects:
        lines.append(Text("other objects", style="bold"))
        lines.extend(line for found in comparison.objects for line in _object(found))
    if comparison.notes:
        lines.append(Text("no difference of the schemas, but worth knowing", style="bold"))
        lines.extend(map(_attribute, comparison.notes))
    return Group(*lines, _total(comparison))
