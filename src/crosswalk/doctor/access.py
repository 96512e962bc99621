"""Checks of privileges and of row-level security: may this role read and write all that it must?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Scene
from crosswalk.names import Name, quote
from crosswalk.schema import Table, TriggerState

_WRITES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
LEDGER: Final = "crosswalk"
"""The schema of the ledger in the target."""


def lines(statements: Iterable[str]) -> str:
    """Statements without repetition, one a line."""
    return "\n".join(dict.fromkeys(statements))


def _names(tables: Iterable[Table]) -> tuple[Name, ...]:
    return tuple(table.name for table in tables)


async def schema_usage(scene: Scene) -> AsyncIterator[Finding]:
    """Without USAGE on a schema no table in it can be touched."""
    used = sorted({table.name.schema for table in scene.tables})
    shut = {row["name"] for row in await scene.ask("schema_usage", used)}
    if shut:
        yield scene.found(
            "privileges.schema", Severity.BLOCKER, "The role may not use these schemas", sorted(shut),
            fix=lines(f"GRANT USAGE ON SCHEMA {quote(s)} TO {quote(scene.session.role)};" for s in sorted(shut)),
            tables=_names(t for t in scene.tables if t.name.schema in shut),
        )


async def readable(scene: Scene) -> AsyncIterator[Finding]:
    """Every column of every source table must be readable: nothing is lost by silence."""
    shut = [t for t in scene.tables if not all(column.selectable for column in t.columns)]
    if not shut:
        return
    evidence = []
    for table in shut:
        hidden = [column.name for column in table.columns if not column.selectable]
        some = len(hidden) < len(table.columns)
        evidence.append(f"{table.name}" + (f": columns {', '.join(hidden)}" if some else ""))
    yield scene.found(
        "privileges.select", Severity.BLOCKER, "The role may not read these tables", evidence,
        fix=lines(f"GRANT SELECT ON {t.name.sql} TO {quote(scene.session.role)};" for t in shut),
        tables=_names(shut),
    )


async def writable(scene: Scene) -> AsyncIterator[Finding]:
    """Copy, merge and repair insert, update and delete; verify reads."""
    shut = {t: [p for p in _WRITES if p not in t.privileges] for t in scene.tables}
    lacking = {table: missing for table, missing in shut.items() if missing}
    if lacking:
        yield scene.found(
            "privileges.write", Severity.BLOCKER, "The role may not write these tables",
            (f"{table.name}: no {', '.join(missing)}" for table, missing in lacking.items()),
            fix=lines(
                f"GRANT {', '.join(missing)} ON {table.name.sql} TO {quote(scene.session.role)};"
                for table, missing in lacking.items()
            ),
            tables=_names(lacking),
        )


async def owned(scene: Scene) -> AsyncIterator[Finding]:
    """Only an owner may switch triggers off and change a table; it blocks where triggers fire."""
    foreign = [table for table in scene.tables if "OWNER" not in table.privileges]
    firing = [t for t in foreign if any(g.state is not TriggerState.DISABLED for g in t.triggers)]
    rest = [table for table in foreign if table not in firing]
    for tables, severity, title in (
        (firing, Severity.BLOCKER, "Triggers fire on these tables, and only their owner may switch them off"),
        (rest, Severity.WARNING, "The role does not own these tables: it cannot change them or their triggers"),
    ):
        if tables:
            yield scene.found(
                "privileges.owner", severity, title, (f"{t.name}: owned by {t.owner}" for t in tables),
                fix=lines(
                    f"GRANT {quote(t.owner)} TO {quote(scene.session.role)};  -- or connect as {t.owner}"
                    for t in tables
                ),
                tables=_names(tables),
            )


async def database_privileges(scene: Scene) -> AsyncIterator[Finding]:
    """The ledger needs a schema of its own, merges need temporary tables."""
    [row] = await scene.ask("database_privileges", LEDGER)
    database, role = quote(scene.session.database), quote(scene.session.role)
    if row["foreign_ledger"] is not None:
        yield scene.found(
            "privileges.ledger", Severity.BLOCKER, f"The ledger (schema {LEDGER}) belongs to another role",
            (f"owned by {row['foreign_ledger']}",), fix=f"GRANT {quote(row['foreign_ledger'])} TO {role};",
        )
    elif not row["create"] and not row["ledger"]:
        yield scene.found(
            "privileges.ledger", Severity.BLOCKER, f"The role may not create the schema {LEDGER} for the ledger",
            (f"no CREATE on database {scene.session.database}",), fix=f"GRANT CREATE ON DATABASE {database} TO {role};",
        )
    if not row["temporary"]:
        yield scene.found(
            "privileges.temp", Severity.BLOCKER, "The role may not make temporary tables, which merging rows needs",
            (f"no TEMPORARY on database {scene.session.database}",),
            fix=f"GRANT TEMPORARY ON DATABASE {database} TO {role};",
        )


def _hidden(table: Table) -> str:
    forced = "forced on the owner too" if table.row_security.forced else "on"
    return f"{table.name}: row security {forced}, {len(table.policies)} policies, owned by {table.owner}"


def _unhide(table: Table, role: str) -> str:
    if "OWNER" in table.privileges:
        return f"ALTER TABLE {table.name.sql} NO FORCE ROW LEVEL SECURITY;"
    return f"ALTER ROLE {quote(role)} BYPASSRLS;"


async def row_security(scene: Scene) -> AsyncIterator[Finding]:
    """A policy that hides rows loses them without a word; our sessions turn that into an error."""
    hiding = [table for table in scene.tables if table.row_security.hides]
    if hiding:
        yield scene.found(
            "rls.hides", Severity.BLOCKER, "Row-level security hides rows of these tables from the role",
            map(_hidden, hiding), fix=lines(_unhide(t, scene.session.role) for t in hiding), tables=_names(hiding),
        )
    quiet = [table for table in scene.heaps if table.row_security.hides and table not in scene.tables]
    if quiet:
        yield scene.found(
            "rls.partitions", Severity.NOTE, "Partitions hide rows from whoever reads them directly; we read their parent",
            map(_hidden, quiet), tables=_names(quiet),
        )


async def sequences(scene: Scene) -> AsyncIterator[Finding]:
    """The source's tell how far they are beyond the rows, the target's must be set."""
    fed = {(s, t.name) for t in scene.tables for s in scene.schema.fed_by_sequences.get(t.name, {}).values()}
    target, known = scene.side == "target", scene.schema.sequences
    shut = sorted({(s, t) for s, t in fed if not (known[s].settable if target else known[s].readable)})
    if shut:
        rights, role = "SELECT, UPDATE" if target else "SELECT", quote(scene.session.role)
        yield scene.found(
            "privileges.sequences", Severity.BLOCKER if target else Severity.WARNING,
            "The role may not set these sequences" if target
            else "The role may not read these sequences: only the rows tell how far they must be",
            (f"{sequence}: feeds {table}" for sequence, table in shut),
            fix=lines(f"GRANT {rights} ON SEQUENCE {sequence.sql} TO {role};" for sequence, _ in shut),
            tables=dict.fromkeys(table for _, table in shut),
        )
