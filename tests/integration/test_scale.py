"""Schemas of many tables: judged to the row, moved, verified; and what keeps the work from growing faster than they do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bench.made import Reason
from bench.manytables import Pair, build, generate
from crosswalk.connect import Session, translate
from crosswalk.embedded import Server
from crosswalk.errors import LocksExhausted, StatementFailed
from crosswalk.express import Facts, Motion
from crosswalk.mapping import read_text
from crosswalk.names import Name, parse
from crosswalk.snapshot import savepoint, snapshot
from crosswalk.survey import both, read_both
from tests import road
from tests.servers import MakeDatabase

ROOT = Path(__file__).resolve().parents[2]
FEW = 60
MANY = 1000


def counted(rows: Iterable[tuple[str, str, str | None, int]]) -> Counter[Reason]:
    """Rows by (full table name, code, column)."""
    found: Counter[Reason] = Counter()
    for table, code, column, number in rows:
        name = parse(table)
        found[f"{name.schema}.{name.relation}", code, column] += number
    return found


async def walk(pair: Pair, source: str, target: str) -> None:
    """The whole road: each dirty row is announced under its reason, quarantine holds just those, nothing else is amiss."""
    await build(pair, source, target)
    way = road.road(source, target, pair.document)
    checked = await way.check()
    assert checked.problems == ()
    announced = counted((str(v.target), v.code, v.column, v.rows or 0) for v in checked.verdicts)
    beaten = {reason for reason in announced if reason[1] == "duplicate"}
    assert sum(announced.pop(reason) for reason in beaten) == pair.merged
    assert announced == pair.quarantined

    migrated = await way.migrate()
    assert sum(t.extracted for t in migrated.tallies) == pair.rows
    assert sum(t.merged for t in migrated.tallies) == pair.merged
    held = await road.rows(
        target, "SELECT target_table, code, column_name, count(*) FROM crosswalk.quarantine GROUP BY 1, 2, 3"
    )
    assert counted((r[0], r[1], r[2], r[3]) for r in held) == pair.quarantined
    assert road.findings(await way.verify()) == []


async def test_sixty_tables_go_the_whole_road(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    pair = generate(tables=FEW, seed=4, rows=(20, 30))
    assert pair.merged
    assert {code for _, code, _ in pair.quarantined} == {
        "length", "not_null", "check", "map.quarantine", "lookup.missing",
    }  # fmt: skip
    await walk(pair, make_database(pg16), make_database(pg18))


@pytest.mark.drill
async def test_a_thousand_tables_go_the_whole_road(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    await walk(generate(tables=MANY), make_database(pg16), make_database(pg18))


def test_the_same_arguments_make_the_same_schemas() -> None:
    assert generate(tables=30, seed=7) == generate(tables=30, seed=7)
    assert generate(tables=30, seed=7).document != generate(tables=30, seed=8).document


# --- locks on the source ------------------------------------------------------------------------


async def locks(session: Session) -> list[tuple[Any, ...]]:
    """The relations that a session holds."""
    rows = await session.fetch(
        "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
        " AND relation::regclass::text NOT LIKE 'pg_%' ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_reading_a_table_leaves_no_locks_on_its_indexes(pg16: Server, make_database: MakeDatabase) -> None:
    """Else a snapshot over a thousand tables fills the lock table of a server that others live on."""
    url = make_database(pg16)
    await road.run(url, "CREATE TABLE a (id int PRIMARY KEY, x int UNIQUE); CREATE TABLE b (id int PRIMARY KEY)")
    servers = road.road(url, url, "version: 1\ntables: {a: {from: a, key: [id], columns: {id: id}}}").servers
    async with both(servers, purpose="test") as sessions:
        schema, _ = await read_both(*sessions)
    tables = [schema.tables[parse(name)] for name in ("a", "b")]
    async with snapshot(url, tables, workers=0, purpose="test") as shared:
        before = await locks(shared.keeper)
        async with savepoint(shared.keeper):
            await shared.keeper.fetch("SELECT count(*) FROM a")
            assert await locks(shared.keeper) != before
        assert before == await locks(shared.keeper) == [("a", "AccessShareLock"), ("b", "AccessShareLock")]


def test_a_full_lock_table_is_told_from_a_failed_statement() -> None:
    full = asyncpg.exceptions.OutOfMemoryError("out of shared memory")
    told = translate(full, side="source", what="the tables' locks")
    assert isinstance(told, LocksExhausted)
    assert "max_locks_per_transaction on the source server" in told.advice
    other = translate(asyncpg.exceptions.OutOfMemoryError("out of memory"), side="source", what="a query")
    assert isinstance(other, StatementFailed)


# --- what is asked again and again ----------------------------------------------------------------


async def test_a_table_is_compiled_once_from_the_same_facts(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    pair = generate(tables=3)
    servers = road.road(make_database(pg16), make_database(pg18), pair.document).servers
    await build(pair, servers.source, servers.target)
    async with both(servers, purpose="test") as sessions:
        schemas = await read_both(*sessions)
    facts = Facts(source=schemas[0], target=schemas[1], document=read_text(pair.document).document)
    for name in facts.document.by_target:
        assert Motion(facts, name).fed is Motion(facts, name).fed
    name = next(iter(facts.document.by_target))
    # What the server was asked meanwhile may change what is compiled.
    assert Motion(replace(facts, types={(name, "x"): facts.target_table(name).columns[0].type}), name).fed is not (
        Motion(facts, name).fed
    )


def test_the_tables_that_a_source_feeds_are_found() -> None:
    pair = generate(tables=100)
    document = read_text(pair.document).document
    for name, table in document.by_target.items():
        assert document.targets_of(table.source) == (name,)
    assert document.targets_of(Name("public", "nowhere")) == ()


# --- the benchmark ------------------------------------------------------------------------------


def test_the_match_bench_prints_one_line_of_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.match", "--tables", "6", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    found = json.loads(line)
    assert found["tables"] == 6
    assert found["seconds"].keys() == {
        "document", "building", "catalogs", "match", "check", "plan", "migrate", "verify",
    }  # fmt: skip
    assert found["accepted_wrong"] == 0
