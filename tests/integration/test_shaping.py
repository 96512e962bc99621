"""Statements that change the target's form, and keys that come once the rows are there: hand-made plans."""

from __future__ import annotations

import asyncio

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import AlreadyRunning, Timeout
from crosswalk.plan import Plan, Statement
from crosswalk.rollback import rollback
from tests.road import Road, connected, constraints, findings, lay, rows, set_aside, sums
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = """
CREATE TABLE town (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE emp (id int PRIMARY KEY, town int, boss int);
INSERT INTO town VALUES (1, 'Ulm');
INSERT INTO emp VALUES (1, 1, NULL), (2, 99, 1), (3, 1, 2), (4, NULL, 1);
"""
TARGET = """
CREATE TABLE town (id int PRIMARY KEY, name text);
CREATE TABLE emp (id int PRIMARY KEY, town int, boss int);
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [id], columns: {id: id, name: name}}
  emp: {from: emp, key: [id], rejects: quarantine, columns: {id: id, town: town, boss: boss}}
"""
KEYS = (
    ("made", 'FOREIGN KEY ("town") REFERENCES "public"."town" ("id") ON DELETE CASCADE'),
    ("up", 'FOREIGN KEY ("boss") REFERENCES "public"."emp" ("id")'),
)


async def _recreated(road: Road) -> Plan:
    """A plan that makes both tables, and adds two foreign keys that the source does not have."""
    plan = await road.plan("recreate")
    added = [
        Statement(
            phase="before", table="public.emp", kind="foreign key", name=name, sql="",
            restore=f'ALTER TABLE "public"."emp" ADD CONSTRAINT "{name}" {text}',
        )
        for name, text in KEYS
    ]
    without = tuple(("public.emp", name) for name, _ in KEYS)
    return plan.model_copy(update={"statements": (*plan.statements, *added), "without": without})


async def test_a_row_without_a_parent_in_a_table_that_the_plan_made_is_set_aside(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    before = await standing(pg18, road.target)
    done = await road.migrate(await _recreated(road))
    assert sums(done) == {"town": (1, 1, 0, 0, 0), "emp": (4, 2, 0, 2, 0)}
    async with connected(road.target) as conn:
        assert {key: column for key, (_, column) in (await set_aside(conn, "public.emp")).items()} == {"2": "town", "3": "boss"}
        stand = {name: valid for _, name, valid, _ in await constraints(conn)}
    assert stand["made"]
    assert stand["up"]
    assert findings(await road.verify()) == []
    done_back = await rollback(road.target)
    assert {t.target.relation: (t.deleted, t.dropped) for t in done_back.tables} == {"emp": (2, True), "town": (1, True)}
    same(before, await standing(pg18, road.target))


async def test_a_key_that_old_rows_break_in_the_source_comes_along_as_it_is(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = SOURCE + "ALTER TABLE emp ADD CONSTRAINT made FOREIGN KEY (town) REFERENCES town NOT VALID;"
    road = await lay(make_database, make_role, (pg16, source), (pg18, TARGET), DOCUMENT)
    before = await standing(pg18, road.target)
    done = await road.migrate(await road.plan("recreate"))
    assert sums(done) == {"town": (1, 1, 0, 0, 0), "emp": (4, 4, 0, 0, 0)}
    async with connected(road.target) as conn:
        assert [valid for _, name, valid, _ in await constraints(conn) if name == "made"] == [False]
    assert findings(await road.verify()) == []
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


HYBRID = """
version: 1
tables:
  town: {from: town, key: [id], columns: {id: id}, drop: {name: later}}
ignore: {source: {emp: not now}}
"""


async def test_a_busy_table_is_asked_for_again_and_a_run_that_gave_up_goes_on(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosswalk.apply._BRIEFLY", "SET LOCAL lock_timeout = '100ms'")
    target = "CREATE TABLE town (id int PRIMARY KEY)"
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, target), HYBRID)
    plan = await road.plan("hybrid")
    async with connected(road.target) as conn:
        busy = conn.transaction()
        await busy.start()
        await conn.execute("LOCK TABLE town IN ROW EXCLUSIVE MODE")
        with monkeypatch.context() as patched:
            patched.setattr("crosswalk.apply.TRIES", 1)
            with pytest.raises(Timeout, match="statement"):
                await road.migrate(plan)
        assert await rows(road.target, "SELECT count(*) FROM crosswalk.applied") == [(0,)]
        again = asyncio.create_task(road.resume())
        await asyncio.sleep(0.5)
        assert not again.done()
        await busy.rollback()
        done = await again
    assert sums(done) == {"town": (1, 1, 0, 0, 0)}
    assert await rows(road.target, "SELECT * FROM town") == [(1, "Ulm")]


async def test_two_runs_do_not_shape_one_target(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    plan = await road.plan("recreate")
    async with connected(road.target) as conn:
        await conn.execute(f"SELECT pg_advisory_lock({0x63726F7373})")
        with pytest.raises(AlreadyRunning):
            await road.migrate(plan)
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.applied") == [(0,)]
    await road.migrate(plan)
    assert findings(await road.verify()) == []
