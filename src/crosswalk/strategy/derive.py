"""The documents of hybrid and recreate, derived from the one that people reviewed. Pure.

    hybrid     a copy of the reviewed text in which each `drop` that is not final has become a column
    recreate   every mapped source table as it is, into a table of its own name

Where nobody wrote a document, `as_it_stands` gives recreate one that names every table of the source. Copy, verify
and repair read the derived document; the reviewed one stays in the plan beside it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap

from crosswalk.errors import NothingToMove
from crosswalk.mapping import MappingFile, TableMapping, read_json, read_text
from crosswalk.mapping.reading import write
from crosswalk.names import NAME_BYTES, Name, parse
from crosswalk.plan import UNWRITTEN
from crosswalk.schema import Column, RelationKind, Schema, Table
from crosswalk.strategy.fates import Dropped, dropped, sources
from crosswalk.strategy.text import append, flow, flow_list, remove

"""Stands where a document's path is named, for a move without one."""
LEDGER: Final = "crosswalk"
_MADE_AGAIN = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A column that hybrid gives to a target table for what would be lost."""

    target: Name
    name: str
    """Of the new column; another than the source's where the table has one of that name."""
    lost: Dropped
    column: Column
    """The source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A document of another strategy, and what it takes to make the target fit it."""

    file: MappingFile
    additions: tuple[Addition, ...] = ()
    created: tuple[Name, ...] = ()
    """Source tables that the target is given, the filled ones first."""
    archived: tuple[Name, ...] = ()
    """Target tables that make room, with their rows."""
    blockers: tuple[str, ...] = ()


# --- hybrid -----------------------------------------------------------------------------------------


def derive_hybrid(file: MappingFile, source: Schema, target: Schema) -> Derived:
    """Each dropped column that is not final becomes a column of the first table that drops it."""
    node = copy.deepcopy(file.node)
    additions = tuple(_additions(file, source, target))
    for each in additions:
        table = node["tables"][each.lost.target]
        rule: dict[str, Any] = {"column": each.lost.column, "why": each.lost.why}
        if each.lost.secret:
            rule["secret"] = True
        remove(table, "drop", each.lost.column, above="columns")
        if each.lost.column in table.get("back", ()):  # it stands there itself now
            remove(table, "back", each.lost.column, above="drop" if "drop" in table else "columns")
        append(table["columns"], each.name, flow(**rule))
    foreign = {a.target for a in additions if target.tables[a.target].kind not in _MADE_AGAIN}
    blockers = tuple(f"{name} is a {target.tables[name].kind}: it takes no column" for name in sorted(foreign))
    return Derived(file=read_text(write(node), path=file.path), additions=additions, blockers=blockers)


def _additions(file: MappingFile, source: Schema, target: Schema) -> Iterator[Addition]:
    taken = _taken(target)
    for lost in dropped(file.document, source):
        column = source.tables[lost.source].column(lost.column)
        if lost.final or column is None:
            continue
        name = parse(lost.target)
        chosen = _free(lost.column, taken[name])
        taken[name].add(chosen)
        yield Addition(target=name, name=chosen, lost=lost, column=column)


