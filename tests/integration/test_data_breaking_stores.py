"""What would lose or falsify an application's rows in silence, tried upon the stores: races, triggers, drift."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from crosswalk.compiling import compile_document
from crosswalk.data.conditions import asc, neq
from crosswalk.data.failures import DataError, DuplicateKey, Misconfigured, NotSupported
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.survey import Servers
from tests.servers import sql

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEGACY = """
CREATE TABLE shops (number bigint PRIMARY KEY, title text NOT NULL);
CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE people (
  id integer PRIMARY KEY, shop bigint REFERENCES shops, first text, last text, place text, a text, b text, status text,
  "Select" text, ticket integer NOT NULL, UNIQUE (ticket)
);
CREATE TABLE alike (id integer PRIMARY KEY, a integer, b integer, UNIQUE NULLS NOT DISTINCT (a, b));
CREATE TABLE apart (id integer PRIMARY KEY, a integer, b integer, UNIQUE (a, b));
CREATE TABLE bookings (number integer PRIMARY KEY, title text);
CREATE TABLE letters (id numeric(4,1) PRIMARY KEY, "to" mail, x integer, y integer);
"""
TARGET = """
CREATE SCHEMA app;
CREATE TABLE app.branches (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor_no bigint NOT NULL UNIQUE, label text NOT NULL
);
CREATE TABLE app.clients (
  id integer PRIMARY KEY, branch_id integer REFERENCES app.branches, full_name text, spot text, settings jsonb,
  state text, "Wählbar" text, ticket_no integer
);
CREATE TABLE app.alike (id integer PRIMARY KEY, a integer, b integer, UNIQUE (a, b));
CREATE TABLE app.apart (id integer PRIMARY KEY, a integer, b integer, UNIQUE NULLS NOT DISTINCT (a, b));
CREATE TABLE app.visits (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor_no integer UNIQUE, label text);
"""
MAPPING = """
version: 1
ignore:
  source: {public.letters: only the stores speak of it}
tables:
  app.branches:
    from: public.shops
    key: [vendor_no]
    columns: {id: {default: true}, vendor_no: number, label: title}
  app.alike: {from: public.alike, key: [id], columns: {id: id, a: a, b: b}}
  app.apart: {from: public.apart, key: [id], columns: {id: id, a: a, b: b}}
  app.visits:
    from: public.bookings
    key: [vendor_no]
    columns: {id: {default: true}, vendor_no: number, label: title}
  app.clients:
    from: public.people
    key: [id]
    columns:
      id: id
      branch_id: {lookup: {table: public.shops, match: {number: shop}, take: id, missing: fail}}
      full_name: {sql: "concat(first, '|', last)"}
      spot: {sql: "concat(shop, '/', place)"}
      settings: {fold: [a, b]}
      state: status
      "Wählbar": Select
      ticket_no: ticket
    back:
      first: {sql: "split_part(full_name, '|', 1)", exact: true, why: the first part}
      last: {sql: "split_part(full_name, '|', 2)", exact: true, why: the second part}
      place: {sql: "split_part(spot, '/', 2)", exact: true, why: the second part}
