"""After a fix the rows in quarantine are moved again: those that fit land, the accounting follows, verify is clean."""

from __future__ import annotations

from collections import Counter

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, NotFinished, NotOfThisRun, RolledBack
from crosswalk.failpoints import VARIABLE
from crosswalk.quarantined import Outcome, passages, retry, stock
from crosswalk.rollback import rollback
from tests.quarantined import after_a_run, tallies
from tests.road import Road, connected, constraints, findings, lay, rows, run, set_aside, triggers
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role


@pytest.fixture(scope="session")
def holders(pg16: Server, pg18: Server, make_role: MakeRole) -> tuple[Role, Role]:
    return make_role(pg16), make_role(pg18)


@pytest.fixture
def way(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, holders: tuple[Role, Role]
) -> Road:
    return after_a_run(pg16, pg18, template, make_database, holders)


def counted(outcomes: tuple[Outcome, ...]) -> dict[str, tuple[int, ...]]:
    return {o.target.relation: (o.tried, o.landed, o.merged, o.filtered, o.gone, o.left) for o in outcomes}


async def test_after_a_fix_of_the_target_all_of_them_land(way: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BATCH", 3)
    async with connected(way.target) as conn:
        before = await triggers(conn)
        assert set(await set_aside(conn, "public.visit")) == {"20", "30", "40", "50"}
    held = await stock(way.target)
    assert [(t.target.relation, t.held, t.tallied, t.agrees) for t in held.tables] == [
        ("client", 4, 4, True), ("visit", 4, 4, True)
    ]
    assert Counter(r["code"] for t in held.tables for r in t.reasons)["not_null"] == 1
    await run(way.target, "ALTER TABLE client DROP CONSTRAINT sound, ALTER email DROP NOT NULL")
    done = await retry(way.servers)
    assert counted(done.tables) == {"client": (4, 4, 0, 0, 0, 0), "visit": (4, 4, 0, 0, 0, 0)}
    assert await tallies(way.target) == {"client": (8, 8, 0, 0, 0, 8), "visit": (8, 8, 0, 0, 0, 8)}
    assert done.reasons == ()
    verified = await way.verify()
    assert findings(verified) == []
    assert verified.rows == 16
    async with connected(way.target) as conn:
        assert await triggers(conn) == before
        assert await conn.fetchval("SELECT count(*) FROM client WHERE touched <> 'epoch'") == 0
    assert (await retry(way.servers)).tables == ()


async def test_rows_corrected_gone_or_still_wrong_in_the_source(way: Road) -> None:
    await run(
        way.source,
        "UPDATE client SET email = 'x@example.org' WHERE id = 2; UPDATE client SET phone = 'good' WHERE id = 3;"
        " UPDATE client SET phone = 'bad again', email = NULL WHERE id = 5; DELETE FROM client WHERE id = 4",
    )
    done = await retry(way.servers, ["client"])
    assert counted(done.tables) == {"client": (4, 2, 0, 0, 1, 1), "visit": (4, 2, 0, 0, 1, 1)}
    assert await tallies(way.target) == {"client": (7, 6, 0, 1, 0, 6), "visit": (7, 6, 0, 1, 0, 6)}
    async with connected(way.target) as conn:
        assert await set_aside(conn, "public.client") == {"5": ("not_null", "email")}
        assert await set_aside(conn, "public.visit") == {"50": ("lookup.missing", "client_id")}
    assert findings(await way.verify()) == []
    assert (await stock(way.target)).tables[0].agrees


async def test_a_table_named_brings_along_what_refers_to_it_and_no_other(way: Road) -> None:
    await run(way.target, "ALTER TABLE client DROP CONSTRAINT sound")
    alone = await retry(way.servers, ["visit"])
    assert counted(alone.tables) == {"visit": (4, 0, 0, 0, 0, 4)}
    both = await retry(way.servers, ["public.client"])
    assert counted(both.tables) == {"client": (4, 2, 0, 0, 0, 2), "visit": (4, 2, 0, 0, 0, 2)}
    assert findings(await way.verify()) == []
    with pytest.raises(NotOfThisRun, match=r"does not fill public\.nobody; it fills public\.client, public\.visit"):
        await retry(way.servers, ["nobody"])


async def test_a_retry_that_fails_leaves_all_as_it_was_and_goes_on(way: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await tallies(way.target)
    await run(way.target, "ALTER TABLE client DROP CONSTRAINT sound")
    monkeypatch.setenv(VARIABLE, "retry.before_commit=error")
    with pytest.raises(FailpointHit):
        await retry(way.servers)
    monkeypatch.delenv(VARIABLE)
    assert await tallies(way.target) == before
    assert (await stock(way.target)).rows == 8
    verified = await way.verify()
    assert verified.clean
    done = await retry(way.servers)
    assert counted(done.tables)["client"] == (4, 2, 0, 0, 0, 2)
    assert findings(await way.verify()) == []


async def test_a_retry_that_was_killed_at_its_end_is_brought_to_an_end(way: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(way.target) as conn:
        before = await triggers(conn)
    await run(way.target, "ALTER TABLE client DROP CONSTRAINT sound, ALTER email DROP NOT NULL")
    monkeypatch.setenv(VARIABLE, "released.before_commit=error")
    with pytest.raises(FailpointHit):
        await retry(way.servers)
    monkeypatch.delenv(VARIABLE)
    verified = await way.verify()
    assert [h.name for h in verified.held] == ["touch"]
    done = await retry(way.servers)
    assert (done.landed, done.left) == (0, 0)
    assert await tallies(way.target) == {"client": (8, 8, 0, 0, 0, 8), "visit": (8, 8, 0, 0, 0, 8)}
    async with connected(way.target) as conn:
        assert await triggers(conn) == before
    assert (await way.verify()).clean


async def test_a_run_that_has_not_finished_is_resumed_first(way: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await way.plan()
    monkeypatch.setenv(VARIABLE, "run.before_finish=error")
    with pytest.raises(FailpointHit):
        await way.migrate(plan)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(NotFinished) as refused:
        await retry(way.servers)
    assert "crosswalk resume" in refused.value.advice
    await way.resume()
    await retry(way.servers)


CIRCLE = """
CREATE TABLE emp (id int PRIMARY KEY, name text NOT NULL, boss int);
CREATE TABLE badge (nr int PRIMARY KEY, emp int);
CREATE TABLE stamp (badge int, day date);
INSERT INTO emp VALUES (1, 'Ann', NULL), (2, 'bad Bob', 1), (3, 'Cid', 2), (4, 'Dee', 99);
INSERT INTO badge VALUES (10, 1), (20, 2), (30, 3);
INSERT INTO stamp VALUES (10, '2026-01-01'), (20, '2026-01-02'), (20, '2026-01-02'), (NULL, '2026-01-03');
"""
CIRCLED = """
CREATE FUNCTION sound(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 NOT LIKE 'bad%'; END $$;
CREATE TABLE emp (no serial PRIMARY KEY, id int UNIQUE, name text CONSTRAINT sound CHECK (sound(name)),
    boss int REFERENCES emp);
CREATE TABLE badge (nr int PRIMARY KEY, emp int REFERENCES emp);
CREATE TABLE stamp (badge int REFERENCES badge, day date);
"""
ROUND = """
version: 1
tables:
  emp:
    from: emp
    key: [id]
    rejects: quarantine
    columns: {id: id, name: name, boss: {lookup: {table: emp, match: {id: boss}, take: no, missing: quarantine}}}
    drop: {}
  badge:
    from: badge
    key: [nr]
    rejects: quarantine
    columns: {nr: nr, emp: {lookup: {table: emp, match: {id: emp}, take: no, missing: quarantine}}}
  stamp: {from: stamp, key: [], rejects: quarantine, columns: {badge: badge, day: day}}
"""


async def test_ids_that_the_target_makes_references_in_a_circle_and_rows_without_a_key(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, CIRCLE), (pg18, CIRCLED), ROUND)
    await way.migrate()
    before = await tallies(way.target)
    assert {name: t[3] for name, t in before.items()} == {"emp": 3, "badge": 2, "stamp": 2}
    await run(way.source, "UPDATE stamp SET day = day")  # other places in the table: rows are known by them alone
    same = await retry(way.servers)
    assert await tallies(way.target) == before
    assert {o.target.relation: o.left for o in same.tables} == {"emp": 3, "badge": 2, "stamp": 2}
    assert findings(await way.verify()) == []
    await run(way.target, "ALTER TABLE emp DROP CONSTRAINT sound")
    done = await retry(way.servers)
    assert {o.target.relation: (o.landed, o.left) for o in done.tables} == {"emp": (2, 1), "badge": (2, 0), "stamp": (2, 0)}
    assert await tallies(way.target) == {
        "emp": (4, 3, 0, 1, 0, 3), "badge": (3, 3, 0, 0, 0, 3), "stamp": (4, 4, 0, 0, 0, 4)
    }
    assert findings(await way.verify()) == []
    assert await rows(way.target, "SELECT e.id, b.id FROM emp e LEFT JOIN emp b ON b.no = e.boss ORDER BY 1") == [
        (1, None), (2, 1), (3, 2)
    ]
    assert await rows(way.target, "SELECT count(*) FROM stamp") == [(4,)]


PLAIN = """
CREATE FUNCTION sound(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 NOT LIKE 'bad%'; END $$;
CREATE TABLE emp (id int PRIMARY KEY, name text CONSTRAINT sound CHECK (sound(name)), boss int CONSTRAINT up REFERENCES emp);
CREATE TABLE badge (nr int PRIMARY KEY, emp int REFERENCES emp ON DELETE CASCADE);
CREATE TABLE stamp (badge int REFERENCES badge, day date);
"""
AS_IT_IS = """
version: 1
tables:
  emp: {from: emp, key: [id], rejects: quarantine, columns: {id: id, name: name, boss: boss}}
  badge: {from: badge, key: [nr], rejects: quarantine, columns: {nr: nr, emp: emp}}
  stamp: {from: stamp, key: [], rejects: quarantine, columns: {badge: badge, day: day}}
"""


async def test_a_key_that_is_off_meanwhile_is_added_again_and_takes_out_whom_it_refuses(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, CIRCLE), (pg18, PLAIN), AS_IT_IS)
    await way.migrate()
    async with connected(way.target) as conn:
        before = await constraints(conn)
        held = await set_aside(conn, "public.emp")
    first = await tallies(way.target)
    assert {name: t[3] for name, t in first.items()} == {"emp": 3, "badge": 2, "stamp": 2}
    same = await retry(way.servers)
    assert same.landed == 0
    assert await tallies(way.target) == first
    async with connected(way.target) as conn:
        assert await constraints(conn) == before
        assert await set_aside(conn, "public.emp") == held
    await run(way.source, "UPDATE emp SET name = 'Bob' WHERE id = 2")
    done = await retry(way.servers)
    assert {o.target.relation: (o.landed, o.left) for o in done.tables} == {"emp": (2, 1), "badge": (2, 0), "stamp": (2, 0)}
    assert await tallies(way.target) == {
        "emp": (4, 3, 0, 1, 0, 3), "badge": (3, 3, 0, 0, 0, 3), "stamp": (4, 4, 0, 0, 0, 4)
    }
    assert findings(await way.verify()) == []


CROWD = """
CREATE TABLE person (id int PRIMARY KEY, phone text, name text, tags text[]);
INSERT INTO person VALUES (1, '71', NULL, '{a,bad}'), (2, '71', 'Bob', '{b}'), (3, '73', 'Cid', '{bad}'), (4, '74', NULL, '{c}');
"""
CROWDED = """
CREATE FUNCTION sound(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 NOT LIKE 'bad%'; END $$;
CREATE TABLE person (phone text PRIMARY KEY, name text NOT NULL);
CREATE TABLE tag (person int, tag text CONSTRAINT sound CHECK (sound(tag)), PRIMARY KEY (person, tag));
"""
SPREAD = """
version: 1
tables:
  person:
    from: person
    key: [phone]
    on_duplicate: first
    rejects: quarantine
    columns: {phone: phone, name: name}
    drop: {id: x, tags: below}
  tag:
    from: person
    key: [person, tag]
    rejects: quarantine
    columns: {person: id, tag: {unnest: tags}}
    drop: {phone: above, name: above}
"""


async def test_winners_of_a_key_and_rows_that_are_spread(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, CROWD), (pg18, CROWDED), SPREAD)
    await way.migrate()
    assert await tallies(way.target) == {"person": (4, 2, 0, 2, 0, 2), "tag": (4, 3, 0, 1, 0, 3)}
    held = await stock(way.target)
    assert [(t.target.relation, t.held, t.tallied, t.spreads) for t in held.tables] == [
        ("person", 2, 2, False), ("tag", 2, 1, True)
    ]
    await run(way.source, "UPDATE person SET name = 'Ann' WHERE id = 1")
    await run(way.target, "ALTER TABLE tag DROP CONSTRAINT sound")
    done = await retry(way.servers)
    assert await rows(way.target, "SELECT phone, name FROM person ORDER BY 1") == [("71", "Ann"), ("73", "Cid")]
    assert await tallies(way.target) == {"person": (4, 2, 1, 1, 0, 2), "tag": (4, 4, 0, 0, 0, 5)}
    assert counted(done.tables) == {"person": (2, 1, 0, 0, 0, 1), "tag": (2, 2, 0, 0, 0, 0)}
    assert findings(await way.verify()) == []


KEPT = """
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO person VALUES (2, 'of old');
"""
KEEP = """
version: 1
tables:
  person: {from: person, key: [id], existing: keep, rejects: quarantine, columns: {id: id, name: name}}
"""


async def test_rows_that_stood_there_before_are_kept_and_all_can_be_taken_back(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    people = "CREATE TABLE person (id int PRIMARY KEY, name text); INSERT INTO person VALUES (1, NULL), (2, NULL), (3, 'Cid')"
    way = await lay(make_database, make_role, (pg16, people), (pg18, KEPT), KEEP)
    await way.migrate()
    assert await tallies(way.target) == {"person": (3, 1, 0, 2, 0, 1)}
    await run(way.source, "UPDATE person SET name = 'new ' || id WHERE name IS NULL")
    done = await retry(way.servers)
    assert counted(done.tables) == {"person": (2, 1, 1, 0, 0, 0)}
    assert await tallies(way.target) == {"person": (3, 2, 1, 0, 0, 3)}
    assert await rows(way.target, "SELECT id, name FROM person ORDER BY 1") == [(1, "new 1"), (2, "of old"), (3, "Cid")]
    assert findings(await way.verify()) == []
    await rollback(way.target)
    assert await rows(way.target, "SELECT id, name FROM person") == [(2, "of old")]
    with pytest.raises(RolledBack):
        await retry(way.servers)
