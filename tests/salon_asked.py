"""What the salon's 21 methods are asked on every side, and how two answers are compared. Pure.

`READS` are calls by method and by name; `WRITES` are what is written, each with the reads that must then answer alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, Final

from crosswalk.data.modes.compare import Difference, Outcome, Rules, compare
from examples.salon.app.envelope import Envelope
from examples.salon.app.salon import SalonData

Call = Callable[[SalonData], Awaitable[Envelope]]
SALON: Final = 700123
BUSY: Final = 210000100
"""A client with many appointments."""
TABLE_OF: Final = {
    "get_dialog_context": "dialog_contexts", "upsert_dialog_context": "dialog_contexts", "get_client_by_phone": "clients",
    "get_client_by_id": "clients", "get_client_appointments": "bookings", "get_upcoming_appointments": "bookings",
    "search_clients_by_name": "clients", "upsert_client": "clients", "upsert_clients": "clients", "get_staff": "staff",
    "get_staff_by_id": "staff", "get_staff_schedules": "staff_schedules", "get_staff_schedule": "staff_schedules",
    "upsert_staff_schedules": "staff_schedules", "get_services": "services", "get_service_by_id": "services",
    "get_services_by_category": "services", "upsert_services": "services", "get_company": "companies",
    "upsert_company": "companies", "health_check": "companies",
}  # fmt: skip
"""The legacy table that a method speaks of."""
KEY_OF: Final = {
    "companies": ("company_id",), "clients": ("yclients_id", "company_id"), "services": ("yclients_id", "company_id"),
    "staff": ("yclients_id", "company_id"), "staff_schedules": ("staff_id", "date"), "bookings": ("yclients_record_id",),
    "dialog_contexts": ("user_id",),
}  # fmt: skip
OWN_CLOCK: Final = dict.fromkeys(
    ("id", "created_at", "updated_at", "last_sync_at", "last_updated"), "each database numbers and dates what it writes itself"
)
"""Of rows that a test has written."""


def rules(method: str, absent: Mapping[str, str]) -> Rules:
    return Rules(
        key=KEY_OF[TABLE_OF[method]], absent=absent, ordered=True, view=lambda answer: answer["data"],
        failed=lambda answer: answer["error"]["name"] if "error" in answer else None,
    )  # fmt: skip


def differ(method: str, one: Envelope, other: Envelope, absent: Mapping[str, str]) -> Difference | None:
    return compare(Outcome(value=one), Outcome(value=other), rules(method, absent))


# --- reads --------------------------------------------------------------------------------------

ODD: Final = ("", "%", "_", "\\", "'; DROP TABLE clients; --", '"', "a,b)(c.d:e", "💅", "ё")
CONTEXTS: Final = (
    "79000000014", "79000000020", "79000000026@c.us", "79990000602", "79990000602@c.us", "120000000000604@lid", "demo_605",
    "+79990000607", "79990000608", "79990000609", "79990000610", "79990000611", "79990000612", "79990000613", "7", *ODD,
)  # fmt: skip
PHONES: Final = (
    "79880000001", "8 (988) 000-00-01", "9880000001", "+7 988 000 00 01", "79990000001", "79990000003", "79990000006",
    "+79990000007", "9990000008", "79990000012", "79990000014", "79990000024", "79777777777", "12345", "не указан",
    "79000000026", "79000001304", *ODD,
)  # fmt: skip
CLIENTS: Final = (
    *range(210000001, 210000027), 219000001, 219000005, 210000500, 210001304, 990001, 59801, 0, -1, 2**31, 2**62,
)  # fmt: skip
BOOKED: Final = (BUSY, *range(210000026, 210000067), 210000001, 210000002, 210000009, 299999999, 59900, 0)
NAMES: Final = (
    "Поиск", "поиск", "ПОИСК", "Анна", "50%", "50", "Ан_на", "Ан\\на", "*", "(а,б)", '"в".г:д', "О'Нил", "Двойная", "Вера",
    "Нет такой", "Очень длинное имя", *ODD,
)  # fmt: skip
QUERIES: Final[dict[str, dict[str, Any]]] = {
    "all": {}, "a master": {"staff_id": 2890005}, "who left": {"staff_id": 2880001}, "a number that is an id": {"staff_id": 11},
    "unknown": {"staff_id": 1}, "a part of a name": {"staff_name": "мастер"}, "with a percent": {"staff_name": "100%"},
    "a wildcard": {"staff_name": "_"}, "a star": {"staff_name": "*"}, "from": {"date_from": date(2026, 3, 3)},
    "to": {"date_to": date(2026, 1, 12)}, "a day": {"date_from": date(2026, 3, 2), "date_to": date(2026, 3, 2)},
    "days": {"date_from": date(2026, 3, 1), "date_to": date(2026, 3, 3)},
    "no day": {"date_from": date(2026, 3, 3), "date_to": date(2026, 3, 1)},
    "working": {"is_working": True}, "idle": {"is_working": False},
    "all at once": {
        "staff_id": 2990001, "staff_name": "мастер", "date_from": "2026-03-01", "date_to": "2026-03-04", "is_working": True,
    },
}  # fmt: skip


Arguments = dict[str, tuple[Any, ...]]


def _by(values: tuple[Any, ...], *more: Any) -> Arguments:
    return {repr(value): (value, *more) for value in values}


ARGUMENTS: Final[dict[str, Arguments]] = {
    "get_dialog_context": _by(CONTEXTS),
    "get_client_by_phone": _by(PHONES),
    "get_client_by_id": {
        **_by(CLIENTS), "of the salon": (219000001, SALON), "of another": (219000001, 42), "of none": (219000001, 0),
    },
    "get_client_appointments": {
        **_by(BOOKED, SALON), "one": (BUSY, SALON, 1), "three": (BUSY, SALON, 3), "all of them": (BUSY, SALON, 16),
        "none": (BUSY, SALON, 0), "cheapest": (BUSY, SALON, 50, "cost", "asc"), "dearest": (BUSY, SALON, 4, "cost", "desc"),
        "by number": (BUSY, SALON, 50, "yclients_record_id", "asc"), "earliest": (BUSY, SALON, 5, "datetime", "asc"),
        "of another salon": (BUSY, 42),
    },
    "get_upcoming_appointments": {**_by(BOOKED, SALON), "of another salon": (BUSY, 42)},
    "search_clients_by_name": {
        **{repr(name): (SALON, name) for name in NAMES}, "two": (SALON, "Поиск", 2), "everybody": (SALON, "", 5000),
        "nobody": (SALON, "Поиск", 0), "of another salon": (42, "Поиск"),
    },
    "get_staff": {"of the salon": (SALON,), "all": (SALON, True), "of another": (42,), "all of another": (42, True)},
    "get_staff_by_id": {
        **_by((2890001, 2890002, 2890005, 2990003, 11, 14, 2880001, 0), SALON), "of another salon": (2890005, 42),
    },
    "get_staff_schedules": {name: (query,) for name, query in QUERIES.items()},
    "get_staff_schedule": {
        "found": (2990001, date(2026, 3, 1), SALON), "idle": (2990001, date(2026, 3, 3), SALON),
        "a number that is an id": (11, date(2026, 3, 1), SALON), "another day": (2990001, date(2026, 4, 1), SALON),
        "of another salon": (2990001, date(2026, 3, 1), 42), "who left": (2880001, date(2025, 11, 10), SALON),
        "an odd one": (2890005, date(2025, 12, 31), SALON), "until midnight": (2890006, date(2025, 12, 31), SALON),
    },
    "get_services": {"of the salon": (SALON,), "all": (SALON, True), "of another": (42,)},
    "get_service_by_id": {
        **_by((*range(18350001, 18350012), *range(18990001, 18990006), 111, 0), SALON), "of another salon": (18990001, 42),
    },
    "get_services_by_category": {
        "found": (SALON, 977), "all": (SALON, 977, True), "odd ones": (SALON, 900), "bulk": (SALON, 901), "none": (SALON, 1),
        "of another salon": (42, 977),
    },
    "get_company": _by((SALON, 42, 0, -1, 2**40)),
    "health_check": {"asked": ()},
}  # fmt: skip


def _call(method: str, given: tuple[Any, ...]) -> Call:
    """Of whichever class the methods are."""
    return lambda salon: getattr(salon, method)(*given)


READS: Final[dict[str, dict[str, Call]]] = {
    method: {name: _call(method, given) for name, given in arguments.items()} for method, arguments in ARGUMENTS.items()
}
"""By method and name. An argument that is refused has its own test: an error on both sides is no equality."""


# --- writes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Some calls of a writing method, one after the other, and reads that show what came of them."""

    calls: tuple[Call, ...]
    then: tuple[tuple[str, Call], ...]
    """(method, call)"""


