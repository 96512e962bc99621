"""What is off while rows come, since it must be or since it costs time, and how each comes back exactly as it was. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from crosswalk.express import Facts
from crosswalk.express.computed import harmless
from crosswalk.names import Name, quote
from crosswalk.plan import Hazard, Plan, Statement
from crosswalk.schema import Constraint, Index, RelationKind, Schema, Table, Trigger, TriggerState

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


def trigger_statements(schema: Schema, table: Table) -> Iterator[Statement]:
    """What keeps the triggers of a table and of its partitions from firing for our rows."""
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


def unplanned(facts: Facts, plan: Plan, *, leaving: Collection[Name] = ()) -> list[Statement]:
    """What would keep the triggers from firing that would fire now and that the plan does not switch off.

    Tables that are not there yet have none, and those of what the plan moves out of the way (`leaving`) go along.
    """
    planned = {(s.table, s.name) for s in plan.statements if s.kind == "trigger" and s.phase == "before"}
    names = [name for name in plan.order if name in facts.target.tables and name not in leaving]
    now = [s for name in names for s in trigger_statements(facts.target, facts.target_table(name))]
    return [s for s in now if (s.table, s.name) not in planned]


def unplanned_triggers(facts: Facts, plan: Plan, *, leaving: Collection[Name] = ()) -> list[tuple[str, str]]:
    """(table, trigger) of what would fire now and is not in the plan."""
    return [(s.table, s.name) for s in unplanned(facts, plan, leaving=leaving)]


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


def key_statements(circular: Iterable[tuple[Name, Constraint]]) -> Iterator[Statement]:
    """Foreign keys that lie in a circle: dropped for the load and added again."""
    for table, key in circular:
        yield _dropped_key(table, key, if_empty=False)


def _dropped_key(table: Name, key: Constraint, *, if_empty: bool) -> Statement:
    return Statement(
        phase="before",
        table=str(table),
        kind="foreign key",
        name=key.name,
        hazard=Hazard.DROPS_FOREIGN_KEYS,
        sql=f"ALTER TABLE {table.sql} DROP CONSTRAINT {quote(key.name)}",
        restore=f"ALTER TABLE {table.sql} ADD CONSTRAINT {quote(key.name)} {key.definition}",
        if_empty=if_empty,
    )


# --- what a table is loaded faster without ------------------------------------------------------


def bare_statements(table: Table, *, without: Collection[tuple[Name, str]], preserved: Collection[Name]) -> Iterator[Statement]:
    """What leaves an empty table without its secondary indexes and foreign keys for the load.

    `without` names keys that do not stand then anyway; those into `preserved` tables stay, for no statement touches
    these. What tells rows apart (unique indexes, what a constraint stands on) stays: rows are judged and merged by it.
    """
    for key in table.foreign_keys:
        if not key.inherited and (table.name, key.name) not in without and key.references not in preserved:
            yield _dropped_key(table.name, key, if_empty=True)
    if table.kind is RelationKind.TABLE and table.partition_of is None:
        yield from (_dropped_index(table.name, index) for index in table.indexes if _is_secondary(index))


def _is_secondary(index: Index) -> bool:
    """Nothing but queries stand on it, and it can be made again from its definition.

    One whose entries may raise for a row stays: rows are judged by it, before they move and whenever a run goes on.
    """
    stands_alone = index.constraint is None and index.parent is None and not index.inherited
    computes = (*(key for key, name in zip(index.keys, index.columns, strict=False) if not name), index.predicate or "")
    return stands_alone and index.valid and not index.unique and not index.clustered and all(map(harmless, computes))


def _dropped_index(table: Name, index: Index) -> Statement:
    return Statement(
        phase="before",
        table=str(table),
        kind="index",
        name=index.name,
        hazard=Hazard.REBUILDS_INDEXES,
        sql=f"DROP INDEX {Name(table.schema, index.name).sql}",
        restore=index.definition,
        if_empty=True,
    )
