"""What the connected roles may not see or do, told before anything is begun. Pure: the catalogs say it.

A role that row-level security would keep rows from, or that may read some columns of a table only, is refused
before a row is read: PostgreSQL locks and counts whole tables, and nothing is left out in silence. What a run
writes (rows, the ledger, temporary tables, sequences, triggers that it switches off) is asked for before its
first write, so that it does not stop half-way for want of a GRANT.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Side
from crosswalk.errors import ColumnsUnreadable, RightsMissing, RowsHidden
from crosswalk.mapping import Document
from crosswalk.names import Name, parse, quote
from crosswalk.plan import Plan
from crosswalk.schema import Schema, Table

TOLD: Final = 6
"""Lacks that an error names; `crosswalk doctor` names all."""
_WRITES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that a role may not do."""

    what: str
    fix: str
    """The statement that heals it."""


def require_sight(document: Document, source: Schema, target: Schema) -> None:
    """Raises RowsHidden and ColumnsUnreadable.

    Of a partitioned table the root decides: nobody who reads through it meets the policies of its partitions.
    """
    for name, mapping in document.by_target.items():
        sides: tuple[tuple[Side, Table | None], ...] = (
            ("source", source.tables.get(mapping.source)),
            ("target", target.tables.get(name)),
        )
        for side, table in sides:
            if table is not None and table.row_security.hides:
                forced = " and forced on its owner too" if table.row_security.forced else ""
                raise RowsHidden(side=side, table=table.name, reason=f"it is on{forced}")
    for mapping in document.by_target.values():
        _require_columns(source, mapping.source)
    _require_tables(document, source)


def _require_tables(document: Document, source: Schema) -> None:
    """All tables of which nothing may be read, with what heals it."""
    found = (source.tables.get(mapping.source) for mapping in document.by_target.values())
    shut = [t for t in found if t is not None and t.columns and not any(c.selectable for c in t.columns)]
    if shut:
        lacks = [_of_sight(t, quote(source.role)) for t in shut]
        what, fix = _some([x.what for x in lacks], "; "), _some([x.fix for x in lacks], " ")
        raise RightsMissing(side="source", role=source.role, what=what, fix=fix)


def _of_sight(table: Table, role: str) -> Lack:
    """The catalog does not say whether it is the table or its schema that is closed."""
    schema = table.name.schema
    opened = "" if schema == "public" else f"GRANT USAGE ON SCHEMA {quote(schema)} TO {role}; "
    return Lack(
        what=f"no SELECT on {table.name}" + (f", or no USAGE on the schema {schema}" if opened else ""),
        fix=f"{opened}GRANT SELECT ON {table.name.sql} TO {role};",
    )


def _require_columns(source: Schema, name: Name) -> None:
    table = source.tables.get(name)
    shut = [column.name for column in table.columns if not column.selectable] if table is not None else []
    if table is not None and 0 < len(shut) < len(table.columns):
        raise ColumnsUnreadable(side="source", role=source.role, table=name, sql=name.sql, columns=", ".join(shut))


def require_rights(
    plan: Plan, document: Document, target: Schema, *, ledger: bool, leaving: Collection[Name] = ()
) -> None:
    """Raises RightsMissing where the target's role may not do what the plan will.

    `ledger`: it stands already. `leaving` is moved out of the way before a row comes.
    """
    found = tuple(_lacking(plan, document, target, ledger, leaving))
    if found:
        raise RightsMissing(
            side="target",
            role=target.role,
            what=_some([lack.what for lack in found], "; "),
            fix=_some([lack.fix for lack in found], " "),
        )


def _some(texts: list[str], between: str) -> str:
    """As many as a reader takes in."""
    once = list(dict.fromkeys(texts))
    more = f"{between}… and {len(once) - TOLD} more" if len(once) > TOLD else ""
    return between.join(once[:TOLD]) + more


def _lacking(
    plan: Plan, document: Document, target: Schema, ledger: bool, leaving: Collection[Name]
) -> Iterator[Lack]:
    role, database = quote(target.role), quote(target.database)
    if not target.may_create and not ledger:
        yield Lack(
            what=f"no CREATE on the database {target.database}, for the ledger's schema",
            fix=f"GRANT CREATE ON DATABASE {database} TO {role};",
        )
    if not target.may_make_temporary:
        yield Lack(
            what=f"no TEMPORARY on the database {target.database}, for merging rows",
            fix=f"GRANT TEMPORARY ON DATABASE {database} TO {role};",
        )
    for name in document.by_target:
        if name in target.tables and name not in leaving:
            yield from _of_rows(target, target.tables[name], role)
            yield from _of_sequences(target, name, role)
    for statement in plan.statements:
        held = statement.phase == "before" and bool(statement.restore)
        table = target.tables.get(parse(statement.table)) if held else None
        if table is not None and table.name not in leaving and "OWNER" not in table.privileges:
            yield Lack(
                what=f"only the owner of {table.name} may switch its {statement.kind} {statement.name} off and on",
                fix=f"GRANT {quote(table.owner)} TO {role};",
            )


def _of_rows(target: Schema, table: Table, role: str) -> Iterator[Lack]:
    missing = ", ".join(right for right in _WRITES if right not in table.privileges)
    if missing:
        yield Lack(what=f"no {missing} on {table.name}", fix=f"GRANT {missing} ON {table.name.sql} TO {role};")


def _of_sequences(target: Schema, table: Name, role: str) -> Iterator[Lack]:
    for column, name in target.fed_by_sequences.get(table, {}).items():
        if not target.sequences[name].settable:
            yield Lack(
                what=f"no SELECT and UPDATE on the sequence {name}, which feeds {table}.{column}",
                fix=f"GRANT SELECT, UPDATE ON SEQUENCE {name.sql} TO {role};",
            )
