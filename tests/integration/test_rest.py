"""A source without SQL: a real PostgREST over a database with awkward values, pulled, moved and compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import (
    FailpointHit,
    NoRestApi,
    RestFailed,
    RestKeyRefused,
    RestNothingExposed,
    RestRowsHidden,
    RestStyleUnknown,
    RestUnreachable,
    RestUnsteady,
    StagingBusy,
)
from crosswalk.failpoints import VARIABLE
from crosswalk.names import Name
from crosswalk.rest import Patience, Pulled, RestSource, pull, read_address
from crosswalk.rest.address import key_of
from tests.postgrest import Api, Judge, Refusal, doorman, grant, jwt, serve
from tests.road import Road, connected, content, findings, road, walk
from tests.servers import MakeDatabase, database_of, sql

SOURCE = r"""
CREATE SCHEMA shop;
CREATE SCHEMA kinds;
CREATE TYPE kinds.mood AS ENUM ('sad', 'it''s, "ok"', 'happy');
CREATE TYPE shop.place AS (street text, zip int);
CREATE TABLE shop.customers (
    id bigint PRIMARY KEY, "Full Name" varchar(40) NOT NULL, balance numeric(60, 20), big bigint, score float8,
    small real, mood kinds.mood DEFAULT 'sad', moods kinds.mood[], tags text[], doc jsonb, plain json, note text,
    photo bytea, seen timestamptz DEFAULT now(), born date, wall timestamp, price money, spans daterange, days date[],
    active boolean NOT NULL DEFAULT true, code char(4), mask bit(5), home shop.place, lasts interval, at time);
COMMENT ON COLUMN shop.customers.note IS 'what they said';
INSERT INTO shop.customers (id, "Full Name", balance, big, score, note, seen)
SELECT i, 'customer ' || i, i / 7.0, 9007199254740993 + i, i / 3.0, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'NULL' END,
       '2026-03-29 01:59:59.123456+00'::timestamptz + i * interval '1 minute' FROM generate_series(1, 2600) AS i;
UPDATE shop.customers SET balance = 1234567890123456789012345678901234567890.12345678901234567890, score = 'NaN',
    small = 'Infinity', mood = 'it''s, "ok"', moods = '{sad,"it''s, \"ok\"",NULL}', tags = '{"a,b","c\"d",NULL,"",null,"{x}"}',
    doc = '[1, 2.50, 12345678901234567890123, "x"]', plain = '{"a":  1.0, "a": 2}', note = E'tab\tnew\nline\\N \\ "q" ✓',
    photo = '\x00ff5c0a', seen = 'infinity', born = '0044-03-15 BC', wall = '12026-01-01 00:00:00.000001', price = -1234.5,
    spans = '[2026-01-31,2026-02-05)', days = '{{2026-01-02},{2026-02-01}}', code = 'ab', mask = '10110',
    home = '("a ""b"", c",7)', lasts = '-1 year 3 days -00:00:01', at = '24:00' WHERE id = 1;
UPDATE shop.customers SET score = '-0', doc = '"text"', tags = '{}', days = '{}', spans = 'empty', born = 'infinity' WHERE id = 2;
UPDATE shop.customers SET score = 1e-310, doc = 'null', tags = NULL, spans = '(,)', plain = 'null' WHERE id = 3;
CREATE TABLE shop.words (word text PRIMARY KEY, "odd ""name"", (x).y" text);
INSERT INTO shop.words SELECT w, w FROM unnest(ARRAY['a,b', 'q"uo', E'back\\sl', '(par)', 'null', 'NULL', '', 'Привет, мир.',
    'a.b', '%', '&x=1', '+ +', 'is.null', '*', '"', E'\\"', 'eq.1', '{}', E'\n', '#', '日本', ' ', 'not.and(a.eq.1)']) AS w;
CREATE TABLE shop.lines (customer bigint NOT NULL REFERENCES shop.customers, line text NOT NULL, qty int,
    PRIMARY KEY (customer, line));
