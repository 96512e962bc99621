"""Our rows leave, overwritten ones become what they were; sequences stand where they stood.

Tables that only refer to one another are emptied by TRUNCATE. The others in one statement for all of them: foreign
keys are then checked once everything is gone, so that no order of tables matters and no circle. The caller owns the
transaction and the locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Session
from crosswalk.ledger.former import Claim, places_of_new
from crosswalk.names import Name, literal, quote, quote_list
from crosswalk.rollback.losses import ROWS, Going, keys
from crosswalk.schema import Schema, Table, TriggerState

_ENABLE: Final = {
    TriggerState.ORIGIN: "ENABLE",
    TriggerState.ALWAYS: "ENABLE ALWAYS",
    TriggerState.REPLICA: "ENABLE REPLICA",
}
_WHAT: Final = "the rows of the run"


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
    """Empty what was empty, and bring back what stood in the others; user triggers do not fire."""
    off, on = _triggers(going)
    for sql in off:
        await session.execute(sql, what="the triggers")
    emptied = {claim.target: await _count(session, claim.target) for claim in _truncatable(going)}
    if emptied:
        await session.execute(f"TRUNCATE {', '.join(name.sql for name in emptied)}", what=_WHAT)
    done = [TableBack(target=name, deleted=rows, restored=0) for name, rows in emptied.items()]
    rest = [claim for claim in going.emptied if claim.target not in emptied]
    if rest:
        row = await session.fetchrow(_take(rest, going.schema), what=_WHAT)
        assert row is not None
        done += [
            TableBack(target=c.target, deleted=row[f"d{i}"], restored=row[f"u{i}"] or 0) for i, c in enumerate(rest)
        ]
    await session.execute("SET CONSTRAINTS ALL IMMEDIATE", what="the foreign keys")
    for sql in on:
        await session.execute(sql, what="the triggers")
    for name in going.dropped:
        done.append(TableBack(target=name, deleted=await _count(session, name), restored=0, dropped=True))
    return sorted(done, key=lambda back: back.target)


async def _count(session: Session, table: Name) -> int:
    return int(await session.fetchval(f"SELECT count(*) FROM {table.sql}", what=f"the rows of {table}"))


def _relations(schema: Schema, table: Name) -> Iterator[Table]:
    yield schema.tables[table]
    for part in schema.partitions(table):
        yield from _relations(schema, part.name)


def _triggers(going: Going) -> tuple[list[str], list[str]]:
    """What switches every user trigger of the tables off, and on again as each stands now."""
    off, on = [], []
    for claim in going.emptied:
        for table in _relations(going.schema, claim.target):
            for trigger in table.triggers:
                if trigger.state in _ENABLE:
                    alter, name = f"ALTER TABLE ONLY {table.name.sql}", quote(trigger.name)
                    off.append(f"{alter} DISABLE TRIGGER {name}")
                    on.append(f"{alter} {_ENABLE[trigger.state]} TRIGGER {name}")
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


def _take(claims: Iterable[Claim], schema: Schema) -> str:
    """One row: d0, d1 … rows deleted and u0, u1 … rows restored, table by table."""
    deletes, updates, answers = [], [], []
    for i, claim in enumerate(claims):
        gone = "" if claim.was_empty else f' WHERE ("cw$d".tableoid, "cw$d".ctid) IN ({places_of_new(claim)})'
        deletes.append(f'd{i} AS (DELETE FROM {claim.target.sql} AS "cw$d"{gone} RETURNING 1)')
        answers.append(f"(SELECT count(*) FROM d{i}) AS d{i}")
    first = " + ".join(f"(SELECT count(*) FROM d{i})" for i in range(len(deletes)))
    for i, claim in enumerate(claims):
        if claim.was_empty:
            answers.append(f"0 AS u{i}")
            continue
        updates.append(f"u{i} AS ({_restore(claim, schema, first)} RETURNING 1)")
        answers.append(f"(SELECT count(*) FROM u{i}) AS u{i}")
    return f"WITH {', '.join([*deletes, *updates])} SELECT {', '.join(answers)}"


def _restore(claim: Claim, schema: Schema, first: str) -> str:
    """UPDATE the rows that a run overwrote, once the rows that went (`first` counts them) no longer hold their values."""
    table = schema.tables[claim.target]
    columns = [c.name for c in table.columns if c.generated is None and c.identity != "always"]
    return (
        f'UPDATE {table.name.sql} AS "cw$d" SET ({quote_list(columns)}) = (SELECT {quote_list(columns)}'
        f" FROM (SELECT (b.row::{table.name.sql}).*) AS was)"
        f" FROM ({claim.standing}) AS s JOIN crosswalk.row_before AS b"
        f" ON b.target_table = {literal(str(claim.target))} AND b.target_key = s.key"
        f' WHERE "cw$d".tableoid = s.part AND "cw$d".ctid = s.place AND ("cw$d".*)::text IS DISTINCT FROM b.row'
        f" AND {first} >= 0"
    )


# --- sequences ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """What was done, and what has to wait for the very end."""

    moved: int
    late: tuple[str, ...]
    """Statements that no ROLLBACK takes back: of sequences that are not the role's own."""
    left: tuple[str, ...]
    """Why a sequence was left where it is."""


async def set_sequences_back(
    session: Session, schema: Schema, before: Mapping[Name, tuple[int, bool]], tables: Collection[Name]
) -> Sequences:
    """Let sequences stand where they stood. RESTART gives a sequence a new file, so that setval after it is undone by
    a ROLLBACK; only the owner may do that."""
    moved, late, left = 0, [], []
    for name, (value, called) in before.items():
        found = schema.sequences.get(name)
        if found is None or await _state(session, name) == (value, called):
            continue
        others = sorted(str(table) for table, _ in found.used_by if table not in tables)
        if others:
            left.append(f"the sequence {name} stays where it is: {', '.join(others)} draws from it too")
            continue
        moved += 1
        own = await session.fetchval(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = $1::text::regclass",
            name.sql,
            what=f"the sequence {name}",
        )
        put = f"SELECT pg_catalog.setval({literal(name.sql)}::regclass, {value}, {'true' if called else 'false'})"
        if own:
            await session.execute(f"ALTER SEQUENCE {name.sql} RESTART WITH {value}; {put}", what=f"the sequence {name}")
        else:
            late.append(put)
    return Sequences(moved=moved, late=tuple(late), left=tuple(left))


async def _state(session: Session, name: Name) -> tuple[int, bool]:
    row = await session.fetchrow(f"SELECT last_value, is_called FROM {name.sql}", what=f"the sequence {name}")
    assert row is not None
    return int(row[0]), bool(row[1])
