"""The modes over a real old and a real new database: the same rows, compared, written to both, and made up for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from crosswalk import shadowlog
from crosswalk.data.conditions import asc, gte, ilike
from crosswalk.data.failures import DuplicateKey, NotSupported
from crosswalk.data.modes.flags import Settings, flags
from crosswalk.data.modes.journal import Journal
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.modes import Modes
from crosswalk.data.modes.router import Router
from crosswalk.data.modes.switch import Switch
from crosswalk.data.repository.repository import Row, Store
from crosswalk.embedded import Server
from tests.data_stores import World, empty, stores, world
from tests.servers import database_of, sql

pytestmark = pytest.mark.asyncio(loop_scope="module")
Opened = dict[str, Any]
ANN: Row = {
    "id": 1, "shop": 700, "name": "Ann Ж\\", "phone": "7999", "balance": Decimal("10.50"), "visits": 3, "score": 0.1,
    "ratio": 0.5, "active": True, "born": date(1990, 2, 28), "opens": time(9, 30), "seen": datetime(2026, 1, 1, 0, 30),
    "created": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "tags": ["a", None], "sums": [Decimal("1.0")],
    "extra": {"b": [1, 2.5, None], "a": {}}, "raw": b"\x00\xff", "span": timedelta(days=1, hours=2), "seconds": 3600,
    "status": "past", "note": "kept",
}  # fmt: skip
BOB: Row = {"id": 2, "shop": 700, "name": "Bob", "phone": "7998", "seconds": 0, "extra": []}


@pytest.fixture(scope="module")
def found(pg16: Server) -> Iterator[World]:
    with world(pg16, "data_modes") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(found: World) -> AsyncIterator[dict[str, Store]]:
    async with stores(found) as made:
        yield made


class Application:
    """Modes over two of the stores, with the routers of both tables."""

    def __init__(self, place: Path, old: Any, new: Any, **said: Any) -> None:
        self.path = place / "shadow.jsonl"
        self.modes = Modes(
            Switch(flags(Settings.read(said, origin="test"))), log=ShadowLog(self.path), journal=Journal.open(place / "journal")
        )
        self.shops: Router[Row] = self.modes.table(old, new, "shops")
        self.people: Router[Row] = self.modes.table(old, new, "people")

    async def report(self) -> shadowlog.Report:
        await self.modes.settled()
        assert self.modes.log is not None
        self.modes.log.flush()
        with self.path.open(encoding="utf-8") as file:
            return shadowlog.read(file)

    async def look(self) -> shadowlog.Report:
        """Ask in every way, compared."""
        await self.people.find_one({"id": 1})
        await self.people.find_many({"name": ilike("%b%")}, order=[asc("name")], columns=["id", "name", "extra"])
        await self.people.find_many(order=[asc("id")], limit=2)
        await self.people.count({"visits": gte(1)})
        assert [row async for row in self.people.iterate(batch=1)]
        await self.shops.find_many()
        return await self.report()


Start = Callable[..., Application]


@pytest_asyncio.fixture(loop_scope="module")
async def start(found: World, opened: Opened, tmp_path: Path) -> AsyncIterator[Start]:
    made: list[Application] = []
    empty(found)

    def begin(old: str = "sql", **said: Any) -> Application:
        place = tmp_path / str(len(made))
        place.mkdir()
        made.append(Application(place, opened[old], opened["mapped"], **said))
        return made[-1]

    yield begin
    for each in made:
        await each.modes.close()


async def fill(it: Application) -> None:
    await it.shops.upsert({"number": 700, "title": "Shop"})
    await it.people.bulk_upsert([ANN, BOB])


@pytest.mark.parametrize("old", ["sql", "rest"])
async def test_what_dual_write_has_written_is_equal_to_shadow(old: str, start: Start) -> None:
    it = start(old, mode="dual-write", COMPARE_DUAL_RESULTS=True)
    await it.modes.start()
    await fill(it)
    await it.people.upsert({"id": 2, "shop": 700, "name": "Bobby", "phone": None})
    told = await it.look()
    assert told.verdict() == "equal", [(m.method, m.kinds, m.columns, m.errors) for m in told.methods]
    assert {(m.repository, m.method) for m in told.methods} == {
        ("public.people", m) for m in ("find_one", "find_many", "count", "iterate", "upsert", "bulk_upsert")
    } | {("public.shops", "find_many"), ("public.shops", "upsert")}
    assert all(m.equal for m in told.methods)


@pytest.mark.parametrize(
    ("statement", "methods"),
    [
        ("UPDATE app.clients SET balance = 10.51 WHERE id = 1", {"find_one", "find_many", "iterate"}),
        ("UPDATE app.clients SET seen_at = seen_at + interval '3 hours' WHERE id = 1", {"find_one", "find_many", "iterate"}),
        ("UPDATE app.clients SET settings = '{}' WHERE id = 2", {"find_many", "iterate"}),
        ("UPDATE app.clients SET visits_count = 0 WHERE id = 1", {"find_one", "find_many", "iterate", "count"}),
        ("DELETE FROM app.clients WHERE id = 2", {"find_many", "iterate"}),
        ("ALTER TABLE app.clients RENAME TO hidden", {"find_one", "find_many", "iterate", "count"}),
    ],
)
async def test_what_is_wrong_in_the_new_database_is_found(
    statement: str, methods: set[str], start: Start, found: World, pg16: Server
) -> None:
    await fill(start(mode="dual-write"))
    it = start(mode="shadow")
    database = database_of(found.target)
    sql(pg16, statement, database=database)
    try:
        told = await it.look()
    finally:
        if "RENAME" in statement:
            sql(pg16, "ALTER TABLE app.hidden RENAME TO clients", database=database)
    assert {m.method for m in told.methods if m.verdict() == "different"} == methods
    assert {m.method for m in told.methods if m.repository == "public.shops" and m.verdict() == "equal"} == {"find_many"}
    said = it.path.read_text(encoding="utf-8")
    assert "Ann" not in said
    assert "7999" not in said


async def test_what_the_new_database_missed_is_made_up_for(start: Start, found: World, pg16: Server) -> None:
    it = start(mode="dual-write")
    await fill(it)
    database = database_of(found.target)
    sql(pg16, "ALTER TABLE app.clients RENAME TO hidden", database=database)
    try:
        await it.people.upsert({"id": 3, "shop": 700, "name": "Cid"})
        await it.people.delete({"name": "Bob"})
        assert await it.people.count() == 2
        assert (await it.modes.replay()).done == 0
    finally:
        sql(pg16, "ALTER TABLE app.hidden RENAME TO clients", database=database)
    assert (await it.report()).verdict() == "different"
    assert (await it.modes.replay()).done == 2
    shadow = start(mode="shadow")
    assert (await shadow.look()).verdict() == "equal"


async def test_the_new_database_first(start: Start) -> None:
    it = start(mode="dual-write", primary="new", COMPARE_DUAL_RESULTS=True)
    await fill(it)
    with pytest.raises(DuplicateKey):
        await it.people.upsert({"id": 9, "shop": 700, "name": "Zoe", "phone": "7999"})
    assert (await it.look()).verdict() == "equal"
    assert await it.people.count() == 2


async def test_a_transaction_on_both(start: Start) -> None:
    it = start(mode="dual-write")
    await fill(it)
    async with it.people.transaction() as bound:
        await bound.delete({"id": 2})
        await bound.upsert({"id": 3, "shop": 700, "name": "Cid", "phone": "7998"})
    shadow = start(mode="shadow")
    assert (await shadow.look()).verdict() == "equal"
    assert await it.people.count() == 2
    over_rest = start("rest", mode="dual-write")
    with pytest.raises(NotSupported):
        async with over_rest.people.transaction():
            pass
