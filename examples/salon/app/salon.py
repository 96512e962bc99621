"""The 21 methods of the salon's assistant, over seven repositories. Each answers an envelope and never raises.

Numbers of companies, clients, services and masters are the vendor's, never a database's own. Every order ends with a
unique column, so that equal rows come in the same order from whichever database. `bookings.datetime` is the salon's wall
clock, without a zone: what is "now" is asked in Moscow's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeVar
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from crosswalk.data.conditions import Order, Where, asc, desc, eq, escape_like, gte, ilike, lte, neq
from crosswalk.data.repository.repository import Repository
from crosswalk.data.repository.repository import Row as Stored

from .envelope import Refused, answered
from .models import MOST_ROWS, ClientRow, CompanyRow, ContextRow, Row, ScheduleQuery, ScheduleRow, ServiceRow
from .phone import normalise

SALON_ZONE: Final = ZoneInfo("Europe/Moscow")
UPCOMING: Final = 10
"""Appointments that a client is told of at most."""
AnyRow = TypeVar("AnyRow", bound=Row)
Asked = Mapping[str, Any]
"""A row as a caller hands it over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """One for each table; which database answers is theirs to know."""

    companies: Repository[Stored]
    clients: Repository[Stored]
    services: Repository[Stored]
    staff: Repository[Stored]
    schedules: Repository[Stored]
    bookings: Repository[Stored]
    contexts: Repository[Stored]


KEYS: Final[dict[str, tuple[str, ...]]] = {
    "companies": ("company_id",),
    "clients": ("yclients_id", "company_id"),
    "services": ("yclients_id", "company_id"),
    "staff": ("yclients_id", "company_id"),
    "schedules": ("staff_id", "date"),
    "bookings": ("yclients_record_id",),
    "contexts": ("user_id",),
}
"""What tells rows apart, by repository: writes go by it, and a store that has no such key refuses at once."""


