"""The salon's 21 methods: what each asks of its repository, what it answers, and that nothing is ever raised."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from crosswalk.data.conditions import Condition, Order, Where, asc, desc, eq, gte, ilike, lte, neq
from crosswalk.data.failures import (
    BadValue,
    ColumnMissing,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    NoMatchingKey,
    NullViolated,
    TableMissing,
    Unavailable,
)
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.table import Table
from examples.salon.app.envelope import Envelope
from examples.salon.app.models import MOST_ROWS
from examples.salon.app.opening import over
from examples.salon.app.phone import normalise
from examples.salon.app.salon import Repositories, SalonData

METHODS = {
    "get_dialog_context", "upsert_dialog_context", "get_client_by_phone", "get_client_by_id", "get_client_appointments",
    "get_upcoming_appointments", "search_clients_by_name", "upsert_client", "upsert_clients", "get_staff", "get_staff_by_id",
    "get_staff_schedules", "get_staff_schedule", "upsert_staff_schedules", "get_services", "get_service_by_id",
    "get_services_by_category", "upsert_services", "get_company", "upsert_company", "health_check",
}  # fmt: skip
NOW = datetime(2026, 1, 15, 22, 30, tzinfo=UTC)
"""Half past one at night of the 16th in Moscow."""
CLIENT = {"yclients_id": 210000001, "company_id": 700123, "name": "Алина", "phone": "8 (999) 000-00-01"}


class Recorder:
    """A repository that notes what it is asked and answers what it was told to."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.asked: list[tuple[Any, ...]] = []
        self.one: Mapping[str, Any] | None = {"found": True}
        self.fails: BaseException | None = None
        self.hangs = False

    async def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.hangs:
            await asyncio.sleep(60)
        if self.fails:
            raise self.fails

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> Any:
        await self._note("find_one", where)
        return self.one

    async def find_many(
        self,
        where: Where | None = None,
        *,
        order: Sequence[Order] = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> Any:
        await self._note("find_many", where, list(order), limit)
        return [{"found": True}]

    async def upsert(self, row: Mapping[str, Any], *, conflict: Sequence[str] | None = None) -> Any:
        await self._note("upsert", row, conflict)
        return row

    async def bulk_upsert(self, rows: Sequence[Mapping[str, Any]], *, conflict: Sequence[str] | None = None) -> Any:
        await self._note("bulk_upsert", list(rows), conflict)
        return list(rows)

    async def delete(self, where: Where) -> int:
        raise AssertionError("no method deletes")

    async def count(self, where: Where | None = None) -> int:
        raise AssertionError("no method counts")

    def iterate(self, where: Where | None = None, *, batch: int = 1000) -> Any:
        raise AssertionError("no method reads a whole table")

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        raise AssertionError("no method needs a transaction")


class Desk:
    """The methods over recorders."""

    def __init__(self) -> None:
        self.of = {name: Recorder(name) for name in Repositories.__dataclass_fields__}
        self.data = SalonData(
            Repositories(**{name: cast(Repository[Row], each) for name, each in self.of.items()}), now=lambda: NOW, patience=0.05
        )

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        return [(name, *each) for name, recorder in self.of.items() for each in recorder.asked]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_there_are_exactly_21_methods() -> None:
    public = {name for name, each in inspect.getmembers(SalonData, callable) if not name.startswith("_")}
    assert public == METHODS
    assert len(METHODS) == 21


COMPANY = {"company_id": eq(700123)}
READS: list[tuple[str, Callable[[SalonData], Any], tuple[Any, ...]]] = [
    ("context", lambda d: d.get_dialog_context("79990000602@c.us"),
     ("contexts", "find_one", {"user_id": eq("79990000602@c.us")})),
    ("phone", lambda d: d.get_client_by_phone("8 (999) 000-00-01"), ("clients", "find_one", {"phone": eq("79990000001")})),
    ("id", lambda d: d.get_client_by_id(210000001), ("clients", "find_one", {"yclients_id": eq(210000001)})),
    ("id of a company", lambda d: d.get_client_by_id(210000001, 700123),
     ("clients", "find_one", {"yclients_id": eq(210000001), **COMPANY})),
    ("appointments", lambda d: d.get_client_appointments(210000026, 700123),
     ("bookings", "find_many", {"client_yclients_id": eq(210000026), **COMPANY},
      [desc("datetime"), asc("yclients_record_id")], 50)),
    ("appointments in an order", lambda d: d.get_client_appointments(210000026, 700123, 3, "cost", "asc"),
     ("bookings", "find_many", {"client_yclients_id": eq(210000026), **COMPANY}, [asc("cost"), asc("yclients_record_id")], 3)),
    ("upcoming", lambda d: d.get_upcoming_appointments(210000026, 700123),
     ("bookings", "find_many",
      {"client_yclients_id": eq(210000026), **COMPANY, "datetime": gte(datetime(2026, 1, 16, 1, 30)),
       "status": neq("cancelled")},
      [asc("datetime"), asc("yclients_record_id")], 10)),
    ("search", lambda d: d.search_clients_by_name(700123, r"50%_\o", 7),
     ("clients", "find_many", {**COMPANY, "name": ilike(r"%50\%\_\\o%")},
      [Order(column="last_visit_date", descending=True, nulls_first=False),
       Order(column="visit_count", descending=True), asc("yclients_id")], 7)),
    ("staff", lambda d: d.get_staff(700123),
     ("staff", "find_many", {**COMPANY, "is_active": eq(True)}, [asc("name"), asc("yclients_id")], None)),
    ("all staff", lambda d: d.get_staff(700123, include_inactive=True),
     ("staff", "find_many", COMPANY, [asc("name"), asc("yclients_id")], None)),
    ("master", lambda d: d.get_staff_by_id(2890004, 700123), ("staff", "find_one", {"yclients_id": eq(2890004), **COMPANY})),
    ("schedules", lambda d: d.get_staff_schedules({}),
     ("schedules", "find_many", {}, [asc("date"), asc("staff_name"), asc("staff_id")], None)),
    ("schedules narrowed", lambda d: d.get_staff_schedules(
        {"staff_id": 2890004, "staff_name": "100%", "date_from": "2026-01-12", "date_to": date(2026, 1, 14), "is_working": False}),
     ("schedules", "find_many",
      {"staff_id": eq(2890004), "staff_name": ilike(r"%100\%%"),
       "date": (gte(date(2026, 1, 12)), lte(date(2026, 1, 14))), "is_working": eq(False)},
      [asc("date"), asc("staff_name"), asc("staff_id")], None)),
    ("services", lambda d: d.get_services(700123),
     ("services", "find_many", {**COMPANY, "is_active": eq(True)}, [desc("weight"), asc("title"), asc("yclients_id")], None)),
    ("all services", lambda d: d.get_services(700123, True),
     ("services", "find_many", COMPANY, [desc("weight"), asc("title"), asc("yclients_id")], None)),
    ("service", lambda d: d.get_service_by_id(18350010, 700123),
     ("services", "find_one", {"yclients_id": eq(18350010), **COMPANY})),
    ("category", lambda d: d.get_services_by_category(700123, 3),
     ("services", "find_many", {**COMPANY, "category_id": eq(3), "is_active": eq(True)},
      [desc("weight"), asc("title"), asc("yclients_id")], None)),
    ("company", lambda d: d.get_company(700123), ("companies", "find_one", COMPANY)),
    ("health", lambda d: d.health_check(), ("companies", "find_many", None, [], 1)),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [pytest.param(*rest, id=name) for name, *rest in READS])
async def test_a_read_asks_exactly(desk: Desk, call: Callable[[SalonData], Any], expected: tuple[Any, ...]) -> None:
    answer: Envelope = await call(desk.data)
    assert desk.asked == [expected]
    assert answer["success"]
    assert set(answer) == {"success", "data", "operation", "timestamp"}
    assert answer["operation"] in METHODS
    assert datetime.fromisoformat(answer["timestamp"]).tzinfo is not None


async def test_a_schedule_is_asked_of_a_master_of_that_company(desk: Desk) -> None:
    found = await desk.data.get_staff_schedule(2890004, date(2026, 1, 12), 700123)
    assert found["data"] == {"found": True}
    assert desk.asked == [
        ("staff", "find_one", {"yclients_id": eq(2890004), "company_id": eq(700123)}),
        ("schedules", "find_one", {"staff_id": eq(2890004), "date": eq(date(2026, 1, 12))}),
    ]
    desk.of["staff"].one = None
    nobody = await desk.data.get_staff_schedule(2890004, date(2026, 1, 12), 1)
    assert (nobody["success"], nobody["data"]) == (True, None)
    assert len(desk.of["schedules"].asked) == 1


async def test_what_is_not_found_is_no_error(desk: Desk) -> None:
    desk.of["clients"].one = None
    answer = await desk.data.get_client_by_phone("79990000001")
    assert (answer["success"], answer["data"], "error" in answer) == (True, None, False)


@pytest.mark.parametrize("phone", ["", "12345", "не указан", "79990000013, 79990000113"])
async def test_what_is_no_phone_is_asked_of_nobody(desk: Desk, phone: str) -> None:
    answer = await desk.data.get_client_by_phone(phone)
    assert (answer["success"], answer["data"], desk.asked) == (True, None, [])


# --- writes -----------------------------------------------------------------------------------------


async def test_a_client_is_written_as_given_with_the_phone_in_one_spelling(desk: Desk) -> None:
    await desk.data.upsert_client({**CLIENT, "ai_context": {"tone": "warm"}})
    written = {**CLIENT, "phone": "79990000001", "ai_context": {"tone": "warm"}}
    assert desk.asked == [("clients", "upsert", written, ("yclients_id", "company_id"))]


async def test_many_rows_may_differ_in_their_columns(desk: Desk) -> None:
    answer = await desk.data.upsert_clients([CLIENT, {**CLIENT, "yclients_id": 2, "notes": None}])
    [(_, _, rows, conflict)] = desk.asked
    assert [set(row) for row in rows] == [set(CLIENT), {*CLIENT, "notes"}]
    assert conflict == ("yclients_id", "company_id")
    assert answer["success"]


async def test_services_and_schedules_and_a_company_by_their_keys(desk: Desk) -> None:
    await desk.data.upsert_services([{"yclients_id": 1, "company_id": 2, "title": "Маникюр", "price_min": "10.50"}])
    await desk.data.upsert_staff_schedules([{"staff_id": 3, "staff_name": "Лада", "date": "2026-02-01"}])
    await desk.data.upsert_company({"company_id": 700123, "title": "Салон"})
    assert [(table, method, conflict) for table, method, _, conflict in desk.asked] == [
        ("companies", "upsert", ("company_id",)),
        ("services", "bulk_upsert", ("yclients_id", "company_id")),
        ("schedules", "bulk_upsert", ("staff_id", "date")),
    ]
    assert desk.of["services"].asked[0][1][0]["price_min"] == Decimal("10.50")
    assert desk.of["schedules"].asked[0][1] == [{"staff_id": 3, "staff_name": "Лада", "date": date(2026, 2, 1)}]


async def test_a_context_keeps_its_id_and_gets_its_moments(desk: Desk) -> None:
    desk.of["contexts"].one = {"id": "known", "user_id": "7"}
    await desk.data.upsert_dialog_context({"user_id": "7", "state": "'INIT'"})
    assert desk.of["contexts"].asked[-1] == (
        "upsert", {"id": "known", "user_id": "7", "state": "'INIT'", "last_activity": NOW, "updated_at": NOW}, ("user_id",)
    )  # fmt: skip


async def test_two_first_messages_of_a_user_make_one_id(desk: Desk) -> None:
    desk.of["contexts"].one = None
    first, second = [await desk.data.upsert_dialog_context({"user_id": "7"}) for _ in range(2)]
    assert first["data"]["id"] == second["data"]["id"]
    other = await desk.data.upsert_dialog_context({"user_id": "8"})
    assert other["data"]["id"] != first["data"]["id"]


INVALID: list[tuple[str, Callable[[SalonData], Any], str]] = [
    ("no phone", lambda d: d.upsert_client({**CLIENT, "phone": "12345"}), "phone: value_error"),
    ("no name", lambda d: d.upsert_client({**CLIENT, "name": ""}), "name: string_too_short"),
    ("a number missing", lambda d: d.upsert_client({"phone": "79990000001", "name": "Ася", "company_id": 1}), "missing"),
    ("one of many", lambda d: d.upsert_clients([CLIENT, {**CLIENT, "discount": -5}]), "discount: greater_than_equal"),
    ("too many", lambda d: d.upsert_clients([CLIENT] * (MOST_ROWS + 1)), "500 at most"),
    ("a price", lambda d: d.upsert_services([{"yclients_id": 1, "company_id": 2, "title": "a", "price_min": "-1"}]), "price_min"),
    ("a day", lambda d: d.upsert_staff_schedules([{"staff_id": 3, "staff_name": "Лада", "date": "2026-02-30"}]), "date"),
    ("an unknown word", lambda d: d.get_staff_schedules({"stuff": 1}), "extra_forbidden"),
    ("a direction", lambda d: d.get_client_appointments(1, 2, direction=cast(Any, "sideways")), "asc or desc"),
    ("no row at all", lambda d: d.upsert_company(cast(Any, None)), "row: model_type"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), [pytest.param(*rest, id=name) for name, *rest in INVALID])
async def test_what_a_model_refuses_reaches_no_database(desk: Desk, call: Callable[[SalonData], Any], message: str) -> None:
    answer: Envelope = await call(desk.data)
    assert (answer["success"], answer["data"], desk.asked) == (False, None, [])
    assert answer["error"]["name"] == "InvalidRow"
    assert message in answer["error"]["message"]


async def test_a_refusal_holds_no_value(desk: Desk) -> None:
    answer = await desk.data.upsert_client({**CLIENT, "phone": "тайна", "email": 12345})
    assert "тайна" not in str(answer)
    assert "12345" not in answer["error"]["message"]


async def test_as_many_rows_as_are_allowed(desk: Desk) -> None:
    assert (await desk.data.upsert_clients([CLIENT] * MOST_ROWS))["success"]


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [DuplicateKey, ForeignKeyViolated, NullViolated, TableMissing, ColumnMissing, NoMatchingKey, BadValue, Unavailable],
)
async def test_callers_know_an_error_by_its_name_and_code(desk: Desk, kind: type[DataError]) -> None:
    desk.of["clients"].fails = kind("refused", constraint="clients_key", details="phone=79990000001")
    answer = await desk.data.get_client_by_id(1)
    assert answer == {
        "success": False, "data": None, "operation": "get_client_by_id", "timestamp": answer["timestamp"],
        "error": {"name": kind.__name__, "code": kind.sqlstate, "message": "refused", "constraint": "clients_key"},
    }  # fmt: skip


