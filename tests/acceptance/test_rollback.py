"""A rollback brings the target back exactly, or refuses and changes nothing.

How the target stands is read by pg_dump and by the rows themselves, not by the product.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import (
    AlreadyRunning,
    FailpointHit,
    LaterRowsLost,
    NotAsBefore,
    NothingToResume,
    NothingToRollBack,
    ReferringRowsLost,
    RolledBack,
)
from crosswalk.failpoints import VARIABLE
from crosswalk.mapping import read_text
from crosswalk.migration import migrate
from crosswalk.rollback import Loss, rollback
from tests.road import ALL_HAZARDS, Road, connected, findings, lay, road, rows, run
from tests.servers import MakeDatabase, MakeRole
from tests.standing import alone, same, standing

SOURCE = """
CREATE TABLE emp (id int PRIMARY KEY, name text, boss int, town text);
CREATE TABLE town (name text PRIMARY KEY, mayor int);
INSERT INTO town VALUES ('Ulm', 2), ('Bonn', NULL);
INSERT INTO emp VALUES (1, 'a', NULL, 'Ulm'), (2, 'b', 1, 'Ulm'), (3, 'c', 2, 'Bonn');
CREATE TABLE day (at date, what text);
INSERT INTO day VALUES ('2026-01-01', 'x'), ('2026-01-01', 'x'), ('2026-02-01', 'y');
"""
TARGET = """
CREATE SEQUENCE shared START 2;
CREATE TABLE town (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mayor int);
CREATE TABLE emp (
    id int PRIMARY KEY DEFAULT nextval('shared'), name text, town_id int REFERENCES town ON DELETE RESTRICT,
    boss int REFERENCES emp, nr bigint GENERATED ALWAYS AS IDENTITY, loud text GENERATED ALWAYS AS (upper(name)) STORED
);
ALTER TABLE town ADD CONSTRAINT ruled FOREIGN KEY (mayor) REFERENCES emp ON DELETE CASCADE;
CREATE TABLE day (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE day_1 PARTITION OF day FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE day_2 PARTITION OF day FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE seat (nr int PRIMARY KEY, emp int CONSTRAINT sits REFERENCES emp {seat});
CREATE TABLE log (line text);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log VALUES (TG_TABLE_NAME || TG_OP); RETURN COALESCE(NEW, OLD); END $$;
CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
CREATE TRIGGER shouts BEFORE INSERT OR UPDATE OR DELETE ON emp FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE emp ENABLE ALWAYS TRIGGER shouts;
CREATE TRIGGER never BEFORE TRUNCATE ON town EXECUTE FUNCTION forbid();
CREATE CONSTRAINT TRIGGER stays AFTER DELETE ON emp FOR EACH ROW EXECUTE FUNCTION forbid();
CREATE TRIGGER kept AFTER DELETE ON day FOR EACH ROW EXECUTE FUNCTION forbid();
ALTER TABLE day_2 DISABLE TRIGGER kept;
ALTER TABLE town ENABLE REPLICA TRIGGER never;
COMMENT ON CONSTRAINT ruled ON town IS 'one each';
CREATE INDEX ON emp (loud) WHERE boss IS NULL;
GRANT SELECT (name) ON emp TO PUBLIC;
ALTER TABLE emp ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON emp USING (town_id > 0);
CREATE TABLE live (id int PRIMARY KEY, body text);
INSERT INTO live VALUES (1, 'theirs'), (2, NULL);
"""
DOCUMENT = """
version: 1
tables:
  emp:
    from: emp
    key: [id]
    columns:
      id: id
      name: name
      boss: boss
      town_id: {lookup: {table: town, match: {name: town}, take: id}}
  town: {from: town, key: [name], columns: {name: name, mayor: mayor}}
  day: {from: day, key: [], columns: {at: at, what: what}}
preserve: {seat: the office has it, log: of the triggers, live: the application's}
"""


async def _lay(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, *, seat: str = "ON DELETE CASCADE"
) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET.format(seat=seat)), DOCUMENT)


def fail_at(monkeypatch: pytest.MonkeyPatch, failpoint: str) -> None:
    monkeypatch.setenv(VARIABLE, failpoint)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())


async def test_a_run_is_taken_back_and_may_be_made_again(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Circles, cascades, triggers that would fire or refuse, partitions, sequences: start, rollback, start, complete."""
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan()
    with pytest.raises(NothingToRollBack):
        await rollback(road.target)
    await road.migrate(plan)
    done = await rollback(road.target)
    assert {str(t.target): t.deleted for t in done.tables} == {"public.day": 3, "public.emp": 3, "public.town": 2}
    assert (done.statements, done.warnings) == (0, [])
    same(before, await standing(pg18, road.target))
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.quarantine") == [(0,)]
    with pytest.raises(RolledBack, match="nothing of it stands"):
        await road.verify()
    with pytest.raises(NothingToResume):
        await road.resume()
    with pytest.raises(NothingToRollBack):
        await rollback(road.target)
    await road.migrate(plan)
    assert findings(await road.verify()) == []
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


@pytest.mark.parametrize(
    "failpoint", ["held.after_commit=error@2", "chunk.after_commit=error@2", "keys.after_restore=error", "run.before_finish=error"]
)
async def test_a_run_that_stopped_is_taken_back(
    failpoint: str,
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if it had been killed: nothing that it held was released."""
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan()
    fail_at(monkeypatch, failpoint)
    monkeypatch.setattr("crosswalk.migration.note_stop", _nothing)
    with pytest.raises(FailpointHit):
        await migrate(plan, road.servers, allow=ALL_HAZARDS)
    monkeypatch.undo()
    await rollback(road.target)
    same(before, await standing(pg18, road.target))
    await road.migrate(plan)
    assert findings(await road.verify()) == []


async def _nothing(*_: object) -> None:
    return None


# --- what of others would be lost ---------------------------------------------------------------


async def test_rows_that_came_since_are_not_lost_unless_that_is_allowed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    await road.migrate()
    await run(road.target, "INSERT INTO town (name) VALUES ('Köln'), ('Kiel'); SELECT nextval('shared')")
    moved = await standing(pg18, road.target)
    with pytest.raises(LaterRowsLost, match=r"public\.town holds 4 rows .* knows 2 as ours: 2 would be lost"):
        await rollback(road.target)
    same(moved, await standing(pg18, road.target))
    await rollback(road.target, allow=[Loss.LATER_ROWS])
    same(before, await standing(pg18, road.target))


@pytest.mark.parametrize("action", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL"])
async def test_rows_of_others_that_refer_to_ours_are_named_and_stay(
    action: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role, seat=action)
    before = await standing(pg18, road.target)
    await road.migrate()
    await run(road.target, "INSERT INTO seat VALUES (1, 3), (2, 1), (3, NULL)")
    with pytest.raises(ReferringRowsLost, match=r"2 rows of public\.seat refer by sits to rows of public\.emp") as refused:
        await rollback(road.target)
    forbids = action in {"", "ON DELETE RESTRICT"}
    assert ("--allow" in refused.value.advice) is not forbids
    if forbids:
        with pytest.raises(ReferringRowsLost):
            await rollback(road.target, allow=list(Loss))
        await run(road.target, "DELETE FROM seat WHERE emp IS NOT NULL")
    done = await rollback(road.target, allow=[Loss.REFERRING_ROWS])
    left = {"ON DELETE SET NULL": [(1, None), (2, None), (3, None)]}.get(action, [(3, None)])
    assert await rows(road.target, "SELECT nr, emp FROM seat ORDER BY 1") == left
    assert any("preserved" in text for text in done.warnings)
    await run(road.target, "DELETE FROM seat")
    same(before, await standing(pg18, road.target))


async def test_what_others_changed_since_is_named_and_stays_where_that_is_allowed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    await road.migrate()
    await run(road.target, "ALTER TABLE town ADD COLUMN size int; CREATE INDEX ON emp (name); CREATE TABLE other (a int)")
    await run(road.target, "UPDATE live SET body = 'new' WHERE id = 2; ALTER SEQUENCE town_id_seq CACHE 5")
    at_first = await standing(pg18, road.target)
    with pytest.raises(NotAsBefore) as refused:
        await rollback(road.target)
    for each in ("sequence public.town_id_seq: cache", "table public.emp: indexes", "table public.town: columns"):
        assert each in str(refused.value)
    assert "other" not in str(refused.value)
    same(at_first, await standing(pg18, road.target))
    done = await rollback(road.target, allow=[Loss.LATER_CHANGES])
    said = "; ".join(done.warnings)
    assert "table public.other: was not there" in said
    assert "public.live (preserved) held 2 rows and holds 2" in said
    assert await rows(road.target, "SELECT count(*) FROM emp") == [(0,)]


async def test_a_rollback_that_fails_at_the_end_has_changed_nothing_not_even_sequences(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    await road.migrate()
    moved = await standing(pg18, road.target)
    fail_at(monkeypatch, "rollback.before_commit=error")
    with pytest.raises(FailpointHit):
        await rollback(road.target)
    monkeypatch.undo()
    same(moved, await standing(pg18, road.target))
    assert findings(await road.verify()) == []
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_a_table_in_use_or_a_run_under_way_keeps_a_rollback_out(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    await road.migrate()
    async with connected(road.target) as conn:
        await conn.execute(f"SELECT pg_advisory_lock({0x63726F7373})")
        with pytest.raises(AlreadyRunning):
            await rollback(road.target)


# --- rows that stood there before ---------------------------------------------------------------

OLD = """
CREATE TABLE emp (
    id int PRIMARY KEY, nr bigint GENERATED ALWAYS AS IDENTITY, name text UNIQUE, pay numeric, raw bytea, tags text[],
    doc jsonb, at timestamptz, rate float8, loud text GENERATED ALWAYS AS (upper(name)) STORED, more int DEFAULT 7
);
CREATE TABLE note (emp int CONSTRAINT about REFERENCES emp ON DELETE CASCADE, text text);
INSERT INTO emp (id, name, pay, raw, tags, doc, at, rate, more) VALUES
    (1, 'x"y, (z)', 1.50, '\\x00ff', '{"a b",NULL,"{}"}', '{"b": [1, "\\\\"]}', '1999-12-31 23:59:59.123456+02', 0.1, NULL),
    (2, '', NULL, NULL, '{}', 'null', 'infinity', 'NaN', 1),
    (9, 'mine', 3.10, NULL, NULL, NULL, NULL, 1e300, 9);
INSERT INTO note VALUES (1, 'n'), (9, 'n');
"""
NEW = """
CREATE TABLE emp (id int PRIMARY KEY, name text, pay numeric);
INSERT INTO emp VALUES (1, 'one', 1.5), (2, 'two', 2), (3, 'three', 3);
"""
OLD_DOCUMENT = """
version: 1
tables:
  emp:
    from: emp
    key: [id]
    existing: {word}
    columns:
      id: id
      name: name
      pay: pay
      raw: {{value: null}}
      tags: {{sql: "ARRAY[name]"}}
      doc: {{value: null}}
      at: {{value: null}}
      rate: {{value: null}}
      more: {{default: true}}
preserve: {{note: theirs}}
"""


@pytest.mark.parametrize("word", ["keep", "update"])
async def test_rows_that_stood_there_before_are_what_they_were(
    word: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, NEW), (pg18, OLD), OLD_DOCUMENT.format(word=word))
    before = await standing(pg18, road.target)
    plan = await road.plan()
    await road.migrate(plan)
    assert await rows(road.target, "SELECT name FROM emp WHERE id = 2") == [("" if word == "keep" else "two",)]
    await run(road.target, "INSERT INTO emp (id, name) VALUES (50, 'later')")
    with pytest.raises(LaterRowsLost, match="1 would be lost"):
        await rollback(road.target)
    await run(road.target, "DELETE FROM emp WHERE id = 50")
    done = await rollback(road.target)
    assert {t.target.relation: t.restored for t in done.tables} == {"emp": 0 if word == "keep" else 2}
    same(before, await standing(pg18, road.target))
    await road.migrate(plan)
    assert findings(await road.verify()) == []


async def test_a_row_that_stood_there_and_was_changed_since_is_told(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, NEW), (pg18, OLD), OLD_DOCUMENT.format(word="keep"))
    await road.migrate()
    await run(road.target, "UPDATE emp SET more = 8 WHERE id = 9")
    with pytest.raises(NotAsBefore, match=r"the rows of public\.emp, 3 before, are not what they were"):
        await rollback(road.target)
    done = await rollback(road.target, allow=[Loss.LATER_CHANGES])
    assert any("public.emp" in text for text in done.warnings)
    assert await rows(road.target, "SELECT id, more FROM emp ORDER BY 1") == [(1, None), (2, 1), (9, 8)]


# --- several runs -------------------------------------------------------------------------------


async def test_runs_of_the_same_tables_go_together_and_others_stay(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    tables = {
        "town": "  town: {from: town, key: [name], columns: {name: name, mayor: {value: null}}}",
        "day": "  day: {from: day, key: [], columns: {at: at, what: what}}",
    }
    rest = {"emp", "seat", "log", "live", "town", "day"}

    def text(name: str) -> str:
        left = ", ".join(f"{other}: not now" for other in sorted(rest - {name}))
        away = ", ".join(f"{other}: not now" for other in sorted({"emp", "town", "day"} - {name}))
        drop = " drop: {mayor: not now}," if name == "town" else ""
        line = tables[name].replace(" columns:", f"{drop} columns:")
        return f"version: 1\ntables:\n{line}\nignore: {{source: {{{away}}}, target: {{{left}}}}}\n"

    first = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, first.target)
    days = road(first.source, first.target, text("day"))
    towns = road(first.source, first.target, text("town"))
    await days.migrate()
    only_days = await standing(pg18, first.target)
    await towns.migrate()
    await run(first.source, "INSERT INTO town VALUES ('Trier')")
    await towns.migrate()
    assert await rows(first.target, "SELECT count(*) FROM town") == [(3,)]
    newest = await rollback(first.target)
    assert (newest.runs, newest.standing) == ((2, 3), (1,))
    same(only_days, await standing(pg18, first.target))
    assert findings(await days.verify()) == []
    assert (await rollback(first.target)).runs == (1,)
    same(before, await standing(pg18, first.target))


async def test_what_resume_and_repair_moved_counts_as_ours(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan()
    fail_at(monkeypatch, "run.before_finish=error")
    with pytest.raises(FailpointHit):
        await migrate(plan, road.servers, allow=ALL_HAZARDS)
    monkeypatch.undo()
    await run(road.source, "INSERT INTO town VALUES ('Trier'), ('Mainz'); INSERT INTO day VALUES ('2026-02-02', 'z')")
    await road.resume()
    await run(road.source, "INSERT INTO town VALUES ('Worms'), ('Speyer')")
    await road.repair()
    assert await rows(road.target, "SELECT count(*) FROM town") == [(6,)]
    await run(road.target, "INSERT INTO town (name) VALUES ('later')")
    with pytest.raises(LaterRowsLost, match=r"holds 7 rows .* knows 6 as ours"):
        await rollback(road.target)
    await run(road.target, "DELETE FROM town WHERE name = 'later'")
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_a_sequence_that_another_table_draws_from_stays(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    await run(road.target, "CREATE TABLE other (id int DEFAULT nextval('shared'))")
    text = DOCUMENT.replace("preserve: {", "preserve: {other: theirs, ")
    await Road(source=road.source, target=road.target, file=read_text(text)).migrate()
    after = await rows(road.target, "SELECT last_value FROM shared")
    done = await rollback(road.target)
    assert any("public.other draws from it too" in text for text in done.warnings)
    assert await rows(road.target, "SELECT last_value FROM shared") == after


# --- kill -9, and the command line --------------------------------------------------------------


def _crosswalk(road: Road, *arguments: str, failpoints: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "crosswalk", *arguments, "--json"],
        env={
            **os.environ, "CROSSWALK_SOURCE": road.source, "CROSSWALK_TARGET": road.target, "CROSSWALK_FAILPOINTS": failpoints,
        },
        capture_output=True, text=True, check=False, timeout=120,
    )
    return done.returncode, done.stdout


async def test_kill_at_either_side_of_its_commit(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    await road.migrate()
    moved = await standing(pg18, road.target)
    assert _crosswalk(road, "rollback", failpoints="rollback.before_commit=kill")[0] == -signal.SIGKILL
    await alone(pg18, road.target)
    same(moved, await standing(pg18, road.target))
    assert _crosswalk(road, "rollback", failpoints="rollback.after_commit=kill")[0] == -signal.SIGKILL
    same(before, await standing(pg18, road.target))
    assert '"rolled back"' in _crosswalk(road, "status")[1]
    code, said = _crosswalk(road, "rollback")
    assert (code, "NothingToRollBack" in said) == (3, True)
    code, said = _crosswalk(road, "verify")
    assert (code, "RolledBack" in said) == (3, True)


async def test_the_command_line_tells_what_is_refused(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    await road.migrate()
    await run(road.target, "INSERT INTO town (name) VALUES ('Köln')")
    code, said = _crosswalk(road, "rollback")
    assert (code, "--allow loses-later-rows" in said) == (3, True)
    code, said = _crosswalk(road, "rollback", "--allow", "loses-later-rows")
    assert (code, '"deleted": 3' in said) == (0, True)
    assert _crosswalk(road, "rollback", "--allow", "loses-everything")[0] == 64


async def test_a_rollback_that_left_what_others_changed_says_so_and_counts_agree(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    moved = (await road.migrate()).sequences
    await run(road.target, "CREATE INDEX ON emp (name)")
    done = await rollback(road.target, allow=[Loss.LATER_CHANGES])
    assert done.changed
    assert done.sequences == moved > 0
    await run(road.target, "DROP INDEX emp_name_idx")
    await road.migrate()
    done = await rollback(road.target)
    assert not done.changed
