"""transform: keep the target's schema, move the rows through the mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from crosswalk import __version__
from crosswalk.express import Facts, Landing, Motion
from crosswalk.fingerprint import fingerprint
from crosswalk.ledger import Tally
from crosswalk.mapping import Fold, Lookup, MappingFile
from crosswalk.names import Name, parse, quote
from crosswalk.plan import Hazard, Plan, Statement, TablePlan, sealed
from crosswalk.schema import Schema, Table, Trigger, TriggerState
from crosswalk.strategy.order import Ordered, fill_order

ROWS_PER_SECOND: Final = {"direct": 250_000.0, "twin": 60_000.0}
BYTES_PER_SECOND: Final = {"direct": 60e6, "twin": 25e6}
_ENABLE: Final = {
    TriggerState.ORIGIN: "ENABLE TRIGGER",
    TriggerState.ALWAYS: "ENABLE ALWAYS TRIGGER",
    TriggerState.REPLICA: "ENABLE REPLICA TRIGGER",
}


def rewriting_triggers(table: Table) -> Iterator[Trigger]:
    """User triggers that would fire for our rows, clones of a parent's too; constraint triggers only check and stay on.

    Those of DELETE too: a row of ours that finds no parent is taken out again, and that is not the application's doing.
    """
    for trigger in table.triggers:
        fires = trigger.state in {TriggerState.ORIGIN, TriggerState.ALWAYS}
        if fires and not trigger.constraint and {"insert", "update", "delete"} & set(trigger.events):
            yield trigger


def _trigger_statements(schema: Schema, table: Table) -> Iterator[Statement]:
    root = set()
    for trigger in rewriting_triggers(table):
        root.add(trigger.name)
        restore = [f"ALTER TABLE {table.name.sql} {_ENABLE[trigger.state]} {quote(trigger.name)}"]
        restore += _partition_states(schema, table, trigger)
        yield _switched_off(table, trigger, f"ALTER TABLE {table.name.sql}", "; ".join(restore))
    for part in _leaves(schema, table):
        for trigger in rewriting_triggers(part):
            if trigger.inherited and trigger.name in root:
                continue  # the root's statement reaches it
            alter = f"ALTER TABLE ONLY {part.name.sql}"
            yield _switched_off(part, trigger, alter, f"{alter} {_ENABLE[trigger.state]} {quote(trigger.name)}")


def _switched_off(table: Table, trigger: Trigger, alter: str, restore: str) -> Statement:
    return Statement(
        phase="before",
        table=str(table.name),
        kind="trigger",
        name=trigger.name,
        hazard=Hazard.DISABLES_TRIGGERS,
        sql=f"{alter} DISABLE TRIGGER {quote(trigger.name)}",
        restore=restore,
    )


def unplanned_triggers(facts: Facts, plan: Plan) -> list[tuple[str, str]]:
    """(table, trigger) of what would fire now and is not in the plan."""
    planned = {(s.table, s.name) for s in plan.statements if s.kind == "trigger"}
    now = [s for name in plan.order for s in _trigger_statements(facts.target, facts.target_table(name))]
    return [(s.table, s.name) for s in now if (s.table, s.name) not in planned]


def _leaves(schema: Schema, table: Table) -> Iterator[Table]:
    for part in schema.partitions(table.name):
        yield part
        yield from _leaves(schema, part)


def _partition_states(schema: Schema, table: Table, trigger: Trigger) -> Iterator[str]:
    """Partitions whose copy of a trigger stands otherwise than their parent's."""
    for part in _leaves(schema, table):
        for own in part.triggers:
            if own.name == trigger.name and own.inherited and own.state is not trigger.state:
                verb = _ENABLE.get(own.state, "DISABLE TRIGGER")
                yield f"ALTER TABLE ONLY {part.name.sql} {verb} {quote(own.name)}"


def _key_statements(ordered: Ordered) -> Iterator[Statement]:
    for table, key in ordered.circular:
        yield Statement(
            phase="before",
            table=str(table),
            kind="foreign key",
            name=key.name,
            hazard=Hazard.DROPS_FOREIGN_KEYS,
            sql=f"ALTER TABLE {table.sql} DROP CONSTRAINT {quote(key.name)}",
            restore=f"ALTER TABLE {table.sql} ADD CONSTRAINT {quote(key.name)} {key.definition}",
        )


