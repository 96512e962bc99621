"""The salon's 21 methods answer alike on the old and the new database, after a real migration.

Two servers, four sides (see tests/salon_sides.py): the legacy database through PostgREST and by SQL, a copy of it settled
by hand, and the new one through the compiled mapping. Two comparisons stand for each method:

    old against new, as it is      columns that the mapping drops or normalises are left out, by the compiled file's own
                                   reasons; every call that still differs is listed in EXPLAINED, and no other
    settled against new            every column that can be read must be equal, and every call; nothing is explained

`MUTATIONS` bend the new side, at least one for each method: the comparison must then fail for that very method.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from crosswalk.data.failures import Misconfigured, NoMatchingKey
from crosswalk.data.modes.compare import Difference
from crosswalk.data.modes.metrics import Metrics
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from crosswalk.mapping import read_mapping
from examples.salon.app import opening
from examples.salon.app.envelope import Envelope
from examples.salon.app.opening import Places, over
from examples.salon.app.salon import SalonData
from examples.salon.data import load_source
from tests.road import connected, rows, run
from tests.salon_asked import BUSY, OWN_CLOCK, READS, SALON, TABLE_OF, WRITES, Call, client, day, differ, service
from tests.salon_bent import MUTATIONS, Mutation
from tests.salon_sides import MAPPING, NOW, Sides, clone, databases, move, salon, served, settle
from tests.servers import MakeDatabase, MakeRole, sql

pytestmark = pytest.mark.asyncio(loop_scope="module")
SIDES = ("rest", "sql", "settled", "new")


@pytest.fixture(scope="module")
def sides(pg16: Server, pg18: Server, make_role: MakeRole) -> Iterator[Sides]:
    with databases(pg16, pg18, make_role, "data_salon") as (old, new), ThreadPoolExecutor(max_workers=1) as pool:
        compiled = pool.submit(lambda: asyncio.run(move(old, new))).result()
        settled = clone(pg16, old, "data_salon_settled")
        pool.submit(lambda: asyncio.run(settle(settled, new))).result()
        with served(pg16, old) as api:
            yield Sides(legacy=old, settled=settled, new=new, api=api, compiled=compiled)
        sql(pg16, 'DROP DATABASE "data_salon_settled" WITH (FORCE)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The methods over each side."""

    sides: Sides
    rest: SalonData
    sql: SalonData
    settled: SalonData
    new: SalonData
    told: dict[tuple[str, str], dict[str, Envelope]] = field(default_factory=dict)

    async def answers(self, side: str, method: str) -> dict[str, Envelope]:
        """What a side answers; asked once, before anything is written."""
        if (side, method) not in self.told:
            self.told[side, method] = await answers(getattr(self, side), method)
        return self.told[side, method]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(sides: Sides) -> AsyncIterator[Opened]:
    async with AsyncExitStack() as stack:
        rest, plain, settled, new = [await stack.enter_async_context(sides.of(each)) for each in SIDES]
        yield Opened(sides=sides, rest=rest, sql=plain, settled=settled, new=new)


async def answers(side: SalonData, method: str) -> dict[str, Envelope]:
    return {name: await call(side) for name, call in READS[method].items()}


# --- really two -------------------------------------------------------------------------------------


async def test_different_servers_answer(opened: Opened, pg16: Server, pg18: Server) -> None:
    """Each side finds the row that only its own server holds, and no other."""
    only_old, only_new = 800001, 800002
    sql(pg16, f"INSERT INTO companies (id, company_id, title) VALUES (8001, {only_old}, 'Only the old one')", database="data_salon")
    sql(
        pg18,
        f"INSERT INTO companies (id, yclients_company_id, name) VALUES (8002, {only_new}, 'Only the new one')",
        database="data_salon",
    )
    try:
        found = {
            name: [bool((await side.get_company(number))["data"]) for number in (only_old, only_new)]
            for name, side in (("rest", opened.rest), ("sql", opened.sql), ("settled", opened.settled), ("new", opened.new))
        }
        kinds = [
            found.kind if found else None
            for found in [
                differ("get_company", await opened.sql.get_company(n), await opened.new.get_company(n), {})
                for n in (only_old, only_new)
            ]
        ]
    finally:
        sql(pg16, f"DELETE FROM companies WHERE company_id = {only_old}", database="data_salon")
        sql(pg18, f"DELETE FROM companies WHERE yclients_company_id = {only_new}", database="data_salon")
    assert found == {"rest": [True, False], "sql": [True, False], "settled": [False, False], "new": [False, True]}
    assert kinds == ["missing", "extra"]


