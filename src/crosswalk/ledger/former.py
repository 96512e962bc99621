"""How the target stood before the first run of ours, as the ledger remembers it: what a rollback goes by.

    portrait   the catalog when a run began
    claims     tables that we fill: were they empty, which of their rows are ours
    kept       keys of rows that stood there; `row_before` their texts where a run may overwrite them
    found      rows and hashes of tables that held rows, archived ones among them
    came       how many rows each transaction of ours added to a table, or took out
    sequences  where they stood

Written once for a table, before the first write; forgotten by the rollback that needed it. The caller owns the
transactions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.ledger.queries import query
from crosswalk.names import Name, literal, parse

_WHAT: Final = "the ledger"
_BY_TABLE: Final = ("filled", "kept", "key_map", "quarantine", "row_before", "found", "came", "landed", "dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A table that a run of ours filled."""

    target: Name
    run: int
    """The first that did."""
    was_empty: bool
    standing: str
    """The query that gives (part, place, key) of each row; empty where the table was."""
    overwrites: bool
    """Rows that stood there may be overwritten, so that their texts are kept."""
    known: int
    """Rows that we added and did not take out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A statement that changed the target's form."""

    run: int
    number: int
    phase: str
    target: str
    name: str
    sql: str
    undo: str


# --- written before the first write -------------------------------------------------------------


async def note_portrait(session: Session, run: int, portrait: Mapping[str, Mapping[str, str]]) -> None:
    """Remember what the target's catalog was like when a run began."""
    await session.execute(
        "INSERT INTO crosswalk.portrait (run_id, catalog) VALUES ($1, $2::json)", run, json.dumps(portrait), what=_WHAT
    )


async def claim(session: Session, run: int, table: Name, standing: str, *, rows: bool) -> bool:
    """From here on a table's new rows are ours; whether it was empty.

    `standing` gives (part, place, key) of each row; with `rows` their texts are kept too.
    """
    name = str(table)
    tag = await session.execute(
        "INSERT INTO crosswalk.kept (target_table, target_key, times)"
        f" SELECT $1, s.key, count(*) FROM ({standing}) AS s GROUP BY s.key",
        name,
        what=f"the rows that stand in {name}",
    )
    was_empty = tag.endswith(" 0")
    if rows and not was_empty:
        await session.execute(
            "INSERT INTO crosswalk.row_before (target_table, target_key, row)"
            f' SELECT $1, s.key, ("cw$d".*)::text FROM ({standing}) AS s'
            f' JOIN {table.sql} AS "cw$d" ON "cw$d".ctid = s.place AND "cw$d".tableoid = s.part'
            " JOIN crosswalk.kept AS k ON k.target_table = $1 AND k.target_key = s.key AND k.times = 1",
            name,
            what=f"the rows that stand in {name}",
        )
    await session.execute(
        "INSERT INTO crosswalk.filled (target_table, run_id, was_empty, standing) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        name,
        run,
        was_empty,
        "" if was_empty else standing,
        what=_WHAT,
    )
    return was_empty


async def claim_empty(session: Session, run: int, tables: Sequence[Name]) -> frozenset[Name]:
    """From here on all rows of those tables are ours that hold none: these are returned."""
    if not tables:
        return frozenset()
    empty = " UNION ALL ".join(
        f"SELECT {literal(str(name))} AS name WHERE NOT EXISTS (SELECT FROM {name.sql})" for name in tables
    )
    rows = await session.fetch(
        "INSERT INTO crosswalk.filled (target_table, run_id, was_empty, standing)"
        f" SELECT name, $1, true, '' FROM ({empty}) AS t ON CONFLICT DO NOTHING RETURNING target_table",
        run,
        what="the rows that stand in the tables",
    )
    return frozenset(parse(r["target_table"]) for r in rows)


async def note_found(session: Session, run: int, images: Mapping[Name, tuple[int, Decimal]]) -> None:
    """Remember rows and hash of tables as a run found them; an earlier word stays."""
    if images:
        await session.execute(
            "INSERT INTO crosswalk.found (target_table, run_id, rows, hash)"
            " SELECT t, $1, r, h FROM unnest($2::text[], $3::bigint[], $4::numeric[]) AS f (t, r, h) ON CONFLICT DO NOTHING",
            run,
            [str(name) for name in images],
            [rows for rows, _ in images.values()],
            [total for _, total in images.values()],
            what=_WHAT,
        )


