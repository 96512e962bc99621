"""How a database stands, read without the product: pg_dump's schema, every row as text, every sequence.

Our ledger is left out. Two readings that are equal mean: nothing of ours is there, and nothing of others is gone.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import subprocess
from collections.abc import Iterable

import pytest

from crosswalk.embedded import Server
from tests.road import connected, sequences
from tests.servers import database_of

_TABLES = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname <> 'crosswalk' AND n.nspname !~ '^(pg_|information_schema)' ORDER BY 1"
)


def dumped(server: Server, url: str, *tables: str) -> list[str]:
    """pg_dump's lines of the schema (of some tables with their rows), without our ledger and the key made up for psql."""
    what = [f"--table={table}" for table in tables] or ["--schema-only", "--exclude-schema=crosswalk"]
    environment = {**os.environ, **server.environment(database_of(url))}
    done = subprocess.run(
        [server.bindir / "pg_dump", *what],
        env=environment, capture_output=True, text=True, check=True,
    )
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


async def standing(server: Server, url: str) -> list[str]:
    """Everything, as lines."""
    found = dumped(server, url)
    async with connected(server.url(database_of(url))) as conn:
        for row in await conn.fetch(_TABLES):
            lines = await conn.fetch(f"SELECT t::text AS line FROM {row[0]} AS t ORDER BY 1")
            found += [f"{row[0]}: {line['line']}" for line in lines]
        found += [f"{name}: {state}" for name, state in (await sequences(conn)).items()]
    return found


def same(before: Iterable[str], now: Iterable[str]) -> None:
    """Fails with what differs; rows are cut short."""
    lines = [line[:200] for line in difflib.unified_diff(list(before), list(now), lineterm="", n=1)]
    if lines:
        pytest.fail("\n".join(lines[:80]))


async def alone(server: Server, url: str) -> None:
    """Until no session of the product is on the database: a killed process's may linger."""
    ours = f"datname = '{database_of(url)}' AND application_name LIKE 'crosswalk/%'"
    async with connected(server.url("postgres")) as conn:
        for _ in range(400):
            if not await conn.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}"):
                return
            await asyncio.sleep(0.05)
    raise AssertionError("a session of the product is still there")
