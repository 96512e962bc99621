"""Recreating where names meet: sequences that others draw from, several schemas, views that tables need, extensions."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from crosswalk.ddl import difference, recreate
from crosswalk.embedded import Server
from crosswalk.names import Name
from crosswalk.schema import Schema
from tests.ddl import carry_out, facts, read, take_back, unequal
from tests.integration.nasty import run
from tests.servers import MakeDatabase, MakeRole, database_of, sql

ARCHIVE = "archive_20260101"


def public(relation: str) -> Name:
    return Name("public", relation)


def roots(schema: Schema) -> list[Name]:
    return [table.name for table in schema.roots]


@dataclass(frozen=True, kw_only=True)
class Case:
    there: str
    here: str = ""
    why: str = ""
    """The blocker; empty where it can be done."""
    warns: str = ""
    follow: tuple[str, ...] = ()
    """What stays and goes on reading what is archived: the server says its text anew."""


CASES = {
    "an identity's sequence has the name of a preserved table": Case(
        there="CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME kept))",
        here="CREATE TABLE kept (id int)",
        why="the sequence public.kept cannot be made: the target keeps the table public.kept under that name",
    ),
    "an identity's sequence has the name of a preserved table's": Case(
        there="CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME kept_id_seq))",
        here="CREATE TABLE kept (id serial)",
        why="the sequence public.kept_id_seq cannot be made",
    ),
    "a preserved table draws from an equal sequence": Case(
        there="CREATE SEQUENCE s; CREATE TABLE t (id int DEFAULT nextval('s'))",
        here="CREATE SEQUENCE s; CREATE TABLE kept (id int DEFAULT nextval('s'))",
        why="public.kept is preserved and draws from the sequence public.s, from which the source's tables would draw too",
    ),
    "another table draws from an equal sequence": Case(
        there="CREATE SEQUENCE s; CREATE TABLE t (id int DEFAULT nextval('s'))",
        here="CREATE SEQUENCE s; CREATE TABLE other (id int DEFAULT nextval('s'))",
        warns="the sequence public.s stays as it is, and public.other draws from it too",
    ),
    "a preserved table has another domain of that name": Case(
        there="CREATE DOMAIN d AS text CHECK (VALUE <> ''); CREATE TABLE t (d d)",
        here="CREATE DOMAIN d AS text; CREATE TABLE kept (d d)",
        why="the target's type public.d differs from the source's, and public.kept uses it",
    ),
    "a type has the name of a preserved table": Case(
        there="CREATE TYPE kept AS ENUM ('a'); CREATE TABLE t (k kept)", here="CREATE TABLE kept (id int)",
        why="public.kept is preserved in the target, and the source has one of that name",
    ),
    "a table has the name of an enum that a preserved table uses": Case(
        there="CREATE TABLE t (id int)", here="CREATE TYPE t AS ENUM ('a'); CREATE TABLE kept (t t)",
        why="the target's type public.t differs from the source's, and public.kept uses it",
    ),
    "an equal enum is used by both": Case(
        there="CREATE TYPE d AS ENUM ('a'); CREATE TABLE t (d d)", here="CREATE TYPE d AS ENUM ('a'); CREATE TABLE kept (d d)",
    ),
    "an array's type has the name of a table": Case(
        there="CREATE TABLE t (id int); CREATE TABLE _t (id int)", here="CREATE TABLE _t (old int); CREATE TABLE t (old int)",
    ),
    "several schemas, keys across them, a serial owned from elsewhere": Case(
        there="CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id serial PRIMARY KEY); CREATE SEQUENCE b.s;"
              "CREATE TABLE b.t (id int PRIMARY KEY DEFAULT nextval('b.s'), t int REFERENCES a.t);"
              "CREATE TABLE t (t int REFERENCES b.t); ALTER SEQUENCE b.s OWNED BY b.t.id",
        here="CREATE SCHEMA b; CREATE TABLE b.t (id serial PRIMARY KEY); CREATE TABLE t (id serial PRIMARY KEY);"
             "CREATE TABLE kept (id int); CREATE VIEW reader AS SELECT id FROM t",
        follow=("view public.reader",),
    ),
    "comments everywhere, one with quotes and a line break": Case(
        there="CREATE TABLE t (id int PRIMARY KEY); COMMENT ON TABLE t IS E'it''s\\n$$ \\\\ \"t\"';"
              "COMMENT ON COLUMN t.id IS 'ключ'; COMMENT ON INDEX t_pkey IS 'i'; COMMENT ON CONSTRAINT t_pkey ON t IS 'c'",
    ),
    "partitions of partitions whose children have keys and rows of their own": Case(
        there="CREATE TABLE t (id int, k int) PARTITION BY LIST (k);"
              "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1) PARTITION BY RANGE (id);"
              "CREATE TABLE t11 PARTITION OF t1 (PRIMARY KEY (id)) DEFAULT; CREATE TABLE p (a int);"
              "CREATE TABLE c (b int) INHERITS (p)",
        here="CREATE TABLE t1 (x int); CREATE TABLE kept (id int)",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_names_that_meet(case: Case, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> None:
    owner = make_role(pg18)
    one, two = make_database(pg18), make_database(pg18, owner=owner)
    sql(pg18, f"GRANT CREATE ON SCHEMA public TO {owner.name}", database=database_of(two))
    await run(one, case.there)
    if case.here:
        await run(two, case.here)
    source, before = await read(one), await read(two)
    kept = [public("kept")] if public("kept") in before.tables else []
    made = recreate(source, before, tables=roots(source), preserved=kept, archive=ARCHIVE)
    if case.why:
        assert [b for b in made.blockers if b.startswith(case.why)], made.blockers
        return
    assert [w for w in made.warnings if case.warns in w], made.warnings or "no warning"
    await carry_out(two, made)
    now = await read(two)
    assert difference(source, now, roots(source)) == []
    told, found = (
        {k: v for k, v in facts(s).items() if "archive_" not in k and k not in case.follow} for s in (made.projected, now)
    )
    assert unequal(told, found) == {}
    said, there = ({(n.thing, n.part, n.on) for n in s.needs if "archive" not in str(n)} for s in (made.projected, now))
    assert not case.follow or said >= there
    assert case.follow or said == there
    assert unequal(facts(before, only=kept), facts(now, only=kept)) == {}
    await take_back(two, made.statements)
    assert unequal(facts(before), facts(await read(two))) == {}


async def test_a_materialized_view_that_a_table_needs_is_filled_when_the_rows_are_there(
    pg18: Server, make_database: MakeDatabase
) -> None:
    one, two = make_database(pg18), make_database(pg18)
    await run(
        one,
        "CREATE TABLE t (id int PRIMARY KEY); CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM t;"
        "CREATE UNIQUE INDEX one ON counted (n);"
        "CREATE FUNCTION many() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT n FROM counted; END;"
        "CREATE TABLE u (id int PRIMARY KEY, had bigint DEFAULT many());"
        "CREATE MATERIALIZED VIEW apart AS SELECT 1 AS n FROM t WITH NO DATA;"
        "CREATE MATERIALIZED VIEW a_further AS SELECT many() + count(*) AS n FROM u;"
        "INSERT INTO t SELECT generate_series(1, 3)",
    )
    source, before = await read(one), await read(two)
    made = recreate(source, before, tables=roots(source), preserved=[], archive=ARCHIVE)
    await carry_out(two, made, complete=False)
    await run(two, "INSERT INTO t SELECT generate_series(1, 3); INSERT INTO u VALUES (1, 3)")
    later = [s for s in made.statements if s.phase == "complete"]
    await run(two, *(s.sql for s in later))
    assert sql(pg18, "SELECT a.n, b.n FROM counted a, a_further b", database=database_of(two)) == "3|4"
    now = await read(two)
    assert difference(source, now, roots(source)) == []
    assert {name.relation: table.populated for name, table in now.tables.items() if name in now.views} == {
        "counted": True, "a_further": True, "apart": False
    }
    await take_back(two, made.statements)
    assert unequal(facts(before), facts(await read(two))) == {}


async def test_extensions_come_with_what_they_require_and_for_the_operators_of_an_exclusion(
    pg15: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    owner = make_role(pg15)
    one, two = make_database(pg15), make_database(pg15, owner=owner)
    sql(pg15, f"GRANT CREATE ON SCHEMA public TO {owner.name}", database=database_of(two))
    await run(
        one, "CREATE EXTENSION btree_gist; CREATE EXTENSION citext; CREATE SCHEMA geo; CREATE EXTENSION cube SCHEMA geo;"
        "SET search_path = public, geo; CREATE EXTENSION earthdistance;"
        "CREATE TABLE t (room int, during int4range, name citext, EXCLUDE USING gist (room WITH =, during WITH &&));"
        "CREATE TABLE places (at earth)",
    )
    source, before = await read(one), await read(two)
    made = recreate(source, before, tables=roots(source), preserved=[], archive=ARCHIVE)
    assert made.blockers == (
        "the extension earthdistance is needed; only a superuser may create it (CREATE EXTENSION earthdistance)",
    )
    two = pg15.url(database_of(two))
    made = recreate(source, await read(two), tables=roots(source), preserved=[], archive=ARCHIVE)
    assert [s.name for s in made.statements if s.sql.startswith("CREATE EXTENSION")] == [
        "btree_gist", "citext", "cube", "earthdistance"  # which requires cube
    ]
    await carry_out(two, made)
    assert difference(source, await read(two), roots(source)) == []
    await take_back(two, made.statements)
    assert (await read(two)).extensions == before.extensions
