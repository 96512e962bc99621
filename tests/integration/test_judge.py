"""Every kind of rule of a target, violated by known rows: counted exactly beforehand, and so quarantined."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import RowsRefused
from tests.integration import test_orphans
from tests.judged import announced, in_quarantine
from tests.road import Road, connected, content, findings, lay, road, rows, run, set_aside
from tests.servers import MakeDatabase, MakeRole, sql

SOURCE = """
CREATE TYPE mood AS ENUM ('ok', 'bad', 'odd');
CREATE TABLE room (id int PRIMARY KEY, name text, code text, floor int, area numeric, mood mood, office int, email text,
 active bool, seen timestamp);
INSERT INTO room SELECT i, 'r' || i, 'c' || i, 1, 1.5, 'ok', 1, 'm' || i || '@x', true, '2026-01-01' FROM generate_series(1, 30) i;
UPDATE room SET name = 'much too long' WHERE id = 1;
UPDATE room SET name = NULL WHERE id = 2;
UPDATE room SET code = 'domain!' WHERE id = 3;
UPDATE room SET floor = 40000 WHERE id = 4;
UPDATE room SET floor = -5 WHERE id = 5;
UPDATE room SET area = 1.25 WHERE id = 6;
UPDATE room SET area = 1000 WHERE id = 7;
UPDATE room SET mood = 'odd' WHERE id = 8;
UPDATE room SET office = 77 WHERE id IN (9, 10);
UPDATE room SET email = 'M11@X' WHERE id IN (12, 13);
UPDATE room SET email = 'm11@x', active = false WHERE id = 14;
UPDATE room SET name = 'r15' WHERE id = 16;
UPDATE room SET seen = '2026-01-01 00:00:00.5' WHERE id = 17;
CREATE TABLE booking (id int PRIMARY KEY, room int, during tsrange);
INSERT INTO booking VALUES (1, 20, '[2026-01-01,2026-01-03)'), (2, 20, '[2026-01-02,2026-01-04)'),
 (3, 20, '[2026-01-03,2026-01-05)'), (4, 21, '[2026-01-02,2026-01-04)'), (5, 1, '[2026-02-01,2026-02-02)'),
 (6, 9, '[2026-02-01,2026-02-02)'), (7, 12, '[2026-02-01,2026-02-02)'), (8, 99, '[2026-02-01,2026-02-02)'),
 (9, NULL, '[2026-03-01,2026-03-02)');
CREATE TABLE visit (id int, day date, booking int, PRIMARY KEY (id, day));
INSERT INTO visit VALUES (1, '2026-01-31', 1), (2, '2026-02-28', 3), (3, '2026-03-01', 4), (4, '2025-12-31', 4),
 (5, '2026-01-05', 2), (6, '2026-01-06', 6), (7, '2026-01-07', NULL);
CREATE TABLE node (id int PRIMARY KEY, up int, twin int);
INSERT INTO node VALUES (1, NULL, 1), (2, 1, 2), (3, 99, 3), (4, 3, 4), (5, 4, 5), (6, 1, 2), (7, 6, 7), (8, 8, NULL);
CREATE TABLE big (id int PRIMARY KEY, body text);
INSERT INTO big VALUES (1, 'short'), (2, repeat('a', 9000)),
 (3, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) i)), (4, NULL);
CREATE TABLE ratio (id int PRIMARY KEY, a int, b int);
INSERT INTO ratio VALUES (1, 6, 3), (2, 1, 0), (3, NULL, 0), (4, 4, 2);
CREATE TABLE stock (id int PRIMARY KEY, code text, shelf int);
INSERT INTO stock VALUES (1, 'a', 1), (2, 'taken', 2), (3, 'c', 3), (4, 'd', 3), (10, 'free', 10);
CREATE TABLE pair (id int PRIMARY KEY, x int, y int);
INSERT INTO pair VALUES (1, 1, 1), (2, NULL, NULL), (3, NULL, 1), (4, 2, 2), (5, 1, 2);
CREATE TABLE grid (x int, y int, PRIMARY KEY (x, y));
INSERT INTO grid VALUES (1, 1), (2, 2);
"""
TARGET = """
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE DOMAIN short AS text CHECK (length(value) < 6);
CREATE TABLE office (id int PRIMARY KEY); INSERT INTO office VALUES (1), (2);
CREATE TABLE room (id int PRIMARY KEY, name varchar(5) NOT NULL CONSTRAINT room_name UNIQUE, code short,
 floor smallint CONSTRAINT above CHECK (floor > -3), area numeric(4, 1), mood mood,
 office int CONSTRAINT in_office REFERENCES office, email text, active bool, seen timestamp(0));
