"""Checks of tables as the catalog tells them: triggers, keys, partitions, columns that the server makes.

Only the check of replica identities asks the server anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from crosswalk.catalog.large_objects import holds_numbers, naming
from crosswalk.doctor.access import lines
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Scene
from crosswalk.names import Name, quote
from crosswalk.schema import Column, Constraint, ConstraintKind, RelationKind, Table, Trigger, TriggerState


def _triggers(
    tables: Iterable[Table], wanted: Callable[[Trigger], bool]
) -> tuple[list[tuple[Table, Trigger]], tuple[Name, ...]]:
    found = [(t, g) for t in tables for g in t.triggers if not g.inherited and wanted(g)]
    return found, tuple(dict.fromkeys(table.name for table, _ in found))


def _said(table: Table, trigger: Trigger) -> str:
    return f"{table.name}: {trigger.name} {trigger.timing} {' or '.join(trigger.events)}, runs {trigger.function}"


def _disable(table: Table, trigger: Trigger) -> str:
    return f"ALTER TABLE {table.name.sql} DISABLE TRIGGER {quote(trigger.name)};"


def _fires(trigger: Trigger) -> bool:
    """It fires for rows that an ordinary session writes."""
    on = trigger.state in {TriggerState.ORIGIN, TriggerState.ALWAYS}
    return on and bool({"insert", "update"} & {*trigger.events})


async def triggers(scene: Scene) -> AsyncIterator[Finding]:
    """Triggers that would rewrite or drop what we write, act on other data, or fire under replication too."""
    rewriting, tables = _triggers(scene.heaps, lambda g: _fires(g) and g.row and g.timing == "before")
    if rewriting:
        yield scene.found(
            "triggers.rewrite", Severity.WARNING, "Triggers may rewrite or refuse the rows that we write",
            (_said(*pair) for pair in rewriting), fix=lines(_disable(*pair) for pair in rewriting), tables=tables,
        )
    acting, tables = _triggers(
        scene.heaps, lambda g: _fires(g) and not g.constraint and not (g.row and g.timing == "before")
    )
    if acting:
        yield scene.found(
            "triggers.effects", Severity.WARNING, "Triggers act on other data when rows are written",
            (_said(*pair) for pair in acting), fix=lines(_disable(*pair) for pair in acting), tables=tables,
        )
    always, tables = _triggers(scene.heaps, lambda g: g.state is TriggerState.ALWAYS)
    if always:
        yield scene.found(
            "triggers.always", Severity.WARNING,
            "ENABLE ALWAYS triggers: they fire for replicated rows too, and must be switched on again as ALWAYS",
            (_said(*pair) for pair in always), tables=tables,
        )


def _with(tables: Iterable[Table], wanted: Callable[[Column], bool]) -> dict[Table, list[Column]]:
    found = {table: [column for column in table.columns if wanted(column)] for table in tables}
    return {table: columns for table, columns in found.items() if columns}


async def identities(scene: Scene) -> AsyncIterator[Finding]:
    """COPY may write an identity ALWAYS; INSERT needs OVERRIDING SYSTEM VALUE, which we say."""
    found = _with(scene.tables, lambda column: column.identity == "always")
    if found:
        yield scene.found(
            "identity.always", Severity.NOTE, "Columns GENERATED ALWAYS AS IDENTITY",
            (f"{t.name}: {', '.join(c.name for c in columns)}" for t, columns in found.items()),
            tables=(table.name for table in found),
        )


async def generated(scene: Scene) -> AsyncIterator[Finding]:
    """Generated columns take no values; their expression decides."""
    found = _with(scene.tables, lambda column: column.generated is not None)
    if found:
        yield scene.found(
            "columns.generated", Severity.NOTE, "Generated columns make their own values",
            (f"{t.name}: {', '.join(f'{c.name} ({c.generated})' for c in columns)}" for t, columns in found.items()),
            tables=(table.name for table in found),
        )


def _deferrable_keys(table: Table) -> list[Constraint]:
    kinds = {ConstraintKind.PRIMARY, ConstraintKind.UNIQUE}
    return [c for c in table.constraints if c.deferrable and c.kind in kinds]


async def deferrable_keys(scene: Scene) -> AsyncIterator[Finding]:
    """A deferrable key judges at COMMIT: it is no key to merge on and no replica identity."""
    found = {table: _deferrable_keys(table) for table in scene.tables}
    found = {table: keys for table, keys in found.items() if keys}
    if found:
        primary = any(c.kind is ConstraintKind.PRIMARY for keys in found.values() for c in keys)
        yield scene.found(
            "keys.deferrable", Severity.WARNING if primary else Severity.NOTE,
            "Deferrable keys can neither be merged on nor identify rows",
            (f"{t.name}: {', '.join(f'{c.name} ({c.kind})' for c in keys)}" for t, keys in found.items()),
            fix="Make the key again without DEFERRABLE.", tables=(table.name for table in found),
        )


async def large_objects(scene: Scene) -> AsyncIterator[Finding]:
    """Large objects belong to no table, and no COPY carries them: a column holds their numbers at most."""
    if not scene.schema.large_objects:
        return
    evidence, tables = [f"{scene.schema.large_objects} large objects in the database"], []
    for table, columns in _with(scene.tables, lambda c: c.selectable and holds_numbers(c)).items():
        for column in columns if not table.row_security.hides else ():
            [row] = await scene.session.fetch(naming(table.name, column.name), what=f"the large objects of {table.name}")
            if row[0]:
                evidence.append(f"{table.name}.{column.name}: {row[0]} rows name one")
                tables.append(table.name)
    yield scene.found(
        "large_objects", Severity.WARNING, "Large objects are not carried, only what rules say of them", evidence,
        tables=dict.fromkeys(tables),
    )


async def default_partition(scene: Scene) -> AsyncIterator[Finding]:
    """A row for which no partition is made fails."""
    found = [t for t in scene.heaps if t.kind is RelationKind.PARTITIONED and not _takes_all(scene, t)]
    if found:
        yield scene.found(
            "partitions.no_default", Severity.NOTE, "Partitioned tables without a default partition refuse other rows",
            (f"{t.name}: {t.partition_key}, {len(scene.schema.partitions(t.name))} partitions" for t in found),
            fix=lines(
                f"CREATE TABLE {Name(t.name.schema, t.name.relation[:40] + '_default').sql} "
                f"PARTITION OF {t.name.sql} DEFAULT;" for t in found
            ),
            tables=(table.name for table in found),
        )


def _takes_all(scene: Scene, table: Table) -> bool:
    hashed = (table.partition_key or "").startswith("HASH")
    return hashed or any(p.partition_bound == "DEFAULT" for p in scene.schema.partitions(table.name))


async def invalid_indexes(scene: Scene) -> AsyncIterator[Finding]:
    """An index whose concurrent build failed: it costs writes and proves nothing."""
    found = [(t, i) for t in scene.heaps for i in t.indexes if not i.valid]
    if found:
        yield scene.found(
            "indexes.invalid", Severity.WARNING, "Invalid indexes: they are not used and prove nothing",
            (f"{t.name}: {i.name}{' (unique)' if i.unique else ''}" for t, i in found),
            fix=lines(f"REINDEX INDEX CONCURRENTLY {Name(t.name.schema, i.name).sql};" for t, i in found),
            tables=dict.fromkeys(table.name for table, _ in found),
        )


async def not_validated(scene: Scene) -> AsyncIterator[Finding]:
    """A constraint that old rows may break: they count as rows that fit, and do not."""
    found = [(t, c) for t in scene.tables for c in t.constraints if not c.validated and not c.inherited]
    nullable = [(t, c) for t in scene.tables for c in t.columns if not c.not_null_validated]
    if found or nullable:
        yield scene.found(
            "constraints.not_validated", Severity.WARNING, "Constraints that existing rows may violate",
            [
                *(f"{t.name}: {c.name} ({c.kind}{'' if c.enforced else ', not enforced'})" for t, c in found),
                *(f"{t.name}: {c.name} (not null)" for t, c in nullable),
            ],
            fix=lines([
                *(f"ALTER TABLE {t.name.sql} VALIDATE CONSTRAINT {quote(c.name)};" for t, c in found if c.enforced),
                *(f"ALTER TABLE {t.name.sql} ALTER COLUMN {quote(c.name)} SET NOT NULL;" for t, c in nullable),
            ]),
            tables=dict.fromkeys(table.name for table, _ in (*found, *nullable)),
        )


def identified(table: Table) -> bool:
    """True where the log tells which row an UPDATE or DELETE means."""
    if table.replica_identity == "default":
        keys = (c for c in table.constraints if c.kind is ConstraintKind.PRIMARY)
        return any(not key.deferrable for key in keys)
    return table.replica_identity != "nothing"


async def replica_identity(scene: Scene) -> AsyncIterator[Finding]:
    """Live sync can't follow a table without one, and publishing it makes the application's UPDATE fail."""
    leaves = [t for t in scene.heaps if t.kind is RelationKind.TABLE]
    nameless = {table.name: table for table in leaves if not identified(table)}
    rows = await scene.ask("published") if nameless else []
    published = {Name(row["schema"], row["name"]): row["publication"] for row in rows}
    broken = [name for name in nameless if name in published]
    quiet = [name for name in nameless if name not in published]
    if broken:
        yield scene.found(
            "replica_identity.published", Severity.WARNING,
            "Published without a replica identity: UPDATE and DELETE of these tables fail",
            (f"{name}: publication {published[name]}" for name in broken),
            fix=lines(f"ALTER TABLE {name.sql} REPLICA IDENTITY FULL;" for name in broken), tables=broken,
        )
    if quiet:
        yield scene.found(
            "replica_identity.missing", Severity.NOTE, "Live sync could not follow these tables: no replica identity",
            map(str, quiet), fix=lines(map(_identify, map(nameless.__getitem__, quiet))), tables=quiet,
        )


def _identify(table: Table) -> str:
    """The cheapest way to an identity: a unique index over NOT NULL columns, else the whole row."""
    required = {column.name for column in table.columns if column.not_null}
    for index in table.indexes:
        whole = index.unique and index.immediate and index.valid and not index.partial and not index.expressions
        if whole and set(index.columns) <= required:
            return f"ALTER TABLE {table.name.sql} REPLICA IDENTITY USING INDEX {quote(index.name)};"
    return f"ALTER TABLE {table.name.sql} REPLICA IDENTITY FULL;  -- or give it a primary key"
