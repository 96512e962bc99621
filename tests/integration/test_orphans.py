"""Rows without a parent are set aside together with the rows that refer to them; nothing goes by a cascade."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import RowsRefused, RowsStay, RowsWithoutSource, StillReferredTo
from tests.road import Road, connected, constraints, findings, lay, set_aside, sums
from tests.servers import MakeDatabase, MakeRole

SOURCE = """
CREATE TABLE emp (id int PRIMARY KEY, boss int);
CREATE TABLE badge (nr int PRIMARY KEY, emp int);
CREATE TABLE stamp (badge int, day date);
INSERT INTO emp VALUES (1, NULL), (2, 99), (3, 2), (4, 3), (5, 1);
INSERT INTO badge VALUES (10, 1), (20, 2), (40, 4);
INSERT INTO stamp VALUES (10, '2026-01-01'), (40, '2026-01-02'), (40, '2026-01-02'), (NULL, '2026-01-03');
"""
TARGET = """
CREATE TABLE emp (id int PRIMARY KEY, boss int CONSTRAINT up REFERENCES emp {boss});
CREATE TABLE badge (nr int PRIMARY KEY, emp int CONSTRAINT up REFERENCES emp {badge});
CREATE TABLE stamp (badge int REFERENCES badge, day date);
CREATE TABLE seat (nr int PRIMARY KEY, emp int CONSTRAINT sits REFERENCES emp {seat});
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER soft BEFORE DELETE ON emp FOR EACH ROW EXECUTE FUNCTION swallow();
"""
DOCUMENT = """
version: 1
tables:
  emp: {from: emp, key: [id], rejects: quarantine, columns: {id: id, boss: boss}}
  badge: {from: badge, key: [nr], rejects: quarantine, columns: {nr: nr, emp: emp}}
  stamp: {from: stamp, key: [], rejects: quarantine, columns: {badge: badge, day: day}}
preserve: {seat: the office has it}
"""
ACTIONS = ["", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE RESTRICT"]


async def _lay(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, *, action: str = "", seats: str = ""
) -> Road:
    target = TARGET.format(boss=action, badge=action, seat=action) + seats
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, target), DOCUMENT)


@pytest.mark.parametrize("action", ACTIONS)
async def test_orphans_take_those_along_that_refer_to_them(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, action: str
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role, action=action)
    async with connected(road.target) as conn:
        before = await constraints(conn)
    done = await road.migrate()
    assert sums(done) == {"emp": (5, 2, 0, 3, 0), "badge": (3, 1, 0, 2, 0), "stamp": (4, 2, 0, 2, 0)}
    async with connected(road.target) as conn:
        assert [tuple(r) for r in await conn.fetch("SELECT id, boss FROM emp ORDER BY 1")] == [(1, None), (5, 1)]
        assert await conn.fetchval("SELECT string_agg(nr || ':' || emp, ',') FROM badge") == "10:1"
        assert await conn.fetchval("SELECT count(*) FROM stamp") == 2
        assert set(await set_aside(conn, "public.emp")) == {"2", "3", "4"}
        assert set(await set_aside(conn, "public.badge")) == {"20", "40"}
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.quarantine WHERE target_table = 'public.stamp'") == 2
        assert await conn.fetchval("SELECT written FROM crosswalk.tally WHERE target_table = 'public.emp'") == 2
        assert await constraints(conn) == before
    assert findings(await road.verify()) == []


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_preserved_row_that_refers_to_an_orphan_is_named_and_stays(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, action: str
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role, action=action)
    plan = await road.plan()
    async with connected(road.target) as conn:
        await conn.execute(
            "ALTER TABLE seat DROP CONSTRAINT sits; INSERT INTO seat VALUES (1, 4);"
            f" ALTER TABLE seat ADD CONSTRAINT sits FOREIGN KEY (emp) REFERENCES emp {action} NOT VALID"
        )
    for again in (False, True):
        with pytest.raises(StillReferredTo, match=r"1 row of public\.seat .* by sits to rows of public\.emp"):
            await (road.resume() if again else road.migrate(plan))
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT emp FROM seat") == 4
        assert await conn.fetchval("SELECT count(*) FROM emp") == 5
        await conn.execute("DELETE FROM seat")
    await road.resume()
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM emp") == 2
    assert (await road.verify()).clean


async def test_a_row_that_no_source_row_feeds_is_never_deleted_as_an_orphan(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _lay(pg16, pg18, make_database, make_role)
    plan = await road.plan()
    async with connected(road.target) as conn:
        # The application writes while the run goes on: a row that refers to what is going to be an orphan.
        await conn.execute("""
            CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO badge VALUES (77, 2); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER also AFTER INSERT ON stamp FOR EACH ROW WHEN (NEW.badge = 10) EXECUTE FUNCTION also();
        """)
    with pytest.raises(RowsWithoutSource, match=r"1 row of public\.badge"):
        await road.migrate(plan)
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT emp FROM badge WHERE nr = 77") == 2


PARTITIONED = """
CREATE TABLE task (id int, day date, after_id int, after_day date, tags text[], PRIMARY KEY (id, day),
    CONSTRAINT chain FOREIGN KEY (after_id, after_day) REFERENCES task MATCH FULL ON DELETE CASCADE)
    PARTITION BY RANGE (day);