async def test_every_method_is_asked() -> None:
    assert {*READS, *WRITES} == set(TABLE_OF)
    assert len(TABLE_OF) == 21
    assert sum(map(len, READS.values())) > 250


# --- reads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", READS)
async def test_legacy_answers_alike_through_rest_and_sql(opened: Opened, method: str) -> None:
    rest, plain = await opened.answers("rest", method), await opened.answers("sql", method)
    assert {name: found for name in rest if (found := differ(method, plain[name], rest[name], {}))} == {}
    assert all(answer["success"] for answer in plain.values())


ASIDE, MERGED, SPELLED = "set aside by the migration", "merged", "in one spelling now"
EXPLAINED: dict[str, dict[str, tuple[str, ...]]] = {
    "get_dialog_context": {
        ASIDE: ("'120000000000604@lid'", "'demo_605'", "'79990000609'"),
        MERGED: ("'79990000602@c.us'",),
        SPELLED: ("'79000000026@c.us'", "'+79990000607'"),
    },
    "get_client_by_phone": {
        ASIDE: ("'79990000014'",),
        MERGED: ("'79990000001'", "'79990000003'"),
        SPELLED: ("'79990000006'", "'+79990000007'", "'9990000008'", "'79990000012'"),
    },
    "get_client_by_id": {
        ASIDE: ("210000009", "210000010", "210000011", "210000013", "210000014"),
        MERGED: ("210000001", "210000003", "210000005"),
    },
    "get_client_appointments": {
        ASIDE: (
            "210000054", "210000055", "210000056", "210000060", "210000061", "210000062", "210000063", "210000064", "210000065",
            "210000066", "210000009", "299999999",
        ),
        MERGED: ("210000001", "210000002"),
        "found by phone": ("210000032", "210000033"),
    },
    "get_upcoming_appointments": {ASIDE: ("210000056", "210000060", "210000061", "210000064", "210000009", "299999999")},
    "search_clients_by_name": {MERGED: ("'Двойная'", "'Вера'"), ASIDE: ("'Очень длинное имя'", "everybody")},
    "get_staff_schedules": {ASIDE: ("all", "who left", "a part of a name", "to", "working", "idle")},
    "get_services": {ASIDE: ("of the salon", "all")},
    "get_service_by_id": {ASIDE: ("18350001", "18350004", "18350006", "18350007")},
    "get_services_by_category": {ASIDE: ("odd ones",)},
}  # fmt: skip
"""Calls that the old and the new database answer differently, by method and reason. That nothing else of these answers
differs is what the comparison with the settled copy shows."""


@pytest.mark.parametrize("method", READS)
async def test_old_and_new_answer_alike_but_for_what_is_explained(opened: Opened, method: str) -> None:
    left_out = opened.sides.reasons(TABLE_OF[method], inexact=True)
    old, new = await opened.answers("sql", method), await opened.answers("new", method)
    differing = {name for name in old if differ(method, old[name], new[name], left_out)}
    assert differing == {name for names in EXPLAINED.get(method, {}).values() for name in names}


@pytest.mark.parametrize("method", READS)
async def test_what_the_document_says_is_what_is_read(opened: Opened, method: str) -> None:
    absent = opened.sides.reasons(TABLE_OF[method], inexact=False)
    old, new = await opened.answers("settled", method), await opened.answers("new", method)
    assert {name: found for name in old if (found := differ(method, old[name], new[name], absent))} == {}
    assert all(answer["success"] for answer in new.values())


async def test_answers_are_not_empty(opened: Opened) -> None:
    """Each method finds something in more than one call; nothing that is equal for want of an answer."""
    found = {
        method: sum(bool(answer["data"]) for answer in (await opened.answers("new", method)).values()) for method in READS
    }
    assert found.pop("health_check") == 1
    assert found.pop("get_company") == 1
    assert [method for method, count in found.items() if count < 2] == []
    assert sum(found.values()) > 140


COLUMNS = {
    # table: columns that the new database gives exactly, not always as they were, not at all
    "companies": (27, 3, 4), "clients": (14, 1, 24), "services": (14, 2, 5), "staff": (13, 3, 8), "staff_schedules": (7, 1, 2),
    "bookings": (11, 11, 2), "dialog_contexts": (8, 5, 1),
}  # fmt: skip


