"""Comparing two schemas: tables by name (and by given pairs), columns, and all that hangs on them.

Names of equal things may differ (`renamed`); what only the server version or an OID makes different
is no difference: NOT NULL as a constraint, the copies that partitions keep of their parent's keys
and indexes, the identity of partitions, aliases in the text of queries. Owners, grants, column
order, sizes and the state of sequences are not compared. Pure: nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from crosswalk.diff.canon import QUALIFIERS_DROPPED, anonymous, unqualified
from crosswalk.diff.values import (
    Attribute,
    ColumnDiff,
    ColumnVerdict,
    Comparison,
    ObjectDiff,
    Size,
    TableDiff,
    Verdict,
)
from crosswalk.names import Name
from crosswalk.schema import Column, Constraint, RelationKind, Schema, Sequence, Table
from crosswalk.wording import settled

Traits = Mapping[str, str | None]
"""What is compared of one object, by the attribute's name."""
Things = Mapping[tuple[str, str], Traits]
"""Objects by (kind, name)."""
_VIEWS: Final = frozenset({RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW})
_VERDICTS: Final = {
    "type": ColumnVerdict.TYPE, "labels": ColumnVerdict.TYPE, "not null": ColumnVerdict.NULLABILITY,
    "generated": ColumnVerdict.GENERATED, "identity": ColumnVerdict.IDENTITY,
    "default": ColumnVerdict.DEFAULT, "collation": ColumnVerdict.COLLATION, "comment": ColumnVerdict.COMMENT,
}


def compare(source: Schema, target: Schema, *, pairs: Mapping[Name, Name] | None = None) -> Comparison:
    """All differences; `pairs` (source → target) joins tables whose names differ."""
    left, right = _Side(source, target, renamed=pairs or {}), _Side(target, source, renamed={})
    matched = [*_matched(source, target, pairs or {})]
    found = [_relation(left, right, a, b) for a, b in matched]
    return Comparison(
        tables=tuple(t for t in found if t.kind not in _VIEWS),
        views=tuple(t for t in found if t.kind in _VIEWS),
        objects=_objects(left.things(), right.things()),
        notes=tuple(_notes(source, target)),
    )


def _matched(
    source: Schema, target: Schema, pairs: Mapping[Name, Name]
) -> Iterator[tuple[Table | None, Table | None]]:
    """Each table of the source with its partner, then the target's without one; none of an extension."""
    taken: set[Name] = {partner for name, partner in pairs.items() if name in source.tables}
    for name, table in source.tables.items():
        if table.extension is None:
            partner = pairs.get(name, name if name not in taken else None)
            found = target.tables.get(partner) if partner else None
            if found is not None:
                taken.add(found.name)
            yield table, found
    for name, table in target.tables.items():
        if name not in taken and table.extension is None:
            yield None, table


