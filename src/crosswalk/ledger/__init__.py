"""The ledger: what a run has done, in schema `crosswalk` of the target.

Appended to, never rewritten, but for the key map (which follows the rows) and quarantine (whose
rows leave when they find a place). Everything that belongs to rows is written in their transaction.
This module holds no secret and reads no business table; the caller owns the transactions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.errors import AlreadyRunning, LedgerOutdated, NothingToResume
from crosswalk.ledger.entries import Chunk, Held, Run, RunState, Tally
from crosswalk.ledger.queries import query
from crosswalk.names import Name, parse

SCHEMA: Final = "crosswalk"
LOCK: Final = 0x63726F7373  # "cross"
_EXISTS: Final = "SELECT to_regclass('crosswalk.run') IS NOT NULL"
_CURRENT: Final = (  # what schema.sql makes last
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass('crosswalk.held')"
    " AND conname = 'held_kind_check' AND pg_catalog.pg_get_constraintdef(oid) ~ 'index')"
)


__all__ = ["LOCK", "SCHEMA", "Chunk", "Held", "Ledger", "Run", "RunState", "Tally", "as_json"]


class Ledger:
    """Reads and writes the ledger through one session to the target."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def exists(self) -> bool:
        return bool(await self.session.fetchval(_EXISTS, what="the ledger"))

    async def create(self) -> None:
        """Make the ledger's tables where they are missing; raises MissingPrivilege."""
        if not await self.session.fetchval(_CURRENT, what="the ledger"):
            async with self.session.transaction():
                await self.session.execute(query("schema"), what="creating the schema crosswalk")

    async def update(self) -> None:
        """Give a ledger that an older version made what it lacks; does nothing where there is none."""
        if await self.exists():
            await self.create()

    async def lock(self) -> None:
        """Hold the target for this session; raises AlreadyRunning where another run holds it."""
        if not await self.session.fetchval("SELECT pg_try_advisory_lock($1)", LOCK, what="the run's lock"):
            holder = await self.session.fetchval(
                "SELECT string_agg(format('pid %s (%s)', a.pid, a.application_name), ', ') FROM pg_locks l"
                " JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted"
                " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND ((l.classid::bigint << 32) | l.objid::bigint) = $1",
                LOCK,
                what="the run's lock",
            )
            raise AlreadyRunning(holder=holder or "another session")

    # --- runs -----------------------------------------------------------------------------------

    async def begin(self, plan_id: str, plan: Mapping[str, Any]) -> int:
        """A new run, in the caller's transaction; returns its id."""
        run = await self.session.fetchval(
            "INSERT INTO crosswalk.run (plan_id, plan) VALUES ($1, $2::json) RETURNING id",
            plan_id,
            json.dumps(plan),
            what="the ledger",
        )
        await self.event(run, "state", RunState.STARTED)
        return int(run)

    async def event(self, run: int, kind: str, name: str, **detail: Any) -> None:
        """Note what happened; no secret and no row value may stand in `detail`."""
        await self.session.execute(
            "INSERT INTO crosswalk.event (run_id, kind, name, detail) VALUES ($1, $2, $3, $4::json)",
            run,
            kind,
            name,
            json.dumps(detail, default=str),
            what="the ledger",
        )

    async def runs(self) -> list[Run]:
        """All runs, newest first; raises LedgerOutdated."""
        if not await self.exists():
            return []
        if not await self.session.fetchval(_CURRENT, what="the ledger"):
            raise LedgerOutdated()
        rows = await self.session.fetch(query("runs"), what="the ledger")
        return [
            Run(
                id=r["id"],
                plan_id=r["plan_id"],
                plan=json.loads(r["plan"]),
                state=RunState(r["state"] or RunState.STARTED),
                started_at=r["started_at"],
            )
            for r in rows
        ]

    async def unfinished(self) -> Run:
        """The newest run, if it did not finish; raises NothingToResume."""
        runs = await self.runs()
        if not runs or runs[0].state.over:
            raise NothingToResume()
        return runs[0]

    async def events(self, run: int) -> list[dict[str, Any]]:
        """A run's events in order."""
        rows = await self.session.fetch(
            "SELECT at::text, kind, name, detail FROM crosswalk.event WHERE run_id = $1 ORDER BY id",
            run,
            what="the ledger",
        )
        return [{**dict(r), "detail": json.loads(r["detail"])} for r in rows]

    # --- chunks ---------------------------------------------------------------------------------

    async def plan_chunks(self, run: int, target: Name, chunks: Iterable[Chunk]) -> None:
        """Remember how a table is cut, once."""
        rows = [
            {
                "number": c.number,
                "after": c.after,
                "upto": c.upto,
                "from_page": c.pages[0] if c.pages else None,
                "to_page": c.pages[1] if c.pages else None,
            }
            for c in chunks
        ]
        await self.session.execute(query("plan_chunks"), run, str(target), json.dumps(rows), what="the ledger")

    async def plan_whole(self, run: int, targets: Iterable[Name]) -> None:
        """Tables that are one chunk each."""
        await self.session.execute(
            "INSERT INTO crosswalk.chunk_plan (run_id, target_table, number)"
            " SELECT $1, t, 0 FROM pg_catalog.unnest($2::text[]) AS t",
            run,
            [str(t) for t in targets],
            what="the ledger",
        )

    async def planned(self, run: int, target: Name) -> list[Chunk]:
        """The chunks of a table, or none where it was not cut yet."""
        rows = await self.session.fetch(
            "SELECT number, after, upto, from_page, to_page FROM crosswalk.chunk_plan"
            " WHERE run_id = $1 AND target_table = $2 ORDER BY number",
            run,
            str(target),
            what="the ledger",
        )
        return [
            Chunk(
                number=r["number"],
                after=tuple(r["after"]) if r["after"] else None,
                upto=tuple(r["upto"]) if r["upto"] else None,
                pages=(r["from_page"], r["to_page"]) if r["from_page"] is not None else None,
            )
            for r in rows
        ]

    async def landed(self, run: int, target: Name) -> set[int]:
        """Numbers of the chunks that have landed."""
        rows = await self.session.fetch(
            "SELECT number FROM crosswalk.chunk WHERE run_id = $1 AND target_table = $2",
            run,
            str(target),
            what="the ledger",
        )
        return {r["number"] for r in rows}

    async def forget_plan(self, run: int, target: Name) -> None:
        """The chunks that have not landed will be cut anew."""
        await self.session.execute(
            "DELETE FROM crosswalk.chunk_plan AS p WHERE run_id = $1 AND target_table = $2 AND NOT EXISTS"
            " (SELECT FROM crosswalk.chunk AS c WHERE (c.run_id, c.target_table, c.number) = (p.run_id, p.target_table, p.number))",
            run,
            str(target),
            what="the ledger",
        )

    async def forget_chunks(self, run: int, target: Name, number: int) -> None:
        """Chunks from that number on are to be moved again."""
        await self.session.execute(
            "DELETE FROM crosswalk.chunk WHERE run_id = $1 AND target_table = $2 AND number >= $3",
            run,
            str(target),
            number,
            what="the ledger",
        )

    async def progress(self, run: int) -> list[dict[str, Any]]:
        """By table: chunks planned and landed, rows and bytes that landed."""
        return [dict(r) for r in await self.session.fetch(query("progress"), run, None, what="the ledger")]

    async def open_chunks(self, run: int, target: Name, numbers: Sequence[int], snapshot: str) -> frozenset[int]:
        """First statement of a transaction that moves chunks: those that have not landed already.

        Waits for a predecessor whose COMMIT is still under way, however long that takes.
        """
        rows = await self.session.fetch(
            "WITH patient AS MATERIALIZED (SELECT pg_catalog.set_config('lock_timeout', '0', true) AS set)"
            " INSERT INTO crosswalk.chunk (run_id, target_table, number, snapshot)"
            " SELECT $1, $2, n, $4 FROM patient, pg_catalog.unnest($3::int[]) AS n WHERE patient.set IS NOT NULL"
            " ON CONFLICT DO NOTHING RETURNING number",
            run,
            str(target),
            list(numbers),
            snapshot,
            what="the ledger",
        )
        return frozenset(r["number"] for r in rows)

    async def close_chunks(
        self, run: int, target: Name, numbers: Sequence[int], *, rows: int, merged: int, rejected: int, size: int
    ) -> None:
        """Last statement of a transaction that moved chunks: what they carried stands with the first of them."""
        await self.session.execute(
            "UPDATE crosswalk.chunk SET rows = CASE WHEN number = $4 THEN $5 ELSE 0 END,"
            " merged = CASE WHEN number = $4 THEN $6 ELSE 0 END, rejected = CASE WHEN number = $4 THEN $7 ELSE 0 END,"
            " bytes = CASE WHEN number = $4 THEN $8 ELSE 0 END, finished_at = clock_timestamp()"
            " WHERE run_id = $1 AND target_table = $2 AND number = ANY ($3::int[])",
            run,
            str(target),
            list(numbers),
            min(numbers),
            rows,
            merged,
            rejected,
            size,
            what="the ledger",
        )

    async def carried(self, run: int, target: Name, numbers: Sequence[int]) -> list[int]:
        """Rows, merged and rejected ones, and bytes of chunks that landed."""
        found = await self.session.fetch(query("carried"), run, str(target), list(numbers), what="the ledger")
        return [int(value) for value in found[0]]

    # --- tables ---------------------------------------------------------------------------------

    async def filled(self, target: Name) -> bool | None:
        """Whether a table that we filled was empty before; None where it is not ours."""
        found = await self.session.fetchval(
            "SELECT was_empty FROM crosswalk.filled WHERE target_table = $1", str(target), what="the ledger"
        )
        return None if found is None else bool(found)

    async def filled_by(self, target: Name) -> int | None:
        """The run that filled a table first; None where it is not ours."""
        found = await self.session.fetchval(
            "SELECT run_id FROM crosswalk.filled WHERE target_table = $1", str(target), what="the ledger"
        )
        return None if found is None else int(found)

    async def kept(self, target: Name) -> int:
        """How many rows stood in the table before."""
        return int(
            await self.session.fetchval(
                "SELECT COALESCE(sum(times), 0)::bigint FROM crosswalk.kept WHERE target_table = $1",
                str(target),
                what="the ledger",
            )
        )

    async def tally(self, run: int, tally: Tally) -> None:
        """Write what became of a table's rows."""
        await self.session.execute(
            query("tally"),
            run,
            str(tally.target),
            str(tally.source),
            tally.extracted,
            tally.loaded,
            tally.merged,
            tally.quarantined,
            tally.filtered,
            tally.written,
            what="the ledger",
        )

    async def tallies(self, run: int) -> list[Tally]:
        """The accounting of a run, in the order in which tables were done."""
        rows = await self.session.fetch(
            "SELECT * FROM crosswalk.tally WHERE run_id = $1 ORDER BY target_table", run, what="the ledger"
        )
        return [
            Tally(
                target=parse(r["target_table"]),
                source=parse(r["source_table"]),
                extracted=r["extracted"],
                loaded=r["loaded"],
                merged=r["merged"],
                quarantined=r["quarantined"],
                filtered=r["filtered"],
                written=r["written"],
            )
            for r in rows
        ]

    async def reasons(self, target: Name | None = None) -> list[dict[str, Any]]:
        """What stands in quarantine, counted by table and reason; no values."""
        rows = await self.session.fetch(query("reasons"), str(target) if target else None, what="the ledger")
        return [dict(r) for r in rows]

    async def quarantined_keys(self, target: Name) -> frozenset[str]:
        """Source keys of the rows that the load refused, their parts joined by the unit separator (0x1F)."""
        rows = await self.session.fetch(
            "SELECT DISTINCT array_to_string(ARRAY(SELECT jsonb_array_elements_text(source_key)), E'\\x1f') AS k"
            " FROM crosswalk.quarantine WHERE target_table = $1 AND found_by = 'load'",
            str(target),
            what="the ledger",
        )
        return frozenset(r["k"] for r in rows)

    async def quarantined_tables(self) -> set[Name]:
        """Target tables of which rows stand in quarantine."""
        rows = await self.session.fetch("SELECT DISTINCT target_table AS t FROM crosswalk.quarantine", what="the ledger")
        return {parse(r["t"]) for r in rows}

    async def raising_keys(self, target: Name) -> tuple[tuple[str, ...], ...]:
        """Source keys of the rows for which a rule raised an error while they were copied."""
        rows = await self.session.fetch(
            "SELECT DISTINCT ARRAY(SELECT jsonb_array_elements_text(source_key)) AS k FROM crosswalk.quarantine"
            " WHERE target_table = $1 AND found_by = 'load' AND code = 'rule.raises' ORDER BY 1",
            str(target),
            what="the ledger",
        )
        return tuple(tuple(r["k"]) for r in rows)

    async def kept_keys(self, target: Name) -> frozenset[str]:
        """Target keys (jsonb texts) of the rows that stood in a table before."""
        rows = await self.session.fetch(
            "SELECT target_key::text AS k FROM crosswalk.kept WHERE target_table = $1", str(target), what="the ledger"
        )
        return frozenset(r["k"] for r in rows)

    # --- what is held ---------------------------------------------------------------------------

    async def hold(self, run: int, kind: str, target: Name, name: str, restore: str, also: str = "") -> None:
        """Remember how to switch something on again, in the transaction that switches it off."""
        await self.session.execute(
            "INSERT INTO crosswalk.held (run_id, kind, target_table, name, restore, also) VALUES ($1, $2, $3, $4, $5, $6)",
            run,
            kind,
            str(target),
            name,
            restore,
            also,
            what="the ledger",
        )

    async def held(self) -> list[Held]:
        """Everything still switched off, by any run, oldest first."""
        rows = await self.session.fetch(
            "SELECT id, kind, target_table AS target, name, restore, also FROM crosswalk.held WHERE released_at IS NULL"
            " ORDER BY id",
            what="the ledger",
        )
        return [Held(**{**dict(r), "target": parse(r["target"])}) for r in rows]

    async def release(self, held: Held) -> None:
        """Note that it is on again, in the transaction that switched it on."""
        await self.session.execute(
            "UPDATE crosswalk.held SET released_at = clock_timestamp() WHERE id = $1", held.id, what="the ledger"
        )

    # --- preserved tables -----------------------------------------------------------------------

    async def preserve(self, run: int, target: Name, rows: int, total: Any) -> None:
        await self.session.execute(
            "INSERT INTO crosswalk.preserved (run_id, target_table, rows, hash) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            run,
            str(target),
            rows,
            total,
            what="the ledger",
        )

    async def preserved(self, run: int) -> dict[Name, tuple[int, Any]]:
        """By preserved table: rows and sum of hashes when the run began."""
        rows = await self.session.fetch(
            "SELECT target_table, rows, hash FROM crosswalk.preserved WHERE run_id = $1", run, what="the ledger"
        )
        return {parse(r["target_table"]): (r["rows"], r["hash"]) for r in rows}


def as_json(tally: Tally) -> dict[str, Any]:
    """A tally with names as texts."""
    return {**asdict(tally), "target": str(tally.target), "source": str(tally.source)}
