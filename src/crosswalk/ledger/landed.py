"""What a run left in a table, as an image: by it a rollback notices what others changed in rows that are ours.

    note    at the end of a run or a repair: rows, hash, form, and the moment by which they had been written
    look    is it still so? Rows that only came, or only went, are told from rows that were changed
    stir    a run begins to write: what others did until then is remembered, the image is void until the next `note`

Counts and hashes only. Covered are the rows that a rollback takes away or overwrites: all of a table that was empty,
those that came where rows are kept, all where rows that stood there may be overwritten. The caller owns the
transactions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from typing import Final

from crosswalk.connect import Session
from crosswalk.ledger.former import Claim, places_of_new
from crosswalk.names import Name, literal, parse, quote

_WHAT: Final = "the ledger"
_WRITTEN: Final = (
    "pg_catalog.pg_visible_in_snapshot(GREATEST(3, now.high - now.low + x.id"
    " - CASE WHEN x.id > now.low THEN 4294967296 ELSE 0 END)::text::xid8, {moment}::pg_snapshot)"
)
"""Whether a row version had been written by a moment: its xmin with the epoch that it must have."""


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
    """A run or a repair stopped before it could note anything."""


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
    hash: Decimal
    unfed_hash: Decimal
    moment: str
    """A snapshot of the target: what is visible in it had been written."""
    server: str
    """Whose snapshot: in a copy that was restored elsewhere transactions have other numbers."""
    disturbed: bool
    """Others had changed rows before a later run or repair wrote again."""
    form: Mapping[str, str]
    """The table's catalog entry, as a portrait has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A table's rows now."""

    unrest: Unrest
    rows: int = 0
    """Changed ones, at most."""


_UNSENT: Final = files("crosswalk.ledger").joinpath("unsent.sql")


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
    rows = await session.fetch(_UNSENT.read_text(), table.sql, what=f"the types of {table}")
    return frozenset(r["name"] for r in rows)


def _hash(columns: Iterable[str], texts: Collection[str]) -> str:
    """Of the exact bytes; of those in `texts` there is only a text form."""
    listed = ", ".join(f'"cw$t".{quote(column)}' + ("::text" if column in texts else "") for column in columns)
    if not listed:
        return "0"
    return f"pg_catalog.hash_record_extended(ROW(pg_catalog.record_send(ROW({listed}))), 0)"


async def note(
    session: Session, run: int, claimed: Claim, columns: Collection[str], unfed: Collection[str], form: Mapping[str, str]
) -> None:
    """Remember how a table stands now."""
    image = await _image(session, claimed, columns, unfed, None)
    await session.execute(
        "INSERT INTO crosswalk.landed (target_table, run_id, columns, unfed, rows, hash, unfed_hash, moment, form, server)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10) ON CONFLICT (target_table) DO UPDATE SET run_id = $2,"
        " columns = $3, unfed = $4, rows = $5, hash = $6, unfed_hash = $7, moment = $8, form = $9::json, server = $10",
        str(claimed.target),
        run,
        list(columns),
        list(unfed),
        image.rows,
        image.hash,
        image.unfed_hash,
        image.moment,
        json.dumps(dict(form)),
        await _server(session),
        what=_WHAT,
    )


async def noted(session: Session, tables: Collection[Name]) -> dict[Name, Landed]:
    """What was remembered of tables."""
    rows = await session.fetch(
        "SELECT target_table, columns, unfed, rows, hash, unfed_hash, moment, disturbed, server, form::text AS form"
        " FROM crosswalk.landed WHERE target_table = ANY ($1::text[])",
        [str(t) for t in tables],
        what=_WHAT,
    )
    return {
        parse(r["target_table"]): Landed(
            target=parse(r["target_table"]),
            columns=tuple(r["columns"]),
            unfed=tuple(r["unfed"]),
            rows=r["rows"],
            hash=Decimal(r["hash"] or 0),
            unfed_hash=Decimal(r["unfed_hash"] or 0),
            moment=r["moment"] or "",
            server=r["server"],
            disturbed=r["disturbed"],
            form=json.loads(r["form"]),
        )
        for r in rows
    }


async def look(session: Session, claimed: Claim, was: Landed) -> Look:
    """Whether a table's rows are still those that were noted."""
    if was.rows is None:
        return Look(unrest=Unrest.UNKNOWN)
    known = await _server(session) == was.server
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


async def stir(session: Session, table: Name, *, disturbed: bool) -> None:
    """From here on the image no longer holds."""
    await session.execute(
        "UPDATE crosswalk.landed SET rows = NULL, disturbed = disturbed OR $2 WHERE target_table = $1",
        str(table),
        disturbed,
        what=_WHAT,
    )


async def disturb(session: Session, table: Name) -> None:
    """Rows had been changed by others, and that cannot be told from the image any more."""
    await session.execute("UPDATE crosswalk.landed SET disturbed = true WHERE target_table = $1", str(table), what=_WHAT)
