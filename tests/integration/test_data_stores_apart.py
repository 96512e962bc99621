"""What only some stores have: transactions, lost connections, the API's cap, the mapping's refusals."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from crosswalk import embedded
from crosswalk.data.compiled.document import read_compiled
from crosswalk.data.conditions import asc, eq, gt, gte
from crosswalk.data.failures import (
    BadValue,
    CheckViolated,
    ColumnMissing,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    Misconfigured,
    NoMatchingKey,
    NotSupported,
    TableMissing,
    Unavailable,
)
from crosswalk.data.repository import statements
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.question import ask
from crosswalk.data.repository.repository import Repository, Row, Store
from crosswalk.data.repository.rest import RestStore
from crosswalk.data.repository.rewriting import Mapped
from crosswalk.data.repository.sql import SqlStore
from crosswalk.data.repository.statements import Parameters
from crosswalk.data.repository.table import Table
from crosswalk.embedded import Server
from tests.data_stores import MAX_ROWS, World, empty, stores, world
from tests.postgrest import Refusal, doorman
from tests.servers import sql

pytestmark = pytest.mark.asyncio(loop_scope="module")
Opened = dict[str, Store]
ANN = {"id": 1, "shop": 7, "name": "Ann"}


@pytest.fixture(scope="module")
def found(pg16: Server) -> Iterator[World]:
    with world(pg16, "data_apart") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(found: World) -> AsyncIterator[Opened]:
    async with stores(found) as made:
        yield made


@pytest.fixture
def legacy(found: World) -> Iterator[psycopg.Connection[Any]]:
    empty(found)
    with psycopg.connect(found.legacy, autocommit=True) as connection:
        connection.execute("INSERT INTO shops VALUES (7, 'Main'), (8, 'Side')")
        yield connection


@pytest.fixture
def target(found: World) -> Iterator[psycopg.Connection[Any]]:
    empty(found)
    with psycopg.connect(found.target, autocommit=True) as connection:
        connection.execute("INSERT INTO app.branches (vendor_no, label) VALUES (7, 'Main'), (8, 'Side')")
        yield connection


def memory(opened: Opened) -> MemoryStore:
    by_sql = opened["sql"]
    assert isinstance(by_sql, SqlStore)
    return MemoryStore(by_sql.tables)


@pytest.fixture(params=["memory", "sql", "mapped"])
def store(request: pytest.FixtureRequest, opened: Opened, found: World) -> Store:
    empty(found)
    return memory(opened) if request.param == "memory" else opened[request.param]


# Transactions


async def test_a_transaction_holds_together_what_several_tables_get(store: Store) -> None:
    async with store.transaction() as work:
        await work.repository("shops").upsert({"number": 7, "title": "Main"})
        await work.repository("people").upsert(ANN)
    assert await store.repository("people").count() == 1
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with store.transaction() as work:
            await work.repository("shops").upsert({"number": 8, "title": "Side"})
            assert await work.repository("people").delete({"id": 1}) == 1
            raise ZeroDivisionError
    assert await store.repository("shops").count() == 1
    assert await store.repository("people").count() == 1


async def test_a_failed_write_inside_a_transaction_takes_back_itself_only(store: Store) -> None:
    shops = store.repository("shops")
    async with shops.transaction() as bound:
        await bound.upsert({"number": 7, "title": "Main"})
        with pytest.raises(DataError):
            await bound.bulk_upsert([{"number": 8, "title": "x"}, {"number": 9, "title": None}])
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with bound.transaction() as inner:
                await inner.upsert({"number": 10, "title": "x"})
                raise ZeroDivisionError
        assert await bound.count() == 1
    assert [row["number"] for row in await shops.find_many()] == [7]


async def test_others_do_not_see_an_open_transaction(store: Store) -> None:
    shops = store.repository("shops")
    async with shops.transaction() as bound:
        await bound.upsert({"number": 7, "title": "Main"})
        outside = asyncio.ensure_future(shops.count())
        await asyncio.sleep(0)
        assert await bound.count() == 1
        if not isinstance(store, MemoryStore):
            assert await outside == 0
    assert await outside in {0, 1}
    assert await shops.count() == 1


async def test_many_callers_write_one_row_each_once(store: Store) -> None:
    await store.repository("shops").upsert({"number": 7, "title": "Main"})
    people = store.repository("people")
    await asyncio.gather(*(people.upsert({"id": n % 5, "shop": 7, "name": f"n{n}"}) for n in range(40)))
    assert await people.count() == 5


async def test_the_api_has_no_transaction(opened: Opened) -> None:
    with pytest.raises(NotSupported):
        async with opened["rest"].repository("people").transaction():
            pass


# The catalog's keys


async def test_partial_expression_and_deferrable_keys_serve_nothing(opened: Opened) -> None:
    for column, why in (("note", "partial"), ("mark", "deferrable")):
        with pytest.raises(NoMatchingKey) as refused:
            opened["sql"].repository("people", conflict=[column])
        for said in ("public.people", f"({column})", "people_pkey (id)", "people_phone_key (shop, phone)", why):
            assert said in str(refused.value)


async def test_a_key_without_a_name_is_told_once(opened: Opened) -> None:
    with pytest.raises(NoMatchingKey) as refused:
        opened["mapped"].repository("people", conflict=["note"])
    assert str(refused.value).count("(shop, phone)") == 1


async def test_the_api_tries_the_keys_that_it_is_told_of(found: World) -> None:
    for columns in (["note"], ["shop"]):
        with pytest.raises(NoMatchingKey, match=r"public\.people lacks a unique key"):
            await RestStore.open(found.api.url, found.key, keys={"people": [columns]})
    with pytest.raises(ColumnMissing):
        await RestStore.open(found.api.url, found.key, keys={"people": [["nope"]]})
    with pytest.raises(TableMissing):
        await RestStore.open(found.api.url, found.key, keys={"nope": [["id"]]})


async def test_without_a_walkable_key_there_is_no_walk(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    for name in ("sql", "rest"):
        loose = opened[name].repository("loose", conflict=["a"])
        await loose.bulk_upsert([{"a": None, "b": "x"}, {"a": None, "b": "y"}, {"a": 1, "b": f"{name}"}])
        assert (await loose.find_one({"a": 1})) == {"a": 1, "b": name}
        with pytest.raises(NotSupported):
            [row async for row in loose.iterate()]
        with pytest.raises(NoMatchingKey):
            await opened[name].repository("loose").upsert({"a": 1})


async def test_a_cut_answer_without_a_key_to_go_on_by_is_refused(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    loose = opened["rest"].repository("loose")
    legacy.execute(f"INSERT INTO loose SELECT g, 'x' FROM generate_series(1, {MAX_ROWS}) g")
    assert len(await loose.find_many()) == MAX_ROWS
    legacy.execute("INSERT INTO loose VALUES (100, 'y')")
    with pytest.raises(NotSupported, match="cut its answer"):
        await loose.find_many()
    assert await loose.count() == MAX_ROWS + 1


async def test_a_row_that_a_trigger_swallows_is_told(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    legacy.execute(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.title = ''x'' THEN RETURN NULL; END IF; RETURN NEW; END';"
        "CREATE TRIGGER swallow BEFORE INSERT ON shops FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    try:
        for name in ("sql", "rest"):
            with pytest.raises(DataError, match="1 row not written"):
                await opened[name].repository("shops").bulk_upsert([{"number": 20, "title": "x"}, {"number": 21, "title": "y"}])
        assert await opened["sql"].repository("shops").count({"number": 20}) == 0
    finally:
        legacy.execute("DROP FUNCTION swallow CASCADE")


async def test_a_trigger_s_words_stay_out_of_the_message(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    legacy.execute(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no %'', NEW.title; END';"
        "CREATE TRIGGER tell BEFORE INSERT ON shops FOR EACH ROW EXECUTE FUNCTION tell()"
    )
    try:
        for name in ("sql", "rest"):
            with pytest.raises(DataError) as refused:
                await opened[name].repository("shops").upsert({"number": 20, "title": "secret"})
            assert (refused.value.code, "secret" in str(refused.value)) == ("P0001", False)
            assert "no secret" in refused.value.details
    finally:
        legacy.execute("DROP FUNCTION tell CASCADE")


# Lost connections


async def waiting(connection: psycopg.Connection[Any]) -> int:
    """The backend that waits for a lock, now: what a transaction has seen of the others' state is kept to its end otherwise."""
    while True:
        await asyncio.sleep(0.005)
        connection.execute("SELECT pg_stat_clear_snapshot()")
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
        if row is not None:
            return int(row[0])