def _existing(facts: Facts, occupied: Mapping[Name, int], table: Name) -> Hazard | None:
    if not occupied.get(table):
        return None
    return {"keep": Hazard.KEEPS_EXISTING_ROWS, "update": Hazard.UPDATES_EXISTING_ROWS}.get(
        facts.mapping(table).existing
    )


def _table_plan(facts: Facts, name: Name, tally: Tally | None) -> TablePlan:
    motion = Motion(facts, name)
    landing = Landing(motion)
    mapping = motion.mapping
    way: Literal["direct", "twin"] = "direct" if landing.can_land_directly else "twin"
    folded = tuple(c for rule in mapping.columns.values() if isinstance(rule, Fold) for c in rule.fold)
    fed = {f.column.name for f in motion.fed}
    expected = {}
    if tally is not None:
        expected = {part: getattr(tally, part) for part in ("extracted", "loaded", "merged", "quarantined", "filtered")}
    return TablePlan(
        target=str(name),
        source=str(motion.source.name),
        rows=motion.source.rows,
        bytes=motion.source.bytes,
        way=way,
        format="binary" if (landing.direct_form if way == "direct" else landing.twin_form) == "binary" else "text",
        fed=len(fed),
        defaulted=tuple(c for c in motion.target.column_names if c not in fed),
        folded=folded,
        dropped={column: drop.why for column, drop in mapping.drop.items()},
        key_map=motion.needs_key_map,
        lookups=tuple(
            f"{column} ← {rule.lookup.table}.{rule.lookup.take}"
            for column, rule in mapping.columns.items()
            if isinstance(rule, Lookup)
        ),
        expected=expected,
    )


def estimate(tables: Iterable[TablePlan]) -> float:
    """Seconds that the copy may take on two cores; a guess by rows and bytes."""
    return round(0.5 + sum(max(t.rows / ROWS_PER_SECOND[t.way], t.bytes / BYTES_PER_SECOND[t.way]) for t in tables), 1)


def _server(schema: Schema, url: str, cluster: str) -> dict[str, str]:
    version = f"{schema.server_version // 10000}.{schema.server_version % 10000}"
    return {"version": version, "database": schema.database, "role": schema.role, "url": url, "cluster": cluster}


def plan_transform(
    facts: Facts,
    file: MappingFile,
    *,
    urls: tuple[str, str],
    clusters: tuple[str, str] = ("", ""),
    occupied: Mapping[Name, int],
    tallies: Iterable[Tally] = (),
    warnings: Iterable[str] = (),
) -> Plan:
    """The plan. `urls` are masked, `clusters` tell databases apart (see `Session.cluster`).

    `occupied` gives the rows that stand in target tables that are not ours.
    """
    ordered = fill_order(facts)
    counted = {t.target: t for t in tallies}
    tables = tuple(_table_plan(facts, name, counted.get(name)) for name in ordered.tables)
    statements = [
        Statement(
            phase="before", table="", kind="ledger", name="crosswalk", sql="CREATE SCHEMA IF NOT EXISTS crosswalk"
        )
    ]
    for name in ordered.tables:
        statements += _trigger_statements(facts.target, facts.target_table(name))
    statements += _key_statements(ordered)
    for table in tables:
        target = parse(table.target)
        statements.append(
            Statement(
                phase="load",
                table=table.target,
                kind="copy",
                name=table.source,
                hazard=_existing(facts, occupied, target),
                sql=f"COPY {target.sql} FROM {table.source} -- {table.way}, {table.format}, about {table.rows} rows",
            )
        )
    statements.append(
        Statement(
            phase="after", table="", kind="sequence", sql="SELECT setval(…) -- sequences that are behind their column"
        )
    )
    without = tuple((str(table), key.name) for table, key in ordered.circular)
    dropped = {(table, key.name) for table, key in ordered.circular}
    prints = (
        fingerprint(facts.source, {m.source for m in facts.document.by_target.values()}),
        fingerprint(facts.target, facts.document.by_target, without=dropped),
    )
    return sealed(
        Plan(
            id="",
            version=__version__,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            strategy="transform",
            mapping_path=file.path,
            document=file.text,
            source=_server(facts.source, urls[0], clusters[0]),
            target=_server(facts.target, urls[1], clusters[1]),
            source_fingerprint=prints[0],
            target_fingerprint=prints[1],
            without=without,
            tables=tables,
            preserved=tuple(str(name) for name in facts.document.preserved),
            statements=tuple(statements),
            seconds=estimate(tables),
            warnings=tuple(warnings),
        )
    )
