"""Rows of the catalog queries become tables and sequences. Pure: nothing here talks to a server.

`tables` joins the rows by the relation's OID and sums rows and bytes of partitions up to their roots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from crosswalk.catalog.typebook import Row, TypeBook, owned, qualified
from crosswalk.names import Name
from crosswalk.schema import (
    Column,
    Constraint,
    ConstraintKind,
    Index,
    Policy,
    RelationKind,
    RowSecurity,
    Rule,
    Sequence,
    Statistics,
    Table,
    Trigger,
    TriggerState,
)

Grouped = Mapping[int, list[Row]]
_RELATIONS: Final = {
    "r": RelationKind.TABLE, "p": RelationKind.PARTITIONED, "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW, "f": RelationKind.FOREIGN,
}
_CONSTRAINTS: Final = {
    "p": ConstraintKind.PRIMARY, "u": ConstraintKind.UNIQUE, "f": ConstraintKind.FOREIGN,
    "c": ConstraintKind.CHECK, "x": ConstraintKind.EXCLUSION,
}
_PERSISTENCE: Final = {"p": "permanent", "u": "unlogged", "t": "temporary"}
_REPLICA: Final = {"d": "default", "n": "nothing", "f": "full"}
_IDENTITY: Final = {"a": "always", "d": "by default"}
_STORAGE: Final = {"p": "plain", "e": "external", "x": "extended", "m": "main"}
_COMPRESSION: Final = {"p": "pglz", "l": "lz4"}
_GENERATED: Final = {"s": "stored", "v": "virtual"}
_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_EVENTS: Final = ((4, "insert"), (16, "update"), (8, "delete"), (32, "truncate"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What belongs to relations, by the relation's OID."""

    columns: Grouped
    constraints: Grouped
    indexes: Grouped
    triggers: Grouped
    policies: Grouped
    rules: Grouped
    statistics: Grouped


def grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Rows by their `relation`, each list in the order of the rows."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["relation"]].append(row)
    return dict(found)


def tables(rows: Iterable[Row], parts: Parts, types: TypeBook) -> dict[Name, Table]:
    """Every relation by name, in the order of `rows`."""
    found = (_table(row, parts, types) for row in rows)
    return _summed({table.name: table for table in found})


def _table(row: Row, parts: Parts, types: TypeBook) -> Table:
    parents = tuple(map(Name, row["parent_schemas"], row["parent_names"]))
    indexes = parts.indexes.get(row["oid"], [])
    return Table(
        name=Name(row["schema"], row["name"]),
        kind=_RELATIONS[row["kind"]],
        columns=tuple(_column(c, types) for c in parts.columns.get(row["oid"], [])),
        constraints=tuple(map(_constraint, parts.constraints.get(row["oid"], []))),
        indexes=tuple(map(_index, indexes)),
        triggers=tuple(map(_trigger, parts.triggers.get(row["oid"], []))),
        policies=tuple(map(_policy, parts.policies.get(row["oid"], []))),
        row_security=RowSecurity(
            enabled=row["rls_enabled"], forced=row["rls_forced"], hides=row["rls_hides"]
        ),
        owner=row["owner"],
        comment=row["comment"],
        persistence=_PERSISTENCE[row["persistence"]],
        partition_key=row["partition_key"],
        partition_of=parents[0] if row["is_partition"] and parents else None,
        partition_bound=row["partition_bound"],
        partition_rule=row["partition_rule"],
        inherits=() if row["is_partition"] else parents,
        replica_identity=_REPLICA.get(row["replident"]) or _replica_index(indexes),
        rows=row["rows"],
        bytes=row["bytes"],
        extension=row["extension"],
        privileges=frozenset(row["privileges"]),
        options=tuple(row["options"]),
        acl=tuple(row["acl"]),
        rules=tuple(map(_rule, parts.rules.get(row["oid"], []))),
        statistics=tuple(map(_statistics, parts.statistics.get(row["oid"], []))),
        populated=row["populated"],
        apart=tuple(row["apart"]),
    )


def _replica_index(indexes: list[Row]) -> str:
    """The index that REPLICA IDENTITY USING INDEX names; where it was dropped, nothing identifies a row."""
    return next((f"index {index['name']}" for index in indexes if index["replica_identity"]), "nothing")


