"""Our rows leave, overwritten ones become what they were.

Tables that only refer to one another are emptied by TRUNCATE. The others in one statement for all of them: foreign
keys are then checked once everything is gone, so that no order of tables matters and no circle. The caller owns the
transaction and the locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import StatementFailed
from crosswalk.express.handover import parked
from crosswalk.ledger.census import counts
from crosswalk.ledger.former import Claim, places_of_new
from crosswalk.names import Name, literal, quote, quote_list
from crosswalk.rollback.losses import ROWS, Going, keys, relations
from crosswalk.schema import Schema, Table, TriggerState
from crosswalk.snapshot import savepoint

_ENABLE: Final = {
    TriggerState.ORIGIN: "ENABLE",
    TriggerState.ALWAYS: "ENABLE ALWAYS",
    TriggerState.REPLICA: "ENABLE REPLICA",
}
_WHAT: Final = "the rows of the run"
_UNIQUE: Final = "23505"
_REMEMBER: Final = "CREATE TEMPORARY TABLE cw_parked (number int, part oid, place tid, key jsonb) ON COMMIT DROP"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBack:
    """What happened to a table."""

    target: Name
    deleted: int
    """Rows that were ours, or came since and were given up."""
    restored: int
    """Rows that a run had overwritten."""
    dropped: bool = False
    """The whole table was ours."""


async def take_rows(session: Session, going: Going) -> list[TableBack]:
    """Empty what was empty, and bring back what stood in the others; user triggers and rules do not fire."""
    off, on = _triggers(going)
    for sql in off:
        await session.execute(sql, what="the triggers")
    emptied = await counts(session, (claim.target for claim in _truncatable(going)))
    if emptied:
        await session.execute(f"TRUNCATE {', '.join(name.sql for name in emptied)}", what=_WHAT)
    done = [TableBack(target=name, deleted=rows, restored=0) for name, rows in emptied.items()]
    rest = [claim for claim in going.emptied if claim.target not in emptied]
    if rest:
        done += await _take(session, rest, going.schema)
    await session.execute("SET CONSTRAINTS ALL IMMEDIATE", what="the foreign keys")
    for sql in on:
        await session.execute(sql, what="the triggers")
    for name, rows in (await counts(session, going.dropped)).items():
        done.append(TableBack(target=name, deleted=rows, restored=0, dropped=True))
    return sorted(done, key=lambda back: back.target)


def _triggers(going: Going) -> tuple[list[str], list[str]]:
    """What switches every user trigger and rule of the tables off, and on again as each stands now."""
    off, on = [], []
    for claim in going.emptied:
        for table in relations(going.schema, claim.target):
            both = [("TRIGGER", t.name, t.state) for t in table.triggers] + [("RULE", r.name, r.state) for r in table.rules]
            for kind, name, state in both:
                if state in _ENABLE:
                    alter = "ALTER TABLE ONLY" if kind == "TRIGGER" else "ALTER TABLE"
                    off.append(f"{alter} {table.name.sql} DISABLE {kind} {quote(name)}")
                    on.append(f"{alter} {table.name.sql} {_ENABLE[state]} {kind} {quote(name)}")
    return off, on


def _truncatable(going: Going) -> list[Claim]:
    """Tables that were empty and that nobody refers to but tables which are emptied along with them."""
    parents = {parent for table in going.schema.tables.values() for parent in table.inherits}
    chosen = {
        claim.target: claim
        for claim in going.emptied
        if claim.was_empty
        and claim.target not in parents
        and going.schema.tables[claim.target].kind in ROWS
        and "TRUNCATE" in going.schema.tables[claim.target].privileges
    }
    while True:
        held = {k.edge.parent for k in keys(going.schema) if k.edge.parent in chosen and k.edge.table not in chosen}
        if not held:
            return list(chosen.values())
        chosen = {name: claim for name, claim in chosen.items() if name not in held}


async def _take(session: Session, claims: Sequence[Claim], schema: Schema) -> list[TableBack]:
    """One statement for all; where rows that stood before hand unique values back to one another, those come last."""
    try:
        async with savepoint(session):
            row = await session.fetchrow(_taking(claims, schema), what=_WHAT)
    except StatementFailed as error:
        if error.fields["sqlstate"] != _UNIQUE:
            raise
        await session.execute(_REMEMBER, what=_WHAT)
        row = await session.fetchrow(_taking(claims, schema, park=True), what=_WHAT)
        for i, claim in enumerate(claims):
            if claim.overwrites and _parking(schema.tables[claim.target]):
                await session.execute(_unpark(i, claim, schema), what=_WHAT)
    assert row is not None
    return [TableBack(target=c.target, deleted=row[f"d{i}"], restored=row[f"u{i}"] or 0) for i, c in enumerate(claims)]


def _taking(claims: Iterable[Claim], schema: Schema, *, park: bool = False) -> str:
    """One row: d0, d1 … rows deleted and u0, u1 … rows restored, table by table."""
    deletes, updates, answers = [], [], []
    for i, claim in enumerate(claims):
        gone = "" if claim.was_empty else f' WHERE ("cw$d".tableoid, "cw$d".ctid) IN ({places_of_new(claim)})'
        deletes.append(f'd{i} AS (DELETE FROM {claim.target.sql} AS "cw$d"{gone} RETURNING 1)')
        answers.append(f"(SELECT count(*) FROM d{i}) AS d{i}")
    first = " + ".join(f"(SELECT count(*) FROM d{i})" for i in range(len(deletes)))
    for i, claim in enumerate(claims):
        if not claim.overwrites:
            answers.append(f"0 AS u{i}")
            continue
        parking = _parking(schema.tables[claim.target]) if park else {}
        updates.append(f"u{i} AS ({_restore(claim, schema, first, parking)})")
        if parking:
            updates.append(f"p{i} AS (INSERT INTO pg_temp.cw_parked SELECT {i}, part, place, key FROM u{i})")
        answers.append(f"(SELECT count(*) FROM u{i}) AS u{i}")
    return f"WITH {', '.join([*deletes, *updates])} SELECT {', '.join(answers)}"


def _parking(table: Table) -> dict[str, str]:
    """By column: a value that nobody has, for one column of each unique key that has such a column."""
    found = {}
    for columns in dict.fromkeys((table.primary_key, *table.unique_keys)):
        for column in sorted((c for c in table.columns if c.name in columns and not c.generated), key=lambda c: c.not_null):
            value = parked(table, column, columns, number="b.number")
            if value is not None and column.name not in table.primary_key:
                found[column.name] = value
                break
    return found


def _before(claim: Claim) -> str:
    """The rows as they were, numbered."""
    return (
        "(SELECT target_key, row, pg_catalog.row_number() OVER () AS number FROM crosswalk.row_before"
        f" WHERE target_table = {literal(str(claim.target))}) AS b"
    )


def _restore(claim: Claim, schema: Schema, first: str, parking: Mapping[str, str]) -> str:
    """UPDATE the rows that a run overwrote, once the rows that went (`first` counts them) no longer hold their values.

    Returns (part, place, key). Columns that are parked get a value that nobody has.
    """
    table = schema.tables[claim.target]
    columns = [c.name for c in table.columns if c.generated is None and c.identity != "always"]
    values = ", ".join(parking.get(c) or f"was.{quote(c)}" for c in columns)
    return (
        f'UPDATE {table.name.sql} AS "cw$d" SET ({quote_list(columns)}) = (SELECT {values}'
        f" FROM (SELECT (b.row::{table.name.sql}).*) AS was)"
        f" FROM ({claim.standing}) AS s JOIN {_before(claim)} ON b.target_key = s.key"
        f' WHERE "cw$d".tableoid = s.part AND "cw$d".ctid = s.place AND ("cw$d".*)::text IS DISTINCT FROM b.row'
        f' AND {first} >= 0 RETURNING "cw$d".tableoid AS part, "cw$d".ctid AS place, b.target_key AS key'
    )


def _unpark(number: int, claim: Claim, schema: Schema) -> str:
    """Give what was parked its own value."""
    table = schema.tables[claim.target]
    columns = quote_list(_parking(table))
    return (
        f'UPDATE {table.name.sql} AS "cw$d" SET ({columns}) = (SELECT {columns} FROM (SELECT (b.row::{table.name.sql}).*) AS was)'
        f" FROM pg_temp.cw_parked AS p JOIN {_before(claim)} ON b.target_key = p.key"
        f' WHERE p.number = {number} AND "cw$d".tableoid = p.part AND "cw$d".ctid = p.place'
    )
