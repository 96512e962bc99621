"""A target whose server is older than the source's: what it cannot do is told by the plan, not by the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosswalk.board import look, weigh
from crosswalk.embedded import Server
from crosswalk.errors import StatementFailed, StrategyImpossible
from crosswalk.planning import make_plans
from crosswalk.rollback import rollback
from crosswalk.survey import Servers
from tests.road import Road, connected, decision
from tests.servers import MakeDatabase

NEWER = """
CREATE DOMAIN token AS text CHECK (casefold(VALUE) = VALUE);
CREATE TABLE ch (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    note text DEFAULT 'uuidv7() of old',
    t token,
    sum int CHECK (crc32('x'::bytea) > sum)
);
CREATE VIEW newest AS SELECT max(uuid_extract_timestamp(id)) FROM ch;
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.id := uuidv7(); RETURN NEW; END$$;
CREATE TRIGGER stamped BEFORE INSERT ON ch FOR EACH ROW EXECUTE FUNCTION stamped();
"""


async def test_functions_that_an_older_target_lacks_are_found_by_the_plan(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    servers = Servers(source=make_database(pg18), target=make_database(pg16))
    async with connected(servers.source) as conn:
        await conn.execute(NEWER)
    with pytest.raises(StrategyImpossible) as refused:
        await make_plans(None, servers, strategies=["recreate"], sample=False)
    said = str(refused.value)
    for what, name in (
        ("public.ch.id: its default", "uuidv7"),
        ("the domain public.token", "casefold"),
        ("public.ch: the constraint ch_sum_check", "crc32"),
        ("public.newest: its query", "uuid_extract_timestamp"),
    ):
        assert f"{what} calls {name}(), a function that the target's server (PostgreSQL 16) does not have" in said
    assert "note" not in said


async def test_functions_that_only_a_body_calls_are_told(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    servers = Servers(source=make_database(pg18), target=make_database(pg16))
    async with connected(servers.source) as conn:
        await conn.execute(NEWER.replace("DEFAULT uuidv7()", "").replace("crc32('x'::bytea) > sum", "sum > 0"))
        await conn.execute("DROP VIEW newest; ALTER TABLE ch DROP COLUMN t; DROP DOMAIN token")
    planned = await make_plans(None, servers, strategies=["recreate"], sample=False)
    told = "the function public.stamped seems to call uuidv7(), which the target's server does not have"
    assert told in planned.file.plans["recreate"].warnings


async def test_after_a_statement_that_cannot_succeed_the_way_goes_back(
    pg16: Server, pg18: Server, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """An overload of a function that the older server has under that name: only the statement itself tells."""
    servers = Servers(source=make_database(pg18), target=make_database(pg16))
    async with connected(servers.source) as conn:
        await conn.execute("CREATE TABLE ch (id int PRIMARY KEY, n int DEFAULT random(1, 6)); INSERT INTO ch VALUES (1)")
    planned = await make_plans(None, servers, strategies=["recreate"], sample=False)
    plan = planned.file.plans["recreate"].model_copy(update={"decision": decision("recreate")})
    way = Road(source=servers.source, target=servers.target, file=plan.mapping())
    with pytest.raises(StatementFailed, match=r"of the plan \(public\.ch\): 42883"):
        await way.migrate(plan)
    board = weigh(await look(way.source, way.target, document=tmp_path / "none", plan=tmp_path / "neither"))
    assert board.next == "crosswalk rollback"
    assert "42883" in board.because
    await rollback(servers.target)
    async with connected(servers.target) as conn:
        assert await conn.fetchval("SELECT to_regclass('public.ch')") is None
