"""The relay between two real servers: what it counts, how either side's failure ends, what never hangs."""

from __future__ import annotations

import asyncio
import gc
import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crosswalk.connect import Session, connect
from crosswalk.embedded import Server
from crosswalk.errors import ConnectionLost, StatementFailed, Timeout
from crosswalk.relay import BLOCK, BLOCKS, Landed, relay
from crosswalk.snapshot import BEGIN, savepoint
from tests.servers import MakeDatabase, database_of, sql

COLUMNS = ["id", "body"]
SHORT = "SELECT i::bigint AS id, repeat('x', 100) AS body FROM generate_series(1, 1000) AS i"
LONG = "SELECT i::bigint AS id, repeat(md5(i::text), 40) AS body FROM generate_series(1, {rows}) AS i"
"""About 1.3 kB a row."""
NEVER = 30.0
"""Seconds after which something hangs."""
STATM = Path("/proc/self/statm")


def resident() -> int:
    """This process's memory in MB."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize() // 2**20


@dataclass(frozen=True, kw_only=True)
class Ends:
    source: Session
    target: Session
    source_url: str
    target_url: str
    servers: tuple[Server, Server]

    async def relay(self, query: str, table: str = "landed", **more: object) -> Landed:
        async with asyncio.timeout(NEVER):
            return await relay(self.source, query, self.target, table, COLUMNS, **more)  # type: ignore[arg-type]

    def at_target(self, *statements: str) -> str:
        """Run statements in another session."""
        return sql(self.servers[1], *statements, database=database_of(self.target_url))

    def at_source(self, *statements: str) -> str:
        return sql(self.servers[0], *statements, database=database_of(self.source_url))


@pytest.fixture
async def ends(pg16: Server, pg18: Server, make_database: MakeDatabase) -> AsyncIterator[Ends]:
    urls = make_database(pg16), make_database(pg18)
    source, target = await connect("source", urls[0]), await connect("target", urls[1])
    await target.execute("CREATE TABLE landed (id bigint PRIMARY KEY, body text CHECK (body <> 'refused'))")
    await source.execute(BEGIN)
    yield Ends(source=source, target=target, source_url=urls[0], target_url=urls[1], servers=(pg16, pg18))
    await source.close()
    await target.close()


async def alive(session: Session) -> bool:
    """Whether the session's transaction still answers."""
    async with asyncio.timeout(NEVER):
        return bool(await session.fetchval("SELECT true"))


async def settled(session: Session) -> bool:
    """Whether a session that was interrupted is closed, or usable after a rollback."""
    if session.raw.is_closed():
        return True
    async with asyncio.timeout(NEVER):
        await session.execute("ROLLBACK")
        return bool(await session.fetchval("SELECT true"))


@pytest.mark.parametrize("form", ["binary", "text"])
async def test_rows_and_bytes_are_counted(ends: Ends, form: str) -> None:
    seen: list[int] = []
    landed = await ends.relay(SHORT, form=form, on_bytes=seen.append)
    assert landed.rows == 1000
    assert landed.bytes == sum(seen) > 100 * 1000
    there = await ends.target.fetchrow("SELECT count(*), min(id), max(id), min(length(body)) FROM landed")
    assert there is not None
    assert tuple(there) == (1000, 1, 1000, 100)


async def test_nothing_is_relayed_as_no_rows(ends: Ends) -> None:
    landed = await ends.relay("SELECT 1::bigint, 'x' WHERE false")
    assert landed.rows == 0
    assert await alive(ends.source)


async def test_values_arrive_byte_for_byte_whatever_their_size(ends: Ends) -> None:
    query = f"""
        SELECT i::bigint AS id, repeat(chr(960 + i), n) AS body
        FROM (VALUES (1, 0), (2, 1), (3, {BLOCK // 2 - 1}), (4, {BLOCK}), (5, {3 * BLOCK * BLOCKS})) AS v (i, n)"""
    await ends.relay(query)
    digest = "SELECT string_agg(md5(convert_to(body, 'UTF8')), ',' ORDER BY id) FROM "
    assert await ends.target.fetchval(digest + "landed") == await ends.source.fetchval(f"{digest} ({query}) AS q")


