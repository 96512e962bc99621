"""What is not judged beforehand, and why: a check says what it covered. Pure.

`uncovered` names rules of the target that only the load can apply; `watchful` the triggers that stay on and may
refuse rows, of which nobody can say beforehand what they do.
"""

from __future__ import annotations

from collections.abc import Iterator

from crosswalk.express import Facts, Motion
from crosswalk.express.computed import computed
from crosswalk.express.domains import domain_checks, domains_of, element_of
from crosswalk.express.partitions import homeless
from crosswalk.express.together import foreign_keys, rules_together
from crosswalk.names import Name
from crosswalk.schema import Schema, Table, Trigger, TriggerState


def uncovered(facts: Facts, name: Name) -> Iterator[str]:
    """A sentence for each rule of a table that is left to the load."""
    motion = Motion(facts, name)
    yield from rules_together(motion)[1]
    yield from _of_partitions_alone(motion)
    yield from foreign_keys(motion)[1]
    yield from computed(motion)[1]
    yield from _checks(motion)
    for column in motion.target.columns:
        if column.generated:
            yield f"{name}: {column.name} (the target computes it): its own limits are left to the load"


def _of_partitions_alone(motion: Motion) -> Iterator[str]:
    """Rules that single partitions have of their own."""
    waiting = [*motion.facts.target.partitions(motion.name)]
    while waiting:
        part = waiting.pop()
        waiting += motion.facts.target.partitions(part.name)
        own = [i.name for i in part.indexes if not i.inherited and (i.unique or i.constraint or i.expressions or i.partial)]
        own += [c.name for c in (*part.checks, *part.foreign_keys) if not c.inherited]
        own += [f"NOT NULL of {c.name}" for c in part.columns if c.not_null and not _not_null(motion, c.name)]
        if own:
            yield f"{part.name}: {', '.join(sorted(own))} (a rule of this partition alone): left to the load"


def _not_null(motion: Motion, name: str) -> bool:
    column = motion.target.column(name)
    return column is not None and column.not_null


def _checks(motion: Motion) -> Iterator[str]:
    allowed = motion.facts.checks.get(motion.name, ())
    for check in motion.target.checks:
        if f"check:{check.name}" not in allowed:
            yield f"{motion.name}: {check.name} (the source cannot evaluate it over the mapped row): left to the load"
    for each in (c for fed in motion.fed for c in domain_checks(motion.facts.target, fed.column)):
        if each.handle not in allowed:
            why = f"the source cannot evaluate the check {each.name} of the domain {each.domain}"
            yield f"{motion.name}: {each.column.name} ({why}): left to the load"
    for fed in motion.fed:
        element = element_of(fed.column.type)
        if element is not None and any(d.not_null for d in domains_of(motion.facts.target, element)):
            yield f"{motion.name}: {fed.column.name} (its elements are of a domain that is NOT NULL): left to the load"
    if homeless(motion.facts.target, motion.target) is not None and "partition" not in allowed:
        yield f"{motion.name}: its partitions (the source cannot evaluate their bounds): left to the load"


def watchful(facts: Facts, name: Name) -> Iterator[Trigger]:
    """Constraint triggers that fire for our rows: the plan leaves them on, for they only check."""
    for table in (facts.target_table(name), *_leaves(facts.target, facts.target_table(name))):
        for trigger in table.triggers:
            fires = trigger.state in {TriggerState.ORIGIN, TriggerState.ALWAYS}
            if trigger.constraint and fires and not trigger.inherited and {"insert", "update"} & set(trigger.events):
                yield trigger


def silenced(facts: Facts, name: Name) -> Iterator[str]:
    """Each trigger that would rewrite or refuse rows, were it not switched off for the move."""
    for trigger in facts.target_table(name).triggers:
        fires = trigger.state in {TriggerState.ORIGIN, TriggerState.ALWAYS}
        if fires and not trigger.constraint and {"insert", "update"} & set(trigger.events):
            yield f"{name}.{trigger.name}"


def _leaves(schema: Schema, table: Table) -> Iterator[Table]:
    for part in schema.partitions(table.name):
        yield part
        yield from _leaves(schema, part)
