"""What a run left in a table: by it a rollback notices what others changed in rows that are ours.

    note    at the end of a run or a repair: how many rows, and what tells them from later ones; the table's form
    look    is it still so? Rows that only came, or only went, are told from rows that were changed
    stir    a run begins to write: what others did until then is remembered, our word is void until the next `note`

Rows of a table that was empty before us are told by the transactions that wrote them (`census`): no value is read,
and a row that was written again counts as changed, whatever was written. Where rows stood before, and where a table
has too many writers, there is an image instead: hashes of the rows that a rollback takes away or overwrites (those
that came where rows are kept, all where rows that stood there may be overwritten), and the moment by which they had
been written. Counts, hashes and numbers of transactions only. The caller owns the transactions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.ledger.census import Remaining, remaining, writers
from crosswalk.ledger.former import Claim, count_new, note_lost, places_of_new
from crosswalk.ledger.queries import query
from crosswalk.names import Name, literal, parse, quote

_WHAT: Final = "the ledger"
_WRITTEN: Final = (
    "(x.id < 3 OR pg_catalog.pg_visible_in_snapshot(GREATEST(3, now.high - now.low + x.id"
    " - CASE WHEN x.id > now.low THEN 4294967296 ELSE 0 END)::text::xid8, {moment}::pg_snapshot))"
)
"""Whether a row version had been written by a moment: its xmin with the epoch that it must have; below 3 it is of old."""


class Unrest(StrEnum):
    """What others did to the rows since they were noted."""

    NONE = "none"
    CAME = "came"
    """Rows were added, and nothing else."""
    WENT = "went"
    """Rows were deleted, and nothing else."""
    FED = "fed"
    """Rows were changed, but only in columns that the document's rules feed."""
    CHANGED = "changed"
    UNKNOWN = "unknown"
    """A run or a repair stopped before it could note anything, or what it noted means nothing on this server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What was noted of a table."""

    target: Name
    columns: tuple[str, ...]
    """All that hold values of their own."""
    unfed: tuple[str, ...]
    """Of them, those that no rule feeds, behind the key; empty where every column is fed."""
    rows: int | None
    """None: not known, see `stir`."""
    by_writers: bool
    """Its rows are told by their writers; there is no image."""
    hash: Decimal
    unfed_hash: Decimal
    moment: str
    """Of an image: a snapshot of the target, what is visible in it had been written."""
    server: str
    """Whose numbers: in a copy that was restored elsewhere transactions have others."""
    disturbed: bool
    """Others had changed rows before a later run or repair wrote again."""
    form: Mapping[str, str]
    """The table's catalog entry, as a portrait has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A table of which something is to be noted."""

    claimed: Claim
    columns: tuple[str, ...]
    unfed: tuple[str, ...]
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A table's rows now."""

    unrest: Unrest
    rows: int = 0
    """Changed ones, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    rows: int
    hash: Decimal
    unfed_hash: Decimal
    moment: str
    old: int
    """Rows that had been written by the moment asked for."""
    old_hash: Decimal


async def _image(
    session: Session, claimed: Claim, columns: Collection[str], unfed: Collection[str], moment: str | None
) -> _Image:
    texts = await unsent(session, claimed.target)
    old = _WRITTEN.format(moment=literal(moment)) if moment else "true"
    only = ""
    if not (claimed.was_empty or claimed.overwrites):
        only = f' WHERE ("cw$t".tableoid, "cw$t".ctid) IN ({places_of_new(claimed)})'
    row = await session.fetchrow(
        "SELECT count(*) AS rows, COALESCE(sum(h), 0) AS hash, COALESCE(sum(u), 0) AS unfed,"
        " pg_catalog.pg_current_snapshot()::text AS moment, count(*) FILTER (WHERE old) AS old,"
        f" COALESCE(sum(h) FILTER (WHERE old), 0) AS old_hash FROM (SELECT {_hash(columns, texts)} AS h, {_hash(unfed, texts)} AS u,"
        f" {old} AS old"
        f' FROM {claimed.target.sql} AS "cw$t" CROSS JOIN LATERAL (SELECT "cw$t".xmin::text::bigint AS id) AS x'
        " CROSS JOIN (SELECT n AS high, n % 4294967296 AS low FROM (SELECT"
        " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint AS n) AS at) AS now"
        f"{only}) AS hashed",
        what=f"the image of {claimed.target}",
    )
    assert row is not None
    return _Image(
        rows=row["rows"], hash=Decimal(row["hash"]), unfed_hash=Decimal(row["unfed"]), moment=row["moment"], old=row["old"],
        old_hash=Decimal(row["old_hash"]),
    )


async def unsent(session: Session, table: Name) -> frozenset[str]:
    """Columns of a table that have no binary form: of these there is only a text."""
    rows = await session.fetch(query("unsent"), table.sql, what=f"the types of {table}")
    return frozenset(r["name"] for r in rows)


def _hash(columns: Iterable[str], texts: Collection[str]) -> str:
    """Of the exact bytes; of those in `texts` there is only a text form."""
    listed = ", ".join(f'"cw$t".{quote(column)}' + ("::text" if column in texts else "") for column in columns)
    if not listed:
        return "0"
    return f"pg_catalog.hash_record_extended(ROW(pg_catalog.record_send(ROW({listed}))), 0)"


async def note(session: Session, run: int, subjects: Iterable[Subject]) -> None:
    """Remember how tables stand now, all in one moment: the transaction is REPEATABLE READ.

    Rows of ours that others deleted are no longer ours.
    """
    asked = list(subjects)
    by = await writers(session, (s.claimed.target for s in asked if s.claimed.was_empty and not s.claimed.overwrites))
    lost, words, server = {}, [], await _server(session)
    for subject in asked:
        rows, word = await _word(session, subject, by.get(subject.claimed.target))
        lost[subject.claimed.target] = rows - subject.claimed.known
        words.append({**word, "server": server})
    await note_lost(session, run, lost)
    await session.execute(query("landed"), run, json.dumps(words), what=_WHAT)


async def _word(session: Session, subject: Subject, by: Mapping[int, int] | None) -> tuple[int, dict[str, Any]]:
    """How many rows did not stand in a table before, and a line of the ledger."""
    claimed = subject.claimed
    line: dict[str, Any] = {
        "target_table": str(claimed.target), "columns": subject.columns, "unfed": subject.unfed, "form": dict(subject.form)
    }
    if by is not None:
        rows = sum(by.values())
        return rows, {**line, "rows": rows, "writers": by}
    image = await _image(session, claimed, subject.columns, subject.unfed, None)
    line |= {"rows": image.rows, "hash": str(image.hash), "unfed_hash": str(image.unfed_hash), "moment": image.moment}
    return await count_new(session, claimed) if claimed.overwrites else image.rows, line


async def noted(session: Session, tables: Collection[Name]) -> dict[Name, Landed]:
    """What was remembered of tables."""
    rows = await session.fetch(
        "SELECT target_table, columns, unfed, rows, writers IS NOT NULL AS by_writers, hash, unfed_hash, moment, disturbed,"
        " server, form::text AS form FROM crosswalk.landed WHERE target_table = ANY ($1::text[])",
        [str(t) for t in tables],
        what=_WHAT,
    )
    return {
        parse(r["target_table"]): Landed(
            target=parse(r["target_table"]),
            columns=tuple(r["columns"]),
            unfed=tuple(r["unfed"]),
            rows=r["rows"],
            by_writers=r["by_writers"],
            hash=Decimal(r["hash"] or 0),
            unfed_hash=Decimal(r["unfed_hash"] or 0),
            moment=r["moment"] or "",
            server=r["server"],
            disturbed=r["disturbed"],
            form=json.loads(r["form"]),
        )
        for r in rows
    }


async def look(session: Session, claims: Mapping[Name, Claim], was: Mapping[Name, Landed]) -> dict[Name, Look]:
    """Whether the rows of tables are still those that were noted."""
    if not was:
        return {}
    server = await _server(session)
    told = [name for name, noted in was.items() if noted.rows is not None and noted.by_writers and noted.server == server]
    left = await remaining(session, told)
    found = {}
    for name, noted in was.items():
        if name in left:
            found[name] = _judged(noted, left[name])
        elif noted.rows is None or noted.by_writers:
            found[name] = Look(unrest=Unrest.UNKNOWN)
        else:
            found[name] = await _compared(session, claims[name], noted, known=noted.server == server)
    return found


def _judged(was: Landed, now: Remaining) -> Look:
    """By the writers of the rows. Which columns were changed cannot be told: it matters where no rule feeds some."""
    assert was.rows is not None
    if now.noted == was.rows:
        return Look(unrest=Unrest.NONE if now.rows == was.rows else Unrest.CAME)
    if now.noted == now.rows:
        return Look(unrest=Unrest.WENT)
    return Look(
        unrest=Unrest.CHANGED if was.unfed else Unrest.FED, rows=min(now.rows - now.noted, was.rows - now.noted)
    )


async def _compared(session: Session, claimed: Claim, was: Landed, *, known: bool) -> Look:
    """By the image."""
    assert was.rows is not None
    now = await _image(session, claimed, was.columns, was.unfed, was.moment if known else None)
    if (now.rows, now.hash) == (was.rows, was.hash):
        return Look(unrest=Unrest.NONE)
    if known and (now.old, now.old_hash) == (was.rows, was.hash):
        return Look(unrest=Unrest.CAME)
    if known and now.old == now.rows and now.old < was.rows:
        return Look(unrest=Unrest.WENT)
    fed = not was.unfed or now.unfed_hash == was.unfed_hash
    return Look(unrest=Unrest.FED if fed else Unrest.CHANGED, rows=max(1, min(now.rows - now.old, was.rows - now.old)))


async def _server(session: Session) -> str:
    """The cluster, as far as this role may know it, and the database."""
    may = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
    cluster = "(SELECT system_identifier FROM pg_catalog.pg_control_system())"
    told = cluster if await session.fetchval(may, what="the server's identity") else "0"
    database = "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
    return str(await session.fetchval(f"SELECT {told} || '/' || ({database})", what="the server's identity"))


async def stir(session: Session, tables: Collection[Name], *, disturbed: Collection[Name]) -> None:
    """From here on our word on tables does not hold; of some of them, others had changed rows before."""
    await session.execute(
        "UPDATE crosswalk.landed SET rows = NULL, disturbed = disturbed OR target_table = ANY ($2::text[])"
        " WHERE target_table = ANY ($1::text[])",
        [str(t) for t in tables],
        [str(t) for t in disturbed],
        what=_WHAT,
    )


async def disturb(session: Session, table: Name) -> None:
    """Rows had been changed by others, and that cannot be told from the image any more."""
    await session.execute("UPDATE crosswalk.landed SET disturbed = true WHERE target_table = $1", str(table), what=_WHAT)