CREATE UNIQUE INDEX room_email ON room (lower(email)) WHERE active;
CREATE TABLE booking (id int PRIMARY KEY, room int CONSTRAINT of_room REFERENCES room, during tsrange,
 CONSTRAINT one_at_a_time EXCLUDE USING gist (int4range(room, room, '[]') WITH &&, during WITH &&));
CREATE TABLE visit (id int, day date, booking int CONSTRAINT of_booking REFERENCES booking, PRIMARY KEY (id, day))
 PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY HASH (id);
CREATE TABLE visit_2a PARTITION OF visit_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE visit_2b PARTITION OF visit_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE node (id int PRIMARY KEY, up int CONSTRAINT above REFERENCES node, twin int CONSTRAINT one_twin UNIQUE);
CREATE TABLE big (id int PRIMARY KEY, body text); CREATE INDEX big_body ON big (body);
CREATE TABLE ratio (id int PRIMARY KEY, a int, b int, q int GENERATED ALWAYS AS (a / b) STORED);
CREATE TABLE stock (id int PRIMARY KEY, code text CONSTRAINT one_code UNIQUE, shelf int CONSTRAINT one_shelf UNIQUE);
INSERT INTO stock VALUES (1, 'old', 10), (50, 'taken', 50);
CREATE TABLE grid (x int, y int, PRIMARY KEY (x, y));
CREATE TABLE pair (id int PRIMARY KEY, x int, y int,
 CONSTRAINT on_grid FOREIGN KEY (x, y) REFERENCES grid MATCH FULL);
"""
DOCUMENT = """
version: 1
tables:
  room: {from: room, key: [id], rejects: quarantine, columns: {id: id, name: name, code: code, floor: floor, area: area,
    mood: {sql: mood::text}, office: office, email: email, active: active, seen: seen}}
  booking: {from: booking, key: [id], rejects: quarantine, columns: {id: id, room: room, during: during}}
  visit: {from: visit, key: [id, day], rejects: quarantine, columns: {id: id, day: day, booking: booking}}
  node: {from: node, key: [id], rejects: quarantine, columns: {id: id, up: up, twin: twin}}
  big: {from: big, key: [id], rejects: quarantine, columns: {id: id, body: body}}
  ratio: {from: ratio, key: [id], rejects: quarantine, columns: {id: id, a: a, b: b}}
  stock: {from: stock, key: [id], existing: update, rejects: quarantine, columns: {id: id, code: code, shelf: shelf}}
  grid: {from: grid, key: [x, y], columns: {x: x, y: y}}
  pair: {from: pair, key: [id], rejects: quarantine, columns: {id: id, x: x, y: y}}