async def note_sequences(session: Session, run: int, sequences: Sequence[Name]) -> None:
    """Remember where sequences stand; an earlier word stays."""
    if sequences:
        states = " UNION ALL ".join(
            f"SELECT {literal(str(name))}, $1::bigint, last_value, is_called FROM {name.sql}" for name in sequences
        )
        await session.execute(
            f"INSERT INTO crosswalk.sequence_before (sequence, run_id, last_value, is_called) {states} ON CONFLICT DO NOTHING",
            run,
            what="the sequences",
        )


async def note_applied(session: Session, entries: Sequence[Applied]) -> None:
    """In the transaction of the statements."""
    rows = [asdict(entry) for entry in entries]
    await session.execute(query("note_applied"), json.dumps(rows), what=_WHAT)


# --- which rows are ours ------------------------------------------------------------------------


async def note_came(session: Session, run: int, table: Name, rows: int) -> None:
    """In the transaction of the rows: so many more of a table are ours; less than nothing: so many went."""
    if rows:
        await session.execute(
            "INSERT INTO crosswalk.came (target_table, run_id, rows) VALUES ($1, $2, $3)", str(table), run, rows, what=_WHAT
        )


async def added(session: Session, run: int) -> dict[Name, int]:
    """Rows that a run wrote into each table; those that it found there, equal or to be changed, are not among them."""
    rows = await session.fetch(
        "SELECT target_table, sum(rows)::bigint AS rows FROM crosswalk.came WHERE run_id = $1 AND rows > 0 GROUP BY 1",
        run, what=_WHAT,
    )
    return {parse(r["target_table"]): r["rows"] for r in rows}


async def note_lost(session: Session, run: int, differences: Mapping[Name, int]) -> None:
    """Rows of ours that others deleted (below zero) are no longer ours: else as many of theirs would pass for them."""
    lost = {name: rows for name, rows in differences.items() if rows < 0}
    if lost:
        await session.execute(
            "INSERT INTO crosswalk.came (target_table, run_id, rows)"
            " SELECT t, $1, r FROM unnest($2::text[], $3::bigint[]) AS l (t, r)",
            run,
            [str(name) for name in lost],
            list(lost.values()),
            what=_WHAT,
        )


async def claims(session: Session, tables: Collection[Name] | None = None) -> dict[Name, Claim]:
    """Of the tables that we filled, some or all."""
    wanted = None if tables is None else [str(t) for t in tables]
    rows = await session.fetch(query("claims"), wanted, what=_WHAT)
    found = [
        Claim(
            target=parse(r["target_table"]),
            run=r["run_id"],
            was_empty=r["was_empty"],
            standing=r["standing"],
            overwrites=r["overwrites"],
            known=r["known"],
        )
        for r in rows
    ]
    return {claim.target: claim for claim in found}


async def were_empty(session: Session, tables: Collection[Name]) -> dict[Name, bool]:
    """Of the tables that we filled: were they empty?"""
    rows = await session.fetch(
        "SELECT target_table, was_empty FROM crosswalk.filled WHERE target_table = ANY ($1::text[])",
        [str(t) for t in tables],
        what=_WHAT,
    )
    return {parse(r["target_table"]): bool(r["was_empty"]) for r in rows}


async def count_new(session: Session, claimed: Claim) -> int:
    """Rows of a table that did not stand there before."""
    if claimed.was_empty:
        sql = f"SELECT count(*) FROM {claimed.target.sql}"
    else:
        sql = (
            "SELECT COALESCE(sum(GREATEST(n - COALESCE(times, 0), 0)), 0)::bigint"
            f" FROM (SELECT key, count(*) AS n FROM ({claimed.standing}) AS s GROUP BY key) AS there"
            f" LEFT JOIN crosswalk.kept AS k ON k.target_table = {literal(str(claimed.target))}"
            " AND k.target_key = there.key"
        )
    return int(await session.fetchval(sql, what=f"the rows of {claimed.target}"))


