"""Recreated tables are filled before they have keys or indexes: in which order these come, and what stops between two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from crosswalk.ddl import difference, recreate
from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, RowsBreakIndex
from crosswalk.failpoints import VARIABLE
from crosswalk.migration import resume
from crosswalk.names import Name
from crosswalk.plan import Plan, Statement
from crosswalk.rollback import rollback
from crosswalk.schema import Constraint, ConstraintKind, Index, Table
from crosswalk.survey import both, look
from tests.ddl import carry_out, facts, read, take_back, unequal
from tests.road import Road, connected, content, findings, lay, rows, run, set_aside, sums, versions
from tests.servers import MakeDatabase, MakeRole, database_of
from tests.standing import same, standing

KEYS = """
CREATE TABLE town (id int PRIMARY KEY WITH (fillfactor = 70), name text, UNIQUE NULLS NOT DISTINCT (name) INCLUDE (id));
CREATE TABLE emp (
    id int GENERATED ALWAYS AS IDENTITY, town int REFERENCES town, mail text, badge text NOT NULL, span int4range,
    CONSTRAINT "The key" PRIMARY KEY (id), CONSTRAINT once UNIQUE (mail) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT apart EXCLUDE USING gist (span WITH &&)
);
CREATE UNIQUE INDEX badge ON emp (badge);
CREATE UNIQUE INDEX few ON emp (lower(mail)) WHERE town IS NOT NULL;
CREATE INDEX plain ON emp (town) INCLUDE (mail);
CREATE INDEX late ON emp (town, mail DESC NULLS LAST);
ALTER TABLE emp REPLICA IDENTITY USING INDEX badge;
ALTER TABLE emp CLUSTER ON late;
COMMENT ON CONSTRAINT "The key" ON emp IS 'of emp';
COMMENT ON INDEX "The key" IS 'of its index';
COMMENT ON INDEX plain IS 'plain';
CREATE TABLE visit (badge text REFERENCES emp (badge), day int);
CREATE VIEW counted AS SELECT t.id, t.name, count(e.id) FROM town t JOIN emp e ON e.town = t.id GROUP BY t.id;
"""
FAMILIES = """
CREATE TABLE part (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE INDEX ON part (day);
CREATE TABLE up (id int PRIMARY KEY);
CREATE TABLE down (PRIMARY KEY (id)) INHERITS (up);
CREATE TABLE grouped (id int PRIMARY KEY, name text);
CREATE VIEW early AS SELECT id, name FROM grouped GROUP BY id;
CREATE FUNCTION first() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT min(id) FROM early; END;
CREATE TABLE reads (id int DEFAULT first());
CREATE TABLE room (span int4range PRIMARY KEY, day int, during int4range, CONSTRAINT held UNIQUE (span, during WITHOUT OVERLAPS));
CREATE TABLE stay (span int4range, during int4range, FOREIGN KEY (span, PERIOD during) REFERENCES room (span, PERIOD during));
CREATE VIEW latest AS SELECT max(day) FROM room;
CREATE FUNCTION rank(int) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT $1 FROM latest; END;
CREATE INDEX ranked ON room (rank(day));
"""
ROWS = """
INSERT INTO town VALUES (1, 'Ulm'), (2, NULL);
INSERT INTO emp (town, mail, badge, span) SELECT 1 + n % 2, 'm' || n, 'b' || n, int4range(n, n + 1) FROM generate_series(1, 90) AS n;
INSERT INTO visit SELECT 'b' || n, n FROM generate_series(1, 9) AS n;
"""
TARGET = """
CREATE TABLE town (id int PRIMARY KEY, name text);
CREATE TABLE emp (id int PRIMARY KEY, town int, mail text, badge text, span int4range);
CREATE TABLE visit (badge text, day int);
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [id], columns: {id: id, name: name}}
  emp: {from: emp, key: [id], columns: {id: id, town: town, mail: mail, badge: badge, span: span}}
  visit: {from: visit, key: [], columns: {badge: badge, day: day}}
