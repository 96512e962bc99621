"""Each kind of rule seen from the other side: what is read back, what is written, what is refused, and by which index."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from crosswalk.compiling import compile_document
from crosswalk.data.compiled import CompiledMapping, CompiledTable, mapped, read_compiled, reading
from crosswalk.embedded import Server
from crosswalk.names import quote
from tests.road import Connection, connected, road
from tests.servers import sql

SOURCE = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN points AS int CHECK (VALUE >= 0);
CREATE FUNCTION next_code() RETURNS text LANGUAGE sql AS $$SELECT 'c' || extract(epoch FROM now())$$;
CREATE TABLE firm (id serial PRIMARY KEY, vendor bigint NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE worker (
    vendor int PRIMARY KEY, firm bigint NOT NULL, code text NOT NULL DEFAULT next_code() UNIQUE, grade text,
    humour mood DEFAULT 'sad',
    flag boolean, hired timestamp, seen timestamp, born timestamp, ends timestamptz, label char(6), ratio double precision,
    full_name text NOT NULL, tags text[], scores int[], grid int[], extra jsonb, plain json, couple pair, note text,
    first_id int, second_id int, boss int, amount text, secret text DEFAULT 'x', badge int NOT NULL UNIQUE, old_badge int
);
CREATE TABLE desk (
    id int PRIMARY KEY, moods mood[] DEFAULT '{glad}', score points DEFAULT 7, mixed mood[] DEFAULT ARRAY['glad'::mood], odd mood
);
CREATE TABLE shift (worker int NOT NULL, day date NOT NULL, hours numeric(5,2), kind text, PRIMARY KEY (worker, day));
CREATE TABLE copied (id int PRIMARY KEY, body text);
CREATE TABLE spread (id int PRIMARY KEY, parts int[]);
CREATE TABLE heap (body text);
INSERT INTO firm (id, vendor, name) VALUES (1, 700, 'One'), (2, 800, 'Two');
INSERT INTO worker VALUES
    (10, 700, 'w10', 'low', 'glad', true, '2026-01-05 10:00', '2026-07-01 00:30', '1980-02-03', '2026-05-05 12:00+00',
     'ab', 0.1, 'Ann Arbor', '{a,"b c",NULL}', '{1,2}', '{{1,2},{3,4}}', '{"k": [1, null]}',
     '{"j":  1}', '(1,"x y")', 'n', 5, 5, NULL, '12', 's', 1, NULL),
    (11, 800, 'w11', NULL, 'sad', false, NULL, NULL, NULL, NULL, NULL, 'NaN',
     'Bob', NULL, '{}', NULL, NULL, NULL, NULL, NULL, NULL, 7, 10, ' 7 ', NULL, 2, 2);
INSERT INTO shift VALUES (10, '2026-01-01', 8, 'day'), (10, '2026-01-02', 7.5, 'night'), (11, '2026-01-01', 1, 'odd');
"""
TARGET = """
CREATE TABLE company (id int PRIMARY KEY, vendor_id int NOT NULL UNIQUE, title varchar(40) NOT NULL);
CREATE TABLE person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor_id int NOT NULL UNIQUE, company_id int NOT NULL REFERENCES company,
    code varchar(30) NOT NULL, grade int, humour text, active text, hired_at timestamptz, seen_at timestamptz, born date,
    ends_at timestamp, label varchar(10), ratio double precision, first_name text, number int, chief_id int, extra jsonb, amount int,
    made_at timestamptz NOT NULL DEFAULT now(), badge int NOT NULL UNIQUE
);
CREATE INDEX ON person (code);
CREATE INDEX ON person (company_id);
CREATE INDEX ON person (hired_at);
CREATE TABLE turn (
    person_id int NOT NULL REFERENCES person, day date NOT NULL, minutes int NOT NULL, kind text, PRIMARY KEY (person_id, day)
);
CREATE TABLE table_top (id int PRIMARY KEY, moods text[], score int, mixed text[] DEFAULT '{new}', odd text DEFAULT 'new');
CREATE TABLE copy_one (id int PRIMARY KEY, body text);
CREATE TABLE copy_two (id int PRIMARY KEY, body text);
CREATE TABLE part (id int, part int, PRIMARY KEY (id, part));
CREATE TABLE pile (body text);
"""
MAPPING = """
version: 1
tables:
  company:
    from: firm
    key: [id]
    columns: {id: id, vendor_id: vendor, title: name}
  person:
    from: worker
    key: [vendor_id]
    rejects: quarantine
    where: {sql: "full_name <> 'nobody'", why: nobody works here}
    columns:
      vendor_id: vendor
      company_id: {lookup: {table: firm, match: {vendor: firm}, take: id}}
      code: code
      grade: {map: {low: 1, high: 2}, from: grade, else: quarantine}
      humour: humour
      active: {map: {true: 'yes', false: 'no'}, from: flag}
      hired_at: {zone: UTC, from: hired}
      seen_at: {zone: Europe/Berlin, from: seen}
      born: born
      ends_at: {zone: America/New_York, from: ends}
      label: label
      ratio: ratio
      first_name: {split: full_name, by: ' ', take: 1}
      number: {agree: [first_id, second_id]}
      chief_id: {lookup: {table: worker, match: {vendor: boss}, take: id, missing: "null"}}
      extra: {fold: [full_name, tags, scores, grid, extra, plain, couple, ratio, ends], into: old}
      amount: amount
      made_at: {default: true}
      badge: {agree: [badge, old_badge]}
    drop: {note: nobody reads it, secret: {why: nobody may read it, secret: true}}
  turn:
    from: shift
    key: [person_id, day]
    rejects: quarantine
    columns:
      person_id: {lookup: {table: worker, match: {vendor: worker}, take: id}}
      day: day
      minutes: {sql: hours * 60}
      kind: {map: {day: work, night: work, odd: other}, from: kind}
  table_top: {from: desk, key: [id], columns: {id: id, moods: moods, score: score, mixed: mixed, odd: odd}}
  copy_one: {from: copied, key: [id], columns: {id: id, body: body}}
  copy_two: {from: copied, key: [id], columns: {id: id, body: body}}
  part:
    from: spread
    key: [id, part]
    columns: {id: id, part: {unnest: parts}}
  pile: {from: heap, key: [], columns: {body: body}}
"""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    source: str
    target: str
    mapping: CompiledMapping


