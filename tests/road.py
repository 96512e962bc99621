"""Walks the whole road for a test: check, plan, migrate, verify; and reads what became of rows.

Nothing here judges: tests do. `Road` binds two databases and a document; `fates` tells where each
source row ended, read from the target, the key map and quarantine and not from the rules.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from crosswalk.checking import Checked, check
from crosswalk.embedded import Server
from crosswalk.mapping import MappingFile, read_mapping, read_text
from crosswalk.migration import Migrated, migrate, resume
from crosswalk.names import Name
from crosswalk.plan import Decision, Hazard, Plan, Strategy
from crosswalk.planning import make_plan
from crosswalk.progress import Observer
from crosswalk.survey import Servers
from crosswalk.verification import Mended, Verified, repair, verify
from tests.servers import MakeDatabase, MakeRole

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
BACKUPS = Path(tempfile.gettempdir()) / f"crosswalk-test-backups-{os.getpid()}"
"""Where a test's dumps go; a test that looks at them names a place of its own."""
ALL_HAZARDS = tuple(hazard.value for hazard in Hazard)
atexit.register(shutil.rmtree, BACKUPS, ignore_errors=True)
Reasons = Counter[tuple[str, str, str | None]]
"""Rows in quarantine by (table, code, column)."""
Sum = tuple[int, int, int, int, int]
"""extracted, loaded, merged, quarantined, filtered"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What each stage of the road said."""

    checked: Checked
    plan: Plan
    migrated: Migrated
    verified: Verified

    @property
    def sums(self) -> dict[str, Sum]:
        return sums(self.migrated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Two databases and the document between them."""

    source: str
    target: str
    file: MappingFile = field(repr=False)

    @property
    def servers(self) -> Servers:
        return Servers(source=self.source, target=self.target)

    async def check(self) -> Checked:
        return await check(self.file, self.servers)

    async def plan(self, strategy: Strategy = "transform") -> Plan:
        """A plan that somebody has decided on."""
        made, _ = await make_plan(self.file, self.servers, strategy=strategy, sample=False)
        return made.model_copy(update={"decision": decision(strategy)})

    async def migrate(
        self,
        plan: Plan | None = None,
        *,
        allow: Iterable[str] = ALL_HAZARDS,
        jobs: int = 2,
        chunk_bytes: int | None = None,
        observer: Observer | None = None,
    ) -> Migrated:
        return await migrate(
            plan or await self.plan(),
            self.servers,
            allow=allow,
            jobs=jobs,
            chunk_bytes=chunk_bytes,
            observer=observer,
            backup=BACKUPS,
        )

    async def resume(self) -> Migrated:
        return await resume(self.servers)

    async def verify(self, *, exact: bool = False) -> Verified:
        return await verify(self.servers, exact=exact)

    async def repair(self, *, delete_extra: bool = False) -> Mended:
        return await repair(self.servers, delete_extra=delete_extra)


def decision(strategy: Strategy = "transform") -> Decision:
    """Somebody's."""
    return Decision(strategy=strategy, who="tests", why="the test asks for it", at="2026-01-01T00:00:00+00:00")


def road(source_url: str, target_url: str, mapping: Path | str) -> Road:
    """A road by a document's path, or by its text."""
    file = read_mapping(mapping) if isinstance(mapping, Path) else read_text(mapping)
    return Road(source=source_url, target=target_url, file=file)


async def lay(
    make_database: MakeDatabase,
    make_role: MakeRole,
    source: tuple[Server, str],
    target: tuple[Server, str],
    mapping: Path | str,
) -> Road:
    """A road between two new databases, each of a plain owner, filled by its SQL text."""
    urls = []
    for server, text in (source, target):
        url = make_database(server, owner=make_role(server))
        async with connected(url) as conn:
            await conn.execute(text)
        urls.append(url)
    return road(urls[0], urls[1], mapping)


async def walk(source_url: str, target_url: str, mapping: Path | str) -> Walked:
    """The whole road, every hazard allowed; raises what the stages raise."""
    way = road(source_url, target_url, mapping)
    checked = await way.check()
    plan = await way.plan()
    migrated = await way.migrate(plan)
    return Walked(checked=checked, plan=plan, migrated=migrated, verified=await way.verify())


def sums(migrated: Migrated) -> dict[str, Sum]:
    """The accounting by unqualified target table."""
    return {t.target.relation: (t.extracted, t.loaded, t.merged, t.quarantined, t.filtered) for t in migrated.tallies}


def findings(verified: Verified) -> list[tuple[Any, ...]]:
    """Everything that a verification holds against the target; empty where it is clean."""
    found: list[tuple[Any, ...]] = [
        (str(t.target), d.kind, d.target_key, d.columns) for t in verified.tables for d in t.differences
    ]
    found += [(str(tally.target), problem) for tally, problem in verified.accounting if problem]
    found += [(str(p.sequence), p.before, p.needed) for p in verified.sequences if p.behind]
    found += [(str(p.table), p.rows_before, p.rows) for p in verified.preserved if not p.unchanged]
    return found


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection of the test's own, in UTC; `time` comes as text, for Python has no 24:00."""
    conn = await asyncpg.connect(url, server_settings={"timezone": "UTC", "lock_timeout": "30s"})
    try:
        await conn.set_type_codec("time", schema="pg_catalog", encoder=str, decoder=str, format="text")
        yield conn
    finally:
        await conn.close()


async def content(conn: Connection, table: str, *, without: Sequence[str] = ()) -> list[str]:
    """All rows of a table as sorted texts, each with its column names."""
    rows = await conn.fetch(f"SELECT to_jsonb(t) - $1::text[] AS line FROM {table} AS t", list(without))
    return sorted(row["line"] for row in rows)


async def versions(conn: Connection, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Where each row version stands and who wrote it: equal twice, nothing was written in between."""
    return {
        table: [tuple(row) for row in await conn.fetch(f"SELECT tableoid, ctid, xmin, xmax FROM {table} ORDER BY 1, 2")]
        for table in tables
    }


async def sequences(conn: Connection) -> dict[str, tuple[Any, ...]]:
    """last_value and is_called of every sequence outside our ledger."""
    names = await conn.fetch(
        "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'S' AND n.nspname <> 'crosswalk' AND n.nspname NOT LIKE 'pg_%' ORDER BY 1"
    )
    found = {}
    for row in names:
        state = await conn.fetchrow(f"SELECT last_value, is_called FROM {row['name']}")
        assert state is not None
        found[str(row["name"])] = tuple(state)
    return found


async def triggers(conn: Connection) -> list[tuple[Any, ...]]:
    """Every user trigger with its state."""
    rows = await conn.fetch(
        "SELECT tgrelid::regclass::text, tgname, tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal OR tgparentid <> 0 ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def constraints(conn: Connection) -> list[tuple[Any, ...]]:
    """Every constraint of the user's tables with its definition and whether it is validated."""
    rows = await conn.fetch(
        "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid <> 0 AND connamespace::regnamespace::text NOT IN ('crosswalk', 'information_schema', 'pg_catalog')"
        " ORDER BY 1, 2, 4"
    )
    return [tuple(row) for row in rows]


async def quarantine(conn: Connection) -> Reasons:
    """Rows in quarantine by (unqualified target table, code, column)."""
    rows = await conn.fetch(
        "SELECT target_table, code, column_name, count(*) AS n FROM crosswalk.quarantine GROUP BY 1, 2, 3"
    )
    return Counter({(_relation(r["target_table"]), r["code"], r["column_name"]): r["n"] for r in rows})


def _relation(table: str) -> str:
    return table.rpartition(".")[2]


async def set_aside(conn: Connection, table: Name | str) -> dict[str, tuple[str, str | None]]:
    """By source key (the first part's text, or the whole jsonb where it has several): (code, column)."""
    rows = await conn.fetch(
        "SELECT source_key, code, column_name FROM crosswalk.quarantine WHERE target_table = $1", str(table)
    )
    return {_key(r["source_key"]): (r["code"], r["column_name"]) for r in rows}


async def gone_to(conn: Connection, table: Name | str) -> dict[str, tuple[str, ...]]:
    """By source key: the target key that the ledger's key map remembers."""
    rows = await conn.fetch("SELECT source_key, target_key FROM crosswalk.key_map WHERE target_table = $1", str(table))
    return {_key(r["source_key"]): tuple(json.loads(r["target_key"])) for r in rows}


def _key(text: str) -> str:
    parts = json.loads(text)
    return str(parts[0]) if len(parts) == 1 else text


async def run(url: str, sql: str) -> None:
    """Statements on a database."""
    connection: Connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a query returns."""
    connection: Connection = await asyncpg.connect(url)
    try:
        return [tuple(r.values()) for r in await connection.fetch(sql)]
    finally:
        await connection.close()