@pytest.mark.parametrize("error", [RuntimeError("79990000001"), TimeoutError(), ConnectionResetError(), KeyError("x")])
async def test_no_method_raises(desk: Desk, error: Exception) -> None:
    for recorder in desk.of.values():
        recorder.fails = error
    answers = [
        await desk.data.get_dialog_context("7"), await desk.data.upsert_client(CLIENT), await desk.data.get_staff(1),
        await desk.data.health_check(),
    ]  # fmt: skip
    assert [each["success"] for each in answers] == [False] * 4
    assert "79990000001" not in str(answers)


async def test_a_cancelled_call_stays_cancelled(desk: Desk) -> None:
    desk.of["staff"].hangs = True
    task = asyncio.ensure_future(desk.data.get_staff(1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_health_does_not_wait_for_ever(desk: Desk) -> None:
    desk.of["companies"].hangs = True
    answer = await desk.data.health_check()
    assert (answer["success"], answer["error"]["name"]) == (False, "Unavailable")


# --- over a store -----------------------------------------------------------------------------------

BIG, TEXT = "bigint not null", "text"
STORED = [
    Table.of("public.companies", {"id": "integer not null default identity", "company_id": BIG, "title": "text not null",
             "email": TEXT}, primary=["id"], unique=[["company_id"]]),
    Table.of("public.clients", {"id": "bigint not null default identity", "yclients_id": BIG, "company_id": BIG,
             "name": "text not null", "phone": "text not null", "email": TEXT, "discount": "integer", "notes": TEXT,
             "visit_count": "integer", "last_visit_date": "date"}, primary=["id"], unique=[["yclients_id", "company_id"]]),
    Table.of("public.services", {"id": "bigint not null default identity", "yclients_id": BIG, "company_id": BIG,
             "title": "text not null", "category_id": "integer", "duration": "integer", "weight": "integer",
             "is_active": "boolean default true"}, primary=["id"], unique=[["yclients_id", "company_id"]]),
    Table.of("public.staff", {"id": "bigint not null default identity", "yclients_id": BIG, "company_id": BIG,
             "name": "text not null", "is_active": "boolean"}, primary=["id"], unique=[["yclients_id", "company_id"]]),
    Table.of("public.staff_schedules", {"id": "integer not null default identity", "staff_id": "integer not null",
             "staff_name": "text not null", "date": "date not null", "is_working": "boolean not null default false",
             "work_start": "time", "work_end": "time"}, primary=["id"], unique=[["staff_id", "date"]]),
    Table.of("public.bookings", {"yclients_record_id": "integer not null", "company_id": "integer not null",
             "client_yclients_id": "integer", "datetime": "timestamp not null", "status": TEXT},
             primary=["yclients_record_id"]),
    Table.of("public.dialog_contexts", {"id": "uuid not null", "user_id": "text not null", "company_id": TEXT, "state": TEXT,
             "data": "jsonb", "messages": "jsonb not null", "last_activity": "timestamptz", "updated_at": "timestamptz"},
             primary=["id"], unique=[["user_id"]]),
]  # fmt: skip


@pytest.fixture
def repositories() -> Repositories:
    return over(MemoryStore(STORED))


@pytest.fixture
def data(repositories: Repositories) -> SalonData:
    return SalonData(repositories, now=lambda: NOW)


async def test_a_phone_that_two_clients_share_is_nobodys(data: SalonData) -> None:
    await data.upsert_clients([CLIENT, {**CLIENT, "yclients_id": 2}, {**CLIENT, "yclients_id": 3, "phone": "79990000003"}])
    shared, own = [await data.get_client_by_phone(phone) for phone in ("79990000001", "8 999 000 00 03")]
    assert (shared["success"], shared["data"]) == (True, None)
    assert own["data"]["yclients_id"] == 3


async def test_of_two_rows_in_a_batch_the_last_wins_and_what_is_left_out_stays(data: SalonData) -> None:
    await data.upsert_client({**CLIENT, "notes": "kept", "discount": 5})
    await data.upsert_clients([{**CLIENT, "discount": 7}, {**CLIENT, "name": "Другая"}])
    found = await data.get_client_by_id(210000001, 700123)
    assert {name: found["data"][name] for name in ("name", "notes", "discount")} == {
        "name": "Другая", "notes": "kept", "discount": 7,
    }  # fmt: skip


async def test_a_name_is_searched_letter_by_letter(data: SalonData) -> None:
    visits: list[tuple[str, date | None, int | None]] = [
        ("50% Анна", date(2026, 1, 1), 1), ("50 Анна", None, 9), ("анна", date(2026, 1, 2), None), ("АННА", date(2026, 1, 2), 3),
    ]  # fmt: skip
    await data.upsert_clients(
        [
            {**CLIENT, "yclients_id": n, "name": name, "last_visit_date": day, "visit_count": count}
            for n, (name, day, count) in enumerate(visits, 1)
        ]
    )
    found = {name: await data.search_clients_by_name(700123, name) for name in ("анна", "50%", "_", "\\")}
    assert [row["name"] for row in found["анна"]["data"]] == ["АННА", "анна", "50% Анна", "50 Анна"]
    assert [[row["name"] for row in found[each]["data"]] for each in ("50%", "_", "\\")] == [["50% Анна"], [], []]


async def test_upcoming_begins_with_this_minute_in_moscow(repositories: Repositories, data: SalonData) -> None:
    begins = [datetime(2026, 1, 16, 1, 29, 59), datetime(2026, 1, 16, 1, 30), *[datetime(2026, 1, 17, h) for h in range(12)]]
    await repositories.bookings.bulk_upsert(
        [
            {"yclients_record_id": n, "company_id": 700123, "client_yclients_id": 7, "datetime": at,
             "status": "cancelled" if n == 5 else "active"}
            for n, at in enumerate(begins)
        ]
    )  # fmt: skip
    found = await data.get_upcoming_appointments(7, 700123)
    assert [row["yclients_record_id"] for row in found["data"]] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    every = await data.get_client_appointments(7, 700123, 3)
    assert [row["yclients_record_id"] for row in every["data"]] == [13, 12, 11]


async def test_a_context_is_written_twice_and_there_once(repositories: Repositories, data: SalonData) -> None:
    both = [await data.upsert_dialog_context({"user_id": "7", "state": s, "messages": []}) for s in ("'INIT'", "'BOOKING'")]
    found = await data.get_dialog_context("7")
    assert (found["data"]["state"], found["data"]["last_activity"]) == ("'BOOKING'", NOW)
    assert both[0]["data"]["id"] == both[1]["data"]["id"]
    assert await repositories.contexts.count() == 1


async def test_what_the_store_refuses_comes_by_name(data: SalonData) -> None:
    unknown = await data.upsert_client({**CLIENT, "no_such_column": 1})
    assert (unknown["success"], unknown["error"]["name"], unknown["error"]["code"]) == (False, "ColumnMissing", "42703")
    empty = await data.upsert_dialog_context({"user_id": "7", "messages": None})
    assert (empty["error"]["name"], empty["error"]["code"]) == ("NullViolated", "23502")
    odd = await data.get_client_by_id(cast(Any, "abc"))
    assert (odd["error"]["name"], odd["error"]["code"]) == ("BadValue", "22P02")


def test_a_store_without_the_keys_is_refused_at_once() -> None:
    bare = Table.of("public.companies", {"id": "integer not null", "company_id": BIG}, primary=["id"])
    with pytest.raises(NoMatchingKey, match="company_id"):
        over(MemoryStore([bare, *STORED[1:]]))


# --- phones -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("79990000001", "79990000001"), ("+7 (999) 000-00-01", "79990000001"), ("8 999 000 00 01", "79990000001"),
        ("9990000001", "79990000001"), ("79990000602@c.us", "79990000602"), ("1234567", "1234567"), ("123456", None),
        ("123456789012345", "123456789012345"), ("1234567890123456", None), ("", None), (None, None),
        ("8123456789", "8123456789"), ("0990000001", "0990000001"), ("٧٩٩٩٠٠٠٠٠٠١", None), ("не указан", None),
    ],
)  # fmt: skip
def test_a_phone_has_one_spelling(typed: str | None, known: str | None) -> None:
    assert normalise(typed) == known
    assert normalise(known) == known


def test_conditions_are_values() -> None:
    assert eq(1) == Condition(operator="eq", value=1)
