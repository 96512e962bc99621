"""Rows in quarantine as the ledger holds them: read by key and reason, and given up by a person.

A row that is given up keeps its key and reason; what stood in it is deleted, also where it is written anew
(`hold_back`). A digest of it stays, by which a later change of the source row is noticed. The caller owns the
transactions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from crosswalk.connect import Session
from crosswalk.ledger.queries import query
from crosswalk.names import Name, parse

_WHAT: Final = "the quarantine"
_HOLD_BACK: Final = """WITH changed AS (
    DELETE FROM crosswalk.dropped AS d USING crosswalk.quarantine AS q
    WHERE q.target_table = $1 AND d.target_table = $1 AND d.source_key = q.source_key AND d.code = q.code
      AND q.row <> '{}' AND md5(q.row::text) <> d.digest)
UPDATE crosswalk.quarantine AS q SET row = '{}' FROM crosswalk.dropped AS d
WHERE q.target_table = $1 AND d.target_table = $1 AND d.source_key = q.source_key AND d.code = q.code
  AND q.row <> '{}' AND md5(q.row::text) = d.digest"""
_COUNT: Final = """SELECT target_table, count(*) FILTER (WHERE found_by = 'rules')
 + count(DISTINCT source_key) FILTER (WHERE found_by = 'load') AS rows FROM crosswalk.quarantine GROUP BY 1"""
_KEYS: Final = """SELECT DISTINCT ARRAY(SELECT jsonb_array_elements_text(q.source_key)) AS k FROM crosswalk.quarantine AS q
WHERE q.target_table = $1 AND ($2 OR NOT EXISTS (SELECT FROM crosswalk.dropped AS d
 WHERE d.target_table = q.target_table AND d.source_key = q.source_key AND d.code = q.code)) ORDER BY 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row in quarantine, or an element of one."""

    key: tuple[str, ...] = field(repr=False)
    """Of the source row, then the element's place; to be masked before anybody sees it."""
    source: Name
    found_by: str
    """rules, elements (of which another one fits) or load."""
    code: str
    sqlstate: str
    message: str
    constraint: str | None
    column: str | None
    run: int
    at: str
    row: str | None = field(repr=False)
    """The source row as json, secrets redacted; None where it was not asked for."""
    why: str | None
    """Why a person gave it up; None where nobody did."""
    who: str | None
    dropped_at: str | None


async def rejects(session: Session, target: Name, *, code: str | None, values: bool, limit: int) -> list[Reject]:
    """Rows in quarantine of a table, oldest first; with `values` what stands in them."""
    found = await session.fetch(query("rejects"), str(target), code, values, limit, what=_WHAT)
    return [
        Reject(
            key=tuple(r["key"]),
            source=parse(r["source_table"]),
            found_by=r["found_by"],
            code=r["code"],
            sqlstate=r["sqlstate"],
            message=r["message"],
            constraint=r["constraint_name"],
            column=r["column_name"],
            run=r["run_id"],
            at=r["at"],
            row=r["row"],
            why=r["why"],
            who=r["who"],
            dropped_at=r["dropped_at"],
        )
        for r in found
    ]


async def counts(session: Session) -> dict[Name, int]:
    """By target table: source rows in quarantine; where the load refused elements of a row, each of these."""
    return {parse(r["target_table"]): int(r["rows"]) for r in await session.fetch(_COUNT, what=_WHAT)}


async def keys(session: Session, target: Name, *, dropped: bool) -> list[tuple[str, ...]]:
    """Keys of a table's rows in quarantine; those given up too where `dropped` is true."""
    return [tuple(r["k"]) for r in await session.fetch(_KEYS, str(target), dropped, what=_WHAT)]


async def drop(
    session: Session, tables: Collection[Name] | None, code: str | None, *, why: str, who: str
) -> Counter[Name]:
    """Give rows up; returns how many by table."""
    names = None if tables is None else [str(t) for t in tables]
    found = await session.fetch(query("drop"), names, code, why, who, what=_WHAT)
    return Counter(parse(r["target_table"]) for r in found)


async def held(session: Session, target: Name, keys: Collection[tuple[str, ...]], width: int) -> set[tuple[str, ...]]:
    """Which of some source rows (keys of `width` parts) quarantine holds, whole or an element of them."""
    found = await session.fetch(
        f"SELECT DISTINCT ARRAY(SELECT jsonb_array_elements_text(source_key - {width})) AS k FROM crosswalk.quarantine"
        f" WHERE target_table = $1 AND source_key - {width} = ANY ($2::text[]::jsonb[])",
        str(target),
        [json.dumps(key) for key in keys],
        what=_WHAT,
    )
    return {tuple(r["k"]) for r in found}


async def newest(session: Session, target: Name) -> int:
    """The newest entry of a table; 0 where there is none."""
    newest = "SELECT COALESCE(max(id), 0) FROM crosswalk.quarantine WHERE target_table = $1"
    return int(await session.fetchval(newest, str(target), what=_WHAT))


async def forget_until(session: Session, target: Name, entry: int) -> None:
    """Take out what the load refused of a table up to an entry."""
    await session.execute(
        "DELETE FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'load' AND id <= $2",
        str(target),
        entry,
        what=_WHAT,
    )


async def hold_back(session: Session, target: Name) -> None:
    """After rows were written into quarantine: of those given up nothing but key and reason stays.

    One that reads otherwise now is another row, and no longer given up.
    """
    await session.execute(_HOLD_BACK, str(target), what=_WHAT)