async def test_what_cannot_be_equal_has_the_mappings_reason(sides: Sides) -> None:
    """Column by column, from the compiled file: what was dropped, by the document's word, and what is spelled in another way."""
    file = read_mapping(MAPPING)
    counted = {}
    for table in COLUMNS:
        columns = sides.compiled["tables"][f"public.{table}"]["columns"]
        every, absent = sides.reasons(table, inexact=True), sides.reasons(table, inexact=False)
        document = file.document.tables[f"public.{table}"]
        assert all(every.values())
        assert {name: f"dropped: {document.drop[name].why}" for name in absent} == absent
        said = {name: back.why for name, back in document.back.items() if not back.exact}
        assert said.items() <= every.items()
        counted[table] = (len(columns) - len(every), len(every) - len(absent), len(absent))
    assert counted == COLUMNS


async def test_an_error_is_the_same_on_every_side(opened: Opened) -> None:
    """And is never taken for equality: a comparison of two errors is a difference."""
    calls: dict[str, Call] = {
        "get_client_by_id": lambda s: s.get_client_by_id(cast(Any, "no number")),
        "get_client_appointments": lambda s: s.get_client_appointments(BUSY, SALON, order_by="no_such_column"),
        "get_services": lambda s: s.get_services(2**70),
        "upsert_client": lambda s: s.upsert_client({**client(217000009), "no_such_column": 1}),
    }
    for method, call in calls.items():
        told = [await call(side) for side in (opened.rest, opened.sql, opened.new)]
        assert len({(each["error"]["name"], each["error"]["code"]) for each in told}) == 1, told
        assert not any(each["success"] for each in told)
        assert differ(method, told[1], told[2], {}) is not None


async def test_the_legacy_schema_lacks_the_key_of_upsert_company(pg16: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg16)
    async with connected(url) as conn:
        await load_source(conn, dataset="default")
    async with await SqlStore.open(url) as store:
        with pytest.raises(NoMatchingKey, match=r"public\.companies lacks a unique key of \(company_id\)"):
            over(store)


# --- writes -----------------------------------------------------------------------------------------


class _TakenBack(Exception):
    """Ends a transaction that is not to stay."""


async def written(salon_: SalonData, method: str) -> list[tuple[str, Envelope]]:
    """What the calls of a writing method answer, and then the reads."""
    asked = WRITES[method]
    return [(method, await call(salon_)) for call in asked.calls] + [(name, await call(salon_)) for name, call in asked.then]


async def tried(store: SqlStore | MappedStore, method: str, make: Callable[[Any], SalonData] = salon) -> list[tuple[str, Envelope]]:
    """The same in a transaction that is taken back."""
    found: list[tuple[str, Envelope]] = []
    with suppress(_TakenBack):
        async with store.transaction() as work:
            found = await written(make(work), method)
            raise _TakenBack
    return found


def differing(sides: Sides, old: list[tuple[str, Envelope]], new: list[tuple[str, Envelope]]) -> dict[str, Difference]:
    left_out = {method: sides.reasons(TABLE_OF[method], inexact=False) | OWN_CLOCK for method, _ in old}
    pairs = zip(old, new, strict=True)
    found = {
        f"{number} {method}": differ(method, one, other, left_out[method])
        for number, ((method, one), (_, other)) in enumerate(pairs)
    }
    return {name: difference for name, difference in found.items() if difference is not None}


@pytest.mark.parametrize("method", WRITES)
async def test_what_is_written_is_read_back_alike(sides: Sides, method: str) -> None:
    async with await SqlStore.open(sides.legacy) as one, await MappedStore.open(sides.new, sides.compiled) as other:
        old, new = await tried(one, method), await tried(other, method)
    assert differing(sides, old, new) == {}
    assert all(answer["success"] for _, answer in old)


REFUSED: dict[str, tuple[str, Call, tuple[str, str]]] = {
    # what: method, call, error on the new side
    "a phone of another client": (
        "upsert_client", lambda s: s.upsert_client(client(213000001, phone="79880000001")),
        ("DuplicateKey", "clients_company_id_phone_key"),
    ),
    "a service without a length": (
        "upsert_services", lambda s: s.upsert_services([{"yclients_id": 18960001, "company_id": SALON, "title": "?"}]),
        ("NullViolated", ""),
    ),
    "a schedule of nobody": (
        "upsert_staff_schedules", lambda s: s.upsert_staff_schedules([day(1, staff_id=1)]), ("ForeignKeyViolated", "lookup.missing"),
    ),
    "a client of no salon": (
        "upsert_client", lambda s: s.upsert_client({**client(213000002), "company_id": 5}),
        ("ForeignKeyViolated", "lookup.missing"),
    ),
    "a context of no phone": (
        "upsert_dialog_context",
        lambda s: s.upsert_dialog_context({"user_id": "demo_1", "company_id": "700123", "messages": []}), ("NullViolated", ""),
    ),
}  # fmt: skip
"""What the legacy schema takes, and the new one does not."""