async def test_a_target_that_refuses_a_row_leaves_the_sources_transaction_usable(ends: Ends) -> None:
    early = "SELECT i::bigint, CASE i WHEN 1 THEN 'refused' ELSE repeat('x', 500) END FROM generate_series(1, 40000) i"
    with pytest.raises(StatementFailed) as caught:
        async with ends.target.transaction(), savepoint(ends.target), savepoint(ends.source):
            await ends.relay(early)
    assert caught.value.fields["side"] == "target"
    assert caught.value.fields["sqlstate"] == "23514"
    assert await alive(ends.source)
    assert await ends.source.fetchval(
        "SELECT pg_current_xact_id_if_assigned() IS NULL AND txid_current_if_assigned() IS NULL"
    )
    assert await ends.target.fetchval("SELECT count(*) FROM landed") == 0


async def test_a_missing_table_is_the_targets_error_and_the_source_goes_on(ends: Ends) -> None:
    with pytest.raises(StatementFailed) as caught:
        await ends.relay(LONG.format(rows=2000), "nowhere")
    assert caught.value.fields["sqlstate"] == "42P01"
    assert await alive(ends.source)
    assert (await ends.relay(SHORT)).rows == 1000


@pytest.mark.parametrize("bad", [1, 30_000], ids=["at once", "in the middle"])
async def test_a_source_that_fails_fails_the_targets_copy_and_its_transaction_goes_on(ends: Ends, bad: int) -> None:
    query = f"SELECT i::bigint, repeat('x', 300 / ({bad} - i)::int * 0 + 300) FROM generate_series(1, 40000) AS i"
    async with ends.target.transaction():
        await ends.target.execute("INSERT INTO landed VALUES (-1, 'before')")
        for _ in range(5):
            with pytest.raises(StatementFailed) as caught:
                async with savepoint(ends.target), savepoint(ends.source):
                    await ends.relay(query)
            assert caught.value.fields["side"] == "source"
            assert caught.value.fields["sqlstate"] == "22012"
        await ends.target.execute("INSERT INTO landed VALUES (-2, 'after')")
    assert await ends.target.fetchval("SELECT array_agg(id ORDER BY id DESC) FROM landed") == [-1, -2]
    assert await alive(ends.source)


async def test_a_target_that_refused_and_a_source_that_fails_later_end_both(ends: Ends) -> None:
    """The target has answered already when it is told of the source's failure."""
    query = """
        SELECT i::bigint, CASE i WHEN 1 THEN 'refused' ELSE repeat('x', 300 + 0 / (40000 - i)::int) END
        FROM generate_series(1, 60000) AS i"""
    async with asyncio.timeout(NEVER), ends.target.transaction():
        with pytest.raises(StatementFailed) as caught:
            async with savepoint(ends.target), savepoint(ends.source):
                await ends.relay(query)
        assert caught.value.fields["side"] == "source"
        assert (await ends.relay(SHORT)).rows == 1000
    assert await alive(ends.source)


@pytest.mark.parametrize("form", ["binary", "text"])
@pytest.mark.parametrize("rows", [0, 40_000])
async def test_a_copy_whose_source_failed_lands_nothing_even_without_a_transaction(
    ends: Ends, form: str, rows: int
) -> None:
    query = f"SELECT i::bigint, repeat('x', 300 + 0 / ({rows} + 1 - i)::int) FROM generate_series(1, {rows} + 10) AS i"
    with pytest.raises(StatementFailed) as caught:
        await ends.relay(query, form=form)
    assert caught.value.fields["side"] == "source"
    assert await ends.target.fetchval("SELECT count(*) FROM landed") == 0


async def test_a_syntax_error_is_the_sources_and_the_target_goes_on(ends: Ends) -> None:
    async with ends.target.transaction():
        with pytest.raises(StatementFailed) as caught:
            async with savepoint(ends.target), savepoint(ends.source):
                await ends.relay("SELECT nothing FROM nowhere")
        assert caught.value.fields["side"] == "source"
        assert (await ends.relay(SHORT)).rows == 1000


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.1, 0.2, 0.201, 0.202, 0.203])
async def test_cancelled_in_the_middle_neither_side_hangs(ends: Ends, after: float) -> None:
    await ends.target.execute("BEGIN")
    task = asyncio.create_task(ends.relay(LONG.format(rows=2_000_000)))
    await asyncio.sleep(after)
    task.cancel()
    async with asyncio.timeout(NEVER):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await settled(ends.source)
    assert await settled(ends.target)
    left = ends.at_target("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'")
    assert left == "0", "a COPY runs on at the target"