def places_of_new(claimed: Claim) -> str:
    """(part, place) of the rows that did not stand in a table before; of equal ones, as many stay as there were."""
    return (
        "SELECT part, place FROM (SELECT s.part, s.place, COALESCE(k.times, 0) AS times,"
        " pg_catalog.row_number() OVER (PARTITION BY s.key ORDER BY s.part, s.place) AS number"
        f" FROM ({claimed.standing}) AS s LEFT JOIN crosswalk.kept AS k"
        f" ON k.target_table = {literal(str(claimed.target))} AND k.target_key = s.key) AS numbered WHERE number > times"
    )


# --- read by a rollback -------------------------------------------------------------------------


async def portrait(session: Session, run: int) -> dict[str, dict[str, str]] | None:
    """The target's catalog when a run began; None where it was not noted."""
    text = await session.fetchval("SELECT catalog FROM crosswalk.portrait WHERE run_id = $1", run, what=_WHAT)
    return None if text is None else json.loads(text)


async def found(session: Session, tables: Collection[Name]) -> dict[Name, tuple[int, Decimal]]:
    """Rows and hash of tables that held rows before the first run."""
    rows = await session.fetch(
        "SELECT target_table, rows, hash FROM crosswalk.found WHERE target_table = ANY ($1::text[])",
        [str(t) for t in tables],
        what=_WHAT,
    )
    return {parse(r["target_table"]): (int(r["rows"]), Decimal(r["hash"])) for r in rows}


async def sequences(session: Session, runs: Collection[int]) -> dict[Name, tuple[int, bool]]:
    """Where the sequences stood that runs first noted: last value, and whether it was given out."""
    rows = await session.fetch(
        "SELECT sequence, last_value, is_called FROM crosswalk.sequence_before WHERE run_id = ANY ($1::bigint[])"
        " ORDER BY sequence",
        list(runs),
        what=_WHAT,
    )
    return {parse(r["sequence"]): (int(r["last_value"]), bool(r["is_called"])) for r in rows}


async def standing_statements(session: Session, runs: Collection[int]) -> list[Applied]:
    """What runs applied and nobody has undone, oldest first."""
    rows = await session.fetch(
        "SELECT run_id, number, phase, target_table, name, sql, undo FROM crosswalk.applied"
        " WHERE run_id = ANY ($1::bigint[]) AND undone_at IS NULL ORDER BY at, run_id, number",
        list(runs),
        what=_WHAT,
    )
    return [_applied(r) for r in rows]


async def standing_numbers(session: Session, plan_id: str) -> frozenset[int]:
    """Numbers of the statements of a plan that some run of it has applied and nobody has undone."""
    rows = await session.fetch(
        "SELECT DISTINCT a.number FROM crosswalk.applied AS a JOIN crosswalk.run AS r ON r.id = a.run_id"
        " WHERE r.plan_id = $1 AND a.undone_at IS NULL",
        plan_id,
        what=_WHAT,
    )
    return frozenset(r["number"] for r in rows)


def _applied(row: Any) -> Applied:
    return Applied(
        run=row["run_id"],
        number=row["number"],
        phase=row["phase"],
        target=row["target_table"],
        name=row["name"],
        sql=row["sql"],
        undo=row["undo"],
    )


async def forget(session: Session, runs: Collection[int], tables: Collection[Name]) -> None:
    """What was remembered of tables and runs is of no more use: the target is as it was."""
    names, numbers = [str(t) for t in tables], list(runs)
    for each in _BY_TABLE:
        await session.execute(
            f"DELETE FROM crosswalk.{each} WHERE target_table = ANY ($1::text[])", names, what=_WHAT
        )
    for sql in (
        "DELETE FROM crosswalk.sequence_before WHERE run_id = ANY ($1::bigint[])",
        "UPDATE crosswalk.applied SET undone_at = clock_timestamp() WHERE run_id = ANY ($1::bigint[]) AND undone_at IS NULL",
        "UPDATE crosswalk.held SET released_at = clock_timestamp() WHERE run_id = ANY ($1::bigint[]) AND released_at IS NULL",
    ):
        await session.execute(sql, numbers, what=_WHAT)