preserve: {office: the house has it}
"""
COUNTS = {
    "public.big:size": 1,
    "public.booking.of_room:foreign_key": 4,
    "public.booking.one_at_a_time:exclusion": 1,
    "public.node.above:foreign_key": 4,
    "public.node.one_twin:unique": 1,
    "public.pair.on_grid:foreign_key": 2,
    "public.ratio.q:computed": 1,
    "public.room.above:check": 1,
    "public.room.area:range": 1,
    "public.room.area:rounded": 1,
    "public.room.floor:range": 1,
    "public.room.in_office:foreign_key": 2,
    "public.room.mood:label": 1,
    "public.room.name:length": 1,
    "public.room.name:not_null": 1,
    "public.room.room_email:unique": 2,
    "public.room.room_name:unique": 1,
    "public.room.seen:precision": 1,
    "public.room.short_check:check": 1,
    "public.stock.one_code:clash": 1,
    "public.stock.one_shelf:unique": 1,
    "public.visit.day:partition": 2,
    "public.visit.of_booking:foreign_key": 2,
}
"""Rows by rule: every one of them is put there by a line of SOURCE."""
FATES = {
    # by source key: the code with which quarantine holds it; `refused` is the load's own word
    "room": {
        "1": "length", "2": "not_null", "3": "check", "4": "range", "5": "check", "6": "rounded", "7": "range",
        "8": "label", "9": "refused", "10": "refused", "12": "unique", "13": "unique", "16": "unique", "17": "precision",
    },
    "booking": {"2": "exclusion", "5": "foreign_key", "6": "refused", "7": "foreign_key", "8": "foreign_key"},
    "visit": {
        '["3", "2026-03-01"]': "partition", '["4", "2025-12-31"]': "partition",
        '["5", "2026-01-05"]': "foreign_key", '["6", "2026-01-06"]': "refused",
    },
    "node": {"3": "refused", "4": "refused", "5": "refused", "6": "unique", "7": "refused"},
    "big": {"3": "refused"},
    "ratio": {"2": "computed"},
    "stock": {"2": "refused", "4": "unique"},
    "pair": {"3": "foreign_key", "5": "foreign_key"},
    "grid": {},
}  # fmt: skip


async def _lay(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)


async def test_what_is_announced_is_what_quarantine_holds(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """To the row, for every kind of rule; the counts are exact, the accounting is the run's, and verify is clean."""
    road = await _lay(pg16, pg18, make_database, make_role)
    async with connected(road.target) as conn:
        before = await content(conn, "stock")
        said = await announced(road.file, road.servers)
        checked = await road.check()
        assert await content(conn, "stock") == before, "a check left something in the target"
        assert {v.rule: v.rows for v in checked.verdicts} == COUNTS
        assert all(v.exact and v.declared and len(v.samples) == min(v.rows or 0, 5) for v in checked.verdicts)
        done = await road.migrate()
        assert said == await in_quarantine(conn)
        assert {t: {k: code for k, (code, _) in (await set_aside(conn, f"public.{t}")).items()} for t in FATES} == FATES
    assert {t.target: (t.loaded, t.quarantined) for t in checked.tallies} == {
        t.target: (t.loaded, t.quarantined) for t in done.tallies
    }
    assert findings(await road.verify()) == []
    assert (await road.migrate()).tallies == done.tallies, "a second run finds other rows"