async def test_cancelled_while_the_target_is_blocked_neither_side_hangs(ends: Ends) -> None:
    blocker = await connect("target", ends.target_url)
    await blocker.execute("BEGIN; INSERT INTO landed VALUES (5, 'held')")
    task = asyncio.create_task(ends.relay(LONG.format(rows=100_000)))
    await asyncio.sleep(1.0)
    task.cancel()
    async with asyncio.timeout(NEVER):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await settled(ends.source)
    assert await settled(ends.target)
    await blocker.close()


async def test_cancelled_after_the_target_refused_neither_side_hangs(ends: Ends) -> None:
    query = (
        "SELECT i::bigint, CASE i WHEN 1 THEN 'refused' ELSE repeat('x', 500) END FROM generate_series(1, 9000000) i"
    )
    task = asyncio.create_task(ends.relay(query))
    await asyncio.sleep(0.5)
    assert not task.done()
    task.cancel()
    async with asyncio.timeout(NEVER):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await settled(ends.source)
    assert await settled(ends.target)


async def test_a_target_that_is_blocked_holds_the_source_back_and_memory_stays_small(ends: Ends) -> None:
    """Backpressure: while the target waits for a lock no more than the blocks in between is read."""
    passed: list[int] = []
    blocker = await connect("target", ends.target_url)
    await blocker.execute("BEGIN; INSERT INTO landed VALUES (5, 'held')")
    task = asyncio.create_task(ends.relay(LONG.format(rows=100_000), on_bytes=passed.append))
    await asyncio.sleep(1.5)
    assert not task.done()
    stalled = sum(passed)
    await asyncio.sleep(0.5)
    assert sum(passed) == stalled, "bytes went on passing though the target reads none"
    # What the kernel holds for the two sockets comes on top of our own blocks.
    assert stalled < 32 * 2**20, f"{stalled / 2**20:.0f} MB were read ahead"
    await blocker.execute("ROLLBACK")
    assert (await task).rows == 100_000
    await blocker.close()


async def test_a_lock_that_never_comes_is_a_timeout_and_the_source_goes_on(ends: Ends) -> None:
    blocker = await connect("target", ends.target_url)
    await blocker.execute("BEGIN; INSERT INTO landed VALUES (5, 'held')")
    await ends.target.execute("SET lock_timeout = '300ms'")
    with pytest.raises(Timeout) as caught:
        await ends.relay(LONG.format(rows=30_000))
    assert caught.value.fields["side"] == "target"
    assert await alive(ends.source)
    await blocker.close()


async def test_a_target_that_dies_while_it_is_blocked_is_an_error_and_the_source_goes_on(ends: Ends) -> None:
    blocker = await connect("target", ends.target_url)
    await blocker.execute("BEGIN; INSERT INTO landed VALUES (5, 'held')")
    pid = await ends.target.fetchval("SELECT pg_backend_pid()")
    task = asyncio.create_task(ends.relay(LONG.format(rows=100_000)))
    await asyncio.sleep(1.0)
    assert not task.done()
    await asyncio.to_thread(ends.at_target, f"SELECT pg_terminate_backend({pid})")
    with pytest.raises(ConnectionLost) as caught:
        await task
    assert caught.value.fields["side"] == "target"
    assert await alive(ends.source)
    await blocker.close()


async def test_a_source_that_dies_is_an_error_and_the_target_goes_on(ends: Ends) -> None:
    pid = await ends.source.fetchval("SELECT pg_backend_pid()")
    async with ends.target.transaction():
        await ends.target.execute("INSERT INTO landed VALUES (-1, 'before')")
        task = asyncio.create_task(ends.relay(LONG.format(rows=2_000_000)))

        async def kill() -> None:
            await asyncio.sleep(0.3)
            await asyncio.to_thread(ends.at_source, f"SELECT pg_terminate_backend({pid})")

        with pytest.raises(ConnectionLost) as caught:
            async with savepoint(ends.target):
                await asyncio.gather(task, kill())
        assert caught.value.fields["side"] == "source"
        assert await ends.target.fetchval("SELECT count(*) FROM landed") == 1, "back at the savepoint: it was the other side"
    assert await ends.target.fetchval("SELECT count(*) FROM landed") == 1


@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
async def test_memory_does_not_grow_with_the_table(ends: Ends) -> None:
    await ends.relay(LONG.format(rows=20_000))
    await ends.target.execute("TRUNCATE landed")
    gc.collect()
    before, peak = resident(), 0

    def sample(_: int) -> None:
        nonlocal peak
        peak = max(peak, resident())

    landed = await ends.relay(LONG.format(rows=150_000), on_bytes=sample)
    assert landed.bytes > 180 * 2**20
    assert peak - before < 24, f"{peak - before} MB more at the peak"
