"""Migrating again writes nothing, and rows that stood in the target before are treated as the document says."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import HazardNotAllowed, TableNotEmpty
from examples.salon.data import load_source, load_target
from tests.road import Road, connected, content, findings, lay, quarantine, road, sequences, sums, versions
from tests.servers import MakeDatabase, MakeRole

MAPPING = Path(__file__).parents[2] / "examples" / "salon" / "crosswalk.yaml"
TABLES = ("companies", "clients", "services", "staff", "staff_schedules", "bookings", "dialog_contexts")
UPDATED = {table: f"SELECT updated_at FROM {table} ORDER BY id" for table in TABLES}


async def test_migrating_the_salon_twice_writes_nothing(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = road(make_database(pg16, owner=make_role(pg16)), make_database(pg18, owner=make_role(pg18)), MAPPING)
    async with connected(way.source) as source, connected(way.target) as target:
        await load_source(source, dataset="traps")
        await load_target(target)
        first = await way.migrate()
        before = await versions(target, TABLES), await sequences(target), await quarantine(target)
        touched = {table: await target.fetch(query) for table, query in UPDATED.items()}
        second = await way.migrate()
        assert (await versions(target, TABLES), await sequences(target), await quarantine(target)) == before
        assert {table: await target.fetch(query) for table, query in UPDATED.items()} == touched
        doubled = await target.fetchval(
            "SELECT count(*) - count(DISTINCT (target_table, source_key)) FROM crosswalk.quarantine"
        )
    assert doubled == 0
    assert sums(second) == sums(first)
    assert second.sequences == 0
    assert findings(await way.verify()) == []


SOURCE = """
CREATE TABLE people (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text, born date);
INSERT INTO people SELECT i, 'p' || i, 'person ' || i, date '1990-01-01' + i FROM generate_series(1, 100) i;
CREATE TABLE notes (id int PRIMARY KEY, person int NOT NULL, body text);
INSERT INTO notes SELECT i, 1 + i % 100, 'note ' || i FROM generate_series(1, 300) i;
CREATE TABLE log (line text, at timestamp);
INSERT INTO log SELECT 'line ' || i % 7, timestamp '2026-01-01' + interval '1 hour' * (i % 5) FROM generate_series(1, 60) i;
"""
TARGET = """
CREATE TABLE people (id int PRIMARY KEY, code varchar(20) NOT NULL UNIQUE, name text CHECK (name <> 'refused'), born date,
                     touched timestamptz DEFAULT now());
CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int UNIQUE NOT NULL,
                    person_id int NOT NULL REFERENCES people, body text);
CREATE TABLE log (line text, at timestamp);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
"""
DOCUMENT = """
version: 1
tables:
  people:
    from: people
    key: [code]
    existing: {existing}
    rejects: quarantine
    columns: {{id: id, code: code, name: name, born: born, touched: {{default: true}}}}
  notes:
    from: notes
    key: [nr]
    existing: {existing}
    rejects: quarantine
    columns:
      nr: id
      person_id: {{lookup: {{table: people, match: {{id: person}}, take: id}}}}
      body: body
  log:
    from: log
    existing: refuse
    key: []
    columns: {{line: line, at: at}}
