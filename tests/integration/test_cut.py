"""Tables of every kind are cut so that each row belongs to one chunk, and are moved without a document as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosswalk.board import look, weigh
from crosswalk.embedded import Server
from crosswalk.errors import CrosswalkError, NothingToMove, PlanDrifted
from crosswalk.migration import migrate, resume
from crosswalk.names import Name
from crosswalk.planning import make_plan, make_plans
from crosswalk.quarantined import drop
from crosswalk.report import gather
from crosswalk.survey import Servers
from crosswalk.verification import verify
from tests.road import ALL_HAZARDS, BACKUPS, connected, content, decision, findings
from tests.servers import MakeDatabase, MakeRole

KINDS = """
CREATE TABLE ints (id int PRIMARY KEY, line text NOT NULL);
INSERT INTO ints SELECT i, repeat('x', 80) FROM generate_series(1, 6000) AS i;
DELETE FROM ints WHERE id % 7 = 0;
UPDATE ints SET line = 'y' WHERE id % 5 = 0;
CREATE TABLE uuids (id uuid PRIMARY KEY, n int);
INSERT INTO uuids SELECT md5(i::text)::uuid, i FROM generate_series(1, 6000) AS i;
CREATE TABLE texts (id text COLLATE "C" PRIMARY KEY, n int);
INSERT INTO texts SELECT 'ключ ' || i || '''"', i FROM generate_series(1, 6000) AS i;
CREATE TABLE pairs (a int, b text, n int, PRIMARY KEY (b, a));
INSERT INTO pairs SELECT i, 'b' || i % 10, i FROM generate_series(1, 6000) AS i;
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless SELECT i % 2500, repeat('z', 90) FROM generate_series(1, 6000) AS i;
CREATE TABLE toasted (id bigserial PRIMARY KEY, body text);
ALTER TABLE toasted ALTER body SET STORAGE EXTERNAL;
INSERT INTO toasted (body) SELECT repeat(md5(i::text), 200) FROM generate_series(1, 300) AS i;
CREATE TABLE parts (id int, day int, line text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT i, i % 15, repeat('p', 80) FROM generate_series(1, 6000) AS i;
CREATE TABLE nothing ();
CREATE TABLE "Пусто" (id int PRIMARY KEY);
ANALYZE;
"""
TABLES = ("ints", "uuids", "texts", "pairs", "keyless", "toasted", "parts", '"Пусто"')


async def _laid(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, sql: str) -> Servers:
    """A filled source, and an empty target of a plain owner."""
    source = make_database(pg16, owner=make_role(pg16))
    target = make_database(pg18, owner=make_role(pg18))
    async with connected(source) as conn:
        await conn.execute(sql)
    return Servers(source=source, target=target)


async def test_tables_of_every_kind_move_in_chunks_without_a_document(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    servers = await _laid(pg16, pg18, make_database, make_role, KINDS)
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    plan = plan.model_copy(update={"decision": decision("recreate")})
    done = await migrate(plan, servers, allow=ALL_HAZARDS, chunk_bytes=64 * 1024, jobs=3, backup=BACKUPS)
    assert all(t.extracted == t.loaded for t in done.tallies)
    async with connected(servers.source) as old, connected(servers.target) as new:
        for table in TABLES:
            assert await content(new, table) == await content(old, table), table
        counted = await new.fetch(
            "SELECT target_table, count(*) FROM crosswalk.chunk_plan WHERE from_page IS NOT NULL GROUP BY 1"
        )
        cut = {str(name): int(chunks) for name, chunks in counted}
        open_ends = await new.fetchval("SELECT count(*) FROM crosswalk.chunk_plan WHERE from_page > 0 AND to_page IS NULL")
    assert {n for n, chunks in cut.items() if chunks > 2} == {f"public.{t}" for t in TABLES[:-1]}
    assert open_ends == len(cut)
    assert findings(await verify(servers)) == []


async def test_a_run_that_stopped_between_chunks_of_pages_goes_on_though_rows_have_moved(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = await _laid(pg16, pg18, make_database, make_role, KINDS)
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    plan = plan.model_copy(update={"decision": decision("recreate")})
    monkeypatch.setenv("CROSSWALK_FAILPOINTS", "chunk.before_commit=error@23")
    with pytest.raises(Exception, match=r"chunk\.before_commit"):
        await migrate(plan, servers, allow=ALL_HAZARDS, chunk_bytes=64 * 1024, backup=BACKUPS)
    monkeypatch.delenv("CROSSWALK_FAILPOINTS")
    async with connected(servers.source) as conn:
        await conn.execute(
            "UPDATE ints SET line = 'changed' WHERE id % 3 = 0; DELETE FROM ints WHERE id % 11 = 0;"
            " INSERT INTO ints SELECT i, 'new' FROM generate_series(7001, 7300) AS i; UPDATE keyless SET b = 'b' WHERE a < 50;"
            " DELETE FROM keyless WHERE a > 2400; UPDATE parts SET day = 19 WHERE id % 4 = 0;"
            " UPDATE texts SET id = id || '!' WHERE n % 9 = 0"
        )
        for table in ("uuids", "texts", "pairs", "ints"):
            await conn.execute(f"VACUUM FULL {table}")
    done = await resume(servers)
    assert all(t.balanced for t in done.tallies)
    async with connected(servers.source) as old, connected(servers.target) as new:
        for table in TABLES:
            assert await content(new, table) == await content(old, table), table
    assert findings(await verify(servers)) == []


async def test_a_table_that_one_transaction_fills_is_born_frozen(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    sql = (
        "CREATE TABLE wide (id int PRIMARY KEY, line text);"
        " INSERT INTO wide SELECT i, repeat('w', 900) FROM generate_series(1, 9000) AS i"
    )
    servers = await _laid(pg16, pg18, make_database, make_role, sql)
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    plan = plan.model_copy(update={"decision": decision("recreate")})
    await migrate(plan, servers, allow=ALL_HAZARDS, chunk_bytes=1024**3, backup=BACKUPS)
    async with connected(servers.target) as conn:
        row = await conn.fetchrow("SELECT relpages, relallvisible FROM pg_class WHERE relname = 'wide'")
    assert row is not None
    assert row["relallvisible"] > 0.9 * row["relpages"] > 900  # behind the last row lie pages that were never used


async def test_without_a_document_only_the_schemas_asked_for_move(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    sql = "CREATE TABLE here (id int PRIMARY KEY); CREATE SCHEMA other; CREATE TABLE other.there (id int PRIMARY KEY)"
    servers = await _laid(pg16, pg18, make_database, make_role, sql)
    planned = await make_plans(None, servers, strategies=("recreate",), schemas=("other",), sample=False)
    assert planned.file.plans["recreate"].order == (Name("other", "there"),)
    with pytest.raises(NothingToMove) as caught:
        await make_plans(None, servers, strategies=("recreate",), schemas=("nowhere",), sample=False)
    assert "nowhere" in str(caught.value)


async def test_without_a_document_nothing_speaks_of_one(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    sql = (
        "CREATE TABLE t (id int PRIMARY KEY, above int REFERENCES t); SET session_replication_role = replica;"
        " INSERT INTO t VALUES (1, NULL), (2, 99); RESET session_replication_role;"
        " CREATE TABLE bare (); INSERT INTO bare SELECT FROM generate_series(1, 3)"
    )
    servers = Servers(source=make_database(pg16), target=make_database(pg18, owner=make_role(pg18)))
    async with connected(servers.source) as conn:
        await conn.execute(sql)
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    assert plan.unwritten
    assert "public.bare has no column: it is made empty, and its 3 rows cannot be moved" in plan.warnings
    plan = plan.model_copy(update={"decision": decision("recreate")})
    done = await migrate(plan, servers, allow=ALL_HAZARDS, backup=BACKUPS)
    assert (done.undeclared, done.unwritten) == ((Name("public", "t"),), True)
    board = weigh(await look(servers.source, servers.target, document=tmp_path / "a.yaml", plan=tmp_path / "a.json"))
    [blocker] = [b for b in board.blockers if b.gate == "quarantine"]
    assert (blocker.remedy, "document" in blocker.what) == ("crosswalk quarantine list", False)
    report = await gather(servers.source, servers.target)
    [finding] = [f for f in report.findings if f.section == "rejected"]
    assert (finding.weight, "document" in finding.title, "rejects" in finding.remedy) == ("failure", False, False)
    await drop(servers.target, ["t"], why="a test", who="me")
    report = await gather(servers.source, servers.target)
    assert [f.weight for f in report.findings if f.section == "rejected"] == ["note"]
    assert (await migrate(plan, servers, allow=ALL_HAZARDS, backup=BACKUPS)).undeclared == ()


async def test_obstacles_without_a_document_name_a_way_out(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    sql = "CREATE TABLE p (n int) PARTITION BY HASH (n); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
    servers = await _laid(pg16, pg18, make_database, make_role, sql)
    with pytest.raises(CrosswalkError, match=r"is a partitioned table without a key.*`crosswalk match` drafts one") as told:
        await make_plan(None, servers, strategy="recreate", sample=False)
    assert ".;" not in str(told.value)


async def test_sequences_that_no_column_draws_from_are_named(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    servers = await _laid(
        pg16, pg18, make_database, make_role, "CREATE TABLE t (id serial PRIMARY KEY); CREATE SEQUENCE free"
    )
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    assert [w for w in plan.warnings if "public.free" in w and "t_id_seq" not in w]


async def test_a_table_that_came_after_a_plan_for_every_table_is_not_left_behind(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    servers = await _laid(pg16, pg18, make_database, make_role, "CREATE TABLE t (id int PRIMARY KEY)")
    plan, _ = await make_plan(None, servers, strategy="recreate", sample=False)
    async with connected(servers.source) as conn:
        await conn.execute("CREATE TABLE fresh (id int PRIMARY KEY)")
    with pytest.raises(PlanDrifted, match=r"public\.fresh came after the plan"):
        await migrate(plan.model_copy(update={"decision": decision("recreate")}), servers, backup=BACKUPS)
    async with connected(servers.target) as conn:
        assert await conn.fetchval("SELECT to_regclass('t')") is None
