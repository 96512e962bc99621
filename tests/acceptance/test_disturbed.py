"""A source in use does the copy no harm: the target is the source at the snapshot's moment.

The moment is pinned by a session of the test's own that imports the copy's snapshot; what it sees is
kept in a database apart and migrated in peace, for comparison.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from crosswalk import migration
from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.errors import PlanDrifted
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.progress import Coming, Silent
from crosswalk.schema import Table
from crosswalk.snapshot import Snapshot, snapshot
from crosswalk.survey import Servers
from crosswalk.verification import verify
from examples.salon.data import load_source, load_target
from tests.road import Connection, Road, connected, content, findings, lay, road, sequences
from tests.servers import MakeDatabase, MakeRole, MakeTemplate

MAPPING = Path(__file__).parents[2] / "examples" / "salon" / "crosswalk.yaml"
TABLES = ("companies", "clients", "services", "staff", "staff_schedules", "bookings", "dialog_contexts")
MADE = {"bookings": ["id"], "dialog_contexts": ["id"]}
"""Columns that the target makes."""
CHUNK = 100_000
ROWS = 3000

CHANGES = (
    "UPDATE clients SET id = id + 1000000 WHERE id % 97 = {n} % 97",
    "UPDATE clients SET phone = '7900' || lpad((id % 10000000)::text, 7, '0'), updated_at = now() WHERE id % 53 = {n} % 53",
    "UPDATE clients SET yclients_id = yclients_id + 5000000 WHERE id % 71 = {n} % 71",
    "DELETE FROM clients WHERE id % 89 = {n} % 89",
    "INSERT INTO clients (yclients_id, company_id, name, phone)"
    " VALUES (900000000 + {n}, 700123, 'new', '7955' || lpad('{n}', 7, '0'))",
    "UPDATE companies SET title = title || '!', updated_at = now()",
    "UPDATE companies SET id = id + 1000 WHERE {n} % 7 = 0",
    "UPDATE services SET yclients_id = yclients_id + 1000000, duration = duration + 60 WHERE id % 5 = {n} % 5",
    "UPDATE staff SET id = id + 100000 WHERE id % 4 = {n} % 4",
    "DELETE FROM staff_schedules WHERE id % 11 = {n} % 11",
    "INSERT INTO staff_schedules (staff_id, staff_name, date) VALUES (2890004, 'new', date '2030-01-01' + {n})",
    "UPDATE bookings SET id = gen_random_uuid(), yclients_record_id = yclients_record_id + 7000000 WHERE duration % 7 = {n} % 7",
    "UPDATE bookings SET service_ids = array_prepend(18350020, service_ids) WHERE extract(day FROM datetime)::int % 5 = {n} % 5",
    "DELETE FROM dialog_contexts WHERE abs(hashtext(user_id)) % 13 = {n} % 13",
    "UPDATE dialog_contexts SET user_id = user_id || '0', last_activity = now() WHERE abs(hashtext(user_id)) % 9 = {n} % 9",
)


class Hammer:
    """Changes the source as fast as it can, in a thread of its own, until it is told to stop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.changes = 0

    def __enter__(self) -> Hammer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        async with connected(self._url) as conn:
            number = 0
            while not self._stopping.is_set():
                number += 1
                for change in CHANGES:
                    with suppress(asyncpg.IntegrityConstraintViolationError):
                        await conn.execute(change.format(n=number))
                        self.changes += 1


class Pin(Silent):
    """At the first table: calls back with the snapshot's name, in a loop of its own, before a row is read."""

    def __init__(self, target: str, then: Callable[[str], Awaitable[None]]) -> None:
        self._target, self._then = target, then

    def begin(self, tables: Sequence[Coming]) -> None:
        thread = threading.Thread(target=lambda: asyncio.run(self._pin()))
        thread.start()
        thread.join()

    async def _pin(self) -> None:
        async with connected(self._target) as conn:
            name = await conn.fetchval(
                "SELECT detail ->> 'snapshot' FROM crosswalk.event WHERE name = 'copying' ORDER BY id DESC LIMIT 1"
            )
        await self._then(name)


async def _freeze(source: Connection, frozen: Connection, snapshot: str) -> None:
    """Copy all tables, as the snapshot sees them, into the frozen database."""
    await source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    await source.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    for table in TABLES:
        rows = io.BytesIO()
        await source.copy_from_query(f"SELECT * FROM {table}", output=rows, format="binary")
        rows.seek(0)
        await frozen.execute(f"TRUNCATE {table}")
        await frozen.copy_to_table(table, source=rows, format="binary")
    await source.execute("COMMIT")


async def _salon(
    servers: tuple[Server, Server], make_role: MakeRole, make_database: MakeDatabase, template: MakeTemplate
) -> tuple[Road, Road]:
    """Two roads from equal sources to equal targets: the one to disturb, and the one in peace."""
    old, new = servers

    async def build_source(url: str) -> None:
        async with connected(url) as conn:
            await load_source(conn, rows=ROWS)

    async def build_target(url: str) -> None:
        async with connected(url) as conn:
            await load_target(conn)

    owners = make_role(old), make_role(new)
    number = owners[0].name.removeprefix("role_")
    names = (
        template(old, f"disturbed_source_{number}", build_source, owner=owners[0]),
        template(new, f"disturbed_target_{number}", build_target, owner=owners[1]),
    )
    pairs = [
        (make_database(old, names[0], owner=owners[0]), make_database(new, names[1], owner=owners[1])) for _ in range(2)
    ]
    return road(*pairs[0], MAPPING), road(*pairs[1], MAPPING)


