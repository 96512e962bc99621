"""What a recreated table lacks, in words: the proof that the way from one catalog to the other was whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from crosswalk.ddl.trimmed import trimmed
from crosswalk.ddl.wanted import Wanted, wanted
from crosswalk.diff import ColumnVerdict, ObjectDiff, TableDiff, Verdict, compare
from crosswalk.names import Name
from crosswalk.schema import Schema


def difference(source: Schema, target: Schema, tables: Collection[Name]) -> list[str]:
    """How the target's tables of the source's names, and what belongs to them, differ from the source's; [] if not at all.

    What was left out with a word (keys to tables that do not move, policies of absent roles) is no difference.
    """
    found = trimmed(wanted(source, tables), target, skipped=())[0]
    here, there = _only(source, found), _only(target, found)
    here = replace(here, tables={table.name: table for table in found.relations})
    compared = compare(here, there)
    said = [text for table in (*compared.tables, *compared.views) for text in _table(table)]
    return said + [text for each in compared.objects for text in _object("", each)]


def _only(schema: Schema, found: Wanted) -> Schema:
    """The part of a schema that the wanted things are."""
    names = found.names
    types = set(found.of("type"))
    functions = {(t.name, t.arguments) for t in found.things if t.kind == "function"}
    extensions = {name.relation for name in found.of("extension")}
    sequences = {*(s.name for s in found.sequences), *(s.name for s in found.identity_sequences.values())}
    return replace(
        schema,
        tables={n: t for n, t in schema.tables.items() if n in names},
        views={n: text for n, text in schema.views.items() if n in names},
        sequences={n: s for n, s in schema.sequences.items() if n in sequences},
        enums={n: each for n, each in schema.enums.items() if n in types},
        domains={n: each for n, each in schema.domains.items() if n in types},
        composites={n: each for n, each in schema.composites.items() if n in types},
        ranges={n: each for n, each in schema.ranges.items() if n in types},
        functions=tuple(f for f in schema.functions if (f.name, f.arguments) in functions),
        extensions=tuple(e for e in schema.extensions if e.name in extensions),
    )


def _table(diff: TableDiff) -> list[str]:
    name = diff.source or diff.target
    if diff.verdict is Verdict.MISSING:
        return [f"{name} is missing"]
    said = [f"{name}: {a.name} is {a.target}, not {a.source}" for a in diff.properties]
    for column in diff.columns:
        if column.verdict in {ColumnVerdict.MISSING, ColumnVerdict.NEW}:
            said.append(f"{name}.{column.name} is {column.verdict.value}")
        said += [f"{name}.{column.name}: {a.name} is {a.target}, not {a.source}" for a in column.differs]
    return said + [text for each in diff.objects for text in _object(f"{name}: ", each)]


def _object(where: str, diff: ObjectDiff) -> list[str]:
    if diff.verdict in {Verdict.MISSING, Verdict.NEW, Verdict.RENAMED}:
        return [f"{where}the {diff.kind} {diff.source or diff.target} is {diff.verdict.value}"]
    return [f"{where}the {diff.kind} {diff.source}: {a.name} is {a.target}, not {a.source}" for a in diff.differs]