"""
OWN = """
INSERT INTO people (id, code, name) VALUES (1001, 'own', 'own'), (5, 'p5', 'kept'), (6, 'p6', 'person 6');
INSERT INTO notes (nr, person_id, body) VALUES (7, 5, 'kept'), (1000, 1001, 'own');
"""


async def small(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, existing: str, own: str = OWN
) -> Road:
    document = DOCUMENT.format(existing=existing)
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET + own), document)


async def test_a_table_that_holds_rows_is_refused(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "refuse")
    with pytest.raises(TableNotEmpty) as caught:
        await way.plan()
    assert "3 rows" in str(caught.value)
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT to_regnamespace('crosswalk')") is None
        assert await conn.fetchval("SELECT count(*) FROM people") == 3


async def test_rows_that_came_after_the_plan_are_refused_too(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "refuse", own="")
    plan = await way.plan()
    async with connected(way.target) as conn:
        await conn.execute(OWN)
        with pytest.raises(TableNotEmpty):
            await way.migrate(plan)
        assert await conn.fetchval("SELECT count(*) FROM people") == 3


async def test_kept_rows_stay_untouched_and_are_counted_apart(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "keep")
    plan = await way.plan()
    with pytest.raises(HazardNotAllowed):
        await way.migrate(plan, allow=["disables-triggers"])
    async with connected(way.target) as conn:
        kept = "SELECT ctid, xmin, * FROM people WHERE id IN (5, 6, 1001) ORDER BY id"
        before = await conn.fetch(kept), await conn.fetch("SELECT ctid, xmin, * FROM notes ORDER BY nr")
        migrated = await way.migrate(plan)
        assert await conn.fetch(kept) == before[0]
        assert await conn.fetch("SELECT ctid, xmin, * FROM notes WHERE nr IN (7, 1000) ORDER BY nr") == before[1]
        assert await conn.fetchval("SELECT count(*) FROM people") == 101
        assert await conn.fetchval("SELECT count(*) FROM notes") == 301
        assert await conn.fetchval("SELECT name FROM people WHERE code = 'p5'") == "kept"
    assert sums(migrated)["people"] == (100, 98, 2, 0, 0)
    assert sums(migrated)["notes"] == (300, 299, 1, 0, 0)
    verified = await way.verify()
    assert findings(verified) == []
    assert {t.target.relation: t.kept for t in verified.tables} == {"people": 3, "notes": 2, "log": 0}


async def test_updated_rows_take_the_source_s_values(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "update")
    async with connected(way.target) as conn:
        equal = await conn.fetchrow("SELECT id FROM people WHERE code = 'p5'")
        own = await conn.fetchrow("SELECT ctid, xmin, * FROM people WHERE code = 'own'")
        migrated = await way.migrate()
        assert await conn.fetchrow("SELECT ctid, xmin, * FROM people WHERE code = 'own'") == own
        updated = await conn.fetchrow("SELECT id, name, born::text FROM people WHERE code = 'p5'")
        assert updated is not None
        assert equal is not None
        assert tuple(updated) == (5, "person 5", "1990-01-06")
        assert await conn.fetchval("SELECT body FROM notes WHERE nr = 7") == "note 7"
        assert await conn.fetchval("SELECT count(*) FROM notes") == 301
    assert sums(migrated)["people"] == (100, 100, 0, 0, 0)
    verified = await way.verify()
    assert findings(verified) == []
    assert {t.target.relation: t.kept for t in verified.tables if t.kept} == {"people": 1, "notes": 1}


async def test_migrating_twice_writes_nothing_beside_rows_of_the_target_s_own(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    for existing in ("keep", "update"):
        way = await small(pg16, pg18, make_database, make_role, existing)
        await way.migrate()
        async with connected(way.target) as conn:
            tables = ("people", "notes", "log")
            before = await versions(conn, tables), await sequences(conn)
            await way.migrate()
            assert (await versions(conn, tables), await sequences(conn)) == before
        assert findings(await way.verify()) == []


async def test_a_table_without_a_key_is_not_doubled(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "refuse", own="")
    await way.migrate()
    async with connected(way.source) as source, connected(way.target) as target:
        assert await content(target, "log") == await content(source, "log")
        before = await versions(target, ["log"])
        await way.migrate()
        assert await versions(target, ["log"]) == before
        await source.execute("INSERT INTO log VALUES ('line 1', '2026-01-01'), ('new', now()), ('new', now())")
        await way.migrate()
        assert await content(target, "log") == await content(source, "log")
    assert findings(await way.verify()) == []


async def test_a_row_that_fits_at_last_leaves_quarantine(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await small(pg16, pg18, make_database, make_role, "refuse", own="")
    async with connected(way.source) as source, connected(way.target) as target:
        await source.execute(
            "UPDATE people SET code = repeat('long', 9) WHERE id = 3; UPDATE people SET name = 'refused' WHERE id = 4;"
            "UPDATE notes SET person = 4000 WHERE id = 9"
        )
        first = await way.migrate()
        assert sums(first)["people"] == (100, 98, 0, 2, 0)
        assert sums(first)["notes"] == (300, 293, 0, 7, 0)
        assert findings(await way.verify()) == []
        await source.execute(
            "UPDATE people SET code = 'p3' WHERE id = 3; UPDATE people SET name = 'welcome' WHERE id = 4;"
            "UPDATE notes SET person = 10 WHERE id = 9"
        )
        second = await way.migrate()
        assert sums(second)["people"] == (100, 100, 0, 0, 0)
        assert await target.fetchval("SELECT count(*) FROM crosswalk.quarantine") == 0
        assert findings(await way.verify()) == []
        await target.execute("DELETE FROM notes WHERE person_id IN (3, 4); DELETE FROM people WHERE id IN (3, 4)")
        assert {finding[1] for finding in findings(await way.verify())} == {"missing"}