@pytest.mark.parametrize("what", REFUSED)
async def test_what_the_new_schema_refuses_is_said_by_name(sides: Sides, what: str) -> None:
    method, call, (name, constraint) = REFUSED[what]
    async with await SqlStore.open(sides.legacy) as one, await MappedStore.open(sides.new, sides.compiled) as other:
        old, new = [await _once(store, call) for store in (one, other)]
    assert old["success"]
    assert not new["success"]
    assert new["error"]["name"] == name
    assert new["error"]["constraint"] == constraint
    found = differ(method, old, new, {})
    assert found is not None
    assert found.kind == "error-secondary"


async def _once(store: SqlStore | MappedStore, call: Call) -> Envelope:
    """One call, taken back."""
    found: list[Envelope] = []
    with suppress(_TakenBack):
        async with store.transaction() as work:
            found.append(await call(salon(work)))
            raise _TakenBack
    return found[0]


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/New_York"])
async def test_the_zone_of_the_server_changes_nothing(opened: Opened, pg18: Server, zone: str) -> None:
    """Neither what is read, nor the moment that a new row gets."""
    sql(pg18, f"ALTER DATABASE data_salon SET timezone = '{zone}'")
    try:
        async with await MappedStore.open(opened.sides.new, opened.sides.compiled) as store:
            for method in ("get_client_appointments", "get_upcoming_appointments", "get_dialog_context", "get_company"):
                absent = opened.sides.reasons(TABLE_OF[method], inexact=False)
                old, new = await opened.answers("settled", method), await answers(salon(store), method)
                assert {name: found for name in old if (found := differ(method, old[name], new[name], absent))} == {}
            made = await _once(store, lambda s: s.upsert_client(client(213000003)))
    finally:
        sql(pg18, "ALTER DATABASE data_salon RESET timezone")
    assert made["success"]
    assert abs(datetime.now(UTC).replace(tzinfo=None) - made["data"]["created_at"]) < timedelta(minutes=30)


# --- mutations --------------------------------------------------------------------------------------


async def test_every_method_has_a_mutation() -> None:
    assert {mutation.method for mutation in MUTATIONS} == set(TABLE_OF)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
async def test_a_wrong_new_side_is_found(opened: Opened, mutation: Mutation) -> None:
    sides, method = opened.sides, mutation.method

    def make(source: Any) -> SalonData:
        return mutation.salon(over(source))

    async with await MappedStore.open(sides.new, mutation.mapping(sides.compiled)) as store:
        if method in WRITES:
            async with await SqlStore.open(sides.legacy) as one:
                found = differing(sides, await tried(one, method), await tried(store, method, make))
        else:
            old, new = await opened.answers("settled", method), await answers(make(store), method)
            absent = sides.reasons(TABLE_OF[method], inexact=False)
            found = {name: each for name in old if (each := differ(method, old[name], new[name], absent))}
    assert found, f"{mutation} was not found"


# --- through the router -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def places(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Places:
    compiled = tmp_path_factory.mktemp("salon") / "compiled.json"
    compiled.write_text(json.dumps(sides.compiled), encoding="utf-8")
    return Places(legacy=sides.api.url, key=sides.api.jwt("service_role"), new=sides.new, compiled=compiled)


NEW = {"USE_REPOSITORY_PATTERN": "true", "USE_LEGACY_SUPABASE": "false"}
SHADOW = {"USE_REPOSITORY_PATTERN": "true", "COMPARE_DUAL_RESULTS": "true"}
DUAL = {"USE_REPOSITORY_PATTERN": "true", "ENABLE_DUAL_WRITE": "true"}
ONLY_OLD, ONLY_NEW = "79990000014", "8 999 000-00-06"
"""Phones: of a client who was set aside, and of one whose phone has another spelling in the legacy database."""


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ({}, [True, False]),
        (NEW, [False, True]),
        (SHADOW, [True, False]),
    ],
    ids=["nothing said", "new", "shadow"],
)
async def test_the_flags_say_who_answers(places: Places, flags: dict[str, str], found: list[bool]) -> None:
    async with opening.opened(places, environ=flags) as data:
        assert [bool((await data.get_client_by_phone(phone))["data"]) for phone in (ONLY_OLD, ONLY_NEW)] == found


