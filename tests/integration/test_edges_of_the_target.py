"""Odd things that a schema may hold: serial texts, columns named as our aliases, keys that nobody enforces."""

from __future__ import annotations

import asyncpg
import pytest

from crosswalk.catalog import read_schema
from crosswalk.connect import Session, session
from crosswalk.embedded import Server
from crosswalk.express import Facts
from crosswalk.names import Name
from crosswalk.sequences import Position, sequence_positions
from crosswalk.snapshot import snapshot
from tests.road import connected, findings, lay, sums
from tests.servers import MakeDatabase, MakeRole

NUMBERS = """
CREATE SEQUENCE invoice_nr;
CREATE SEQUENCE fraction_nr;
CREATE SEQUENCE small_nr MAXVALUE 1000;
CREATE TABLE invoice (
    code text PRIMARY KEY DEFAULT 'INV-' || nextval('invoice_nr'),
    part numeric NOT NULL DEFAULT nextval('fraction_nr'),
    small bigint NOT NULL DEFAULT nextval('small_nr')
);
"""
INVOICES = """
version: 1
tables:
  invoice: {from: invoice, key: [code], columns: {code: code, part: part, small: small}}
"""


async def test_sequences_behind_texts_and_numbers_without_end(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE invoice (code text PRIMARY KEY, part numeric NOT NULL, small bigint NOT NULL);"
    source += "INSERT INTO invoice VALUES ('INV-7', 41.5, 17), ('x', 'NaN', 5000), ('y', 1e40, 3)"
    road = await lay(make_database, make_role, (pg16, source), (pg18, NUMBERS), INVOICES)
    await road.migrate()
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT nextval('fraction_nr')") == 43
        assert await conn.fetchval("SELECT nextval('small_nr')") == 18
        assert await conn.fetchval("SELECT nextval('invoice_nr')") == 1
    verified = await road.verify()
    assert findings(verified) == []
    assert any("invoice_nr" in line for line in verified.uncovered), verified.uncovered


async def test_a_sequence_that_moves_meanwhile_is_not_set_back(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (10)"
    target = "CREATE TABLE item (id serial PRIMARY KEY)"
    document = "version: 1\ntables:\n  item: {from: item, key: [id], columns: {id: id}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)

    async def slowly(facts: Facts, target: Name, opened: Session) -> list[Position]:
        found = await sequence_positions(facts, target, opened)
        async with connected(road.target) as conn:
            await conn.execute("SELECT setval('item_id_seq', 500)")
        return found

    monkeypatch.setattr("crosswalk.copy.sequences.sequence_positions", slowly)
    await road.migrate()
    async with connected(road.target) as conn:
        assert await conn.fetchval("SELECT last_value FROM item_id_seq") == 500


async def test_a_preserved_table_with_a_column_named_as_an_alias(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)"
    target = """
    CREATE TABLE item (id int PRIMARY KEY);
    CREATE TABLE plain (t int, other text);
    CREATE TYPE pair AS (a int, b int);
    CREATE TABLE composed (t pair, other text);
    INSERT INTO plain VALUES (1, 'a');
    INSERT INTO composed VALUES ((1, 2), 'a');
    """
    document = (
        "version: 1\ntables:\n  item: {from: item, key: [id], columns: {id: id}}\n"
        "preserve: {plain: not ours, composed: not ours}\n"
    )
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    await road.migrate()
    assert findings(await road.verify()) == []
    async with connected(road.target) as conn:
        await conn.execute("UPDATE composed SET other = 'b'")
    assert findings(await road.verify()) == [("public.composed", 1, 1)]


async def test_what_is_not_enforced_refuses_nothing(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = "CREATE TABLE emp (id int PRIMARY KEY, boss int, n int); INSERT INTO emp VALUES (1, NULL, 5), (2, 99, -5)"
    target = """
    CREATE TABLE emp (
        id int PRIMARY KEY, boss int REFERENCES emp NOT ENFORCED, n int CHECK (n > 0) NOT ENFORCED, CHECK (id > 0));
    """
    document = "version: 1\ntables:\n  emp: {from: emp, key: [id], columns: {id: id, boss: boss, n: n}}\n"
    road = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    async with session("target", road.target) as opened:
        emp = (await read_schema(opened)).tables[Name("public", "emp")]
    assert (len(emp.constraints), len(emp.checks), len(emp.foreign_keys)) == (4, 1, 0)
    assert sums(await road.migrate()) == {"emp": (2, 2, 0, 0, 0)}
    assert findings(await road.verify()) == []


async def test_a_materialized_view_is_held_as_long_as_its_snapshot(pg16: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg16)
    async with connected(url) as conn:
        await conn.execute("CREATE MATERIALIZED VIEW mv AS SELECT i FROM generate_series(1, 9) i")
        async with session("source", url) as opened:
            mv = (await read_schema(opened)).tables[Name("public", "mv")]
        await conn.execute("SET lock_timeout = '300ms'")
        async with snapshot(url, [mv], workers=1, purpose="test") as shared:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await conn.execute("REFRESH MATERIALIZED VIEW mv")
            async with shared.worker() as worker:
                assert await worker.fetchval("SELECT count(*) FROM mv") == 9
        await conn.execute("REFRESH MATERIALIZED VIEW mv")