def client(number: int, **more: Any) -> dict[str, Any]:
    return {"yclients_id": number, "company_id": SALON, "name": f"Новая {number}", "phone": f"7977{number % 10_000_000:07}", **more}


def service(number: int, **more: Any) -> dict[str, Any]:
    """The new schema has one length for both of a service's."""
    head = {"yclients_id": number, "company_id": SALON, "title": f"Новая услуга {number}", "category_id": 978}
    return {**head, **dict.fromkeys(LENGTHS, 4500), **more}


LENGTHS: Final = ("duration", "seance_length")


def day(number: int, **more: Any) -> dict[str, Any]:
    return {"staff_id": 2990001, "staff_name": "Мастер 100%", "date": date(2026, 5, number), "is_working": True, **more}


WRITES: Final[dict[str, Written]] = {
    "upsert_client": Written(
        calls=(
            lambda s: s.upsert_client(
                client(217000001, email="a@example.com", tags=['x,"y"', "NULL", "", None], notes="C:\\temp\n")
            ),
            lambda s: s.upsert_client(client(217000001, notes=None, discount=15)),
            lambda s: s.upsert_client(client(219000002, phone="8 988 000-00-02", visit_count=6, last_visit_date=date(2026, 1, 14))),
            lambda s: s.upsert_client(client(217000002, name="O'Нил \"%_\\\"")),
        ),
        then=(
            ("get_client_by_id", lambda s: s.get_client_by_id(217000001, SALON)),
            ("get_client_by_phone", lambda s: s.get_client_by_phone("8 988 000 00 02")),
            ("search_clients_by_name", lambda s: s.search_clients_by_name(SALON, "%_\\")),
        ),
    ),
    "upsert_clients": Written(
        calls=(
            lambda s: s.upsert_clients(
                [client(216000001, discount=1), client(216000002, notes="x"), client(216000001, discount=2)]
            ),
            lambda s: s.upsert_clients([client(216000002), client(216000003, tags=[]), client(219000003, email="b@example.com")]),
            lambda s: s.upsert_clients([]),
        ),
        then=tuple(
            ("get_client_by_id", lambda s, number=number: s.get_client_by_id(number, SALON))  # type: ignore[misc]
            for number in (216000001, 216000002, 216000003, 219000003)
        ),
    ),
    "upsert_services": Written(
        calls=(
            lambda s: s.upsert_services(
                [service(18970001, price_min=Decimal("99.90"), weight=7), service(18970002, is_active=False)]
            ),
            lambda s: s.upsert_services(
                [
                    service(18970001, **dict.fromkeys(LENGTHS, 5400)),
                    service(18990003, title="Равная, но иная", category_id=977, weight=None),
                ]
            ),
        ),
        then=(
            ("get_service_by_id", lambda s: s.get_service_by_id(18970001, SALON)),
            ("get_services_by_category", lambda s: s.get_services_by_category(SALON, 977, True)),
            ("get_services_by_category", lambda s: s.get_services_by_category(SALON, 978)),
        ),
    ),
    "upsert_staff_schedules": Written(
        calls=(
            lambda s: s.upsert_staff_schedules([day(1, work_start=time(10), work_end=time(22)), day(2, is_working=False)]),
            lambda s: s.upsert_staff_schedules([day(1, work_start=time(9, 30), work_end=time(0)), day(3)]),
        ),
        then=(
            ("get_staff_schedules", lambda s: s.get_staff_schedules({"date_from": date(2026, 5, 1), "date_to": date(2026, 5, 9)})),
            ("get_staff_schedule", lambda s: s.get_staff_schedule(2990001, date(2026, 5, 1), SALON)),
        ),
    ),
    "upsert_company": Written(
        calls=(
            lambda s: s.upsert_company({"company_id": SALON, "title": "Салон «Новое имя»", "email": None, "ai_enabled": False}),
            lambda s: s.upsert_company({"company_id": SALON, "title": "Салон «Новое имя»", "working_hours": "09:00-21:00"}),
        ),
        then=(("get_company", lambda s: s.get_company(SALON)), ("get_company", lambda s: s.get_company(42))),
    ),
    "upsert_dialog_context": Written(
        calls=(
            lambda s: s.upsert_dialog_context(
                {"user_id": "79770000001", "company_id": "700123", "state": "'INIT'", "data": {"a": [1, None, "ё"]}, "messages": []}
            ),
            lambda s: s.upsert_dialog_context(
                {"user_id": "79770000001", "company_id": "700123", "state": "'BOOKING'", "messages": [{"text": "\"'\\"}]}
            ),
            lambda s: s.upsert_dialog_context({"user_id": "79990000613", "company_id": "700123", "message_count": 3}),
        ),
        then=(
            ("get_dialog_context", lambda s: s.get_dialog_context("79770000001")),
            ("get_dialog_context", lambda s: s.get_dialog_context("79990000613")),
        ),
    ),
}  # fmt: skip
