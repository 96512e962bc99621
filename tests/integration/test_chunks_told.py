"""Chunks as they are cut and told: a size that was asked for, and what a run that goes on says of those that had landed."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit
from crosswalk.mapping import read_text
from crosswalk.migration import resume
from crosswalk.names import Name
from crosswalk.progress import Silent
from tests.road import Road, connected
from tests.servers import MakeDatabase

NODES = """
CREATE TABLE node (code text PRIMARY KEY, parent text, pad text);
INSERT INTO node SELECT 'n' || i, CASE WHEN i > 1 THEN 'n' || (i * 7 % 300 + 1) END, repeat('x', 900)
FROM generate_series(1, 300) AS i;
"""
TREE = """
CREATE TABLE node (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE, parent_id bigint REFERENCES node)
"""
DOCUMENT = """
version: 1
tables:
  node:
    from: node
    key: [code]
    columns: {code: code, parent_id: {lookup: {table: node, match: {code: parent}, take: id, missing: "null"}}}
    drop: {pad: not wanted}
"""
KEYLESS = """
version: 1
tables:
  heap: {from: heap, key: [], columns: {a: a, pad: pad}}
"""


class Told(Silent):
    """Which chunks were told of a table as it began."""

    def __init__(self) -> None:
        self.tables: list[tuple[int, int]] = []

    def table(self, name: Name, chunks: int, landed: int) -> None:
        self.tables.append((chunks, landed))


async def _road(pg16: Server, pg18: Server, make: MakeDatabase, source: str, target: str, document: str) -> Road:
    way = Road(source=make(pg16), target=make(pg18), file=read_text(document))
    for url, text in ((way.source, source), (way.target, target)):
        async with connected(url) as conn:
            await conn.execute(text)
    return way


async def test_a_second_passage_does_not_count_among_the_chunks_that_landed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await _road(pg16, pg18, make_database, NODES, TREE, DOCUMENT)
    monkeypatch.setenv("CROSSWALK_FAILPOINTS", "run.before_finish=error")
    with pytest.raises(FailpointHit):
        await way.migrate(chunk_bytes=64 * 1024)
    monkeypatch.delenv("CROSSWALK_FAILPOINTS")
    async with connected(way.target) as conn:
        planned = await conn.fetchval("SELECT count(*) FROM crosswalk.chunk_plan")
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.chunk") > planned > 2
    told = Told()
    await resume(way.servers, observer=told)
    assert told.tables == [(planned, planned)]


async def test_a_table_without_keys_is_cut_by_the_size_that_was_asked_for(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    rows = "INSERT INTO heap SELECT i, repeat('x', 950) FROM generate_series(1, 7000) AS i"
    table = "CREATE TABLE heap (a int, pad text)"
    way = await _road(pg16, pg18, make_database, f"{table}; {rows}", table, KEYLESS)
    await way.migrate(chunk_bytes=1024 * 1024)
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.chunk WHERE rows > 0") > 5
        assert await conn.fetchval("SELECT count(*) FROM heap") == 7000
