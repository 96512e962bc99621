"""What recreate does not carry is named by its plan: types that nothing uses, schemas of which nothing moves."""

from __future__ import annotations

from crosswalk.embedded import Server
from crosswalk.planning import make_plans
from crosswalk.survey import Servers
from tests.road import connected
from tests.servers import MakeDatabase

SOURCE = """
CREATE TYPE brought AS (a int);
ALTER EXTENSION plpgsql ADD TYPE brought;
CREATE SCHEMA later;
CREATE SCHEMA idle;
CREATE SCHEMA kinds;
CREATE TYPE kinds.mood AS ENUM ('good', 'bad');
CREATE TYPE lost AS ENUM ('a');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
CREATE DOMAIN idle.short AS text;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE spans AS RANGE (SUBTYPE = numeric);
CREATE TABLE t (id int PRIMARY KEY, m kinds.mood, s short);
"""


async def test_types_and_schemas_that_stay_behind_are_named(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    servers = Servers(source=make_database(pg16), target=make_database(pg18))
    async with connected(servers.source) as conn:
        await conn.execute(SOURCE)
    planned = await make_plans(None, servers, strategies=["recreate"], sample=False)
    told = planned.file.plans["recreate"].warnings
    types = "idle.short, public.lost, public.pair, public.spans"
    assert f"4 types of the source that nothing of this uses stay behind: {types}" in told
    assert "2 schemas of the source of which nothing moves stay behind: idle, later" in told
    async with connected(servers.source) as conn:
        await conn.execute("DROP SCHEMA later; DROP SCHEMA idle CASCADE; DROP TYPE lost; DROP TYPE pair; DROP TYPE spans")
    planned = await make_plans(None, servers, strategies=["recreate"], sample=False)
    assert not [w for w in planned.file.plans["recreate"].warnings if "stay behind" in w]
