"""One bad row among thousands costs no other row: it alone goes to quarantine, with the server's own reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import AccountingBroken, CrosswalkError, FailpointHit, RowsRefused
from tests.road import Road, connected, findings, lay, sums
from tests.servers import MakeDatabase, MakeRole

ROWS = 4000
SOURCE = f"""
CREATE TABLE reading (id int PRIMARY KEY, meter int NOT NULL, volts numeric, amps int, note text, slot int4range, tag text);
INSERT INTO reading SELECT i, 1 + i % 50, i * 1.5, 1 + i % 7, 'note ' || i, int4range(i * 10, i * 10 + 10), 't' || i
FROM generate_series(1, {ROWS}) i;
UPDATE reading SET amps = 0 WHERE id = 701;
UPDATE reading SET note = 'x' WHERE id = 702;
UPDATE reading SET meter = 99 WHERE id = 1203;
UPDATE reading SET tag = 't1' WHERE id = 1504;
UPDATE reading SET slot = int4range(15, 25) WHERE id = 2005;
UPDATE reading SET volts = 0.25 WHERE id = 2506;
UPDATE reading SET note = note || ' forbidden' WHERE id = 3007;
UPDATE reading SET note = note || ' trigger' WHERE id = 3508;
UPDATE reading SET volts = 1e30 WHERE id = 3999;
CREATE TABLE meter (id int PRIMARY KEY, name text);
INSERT INTO meter SELECT i, 'meter ' || i FROM generate_series(1, 50) i;
"""
TARGET = """
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TABLE meter (id int PRIMARY KEY, name text);
CREATE FUNCTION allowed(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <> 0.25';
CREATE DOMAIN remark AS text CHECK (VALUE !~ 'forbidden');
CREATE TABLE reading (
    {key} id int PRIMARY KEY, meter_id int NOT NULL, ohms numeric NOT NULL, number int NOT NULL, volts numeric(20,2), note remark,
    slot int4range, tag text,
    CONSTRAINT reading_meter FOREIGN KEY (meter_id) REFERENCES meter{deferrable},
    CONSTRAINT reading_tag UNIQUE (tag),
    CONSTRAINT reading_slot EXCLUDE USING gist (slot WITH &&),
    CONSTRAINT reading_volts CHECK (allowed(volts))
);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.note ~ 'trigger' THEN RAISE EXCEPTION 'no %', NEW.note; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON reading DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""
DOCUMENT = """
version: 1
tables:
  meter: {from: meter, key: [id], columns: {id: id, name: name}}
  reading:
    from: reading
    key: [id]
    rejects: REJECTS
    columns:
      id: id
      meter_id: meter
      ohms: {sql: volts / amps}
      number: {sql: "substring(note from '\\\\d+|^x$')::int"}
      volts: volts
      note: note
      slot: slot
      tag: tag
"""
REASONS = {
    # key: sqlstate, constraint, column
    701: ("22012", None, None),
    702: ("22P02", None, None),
    1203: ("23503", "reading_meter", "meter_id"),
    1504: ("23505", "reading_tag", "tag"),
    2005: ("23P01", "reading_slot", "slot"),
    2506: ("23514", "reading_volts", None),
    3007: ("23514", "remark_check", "note"),
    3508: ("P0001", None, None),
    3999: ("22003", None, "volts"),
}


async def the_road(
    old: Server,
    new: Server,
    make_database: MakeDatabase,
    make_role: MakeRole,
    *,
    rejects: str = "quarantine",
    deferrable: str = "",
    key: str = "",
) -> Road:
    target = TARGET.replace("{deferrable}", deferrable).replace("{key}", key)
    return await lay(make_database, make_role, (old, SOURCE), (new, target), DOCUMENT.replace("REJECTS", rejects))


@pytest.mark.parametrize(
    ("versions", "deferrable", "key"),
    [
        (("pg16", "pg18"), "", ""),
        (("pg15", "pg18"), " DEFERRABLE INITIALLY DEFERRED", ""),
        (("pg18", "pg16"), "", "nr int GENERATED ALWAYS AS IDENTITY,"),
    ],
)
async def test_only_the_bad_rows_are_set_aside(
    versions: tuple[str, str],
    deferrable: str,
    key: str,
    request: pytest.FixtureRequest,
    make_role: MakeRole,
    make_database: MakeDatabase,
) -> None:
    old, new = (request.getfixturevalue(version) for version in versions)
    way = await the_road(old, new, make_database, make_role, deferrable=deferrable, key=key)
    migrated = await way.migrate(jobs=1, chunk_bytes=100_000)
    assert sums(migrated)["reading"] == (ROWS, ROWS - len(REASONS), 0, len(REASONS), 0)
    async with connected(way.target) as conn:
        rows = await conn.fetch(
            "SELECT source_key, row, sqlstate, message, constraint_name, column_name FROM crosswalk.quarantine"
        )
        found = {
            int(json.loads(r["source_key"])[0]): (r["sqlstate"], r["constraint_name"], r["column_name"]) for r in rows
        }
        assert found == REASONS
        assert {int(json.loads(r["row"])["id"]) for r in rows} == set(REASONS)
        landed = {r["id"] for r in await conn.fetch("SELECT id FROM reading")}
        assert landed == set(range(1, ROWS + 1)) - set(REASONS)
        # The message says nothing of the row's values.
        assert [r["message"] for r in rows if "trigger" in r["message"] and "3508" in r["message"]] == []
    assert findings(await way.verify()) == []
    again = await way.migrate(jobs=1, chunk_bytes=100_000)
    assert sums(again) == sums(migrated)
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.quarantine") == len(REASONS)
    assert findings(await way.verify()) == []


async def test_under_rejects_fail_nothing_lands(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await the_road(pg16, pg18, make_database, make_role, rejects="fail")
    with pytest.raises(CrosswalkError) as caught:
        await way.migrate()
    assert not isinstance(caught.value, AccountingBroken)
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM reading") == 0
    async with connected(way.source) as conn:
        await conn.execute("DELETE FROM reading WHERE id IN (701, 702, 3007, 3999)")
    with pytest.raises(RowsRefused):
        await way.migrate()


async def test_a_row_that_raises_in_a_lookup_s_parent_is_set_aside_there(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase
) -> None:
    way = await lay(
        make_database,
        make_role,
        (
            pg16,
            "CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a SELECT i, i FROM generate_series(0, 99) i;"
            "CREATE TABLE b (id int PRIMARY KEY, a int); INSERT INTO b SELECT i, i % 100 FROM generate_series(1, 300) i",
        ),
        (
            pg18,
            "CREATE TABLE a (id int PRIMARY KEY, n int);"
            "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a)",
        ),
        """
        version: 1
        tables:
          a: {from: a, key: [id], rejects: quarantine, columns: {id: id, n: {sql: 100 / n}}}
          b:
            from: b
            key: [id]
            rejects: quarantine
            columns: {id: id, a_id: {lookup: {table: a, match: {id: a}, take: id}}}
        """,
    )
    migrated = await way.migrate()
    assert sums(migrated) == {"a": (100, 99, 0, 1, 0), "b": (300, 297, 0, 3, 0)}
    async with connected(way.target) as conn:
        rows = await conn.fetch(
            "SELECT target_table, code, sqlstate, count(*) FROM crosswalk.quarantine GROUP BY 1, 2, 3"
        )
    assert sorted(tuple(row) for row in rows) == [
        ("public.a", "rule.raises", "22012", 1),
        ("public.b", "lookup.missing", "23503", 3),
    ]
    assert findings(await way.verify()) == []
    checked = await way.check()
    assert checked.clean
    assert [(v.target.relation, v.code, v.rows) for v in checked.verdicts] == [
        ("a", "rule.raises", 1),
        ("b", "lookup.missing", 3),
    ]
    async with connected(way.source) as conn:
        await conn.execute("UPDATE a SET n = 0 WHERE id = 50")
    assert ("public.a", "a rule raises an error for 1 row not in quarantine") in findings(await way.verify())


async def test_a_run_with_bad_rows_that_stopped_can_be_resumed(
    pg16: Server, pg18: Server, make_role: MakeRole, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await the_road(pg16, pg18, make_database, make_role)
    for place in ("chunk.before_commit=error@3", "table.done=error@2"):
        monkeypatch.setenv("CROSSWALK_FAILPOINTS", place)
        monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
        with pytest.raises(FailpointHit):
            await way.migrate(jobs=1, chunk_bytes=100_000)
        monkeypatch.delenv("CROSSWALK_FAILPOINTS")
        resumed = await way.resume()
        assert sums(resumed)["reading"] == (ROWS, ROWS - len(REASONS), 0, len(REASONS), 0)
        assert findings(await way.verify()) == []