def end_idle(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state = 'idle'"
    )


async def test_connections_that_broke_while_they_lay_idle_cost_nothing(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    people = opened["sql"].repository("people")
    for n in range(3):
        end_idle(legacy)
        await asyncio.sleep(0.05)
        assert (await people.upsert({**ANN, "visits": n}))["visits"] == n
        end_idle(legacy)
        await asyncio.sleep(0.05)
        assert await people.count() == 1


async def test_a_read_that_lost_its_connection_is_tried_again(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    people = opened["sql"].repository("people")
    await people.upsert(ANN)
    with legacy.transaction():
        legacy.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(people.count())
        first = await waiting(legacy)
        legacy.execute("SELECT pg_terminate_backend(%s)", [first])
        while await waiting(legacy) == first:
            pass
    assert await reading == 1


async def test_a_write_that_lost_its_connection_is_unavailable_and_not_repeated(
    opened: Opened, legacy: psycopg.Connection[Any]
) -> None:
    people = opened["sql"].repository("people")
    with legacy.transaction():
        legacy.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
        writing = asyncio.create_task(people.upsert(ANN))
        legacy.execute("SELECT pg_terminate_backend(%s)", [await waiting(legacy)])
        with pytest.raises(Unavailable) as refused:
            await writing
    assert refused.value.table == "public.people"
    assert await people.count() == 0
    assert (await people.upsert(ANN))["id"] == 1


async def test_a_restarted_server_costs_no_later_call() -> None:
    with embedded.ephemeral(version=16, fast=True) as server:
        sql(server, "CREATE TABLE notes (id int PRIMARY KEY, text text)")
        async with await SqlStore.open(server.url("postgres"), wait=1) as store:
            notes = store.repository("notes")
            await asyncio.gather(*(notes.upsert({"id": n, "text": "a"}) for n in range(20)))
            await asyncio.to_thread(embedded.stop, server.name, immediate=True)
            with pytest.raises(Unavailable):
                await notes.count()
            await asyncio.to_thread(embedded.start, server.name, owner_pid=os.getpid(), fast=True)
            await asyncio.gather(*(notes.upsert({"id": n, "text": "b"}) for n in range(20)))
            assert await notes.count({"text": "b"}) == 20


async def test_a_cancelled_call_gives_its_connection_back(found: World, legacy: psycopg.Connection[Any]) -> None:
    async with await SqlStore.open(found.legacy, pool_size=1, wait=5) as store:
        people = store.repository("people")
        for call in (people.count, lambda: people.upsert(ANN)):
            with legacy.transaction():
                legacy.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
                task: asyncio.Task[Any] = asyncio.ensure_future(call())
                await waiting(legacy)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await people.count() == 0


async def test_a_server_that_is_not_there_is_unavailable_and_no_secret_is_told() -> None:
    with pytest.raises(Unavailable) as refused:
        await SqlStore.open("postgresql://someone:hidden@127.0.0.1:1/none")
    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r}"
    with pytest.raises(Unavailable) as refused:
        await RestStore.open("http://127.0.0.1:1", "hidden")
    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r}"
    with pytest.raises(Misconfigured, match="cannot be read"):
        await SqlStore.open("not a connection string at all: hidden")
    with pytest.raises(Misconfigured):
        await RestStore.open("ftp://somewhere", "hidden")


