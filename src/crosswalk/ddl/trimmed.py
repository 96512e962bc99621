"""What cannot come along and is left out, each with a word: keys to tables that do not move, roles that do not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from crosswalk.ddl.finish import present
from crosswalk.ddl.hurdles import views_left
from crosswalk.ddl.keys import unfinished
from crosswalk.ddl.standing import types
from crosswalk.ddl.wanted import Wanted, function_thing
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.schema import Constraint, RelationKind, Schema, Table, Thing


def trimmed(wanted: Wanted, target: Schema, *, skipped: Collection[Name]) -> tuple[Wanted, list[str]]:
    """The same without what is left out, and a warning for each."""
    warnings: list[str] = []
    names = {table.name for table in wanted.tables}
    tables = tuple(_table(table, names, target, warnings) for table in wanted.tables)
    views = tuple(_table(view, names, target, warnings) for view in wanted.views if view.name not in skipped)
    warnings += _general(wanted, target)
    return replace(wanted, tables=tables, views=views), warnings


def _table(table: Table, names: Collection[Name], target: Schema, warnings: list[str]) -> Table:
    constraints = tuple(c for c in table.constraints if c.references is None or c.references in names)
    for key in _lost(table.constraints, constraints):
        warnings.append(f"{table.name}: the foreign key {key.name} is left out: {key.references} does not move")
    for policy in table.policies:
        absent = ", ".join(sorted(set(policy.roles) - set(present(policy, target.roles))))
        if absent:
            warnings.append(f"{table.name}: the policy {policy.name} is for {absent}, who is no role of the target")
    policies = tuple(
        replace(policy, roles=here) for policy in table.policies if (here := present(policy, target.roles))
    )
    left = unfinished(table)
    warnings += [f"{table.name}: the index {name} is left out: it was never finished" for name in left]
    warnings += [f"{table.name}: {word}; that is not carried over" for word in table.apart]
    unlogged = table.persistence == "unlogged" and table.kind is RelationKind.PARTITIONED and target.major >= 18
    return replace(
        table, constraints=constraints, policies=policies,
        indexes=tuple(index for index in table.indexes if index.name not in left),
        persistence="permanent" if unlogged else table.persistence,
    )


def _lost(before: Iterable[Constraint], after: Collection[Constraint]) -> Iterator[Constraint]:
    return (key for key in before if key not in after and not key.inherited)


def _general(wanted: Wanted, target: Schema) -> Iterator[str]:
    """What holds for the whole schema."""
    functions = [f for f in wanted.source.functions if function_thing(f) not in wanted.things]
    if functions:
        names = ", ".join(sorted(str(function.name) for function in functions)[:10])
        yield f"{len(functions)} functions of the source that have nothing to do with these tables stay behind: {names}"
    loose = [s.name for s in wanted.source.sequences.values() if s.owner_table is None]
    alone = sorted(str(name) for name in loose if Thing(kind="sequence", name=name) not in wanted.things)
    if alone:
        named = ", ".join(alone[:10])
        yield f"{plural(len(alone), 'sequence')} of the source that no column of these tables draws from stay behind: {named}"
    free = types(wanted.source).keys() - wanted.source.brought_types
    idle = sorted(str(name) for name in free if Thing(kind="type", name=name) not in wanted.things)
    if idle:
        yield f"{plural(len(idle), 'type')} of the source that nothing of this uses stay behind: {', '.join(idle[:10])}"
    bare = sorted(wanted.source.namespaces.keys() - target.namespaces.keys() - _homes(wanted))
    if bare:
        yield f"{plural(len(bare), 'schema')} of the source of which nothing moves stay behind: {', '.join(bare[:10])}"
    views = sorted(map(str, views_left(wanted)))
    if views:
        yield f"{len(views)} views of the source stand on what does not move and stay behind: {', '.join(views[:10])}"
    for function in wanted.functions:
        if function.security_definer:
            yield f"the function {function.name} runs with its owner's rights: from now on those of {target.role}"
    owners = sorted({table.owner for table in wanted.relations} - {target.role, ""})
    if owners:
        yield f"what is made belongs to {target.role}; in the source to {', '.join(owners)}"
    for each in wanted.source.unread:
        yield f"{each} of the source is not carried over"


def _homes(wanted: Wanted) -> set[str]:
    """Schemas of what comes along."""
    return {table.name.schema for table in wanted.relations} | {thing.name.schema for thing in wanted.things}
