"""Rows that the target refuses, swallows or holds already: what becomes of them, of their neighbours and of the target's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, RowsLostInRelay
from crosswalk.mapping import read_text
from crosswalk.verify import table_proof
from tests.road import Road, connected, findings, quarantine, set_aside, sums
from tests.servers import MakeDatabase, sql

PEOPLE = """
CREATE TABLE person (id int PRIMARY KEY, email text NOT NULL UNIQUE, n text);
INSERT INTO person VALUES (1, 'a@x', 'legacy1'), (2, 'b@x', 'legacy2');
"""
THEIRS = """
CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, n text);
INSERT INTO person (email, n) VALUES ('a@x', 'APPROW');
"""
KEPT = """
version: 1
tables:
  person:
    from: person
    key: [email]
    existing: keep
    columns: {email: email, n: n}
    drop: {id: the target makes its own}
"""
SAME = """
version: 1
tables:
  p:
    from: p
    key: [id]
    rejects: quarantine
    columns: {id: id, n: n}
"""


async def _run(url: str, text: str) -> None:
    async with connected(url) as conn:
        await conn.execute(text)


async def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    async with connected(url) as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def _road(pg16: Server, pg18: Server, make: MakeDatabase, source: str, target: str, document: str) -> Road:
    urls = make(pg16), make(pg18)
    await _run(urls[0], source)
    await _run(urls[1], target)
    return Road(source=urls[0], target=urls[1], file=read_text(document))


async def test_a_kept_row_is_never_given_another_key(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _road(pg16, pg18, make_database, PEOPLE, THEIRS, KEPT)
    await way.migrate()
    remembered = "SELECT source_key->>0 FROM crosswalk.key_map"
    assert await _rows(way.target, remembered) == [("2",)]
    await _run(way.source, "UPDATE person SET email = 'c@x' WHERE id = 1")
    await way.migrate()
    assert await _rows(way.target, "SELECT email, n FROM person ORDER BY 1") == [
        ("a@x", "APPROW"),
        ("b@x", "legacy2"),
        ("c@x", "legacy1"),
    ]
    assert not findings(await way.verify())


async def test_a_map_that_names_a_kept_row_moves_nothing(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = await _road(pg16, pg18, make_database, PEOPLE, THEIRS, KEPT)
    await way.migrate()
    await _run(way.target, """INSERT INTO crosswalk.key_map VALUES ('public.person', '["1"]', '["a@x"]')""")
    await _run(way.source, "UPDATE person SET email = 'c@x' WHERE id = 1")
    await way.migrate()
    assert ("a@x", "APPROW") in await _rows(way.target, "SELECT email, n FROM person")


async def test_a_row_that_comes_to_meet_a_kept_one_yields_on_resume(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await _road(pg16, pg18, make_database, PEOPLE.replace("a@x", "z@x"), THEIRS, KEPT)
    monkeypatch.setenv("CROSSWALK_FAILPOINTS", "table.done=error")
    with pytest.raises(FailpointHit):
        await way.migrate()
    monkeypatch.delenv("CROSSWALK_FAILPOINTS")
    await _run(way.source, "UPDATE person SET email = 'a@x' WHERE id = 1")
    await way.resume()
    rows = await _rows(way.target, "SELECT email, n FROM person ORDER BY 1")
    assert rows == [("a@x", "APPROW"), ("b@x", "legacy2")]


@pytest.fixture
def ascii_source(pg16: Server) -> Iterator[str]:
    """A database that takes any byte."""
    name = "any_byte"
    sql(pg16, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    yield pg16.url(name)
    sql(pg16, f"DROP DATABASE {name} WITH (FORCE)")


async def test_badly_encoded_bytes_cost_no_other_row(
    ascii_source: str, pg18: Server, make_database: MakeDatabase
) -> None:
    target = make_database(pg18)
    await _run(ascii_source, "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL)")
    await _run(
        ascii_source,
        r"INSERT INTO p SELECT i, CASE WHEN i % 40 = 7 THEN E'a\xff' ELSE 'ok' END"
        " FROM generate_series(1, 100) AS i",
    )
    await _run(target, "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL)")
    way = Road(source=ascii_source, target=target, file=read_text(SAME))
    migrated = await way.migrate()
    assert sums(migrated) == {"p": (100, 97, 0, 3, 0)}
    assert await _rows(
        target, "SELECT source_key->>0, row, sqlstate FROM crosswalk.quarantine ORDER BY (source_key->>0)::int"
    ) == [(key, "{}", "22021") for key in ("7", "47", "87")]
    assert not findings(await way.verify())


async def test_a_row_that_json_cannot_hold_is_set_aside_by_its_key(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source = r"""CREATE TABLE p (id int PRIMARY KEY, n text, j json);
        INSERT INTO p VALUES (1, 'x', '{"a": "\u0000"}'), (2, 'X', '{}'), (3, 'z', '{}')"""
    target = "CREATE TABLE p (id int PRIMARY KEY, n text, j jsonb)"
    document = SAME.replace("n: n}", "n: n, j: {sql: 'j::jsonb'}}")
    way = await _road(pg16, pg18, make_database, source, target, document)
    assert sums(await way.migrate()) == {"p": (3, 2, 0, 1, 0)}


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03"])
async def test_a_chunk_that_lost_a_deadlock_is_moved_again(
    state: str, pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, n text); INSERT INTO p VALUES (1, 'x'), (2, 'y')"
    target = f"""
        CREATE SEQUENCE tries;
        CREATE FUNCTION flaky() RETURNS int LANGUAGE plpgsql AS
        $$BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'unlucky' USING ERRCODE = '{state}'; END IF; RETURN 1; END$$;
        CREATE TABLE p (id int PRIMARY KEY, n text, luck int DEFAULT flaky())"""
    way = await _road(pg16, pg18, make_database, source, target, SAME.replace("n: n}", "n: n, luck: {default: true}}"))
    assert sums(await way.migrate()) == {"p": (2, 2, 0, 0, 0)}


REVERSED = """
CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, pad text);
INSERT INTO p SELECT i, 'n' || i, repeat('x', 200) FROM generate_series(1, 1500) AS i;
"""
UNIQUE = "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL UNIQUE, pad text)"
PADDED = SAME.replace("n: n}", "n: n, pad: pad}")


@pytest.mark.parametrize("jobs", [1, 2])
async def test_unique_values_are_handed_over_between_chunks(
    jobs: int, pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = await _road(pg16, pg18, make_database, REVERSED, UNIQUE, PADDED)
    await way.migrate()
    await _run(way.source, "UPDATE p SET n = 'n' || (1501 - id)")
    again = await way.migrate(jobs=jobs, chunk_bytes=40_000)
    assert sums(again) == {"p": (1500, 1500, 0, 0, 0)}
    assert not findings(await way.verify())


async def test_what_clashes_in_truth_is_refused_and_costs_no_other_row(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    """In the source 1 and 2 now share a value; the others go round among themselves."""
    source = REVERSED.replace(" UNIQUE DEFERRABLE INITIALLY DEFERRED", "")
    way = await _road(pg16, pg18, make_database, source, UNIQUE, PADDED)
    await way.migrate()
    await _run(way.source, "UPDATE p SET n = 'n' || (1501 - id); UPDATE p SET n = 'n1500' WHERE id = 2")
    again = await way.migrate(chunk_bytes=40_000)
    assert sums(again) == {"p": (1500, 1499, 0, 1, 0)}
    async with connected(way.target) as conn:
        assert sum((await quarantine(conn)).values()) == 1
        assert set(await set_aside(conn, "public.p")) <= {"1", "2"}
        assert await conn.fetchval("SELECT count(*) FROM p") == 1499
    assert await way.verify()


RANGES = """
CREATE TABLE p (id int PRIMARY KEY, n int4range NOT NULL);
INSERT INTO p VALUES (1, '[1,5)'), (2, '[10,15)'), (3, '[20,25)');
"""
APART = "CREATE TABLE p (id int PRIMARY KEY, n int4range NOT NULL, EXCLUDE USING gist (n WITH &&))"


@pytest.mark.parametrize(("word", "left"), [("remove", [1, 3]), ("keep", [1, 2, 3])])
async def test_a_row_whose_update_is_refused_leaves_or_stays_by_policy(
    word: str, left: list[int], pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    document = SAME.replace("    rejects:", f"    on_reject: {word}\n    rejects:")
    way = await _road(pg16, pg18, make_database, RANGES, APART, document)
    await way.migrate()
    await _run(way.source, "UPDATE p SET n = '[3,9)' WHERE id = 2")
    again = await way.migrate()
    assert sums(again) == {"p": (3, 2, 0, 1, 0)}
    assert [row[0] for row in await _rows(way.target, "SELECT id FROM p ORDER BY 1")] == left
    async with connected(way.target) as conn:
        assert set(await set_aside(conn, "public.p")) == {"2"}


@pytest.mark.parametrize(("word", "left"), [("remove", [(1, "x")]), ("keep", [(1, "x"), (2, "y")])])
async def test_a_row_that_clashes_on_a_later_run_leaves_or_stays_by_policy(
    word: str, left: list[tuple[int, str]], pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    document = SAME.replace("    rejects:", f"    on_reject: {word}\n    rejects:")
    source = "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL); INSERT INTO p VALUES (1, 'x'), (2, 'y')"
    target = "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL); CREATE UNIQUE INDEX ON p (lower(n))"
    way = await _road(pg16, pg18, make_database, source, target, document)
    await way.migrate()
    await _run(way.source, "UPDATE p SET n = 'X' WHERE id = 2")
    await way.migrate()
    assert await _rows(way.target, "SELECT id, n FROM p ORDER BY 1") == left


async def test_a_row_that_others_refer_to_stays_whatever_the_policy(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    target = f"{APART}; CREATE TABLE theirs (p int REFERENCES p ON DELETE CASCADE)"
    document = f"{SAME}preserve:\n  theirs: lives on its own\n"
    way = await _road(pg16, pg18, make_database, RANGES, target, document)
    await way.migrate()
    await _run(way.target, "INSERT INTO theirs VALUES (2)")
    await _run(way.source, "UPDATE p SET n = '[3,9)' WHERE id = 2")
    await way.migrate()
    assert await _rows(way.target, "SELECT p FROM theirs") == [(2,)]


async def test_rows_that_a_rule_of_the_target_swallows_are_missed(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, n text); INSERT INTO p VALUES (1, 'x'), (2, 'y'), (3, 'z')"
    target = """CREATE TABLE p (id int PRIMARY KEY, n text); INSERT INTO p VALUES (1, 'old');
        CREATE RULE swallow AS ON INSERT TO p WHERE new.id = 2 DO INSTEAD NOTHING"""
    document = SAME.replace("    rejects:", "    existing: update\n    rejects:")
    way = await _road(pg16, pg18, make_database, source, target, document)
    with pytest.raises(RowsLostInRelay):
        await way.migrate()


async def test_a_batch_waits_for_the_commit_of_its_predecessor(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, n text); INSERT INTO p VALUES (1, 'x'), (2, 'y')"
    way = await _road(pg16, pg18, make_database, source, "CREATE TABLE p (id int PRIMARY KEY, n text)", SAME)
    await way.migrate()
    await _run(way.target, "DELETE FROM p WHERE id = 2")
    async with connected(way.target) as killed:
        await killed.execute("BEGIN")
        await killed.execute("SELECT pg_advisory_xact_lock(hashtext('crosswalk'), hashtext('public.p'))")
        waiting = asyncio.create_task(way.repair())
        done, _ = await asyncio.wait([waiting], timeout=2)
        assert not done
        await killed.execute("COMMIT")
        await waiting
    assert await _rows(way.target, "SELECT id FROM p ORDER BY 1") == [(1,), (2,)]


async def test_a_row_that_lands_at_last_leaves_quarantine(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = await _road(pg16, pg18, make_database, RANGES.replace("[10,15)", "[3,9)"), APART, SAME)
    await way.migrate()
    await _run(way.target, "UPDATE p SET n = '[100,101)' WHERE id = 1")
    await _run(way.source, "UPDATE p SET n = '[40,41)' WHERE id = 2; UPDATE p SET n = '[1,4)' WHERE id = 1")
    await way.migrate()
    async with connected(way.target) as conn:
        assert not await quarantine(conn)
    assert not findings(await way.verify())


async def test_what_is_expected_and_what_is_found_come_out_even(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    """Rows that the load refused are not expected, and rows from before are not found."""
    source = "CREATE TABLE p (id int PRIMARY KEY, n text); INSERT INTO p SELECT i, 'n' || i FROM generate_series(1, 4) AS i"
    target = (
        "CREATE TABLE p (id int PRIMARY KEY, n text UNIQUE);"
        " INSERT INTO p VALUES (2, 'theirs'), (8, 'n3'), (9, 'n9')"
    )
    for existing, expected, kept in (("update", 3, 2), ("keep", 2, 3)):
        document = SAME.replace("rejects:", f"existing: {existing}\n    rejects:")
        way = await _road(pg16, pg18, make_database, source, target, document)
        await way.migrate()
        verified = await way.verify()
        (table,) = verified.tables
        assert findings(verified) == []
        assert (table.expected, table.found, table.refused, table.kept) == (expected, expected, 1, kept)
        assert verified.rows == expected
        await _run(way.target, "DELETE FROM p WHERE id = 1; INSERT INTO p VALUES (5, 'new'), (6, 'new too')")
        (table,) = (await way.verify()).tables
        missing, extra = table.count("missing"), table.count("extra")
        assert (missing, extra) == (1, 2)
        assert table.expected == table.found + missing - extra == expected
        told = table_proof(table, problem="", stale=0)
        assert (told.expected, told.found) == (table.expected, table.found)