async def test_why_no_connection_was_to_be_had_is_told(found: World) -> None:
    with pytest.raises(Unavailable) as refused:
        await SqlStore.open("postgresql://someone:hidden@127.0.0.1:1/none")
    assert "Connection refused" in refused.value.hint
    async with await SqlStore.open(found.legacy, pool_size=1, wait=1) as store, store.transaction():
        with pytest.raises(Unavailable, match="all connections of the pool are in use") as busy:
            await store.repository("people").count()
    assert "pool_size" in busy.value.hint


async def test_a_closed_store_is_unavailable(found: World) -> None:
    store = await SqlStore.open(found.legacy)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable):
        await store.repository("people").count()


async def test_the_api_s_failures_have_names(found: World, legacy: psycopg.Connection[Any]) -> None:
    turn: list[Refusal | None] = []
    with doorman(found.api, lambda _path, _number: turn.pop(0) if turn else None) as door:
        async with await RestStore.open(door.url, found.key) as store:
            people = store.repository("people")
            turn[:] = [Refusal(status=0, hang_up=True)]
            assert await people.count() == 0
            turn[:] = [Refusal(status=0, hang_up=True)] * 2
            with pytest.raises(Unavailable):
                await people.count()
            turn[:] = [Refusal(status=503, body=b"<html>")]
            with pytest.raises(Unavailable, match="HTTP 503"):
                await people.count()
            turn[:] = [Refusal(status=403, body=b"<html>")]
            with pytest.raises(DataError, match="HTTP 403"):
                await people.count()
            with pytest.raises(NotSupported, match="too long"):
                await people.find_many({"id": list(range(20_000))})
    with pytest.raises(DataError) as refused:
        await RestStore.open(found.api.url, found.key + "x")
    assert found.key not in str(refused.value)