"""
STAND = (
    "SELECT c.relname, i.indisvalid, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1"
)


def kinds(statements: tuple[Statement, ...]) -> list[tuple[str, str, str]]:
    return [(s.kind, s.table.removeprefix("public."), s.name.removeprefix("public.")) for s in statements if s.phase == "complete"]


async def test_each_table_gets_its_indexes_then_its_keys_then_what_stands_on_them(
    pg18: Server, make_database: MakeDatabase
) -> None:
    there, here = make_database(pg18), make_database(pg18)
    await run(there, KEYS + FAMILIES)
    source, before = await read(there), await read(here)
    names = [table.name for table in source.roots]
    made = recreate(source, before, tables=names, preserved=[], archive="archive")
    told = kinds(made.statements)
    keyed = [each for each in told if each[0] in {"index", "key"}]
    assert [each for each in keyed if each[1] == "emp"] == [
        *(("index", "emp", name) for name in ("The key", "badge", "few", "late", "once", "plain")),
        *(("key", "emp", name) for name in ("The key", "apart", "once")),
    ]
    assert {each[1] for each in keyed} == {"emp", "town", "room"}
    assert [each for each in keyed if each[1] == "room"] == [
        ("index", "room", "room_pkey"), ("key", "room", "held"), ("key", "room", "room_pkey")
    ]
    assert ("create", "room", "ranked") in told
    assert told.index(("key", "town", "town_pkey")) < told.index(("create", "counted", "counted"))
    await carry_out(here, made)
    assert difference(source, await read(here), names) == []
    await take_back(here, made.statements)
    assert unequal(facts(before), facts(await read(here))) == {}


async def test_the_way_back_works_from_every_key(pg18: Server, make_database: MakeDatabase) -> None:
    there, here = make_database(pg18), make_database(pg18)
    await run(there, KEYS)
    source, before = await read(there), facts(await read(here))
    made = recreate(source, await read(here), tables=[t.name for t in source.roots], preserved=[], archive="archive")
    shape = [s for s in made.statements if s.phase == "shape"]
    keyed = [s for s in made.statements if s.of_key]
    for count in range(1, len(keyed) + 1):
        await run(here, ";\n".join(s.sql for s in (*shape, *keyed[:count])))
        await take_back(here, [*shape, *keyed[:count]])
    assert unequal(before, facts(await read(here))) == {}


def _keys(table: Table) -> list[Constraint]:
    """Foreign keys come in the end."""
    return [c for c in table.constraints if c.kind is not ConstraintKind.FOREIGN]


def _indexes(table: Table) -> list[Index]:
    """By which CLUSTER goes, is said in the end too."""
    return [replace(index, clustered=False) for index in table.indexes]


def _fail_at(monkeypatch: pytest.MonkeyPatch, failpoint: str) -> None:
    monkeypatch.setenv(VARIABLE, failpoint)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())


async def _lay(
    make_database: MakeDatabase, make_role: MakeRole, source: tuple[Server, str], target: Server
) -> tuple[Road, Plan]:
    road = await lay(make_database, make_role, source, (target, TARGET), DOCUMENT)
    return road, await road.plan("recreate")


@pytest.mark.parametrize("each", [6, pytest.param(1, marks=pytest.mark.drill)])
async def test_a_run_goes_on_after_a_stop_between_any_two_keys_and_back_from_there(
    each: int, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever looks meanwhile sees the keys that will be, and judges rows by them."""
    road, plan = await _lay(make_database, make_role, (pg16, KEYS + ROWS), pg18)
    before = await standing(pg18, road.target)
    _fail_at(monkeypatch, "complete.before_commit=error@3")
    with pytest.raises(FailpointHit):
        await road.migrate(plan, jobs=1)
    monkeypatch.delenv(VARIABLE)
    await rollback(road.target)
    same(before, await standing(pg18, road.target))

    stops, seen = 1, []
    _fail_at(monkeypatch, f"complete.after_commit=error@{each}")
    with pytest.raises(FailpointHit):
        await road.migrate(plan, jobs=1)
    while True:
        async with both(road.servers, purpose="test") as sides:
            found = (await look(plan.mapping(), *sides, plan=plan)).facts
        seen.append({str(t.name): (_keys(t), _indexes(t)) for t in map(found.target_table, plan.order)})
        _fail_at(monkeypatch, f"complete.after_commit=error@{each}")
        try:
            done = await resume(road.servers, jobs=1)
        except FailpointHit:
            stops += 1
            continue
        break
    monkeypatch.delenv(VARIABLE)
    assert stops >= len(plan.keys()) // each > 0
    assert seen[1:] == seen[:-1]
    assert sums(done) == {"town": (2, 2, 0, 0, 0), "emp": (90, 90, 0, 0, 0), "visit": (9, 9, 0, 0, 0)}
    assert findings(await road.verify()) == []
    assert await rows(road.target, STAND) == await rows(road.source, STAND)
    async with connected(road.target) as conn, connected(road.source) as old:
        assert await content(conn, "emp") == await content(old, "emp")
        written = await versions(conn, ["emp", "town", "visit"])
        await road.migrate(plan)
        assert await versions(conn, ["emp", "town", "visit"]) == written
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def _unwatched(server: Server, road: Road, index: str, sql: str) -> None:
    """What a damaged index lets through: the server is told that it is not unique, for as long as that takes."""
    told = f"UPDATE pg_index SET indisunique = %s WHERE indexrelid = '{index}'::regclass"
    url = server.url(database_of(road.source))
    for text in (told % "false", sql, told % "true"):
        await run(url, text)


