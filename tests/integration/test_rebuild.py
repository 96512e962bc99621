"""Tables that are loaded without their secondary indexes and foreign keys: these come back exactly, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import typer

from crosswalk.cli.plan import Choice
from crosswalk.cli.plan import plan as plan_command
from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, HazardNotAllowed
from crosswalk.failpoints import VARIABLE
from crosswalk.names import Name, quote
from crosswalk.plan import Hazard, Plan, content_id
from crosswalk.planning import make_plan
from crosswalk.progress import Silent
from crosswalk.rollback import rollback
from crosswalk.strategy import with_dropped_keys
from tests.ddl import read
from tests.road import Road, connected, content, decision, findings, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole
from tests.standing import alone, dumped, same, standing

SOURCE = """
CREATE TABLE town (id int PRIMARY KEY, name text);
CREATE TABLE emp (id int PRIMARY KEY, town int, boss int, mail text, doc jsonb);
CREATE TABLE visit (emp int, day int, PRIMARY KEY (emp, day));
INSERT INTO town SELECT n, 'town ' || n FROM generate_series(1, 9) AS n;
INSERT INTO emp SELECT n, 1 + n % 9, nullif(n / 2, 0), 'm' || n, jsonb_build_object('n', n) FROM generate_series(1, 300) AS n;
UPDATE emp SET town = 77 WHERE id = 150;
INSERT INTO visit SELECT n, n % 20 FROM generate_series(1, 300) AS n;
INSERT INTO visit VALUES (999, 1);
"""
TARGET = """
CREATE SCHEMA "Odd ""s";
CREATE TABLE country (code text PRIMARY KEY);
CREATE TABLE shop (id int PRIMARY KEY);
INSERT INTO shop VALUES (1);
CREATE TABLE town (id int PRIMARY KEY, name text UNIQUE, country text REFERENCES country, shop int REFERENCES shop);
CREATE TABLE "Odd ""s"."The emp's" (
    id int PRIMARY KEY, town int NOT NULL, boss int, mail text UNIQUE, doc jsonb,
    CONSTRAINT "its ""town" FOREIGN KEY (town) REFERENCES town ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT boss FOREIGN KEY (boss) REFERENCES "Odd ""s"."The emp's" ON DELETE CASCADE
);
COMMENT ON CONSTRAINT "its ""town" ON "Odd ""s"."The emp's" IS 'it''s where they live';
CREATE INDEX "by ""town" ON "Odd ""s"."The emp's" (town) INCLUDE (mail) WITH (fillfactor = 70);
COMMENT ON INDEX "Odd ""s"."by ""town" IS 'it''s by town';
CREATE INDEX few ON "Odd ""s"."The emp's" (mail COLLATE "C" text_pattern_ops, id DESC) WHERE boss IS NOT NULL;
CREATE INDEX expr ON "Odd ""s"."The emp's" (lower(mail), (id > 5));
CREATE INDEX risky ON "Odd ""s"."The emp's" ((1000 / id));
ALTER INDEX "Odd ""s".expr ALTER COLUMN 2 SET STATISTICS 500;
CREATE INDEX doc ON "Odd ""s"."The emp's" USING gin (doc);
CREATE INDEX marked ON "Odd ""s"."The emp's" (boss);
ALTER TABLE "Odd ""s"."The emp's" CLUSTER ON marked;
CREATE UNIQUE INDEX once ON "Odd ""s"."The emp's" (id, town);
CREATE TABLE visit (
    emp int CONSTRAINT who REFERENCES "Odd ""s"."The emp's" ON DELETE CASCADE, day int, PRIMARY KEY (emp, day)
) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (10);
CREATE TABLE visit_2 PARTITION OF visit DEFAULT;
CREATE INDEX days ON visit (day);
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [id], existing: keep, columns: {id: id, name: name, country: {value: null}, shop: {value: null}}}
  '"Odd ""s"."The emp''s"':
    {from: emp, key: [id], rejects: quarantine, columns: {id: id, town: town, boss: boss, mail: mail, doc: doc}}
  visit: {from: visit, key: [emp, day], rejects: quarantine, columns: {emp: emp, day: day}}
preserve: {shop: of others}
ignore: {target: {country: of others}}
"""
EMP = '"Odd ""s"."The emp\'s"'
OLDER = """
DELETE FROM crosswalk.held;
ALTER TABLE crosswalk.held DROP CONSTRAINT held_kind_check,
    ADD CONSTRAINT held_kind_check CHECK (kind IN ('trigger', 'foreign key'));
