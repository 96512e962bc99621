"""States that blame a row, though PostgreSQL's list of them does not say so: one row goes, the others land."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from tests.road import connected, lay, quarantine, sums
from tests.servers import MakeDatabase, MakeRole

SOURCE = "CREATE TABLE p (id int PRIMARY KEY, n int[]); INSERT INTO p VALUES (1, '{1}'), (2, '{{1,2},{3,4}}'), (3, '{3}')"
RAISES = """
CREATE FUNCTION fits(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
  IF $1 = 2 THEN RAISE EXCEPTION 'no' USING ERRCODE = 'PT402'; END IF; RETURN true; END$$;
CREATE TABLE p (id int PRIMARY KEY CHECK (fits(id)), n int[])
"""
TARGETS = {
    "0A000": "CREATE TABLE p (id int PRIMARY KEY, n int[] CHECK (array_position(n, 9) IS NULL))",
    "0A000 that only the target judges": (
        "CREATE FUNCTION apart(int[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT array_position($1, 9)';"
        " CREATE TABLE p (id int PRIMARY KEY, n int[] CHECK (apart(n) IS NULL))"
    ),
    "PT402": RAISES,
}
DOCUMENT = "version: 1\ntables:\n  p: {from: p, key: [id], rejects: quarantine, columns: {id: id, n: n}}\n"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
async def test_a_state_that_blames_a_row_sets_it_aside(
    target: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, SOURCE), (pg18, target), DOCUMENT)
    assert sums(await way.migrate()) == {"p": (3, 2, 0, 1, 0)}
    async with connected(way.target) as conn:
        assert sum((await quarantine(conn)).values()) == 1
        assert [r["id"] for r in await conn.fetch("SELECT id FROM p ORDER BY id")] == [1, 3]
