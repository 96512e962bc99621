"""What the driver says of a connection that has gone is `ConnectionLost`; a COMMIT that rolled back is no success."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import pytest

from crosswalk.connect import Session, session
from crosswalk.embedded import Server
from crosswalk.errors import ConnectionLost, CrosswalkError, StatementFailed
from crosswalk.survey import read_both
from tests.road import connected, lay
from tests.servers import MakeDatabase, MakeRole

GONE = [
    asyncpg.InternalClientError("got result for unknown protocol state 0"),
    asyncpg.ProtocolError("unexpected message"),
    asyncpg.InterfaceError("connection is closed"),
    ConnectionResetError("reset by peer"),
    EOFError(),
    ConnectionError("unexpected connection_lost() call"),
]


@dataclass
class Broken:
    """A driver's connection of which nothing is left."""

    error: Exception
    closed: bool = True

    async def fetch(self, *_: object) -> object:
        raise self.error

    def is_closed(self) -> bool:
        return self.closed


def _session(raw: Broken) -> Session:
    return Session(
        side="target", url="", version=180000, role="r", database="d", read_only=False, raw=cast("Any", raw)
    )


@pytest.mark.parametrize("error", GONE, ids=lambda e: type(e).__name__)
async def test_whatever_the_driver_says_of_a_lost_connection(error: Exception) -> None:
    with pytest.raises(ConnectionLost) as told:
        await _session(Broken(error)).fetch("SELECT 1")
    assert not re.search(r"[(_)]|protocol|unexpected", str(told.value)), "the driver's own words"


@pytest.mark.parametrize("error", [AttributeError("no transport"), RuntimeError("closed")])
async def test_an_error_of_another_kind_counts_once_the_connection_is_closed(error: Exception) -> None:
    with pytest.raises(ConnectionLost):
        await _session(Broken(error)).fetch("SELECT 1")
    with pytest.raises(Exception) as caught:
        await _session(Broken(error, closed=False)).fetch("SELECT 1")
    assert not isinstance(caught.value, ConnectionLost)


async def test_a_session_whose_backend_is_ended(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    async with session("target", url) as opened, connected(url) as other:
        pid = await opened.fetchval("SELECT pg_backend_pid()")
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                await opened.fetch("SELECT pg_sleep(5)")


async def test_a_commit_that_rolls_back_is_an_error(pg18: Server, make_database: MakeDatabase) -> None:
    async def swallows(opened: Session) -> None:
        async with opened.transaction():
            with pytest.raises(CrosswalkError):
                await opened.execute("SELECT 1 / 0")

    async with session("target", make_database(pg18)) as opened:
        with pytest.raises(StatementFailed, match="rolled back"):
            await swallows(opened)
        async with opened.transaction():
            assert await opened.fetchval("SELECT 1") == 1


async def test_arrays_read_null_whatever_the_database_says(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    async with connected(url) as conn:
        await conn.execute(f'ALTER DATABASE "{await conn.fetchval("SELECT current_database()")}" SET array_nulls = off')
    async with session("source", url) as opened:
        assert await opened.fetchval("""SELECT ('{NULL,"NULL"}'::text[])[1] IS NULL""")


@pytest.mark.parametrize("lost", ["source", "target"])
async def test_a_side_that_is_lost_while_both_are_read_leaves_the_other_at_rest(
    pg16: Server, pg18: Server, make_database: MakeDatabase, lost: str
) -> None:
    async with session("source", make_database(pg16)) as source, session("target", make_database(pg18)) as target:
        gone, left = (source, target) if lost == "source" else (target, source)
        gone.raw.terminate()
        with pytest.raises(ConnectionLost):
            await read_both(source, target)
        assert await left.fetchval("SELECT 1") == 1


SOURCE = """
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 150000) i
"""
TARGET = "CREATE TABLE item (id int PRIMARY KEY, name text)"
DOCUMENT = "version: 1\ntables:\n  item: {from: item, key: [id], columns: {id: id, name: name}}\n"
END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '(copy|load)' AND query ~ '^COPY' AND state = 'active'
"""


@pytest.mark.parametrize("side", ["source", "target"])
async def test_backends_that_are_ended_in_the_middle_of_a_copy(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, side: str
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    plan = await road.plan()
    async with connected(road.source if side == "source" else road.target) as killer:
        running = asyncio.create_task(road.migrate(plan, jobs=1, chunk_bytes=2_000_000))
        while not running.done() and not await killer.fetchval(END):
            await killer.execute("SELECT pg_sleep(0.002)")
        assert (await running).tallies[0].loaded == 150000, "the worker gets another connection"
    assert (await road.verify()).clean