class SalonData:
    """`now` answers an aware datetime; `patience` is what health_check waits, in seconds."""

    def __init__(
        self,
        repositories: Repositories,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = 2.0,
    ) -> None:
        self._of = repositories
        self._now = now
        self._patience = patience

    # --- dialog contexts ------------------------------------------------------------------------

    @answered
    async def get_dialog_context(self, user_id: str) -> Any:
        return await self._of.contexts.find_one({"user_id": eq(user_id)})

    @answered
    async def upsert_dialog_context(self, row: Asked) -> Any:
        """Sets last_activity and updated_at. The id of a context follows from its user: two first messages make one row."""
        given = ContextRow.model_validate(row).given()
        moment = self._now()
        found = await self._of.contexts.find_one({"user_id": eq(given["user_id"])})
        known = (found or {}).get("id", uuid5(NAMESPACE_URL, f"dialog:{given['user_id']}"))
        whole = {"id": known, **given, "last_activity": moment, "updated_at": moment}
        return await self._of.contexts.upsert(whole, conflict=KEYS["contexts"])

    # --- clients --------------------------------------------------------------------------------

    @answered
    async def get_client_by_phone(self, phone: str) -> Any:
        """Whatever way the phone is written; what is no phone is nobody's."""
        known = normalise(phone)
        return await self._of.clients.find_one({"phone": eq(known)}) if known else None

    @answered
    async def get_client_by_id(self, yclients_id: int, company_id: int | None = None) -> Any:
        where = {"yclients_id": eq(yclients_id)}
        return await self._of.clients.find_one(where if company_id is None else {**where, "company_id": eq(company_id)})

    @answered
    async def get_client_appointments(
        self,
        client_id: int,
        company_id: int,
        limit: int = 50,
        order_by: str = "datetime",
        direction: Literal["asc", "desc"] = "desc",
    ) -> Any:
        if direction not in {"asc", "desc"}:
            raise Refused("direction: asc or desc")
        return await self._of.bookings.find_many(
            {"client_yclients_id": eq(client_id), "company_id": eq(company_id)},
            order=[Order(column=order_by, descending=direction == "desc"), asc("yclients_record_id")],
            limit=limit,
        )

    @answered
    async def get_upcoming_appointments(self, client_id: int, company_id: int) -> Any:
        return await self._of.bookings.find_many(
            {
                "client_yclients_id": eq(client_id),
                "company_id": eq(company_id),
                "datetime": gte(self._wall_clock()),
                "status": neq("cancelled"),
            },
            order=[asc("datetime"), asc("yclients_record_id")],
            limit=UPCOMING,
        )

    @answered
    async def search_clients_by_name(self, company_id: int, name: str, limit: int = 10) -> Any:
        return await self._of.clients.find_many(
            {"company_id": eq(company_id), "name": ilike(f"%{escape_like(name)}%")},
            order=[desc("last_visit_date"), desc("visit_count"), asc("yclients_id")],
            limit=limit,
        )

    @answered
    async def upsert_client(self, row: Asked) -> Any:
        return await self._of.clients.upsert(ClientRow.model_validate(row).given(), conflict=KEYS["clients"])

    @answered
    async def upsert_clients(self, rows: Sequence[Asked]) -> Any:
        return await self._of.clients.bulk_upsert(_checked(ClientRow, rows), conflict=KEYS["clients"])

    # --- staff and their schedules --------------------------------------------------------------

    @answered
    async def get_staff(self, company_id: int, include_inactive: bool = False) -> Any:
        return await self._of.staff.find_many(
            _active({"company_id": eq(company_id)}, include_inactive), order=[asc("name"), asc("yclients_id")]
        )

    @answered
    async def get_staff_by_id(self, staff_id: int, company_id: int) -> Any:
        return await self._of.staff.find_one({"yclients_id": eq(staff_id), "company_id": eq(company_id)})

    @answered
    async def get_staff_schedules(self, query: ScheduleQuery | Asked) -> Any:
        return await self._of.schedules.find_many(
            _narrowed(ScheduleQuery.model_validate(query)), order=[asc("date"), asc("staff_name"), asc("staff_id")]
        )

    @answered
    async def get_staff_schedule(self, staff_id: int, day: date, company_id: int) -> Any:
        """A schedule has no company of its own: it is its master's. Who is no master of that company has none."""
        master = await self._of.staff.find_one({"yclients_id": eq(staff_id), "company_id": eq(company_id)})
        return await self._of.schedules.find_one({"staff_id": eq(staff_id), "date": eq(day)}) if master else None

    @answered
    async def upsert_staff_schedules(self, rows: Sequence[Asked]) -> Any:
        return await self._of.schedules.bulk_upsert(_checked(ScheduleRow, rows), conflict=KEYS["schedules"])

    # --- services -------------------------------------------------------------------------------

    @answered
    async def get_services(self, company_id: int, include_inactive: bool = False) -> Any:
        return await self._services({"company_id": eq(company_id)}, include_inactive)

    @answered
    async def get_service_by_id(self, service_id: int, company_id: int) -> Any:
        return await self._of.services.find_one({"yclients_id": eq(service_id), "company_id": eq(company_id)})

    @answered
    async def get_services_by_category(self, company_id: int, category_id: int, include_inactive: bool = False) -> Any:
        return await self._services({"company_id": eq(company_id), "category_id": eq(category_id)}, include_inactive)

    @answered
    async def upsert_services(self, rows: Sequence[Asked]) -> Any:
        return await self._of.services.bulk_upsert(_checked(ServiceRow, rows), conflict=KEYS["services"])

    # --- companies ------------------------------------------------------------------------------

    @answered
    async def get_company(self, company_id: int) -> Any:
        return await self._of.companies.find_one({"company_id": eq(company_id)})

    @answered
    async def upsert_company(self, row: Asked) -> Any:
        return await self._of.companies.upsert(CompanyRow.model_validate(row).given(), conflict=KEYS["companies"])

    @answered
    async def health_check(self) -> Any:
        """One cheap read, which has so long to answer."""
        async with asyncio.timeout(self._patience):
            await self._of.companies.find_many(limit=1, columns=["company_id"])
        return {"status": "ok"}

    # --- what several of them need --------------------------------------------------------------

    def _wall_clock(self) -> datetime:
        return self._now().astimezone(SALON_ZONE).replace(tzinfo=None)

    async def _services(self, where: Where, include_inactive: bool) -> Any:
        order = [desc("weight"), asc("title"), asc("yclients_id")]
        return await self._of.services.find_many(_active(where, include_inactive), order=order)


def _active(where: Where, include_inactive: bool) -> Where:
    return where if include_inactive else {**where, "is_active": eq(True)}


def _checked(model: type[AnyRow], rows: Sequence[Asked]) -> list[dict[str, Any]]:
    """Every row by its model; one that is refused refuses the call, before anything is written."""
    if len(rows) > MOST_ROWS:
        raise Refused(f"{len(rows)} rows: {MOST_ROWS} at most in one call")
    return [model.model_validate(row).given() for row in rows]


def _narrowed(query: ScheduleQuery) -> Where:
    where: dict[str, Any] = {}
    if query.staff_id is not None:
        where["staff_id"] = eq(query.staff_id)
    if query.staff_name is not None:
        where["staff_name"] = ilike(f"%{escape_like(query.staff_name)}%")
    days = [
        test(day) for test, day in ((gte, query.date_from), (lte, query.date_to)) if day is not None
    ]
    if days:
        where["date"] = tuple(days)
    if query.is_working is not None:
        where["is_working"] = eq(query.is_working)
    return where