CREATE TABLE task_1 PARTITION OF task FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE task_2 PARTITION OF task DEFAULT;
CREATE TABLE note (task int, day date, tag text, PRIMARY KEY (task, day, tag),
    FOREIGN KEY (task, day) REFERENCES task ON DELETE CASCADE);
"""
TASKS = """
CREATE TABLE task (id int PRIMARY KEY, day date, after_id int, after_day date, tags text[]);
INSERT INTO task VALUES (1, '2026-01-01', NULL, NULL, '{a}'), (2, '2026-01-02', 1, '2026-01-01', '{a,b}'),
    (3, '2026-02-03', 9, '2026-01-01', '{a,b}'), (4, '2026-01-04', 3, '2026-02-03', '{c}'),
    (5, '2026-02-05', 1, NULL, '{d}');
"""
NOTES = """
version: 1
tables:
  task:
    from: task
    key: [id, day]
    rejects: quarantine
    columns: {id: id, day: day, after_id: after_id, after_day: after_day, tags: tags}
  note:
    from: task
    key: [task, day, tag]
    rejects: quarantine
    columns: {task: id, day: day, tag: {unnest: tags}}
    drop: {after_id: x, after_day: x}
"""


async def test_orphans_of_a_partitioned_table_and_their_spread_rows(
    pg16: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, TASKS), (pg16, PARTITIONED), NOTES)
    async with connected(road.target) as conn:
        before = await constraints(conn)
    done = await road.migrate()
    async with connected(road.target) as conn:
        assert [r[0] for r in await conn.fetch("SELECT id FROM task ORDER BY 1")] == [1, 2]
        assert [tuple(r) for r in await conn.fetch("SELECT task, tag FROM note ORDER BY 1, 2")] == [
            (1, "a"), (2, "a"), (2, "b"),
        ]
        assert await constraints(conn) == before
    assert sums(done) == {"task": (5, 2, 0, 3, 0), "note": (5, 2, 0, 3, 0)}
    assert findings(await road.verify()) == []


MADE = """
CREATE TABLE emp (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE,
                  boss text CONSTRAINT up REFERENCES emp (code));
CREATE TABLE badge (nr int PRIMARY KEY, emp_id int NOT NULL);
"""
CODES = """
CREATE TABLE emp (code text PRIMARY KEY, boss text);
CREATE TABLE badge (nr int PRIMARY KEY, emp text);
INSERT INTO emp VALUES ('a', NULL), ('b', 'z'), ('c', 'b'), ('d', 'a');
INSERT INTO badge VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
"""
BY_CODE = """
version: 1
tables:
  emp: {from: emp, key: [code], rejects: quarantine, columns: {code: code, boss: boss}}
  badge:
    from: badge
    key: [nr]
    rejects: quarantine
    columns: {nr: nr, emp_id: {lookup: {table: emp, match: {code: emp}, take: id}}}
"""


async def test_ids_that_the_target_made_for_orphans_are_left_to_nobody(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, CODES), (pg18, MADE), BY_CODE)
    done = await road.migrate()
    assert sums(done) == {"emp": (4, 2, 0, 2, 0), "badge": (4, 2, 0, 2, 0)}
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT string_agg(nr::text, ',' ORDER BY nr) FROM badge") == "1,4"
    assert findings(await road.verify()) == []
    again = await road.migrate()
    assert sums(again) == sums(done)
    assert findings(await road.verify()) == []


async def test_rejects_fail_is_the_word_for_orphans_too(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(
        make_database, make_role, (pg16, CODES), (pg18, MADE), BY_CODE.replace("rejects: quarantine", "rejects: fail", 1)
    )
    with pytest.raises(RowsRefused, match=r"2 rows of public\.emp"):
        await road.migrate()
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM emp") == 4


async def test_a_rule_that_keeps_rows_from_going_is_an_error_and_no_loop(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    rule = "CREATE RULE stay AS ON DELETE TO emp DO INSTEAD NOTHING"
    road = await lay(make_database, make_role, (pg16, CODES), (pg18, MADE + rule), BY_CODE)
    with pytest.raises(RowsStay, match=r"2 rows of public\.emp were to leave it, and 0 went"):
        await road.migrate()
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM badge") == 4
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.quarantine") == 0
