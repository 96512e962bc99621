"""What comes after the rows: views, triggers, rules, row security, policies, statistics, grants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from crosswalk.ddl.grants import Granted, policy_roles
from crosswalk.ddl.steps import Key, Step, relation_key, schema_key, step
from crosswalk.ddl.tables import comments, options
from crosswalk.ddl.typedefs import comment
from crosswalk.names import Name, quote
from crosswalk.plan import Phase
from crosswalk.schema import Policy, RelationKind, Table, TriggerState

_STATES: Final = {
    TriggerState.ORIGIN: "ENABLE", TriggerState.DISABLED: "DISABLE", TriggerState.REPLICA: "ENABLE REPLICA",
    TriggerState.ALWAYS: "ENABLE ALWAYS",
}
EVERYBODY: Final = "public"


def view(found: Table, query: str, after: Iterable[Key], granted: Granted, *, early: bool) -> Step:
    """A view, or a materialized view filled as it is made."""
    word = "VIEW" if found.kind is RelationKind.VIEW else "MATERIALIZED VIEW"
    said = f" WITH ({options(found.options)})" if found.options else ""
    body = query.strip().removesuffix(";")
    data = " WITH NO DATA" if not found.populated else ""
    sql = [f"CREATE {word} {found.name.sql}{said} AS\n{body}{data}"]
    sql += [
        f"ALTER VIEW {found.name.sql} ALTER COLUMN {quote(c.name)} SET DEFAULT {c.default}"
        for c in found.columns if c.default is not None
    ]
    sql += [*granted.at_once, *comments(found, word)]
    phase: Phase = "shape" if early else "complete"
    return step(
        relation_key(found.name), sql, undo=f"DROP {word} {found.name.sql}", table=found.name,
        after=[schema_key(found.name), *after], phase=phase,
    )


def refresh(found: Table, after: Iterable[Key]) -> Step:
    """Fills a materialized view that had to stand before the rows; what reads it waits for that."""
    text = f"REFRESH MATERIALIZED VIEW {found.name.sql}"
    return step(
        refresh_key(found.name), text, undo=f"{text} WITH NO DATA", table=found.name,
        after=[relation_key(found.name), *after], phase="complete",
    )


def refresh_key(name: Name) -> Key:
    return ("filled", str(name))


def triggers(table: Table, parts: Iterable[Table], after: Iterable[Key]) -> Iterator[Step]:
    """Each trigger in its own state; its copies on partitions come with it, in theirs."""
    needs = [relation_key(table.name), *after]
    for trigger in table.triggers:
        if trigger.inherited:
            continue
        name = quote(trigger.name)
        sql = [trigger.definition]
        if trigger.state is not TriggerState.ORIGIN:
            sql.append(f"ALTER TABLE {table.name.sql} {_STATES[trigger.state]} TRIGGER {name}")
        for part in parts:
            for copy in part.triggers:
                if copy.inherited and copy.name == trigger.name and copy.state is not trigger.state:
                    sql.append(f"ALTER TABLE ONLY {part.name.sql} {_STATES[copy.state]} TRIGGER {name}")
        sql += comment(f"TRIGGER {name} ON {table.name.sql}", trigger.comment)
        yield step(
            ("trigger", str(table.name), trigger.name), sql, undo=f"DROP TRIGGER {name} ON {table.name.sql}",
            table=table.name, after=needs, phase="complete",
        )


def rules(table: Table, after: Iterable[Key]) -> Iterator[Step]:
    for rule in table.rules:
        on = f"RULE {quote(rule.name)} ON {table.name.sql}"
        sql = [rule.definition]
        if rule.state is not TriggerState.ORIGIN:
            sql.append(f"ALTER TABLE {table.name.sql} {_STATES[rule.state]} RULE {quote(rule.name)}")
        yield step(
            ("rule", str(table.name), rule.name), [*sql, *comment(on, rule.comment)], undo=f"DROP {on}",
            table=table.name, after=[relation_key(table.name), *after], phase="complete",
        )


def statistics(table: Table) -> Iterator[Step]:
    for each in table.statistics:
        sql = [each.definition]
        if each.target is not None:
            sql.append(f"ALTER STATISTICS {each.name.sql} SET STATISTICS {each.target}")
        sql += comment(f"STATISTICS {each.name.sql}", each.comment)
        yield step(
            ("statistics", str(each.name)), sql, undo=f"DROP STATISTICS {each.name.sql}", table=table.name,
            after=[relation_key(table.name), schema_key(each.name)], phase="complete",
        )


def row_security(table: Table) -> Iterator[Step]:
    """Switched on before its policies: at no moment are more rows to be seen than in the end."""
    alter = f"ALTER TABLE ONLY {table.name.sql}"
    on, off = [], []
    if table.row_security.enabled:
        on.append(f"{alter} ENABLE ROW LEVEL SECURITY")
        off.append(f"{alter} DISABLE ROW LEVEL SECURITY")
    if table.row_security.forced:
        on.append(f"{alter} FORCE ROW LEVEL SECURITY")
        off.append(f"{alter} NO FORCE ROW LEVEL SECURITY")
    if on:
        yield step(
            ("row security", str(table.name)), on, undo=";\n".join(off), table=table.name,
            after=[relation_key(table.name)], phase="complete",
        )


def present(policy: Policy, roles: Collection[str]) -> tuple[str, ...]:
    """Those of its roles that exist."""
    return tuple(role for role in policy.roles if role == EVERYBODY or role in roles)


def policies(table: Table, roles: Collection[str], after: Iterable[Key]) -> Iterator[Step]:
    """A policy none of whose roles exists is left out: it must not become everybody's."""
    for policy in table.policies:
        names = present(policy, roles)
        if not names:
            continue
        on = f"POLICY {quote(policy.name)} ON {table.name.sql}"
        sql = f"CREATE {on} AS {'PERMISSIVE' if policy.permissive else 'RESTRICTIVE'} FOR {policy.command}"
        sql += f" TO {policy_roles(names)}"
        sql += f" USING ({policy.using})" if policy.using is not None else ""
        sql += f" WITH CHECK ({policy.check})" if policy.check is not None else ""
        yield step(
            ("policy", str(table.name), policy.name), [sql, *comment(on, policy.comment)], undo=f"DROP {on}",
            table=table.name, after=[relation_key(table.name), ("row security", str(table.name)), *after],
            phase="complete",
        )


def grants(granted: Iterable[Granted], *, makes: Key, table: Name | None = None) -> Iterator[Step]:
    """All grants on one object."""
    found = list(granted)
    sql = [text for each in found for text in each.later]
    undo = [text for each in found for text in each.undo]
    if sql:
        yield step(
            ("grants", *makes), sql, undo=";\n".join(undo), table=table, after=[makes], phase="complete",
        )


