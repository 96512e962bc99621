"""The timed sample: what it may not do on a live target, and that a plan never fails for want of it."""

from __future__ import annotations

import pytest

from crosswalk import timing
from crosswalk.embedded import Server
from crosswalk.plan import Cost, Strategy
from crosswalk.planning import Planned, make_plans
from tests.road import Road, lay, rows, run
from tests.servers import MakeDatabase, MakeRole, database_of, sql

SOURCE = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN grade AS mood CHECK (VALUE IS NOT NULL);
CREATE TYPE place AS (x numeric(4,1), m mood);
CREATE TABLE people (
    id int PRIMARY KEY, m mood, g grade, ms mood[], at place, doc text,
    twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO people SELECT i, 'happy', 'sad', '{sad,happy}', '(1.5,sad)', repeat('x', 10000) FROM generate_series(1, 60) i;
CREATE TABLE nobody (id int PRIMARY KEY);
"""
TARGET = "CREATE TABLE people (id int PRIMARY KEY, m text, doc text); CREATE TABLE nobody (id int PRIMARY KEY);"
DOCUMENT = """
version: 1
tables:
  people:
    from: people
    key: [id]
    columns: {id: id, m: m, doc: doc}
    drop: {g: a grade, ms: moods, at: a place, twice: computed}
  nobody: {from: nobody, key: [id], columns: {id: id}}
"""
SLOW = DOCUMENT.replace("doc: doc}", "doc: {sql: slow(doc)}}")
SLEEPER = """
CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN $1; END';
INSERT INTO nobody VALUES (1);
"""


async def _costs(way: Road, planned: Planned | None = None) -> tuple[dict[Strategy, Cost], str]:
    planned = planned or await make_plans(way.file, way.servers)
    warnings = [w for plan in planned.file.plans.values() for w in plan.warnings]
    return {c.strategy: c for c in planned.file.costs}, "\n".join(warnings)


async def test_types_that_the_target_has_yet_to_be_given_are_timed_and_empty_tables_cost_nothing(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    limits: list[int] = []
    plain = timing._relayed

    async def noting(*given: object) -> float:
        limits.append(int(str(given[-1])))
        return await plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(timing, "_relayed", noting)
    monkeypatch.setattr(timing, "SAMPLE_BYTES", 1)
    await run(way.source, "ANALYZE")
    costs, warnings = await _costs(way)
    assert [(c.possible, c.measured, c.blockers) for c in costs.values()] == [(True, True, ())] * 3
    assert "was not measured" not in warnings
    assert limits == [1] * 6  # bounded by bytes: one row, twice for each strategy


async def test_without_the_right_to_make_temporary_tables_a_time_is_a_guess_and_says_so(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    database = database_of(way.target)
    role = way.target.split("//")[1].split(":")[0]
    sql(pg18, f'ALTER DATABASE "{database}" OWNER TO CURRENT_USER', f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC, {role}')
    sql(pg18, f'GRANT CREATE ON DATABASE "{database}" TO {role}')
    sql(pg18, f"GRANT CREATE ON SCHEMA public TO {role}", database=database)
    costs, warnings = await _costs(way)
    assert all(c.possible and not c.measured and c.seconds > 0 for c in costs.values())
    assert "the time of public.people was not measured: " in warnings
    assert "temporary tables" in warnings


async def test_a_sample_that_takes_too_long_is_given_up_and_the_rest_is_timed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await lay(make_database, make_role, (pg16, SOURCE + SLEEPER), (pg18, TARGET), SLOW)
    monkeypatch.setattr(timing, "SLOWEST", 1)
    costs, warnings = await _costs(way, await make_plans(way.file, way.servers, strategies=("transform",)))
    assert costs["transform"].measured
    assert "the time of public.people was not measured: " in warnings
    assert await rows(way.target, "SELECT count(*) FROM people") == [(0,)]


@pytest.mark.parametrize(
    ("size", "count", "limit"),
    [(0, 5, timing.SAMPLE), (2**20, 10**6, timing.SAMPLE), (2**40, 10, 1), (480 * 2**20, 1000, 100)],
)
def test_a_sample_holds_so_many_rows(size: int, count: int, limit: int) -> None:
    assert timing._limit(size, count) == limit
