"""Hybrid where names clash and where the role may not: from the plan to the rollback, or a blocker in the plan."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.plan import Strategy
from crosswalk.planning import make_plans
from crosswalk.rollback import rollback
from tests.road import Road, findings, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole, database_of, sql
from tests.standing import same, standing

LONG = "ж" * 31 + "x"
"""63 bytes."""
SOURCE = f"""
CREATE TABLE people (
    id int PRIMARY KEY, name text NOT NULL, "Name" text, "NAME" text, oid int, twice int, shoe int, "{LONG}" int, "drop" text,
    "a""b" text, legacy_twice int);
INSERT INTO people SELECT i, 'n' || i, 'N', 'A', i, 7, i, i, 'd', 'q', 9 FROM generate_series(1, 9) i;
"""
TARGET = f"""
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, twice int GENERATED ALWAYS AS (id * 2) STORED, "{LONG}" text);
CREATE TABLE kid (shoe text) INHERITS (people);
CREATE VIEW everything AS SELECT * FROM people;
CREATE FUNCTION first_of() RETURNS people LANGUAGE sql AS 'SELECT p FROM people p LIMIT 1';
CREATE TABLE holds (p people);
GRANT SELECT (id) ON people TO pg_monitor;
"""
DOCUMENT = f"""
version: 1
tables:
  people:
    from: people
    key: [id]
    columns: {{id: id, name: name, "{LONG}": {{value: null, why: text here}}}}
    drop: {{Name: a, NAME: b, oid: c, twice: d, shoe: e, "{LONG}": f, drop: g, 'a"b': h, legacy_twice: i}}
ignore: {{target: {{kid: none of ours, holds: none of ours}}}}
"""
ADDED = {
    "Name", "NAME", "oid", "legacy_twice", "legacy_legacy_twice", "legacy_shoe", f"legacy_{'ж' * 28}", "drop", 'a"b',
}


async def test_clashing_names_give_way_and_everything_comes_over(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    before = await standing(pg18, road.target)
    plan = await road.plan("hybrid")
    assert {s.name for s in plan.statements if s.kind == "column"} == ADDED
    assert sums(await road.migrate(plan)) == {"people": (9, 9, 0, 0, 0)}
    assert findings(await road.verify()) == []
    wanted = """SELECT id, name, "Name", "NAME", oid, twice, legacy_shoe, "drop", "a""b" FROM ONLY people WHERE id = 3"""
    assert await rows(road.target, wanted) == [(3, "n3", "N", "A", 3, 6, 3, "d", "q")]
    legacy = f"""SELECT legacy_twice, legacy_legacy_twice, "legacy_{'ж' * 28}" FROM people WHERE id = 3"""
    assert {*(await rows(road.target, legacy))[0]} == {7, 9, 3}
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def _blockers(road: Road, strategy: Strategy) -> tuple[str, ...]:
    planned = await make_plans(road.file, road.servers, sample=False)
    return next(c.blockers for c in planned.file.costs if c.strategy == strategy)


def _feeding(road: Road, column: str) -> Road:
    text = DOCUMENT.replace("name: name, ", f"name: name, {column}: {{value: null, why: a filler}}, ")
    return Road(source=road.source, target=road.target, file=read_text(text))


async def test_what_a_role_may_not_and_what_a_table_cannot_is_said_by_the_plan(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    role, database = road.target.split("//")[1].split(":")[0], database_of(road.target)
    sql(pg18, "ALTER TABLE kid OWNER TO CURRENT_USER", f"GRANT ALL ON kid TO {role}", database=database)
    assert "public.people.Name cannot be added: public.kid belongs to postgres, not to " + role in await _blockers(road, "hybrid")
    sql(pg18, "ALTER TABLE people OWNER TO CURRENT_USER", f"GRANT ALL ON people TO {role}", database=database)
    found = await _blockers(road, "hybrid")
    assert f"public.people.Name cannot be added: public.people belongs to postgres, not to {role}" in found
    assert f"public.people must be archived and belongs to postgres, not to {role}" in await _blockers(road, "recreate")
    sql(pg18, f"ALTER TABLE people OWNER TO {role}", f"ALTER TABLE kid OWNER TO {role}", database=database)
    monkeypatch.setattr("crosswalk.ddl.additions.MOST_COLUMNS", 20)
    add = ", ".join(f"ADD f{i} int" for i in range(10))
    gone = ", ".join(f"DROP f{i}" for i in range(9))  # dropped columns count all the same
    await run(road.target, f"ALTER TABLE people {add}; ALTER TABLE people {gone}")
    assert [b for b in await _blockers(_feeding(road, "f9"), "hybrid") if "would have" in b] == [
        "public.people would have more than 20 columns"
    ]


async def test_a_typed_table_takes_no_column(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    text = DOCUMENT.partition("ignore:")[0].replace(f', "{LONG}": {{value: null, why: text here}}', "")
    target = "CREATE TYPE shape AS (id int, name text); CREATE TABLE people OF shape (PRIMARY KEY (id))"
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, target), text)
    assert "public.people.Name cannot be added: it is a typed table (OF public.shape)" in await _blockers(road, "hybrid")