"""
ANN = {"id": 1, "shop": 7, "first": "Ann", "last": "Lee", "place": "desk", "a": "1", "b": "2", "status": "old", "ticket": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    legacy: str
    target: str
    compiled: dict[str, Any]


@pytest.fixture(scope="module")
def world(pg16: Server) -> Iterator[World]:
    for name, schema in (("breaking_legacy", LEGACY), ("breaking_target", TARGET)):
        sql(pg16, f"CREATE DATABASE {name}")
        sql(pg16, schema, database=name)
    legacy, target = pg16.url("breaking_legacy"), pg16.url("breaking_target")
    document = read_text(MAPPING, path="people.yaml")

    def compiled() -> dict[str, Any]:
        return asyncio.run(compile_document(document, Servers(source=legacy, target=target))).content

    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            yield World(legacy=legacy, target=target, compiled=pool.submit(compiled).result())
    finally:
        for name in ("breaking_legacy", "breaking_target"):
            sql(pg16, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(world: World) -> AsyncIterator[MappedStore]:
    async with await MappedStore.open(world.target, world.compiled) as opened:
        yield opened


@pytest.fixture
def target(world: World) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(world.target, autocommit=True) as connection:
        connection.execute("TRUNCATE app.clients, app.branches")
        connection.execute("INSERT INTO app.branches (vendor_no, label) VALUES (7, 'Main'), (8, 'Side')")
        yield connection


async def meanwhile(other: psycopg.Connection[Any], change: str, call: Callable[[], Awaitable[Any]]) -> Any:
    """The call while somebody else has changed the row, and commits when the call waits for it."""
    with other.transaction():
        other.execute(change.encode())
        waiting = asyncio.ensure_future(call())
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        while not other.execute(blocked).fetchone()[0]:  # type: ignore[index]
            assert not waiting.done(), waiting
            await asyncio.sleep(0.01)
    return await waiting


# Races on the new schema


async def test_a_delete_spares_a_row_that_is_no_longer_what_was_asked_for(
    store: MappedStore, target: psycopg.Connection[Any]
) -> None:
    people = store.repository("people")
    await people.upsert(ANN)
    gone = await meanwhile(target, "UPDATE app.clients SET state = 'kept'", lambda: people.delete({"status": "old"}))
    assert (gone, await people.count()) == (0, 1)


async def test_two_who_write_parts_of_one_new_row_lose_neither(store: MappedStore, target: psycopg.Connection[Any]) -> None:
    people = store.repository("people")
    theirs = (
        """INSERT INTO app.clients SELECT 1, id, 'Ann|', '7/desk', '{"a": "1"}', 'old', null, 1 FROM app.branches"""
        " WHERE vendor_no = 7"
    )
    mine = {"id": 1, "shop": 7, "last": "Lee", "b": "2", "ticket": 1}
    stored = await meanwhile(target, theirs, lambda: people.upsert(mine))
    assert stored == {**ANN, "Select": None}


async def test_a_row_that_moved_to_another_shop_meanwhile_is_completed_with_that(
    store: MappedStore, target: psycopg.Connection[Any]
) -> None:
    people = store.repository("people")
    await people.upsert(ANN)
    moved = "UPDATE app.clients SET spot = '8/desk', branch_id = (SELECT id FROM app.branches WHERE vendor_no = 8)"
    await meanwhile(target, moved, lambda: people.upsert({"id": 1, "ticket": 1, "place": "sofa"}))
    assert target.execute("SELECT spot FROM app.clients").fetchone() == ("8/sofa",)


async def test_where_a_lock_alone_keeps_rows_apart_it_is_not_waited_for_with_an_old_eye(
    world: World, target: psycopg.Connection[Any]
) -> None:
    dsn = psycopg.conninfo.make_conninfo(world.target, options="-c default_transaction_isolation=repeatable\\ read")
    async with await MappedStore.open(dsn, world.compiled) as strict:
        by_id, by_ticket = strict.repository("people"), strict.repository("people", conflict=["ticket"])
        assert (await by_id.upsert(ANN))["ticket"] == 1
        with pytest.raises(NotSupported, match="under repeatable read"):
            await by_ticket.upsert({**ANN, "first": "Bob"})


# Keys with NULLs


async def test_a_key_whose_nulls_are_alike_finds_its_row(world: World, store: MappedStore) -> None:
    async with await SqlStore.open(world.legacy) as plain:
        for each in (plain, store):
            alike = each.repository("alike", conflict=["a", "b"])
            for number in (1, 2):
                await alike.upsert({"id": number, "a": 1, "b": None})
            await alike.bulk_upsert([{"id": 3, "a": None, "b": 1}, {"id": 4, "a": None, "b": 1}])
            assert [row["id"] for row in await alike.find_many(order=[asc("id")])] == [2, 4]


async def test_a_key_whose_nulls_are_apart_never_goes_over_another_row(store: MappedStore) -> None:
    apart = store.repository("apart", conflict=["a", "b"])
    await apart.upsert({"id": 1, "a": 1, "b": None})
    with pytest.raises(DuplicateKey):
        await apart.upsert({"id": 2, "a": 1, "b": None})
    assert [row["id"] for row in await apart.find_many()] == [1]


# Documents


async def test_members_of_a_document_that_were_not_given_stay_as_the_new_application_wrote_them(
    store: MappedStore, target: psycopg.Connection[Any]
) -> None:
    people = store.repository("people")
    await people.upsert(ANN)
    target.execute("""UPDATE app.clients SET settings = '{"a": {"x": 1}, "b": 2.50, "c": [3]}'""")
    await people.upsert({**{name: ANN[name] for name in ("id", "ticket")}, "b": "5"})
    assert target.execute("SELECT settings FROM app.clients").fetchone() == ({"a": {"x": 1}, "b": "5", "c": [3]},)


# Triggers


async def test_a_change_that_a_trigger_of_the_target_swallows_is_told(store: MappedStore, target: psycopg.Connection[Any]) -> None:
    people = store.repository("people")
    await people.upsert(ANN)
    target.execute(
        "CREATE FUNCTION app.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER no BEFORE UPDATE ON app.clients FOR EACH ROW EXECUTE FUNCTION app.no()"
    )
    try:
        with pytest.raises(DataError, match="not written"):
            await people.upsert({**ANN, "status": "new"})
    finally:
        target.execute("DROP FUNCTION app.no CASCADE")


# Walks


async def test_a_walk_leaves_out_no_row_that_only_the_new_application_wrote(
    store: MappedStore, target: psycopg.Connection[Any]
) -> None:
    target.execute("TRUNCATE app.visits; INSERT INTO app.visits (vendor_no) VALUES (1), (NULL), (2), (NULL), (3), (4), (NULL)")
    bookings = store.repository("bookings")
    walked = [row["number"] async for row in bookings.iterate(batch=2)]
    assert walked == [1, 2, 3, 4, None, None, None]
    assert [row async for row in bookings.iterate({"number": 9}, batch=2)] == []


async def test_a_walk_by_a_key_that_is_none_in_the_new_schema_leaves_out_no_twin(
    world: World, target: psycopg.Connection[Any]
) -> None:
    target.execute("INSERT INTO app.clients (id, ticket_no) VALUES (1, 5), (2, 6), (3, 6), (4, 6), (5, NULL)")
    people = {**world.compiled["tables"]["public.people"]}
    people["keys"] = [{**key, "primary": False} for key in people["keys"] if key["columns"] == ["ticket"]]
    compiled = {**world.compiled, "tables": {**world.compiled["tables"], "public.people": people}}
    async with await MappedStore.open(world.target, compiled) as opened:
        walked = [row["ticket"] async for row in opened.repository("people").iterate(batch=2)]
    assert walked == [5, 6, 6, 6, None]


# Drift


@contextmanager
def changed(target: psycopg.Connection[Any], there: str, back: str) -> Iterator[None]:
    target.execute(there.encode())
    try:
        yield
    finally:
        target.execute(back.encode())


DRIFTS = {
    "ALTER TABLE app.clients ALTER state TYPE varchar(5)": "ALTER TABLE app.clients ALTER state TYPE text",
    "ALTER TABLE app.clients ALTER ticket_no TYPE text USING ticket_no::text": (
        "ALTER TABLE app.clients ALTER ticket_no TYPE integer USING ticket_no::integer"
    ),
    "ALTER TABLE app.clients ADD owed integer NOT NULL": "ALTER TABLE app.clients DROP owed",
    "ALTER TABLE app.branches DROP CONSTRAINT branches_vendor_no_key": "ALTER TABLE app.branches ADD UNIQUE (vendor_no)",
    "ALTER TABLE app.clients DROP CONSTRAINT clients_pkey": "ALTER TABLE app.clients ADD PRIMARY KEY (id)",
    "ALTER TABLE app.clients DROP CONSTRAINT clients_branch_id_fkey; ALTER TABLE app.branches DROP CONSTRAINT branches_pkey": (
        "ALTER TABLE app.branches ADD PRIMARY KEY (id); ALTER TABLE app.clients ADD FOREIGN KEY (branch_id) REFERENCES app.branches"
    ),
}


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift[12:60])
async def test_a_target_that_changed_after_the_compilation_is_noticed_at_the_start(
    drift: str, world: World, target: psycopg.Connection[Any]
) -> None:
    with changed(target, drift, DRIFTS[drift]), pytest.raises(Misconfigured, match=r"app\.(clients|branches)") as refused:
        await MappedStore.open(world.target, world.compiled)
    assert "crosswalk compile" in refused.value.hint


# A database as it is


async def test_a_column_that_is_renamed_under_an_open_store_is_told_as_what_it_is(world: World) -> None:
    """The row has been written then, so that it must not look like a refusal: dual-write would not carry it."""
    async with await SqlStore.open(world.legacy) as plain:
        letters = plain.repository("letters")
        with psycopg.connect(world.legacy, autocommit=True) as other:
            rename, back = "ALTER TABLE letters RENAME y TO z", "ALTER TABLE letters RENAME z TO y"
            with changed(other, rename, back), pytest.raises(DataError, match="column y") as told:
                await letters.upsert({"id": 8, "x": 2})
            assert type(told.value) is DataError
            assert other.execute("SELECT x FROM letters WHERE id = 8").fetchone() == (2,)


async def test_a_condition_outside_of_a_domain_finds_nothing(world: World) -> None:
    async with await SqlStore.open(world.legacy) as plain:
        letters = plain.repository("letters")
        assert await letters.find_many({"to": "nobody"}) == []
        assert await letters.find_many({"to": ["nobody", "no one"]}) == []
        await letters.upsert({"id": 7, "to": "a@b"})
        assert await letters.count({"to": neq("nobody")}) == 1


async def test_the_last_of_keys_that_the_database_takes_for_equal_wins(world: World) -> None:
    async with await SqlStore.open(world.legacy) as plain:
        letters = plain.repository("letters")
        await letters.bulk_upsert([{"id": 5, "x": 1}, {"id": "1.21", "x": 1, "y": 1}, {"id": "1.23", "x": 2}])
        assert (await letters.find_one({"id": "1.2"}, columns=["x", "y"])) == {"x": 2, "y": 1}