class _Side:
    """One schema and how its names and queries read when the other side's are beside them."""

    def __init__(self, schema: Schema, other: Schema, *, renamed: Mapping[Name, Name]) -> None:
        self.schema = schema
        self._renamed = renamed
        oldest, newest = sorted((schema.major, other.major))
        self._strip = oldest < QUALIFIERS_DROPPED <= newest
        self._namespaces = {
            name.schema for s in (schema, other) for name in (*s.tables, *(f.name for f in s.functions))
        }

    def partner(self, name: Name | None) -> str | None:
        """A table's name as the target knows it."""
        return str(self._renamed.get(name, name)) if name is not None else None

    def query(self, text: str) -> str:
        return settled(unqualified(text, schemas=self._namespaces) if self._strip else text)

    def properties(self, table: Table) -> Traits:
        """What holds for the relation as a whole."""
        return {
            "kind": table.kind.value,
            "persistence": table.persistence,
            "row security": _switch(table.row_security.enabled, forced=table.row_security.forced),
            "replica identity": table.replica_identity,
            "partition key": table.partition_key,
            "partition of": self.partner(table.partition_of),
            "partition bound": table.partition_bound,
            "inherits": ", ".join(filter(None, map(self.partner, table.inherits))) or None,
            "options": ", ".join(table.options) or None,
            "comment": table.comment,
            "query": self.query(self.schema.views.get(table.name, "")) or None,
        }

    def _constraint(self, constraint: Constraint) -> Traits:
        named = {"REFERENCES"} if constraint.references else ()
        return {
            "definition": settled(anonymous(constraint.definition, after=named)),
            "references": self.partner(constraint.references),
        }

    def parts(self, table: Table) -> Things:
        """Keys, checks, indexes, triggers, policies …; what a parent's copy says is left to the parent."""
        found: dict[tuple[str, str], Traits] = {}
        for c in table.constraints:
            if not c.inherited:
                found[c.kind.value, c.name] = self._constraint(c)
        for i in table.indexes:
            if not i.inherited and i.constraint is None:
                found["index", i.name] = {
                    "definition": settled(anonymous(i.definition, after={"INDEX", "ON"})),
                    "valid": _yes(i.valid),
                }
        for t in table.triggers:
            found["trigger", t.name] = {
                "definition": settled(anonymous(t.definition, after={"TRIGGER", "ON"})),
                "enabled": t.state.name.lower(),
            }
        for r in table.rules:
            said = self.query(anonymous(r.definition, after={"RULE"}))
            found["rule", r.name] = {"definition": said, "enabled": r.state.name.lower()}
        for s in table.statistics:
            found["statistics", s.name.relation] = {"definition": anonymous(s.definition, after={"STATISTICS", "FROM"})}
        for p in table.policies:
            found["policy", p.name] = {
                "command": p.command, "permissive": _yes(p.permissive), "roles": ", ".join(p.roles),
                "using": _settled(p.using), "check": _settled(p.check),
            }
        return found

    def things(self) -> Things:
        """Types, sequences, functions and extensions."""
        found: dict[tuple[str, str], Traits] = {}
        for name, enum in self.schema.enums.items():
            found["enum", str(name)] = {"labels": _list(enum.labels)}
        for name, domain in self.schema.domains.items():
            found["domain", str(name)] = {
                "type": str(domain.base), "not null": _yes(domain.not_null), "default": domain.default,
                "collation": domain.collation, **{f"check {check}": settled(text) for check, text in domain.checks},
            }
        for name, composite in self.schema.composites.items():
            found["composite type", str(name)] = {
                "attributes": ", ".join(f"{attribute} {kind}" for attribute, kind in composite.attributes)
            }
        for name, each in self.schema.ranges.items():
            found["range type", str(name)] = {"subtype": str(each.subtype)}
        for name, sequence in self.schema.sequences.items():
            found["sequence", str(name)] = self._sequence(sequence)
        for function in self.schema.functions:
            key = f"{function.name}({function.arguments})"
            found[function.kind, key] = {"definition": self.query(function.definition)}
        for extension in self.schema.extensions:
            found["extension", extension.name] = {"schema": extension.schema}
        return found

    def _sequence(self, sequence: Sequence) -> Traits:
        owner = self.partner(sequence.owner_table)
        return {
            "type": sequence.type, "start": str(sequence.start), "increment": str(sequence.increment),
            "minimum": str(sequence.minimum), "maximum": str(sequence.maximum), "cycle": _yes(sequence.cycle),
            "owned by": f"{owner} {sequence.owner_column}" if owner else None,
        }

    def column(self, table: Table, column: Column) -> Traits:
        """What is compared of a column, weightiest first; before 17 partitions have no identity."""
        element = column.type.storage.element or column.type.storage
        return {
            "type": str(column.type),
            "labels": _list(self.schema.enum_labels(element)) or None,
            "not null": _yes(column.not_null) + ("" if column.not_null_validated else ", not validated"),
            "generated": column.generated,
            "identity": column.identity if table.partition_of is None else None,
            "default": _settled(column.default),
            "collation": column.collation,
            "comment": column.comment,
        }


def _settled(text: str | None) -> str | None:
    return settled(text) if text is not None else None


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _switch(enabled: bool, *, forced: bool) -> str:
    return ("on" if enabled else "off") + (", forced" if forced else "")


def _list(texts: tuple[str, ...]) -> str:
    return ", ".join(map(repr, texts))


