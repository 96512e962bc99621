"""What may happen beside a load, and must neither cost a row nor end the run: readers, statistics, a COMMIT that comes late."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import cast

import pytest

from crosswalk import filling
from crosswalk.connect import Session, session
from crosswalk.copy.quarantine import Refusal
from crosswalk.copy.segments import Segments
from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, RowsLostInRelay, RowsRefused
from crosswalk.express import Moment, Motion, Selection
from crosswalk.failpoints import VARIABLE
from crosswalk.ledger import Ledger
from crosswalk.migration import migrate, resume
from crosswalk.names import Name
from crosswalk.progress import Silent, Stretch
from crosswalk.stage import Stage
from tests.road import ALL_HAZARDS, BACKUPS, connected, content, findings, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole

DOCUMENT = """
version: 1
tables:
  item: {from: item, key: [id], columns: {id: id, n: n}}
"""
WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND query LIKE '%INSERT INTO crosswalk.chunk%')
"""


async def test_statistics_that_cannot_be_taken_do_not_end_the_run(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """What extended statistics compute is computed by nobody else: no row was ever refused for it."""
    old = "CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT i, i % 10 FROM generate_series(1, 500) AS i"
    new = "CREATE TABLE item (id int PRIMARY KEY, n int); CREATE STATISTICS each ON (100 / n), id FROM item"
    road = await lay(make_database, make_role, (pg16, old), (pg18, new), DOCUMENT)
    assert sums(await road.migrate()) == {"item": (500, 500, 0, 0, 0)}
    assert findings(await road.verify()) == []


async def test_a_column_that_an_heir_lets_be_null_is_asked_for_it(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Before PostgreSQL 18 a child may drop the NOT NULL that it inherited."""
    old = (
        "CREATE TABLE item (id int, n int NOT NULL); CREATE TABLE child () INHERITS (item);"
        "ALTER TABLE child ALTER n DROP NOT NULL; INSERT INTO item VALUES (1, 1); INSERT INTO child VALUES (2, NULL)"
    )
    new = "CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL)"
    document = DOCUMENT.replace("from: item,", "from: item, source_key: [id], rejects: fail,") + "ignore: {source: {child: an heir}}"
    road = await lay(make_database, make_role, (pg16, old), (pg18, new), document)
    with pytest.raises(RowsRefused):
        await road.migrate()
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.chunk_plan") == [(0,)]  # before anything is moved


class _Heard(Silent):
    """Tells when the first rows are committed."""

    def __init__(self) -> None:
        self.landed = asyncio.Event()

    def chunk(self, name: Name, stretch: Stretch) -> None:
        self.landed.set()


async def test_a_reader_of_a_table_that_is_just_made_holds_no_row_up(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are born frozen want the table for themselves: where somebody reads it, they are born as others are."""
    old = (
        "CREATE TABLE item (id int PRIMARY KEY, n text);"
        " INSERT INTO item SELECT i, repeat('w', 900) FROM generate_series(1, 9500) AS i"
    )
    road = await lay(make_database, make_role, (pg16, old), (pg18, "CREATE TABLE item (id int PRIMARY KEY, n text)"), DOCUMENT)
    plan, heard, empty = await road.plan("recreate"), _Heard(), filling._is_empty
    async with connected(road.target) as reader:

        async def read_first(motion: Motion, target: Session) -> bool:
            await reader.execute("BEGIN; SELECT FROM item")
            return await empty(motion, target)

        async def let_go() -> None:
            await heard.landed.wait()
            await reader.execute("ROLLBACK")

        monkeypatch.setattr(filling, "_is_empty", read_first)
        leaving = asyncio.create_task(let_go())
        move = migrate(plan, road.servers, allow=ALL_HAZARDS, chunk_bytes=1024**3, observer=heard, backup=BACKUPS)
        done = await asyncio.wait_for(move, 40)
        await leaving
    assert sums(done) == {"item": (9500, 9500, 0, 0, 0)}


async def test_a_chunk_that_a_predecessor_commits_after_the_resumption_began_is_compared_too(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It carries what its own snapshot saw, and where rows stood then."""
    old = (
        "CREATE TABLE item (id int PRIMARY KEY, n text) WITH (fillfactor = 50);"
        " INSERT INTO item SELECT i, repeat('w', 200) FROM generate_series(1, 2000) AS i"
    )
    new = "CREATE TABLE item (id int PRIMARY KEY, n text)"
    road = await lay(make_database, make_role, (pg16, old), (pg18, new), DOCUMENT)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    monkeypatch.setenv(VARIABLE, "chunk.opened=error")
    with pytest.raises(FailpointHit):
        await migrate(await road.plan(), road.servers, allow=ALL_HAZARDS, jobs=1, chunk_bytes=256 * 1024)
    monkeypatch.delenv(VARIABLE)
    ((end,),) = await rows(road.target, "SELECT to_page FROM crosswalk.chunk_plan WHERE number = 0")
    mine = await rows(road.source, f"SELECT id, n FROM item WHERE ctid < '({end},0)'")
    assert len(mine) > 100
    await run(road.source, "DELETE FROM item WHERE id = 5; UPDATE item SET n = 'new' WHERE id = 7")
    async with connected(road.target) as conn:
        await conn.execute("BEGIN")
        await conn.execute(
            "INSERT INTO crosswalk.chunk SELECT max(id), 'public.item', 0, 'old', $1, 0, 0, 0, now() FROM crosswalk.run", len(mine)
        )
        await conn.copy_records_to_table("item", records=mine)
        going = asyncio.create_task(resume(road.servers, jobs=1))
        while not (going.done() or (await rows(road.target, WAITS))[0][0]):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.05)
        await conn.execute("COMMIT")
        done = await asyncio.wait_for(going, 60)
    assert sums(done)["item"][:2] == (1999, 1999)
    async with connected(road.source) as here, connected(road.target) as there:
        assert await content(there, "item") == await content(here, "item")
    assert findings(await road.verify()) == []


async def test_a_chunk_waits_for_its_predecessor_beyond_the_lock_timeout(pg18: Server, make_database: MakeDatabase) -> None:
    """And so does whatever its transaction does next, but nothing after it."""
    url = make_database(pg18)
    async with session("target", url) as one, session("target", url) as two:
        ledger, name = Ledger(one), Name("public", "item")
        await ledger.create()
        await one.set([("lock_timeout", "200ms")])
        run_id = await ledger.begin("plan", {})
        await two.execute("BEGIN")
        assert await Ledger(two).open_chunks(run_id, name, [2, 3], "s") == {2, 3}
        async with one.transaction():
            opening = asyncio.create_task(ledger.open_chunks(run_id, name, [1, 2, 3, 4], "s"))
            await asyncio.sleep(0.6)
            assert not opening.done()
            await two.execute("COMMIT")
            assert await opening == {1, 4}
            assert await one.fetchval("SHOW lock_timeout") == "0"
        assert await one.fetchval("SHOW lock_timeout") == "200ms"


async def test_a_refused_row_that_the_source_does_not_know_by_its_key_is_no_success(
    pg16: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand nowhere, neither in the target nor in quarantine, and count as loaded."""
    monkeypatch.setattr("crosswalk.copy.segments.found_by_key", lambda *_: """SELECT '["a"]'::text, '1'::text AS id""")
    async with session("source", make_database(pg16)) as source:
        hands = SimpleNamespace(
            source=source, refused={}, raising={}, what="the load", moment=Moment(), motion=SimpleNamespace(name="item")
        )
        why = Refusal(sqlstate="23514", message="no")
        known = SimpleNamespace(hands=hands, unnamed=[('["a"]', why)])
        await Segments.name_refused(cast("Segments", known), Selection())
        assert hands.refused == {("1",): why}
        known.unnamed.append(('["b"]', why))
        with pytest.raises(RowsLostInRelay):
            await Segments.name_refused(cast("Segments", known), Selection())


def test_what_is_learned_of_one_table_takes_nothing_back_of_another() -> None:
    """Tables are compared at the same time, each under the moment at which it began."""
    one, two = Name("public", "one"), Name("public", "two")
    before = Moment(broken={two: ()})
    stage = SimpleNamespace(moment=Moment(broken={two: (("7",),)}))
    Stage.learn(cast("Stage", stage), Moment(broken={two: (), one: (("1",),)}), since=before)
    assert stage.moment.broken == {one: (("1",),), two: (("7",),)}
