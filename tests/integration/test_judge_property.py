"""The judge sets aside what PostgreSQL would refuse, were the rows inserted one by one in the order of their keys."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.embedded import Server
from crosswalk.mapping import MappingFile, read_text
from crosswalk.survey import Servers
from tests.judged import announced
from tests.road import Connection, connected, run
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE parent (id int PRIMARY KEY, name text);
INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'too long');
CREATE TABLE child (id int PRIMARY KEY, a int, b int, c text, live bool, lo int, width int, up int);
"""
TARGET = """
CREATE TABLE parent (id int PRIMARY KEY, name varchar(3));
CREATE TABLE child (id int PRIMARY KEY, a int UNIQUE, b int, c text, live bool, span int4range,
 up int REFERENCES parent, UNIQUE NULLS NOT DISTINCT (b, up), EXCLUDE USING gist (span WITH &&) WHERE (live));
CREATE UNIQUE INDEX ON child (lower(c)) WHERE live;
CREATE TABLE one_by_one (LIKE child INCLUDING ALL);
ALTER TABLE one_by_one ADD CHECK (up IN (1, 2));
"""
DOCUMENT = """
version: 1
tables:
  parent: {from: parent, key: [id], rejects: quarantine, columns: {id: id, name: name}}
  child:
    from: child
    key: [id]
    rejects: quarantine
    columns: {id: id, a: a, b: b, c: c, live: live, span: {sql: "int4range(lo, lo + width)"}, up: up}
    drop: {lo: it is in span, width: it is in span}
ignore: {target: {one_by_one: a copy for the test}}
"""
_small = st.none() | st.integers(1, 4)
_row = st.tuples(
    _small, _small, st.none() | st.sampled_from(["x", "X", "y"]), st.booleans(), st.integers(1, 9), st.integers(0, 4),
    st.none() | st.integers(1, 4),
)  # fmt: skip


async def _refused(source: str, target: str, rows: list[tuple[Any, ...]]) -> set[str]:
    """Which rows PostgreSQL refuses, one after the other."""
    await run(source, "TRUNCATE child")
    async with connected(source) as conn:
        numbered = [(i, *r) for i, r in enumerate(rows)]
        await conn.executemany("INSERT INTO child VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", numbered)
    async with connected(target) as conn:
        return await _one_by_one(conn, rows)


async def _one_by_one(conn: Connection, rows: list[tuple[Any, ...]]) -> set[str]:
    await conn.execute("TRUNCATE one_by_one")
    gone = set()
    for i, (a, b, c, live, lo, width, up) in enumerate(rows):
        try:
            await conn.execute(
                "INSERT INTO one_by_one (id, a, b, c, live, span, up)"
                " VALUES ($1, $2, $3, $4, $5, int4range($6::int4, $6::int4 + $7::int4), $8)",
                i, a, b, c, live, lo, width, up,
            )  # fmt: skip
        except asyncpg.IntegrityConstraintViolationError:
            gone.add(f'["{i}"]')
    return gone


async def _compare(file: MappingFile, source: str, target: str, rows: list[tuple[Any, ...]]) -> None:
    refused = await _refused(source, target, rows)
    said = await announced(file, Servers(source=source, target=target))
    assert said.get("public.child", set()) == refused
    assert said["public.parent"] == {'["3"]'}


def test_what_is_set_aside_is_what_postgresql_would_refuse(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    """Unique (plain, partial, by expression, NULLs alike), exclusion with a predicate, and a foreign key at once."""
    source, target = make_database(pg18), make_database(pg16)
    asyncio.run(run(source, SOURCE))
    asyncio.run(run(target, TARGET))
    file = read_text(DOCUMENT)

    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(_row, min_size=2, max_size=14))
    def each(rows: list[tuple[Any, ...]]) -> None:
        asyncio.run(_compare(file, source, target, rows))

    each()