def _taken(target: Schema) -> dict[Name, set[str]]:
    """Column names of each table and of all that inherit from it: an added column reaches those too."""
    found = {name: set(table.column_names) for name, table in target.tables.items()}
    for table in target.tables.values():
        waiting, seen = [table], {table.name}
        while waiting:
            each = waiting.pop()
            for parent in (*each.inherits, *([each.partition_of] if each.partition_of else [])):
                if parent in target.tables and parent not in seen:
                    found[parent] |= set(table.column_names)
                    seen.add(parent)
                    waiting.append(target.tables[parent])
    return found


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, else `legacy_NAME`, else that with a number; at most 63 bytes."""
    used = set(taken)
    candidate, number = name, 1
    while candidate in used:
        tail = "" if number == 1 else f"_{number}"
        candidate = _cut(f"legacy_{name}", NAME_BYTES - len(tail)) + tail
        number += 1
    return candidate


def _cut(text: str, size: int) -> str:
    """The longest beginning of whole characters within so many bytes."""
    return text.encode()[:size].decode(errors="ignore")


# --- recreate ---------------------------------------------------------------------------------------


def as_it_stands(source: Schema, target: Schema, *, schemas: Collection[str] = ()) -> MappingFile:
    """A document for a move without one: every table of the source under its own name, the target's others left alone.

    Of the source's `schemas`, or of all. Raises NothingToMove where there is no table.
    """
    found = [t for t in _business(source) if not schemas or t.name.schema in schemas]
    made = [t for t in found if t.kind in _MADE_AGAIN and t.columns]
    if not made:
        raise NothingToMove(where=f"the schemas {', '.join(sorted(schemas))}" if schemas else "any schema")
    names = {t.name for t in made}
    node = CommentedMap(version=1)
    node["tables"] = CommentedMap((str(t.name), _as_it_is(t, (), {})) for t in made)
    others = (t.name for t in _business(target) if t.name not in names)
    left = (t for t in found if t.name not in names)
    node["ignore"] = CommentedMap(
        source=CommentedMap((str(t.name), f"a {t.kind}" if t.columns else "it has no column") for t in left),
        target=CommentedMap((str(name), "not in the source: left alone") for name in others),
    )
    return _of_our_own(node)


def _of_our_own(node: CommentedMap) -> MappingFile:
    """A document that nobody wrote or reviewed, and nobody need read."""
    return read_json(json.dumps(node, ensure_ascii=False), path=UNWRITTEN)


def _business(schema: Schema) -> Iterator[Table]:
    """The tables that are not our own ledger's."""
    return (t for t in schema.roots if t.name.schema != LEDGER)


def to_create(file: MappingFile, source: Schema) -> tuple[Name, ...]:
    """Source tables that recreate gives to the target: the mapped ones, then the ignored ones, which stay empty."""
    mapped = sources(file.document)
    roots = {t.name for t in source.roots}
    ignored = [n for n in file.document.ignored_sources if n in roots and n not in mapped]
    return tuple(n for n in (*mapped, *ignored) if n in source.tables)


def parents_with_rows(file: MappingFile, source: Schema) -> tuple[Schema, list[str]]:
    """The source without foreign keys from tables that move into tables that come empty, and a word for each.

    A key into a table without rows would refuse every row that refers to anything.
    """
    mapped = set(sources(file.document))
    empty = {name for name in to_create(file, source) if name not in mapped}
    tables, left = dict(source.tables), []
    for name, table in source.tables.items():
        keys = [c for c in table.constraints if c.references in empty and _root(source, table) in mapped]
        if keys:
            tables[name] = replace(table, constraints=tuple(c for c in table.constraints if c not in keys))
            left += [
                f"{name}: the foreign key {key.name} is left out: {key.references} comes without rows"
                for key in keys
                if not key.inherited
            ]
    return replace(source, tables=tables), left


def _root(schema: Schema, table: Table) -> Name:
    while table.partition_of is not None and table.partition_of in schema.tables:
        table = schema.tables[table.partition_of]
    return table.name


def derive_recreate(file: MappingFile, source: Schema, target: Schema, *, archived: Collection[Name]) -> Derived:
    """Every mapped source table moves as it is. `archived` names the target's relations that make room."""
    document = file.document
    by_source = sources(document)
    final = {(d.source, d.column): d for d in dropped(document, source) if d.final}
    created = to_create(file, source)
    blockers = [*_unmade(created, document.preserved, source), *_with_heirs(by_source, source)]
    node = CommentedMap(version=1)
    node["tables"] = CommentedMap()
    for name, mappings in by_source.items():
        lost = {column: drop for (table, column), drop in final.items() if table == name}
        blockers += _unfed(source.tables[name], lost)
        node["tables"][str(name)] = _as_it_is(source.tables[name], mappings, lost)
    if document.preserve:
        node["preserve"] = copy.deepcopy(file.node["preserve"])
    node["ignore"] = CommentedMap(
        source=CommentedMap(document.ignore.source),
        target=CommentedMap(_left_alone(file, created, archived, target)),
    )
    head = "# The source's tables as they are, derived for recreate; the reviewed document stays in the plan.\n"
    unwritten = file.path == UNWRITTEN
    return Derived(
        file=_of_our_own(node) if unwritten else read_text(head + write(node), path=file.path),
        created=created,
        archived=tuple(t.name for t in target.roots if t.name in archived),
        blockers=tuple(blockers),
    )