@pytest.mark.parametrize(
    ("index", "harm", "healing"),
    [
        ("badge", "UPDATE emp SET badge = 'b77' WHERE id = 78", "UPDATE emp SET badge = 'b78' WHERE id = 78"),
        (
            '"The key"', "INSERT INTO emp OVERRIDING SYSTEM VALUE VALUES (7, 1, 'other', 'other', '[500,501)')",
            "DELETE FROM emp WHERE mail = 'other'",
        ),
    ],
)
async def test_rows_that_an_index_refuses_stop_the_run_and_it_goes_on_when_they_are_corrected(
    index: str, harm: str, healing: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road, plan = await _lay(make_database, make_role, (pg16, KEYS + ROWS), pg18)
    await _unwatched(pg16, road, index, harm)
    with pytest.raises(RowsBreakIndex) as refused:
        await road.migrate(plan)
    assert refused.value.fields["table"] == "public.emp"
    assert refused.value.fields["name"] == index.strip('"')
    assert "b77" not in str(refused.value.as_json())
    with pytest.raises(RowsBreakIndex):
        await road.resume()
    await run(road.source, healing)
    if "DELETE" in healing:  # of two rows of one key one is deleted only where somebody asks for it
        with pytest.raises(RowsBreakIndex):
            await road.resume()
        await road.repair(delete_extra=True)
    assert sums(await road.resume())["emp"] == (90, 90, 0, 0, 0)
    assert findings(await road.verify()) == []


async def test_a_row_that_the_target_refuses_is_set_aside_without_any_key(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Only the target refuses it, so that its chunk goes through the twin."""
    check = (
        "CREATE FUNCTION fits(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS"
        " $$SELECT $1 <> 55 OR current_setting('server_version_num')::int < 170000$$;"
        "ALTER TABLE emp ADD CHECK (fits(id));"
    )
    road, plan = await _lay(make_database, make_role, (pg16, KEYS + check + ROWS), pg18)
    done = await road.migrate(plan, chunk_bytes=2000)
    assert sums(done)["emp"] == (90, 89, 0, 1, 0)
    async with connected(road.target) as conn:
        assert set(await set_aside(conn, Name("public", "emp"))) == {"55"}
    assert findings(await road.verify()) == []
