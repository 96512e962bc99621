"""Adding columns on real servers: nothing is rewritten, the types come along, the way back leaves nothing."""

from __future__ import annotations

from crosswalk.ddl import Addition, add_columns
from crosswalk.embedded import Server
from crosswalk.fingerprint import fingerprint
from crosswalk.names import Name
from crosswalk.plan import Hazard
from tests.ddl import carry_out, facts, read, take_back, unequal
from tests.integration.nasty import LONG, SELECT, nasty, run
from tests.servers import MakeDatabase, MakeTemplate, database_of, sql

_TARGET = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'Ünïcode', '[bold]happy');
CREATE TABLE plain (id integer PRIMARY KEY);
CREATE TABLE tree (id integer, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE tree_1_1 PARTITION OF tree_1 DEFAULT;
CREATE TABLE parent (a integer);
CREATE TABLE child (b integer, "now there" integer) INHERITS (parent);
INSERT INTO plain SELECT generate_series(1, 100);
CREATE VIEW reader AS SELECT * FROM plain;
"""


def public(relation: str) -> Name:
    return Name("public", relation)


async def test_columns_of_every_type_are_added_without_a_rewrite_and_taken_away(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    source = await read(nasty(pg16, template, make_database))
    url = make_database(pg18)
    await run(url, _TARGET)
    target = await read(url)
    table = source.tables[SELECT]
    additions = [
        Addition(table=public(onto), name=name if name != LONG else LONG[::-1], column=column)
        for onto in ("plain", "tree", "parent") for name, column in ((c.name, c) for c in table.columns)
    ]
    file = "SELECT pg_relation_filenode('plain')"
    before = sql(pg18, file, database=database_of(url))
    made = add_columns(source, target, additions)
    await carry_out(url, made)
    now = await read(url)
    assert sql(pg18, file, database=database_of(url)) == before
    assert fingerprint(made.projected, now.tables) == fingerprint(now, now.tables)
    assert unequal(facts(made.projected), facts(now)) == {}
    assert {s.hazard for s in made.statements if s.kind == "column"} == {Hazard.ADDS_COLUMNS}
    added = {c.name: str(c.type) for c in now.tables[public("plain")].columns}
    # domains that check something give way to what they stand on, the others come along
    assert (added["grade"], added["code"], added["labels"]) == ("integer", "public.code", "public.tags")
    assert any("public.plain.grade is added as integer" in w for w in made.warnings)
    assert not any(c.not_null or c.default or c.identity for c in now.tables[public("plain")].columns[1:])
    await take_back(url, made.statements)
    assert unequal(facts(target), facts(await read(url))) == {}


async def test_what_cannot_be_added_is_said_beforehand(pg18: Server, make_database: MakeDatabase) -> None:
    one, two = make_database(pg18), make_database(pg18)
    await run(one, "CREATE TYPE mood AS ENUM ('other'); CREATE TABLE t (m mood, n integer)")
    await run(two, _TARGET)
    source, target = await read(one), await read(two)
    mood, n = source.tables[public("t")].columns
    made = add_columns(source, target, [
        Addition(table=public("plain"), name="m", column=mood),
        Addition(table=public("plain"), name="id", column=n),
        Addition(table=public("plain"), name="x", column=n),
        Addition(table=public("plain"), name="x", column=n),
        Addition(table=public("parent"), name="now there", column=n),
        Addition(table=public("tree_1"), name="y", column=n),
        Addition(table=public("reader"), name="y", column=n),
        Addition(table=public("nowhere"), name="y", column=n),
        Addition(table=public("plain"), name="ю" * 32, column=n),
    ])
    assert made.blockers == (
        "the target's type public.mood differs from the source's",
        "the type public.mood cannot be made: the target keeps the type public.mood under that name",
        "public.plain.id is there already",
        "public.plain.x is there already",
        "public.parent.now there is there already",
        "public.tree_1 is a partition: columns are added to public.tree",
        "public.reader is no table of the target that columns can be added to",
        "public.nowhere is no table of the target that columns can be added to",
        f"public.plain.{'ю' * 32} is no possible name: one has 1 to 63 bytes",
    )


async def test_a_type_of_an_extension_needs_the_extension(pg16: Server, make_database: MakeDatabase) -> None:
    one, two = make_database(pg16), make_database(pg16)
    await run(one, "CREATE EXTENSION vector; CREATE TABLE t (v vector(3), n integer)")
    await run(two, "CREATE TABLE plain ()")
    source, target = await read(one), await read(two)
    v = source.tables[public("t")].columns[0]
    made = add_columns(source, target, [Addition(table=public("plain"), name="v", column=v)])
    assert [s.sql for s in made.statements] == [
        'CREATE EXTENSION "vector" SCHEMA "public"', 'ALTER TABLE "public"."plain" ADD COLUMN "v" public.vector(3)',
    ]
    await carry_out(two, made)
    assert unequal(facts(made.projected), facts(await read(two))) == {}
    await take_back(two, made.statements)
    assert unequal(facts(target), facts(await read(two))) == {}


async def test_a_collation_comes_along_and_a_row_type_does_not(pg18: Server, make_database: MakeDatabase) -> None:
    one, two, three = make_database(pg18), make_database(pg18), make_database(pg18)
    coll = "CREATE COLLATION sorted (locale = '{}')"
    await run(one, coll.format("C"), "CREATE TABLE other (a integer)",
              "CREATE TABLE t (name text COLLATE sorted, o other, os other[])")
    await run(two, "CREATE TABLE plain (id integer)")
    await run(three, "CREATE TABLE plain (id integer)", coll.format("POSIX"))
    source, target = await read(one), await read(two)
    name, *rows = source.tables[public("t")].columns
    made = add_columns(source, target, [Addition(table=public("plain"), name="name", column=name)])
    await carry_out(two, made)
    now = await read(two)
    assert now.tables[public("plain")].columns[1].collation == "public.sorted"
    assert unequal(facts(made.projected), facts(now)) == {}
    again = add_columns(source, now, [Addition(table=public("plain"), name="again", column=name)])
    assert [s.kind for s in again.statements] == ["column"]
    await take_back(two, made.statements)
    assert unequal(facts(target), facts(await read(two))) == {}
    other = add_columns(source, await read(three), [Addition(table=public("plain"), name="name", column=name)])
    assert "the target's collation public.sorted differs from the source's" in other.blockers
    made = add_columns(source, target, [Addition(table=public("plain"), name=c.name, column=c) for c in rows])
    assert made.blockers == (
        "public.plain.o has the row type of public.other, which is no type of its own",
        "public.plain.os has the row type of public.other, which is no type of its own",
    )