def _differing(source: Traits, target: Traits) -> tuple[Attribute, ...]:
    names = dict.fromkeys((*source, *target))
    return tuple(
        Attribute(name=name, source=source.get(name), target=target.get(name))
        for name in names if source.get(name) != target.get(name)
    )


def _twin(key: tuple[str, str], traits: Traits, alone: Things) -> tuple[str, str] | None:
    """An equal object of the same kind under another name."""
    return next((other for other, theirs in alone.items() if other[0] == key[0] and theirs == traits), None)


def _objects(source: Things, target: Things) -> tuple[ObjectDiff, ...]:
    """Objects that differ: first those of one name, then, among the rest, equal ones under another name."""
    found: list[ObjectDiff] = []
    alone = {key: traits for key, traits in target.items() if key not in source}
    for (kind, name), traits in source.items():
        other: str | None = name
        differs: tuple[Attribute, ...] = ()
        if (kind, name) in target:
            differs = _differing(traits, target[kind, name])
            verdict = Verdict.DIFFERENT if differs else Verdict.SAME
        elif twin := _twin((kind, name), traits, alone):
            del alone[twin]
            other, verdict = twin[1], Verdict.RENAMED
        else:
            other, verdict = None, Verdict.MISSING
        if verdict is not Verdict.SAME:
            found.append(ObjectDiff(kind=kind, source=name, target=other, verdict=verdict, differs=differs))
    found.extend(ObjectDiff(kind=kind, source=None, target=name, verdict=Verdict.NEW) for kind, name in alone)
    return tuple(found)


def _columns(left: _Side, right: _Side, source: Table | None, target: Table | None) -> Iterator[ColumnDiff]:
    for column in source.columns if source else ():
        other = target.column(column.name) if target else None
        if source is None or target is None or other is None:
            yield ColumnDiff(source=column, target=None, verdict=ColumnVerdict.MISSING)
            continue
        differs = _differing(left.column(source, column), right.column(target, other))
        if differs and (source.partition_of or target.partition_of):
            differs = tuple(a for a in differs if a.name != "identity")
        verdict = _VERDICTS[differs[0].name] if differs else ColumnVerdict.SAME
        yield ColumnDiff(source=column, target=other, verdict=verdict, differs=differs)
    for column in target.columns if target else ():
        if source is None or source.column(column.name) is None:
            yield ColumnDiff(source=None, target=column, verdict=ColumnVerdict.NEW)


def _size(table: Table | None) -> Size | None:
    return Size(rows=table.rows, exact=table.rows_exact, bytes=table.bytes) if table else None


def _relation(left: _Side, right: _Side, source: Table | None, target: Table | None) -> TableDiff:
    table = source or target
    assert table is not None
    columns = tuple(_columns(left, right, source, target))
    properties: tuple[Attribute, ...] = ()
    objects: tuple[ObjectDiff, ...] = ()
    verdict = Verdict.MISSING if target is None else Verdict.NEW
    if source is not None and target is not None:
        properties = _differing(left.properties(source), right.properties(target))
        objects = _objects(left.parts(source), right.parts(target))
        same = not properties and not objects and all(c.verdict is ColumnVerdict.SAME for c in columns)
        verdict = Verdict.SAME if same else Verdict.DIFFERENT
    return TableDiff(
        source=source.name if source else None, target=target.name if target else None,
        kind=table.kind, partition=table.partition_of is not None, verdict=verdict,
        columns=columns, properties=properties, objects=objects,
        source_size=_size(source), target_size=_size(target),
    )


def _notes(source: Schema, target: Schema) -> Iterator[Attribute]:
    """Differences that belong to the servers, not to the schemas."""
    yield from _differing(
        {"server version": str(source.major), "encoding": source.encoding, "collation": source.collate},
        {"server version": str(target.major), "encoding": target.encoding, "collation": target.collate},
    )
    versions = {e.name: e.version for e in target.extensions}
    for e in source.extensions:
        if e.name in versions and versions[e.name] != e.version:
            yield Attribute(name=f"extension {e.name}", source=e.version, target=versions[e.name])