def _column(row: Row, types: TypeBook) -> Column:
    return Column(
        name=row["name"], position=row["position"], type=types.column(row),
        not_null=row["not_null"] or types.not_null(row["type"]),
        default=row["default"],
        identity=_IDENTITY.get(row["identity"]),
        generated=_GENERATED.get(row["generated"]),
        collation=qualified(row["collation_schema"], row["collation_name"]),
        comment=row["comment"],
        selectable=row["selectable"],
        not_null_validated=row["not_null_validated"],
        not_null_by_domain=not row["not_null"] and types.not_null(row["type"]),
        not_null_name=row["not_null_name"],
        local=row["local"],
        storage=_STORAGE.get(row["storage"]),
        compression=_COMPRESSION.get(row["compression"]),
        statistics=row["statistics"],
        options=tuple(row["options"]),
        acl=tuple(row["acl"]),
    )


def _constraint(row: Row) -> Constraint:
    foreign = row["foreign_name"]
    return Constraint(
        name=row["name"], kind=_CONSTRAINTS[row["kind"]], columns=tuple(row["columns"]),
        definition=row["definition"], expression=row["expression"],
        deferrable=row["deferrable"], deferred=row["deferred"], validated=row["validated"],
        references=Name(row["foreign_schema"], foreign) if foreign is not None else None,
        referenced_columns=tuple(row["foreign_columns"]),
        operators=tuple(row["operators"]),
        nulls_not_distinct=row["nulls_not_distinct"], inherited=row["inherited"],
        enforced=row["enforced"], since=row["since"], comment=row["comment"],
    )


def _index(row: Row) -> Index:
    return Index(
        name=row["name"], definition=row["definition"], columns=tuple(row["columns"]), unique=row["unique"],
        partial=row["predicate"] is not None, predicate=row["predicate"], expressions=row["expressions"],
        immediate=row["immediate"], valid=row["valid"], method=row["method"],
        keys=tuple(row["keys"]),
        nulls_not_distinct=row["nulls_not_distinct"], constraint=row["constraint"],
        inherited=row["inherited"],
        parent=Name(row["parent_schema"], row["parent_name"]) if row["inherited"] else None,
        clustered=row["clustered"], comment=row["comment"],
    )


def _trigger(row: Row) -> Trigger:
    bits: int = row["type"]
    timing = "before" if bits & _BEFORE else "instead of" if bits & _INSTEAD else "after"
    return Trigger(
        name=row["name"], definition=row["definition"],
        function=str(Name(row["function_schema"], row["function_name"])),
        timing=timing, events=tuple(event for bit, event in _EVENTS if bits & bit), row=bool(bits & _ROW),
        state=TriggerState(row["state"]), constraint=row["constraint"], inherited=row["inherited"],
        comment=row["comment"],
    )


def _rule(row: Row) -> Rule:
    return Rule(
        name=row["name"], definition=row["definition"], state=TriggerState(row["state"]), comment=row["comment"]
    )


def _statistics(row: Row) -> Statistics:
    return Statistics(
        name=Name(row["schema"], row["name"]), definition=row["definition"], target=row["target"],
        comment=row["comment"],
    )


def _policy(row: Row) -> Policy:
    return Policy(
        name=row["name"], command=row["command"], permissive=row["permissive"], roles=tuple(row["roles"]),
        using=row["using"], check=row["check"], comment=row["comment"],
    )


def _summed(found: dict[Name, Table]) -> dict[Name, Table]:
    """The same tables; a partitioned table carries the rows and bytes of all its leaves."""
    below: defaultdict[Name, list[Table]] = defaultdict(list)
    for table in found.values():
        if table.partition_of is not None:
            below[table.partition_of].append(table)

    def total(table: Table) -> tuple[int, int]:
        if table.kind is not RelationKind.PARTITIONED:
            return table.rows, table.bytes
        sizes = [total(child) for child in below[table.name]]
        return sum(rows for rows, _ in sizes), sum(size for _, size in sizes)

    result = {}
    for name, table in found.items():
        rows, size = total(table)
        result[name] = replace(table, rows=rows, bytes=size)
    return result


def sequence(row: Row) -> Sequence:
    """A row of `sequences.sql` as a value."""
    owner: str | None = row["owner_name"]
    return Sequence(
        name=Name(row["schema"], row["name"]), type=row["type"],
        start=row["start"], increment=row["increment"], minimum=row["minimum"],
        maximum=row["maximum"], cycle=row["cycle"], last_value=row["last_value"],
        owner_table=Name(row["owner_schema"], owner) if owner is not None else None,
        owner_column=row["owner_column"],
        used_by=tuple((Name(schema, table), column) for schema, table, column in row["used_by"]),
        readable=row["readable"], settable=row["settable"],
        cache=row["cache"], persistence=_PERSISTENCE[row["persistence"]],
        **owned(row),
    )