async def test_contradictory_flags_are_refused_at_start(places: Places) -> None:
    for flags in ({"ENABLE_DUAL_WRITE": "true"}, {"USE_REPOSITORY_PATTERN": "false", "USE_LEGACY_SUPABASE": "false"}):
        with pytest.raises(Misconfigured, match=next(iter(flags))):
            async with opening.opened(places, environ=flags):
                pass
    with pytest.raises(Misconfigured, match="its side new was not opened"):
        async with opening.opened(replace(places, new=""), environ=NEW):
            pass


async def test_shadow_compares_every_call_and_counts_what_differs(places: Places, tmp_path: Path) -> None:
    metrics, log = Metrics(), tmp_path / "shadow.jsonl"
    async with opening.opened(replace(places, log=log), environ=SHADOW, metrics=metrics, now=lambda: NOW) as data:
        for method in ("get_client_by_id", "get_services_by_category", "get_company", "get_staff"):
            for call in READS[method].values():
                assert (await call(data))["success"]
    counted = {
        (sample.labels["repository"], sample.labels["verdict"]): sample.value
        for metric in metrics.compared.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    reads = {method: len(READS[method]) for method in READS}
    explained = {method: sum(map(len, EXPLAINED[method].values())) for method in ("get_client_by_id", "get_services_by_category")}
    assert counted == {
        ("public.clients", "equal"): reads["get_client_by_id"] - explained["get_client_by_id"],
        ("public.clients", "different"): explained["get_client_by_id"],
        ("public.services", "equal"): reads["get_services_by_category"] - explained["get_services_by_category"],
        ("public.services", "different"): explained["get_services_by_category"],
        ("public.companies", "equal"): reads["get_company"],
        ("public.staff", "equal"): reads["get_staff"],
    }
    assert "7999" not in log.read_text("utf-8")


# --- writes that stay: the last ones, for they change what the sides hold ---------------------------


@pytest.mark.parametrize("method", WRITES)
async def test_what_is_written_through_rest_is_read_back_alike(opened: Opened, method: str) -> None:
    assert differing(opened.sides, await written(opened.rest, method), await written(opened.new, method)) == {}


async def test_what_was_written_stands_in_both_databases(opened: Opened) -> None:
    """Asked of connections of the test's own, in each schema's own names."""
    [old] = await rows(opened.sides.legacy, "SELECT title, duration FROM services WHERE yclients_id = 18970001")
    [new] = await rows(opened.sides.new, "SELECT title, duration FROM services WHERE yclients_service_id = 18970001")
    assert (old, new) == (("Новая услуга 18970001", 5400), ("Новая услуга 18970001", 90))


async def test_dual_write_reaches_both(opened: Opened, places: Places, tmp_path: Path) -> None:
    mine = client(214000001, notes="both", discount=3)
    async with opening.opened(replace(places, journal=tmp_path / "journal.jsonl"), environ=DUAL, now=lambda: NOW) as data:
        wrote = [await data.upsert_client(mine), await data.upsert_clients([{**mine, "discount": 4}])]
    left_out = opened.sides.reasons("clients", inexact=False) | OWN_CLOCK
    old, new = [await side.get_client_by_id(214000001, SALON) for side in (opened.rest, opened.new)]
    assert all(each["success"] for each in wrote), wrote
    assert differ("get_client_by_id", old, new, left_out) is None
    assert (new["data"]["discount"], new["data"]["notes"]) == (4, "both")


async def test_after_dual_write_the_new_side_numbers_its_rows_itself(opened: Opened, places: Places, tmp_path: Path) -> None:
    """The numbers of rows that dual-write carried are the legacy database's: the new sequence must have gone on behind them."""
    for url in (opened.sides.legacy, opened.sides.new):
        await run(url, "SELECT setval('services_id_seq', 5000)")
    async with opening.opened(replace(places, journal=tmp_path / "journal.jsonl"), environ=DUAL) as data:
        carried = await data.upsert_services([service(18950001), service(18950002)])
    async with opening.opened(places, environ=NEW) as data:
        both = [await data.get_service_by_id(18950000 + number, SALON) for number in (1, 2)]
        own = await data.upsert_services([service(18950003)])
    assert carried["success"]
    assert [answer["data"]["id"] for answer in both] == [5001, 5002]
    assert own["success"], own["error"]
    assert own["data"][0]["id"] == 5003
