"""A rollback among others: their locks, their transactions, their roles; and ledgers of an older form."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from crosswalk import embedded
from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.errors import (
    ConnectionLost,
    FailpointHit,
    FormerStateUnknown,
    LaterChangesLost,
    LedgerOutdated,
    LocksExhausted,
    MissingPrivilege,
    NotFormedYet,
    StatementFailed,
    Timeout,
)
from crosswalk.failpoints import VARIABLE
from crosswalk.ledger import Ledger
from crosswalk.rollback import rollback
from tests.road import Road, connected, lay, road, rows, run
from tests.servers import MakeDatabase, MakeRole, database_of, sql
from tests.standing import same, standing

SOURCE = """
CREATE TABLE town (name text PRIMARY KEY, size int);
INSERT INTO town VALUES ('Ulm', 1), ('Bonn', 2);
"""
TARGET = """
CREATE TABLE town (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE other (id int PRIMARY KEY);
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [name], columns: {name: name}, drop: {size: later}}
ignore: {target: {other: theirs}}
"""


@pytest.fixture
async def laid(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)


async def test_a_chunk_whose_commit_is_under_way_is_waited_for(laid: Road, pg18: Server) -> None:
    """Its client is gone, its rows are not seen yet: nothing of it may land behind the rollback's back."""
    before = await standing(pg18, laid.target)
    await laid.migrate()
    async with connected(laid.target) as late:
        under_way = late.transaction()
        await under_way.start()
        await late.execute(
            "INSERT INTO crosswalk.chunk (run_id, target_table, number, snapshot, rows) VALUES (1, 'public.town', 99, '', 1);"
            "INSERT INTO crosswalk.came VALUES ('public.town', 1, 1); INSERT INTO town (name) VALUES ('late')"
        )
        back = asyncio.create_task(rollback(laid.target))
        await asyncio.sleep(1)
        assert not back.done()
        await under_way.commit()
        assert [t.deleted for t in (await back).tables] == [3]
    same(before, await standing(pg18, laid.target))


