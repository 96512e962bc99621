"""The repositories for synchronous code: one background loop, which ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest
from pydantic import BaseModel

from crosswalk.data.conditions import asc, ilike
from crosswalk.data.failures import ColumnMissing, Misconfigured
from crosswalk.data.repository import blocking as blocked
from crosswalk.data.repository.blocking import BlockingStore, blocking
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from tests.data_stores import LEGACY
from tests.servers import sql

ANN = {"id": 1, "shop": 7, "name": "Ann"}


@pytest.fixture(scope="module")
def url(pg16: Server) -> Iterator[str]:
    sql(pg16, "CREATE DATABASE data_blocking")
    sql(pg16, LEGACY, database="data_blocking")
    yield pg16.url("data_blocking")
    sql(pg16, "DROP DATABASE data_blocking WITH (FORCE)")


class Shop(BaseModel):
    number: int
    title: str


@pytest.fixture
def store(url: str) -> Iterator[BlockingStore]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE people, shops; INSERT INTO shops VALUES (7, 'Main'), (8, 'Side')")
    with blocking(SqlStore.open(url)) as opened:
        yield opened
    blocked.stop()


def test_synchronous_code_has_the_same_repositories(store: BlockingStore) -> None:
    people = store.repository("people")
    assert people.upsert(ANN)["name"] == "Ann"
    assert [row["id"] for row in people.bulk_upsert([{**ANN, "id": n} for n in (3, 2)])] == [3, 2]
    assert (people.find_one({"id": 1}) or {})["shop"] == 7
    assert [row["id"] for row in people.find_many({"name": ilike("a%")}, order=[asc("id")])] == [1, 2, 3]
    assert [row["id"] for row in people.iterate(batch=2)] == [1, 2, 3]
    for row in people.iterate(batch=1):
        assert row["id"] == 1
        break
    assert (people.count(), people.delete({"id": 3}), people.table) == (3, 1, "public.people")
    with pytest.raises(ColumnMissing):
        people.find_many({"nope": 1})
    assert [shop.number for shop in store.repository("shops", row=Shop).find_many(order=[asc("number")])] == [7, 8]


def test_synchronous_transactions(store: BlockingStore) -> None:
    people = store.repository("people")
    with pytest.raises(ZeroDivisionError), people.transaction() as bound:  # noqa: PT012
        bound.upsert(ANN)
        raise ZeroDivisionError
    assert people.count() == 0
    with store.transaction() as work:
        work.repository("people").upsert(ANN)
    assert people.count() == 1


def test_a_blocking_call_on_its_own_loop_is_refused(store: BlockingStore) -> None:
    people = store.repository("people")

    async def inside() -> None:
        people.count()

    with pytest.raises(Misconfigured):
        blocked.run(inside())


def test_the_background_thread_ends_and_starts_anew(url: str) -> None:
    for _ in range(2):
        with blocking(SqlStore.open(url)) as store:
            assert store.repository("shops").count() == 2
            assert "crosswalk-data" in {thread.name for thread in threading.enumerate()}
        blocked.stop()
        blocked.stop()
        assert "crosswalk-data" not in {thread.name for thread in threading.enumerate()}


def test_what_still_runs_is_ended_with_the_thread() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    async def begin() -> None:
        tasks.append(asyncio.create_task(forever()))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    blocked.run(begin())
    blocked.stop()
    assert ended == [True]


def test_callers_in_many_threads_share_the_loop(store: BlockingStore) -> None:
    shops = store.repository("shops")
    threads = [threading.Thread(target=shops.upsert, args=({"number": 100 + n, "title": "x"},)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shops.count({"title": "x"}) == 20
