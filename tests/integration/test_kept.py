"""Rows that stood in the target before: one that leaves is missed, and its place is free again."""

from __future__ import annotations

import asyncpg

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from tests.road import Road
from tests.servers import MakeDatabase

DOCUMENT = """
version: 1
tables:
  t: {from: t, key: [id], existing: keep, columns: {id: id, a: a}}
"""


async def test_a_kept_row_that_left_is_missed_and_its_source_row_comes(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source, target = make_database(pg16), make_database(pg18)
    for url, rows in ((source, "(1, 'ours'), (2, 'b')"), (target, "(1, 'theirs'), (9, 'y')")):
        connection = await asyncpg.connect(url)
        await connection.execute(f"CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES {rows}")
        await connection.close()
    road = Road(source=source, target=target, file=read_text(DOCUMENT))
    done = await road.migrate()
    assert [(t.loaded, t.merged) for t in done.tallies] == [(1, 1)]
    verified = await road.verify()
    assert verified.clean
    assert verified.tables[0].kept == 2
    connection = await asyncpg.connect(target)
    await connection.execute("DELETE FROM t WHERE id = 1")
    found = await road.verify()
    assert not found.clean
    assert found.tables[0].kept == 1
    mended = await road.repair()
    assert mended.after is not None
    assert mended.after.clean
    assert [tuple(r) for r in await connection.fetch("SELECT * FROM t ORDER BY id")] == [(1, "ours"), (2, "b"), (9, "y")]
    await connection.close()