async def _same(way: Road, peaceful: Road) -> dict[str, int]:
    """Rows by table that only one of two targets holds."""
    async with connected(way.target) as mine, connected(peaceful.target) as other:
        return {
            table: len(
                set(await content(mine, table, without=MADE.get(table, ())))
                ^ set(await content(other, table, without=MADE.get(table, ())))
            )
            for table in TABLES
        }


async def test_a_source_that_changes_all_the_time_is_copied_at_one_moment(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase, template: MakeTemplate
) -> None:
    way, peaceful = await _salon((pg16, pg18), make_role, make_database, template)

    async def pinned(snapshot: str) -> None:
        async with connected(way.source) as source, connected(peaceful.source) as frozen:
            await _freeze(source, frozen, snapshot)

    plan = await way.plan()
    with Hammer(way.source) as hammer:
        await asyncio.sleep(0.3)
        before = hammer.changes
        await way.migrate(plan, chunk_bytes=CHUNK, observer=Pin(way.target, pinned))
        during = hammer.changes - before
    assert before > 10
    assert during > 100
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.chunk WHERE target_table = 'public.clients'") > 5
    # The mapping, run in peace over what the snapshot saw, gives the same target, quarantine and sequences too.
    await peaceful.migrate()
    assert await _same(way, peaceful) == dict.fromkeys(TABLES, 0)
    noise = ["id", "run_id", "at"]
    async with connected(way.target) as mine, connected(peaceful.target) as other:
        aside = await content(mine, "crosswalk.quarantine", without=noise)
        assert aside == await content(other, "crosswalk.quarantine", without=noise)
        assert (await sequences(mine))["public.clients_id_seq"] == (await sequences(other))["public.clients_id_seq"]
    verified = await verify(Servers(source=peaceful.source, target=way.target))
    assert [f for f in findings(verified) if not str(f[0]).endswith("_seq")] == []
    # And the source as it is now is another one: verify says so.
    assert findings(await way.verify()) != []


class Waiting(Silent):
    """Starts statements of others once the copy holds its locks, and notes when each was through."""

    def __init__(self, url: str, statements: list[str]) -> None:
        self._url, self._statements = url, statements
        self._threads: list[threading.Thread] = []
        self.through: dict[str, float] = {}
        self.last_table = 0.0

    def begin(self, tables: Sequence[Coming]) -> None:
        for statement in self._statements:
            self._start(self._run(statement))
        waiting = self._start(self._until_they_wait())
        waiting.join()

    def done(self, name: Name, tally: Tally) -> None:
        self.last_table = time.monotonic()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _start(self, work: Coroutine[None, None, None]) -> threading.Thread:
        thread = threading.Thread(target=lambda: asyncio.run(work))
        thread.start()
        self._threads.append(thread)
        return thread

    async def _run(self, statement: str) -> None:
        async with connected(self._url) as conn:
            await conn.execute(statement)
            self.through[statement] = time.monotonic()

    async def _until_they_wait(self) -> None:
        async with connected(self._url) as conn:
            for _ in range(300):
                waiting = await conn.fetchval(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
                if waiting == len(self._statements):
                    return
                await asyncio.sleep(0.02)


async def test_truncate_and_alter_wait_until_the_copy_is_over(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase, template: MakeTemplate
) -> None:
    way, peaceful = await _salon((pg16, pg18), make_role, make_database, template)
    statements = [
        "TRUNCATE clients",
        "ALTER TABLE bookings ALTER COLUMN duration TYPE bigint USING duration * 1000",
        "CLUSTER services USING services_pkey",
        "DROP TABLE staff",
    ]
    watch = Waiting(way.source, statements)
    await way.migrate(chunk_bytes=CHUNK, observer=watch)
    watch.join()
    assert sorted(watch.through) == sorted(statements)
    assert min(watch.through.values()) > watch.last_table
    await peaceful.migrate()
    assert await _same(way, peaceful) == dict.fromkeys(TABLES, 0)
    assert findings(await verify(Servers(source=peaceful.source, target=way.target))) == []


async def test_a_table_altered_just_before_the_locks_voids_the_work(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await lay(
        make_database,
        make_role,
        (pg16, "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one')"),
        (pg18, "CREATE TABLE t (id int PRIMARY KEY, a text)"),
        "version: 1\ntables: {t: {from: t, key: [id], columns: {id: id, a: a}}}",
    )

    @asynccontextmanager
    async def late(url: str, tables: Iterable[Table], *, workers: int, purpose: str) -> AsyncIterator[Snapshot]:
        async with connected(url) as conn:
            await conn.execute("ALTER TABLE t ADD COLUMN b text DEFAULT 'would be lost'")
        async with snapshot(url, tables, workers=workers, purpose=purpose) as shared:
            yield shared

    plan = await way.plan()
    monkeypatch.setattr(migration, "snapshot", late)
    with pytest.raises(PlanDrifted):
        await way.migrate(plan)
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM t") == 0


async def test_a_statement_that_is_only_prepared_leaves_no_lock(
    pg16: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    url = make_database(pg16, owner=make_role(pg16))
    async with connected(url) as conn, session("source", url) as looking:
        await conn.execute("CREATE TABLE t (id int)")
        await looking.prepare("SELECT * FROM t")
        assert await looking.result_types("SELECT * FROM t") == [23]
        assert await conn.fetchval("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass") == 0
        await looking.execute("BEGIN")
        await looking.prepare("SELECT * FROM t")
        assert await looking.fetchval("SELECT pg_current_xact_id_if_assigned() IS NULL")
        await looking.execute("COMMIT")