async def test_keys_are_masked_and_values_never_shown(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = """CREATE TABLE p (id text PRIMARY KEY, v text);
    INSERT INTO p VALUES ('79261234567', 'secret word'), ('2', 'secret word');"""
    target = "CREATE TABLE p (id text PRIMARY KEY, v text UNIQUE);"
    document = "version: 1\ntables:\n  p: {from: p, key: [id], columns: {id: id, v: v}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    checked = await road.check()
    (verdict,) = checked.verdicts
    assert (verdict.rule, verdict.rows, verdict.declared) == ("public.p.p_v_key:unique", 1, False)
    assert verdict.samples == ("79••••••67",)
    assert "secret" not in repr(checked)
    assert not checked.clean


NOT_JUDGED = """
CREATE FUNCTION own(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION fine(text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION wary() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF new.v = 'b' THEN RAISE EXCEPTION 'no'; END IF; RETURN NULL; END $$;
CREATE TABLE p (id int PRIMARY KEY, v text CONSTRAINT approved CHECK (fine(v)), w text, made int NOT NULL DEFAULT 7);
CREATE UNIQUE INDEX by_own ON p (own(w));
CREATE UNIQUE INDEX by_made ON p (made, w);
CREATE CONSTRAINT TRIGGER wary AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION wary();
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.w := 'x'; RETURN new; END $$;
CREATE TRIGGER touch BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION touch();
"""


async def test_what_cannot_be_judged_is_said(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """A function of the target's own, a value left to a default, a constraint trigger: never a silent pass."""
    source = "CREATE TABLE p (id int PRIMARY KEY, v text, w text); INSERT INTO p VALUES (1, 'a', 'a'), (2, 'b', 'b');"
    document = "version: 1\ntables:\n  p: {from: p, key: [id], columns: {id: id, v: v, w: w, made: {default: true}}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, NOT_JUDGED), document)
    checked = await road.check()
    assert {line.partition(" (")[0] for line in checked.uncovered} == {
        "public.p: by_own", "public.p: by_made", "public.p: approved"
    }  # fmt: skip
    assert [(v.rule, v.rows, v.exact, v.declared) for v in checked.verdicts] == [("public.p.wary:trigger", None, False, False)]
    assert [line for line in checked.remarks if "touch" in line] != []
    assert not checked.clean


async def test_a_rule_that_rows_must_not_break_stops_the_move_before_it_begins(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, v int); INSERT INTO p VALUES (1, 1), (2, 1);"
    target = "CREATE TABLE p (id int PRIMARY KEY, v int UNIQUE);"
    document = "version: 1\ntables:\n  p: {from: p, key: [id], rejects: fail, columns: {id: id, v: v}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    with pytest.raises(RowsRefused, match="another row has the same v"):
        await road.migrate()
    assert await rows(road.target, "SELECT * FROM p") == []


async def test_of_rows_with_one_key_the_next_one_wins_where_the_first_is_kept_out(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Row 2 loses its place by `tag` to row 1, so that row 3 stands for their key, and lookups find it."""
    source = """CREATE TABLE p (id int PRIMARY KEY, k int, tag text); INSERT INTO p VALUES (1, 1, 'x'), (2, 2, 'x'), (3, 2, 'y');
    CREATE TABLE c (id int PRIMARY KEY, p int); INSERT INTO c VALUES (1, 1), (2, 2), (3, 3);"""
    target = """CREATE TABLE p (id int UNIQUE, k int PRIMARY KEY, tag text UNIQUE);
    CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p (id));"""
    document = """
version: 1
tables:
  p: {from: p, key: [k], rejects: quarantine, on_duplicate: first, columns: {id: id, k: k, tag: tag}}
  c: {from: c, key: [id], rejects: quarantine, columns: {id: id, p: {lookup: {table: p, match: {id: p}, take: id}}}}
"""
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    said = await announced(road.file, road.servers)
    await road.migrate()
    async with connected(road.target) as conn:
        assert said == await in_quarantine(conn) == {"public.p": {'["2"]'}, "public.c": {'["2"]'}}
        assert [tuple(r) for r in await conn.fetch("SELECT id, p FROM c ORDER BY 1")] == [(1, 1), (3, 3)]
    assert findings(await road.verify()) == []


async def test_circles_are_followed_to_the_last_row(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """A key that is dropped for the load and added at its end: who refers to nothing, and who refers to those."""
    road = await lay(
        make_database, make_role, (pg16, test_orphans.SOURCE),
        (pg18, test_orphans.TARGET.format(boss="", badge="", seat="")), test_orphans.DOCUMENT,
    )  # fmt: skip
    said = await announced(road.file, road.servers)
    assert {name: len(keys) for name, keys in said.items()} == {"public.emp": 3, "public.badge": 2, "public.stamp": 2}
    await road.migrate()
    async with connected(road.target) as conn:
        assert said == await in_quarantine(conn)


KEPT = """
CREATE TABLE p (id int PRIMARY KEY, a text UNIQUE, b int UNIQUE);
INSERT INTO p VALUES (1, 'kept', 100), (9, 'nine', 9);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
"""


@pytest.mark.parametrize("existing", ["keep", "update"])
async def test_rows_that_stand_in_the_table_keep_others_out(
    existing: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Row 1 gives way to the kept one or replaces it; who clashes with a row that stays is announced; a reference to a
    row that stood there holds."""
    source = """CREATE TABLE p (id int PRIMARY KEY, a text, b int);
    INSERT INTO p VALUES (1, 'one', 1), (2, 'nine', 2), (3, 'x', 1), (4, 'kept', 4), (5, 'y', 5), (6, 'y', 6);
    CREATE TABLE c (id int PRIMARY KEY, p int); INSERT INTO c VALUES (1, 9), (2, 1), (3, 2), (4, 77), (5, 5);"""
    document = f"""
version: 1
tables:
  p: {{from: p, key: [id], existing: {existing}, rejects: quarantine, columns: {{id: id, a: a, b: b}}}}
  c: {{from: c, key: [id], rejects: quarantine, columns: {{id: id, p: p}}}}
"""
    road = await lay(make_database, make_role, (pg16, source), (pg18, KEPT), document)
    said = await announced(road.file, road.servers)
    clash = {"2", "4", "6"} if existing == "keep" else {"2", "3", "6"}
    assert said == {"public.p": {f'["{k}"]' for k in clash}, "public.c": {'["3"]', '["4"]'}}
    await road.migrate()
    async with connected(road.target) as conn:
        assert said == await in_quarantine(conn)
        assert said == await announced(road.file, road.servers), "it is another answer after the move"


async def test_characters_that_the_target_does_not_know(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    sql(pg18, "CREATE DATABASE narrow ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    source, target = make_database(pg16), pg18.url("narrow")
    await run(source, "CREATE TABLE p (id int PRIMARY KEY, v text); INSERT INTO p VALUES (1, 'plain'), (2, 'ä'), (3, 'Анна');")
    await run(target, "CREATE TABLE p (id int PRIMARY KEY, v text);")
    document = "version: 1\ntables:\n  p: {from: p, key: [id], rejects: quarantine, columns: {id: id, v: v}}\n"
    way = road(source, target, document)
    assert [(v.rule, v.rows) for v in (await way.check()).verdicts] == [("public.p:encoding", 1)]
    await way.migrate()
    async with connected(target) as conn:
        assert await in_quarantine(conn) == await announced(way.file, way.servers) == {"public.p": {'["3"]'}}
    sql(pg18, "DROP DATABASE narrow WITH (FORCE)")


ODD_SOURCE = """
CREATE TABLE p (id int PRIMARY KEY, t text, n int);
INSERT INTO p VALUES (1, '1', 1), (2, 'x', 1), (3, '3', 0), (4, NULL, NULL);
CREATE TABLE c (id int PRIMARY KEY, p int, d text, a text[], j jsonb, n int, e text, z numeric);
INSERT INTO c SELECT i, 1, 'a', '{a}', '{"k": 1}', i, 'e' || i FROM generate_series(1, 20) AS i;
UPDATE c SET p = id - 1 WHERE id IN (3, 4);
UPDATE c SET d = 'long' WHERE id = 5; UPDATE c SET d = 'b' WHERE id = 6;
UPDATE c SET a = '{a,long}' WHERE id = 7; UPDATE c SET a = '{NULL,b}' WHERE id = 8; UPDATE c SET a = NULL WHERE id = 9;
UPDATE c SET j = '{"k": "x"}' WHERE id = 10; UPDATE c SET n = 0 WHERE id IN (11, 12); UPDATE c SET n = 100000 WHERE id = 13;
UPDATE c SET z = 3 WHERE id = 16; UPDATE c SET z = 4 WHERE id = 17; UPDATE c SET z = 99999 WHERE id = 18;
UPDATE c SET e = 'e1' WHERE id = 14; UPDATE c SET e = '(' WHERE id = 15;
"""
ODD_TARGET = """
CREATE DOMAIN short AS text CHECK (length(value) < 4);
CREATE DOMAIN fine AS short CHECK (value <> 'b');
CREATE TABLE p (id int PRIMARY KEY, t text CONSTRAINT number CHECK (t::int > 0), n int CONSTRAINT divides CHECK (6 / n > 0));
CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT of_p REFERENCES p, d fine, a fine[], j jsonb, n int,
 e text CONSTRAINT pattern CHECK ('x' !~ e), z numeric(4, 1) CONSTRAINT told CHECK (z::text <> '3' AND z::text <> '4.0'),
 g smallint GENERATED ALWAYS AS (n * 2) STORED);
CREATE INDEX by_k ON c (((j ->> 'k')::int));
CREATE UNIQUE INDEX by_part ON c ((600 / n), e) WHERE n <> 0;
CREATE UNIQUE INDEX by_e ON c (e);
"""


async def test_what_raises_for_a_row_sets_that_row_aside_and_no_other(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Casts, divisions and patterns in checks, indexes and generated columns; domains over domains and arrays of them.

    A predicate keeps what its expression cannot take away from it, as it does in the target.
    """
    document = """
version: 1
tables:
  p: {from: p, key: [id], rejects: quarantine, columns: {id: id, t: t, n: n}}
  c: {from: c, key: [id], rejects: quarantine, columns: {id: id, p: p, d: d, a: a, j: j, n: n, e: e, z: z}}
"""
    road = await lay(make_database, make_role, (pg16, ODD_SOURCE), (pg18, ODD_TARGET), document)
    said = await announced(road.file, road.servers)
    checked = await road.check()
    wanted = {"public.p": (2, 3), "public.c": (3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 17, 18)}
    assert said == {name: {f'["{i}"]' for i in ids} for name, ids in wanted.items()}
    assert {t.target.relation: t.quarantined for t in checked.tallies} == {"p": 2, "c": 12}
    assert [line for line in checked.uncovered if "its own limits" not in line] == []
    await road.migrate()
    async with connected(road.target) as conn:
        assert said == await in_quarantine(conn)
    assert findings(await road.verify()) == []


async def test_who_goes_with_rows_of_a_parent_that_others_fill_too(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """In a circle, along a chain and through a lookup; a row that stands in the target keeps what refers to it."""
    source = """CREATE TABLE n (id int PRIMARY KEY, up int, tag text);
    INSERT INTO n VALUES (1, NULL, 'a'), (2, 77, 'b'), (3, 2, 'c'), (4, 50, 'd'), (5, NULL, 'taken'), (6, 5, 'e');
    CREATE TABLE m (id int PRIMARY KEY, n int, o int); INSERT INTO m VALUES (1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 50, 1), (5, 6, 1),
     (6, 1, 3);"""
    target = """CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n, tag text UNIQUE); INSERT INTO n VALUES (50, NULL, 'taken');
    CREATE TABLE m (id int PRIMARY KEY, n int REFERENCES n, o int REFERENCES n);"""
    document = """
version: 1
tables:
  n: {from: n, key: [id], existing: update, rejects: quarantine, columns: {id: id, up: up, tag: tag}}
  m: {from: m, key: [id], rejects: quarantine,
    columns: {id: id, n: n, o: {lookup: {table: n, match: {id: o}, take: id}}}}
"""
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    said = await announced(road.file, road.servers)
    gone = {"public.n": (2, 3, 5, 6), "public.m": (2, 3, 5, 6)}
    assert said == {name: {f'["{i}"]' for i in ids} for name, ids in gone.items()}
    await road.migrate()
    async with connected(road.target) as conn:
        assert said == await in_quarantine(conn)


async def test_rules_of_a_single_partition_are_named(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, v int, w int); INSERT INTO p VALUES (1, 1, 1);"
    target = """CREATE TABLE p (id int PRIMARY KEY, v int, w int) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
    ALTER TABLE p1 ALTER w SET NOT NULL, ADD CONSTRAINT few CHECK (v < 5), ADD CONSTRAINT apart EXCLUDE USING btree (v WITH =);
    CREATE INDEX parts ON p1 ((6 / v));"""
    document = "version: 1\ntables:\n  p: {from: p, key: [id], columns: {id: id, v: v, w: w}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    (line,) = (await road.check()).uncovered
    assert line == "public.p1: NOT NULL of w, apart, few, parts (a rule of this partition alone): left to the load"
