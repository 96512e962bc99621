"""Triggers of the target neither bend a row nor swallow one, and stand afterwards exactly as before."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import CrosswalkError, HazardNotAllowed, PlanDrifted
from tests.road import Connection, Road, connected, findings, lay, sums, triggers
from tests.servers import MakeDatabase, MakeRole

SOURCE = """
CREATE TABLE item (id int PRIMARY KEY, name text, at timestamp);
INSERT INTO item SELECT i, 'item ' || i, timestamp '2026-01-01' + interval '1 day' * (i % 60) FROM generate_series(1, 200) i;
CREATE TABLE part (id int PRIMARY KEY, item int, day date);
INSERT INTO part SELECT i, 1 + i % 200, date '2026-01-01' + i % 90 FROM generate_series(1, 300) i;
CREATE TABLE stock (id int PRIMARY KEY, n int);
INSERT INTO stock SELECT i, i FROM generate_series(1, 50) i;
"""
TARGET = """
CREATE TABLE item (id int PRIMARY KEY, name text, at timestamptz);
CREATE TABLE part (nr int GENERATED ALWAYS AS IDENTITY, id int NOT NULL, item_id int REFERENCES item, day date NOT NULL,
                   UNIQUE (id, day)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY RANGE (day);
CREATE TABLE part_2a PARTITION OF part_2 FOR VALUES FROM ('2026-02-01') TO ('2026-02-15');
CREATE TABLE part_2b PARTITION OF part_2 DEFAULT;
CREATE TABLE part_3 PARTITION OF part DEFAULT;
CREATE TABLE stock (id int PRIMARY KEY, n int, CHECK (n >= 0));
CREATE TABLE audit (what text);

CREATE FUNCTION bend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (TG_NAME); RETURN NULL; END $$;
CREATE FUNCTION even() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.n = 13 THEN RAISE EXCEPTION 'unlucky %', NEW.n USING ERRCODE = '23514'; END IF; RETURN NULL; END $$;

CREATE TRIGGER a_bend BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION bend();
CREATE TRIGGER b_always BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER c_replica BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER d_disabled BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER e_audit AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER f_gone AFTER DELETE OR TRUNCATE ON item FOR EACH STATEMENT EXECUTE FUNCTION note();
ALTER TABLE item ENABLE ALWAYS TRIGGER b_always;
ALTER TABLE item ENABLE REPLICA TRIGGER c_replica;
ALTER TABLE item DISABLE TRIGGER d_disabled;

CREATE TRIGGER "Odd ""one" BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER off BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER own BEFORE INSERT ON part_3 FOR EACH ROW EXECUTE FUNCTION swallow();
ALTER TABLE part_1 DISABLE TRIGGER "Odd ""one";
ALTER TABLE part_2a ENABLE ALWAYS TRIGGER "Odd ""one";
ALTER TABLE part DISABLE TRIGGER off;
ALTER TABLE part_2b ENABLE TRIGGER off;

CREATE CONSTRAINT TRIGGER even AFTER INSERT OR UPDATE ON stock DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION even();
CREATE TRIGGER z_swallow BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION swallow();
"""
DOCUMENT = """
version: 1
tables:
  item: {from: item, key: [id], columns: {id: id, name: name, at: {zone: UTC, from: at}}}
  part:
    from: part
    key: [id, day]
    columns: {id: id, day: day, item_id: {lookup: {table: item, match: {id: item}, take: id}}}
  stock: {from: stock, key: [id], rejects: quarantine, columns: {id: id, n: n}}
ignore:
  target: {audit: the application's own}
"""
SWALLOWING = "CREATE TRIGGER late BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION swallow()"


async def the_road(old: Server, new: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (old, SOURCE), (new, TARGET), DOCUMENT)


async def nothing_bent(conn: Connection) -> None:
    assert await conn.fetchval("SELECT count(*) FROM item WHERE name = 'item ' || id") == 200
    assert await conn.fetchval("SELECT count(*) FROM part") == 300
    assert await conn.fetchval("SELECT count(*) FROM audit") == 0


@pytest.mark.parametrize("versions", [("pg16", "pg18"), ("pg18", "pg16"), ("pg16", "pg15")])
async def test_triggers_neither_bend_nor_swallow_and_are_restored(
    versions: tuple[str, str], request: pytest.FixtureRequest, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    old, new = (request.getfixturevalue(version) for version in versions)
    way = await the_road(old, new, make_database, make_role)
    async with connected(way.target) as conn:
        before = await triggers(conn)
        plan = await way.plan()
        with pytest.raises(HazardNotAllowed):
            await way.migrate(plan, allow=[])
        migrated = await way.migrate(plan)
        assert await triggers(conn) == before
        await nothing_bent(conn)
        # A trigger that only checks stays on, and the row that it refuses is the only one to go.
        assert sums(migrated)["stock"] == (50, 49, 0, 1, 0)
        aside = await conn.fetch("SELECT source_key::text, sqlstate FROM crosswalk.quarantine")
        assert [tuple(row) for row in aside] == [('["13"]', "23514")]
        assert findings(await way.verify()) == []
        # A second run and a repair go over rows that the swallowing triggers would keep as they are.
        await conn.execute(
            "ALTER TABLE stock DISABLE TRIGGER ALL; UPDATE stock SET n = 0; ALTER TABLE stock ENABLE TRIGGER ALL"
        )
        mended = await way.repair()
        assert mended.after is not None
        assert findings(mended.after) == []
        await way.migrate(plan)
        assert await triggers(conn) == before
        await nothing_bent(conn)


@pytest.mark.parametrize("place", ["chunk.loaded", "table.done", "held.after_commit", "sequences.before_commit"])
async def test_triggers_are_restored_after_an_error_in_the_middle(
    place: str,
    pg16: Server,
    pg18: Server,
    make_role: MakeRole,
    make_database: MakeDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = await the_road(pg16, pg18, make_database, make_role)
    async with connected(way.target) as conn:
        before = await triggers(conn)
        monkeypatch.setenv("CROSSWALK_FAILPOINTS", f"{place}=error")
        with pytest.raises(CrosswalkError):
            await way.migrate()
        assert await triggers(conn) == before
        monkeypatch.delenv("CROSSWALK_FAILPOINTS")
        await way.resume()
        assert await triggers(conn) == before
        await nothing_bent(conn)
    assert findings(await way.verify()) == []


async def test_a_trigger_that_came_after_the_plan_is_noticed(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    for table in ("item", "part", "part_2a"):
        way = await the_road(pg16, pg18, make_database, make_role)
        plan = await way.plan()
        async with connected(way.target) as conn:
            await conn.execute(SWALLOWING.format(table=table))
            with pytest.raises(PlanDrifted):
                await way.migrate(plan)
            assert await conn.fetchval("SELECT count(*) FROM item") == 0
        await way.migrate()
        assert findings(await way.verify()) == []
