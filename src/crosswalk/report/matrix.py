"""What differs: the comparison of the two catalogs, as the report tells it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from crosswalk.diff import Attribute, ColumnDiff, ColumnVerdict, ObjectDiff, TableDiff, Verdict, compare
from crosswalk.mapping import Document
from crosswalk.names import Name
from crosswalk.plan import Plan
from crosswalk.report.fates import Fates, fates
from crosswalk.report.found import Found
from crosswalk.report.values import Absent, ColumnLine, Matrix, ObjectLine, TableLine, Trait
from crosswalk.schema import Schema

_HIDDEN: Final = "(secret, not shown)"
_WHOLE: Final = (Verdict.MISSING, Verdict.NEW)


def tell_differences(found: Found) -> Matrix | Absent:
    """The matrix, or which side could not be read."""
    source, target = found.source.schema, found.target.schema
    if source is None or target is None:
        missing = found.source if source is None else found.target
        return Absent(
            why=missing.failed or f"the {missing.side} was not named, so that the schemas could not be compared",
            command="crosswalk report --source URL --target URL",
        )
    document = found.file.document if found.file else None
    comparison = compare(source, target, pairs=document.pairs if document else None)
    secrets = _secrets(document, source.tables) if document else frozenset()
    shown = [t for t in (*comparison.tables, *comparison.views) if not _implied(t, source, target)]
    known = {name: table.column_names for name, table in source.tables.items()}
    words = fates(document, known) if document else Fates()
    counts: Counter[str] = Counter()
    for table in comparison.tables:
        if not table.partition:
            counts.update({str(verdict): number for verdict, number in table.counts.items()})
    return Matrix(
        equal=comparison.equal,
        counts={str(v): counts[v] for v in ColumnVerdict if counts[v]},
        tables=tuple(_table(t, _fate(t, document, found.plan), secrets, words) for t in shown),
        objects=tuple(_objects(comparison.objects)),
        notes=tuple(_traits(comparison.notes)),
    )


def _implied(table: TableDiff, source: Schema, target: Schema) -> bool:
    """A partition that is equal, or that one side has because it alone has the whole table."""
    if not table.partition or table.verdict is Verdict.SAME:
        return table.partition
    name, here, there = (table.source, source, target) if table.source else (table.target, target, source)
    parent = here.tables[name].partition_of if name is not None else None
    return table.verdict in _WHOLE and parent is not None and parent not in there.tables


def _secrets(document: Document, tables: Mapping[Name, object]) -> frozenset[tuple[Name, str]]:
    """(table, column) of either side whose defaults are not shown either."""
    found = set()
    for target, mapping in document.by_target.items():
        table = tables.get(mapping.source)
        names = getattr(table, "column_names", ())
        found |= {(mapping.source, column) for column in mapping.secret_columns(names)}
        found |= {(target, column) for column, rule in mapping.columns.items() if rule.secret}
    return frozenset(found)


def _fate(table: TableDiff, document: Document | None, plan: Plan | None) -> str:
    """What the document says of the table as a whole."""
    if document is None:
        return ""
    if table.target and plan and plan.archive and table.target.schema == plan.archive:
        return "archived by the plan"
    if table.target in document.preserved:
        return "preserved"
    if table.source and document.targets_of(table.source):
        return "mapped"
    if table.source in document.ignored_sources or (not table.source and table.target in document.ignored_targets):
        return "ignored"
    if table.target in document.by_target:
        return "mapped"
    return "" if table.partition or table.source is None else "nobody has decided"


def _table(table: TableDiff, fate: str, secrets: frozenset[tuple[Name, str]], words: Fates) -> TableLine:
    hidden = {column for name, column in secrets if name in (table.source, table.target)}
    whole = table.verdict in _WHOLE
    telling = [c for c in table.columns if whole or c.verdict is not ColumnVerdict.SAME]
    return TableLine(
        source=str(table.source) if table.source else None,
        target=str(table.target) if table.target else None,
        kind=str(table.kind),
        verdict=str(table.verdict),
        counts={str(verdict): number for verdict, number in table.counts.items()},
        columns=tuple(_column(c, _said(table, c, words), secret=c.name in hidden) for c in telling),
        same=() if whole else tuple(c.name for c in table.columns if c.verdict is ColumnVerdict.SAME),
        properties=tuple(_traits(table.properties)),
        objects=tuple(_objects(table.objects)),
        fate=fate,
    )


def _said(table: TableDiff, column: ColumnDiff, words: Fates) -> str:
    """What the document makes of the column, on each side that has it."""
    goes = words.goes.get((table.source, column.name), "") if table.source and column.source else ""
    fed = words.fed.get((table.target, column.name), "") if table.target and column.target else ""
    both = goes == f"→ {column.name}" and fed == f"fed by {column.name}"
    return fed if both or not goes else "; ".join(part for part in (goes, fed) if part)


def _column(diff: ColumnDiff, fate: str, *, secret: bool) -> ColumnLine:
    others = [a for a in diff.differs if a.name != "type"]
    return ColumnLine(
        name=diff.name,
        source_type=str(diff.source.type) if diff.source else None,
        target_type=str(diff.target.type) if diff.target else None,
        verdict=str(diff.verdict),
        differs=tuple(_hide(t) if secret and t.name == "default" else t for t in _traits(others)),
        fate=fate,
    )


def _hide(trait: Trait) -> Trait:
    sides = {side: _HIDDEN if getattr(trait, side) is not None else None for side in ("source", "target")}
    return Trait(name=trait.name, source=sides["source"], target=sides["target"])


def _traits(attributes: Iterable[Attribute]) -> Iterator[Trait]:
    for each in attributes:
        yield Trait(name=each.name, source=each.source, target=each.target)


def _objects(objects: Iterable[ObjectDiff]) -> Iterator[ObjectLine]:
    for each in objects:
        yield ObjectLine(
            kind=each.kind, source=each.source, target=each.target, verdict=str(each.verdict),
            differs=tuple(_traits(each.differs)),
        )