def _unmade(created: tuple[Name, ...], preserved: Mapping[Name, str], source: Schema) -> Iterator[str]:
    for name in created:
        kind = source.tables[name].kind
        if kind not in _MADE_AGAIN:
            yield f"{name} is a {kind} in the source: the target cannot be given it as a table"
        if name in preserved:
            yield f"the name {name} is needed for the source's table, and the target's table of that name is preserved"


def _with_heirs(moving: Iterable[Name], source: Schema) -> Iterator[str]:
    for name in moving:
        heirs = sorted(str(t.name) for t in source.tables.values() if name in t.inherits)
        if heirs:
            yield (
                f"{name} has heirs ({', '.join(heirs)}): whoever reads it reads their rows too, and they would land in both."
                f" Name it under `ignore` if it holds no row of its own (SELECT FROM ONLY {name.sql}),"
                " or take transform or hybrid, with a `source_key`"
            )


def _unfed(table: Table, lost: Mapping[str, Dropped]) -> Iterator[str]:
    for name in lost:
        column = table.column(name)
        assert column is not None
        if name in table.row_identity:
            yield f"{table.name}.{name} is dropped for good (final) and belongs to the table's key: feed it, or take `final` away"
        elif column.not_null and not (column.default or column.identity or column.generated):
            yield (
                f"{table.name}.{name} is dropped for good (final), and is NOT NULL without a default:"
                " take `final` away, or allow NULL in the source"
            )


def _as_it_is(table: Table, mappings: tuple[TableMapping, ...], lost: Mapping[str, Dropped]) -> CommentedMap:
    secret = frozenset[str]().union(*(m.secret_columns(table.column_names) for m in mappings))
    made = CommentedMap({"from": str(table.name), "key": flow_list(table.row_identity)})
    named = next((m.source_key for m in mappings if m.source_key), ())
    if named and not table.row_identity:
        made["source_key"] = flow_list(named)
    made["columns"] = CommentedMap()
    for column in table.columns:
        rule = _rule(column, lost.get(column.name), secret=column.name in secret)
        if rule is not None:
            made["columns"][column.name] = rule
    left = {name: _reason(drop) for name, drop in lost.items()}
    left |= {c.name: "generated: the target computes it" for c in table.columns if c.generated and c.name not in lost}
    if left:
        made["drop"] = CommentedMap(left)
    return made


def _rule(column: Column, lost: Dropped | None, *, secret: bool) -> Any:
    if column.generated:
        return None
    if lost is None:
        return flow(column=column.name, secret=True) if secret else column.name
    if column.identity or (column.default or "").startswith("nextval("):
        return None
    return flow(default=True, why=lost.why) if column.default is not None else flow(value=None, why=lost.why)


def _reason(drop: Dropped) -> Any:
    return flow(why=drop.why, final=True, **({"secret": True} if drop.secret else {}))


def _left_alone(
    file: MappingFile, created: tuple[Name, ...], archived: Collection[Name], target: Schema
) -> Iterator[tuple[str, str]]:
    """Target tables that the move does not fill: those that stay, and those that are made and stay empty."""
    document = file.document
    for name, why in document.ignored_targets.items():
        if name not in created and name not in archived:
            yield str(name), why
    for name in document.by_target:
        if name in target.tables and name not in created and name not in archived:
            yield str(name), "left standing: the source's own tables are filled instead"
    for name in created:
        if name in document.ignored_sources:
            yield str(name), f"made as in the source, without rows: {document.ignored_sources[name]}"