"""
GONE = [
    ("foreign key", "town", "town_country_fkey"), ("foreign key", EMP, 'its "town'),
    ("index", EMP, 'by "town'), ("index", EMP, "doc"), ("index", EMP, "expr"), ("index", EMP, "few"), ("foreign key", "visit", "who"),
]


@dataclass(slots=True)
class Told(Silent):
    """What a run says."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


async def _road(make_database: MakeDatabase, make_role: MakeRole, source: Server, target: Server) -> Road:
    return await lay(make_database, make_role, (source, SOURCE), (target, TARGET), DOCUMENT)


async def _plan(road: Road, *, rebuild: bool = True) -> Plan:
    made, _ = await make_plan(road.file, road.servers, sample=False, rebuild=rebuild)
    return made.model_copy(update={"decision": decision()})


def _fail_at(monkeypatch: pytest.MonkeyPatch, failpoint: str) -> None:
    monkeypatch.setenv(VARIABLE, failpoint)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())


def _as_older(plan: Plan) -> dict[str, Any]:
    """As files have it that were written before; they are still known for unchanged."""
    older = plan.model_dump(mode="json")
    assert {statement.pop("if_empty") for statement in older["statements"]} == {False}
    return older


async def _command(road: Road, *words: str | Path, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crosswalk", *map(str, words), "--source", road.source, "--target", road.target]
    environment = {**os.environ, VARIABLE: failpoint}
    return await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=False)


async def _held(road: Road) -> int:
    return int((await rows(road.target, "SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL"))[0][0])


async def _state(road: Road) -> tuple[object, ...]:
    async with connected(road.target) as conn:
        aside = await rows(road.target, "SELECT target_table, source_key FROM crosswalk.quarantine ORDER BY 1, 2")
        return (await content(conn, EMP), await content(conn, "visit"), await content(conn, "town"), aside)