@pytest.mark.parametrize("verb", ["shape", "rollback"])
async def test_who_waits_for_a_lock_holds_nobody_up_for_long(
    verb: str, laid: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is in a transaction keeps the exclusive lock from us; readers after us get through meanwhile."""
    plan = await laid.plan("hybrid")
    if verb == "rollback":
        await laid.migrate(plan)
    monkeypatch.setattr("crosswalk.apply.TRIES", 2)
    monkeypatch.setattr("crosswalk.apply._BRIEFLY", "SET LOCAL lock_timeout = '700ms'")
    monkeypatch.setattr("crosswalk.rollback.surroundings.PATIENCE", 0.7)
    async with connected(laid.target) as busy, connected(laid.target) as reader:
        await reader.execute("SET lock_timeout = '5s'")
        reading = busy.transaction()
        await reading.start()
        await busy.fetch("SELECT * FROM town")
        work = asyncio.create_task(laid.migrate(plan) if verb == "shape" else rollback(laid.target))
        began = time.monotonic()
        reads = 0
        while not work.done():
            await reader.fetch("SELECT * FROM town")
            reads += 1
            await asyncio.sleep(0.02)
        with pytest.raises(Timeout, match="town" if verb == "rollback" else "statement"):
            await work
        assert reads > 3, time.monotonic() - began
        await reading.rollback()
    if verb == "rollback":
        await rollback(laid.target)


async def test_a_session_that_is_terminated_and_ctrl_c_leave_everything_as_it_was(
    laid: Road, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    moved = await standing(pg18, laid.target)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    monkeypatch.setenv(VARIABLE, "rollback.before_commit=sleep:2")
    ours = f"datname = '{database_of(laid.target)}' AND application_name LIKE '%rollback'"
    idle = "state = 'idle in transaction' AND state_change < clock_timestamp() - interval '0.7 s'"
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours} AND {idle}"
    stop = threading.Event()
    hunter = threading.Thread(target=_until, args=(lambda: "t" in sql(pg18, end), stop))
    hunter.start()
    with pytest.raises(ConnectionLost):
        await rollback(laid.target)
    stop.set()
    hunter.join()
    monkeypatch.undo()
    same(moved, await standing(pg18, laid.target))

    async with connected(laid.target) as busy:
        reading = busy.transaction()
        await reading.start()
        await busy.fetch("SELECT * FROM town")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crosswalk", "rollback", env={**os.environ, "CROSSWALK_TARGET": laid.target},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        waiting = f"SELECT pid FROM pg_stat_activity WHERE {ours} AND wait_event_type = 'Lock'"
        while not await rows(laid.target, waiting):
            assert process.returncode is None
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        await reading.rollback()
    same(moved, await standing(pg18, laid.target))
    await rollback(laid.target)
    same(before, await standing(pg18, laid.target))


def _until(done: Callable[[], bool], stop: threading.Event) -> None:
    while not stop.is_set() and not done():
        time.sleep(0.1)


@pytest.mark.drill
async def test_a_lock_table_that_is_too_small_is_said_and_nothing_is_half_done(
    pg16: Server, make_database: MakeDatabase
) -> None:
    """Each table alone finds room, all of them together do not."""
    made = [f"CREATE TABLE t{i} (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE);" for i in range(400)]
    listed = "".join(f"  t{i}: {{from: t{i}, key: [id], columns: {{id: id, a: a, b: b}}}}\n" for i in range(400))
    source = make_database(pg16)
    await run(source, f"{''.join(made)}; INSERT INTO t7 VALUES (1, 1, 1)")
    small = {"max_locks_per_transaction": "10", "max_connections": "12"}
    with embedded.ephemeral(version=18, fast=True, settings=small) as server:
        laid = road(source, server.url("postgres"), f"version: 1\ntables:\n{listed}")
        async with connected(laid.target) as conn:
            for each in made:
                await conn.execute(each)
        await laid.migrate()
        with pytest.raises(LocksExhausted, match="target"):
            await rollback(laid.target)
        assert await rows(laid.target, "SELECT * FROM t7") == [(1, 1, 1)]


async def test_who_may_take_a_run_back(laid: Road, pg18: Server, make_role: MakeRole) -> None:
    """Not anybody; a member of the owner's role may, sequences and ledger included."""
    before = await standing(pg18, laid.target)
    await laid.migrate()
    other, database = make_role(pg18), database_of(laid.target)
    with pytest.raises(MissingPrivilege, match="permission denied for schema crosswalk"):
        await rollback(other.url(pg18, database))
    [(owner,)] = await rows(laid.target, "SELECT current_user::text")
    sql(pg18, f'GRANT "{owner}" TO "{other.name}"')
    assert (await rollback(other.url(pg18, database))).sequences == 1
    same(before, await standing(pg18, laid.target))


async def test_a_run_that_stopped_before_the_target_had_its_form(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    plan = await laid.plan("hybrid")
    statements = tuple(s.model_copy(update={"sql": "SELECT 1 / 0"}) if s.phase == "shape" else s for s in plan.statements)
    with pytest.raises(StatementFailed):
        await laid.migrate(plan.model_copy(update={"statements": statements}))
    for verb in (laid.verify, laid.repair):
        with pytest.raises(NotFormedYet, match="Run 1 stopped before"):
            await verb()
    await rollback(laid.target)
    same(before, await standing(pg18, laid.target))


async def test_a_ledger_of_an_older_form_is_read_by_nobody_and_then_brought_up_to_date(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(
        laid.target,
        "DROP TABLE crosswalk.landed, crosswalk.came, crosswalk.found, crosswalk.row_before; UPDATE crosswalk.filled SET ours = 2;"
        "ALTER TABLE crosswalk.held DROP COLUMN also; ALTER TABLE crosswalk.kept DROP COLUMN times;"
        "ALTER TABLE crosswalk.chunk_plan DROP COLUMN to_page; ALTER TABLE crosswalk.held DROP CONSTRAINT held_kind_check",
    )
    async with session("target", laid.target) as opened:
        with pytest.raises(LedgerOutdated):
            await Ledger(opened).runs()
    assert (await laid.verify()).clean
    done = await rollback(laid.target)
    assert any("went unnoticed" in text for text in done.warnings)
    same(before, await standing(pg18, laid.target))
    await laid.migrate()
    older = "DROP TABLE crosswalk.portrait, crosswalk.landed; ALTER TABLE crosswalk.held DROP CONSTRAINT held_kind_check"
    await run(laid.target, older)
    with pytest.raises(FormerStateUnknown):
        await rollback(laid.target)
    await laid.migrate()
    await run(laid.target, "UPDATE crosswalk.run SET plan = '{\"format\": 1}' WHERE id = 3")
    with pytest.raises(FormerStateUnknown, match="Run 3"):
        await rollback(laid.target)


async def test_values_without_a_binary_form_are_compared_by_their_text(laid: Road, pg18: Server) -> None:
    await run(laid.target, "CREATE DOMAIN grant_list AS aclitem[]")
    await run(laid.target, "ALTER TABLE town ADD COLUMN one aclitem DEFAULT '=r/postgres'")
    await run(laid.target, "ALTER TABLE town ADD COLUMN more grant_list DEFAULT '{=w/postgres}'")
    await run(laid.target, "INSERT INTO town (name) VALUES ('Rom')")
    before = await standing(pg18, laid.target)
    text = DOCUMENT.replace("key: [name],", "key: [name], existing: keep,")
    text = text.replace("{name: name}", "{name: name, one: {default: true}, more: {default: true}}")
    laid = road(laid.source, laid.target, text)
    await laid.migrate()
    await run(laid.target, "UPDATE town SET more = '{=rw/postgres}' WHERE name = 'Ulm'")
    with pytest.raises(LaterChangesLost, match=r"1 row of public\.town"):
        await rollback(laid.target)
    await run(laid.target, "UPDATE town SET more = '{=w/postgres}' WHERE name = 'Ulm'")
    await rollback(laid.target)
    same(before, await standing(pg18, laid.target))


async def test_another_plan_after_a_rollback_stopped_resumed_and_taken_back(
    laid: Road, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate(await laid.plan("recreate"))
    await rollback(laid.target)
    plan = await laid.plan("hybrid")
    with monkeypatch.context() as patched:
        patched.setattr("crosswalk.migration.note_stop", _nothing)
        patched.setenv(VARIABLE, "chunk.after_commit=error")
        with pytest.raises(FailpointHit):
            await laid.migrate(plan)
    await laid.resume()
    assert await rows(laid.target, "SELECT name, size FROM town ORDER BY 1") == [("Bonn", 2), ("Ulm", 1)]
    done = await rollback(laid.target)
    assert (done.runs, done.warnings) == ((2,), [])
    same(before, await standing(pg18, laid.target))


async def _nothing(*_: object) -> None:
    return None