async def _compiled(old: str, new: str) -> Compiled:
    async with connected(old) as source_, connected(new) as target:
        await source_.execute(SOURCE)
        await target.execute(TARGET)
    way = road(old, new, MAPPING)
    await way.migrate()
    made = await compile_document(way.file, way.servers)
    return Compiled(source=old, target=new, mapping=read_compiled(json.loads(json.dumps(made.content))))


@pytest.fixture(scope="module")
def made(pg16: Server, pg18: Server) -> Iterator[Compiled]:
    for server in (pg16, pg18):
        sql(server, "CREATE DATABASE compile_rules")
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(lambda: asyncio.run(_compiled(pg16.url("compile_rules"), pg18.url("compile_rules")))).result()
    for server in (pg16, pg18):
        sql(server, "DROP DATABASE compile_rules WITH (FORCE)")


@pytest_asyncio.fixture
async def target(made: Compiled) -> AsyncIterator[Connection]:
    async with connected(made.target) as conn:
        for name, value in made.mapping.settings.items():
            await conn.execute(f"SET {name} = '{value}'")
        yield conn


@pytest.fixture
def worker(made: Compiled) -> CompiledTable:
    return made.mapping.table("worker")


async def test_every_readable_column_gives_the_value_and_the_type_of_the_source(made: Compiled, target: Connection) -> None:
    async with connected(made.source) as old:
        for name, key in (("worker", "vendor"), ("firm", "id"), ("shift", "worker, day")):
            table = made.mapping.table(name)
            exact = [c for c in table.readable if table.columns[c].exact]
            listed = ", ".join(f"{quote(c)}::text" for c in exact)
            wanted = await old.fetch(f"SELECT {listed} FROM {name} ORDER BY {key}")
            read = await target.fetch(f'SELECT {listed} FROM ({reading(table)}) AS "read" ORDER BY {key}')
            assert [tuple(row) for row in read] == [tuple(row) for row in wanted]
            kinds = ", ".join(f"pg_catalog.format_type(pg_catalog.pg_typeof({quote(c)}), NULL)" for c in exact)
            plain = {"character(6)": "character", "public.mood": "text"}
            found = await target.fetchrow(f'SELECT {kinds} FROM ({reading(table)}) AS "read" LIMIT 1')
            assert found is not None
            assert list(found) == [plain.get(table.columns[c].type, table.columns[c].type) for c in exact]