async def test_a_batch_of_several_requests_tells_what_had_landed(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    with pytest.raises(CheckViolated) as refused:
        await opened["rest"].repository("people").bulk_upsert([ANN, {**ANN, "id": 2, "visits": -1}])
    assert refused.value.hint.startswith("1 row of the batch had landed before")


async def test_no_value_of_a_condition_reaches_a_log(
    opened: Opened, legacy: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await opened["rest"].repository("people").find_many({"name": "secret"})
    await opened["sql"].repository("people").find_many({"name": "secret"})
    assert "secret" not in caplog.text
    assert "/people" in caplog.text


async def test_a_table_that_went_away_has_a_name(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    legacy.execute("ALTER TABLE loose RENAME TO looser")
    try:
        for name in ("sql", "rest"):
            with pytest.raises(TableMissing):
                await opened[name].repository("loose").find_many()
    finally:
        legacy.execute("ALTER TABLE looser RENAME TO loose")


# Types as the servers have them


async def test_what_python_cannot_hold_stays_text(opened: Opened, legacy: psycopg.Connection[Any]) -> None:
    legacy.execute(
        "INSERT INTO people (id, shop, name, born, opens, seen, created, balance, span) VALUES"
        " (1, 7, 'n', 'infinity', '24:00', '-infinity', '12000-01-01 00:00+00', 'NaN', '1 mon -2 days'),"
        " (2, 7, 'n', '0044-03-15 BC', NULL, 'infinity', 'infinity', NULL, '-1 years')"
    )
    rows = {name: await opened[name].repository("people").find_many(order=[asc("id")]) for name in ("sql", "rest")}
    assert repr(rows["sql"]) == repr(rows["rest"])
    first, second = rows["sql"]
    assert (first["born"], first["opens"], first["seen"], first["created"]) == (
        "infinity", "24:00:00", "-infinity", "12000-01-01T00:00:00+00:00",
    )  # fmt: skip
    assert (second["born"], second["span"], first["span"]) == ("0044-03-15 BC", "-1 years", "1 mon -2 days")
    assert first["balance"].is_nan()
    for name in ("sql", "rest"):
        assert repr(await opened[name].repository("people").bulk_upsert(rows["sql"])) == repr(rows["sql"])


async def test_domains_enums_and_odd_names_pass(found: World, legacy: psycopg.Connection[Any]) -> None:
    legacy.execute(
        'CREATE DOMAIN amount AS numeric(8,2) CHECK (VALUE > 0); CREATE TYPE mood AS ENUM (\'sad\', \'ok\'); CREATE SCHEMA "My app";'
        'CREATE TABLE "My app"."Odd ""one""" ('
        '"The Key" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "a.b" amount, mood mood, moods mood[],'
        ' grid int[], twice numeric GENERATED ALWAYS AS ("a.b" * 2) STORED, UNIQUE ("a.b"))'
    )
    try:
        async with await SqlStore.open(found.legacy) as store:
            odd = store.repository('"My app"."Odd ""one"""', conflict=["a.b"])
            stored = await odd.upsert({"a.b": "1.5", "mood": "ok", "moods": ["sad", None], "grid": [[1, 2], [3, 4]]})
            assert list(stored.values())[1:] == [stored["a.b"], "ok", ["sad", None], [[1, 2], [3, 4]], stored["a.b"] * 2]
            assert await odd.find_many({"mood": "ok", "a.b": 1.5, "moods": eq(["sad"])}) == []
            assert await odd.find_many({"mood": ["ok"], "a.b": gt(1)}, order=[asc("mood")]) == [stored]
            with pytest.raises(CheckViolated):
                await odd.upsert({"a.b": -1})
            with pytest.raises(BadValue):
                await odd.upsert({"a.b": 2, "mood": "great"})
    finally:
        legacy.execute('DROP SCHEMA "My app" CASCADE; DROP DOMAIN amount; DROP TYPE mood')


# The new schema


async def test_a_mapped_write_touches_only_what_it_speaks_of(opened: Opened, target: psycopg.Connection[Any]) -> None:
    people = opened["mapped"].repository("people")
    await people.upsert({**ANN, "phone": "5", "note": "n", "status": "past"})
    target.execute("UPDATE app.clients SET marketing = 'yes', state = 'unheard of', legacy = legacy || '{\"more\": 1}', minutes = 7")
    stored = await people.upsert({**ANN, "name": "Bob", "seconds": 600})
    row = target.execute("SELECT full_name, marketing, state, legacy, minutes, phone FROM app.clients").fetchone()
    assert row == ("Bob", "yes", "unheard of", {"kept": {"note": "n"}, "more": 1}, 10, "5")
    assert (stored["name"], stored["seconds"], stored["note"]) == ("Bob", 600, "n")
    await people.upsert({**ANN, "note": "other"})
    row = target.execute("SELECT legacy, marketing FROM app.clients").fetchone()
    assert row == ({"kept": {"note": "other"}, "more": 1}, "yes")


async def test_what_the_mapping_does_not_take_is_an_error_by_name(opened: Opened, target: psycopg.Connection[Any]) -> None:
    people = opened["mapped"].repository("people")
    with pytest.raises(ForeignKeyViolated, match=r"app\.clients\.branch_id: .*lookup\.missing") as refused:
        await people.bulk_upsert([ANN, {**ANN, "id": 2, "shop": 99}])
    assert (refused.value.code, refused.value.column) == ("23503", "branch_id")
    with pytest.raises(DataError, match=r"app\.clients\.state"):
        await people.upsert({**ANN, "status": "strange"})
    with pytest.raises(DataError, match=r"app\.clients\.visits_count"):
        await people.upsert({**ANN, "visits": 2**40})
    with pytest.raises(DataError, match=r"app\.clients\.full_name"):
        await people.upsert({**ANN, "name": "x" * 81})
    assert await people.count() == 0


async def test_a_row_keeps_its_place_when_its_key_changes(opened: Opened, target: psycopg.Connection[Any]) -> None:
    people = opened["mapped"].repository("people", conflict=["shop", "phone"])
    await people.upsert({**ANN, "phone": "5"})
    target.execute("UPDATE app.clients SET marketing = 'yes'")
    assert (await people.upsert({**ANN, "id": 9, "phone": "5"}))["id"] == 9
    assert target.execute("SELECT id, marketing FROM app.clients").fetchall() == [(9, "yes")]


async def test_conditions_on_the_new_schema_are_served_by_its_indexes(
    found: World, opened: Opened, target: psycopg.Connection[Any]
) -> None:
    target.execute(
        "INSERT INTO app.clients (id, branch_id, full_name, phone, visits_count, created_at)"
        " SELECT g, (SELECT min(id) FROM app.branches), 'n', g::text, 0, now() FROM generate_series(1, 5000) g; ANALYZE app.clients"
    )
    people = opened["mapped"].repository("people")
    assert await people.find_one({"shop": 7, "phone": "17"}, columns=["id"]) == {"id": 17}
    assert [row["id"] async for row in people.iterate({"id": gte(4990)}, batch=4)] == list(range(4990, 5001))
    known = MappedStore.described(opened["mapped"], "people")  # type: ignore[arg-type]
    compiled = read_compiled(found.compiled).table("people")
    for where, index in (({"shop": 7, "phone": "17"}, "people_phone_key"), ({"id": [17, 18]}, "clients_pkey")):
        parameters = Parameters()
        told = statements.select(Mapped(compiled=compiled), ask(known, where, columns=["name"]), parameters, table=known)
        plan = psycopg.RawCursor(target).execute(f"EXPLAIN {told}", parameters.values).fetchall()
        assert index in str(plan), plan


async def test_a_mapping_for_another_target_is_refused_at_the_start(found: World, target: psycopg.Connection[Any]) -> None:
    target.execute("ALTER TABLE app.clients RENAME state TO condition")
    try:
        with pytest.raises(Misconfigured, match=r"app\.clients\.state"):
            await MappedStore.open(found.target, found.compiled)
    finally:
        target.execute("ALTER TABLE app.clients RENAME condition TO state")
    target.execute("ALTER TABLE app.clients DROP CONSTRAINT people_phone_key")
    try:
        with pytest.raises(Misconfigured, match=r"\(branch_id, phone\)"):
            await MappedStore.open(found.target, found.compiled)
    finally:
        target.execute("ALTER TABLE app.clients ADD CONSTRAINT people_phone_key UNIQUE (branch_id, phone)")


async def test_what_cannot_be_read_back_has_its_reason(found: World, target: psycopg.Connection[Any]) -> None:
    compiled = copy.deepcopy(found.compiled)
    people = compiled["tables"]["public.people"]
    status = people["columns"]["status"]
    people["columns"]["status"] = {name: status[name] for name in ("type", "cast", "default")} | {"absent": "dropped: of no use"}
    people["writes"]["full_name"] |= {"reads": ["name", "status"], "blind": ["status"]}
    people["unwritten"] = {"tags": {"why": "it is in several pieces", "reads": ["tags"]}}
    del people["writes"]["tags"]
    async with await MappedStore.open(found.target, compiled) as store:
        read = store.repository("people")
        assert "status" not in await read.upsert({**ANN, "status": "past"})
        for ask in (read.find_many({"status": "past"}), read.find_many(columns=["status"]), read.find_many(order=[asc("status")])):
            with pytest.raises(ColumnMissing, match="dropped: of no use"):
                await ask
        with pytest.raises(NotSupported, match="status must be given too"):
            await read.upsert({**ANN, "name": "Bob"})
        assert (await read.upsert({**ANN, "name": "Bob", "status": "gone"}))["name"] == "Bob"
        assert (await read.upsert({**ANN, "id": 2}))["name"] == "Ann"
        with pytest.raises(NotSupported, match="in several pieces"):
            await read.upsert({**ANN, "tags": ["a"]})
        assert await read.count() == 2


async def test_without_an_arbiter_rows_are_matched_under_a_lock(found: World, target: psycopg.Connection[Any]) -> None:
    compiled = {**found.compiled, "tables": {**found.compiled["tables"]}}
    people = dict(compiled["tables"]["public.people"])
    people["keys"] = [{**key, "arbiter": None, "matched": []} for key in people["keys"]]
    compiled["tables"]["public.people"] = people
    target.execute("ALTER TABLE app.clients DROP CONSTRAINT people_phone_key")
    try:
        async with await MappedStore.open(found.target, compiled) as store:
            found_ = store.repository("people", conflict=["shop", "phone"])
            rows = [{"id": n, "shop": 7, "name": f"n{n}", "phone": "5"} for n in range(1, 9)]
            await asyncio.gather(*(found_.upsert(row) for row in rows))
            assert await found_.count() == 1
            target.execute(
                "INSERT INTO app.clients (id, branch_id, full_name, phone, visits_count, created_at)"
                " SELECT 100, branch_id, 'twin', phone, 0, now() FROM app.clients"
            )
            with pytest.raises(DataError, match="several rows"):
                await found_.upsert(rows[0])
            assert await found_.count({"name": "twin"}) == 1
    finally:
        target.execute("TRUNCATE app.clients; ALTER TABLE app.clients ADD CONSTRAINT people_phone_key UNIQUE (branch_id, phone)")


# Memory


async def test_memory_by_hand() -> None:
    table = Table.of(
        "notes", {"id": "bigint not null default identity", "at": "timestamptz not null default now()", "text": "varchar(5)"},
        primary=["id"], unique=[["text"]],
    )  # fmt: skip
    notes = MemoryStore([table]).repository("notes", conflict=["text"])
    first = await notes.upsert({"text": "a"})
    assert (first["id"], (await notes.upsert({"text": "b"}))["id"]) == (1, 2)
    assert await notes.upsert({"text": "a"}) == first
    with pytest.raises(DuplicateKey):
        await notes.upsert({"id": 1, "text": "b"}, conflict=["id"])
    first["text"] = "changed outside"
    assert await notes.count({"text": "a"}) == 1
    with pytest.raises(Misconfigured, match=r"public\.odd\.x"):
        MemoryStore([Table.of("odd", {"x": "int default compute()"})])


def repositories_are_repositories(store: Store) -> Repository[Row]:
    """Read by mypy: what a store makes satisfies the protocol."""
    return store.repository("people")
