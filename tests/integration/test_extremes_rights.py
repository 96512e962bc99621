"""Roles that may too little, databases that hold nothing, two runs at once: a clear word, and nothing half done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from crosswalk import quarantined
from crosswalk.doctor import Finding, Severity, examine
from crosswalk.embedded import Server
from crosswalk.errors import (
    AlreadyRunning,
    CannotConnect,
    ColumnsUnreadable,
    LoginRefused,
    MissingPrivilege,
    NothingMatches,
    RightsMissing,
)
from crosswalk.matching import match
from crosswalk.rollback import rollback
from crosswalk.survey import both, read_both
from tests.extremes import as_reader, as_writer, tables_of
from tests.road import Road, connected, findings, lay, road, run, sums
from tests.servers import MakeDatabase, MakeRole, database_of, sql

ROWS = "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'a' || i FROM generate_series(1, 10) i;"
EMPTY = "CREATE TABLE t (id int PRIMARY KEY, a text);"
DOCUMENT = "version: 1\ntables:\n  t: {from: t, key: [id], columns: {id: id, a: a}}\n"
SWALLOW = """
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION swallow();
"""
ALL = "GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {role}"
CREATE = "GRANT CREATE ON DATABASE {database} TO {role}"


async def blockers(way: Road) -> dict[str, Finding]:
    async with both(way.servers, purpose="test") as (source, target):
        found = await examine(source, target, *await read_both(source, target))
    return {f.id: f for f in found if f.severity is Severity.BLOCKER}


async def test_a_role_that_may_read_some_columns_only(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text); INSERT INTO t VALUES (1, 'a', 'b', 'c')"
    document = DOCUMENT.replace("a: a}", "a: a}, drop: {b: {why: a secret, secret: true}, c: no}")
    laid = await lay(make_database, make_role, (pg16, source), (pg18, EMPTY), document)
    way = as_reader(laid, pg16, make_role, grants=("GRANT SELECT (id, a) ON t TO {role}",))
    before = tables_of(pg18, way.target)
    for verb in (way.check(), way.plan()):
        with pytest.raises(ColumnsUnreadable, match=r'of public\.t only: permission denied for b, c') as told:
            await verb
        assert "view" in told.value.advice
    # The way out that the remedy names: the table's owner shows what may be seen.
    [reader] = re.findall(r"//(\w+):", way.source)
    await run(laid.source, f"CREATE VIEW shown AS SELECT id, a FROM t; GRANT SELECT ON shown TO {reader}")
    shown = DOCUMENT.replace("from: t, ", "from: shown, source_key: [id], ") + "ignore: {source: {t: by its view}}"
    seen = road(way.source, way.target, shown)
    assert tables_of(pg18, way.target) == before
    assert sums(await seen.migrate()) == {"t": (1, 1, 0, 0, 0)}
    assert findings(await seen.verify()) == []


async def test_a_schema_that_may_not_be_used_and_a_table_that_may_not_be_read(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, a text)"
    laid = await lay(make_database, make_role, (pg16, source), (pg18, EMPTY), DOCUMENT.replace("from: t", "from: s.t"))
    for grant, said in (
        ("GRANT SELECT ON s.t TO {role}", r"no SELECT on s\.t, or no USAGE on the schema s"),
        ("GRANT USAGE ON SCHEMA s TO {role}", r"no SELECT on s\.t"),
    ):
        way = as_reader(laid, pg16, make_role, grants=(grant,))
        for verb in (way.check(), way.plan()):
            with pytest.raises(MissingPrivilege, match=said):
                await verb
        assert "source.privileges.select" in await blockers(way)


LACKING = {
    "no ledger": (EMPTY, (ALL,), "no CREATE on the database", "GRANT CREATE ON DATABASE", "target.privileges.ledger"),
    "no rows": (EMPTY, (CREATE, "GRANT SELECT, INSERT ON t TO {role}"), "no UPDATE, DELETE on public.t",
                'GRANT UPDATE, DELETE ON "public"."t" TO', "target.privileges.write"),
    "no trigger": (EMPTY + SWALLOW, (CREATE, ALL), "only the owner of public.t may switch its trigger swallow off",
                   "GRANT ", "target.privileges.owner"),
    "no sequence": (EMPTY + "CREATE SEQUENCE q OWNED BY t.id", (CREATE, ALL, "GRANT USAGE ON q TO {role}"),
                    "no SELECT and UPDATE on the sequence public.q", 'ON SEQUENCE "public"."q"',
                    "target.privileges.sequences"),
}  # fmt: skip


@pytest.mark.parametrize("name", LACKING)
async def test_what_a_run_needs_is_asked_before_its_first_write(
    name: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    target, grants, said, fix, finding = LACKING[name]
    laid = await lay(make_database, make_role, (pg16, ROWS), (pg18, target), DOCUMENT)
    plan = await laid.plan()
    way = as_writer(laid, pg18, make_role, *grants)
    before = tables_of(pg18, way.target)
    with pytest.raises(RightsMissing, match=re.escape(said)) as told:
        await way.migrate(plan)
    assert fix in told.value.advice
    assert tables_of(pg18, way.target) == before
    assert finding in await blockers(way)


async def test_the_grants_that_the_error_names_heal(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    target = EMPTY + SWALLOW + "CREATE SEQUENCE q OWNED BY t.id"
    laid = await lay(make_database, make_role, (pg16, ROWS), (pg18, target), DOCUMENT)
    plan = await laid.plan()
    way = as_writer(laid, pg18, make_role, "GRANT SELECT ON t TO {role}")
    with pytest.raises(RightsMissing) as told:
        await way.migrate(plan)
    statements = re.findall(r"GRANT [^;]+;", told.value.advice)
    assert len(statements) == 4
    sql(pg18, *statements, database=database_of(way.target))
    assert sums(await way.migrate(plan)) == {"t": (10, 10, 0, 0, 0)}
    assert findings(await way.verify()) == []


async def test_empty_databases(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    for source, target, side in ((ROWS, "SELECT 1", "target"), ("SELECT 1", EMPTY, "source")):
        way = await lay(make_database, make_role, (pg16, source), (pg18, target), DOCUMENT)
        [problem] = (await way.check()).problems
        assert f"The {side} has no table public.t" in problem.message
        with pytest.raises(NothingMatches):
            await match(way.servers)
        assert await blockers(way) == {}


async def test_logins_that_fail_name_the_side_and_no_password(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await lay(make_database, make_role, (pg16, ROWS), (pg18, EMPTY), DOCUMENT)
    [password] = re.findall(r":([0-9a-f]{16})@", way.target)
    plan = await way.plan()
    for url, kind in (
        (way.target.replace(password, "wr0ng-w0rd"), LoginRefused),
        (way.target.rpartition("/")[0] + "/no_such_database", LoginRefused),
        (re.sub(r":\d+/", ":1/", way.target), CannotConnect),
    ):
        with pytest.raises(kind, match="target server") as told:
            await replace(way, target=url).migrate(plan)
        assert password not in str(told.value) + told.value.advice
        assert "wr0ng" not in str(told.value) + told.value.advice


async def test_a_second_run_of_any_kind_is_refused_and_the_first_is_named(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Also for a second role that may act as the owner; one that may not cannot even read the ledger."""
    way = await lay(make_database, make_role, (pg16, ROWS), (pg18, EMPTY), DOCUMENT)
    plan = await way.plan()
    [owner] = re.findall(r"//(\w+):", way.target)
    member = as_writer(way, pg18, make_role, f"GRANT {owner} TO {{role}}")
    stranger = as_writer(way, pg18, make_role, CREATE, ALL)
    async with connected(way.target) as conn:
        await conn.execute("BEGIN; LOCK TABLE t IN EXCLUSIVE MODE")
        first = asyncio.create_task(way.migrate(plan))
        await _holding(pg18, way.target)
        for other in (way, member):
            for verb in _verbs(other):
                with pytest.raises(AlreadyRunning, match=r"pid \d+ \(crosswalk/.* migrate\)"):
                    await verb
        with pytest.raises(MissingPrivilege, match="schema crosswalk"):
            await stranger.migrate(plan)
        assert "belongs to another role" in (await blockers(stranger))["target.privileges.ledger"].title
        await conn.execute("ROLLBACK")
        assert sums(await first) == {"t": (10, 10, 0, 0, 0)}
    assert findings(await member.verify()) == []


def _verbs(way: Road) -> list[Awaitable[object]]:
    return [
        _planned(way), way.resume(), way.repair(), rollback(way.target), quarantined.retry(way.servers),
        quarantined.drop(way.target, why="a test", who="tests"),
    ]  # fmt: skip


async def _planned(way: Road) -> object:
    return await way.migrate(await way.plan())


async def _holding(server: Server, url: str) -> None:
    """Until the first run waits for its table."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
    for _ in range(200):
        if sql(server, waiting, database=database_of(url)) != "0":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the first run never came to its table")