INSERT INTO shop.lines SELECT i % 50 + 1, w, i FROM generate_series(1, 50) AS i, (SELECT word FROM shop.words) AS s(w);
CREATE TABLE shop.tokens (id uuid PRIMARY KEY, customer bigint);
INSERT INTO shop.tokens SELECT md5(i::text)::uuid, nullif(i, 1) FROM generate_series(0, 1499) AS i;
ALTER TABLE shop.tokens ADD FOREIGN KEY (customer) REFERENCES shop.customers NOT VALID;
CREATE TABLE shop."Odd, ta%ble (1) ""x"" й" (id int PRIMARY KEY, "a.b->c" text, "select" int[]);
INSERT INTO shop."Odd, ta%ble (1) ""x"" й" VALUES (1, 'x', '{1,NULL}');
CREATE TABLE shop.nothing (id int PRIMARY KEY);
CREATE TABLE shop.heap (n int, doc json);
INSERT INTO shop.heap SELECT i % 7, '{"a": 1}' FROM generate_series(1, 1234) AS i;
CREATE TABLE shop.guarded (id int PRIMARY KEY, secret text);
INSERT INTO shop.guarded VALUES (1, 'x'), (2, 'y');
ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;
CREATE VIEW shop.happy AS SELECT id, "Full Name" FROM shop.customers WHERE id > 2500;
"""
ODD = 'Odd, ta%ble (1) "x" й'
ROWS = {ODD: 1, "customers": 2600, "guarded": 2, "heap": 1234, "lines": 1150, "nothing": 0, "tokens": 1500, "words": 23}
TARGET = r"""
CREATE TYPE feeling AS ENUM ('low', 'ok', 'high');
CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, feeling feeling, balance numeric, big bigint NOT NULL,
    score float8, note text, seen timestamptz NOT NULL, tags text[], doc jsonb, photo bytea, days date[], extra jsonb);
CREATE TABLE items (person_id bigint NOT NULL REFERENCES people, line text NOT NULL, quantity int NOT NULL,
    PRIMARY KEY (person_id, line));
CREATE TABLE bunch (n int, doc json);
"""
MAPPING = r"""
version: 1
tables:
  people:
    from: shop.customers
    key: [id]
    rejects: quarantine
    columns:
      id: id
      name: Full Name
      feeling: {map: {sad: low, "it's, \"ok\"": ok, happy: high}, from: mood}
      balance: balance
      big: big
      score: score
      note: note
      seen: seen
      tags: tags
      doc: doc
      photo: photo
      days: days
      extra: {fold: [moods, plain, born, wall, price, spans, code, mask, lasts, at, small], into: old}
    drop: {active: not needed, home: not needed}
  items:
    from: shop.lines
    key: [person_id, line]
    rejects: quarantine
    columns: {person_id: customer, line: line, quantity: qty}
ignore:
  source: {shop.words: x, shop.tokens: x, shop.nothing: x, shop.guarded: x, shop.heap: x, shop.happy: x,
    'shop."Odd, ta%ble (1) ""x"" й"': x}
  target: {bunch: x}
"""
SWIFT = Patience(tries=4, pause=0.01, longest=0.05, rereads=3, wait=0.2)
Behind = Callable[[Judge], AbstractContextManager[Api]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A project: its database, and the API before it."""

    server: Server
    database: str
    api: Api