async def test_the_target_ends_as_it_does_without_and_the_schema_as_it_began(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    plain, bare = [await _road(make_database, make_role, pg16, pg18) for _ in range(2)]
    before = dumped(pg18, bare.target)
    plan = await _plan(bare)
    gone = [s for s in plan.statements if s.if_empty]
    assert [(s.kind, s.table.removeprefix("public."), s.name) for s in gone] == GONE
    assert Hazard.REBUILDS_INDEXES in plan.hazards
    with pytest.raises(HazardNotAllowed, match="rebuilds-indexes"):
        await bare.migrate(plan, allow=["drops-foreign-keys"])
    usual = await _plan(plain, rebuild=False)
    assert content_id(Plan.model_validate(_as_older(usual))) == usual.id != plan.id
    without, done = await plain.migrate(usual), await bare.migrate(plan)
    assert sums(done) == sums(without) == {
        "town": (9, 9, 0, 0, 0), "The emp's": (300, 298, 0, 2, 0), "visit": (301, 298, 0, 3, 0),
    }
    held = await rows(bare.target, "SELECT kind, name FROM crosswalk.held WHERE kind <> 'trigger' AND name <> 'boss' ORDER BY id")
    assert held == [(kind, name) for kind, _, name in GONE]
    assert await _held(bare) == 0
    same(before, dumped(pg18, bare.target))
    assert findings(await bare.verify()) == []
    mine = await _state(bare)
    assert mine == await _state(plain)
    again = Told()
    await bare.migrate(plan, observer=again)
    assert await _state(bare) == mine
    assert [note for note in again.notes if "keeps its indexes" in note] == []
    assert await rows(bare.target, "SELECT count(*) FROM crosswalk.held") == [(len(GONE) + 2,)]  # the circle, each time


LONG = """
UPDATE emp SET mail = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) AS i) WHERE id = 40;
UPDATE emp SET doc = jsonb_build_object('n', 1, 'x', 2) WHERE id = 81;
"""


async def test_a_row_that_an_index_refuses_goes_to_quarantine_as_if_the_index_had_stood(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of a btree has at most 2,704 bytes. Rows that refer to the row follow it. It is as if there were many tables."""
    monkeypatch.setattr("crosswalk.loading.MANY", 1)
    roads = [await _road(make_database, make_role, pg16, pg18) for _ in range(2)]
    for road in roads:
        await run(road.source, LONG)
        await run(road.target, 'ALTER TABLE "Odd ""s"."The emp\'s" DROP CONSTRAINT "The emp\'s_mail_key"')
    plain, bare = roads
    before = dumped(pg18, bare.target)
    without = await plain.migrate(await _plan(plain, rebuild=False))
    _fail_at(monkeypatch, "orphans.before_commit=error")
    with pytest.raises(FailpointHit):
        await bare.migrate(await _plan(bare))
    monkeypatch.delenv(VARIABLE)
    done = await bare.resume()
    assert sums(done) == sums(without)
    assert await _state(bare) == await _state(plain)
    asked = "SELECT sqlstate, message, constraint_name FROM crosswalk.quarantine WHERE source_key = '[\"40\"]'"
    ((state, message, index),) = await rows(bare.target, asked)
    assert (state, index in {"few", "expr", 'by "town'}, "maximum" in message) == ("54000", True, True)
    assert (findings(await bare.verify()), await _held(bare)) == ([], 0)
    same(before, dumped(pg18, bare.target))


@pytest.mark.drill
@pytest.mark.parametrize(
    "failpoint",
    [
        "held.before_commit=error@3", "chunk.after_commit=error@2", "rebuilt.before_commit=error@2", "rebuilt.after_commit=error@2",
        "keys.after_restore=error", "run.before_finish=error",
    ],
)
async def test_a_run_that_stops_goes_on_or_back_from_wherever_it_was(
    failpoint: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    road = await _road(make_database, make_role, pg16, pg18)
    before, schema, plan = await standing(pg18, road.target), dumped(pg18, road.target), await _plan(road)
    for way in ("back", "on"):
        _fail_at(monkeypatch, failpoint)
        told = Told()
        with pytest.raises(FailpointHit):
            await road.migrate(plan, observer=told, jobs=1, chunk_bytes=4096)
        monkeypatch.delenv(VARIABLE)
        assert any("dropped until `crosswalk resume`" in note for note in told.notes) == bool(await _held(road))
        if way == "back":
            await rollback(road.target)
            same(before, await standing(pg18, road.target))
    await run(road.source, "INSERT INTO emp VALUES (500, 78), (501, 3); INSERT INTO visit VALUES (5, 11), (500, 3)")
    done = await road.resume()
    assert sums(done) == {"town": (9, 9, 0, 0, 0), "The emp's": (302, 299, 0, 3, 0), "visit": (303, 299, 0, 4, 0)}
    assert (findings(await road.verify()), await _held(road)) == ([], 0)
    same(schema, dumped(pg18, road.target))
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_what_is_dropped_while_a_process_is_killed_is_seen_and_comes_back(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    road = await _road(make_database, make_role, pg16, pg18)
    before, schema = await standing(pg18, road.target), dumped(pg18, road.target)
    document, plan = tmp_path / "crosswalk.yaml", tmp_path / "plan.json"
    document.write_text(DOCUMENT)
    planned = await _command(road, "plan", document, "--rebuild", "--strategy=transform", "--why=w", "--no-count", "-o", plan)
    said = " ".join(planned.stdout.split())
    assert "hazard rebuilds-indexes (4 statements)" in said
    assert 'DROP INDEX "Odd ""s"."few" after the load: CREATE INDEX few' in said
    for way in ("back", "on"):
        killed = await _command(
            road, "migrate", plan, "--allow=drops-foreign-keys", "--allow=rebuilds-indexes", failpoint="rebuilt.before_commit=kill@3"
        )
        assert killed.returncode == -9, killed.stderr
        await alone(pg18, road.target)
        if way == "back":
            await rollback(road.target)
            same(before, await standing(pg18, road.target))
            await run(road.target, OLDER)
    seen = await road.verify()
    assert not seen.clean
    assert {(h.kind, h.name) for h in seen.held} >= {("index", "few"), ("foreign key", "who"), ("foreign key", 'its "town')}
    await road.resume()
    assert (findings(await road.verify()), await _held(road)) == ([], 0)
    same(schema, dumped(pg18, road.target))


async def test_nothing_is_dropped_from_a_table_that_holds_rows_by_then(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _road(make_database, make_role, pg16, pg18)
    schema, plan, told = dumped(pg18, road.target), await _plan(road), Told()
    await run(road.target, "INSERT INTO town (id, name) VALUES (500, 'of others')")
    await road.migrate(plan, observer=told)
    assert [note for note in told.notes if "keeps its indexes" in note] == [
        "public.town keeps its indexes and foreign keys while its rows come: it holds rows by now"
    ]
    assert await rows(road.target, "SELECT name FROM crosswalk.held WHERE target_table = 'public.town'") == []
    assert findings(await road.verify()) == []
    same(schema, dumped(pg18, road.target))
    assert not any(s.if_empty and s.table == "public.town" for s in (await _plan(road)).statements)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            'DROP INDEX "Odd ""s".few; CREATE INDEX few ON "Odd ""s"."The emp\'s" (id)', "the index few is another one",
            marks=pytest.mark.drill,
        ),
        ('REVOKE CREATE ON SCHEMA "Odd ""s" FROM CURRENT_USER', "permission denied for schema"),
    ],
)
async def test_what_could_not_come_back_as_it_was_stays(
    change: str, why: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _road(make_database, make_role, pg16, pg18)
    plan, told = await _plan(road), Told()
    await run(road.target, change)
    schema = dumped(pg18, road.target)
    await road.migrate(plan, observer=told)
    (note,) = [note for note in told.notes if "keeps its indexes" in note]
    assert why in note
    assert await rows(road.target, "SELECT name FROM crosswalk.held WHERE kind = 'index'") == []
    same(schema, dumped(pg18, road.target))
    assert findings(await road.verify()) == []


def test_what_recreate_does_anyway_is_not_to_be_asked_for() -> None:
    with pytest.raises(typer.BadParameter, match="after their rows anyway"):
        plan_command(Path("crosswalk.yaml"), strategy=Choice.RECREATE, rebuild=True)


@pytest.mark.drill
async def test_an_index_comes_back_into_its_tablespace(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _road(make_database, make_role, pg16, pg18)
    async with connected(pg18.url("postgres")) as conn:
        await conn.execute("SET allow_in_place_tablespaces = on")
        await conn.execute("CREATE TABLESPACE \"Odd ts\" LOCATION ''")
        await conn.execute('GRANT CREATE ON TABLESPACE "Odd ts" TO PUBLIC')
        await run(road.target, 'ALTER INDEX "Odd ""s".few SET TABLESPACE "Odd ts"')
        await run(road.target, 'ALTER ROLE CURRENT_USER SET default_tablespace = "Odd ts"')
        before = dumped(pg18, road.target)
        await road.migrate(await _plan(road))
        assert await rows(road.target, "SELECT count(*) FROM crosswalk.held WHERE kind = 'index'") == [(4,)]
        same(before, dumped(pg18, road.target))
        await rollback(road.target)
        await run(road.target, 'ALTER ROLE CURRENT_USER RESET default_tablespace; DROP SCHEMA crosswalk CASCADE')
        await run(road.target, 'ALTER INDEX "Odd ""s".few SET TABLESPACE pg_default')
        await conn.execute('DROP TABLESPACE "Odd ts"')


KEYS = """
CREATE SCHEMA "a.b ""(c)";
CREATE TABLE "a.b ""(c)"."P, q" (id int, "x, ""y)" int, period int, PRIMARY KEY (id, "x, ""y)", period), UNIQUE (id));
CREATE TABLE room (id int4range, during int4range, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE child (
    id int REFERENCES "a.b ""(c)"."P, q" (id) ON UPDATE CASCADE, "DEFERRABLE" int, period int, of int4range, during int4range,
    CONSTRAINT "full" FOREIGN KEY (id, "DEFERRABLE", period) REFERENCES "a.b ""(c)"."P, q" MATCH FULL DEFERRABLE,
    CONSTRAINT few FOREIGN KEY (id, "DEFERRABLE", period) REFERENCES "a.b ""(c)"."P, q" ON DELETE SET NULL ("DEFERRABLE"),
    CONSTRAINT late FOREIGN KEY (id) REFERENCES "a.b ""(c)"."P, q" (id) ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT stay FOREIGN KEY (of, PERIOD during) REFERENCES room (id, PERIOD during)
);
ALTER TABLE child ADD CONSTRAINT loose FOREIGN KEY (id) REFERENCES "a.b ""(c)"."P, q" (id) NOT VALID;
"""


async def test_a_key_that_is_dropped_is_seen_as_the_catalog_has_it(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    await run(url, KEYS)
    schema, name = await read(url), Name("public", "child")
    table = schema.tables[name]
    assert len(table.foreign_keys) == 6
    bare = replace(schema, tables={**schema.tables, name: replace(table, constraints=())})
    dropped = [(name, k.name, f"ALTER TABLE {name.sql} ADD CONSTRAINT {quote(k.name)} {k.definition}") for k in table.foreign_keys]
    assert with_dropped_keys(bare, dropped).tables[name] == table
    assert with_dropped_keys(schema, dropped) == schema