def test_what_is_not_exact_or_absent_says_why(made: Compiled, worker: CompiledTable) -> None:
    inexact = {name: c.note for name, c in worker.columns.items() if c.read is not None and not c.exact}
    assert inexact == {
        "old_badge": "where it was NULL, what badge held",
        "first_id": "where it was NULL, what second_id held", "second_id": "where it was NULL, what first_id held",
        "boss": "NULL where nothing, or too much, was found", "extra": "the document null reads as NULL",
        "plain": "the document null reads as NULL", "amount": "as integer writes it",
        "couple": "as a document: the target does not have public.pair",
    }  # fmt: skip
    assert {name: c.absent for name, c in worker.columns.items() if c.absent} == {
        "note": "dropped: nobody reads it", "secret": "dropped: nobody may read it",
    }  # fmt: skip
    shift = made.mapping.table("shift")
    assert "minutes (sql) makes of it has no way back" in str(shift.columns["hours"].absent)
    assert "kind (map) makes of it has no way back" in str(shift.columns["kind"].absent)


def test_tables_without_one_row_for_one_row_are_refused(made: Compiled) -> None:
    assert made.mapping.refused == {
        "public.copied": "it feeds several tables: public.copy_one, public.copy_two",
        "public.spread": "each of its rows becomes several rows of public.part (unnest)",
        "public.heap": "public.pile has no key that tells its rows apart",
    }


def test_defaults_that_the_target_cannot_make_are_left_to_it(made: Compiled, worker: CompiledTable) -> None:
    assert worker.columns["code"].generated
    assert worker.columns["code"].default is None
    assert made.mapping.table("firm").columns["id"].generated
    assert worker.columns["secret"].default == "'x'::text"
    desk = made.mapping.table("desk")
    assert desk.columns["mixed"].generated
    assert not desk.columns["odd"].generated


async def test_a_constant_of_a_type_that_the_target_does_not_have_is_no_default_of_the_target(
    made: Compiled, worker: CompiledTable, target: Connection
) -> None:
    desk = made.mapping.table("desk")
    wanted = {"humour": "sad", "moods": ["glad"], "score": 7}
    for name, value in wanted.items():
        column = (worker if name == "humour" else desk).columns[name]
        assert (column.generated, await target.fetchval(f"SELECT ({column.default})::{column.cast}")) == (False, value)


def test_keys_say_how_a_row_is_found(made: Compiled, worker: CompiledTable) -> None:
    keys = {key.columns: (key.primary, key.arbiter, key.matched) for key in worker.keys}
    assert keys == {
        ("vendor",): (True, ("vendor_id",), ("vendor_id",)), ("code",): (False, None, ("code",)),
        ("badge",): (False, ("badge",), ("badge",)),
    }  # fmt: skip
    shift = made.mapping.table("shift")
    found = [(k.columns, k.arbiter, k.matched) for k in shift.keys]
    assert found == [(("worker", "day"), ("person_id", "day"), ("person_id", "day"))]
    assert worker.target_columns["id"].identity == "always"
    assert worker.target_key == ("id",)
    assert worker.filter == "nobody works here"