@pytest.fixture(scope="module")
def shop(pg16: Server) -> Iterator[Shop]:
    """One PostgREST for the module; only `changed` writes into its database, and takes that back."""
    name = "rest_shop"
    sql(pg16, f"CREATE DATABASE {name} TEMPLATE template0")
    sql(pg16, SOURCE, database=name)
    try:
        grant(pg16, name, ("shop",))
        with serve(pg16, name, schemas=("shop",)) as api:
            yield Shop(server=pg16, database=name, api=api)
    finally:
        sql(pg16, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def staging(pg16: Server, make_database: MakeDatabase) -> str:
    return make_database(pg16)


def source_of(api: Api, **settings: object) -> RestSource:
    return replace(read_address(api.url), **settings)  # type: ignore[arg-type]


async def pulled(api: Api, staging: str, *, role: str = "service_role", **settings: object) -> Pulled:
    return await pull(source_of(api, **settings), key_of(api.jwt(role)), staging, patience=SWIFT)


async def both_contents(shop: Shop, staging: str, table: str, without: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    async with connected(shop.server.url(shop.database)) as old, connected(staging) as new:
        return await content(old, table, without=without), await content(new, table, without=without)


async def test_every_value_of_every_table_arrives_as_it_is(shop: Shop, staging: str) -> None:
    found = await pulled(shop.api, staging)
    assert {t.name.relation: t.rows for t in found.tables} == ROWS
    assert {t.name.relation: t.order for t in found.tables} == dict.fromkeys(ROWS, "key") | {"heap": "place"}
    for table in ROWS:
        there, here = await both_contents(shop, staging, Name("shop", table).sql, without=("home", "score", "small"))
        assert there == here, table
    # JSON cannot tell -0 from 0, nor one NaN from another: the bytes can.
    exact = "SELECT id, float8send(score), float4send(small), home::text AS home, plain::text AS plain FROM shop.customers ORDER BY 1"
    async with connected(shop.server.url(shop.database)) as old, connected(staging) as new:
        assert await old.fetch(exact) == await new.fetch(exact)
    assert any("shop.customers.home (shop.place)" in note for note in found.notes)
    assert "rows of shop.tokens that refer by customer to no row of shop.customers: 1" in found.notes
    assert any("views were left out" in note and "shop.happy" in note for note in found.notes)
    assert not any("row-level security" in note for note in found.notes)


async def test_the_catalog_is_what_the_document_tells(shop: Shop, staging: str) -> None:
    await pulled(shop.api, staging)
    of = "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
    keys = (
        "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'shop'::regnamespace AND contype IN ('p', 'f')"
    )
    told = {"balance", "home", "price"}
    async with connected(shop.server.url(shop.database)) as old, connected(staging) as new:
        there = {tuple(row) for row in await old.fetch(of, "shop.customers") if row[0] not in told}
        assert there == {tuple(row) for row in await new.fetch(of, "shop.customers") if row[0] not in told}
        before, after = await old.fetch(keys), await new.fetch(keys)
        assert {(*row[:2], row[2].removesuffix(" NOT VALID")) for row in before} == {
            (*row[:2], row[2].removesuffix(" NOT VALID")) for row in after
        }
        assert await new.fetchval("SELECT col_description('shop.customers'::regclass, 12)") == "what they said"
        assert await new.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'shop.lines'::regclass") == ROWS["lines"]


async def test_the_whole_road_from_rest_ends_where_the_road_over_sql_ends(
    shop: Shop, pg16: Server, staging: str, make_database: MakeDatabase
) -> None:
    sql(pg16, f"ALTER DATABASE \"{database_of(staging)}\" SET crosswalk.stands_for = '{shop.api.url}'")
    await pulled(shop.api, staging)
    targets = [make_database(pg16), make_database(pg16)]
    for url in targets:
        sql(pg16, TARGET, database=database_of(url))
    by_rest = await walk(staging, targets[0], MAPPING)
    by_sql = await walk(shop.server.url(shop.database), targets[1], MAPPING)
    assert by_rest.sums == by_sql.sums
    assert by_rest.sums["people"] == (2600, 2600, 0, 0, 0)
    assert findings(by_rest.verified) == []
    for table in ("people", "items"):
        async with connected(targets[0]) as one, connected(targets[1]) as other:
            assert await content(one, table) == await content(other, table)
    assert by_rest.plan.source["url"] == shop.api.url
    assert by_rest.plan.source["cluster"] == shop.api.url
    # What changes meanwhile is seen by the next pull, under the same plan.
    with changed(shop, "UPDATE shop.lines SET qty = -1 WHERE customer = 7", "UPDATE shop.lines SET qty = 1 WHERE customer = 7"):
        await pulled(shop.api, staging)
        way = road(staging, targets[0], MAPPING)
        assert {f[1] for f in findings(await way.verify())} == {"different"}
        await way.repair()
        assert findings(await way.verify()) == []


async def _stopped(
    shop: Shop, pg16: Server, staging: str, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> Road:
    """A move from the API that was stopped after some chunks."""
    sql(pg16, f"ALTER DATABASE \"{database_of(staging)}\" SET crosswalk.stands_for = '{shop.api.url}'")
    await pulled(shop.api, staging)
    target = make_database(pg16)
    sql(pg16, TARGET, database=database_of(target))
    way = road(staging, target, MAPPING)
    monkeypatch.setenv(VARIABLE, "chunk.after_commit=error@4")
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    with pytest.raises(FailpointHit):
        await way.migrate(chunk_bytes=40_000, jobs=1)
    monkeypatch.delenv(VARIABLE)
    return way


async def test_a_stopped_move_goes_on_after_another_pull(
    shop: Shop, pg16: Server, staging: str, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await _stopped(shop, pg16, staging, make_database, monkeypatch)
    # The second pull lays the rows into new tables, in other places, and one of them has changed.
    there, back = (f"UPDATE shop.customers SET note = '{word}' WHERE id = 10" for word in ("changed", ""))
    with changed(shop, there, back):
        await pulled(shop.api, staging, page=333)
        done = await way.resume()
        assert {t.target.relation: t.loaded for t in done.tallies} == {"people": 2600, "items": 1150}
        assert findings(await way.verify()) == []


async def test_a_resume_deletes_nothing_that_its_key_does_not_show(
    shop: Shop, pg16: Server, staging: str, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await _stopped(shop, pg16, staging, make_database, monkeypatch)
    hide = "ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON shop.customers TO anon USING (id <> 60)"
    show = "DROP POLICY few ON shop.customers; ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY"
    with changed(shop, hide, show):
        assert not (await pulled(shop.api, staging, role="anon", allow_anon=True)).sees_all
        done = await way.resume()
        assert {t.target.relation: t.loaded for t in done.tallies} == {"people": 2599, "items": 1150}
    async with connected(way.target) as session:
        assert await session.fetchval("SELECT name FROM people WHERE id = 60") == "customer 60"
    await pulled(shop.api, staging)
    assert findings(await way.verify()) == []


class changed:
    """Statements that hold for a block."""

    def __init__(self, shop: Shop, there: str, back: str) -> None:
        self.shop, self.there, self.back = shop, there, back

    def __enter__(self) -> None:
        sql(self.shop.server, self.there, database=self.shop.database)

    def __exit__(self, *_: object) -> None:
        sql(self.shop.server, self.back, database=self.shop.database)


@pytest.mark.parametrize("page", [1000, 5000])
async def test_a_row_cap_loses_nothing_and_is_told(pg16: Server, shop: Shop, staging: str, page: int) -> None:
    with serve(pg16, shop.database, schemas=("shop",), max_rows=400) as capped:
        found = await pulled(capped, staging, page=page)
    assert {t.name.relation: t.rows for t in found.tables} == ROWS
    assert f"the server gives 400 rows at a time at most, less than the {page} asked for" in found.notes


async def test_a_key_that_policies_bind_is_refused_by_the_names_of_empty_tables(shop: Shop, staging: str) -> None:
    with pytest.raises(RestRowsHidden, match=r"anon.*shop\.guarded, shop\.nothing"):
        await pulled(shop.api, staging, role="anon")
    found = await pulled(shop.api, staging, role="anon", allow_anon=True)
    assert any("row-level security" in n and "shop.guarded" in n for n in found.notes)
    assert {t.name.relation: t.rows for t in found.tables}["guarded"] == 0


async def test_a_busy_api_is_asked_again(shop: Shop, staging: str) -> None:
    lately: set[str] = set()

    def judge(path: str, number: int) -> Refusal | None:
        if path in lately or number % 2:
            return None
        lately.add(path)
        kinds = (
            Refusal(status=429, headers={"Retry-After": "0"}), Refusal(status=503), Refusal(status=502, body=b"<html>"),
            Refusal(status=0, hang_up=True),
        )
        return kinds[number // 2 % 4]

    with doorman(shop.api, judge) as api:
        found = await pulled(api, staging)
    assert {t.name.relation: t.rows for t in found.tables} == ROWS
    assert len(lately) > 5


async def test_an_api_that_stays_busy_is_an_error_and_keeps_what_was_pulled(shop: Shop, staging: str) -> None:
    await pulled(shop.api, staging)
    with (
        doorman(shop.api, lambda path, _: Refusal(status=503) if "or=" in path else None) as api,
        pytest.raises(RestFailed, match=r"failed rows of shop.* 4 times: HTTP 503"),
    ):
        await pulled(api, staging)
    async with connected(staging) as conn:
        assert await conn.fetchval("SELECT count(*) FROM shop.customers") == ROWS["customers"]


async def test_a_table_that_moves_is_read_again_and_one_that_never_rests_is_named(shop: Shop, staging: str) -> None:
    seen = {"pages": 0, "moves": 1}

    def judge(path: str, _: int) -> None:
        if re.match(r"/tokens\?.*or=", path) and seen["pages"] < seen["moves"]:
            seen["pages"] += 1
            # Behind the cursor: the rows pulled would be one too few.
            sql(shop.server, "INSERT INTO shop.tokens VALUES (gen_random_uuid())", database=shop.database)

    clean = "DELETE FROM shop.tokens WHERE customer IS NULL AND id <> md5('1')::uuid"
    with doorman(shop.api, judge) as api, changed(shop, "SELECT", clean):
        found = {t.name.relation: t for t in (await pulled(api, staging)).tables}
        assert (found["tokens"].reads, found["tokens"].rows) == (2, 1501)
        assert found["lines"].reads == 1
        seen["moves"] = 1000
        with pytest.raises(RestUnsteady, match=r"shop\.tokens did not hold still, 3 times"):
            await pulled(api, staging)


async def test_a_page_that_the_server_cannot_give_in_time_grows_smaller(shop: Shop, staging: str) -> None:
    late = Refusal(
        status=500, headers={"Content-Type": "application/json"},
        body=b'{"code":"57014","message":"canceling statement due to statement timeout"}',
    )

    def judge(path: str, _: int) -> Refusal | None:
        limit = re.search(r"limit=(\d+)", path)
        return late if limit and int(limit.group(1)) > 300 else None

    with doorman(shop.api, judge) as api:
        assert {t.name.relation: t.rows for t in (await pulled(api, staging)).tables} == ROWS


async def test_dates_in_a_style_that_could_be_misread_are_refused(shop: Shop, staging: str, pg16: Server) -> None:
    setting = f"ALTER DATABASE {shop.database}"
    with (
        changed(shop, f"{setting} SET datestyle = 'SQL, DMY'", f"{setting} RESET datestyle"),
        serve(pg16, shop.database, schemas=("shop",)) as api,
        pytest.raises(RestStyleUnknown, match=r"The dates in shop\.customers\.(days|spans)"),
    ):
        await pulled(api, staging)


async def test_views_are_taken_where_that_is_asked_for(shop: Shop, staging: str) -> None:
    found = await pulled(shop.api, staging, views=True)
    view = next(t for t in found.tables if t.name.relation == "happy")
    assert (view.rows, view.order) == (100, "count")
    assert any("only their counts speak" in n and "shop.happy" in n for n in found.notes)
    there, here = await both_contents(shop, staging, "shop.happy")
    assert there == here


async def test_wrong_keys_hosts_and_servers_are_told_apart(shop: Shop, staging: str, pg16: Server) -> None:
    async def refused(kind: type[Exception], match: str, url: str = shop.api.url, token: str = "", **settings: object) -> None:
        key = key_of(token or shop.api.jwt("service_role"))
        with pytest.raises(kind, match=match) as error:
            await pull(replace(read_address(url), **settings), key, staging, patience=SWIFT)  # type: ignore[arg-type]
        assert key.secret not in str(error.value) + repr(error.value.__dict__) + repr(error.value.__cause__)

    other = jwt("service_role", "another secret, of another project entirely")
    await refused(RestKeyRefused, "HTTP 401: PGRST301", token=other)
    await refused(RestUnreachable, "cannot be reached", url="http://127.0.0.1:9")
    await refused(NoRestApi, "HTTP 404", url=shop.api.url + "/rest/v1")
    await refused(RestFailed, "PGRST106", schemas=("nowhere",))
    html = Refusal(status=200, headers={"Content-Type": "text/html"}, body=b"<html>")
    with doorman(shop.api, lambda *_: html) as api:
        await refused(NoRestApi, "text/html", url=api.url)
    moved = Refusal(status=302, headers={"Location": "https://elsewhere.example/"})
    with doorman(shop.api, lambda *_: moved) as api:
        await refused(NoRestApi, r"redirects to elsewhere\.example", url=api.url)
    sql(pg16, "CREATE SCHEMA IF NOT EXISTS bare", database=shop.database)
    with serve(pg16, shop.database, schemas=("bare",)) as api:
        await refused(RestNothingExposed, "shows no table", url=api.url)


async def test_a_pull_waits_for_nobody_who_reads_the_staged_rows(shop: Shop, staging: str) -> None:
    await pulled(shop.api, staging)
    async with connected(staging) as reader, reader.transaction():
        await reader.fetchval("SELECT count(*) FROM shop.words")
        with pytest.raises(StagingBusy):
            await pulled(shop.api, staging)
