"""Between a stop and the resumption rows of the source change their places: pages mean other rows then.

A table without a key is among them, with equal rows, of which some had landed. In the end the target is what the source
is, whatever lay between: also where the resumption was stopped in turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from crosswalk.allowance import Limit
from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit
from crosswalk.failpoints import VARIABLE
from crosswalk.mapping import read_text
from crosswalk.migration import migrate, resume
from tests.road import ALL_HAZARDS, Road, findings, rows, run
from tests.servers import MakeDatabase, MakeTemplate
from tests.worlds import HASH, ODD, ODD_QUERIES, ODD_TRUTH

CHUNK = 400_000
SHIFTS = {
    "nothing": "",
    "rewritten": "VACUUM FULL log; VACUUM FULL person; VACUUM FULL visit; ANALYZE",
    "updated": "UPDATE log SET line = line || '.' WHERE at < '2026-01-01 02:00';"
    "UPDATE person SET note = note || '.' WHERE id % 3 = 1 AND note <> 'bad';"
    "UPDATE visit SET body = 'changed', day = day + 40 WHERE id < 3000",
    "replaced": "DELETE FROM log WHERE ctid < '(200,0)'; VACUUM log;"
    "INSERT INTO log SELECT repeat(md5((i % 3000)::text), 8), '2026-01-01' FROM generate_series(1, 6000) AS i;"
    "DELETE FROM visit WHERE id % 2 = 0; VACUUM visit;"
    "INSERT INTO visit SELECT i, '2026-02-10', 1, 'new' FROM generate_series(20000, 23000) AS i",
    "handed over": "UPDATE person SET nick = 'nick ' || CASE WHEN id < 8000 THEN id + 1 ELSE 1 END;"
    "UPDATE person SET note = 'good' WHERE id IN (1997, 7997);"
    "UPDATE person SET boss = 7300 + id % 10 WHERE id % 11 = 0",
    "emptied": "DELETE FROM log; VACUUM log; DELETE FROM visit; VACUUM visit",
}
STOPS = {
    "early": ("chunk.after_commit=error@3",),
    "late": ("chunk.before_commit=error@25",),
    "before the last chunk of all": ("table.done=error@2",),
    "again": ("chunk.after_commit=error@9", "reconcile.compared=error@2", "references.forgotten=error", "reconcile.deleted=error"),
    "at the recut": ("chunk.after_commit=error@6", "chunks.forgotten=error", "chunk.before_commit=error"),
    "at the end": ("run.before_finish=error", "table.done=error@3", "run.before_finish=error"),
}


async def _nothing(*_: object) -> None:
    """As kill -9 leaves it."""


async def _stopped(road: Road, stops: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop at each of the places, of the first run and then of its resumptions."""
    plan = await road.plan()
    for number, stop in enumerate(stops):
        with monkeypatch.context() as patched:
            patched.setattr("crosswalk.migration.note_stop", _nothing)
            patched.setattr("crosswalk.failpoints._passed", Counter())
            patched.setenv(VARIABLE, stop)
            move = resume(road.servers) if number else migrate(plan, road.servers, allow=ALL_HAZARDS, chunk_bytes=CHUNK)
            with pytest.raises(FailpointHit):
                await asyncio.wait_for(move, 60)


async def _split(url: str, statements: str) -> None:
    """VACUUM wants to stand alone."""
    for statement in filter(None, map(str.strip, statements.split(";"))):
        await run(url, statement)


@pytest.mark.parametrize(
    ("shift", "stop"),
    [
        ("rewritten", "early"),
        *(pytest.param(shift, stop, marks=pytest.mark.drill) for shift in SHIFTS for stop in STOPS),
    ],
)
async def test_resume_finds_rows_wherever_they_stand(
    shift: str, stop: str, pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_database(pg16, template(pg16, "odd old", ODD.old))
    road = Road(source=source, target=make_database(pg18, template(pg18, "odd new", ODD.new)), file=ODD.file)
    await _stopped(road, STOPS[stop], monkeypatch)
    await _split(road.source, SHIFTS[shift])

    done = await resume(road.servers)

    assert all(t.balanced for t in done.tallies)
    for table, query in ODD_QUERIES.items():
        truth = HASH.format(lines=ODD_TRUTH[table])
        assert await rows(road.target, HASH.format(lines=query)) == await rows(road.source, truth), table
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL") == [(0,)]
    assert not findings(await road.verify())


LOG = """
version: 1
tables:
  log: {from: log, key: [], columns: {line: line, at: at}}
"""


async def test_equal_rows_are_not_taken_for_those_that_landed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One chunk of a table without a key is left, and holds rows equal to some that have landed: all of them come at once,
    and nothing has to be moved again."""
    source, target = make_database(pg16), make_database(pg18)
    await run(source, "CREATE TABLE log (line text, at timestamp); INSERT INTO log SELECT repeat('x', 500) || i % 50, '2026-01-01'"
                      " FROM generate_series(1, 3000) AS i")
    await run(target, "CREATE TABLE log (line text, at timestamp)")
    road = Road(source=source, target=target, file=read_text(LOG))
    plan = await road.plan()
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    monkeypatch.setenv(VARIABLE, "chunk.before_commit=error@4")
    with pytest.raises(FailpointHit):
        await migrate(plan, road.servers, allow=ALL_HAZARDS, jobs=1, chunk_bytes=500_000)
    monkeypatch.delenv(VARIABLE)
    assert await rows(target, "SELECT count(*) FROM crosswalk.chunk_plan") == [(4,)]

    done = await resume(road.servers)

    assert done.moved_again == 0
    assert await rows(target, "SELECT count(*), count(DISTINCT line) FROM log") == [(3000, 50)]
    assert (await road.verify()).clean


async def test_an_error_in_one_table_ends_those_that_wait_for_others(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visits wait for persons, which wait for shops: when the log fails meanwhile, nobody waits for ever."""
    road = Road(
        source=make_database(pg16, template(pg16, "odd old", ODD.old)),
        target=make_database(pg18, template(pg18, "odd new", ODD.new)),
        file=ODD.file,
    )
    plan = await road.plan()
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    monkeypatch.setenv(VARIABLE, "chunk.opened=error@1")
    with pytest.raises(FailpointHit):
        await asyncio.wait_for(migrate(plan, road.servers, allow=ALL_HAZARDS, jobs=1, chunk_bytes=CHUNK), 60)


async def test_a_run_stopped_in_its_first_moment_counts_preserved_tables_when_it_goes_on(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = make_database(pg16), make_database(pg18)
    await run(source, "CREATE TABLE log (line text, at timestamp); INSERT INTO log VALUES ('a')")
    await run(target, "CREATE TABLE log (line text, at timestamp); CREATE TABLE live (id int); INSERT INTO live VALUES (1)")
    road = Road(source=source, target=target, file=read_text(LOG + "preserve: {live: the application's}\n"))
    plan = await road.plan()
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    monkeypatch.setenv(VARIABLE, "run.begun=error")
    with pytest.raises(FailpointHit):
        await migrate(plan, road.servers, allow=ALL_HAZARDS, max_rejects=Limit.read("5"))
    monkeypatch.delenv(VARIABLE)
    await resume(road.servers)
    assert [(p.rows_before, p.rows) for p in (await road.verify()).preserved] == [(1, 1)]
    assert await rows(target, "SELECT count(*) FROM crosswalk.portrait") == [(1,)]
    assert await rows(target, "SELECT detail ->> 'max_rejects' FROM crosswalk.event WHERE kind = 'settings'") == [("5",)]