async def write(table: CompiledTable, conn: Connection, **given: Any) -> dict[str, Any]:
    """A legacy row mapped; the rest of it is NULL."""
    shape = ", ".join(f"{quote(name)} {column.cast}" for name, column in table.columns.items())
    rows = f'SELECT * FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS "cw$rows" ({shape})'
    found = await conn.fetchrow(mapped(table, rows), json.dumps([given]))
    assert found is not None
    number = found["cw$refused"]
    return {**dict(found), "refused": table.refusals[number - 1].code if number else None}


async def test_a_row_is_written_with_its_lookups_on_the_target(made: Compiled, worker: CompiledTable, target: Connection) -> None:
    row = await write(worker, target, vendor=12, firm=800, code="w12", boss=11, full_name="Cid Corn", hired="2026-01-01 08:00")
    chief = await target.fetchval("SELECT id FROM person WHERE vendor_id = 11")
    assert (row["refused"], row["company_id"], row["chief_id"], row["first_name"]) == (None, 2, chief, "Cid")
    assert row["hired_at"].isoformat() == "2026-01-01T08:00:00+00:00"
    turn = await write(made.mapping.table("shift"), target, worker=11, day="2026-02-01", hours=2, kind="day")
    assert (turn["refused"], turn["person_id"], turn["minutes"], turn["kind"]) == (None, chief, 120, "work")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"firm": 999}, "lookup.missing"), ({"grade": "middle"}, "map.quarantine"), ({"first_id": 1, "second_id": 2}, "agree"),
        ({"seen": "2026-03-29 02:30"}, "zone"), ({"label": "abc", "code": "x" * 31}, "length"), ({"amount": "twelve"}, "syntax"),
        ({"full_name": "nobody"}, "where"), ({"boss": 999}, None), ({"vendor": 2**31 - 1}, None), ({"amount": " 8 "}, None),
    ],
    ids=str,
)  # fmt: skip
async def test_a_row_is_refused_as_a_move_would_set_it_aside(
    worker: CompiledTable, target: Connection, given: dict[str, Any], code: str | None
) -> None:
    row = await write(worker, target, **{"vendor": 20, "firm": 700, "code": "w20", "full_name": "Dee", "badge": 9, **given})
    assert row["refused"] == code


async def test_a_document_that_stands_keeps_what_else_is_in_it(worker: CompiledTable, target: Connection) -> None:
    merge = worker.writes["extra"].merge
    for stands, expected in (
        ('{"new": 1, "old": {"full_name": "A", "more": 2}}', {"new": 1, "old": {"full_name": "B", "more": 2}}),
        ('{"new": 1}', {"new": 1, "old": {"full_name": "B"}}),
        ('{"old": 5}', {"old": {"full_name": "B"}}),
        ("[1]", {"old": {"full_name": "B"}}),
        (None, {"old": {"full_name": "B"}}),
    ):
        found = await target.fetchval(
            f'SELECT {merge} FROM (SELECT $1::jsonb AS "extra") AS "t", (SELECT $2::jsonb AS "extra") AS excluded',
            stands, '{"old": {"full_name": "B"}}',
        )  # fmt: skip
        assert json.loads(found) == expected


@pytest.mark.parametrize(
    ("column", "value", "index"),
    [
        ("code", "'w10'::text", "person_code_idx"), ("firm", "700::bigint", "person_company_id_idx"),
        ("hired", "timestamp '2026-01-05 10:00'", "person_hired_at_idx"), ("vendor", "10::integer", "person_vendor_id_key"),
    ],
)  # fmt: skip
async def test_a_condition_on_a_legacy_column_is_served_by_an_index(
    worker: CompiledTable, target: Connection, column: str, value: str, index: str
) -> None:
    found = worker.columns[column].compare
    condition = f"{found.sql} = {found.before}{value}{found.after}" if found else f"{worker.columns[column].read} = {value}"
    await target.execute("SET enable_seqscan = off")
    plan = await target.fetch(f"EXPLAIN {reading(worker, ['code'])} WHERE {condition}")
    assert index in "\n".join(row[0] for row in plan), plan
    assert [row[0] for row in await target.fetch(f"{reading(worker, ['code'])} WHERE {condition}")] == ["w10"]
