"""What stands in the way of a plan is told at once, not one obstacle after the other."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import StrategyImpossible, TableNotEmpty
from crosswalk.mapping import read_text
from crosswalk.planning import make_plans
from crosswalk.survey import Servers
from tests.road import Road, connected
from tests.servers import MakeDatabase

HEIRS = """
CREATE TABLE p (id int PRIMARY KEY, n text);
CREATE TABLE c (x int, PRIMARY KEY (id)) INHERITS (p);
INSERT INTO c VALUES (1, 'a', 2);
"""
TWO = """
version: 1
tables:
  p: {from: p, key: [id], source_key: [id], columns: {id: id, n: n}}
  c: {from: c, key: [id], columns: {id: id, n: n, x: x}}
"""
IGNORED = """
version: 1
tables:
  c: {from: c, key: [id], columns: {id: id, n: n, x: x}}
ignore:
  source: {p: no row of its own}
  target: {p: no row of its own}
"""


async def _run(url: str, text: str) -> None:
    async with connected(url) as conn:
        await conn.execute(text)


async def test_obstacles_of_all_kinds_come_together(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    servers = Servers(source=make_database(pg18), target=make_database(pg16))
    await _run(servers.source, HEIRS)
    await _run(servers.source, "CREATE TABLE odd (\"cw$x\" int); CREATE TABLE young (id uuid DEFAULT uuidv7())")
    with pytest.raises(StrategyImpossible) as refused:
        await make_plans(None, servers, strategies=["recreate"], sample=False)
    said = str(refused.value)
    for obstacle in (
        "public.p has heirs (public.c): whoever reads it reads their rows too",
        "public.young.id: its default calls uuidv7()",
        "the source column public.odd.cw$x begins with cw$",
    ):
        assert said.count(obstacle) == 1, said
    assert "rule for" not in said


async def test_a_parent_of_heirs_is_refused_with_ways_out_and_these_work(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = Road(source=make_database(pg16), target=make_database(pg18), file=read_text(TWO))
    await _run(way.source, HEIRS)
    await _run(way.target, HEIRS.partition("INSERT")[0])
    with pytest.raises(StrategyImpossible, match=r"Name it under `ignore` if .* with a `source_key`"):
        await way.plan("recreate")
    assert (await way.plan("transform")).order
    ignored = Road(source=way.source, target=way.target, file=read_text(IGNORED))
    await ignored.migrate(await ignored.plan("recreate"))
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT array_agg(tableoid::regclass::text) FROM p") == ["c"]


async def test_tables_that_hold_rows_are_named_together(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    document = "version: 1\ntables:\n" + "".join(f"  {t}: {{from: {t}, key: [id], columns: {{id: id}}}}\n" for t in "abc")
    way = Road(source=make_database(pg16), target=make_database(pg18), file=read_text(document))
    for url in (way.source, way.target):
        await _run(url, "; ".join(f"CREATE TABLE {table} (id int PRIMARY KEY)" for table in "abc"))
    await _run(way.target, "INSERT INTO a VALUES (1); INSERT INTO c VALUES (1), (2)")
    with pytest.raises(TableNotEmpty, match=r"public\.a holds 1 row .*, and so do others: public\.c \(2 rows\)\."):
        await way.plan()
