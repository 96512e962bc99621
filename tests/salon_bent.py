"""Ways in which the new side of the salon may be wrong, at least one for each of the 21 methods.

Each is a mistake that a migration really makes: a filter left out, a number of the wrong kind, a unit or a zone not
converted, a pattern not escaped, an order, a limit or a key that is not the old one. A comparison that passes any of them
proves nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from crosswalk.data.conditions import Condition, Order, Where, eq, ilike
from crosswalk.data.repository.repository import Repository, Row
from examples.salon.app.envelope import answered
from examples.salon.app.salon import Repositories, SalonData
from tests.salon_sides import NOW, Compiled


class Bent:
    """A repository whose questions are changed on their way."""

    def __init__(self, repository: Repository[Row], **changes: Callable[..., Any]) -> None:
        self._repository, self._changes = repository, changes

    def _bend(self, what: str, value: Any) -> Any:
        return self._changes[what](value) if what in self._changes else value

    async def find_one(self, where: Where, *, columns: Sequence[str] | None = None) -> Row | None:
        found = await self._repository.find_one(self._bend("where", where), columns=columns)
        return self._bend("found", found) if found else None

    async def find_many(
        self,
        where: Where | None = None,
        *,
        order: Sequence[Order] = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> list[Row]:
        return await self._repository.find_many(
            self._bend("where", where), order=self._bend("order", order), limit=self._bend("limit", limit), offset=offset,
            columns=self._bend("columns", columns),
        )  # fmt: skip

    async def upsert(self, row: Mapping[str, Any], *, conflict: Sequence[str] | None = None) -> Row:
        return await self._repository.upsert(self._bend("row", row), conflict=self._bend("conflict", conflict))

    async def bulk_upsert(self, rows: Sequence[Mapping[str, Any]], *, conflict: Sequence[str] | None = None) -> list[Row]:
        return await self._repository.bulk_upsert(self._bend("rows", rows), conflict=self._bend("conflict", conflict))


class Unnormalised(SalonData):
    @answered
    async def get_client_by_phone(self, phone: str) -> Any:
        return await self._of.clients.find_one({"phone": eq(phone)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    method: str
    what: str
    repository: str = ""
    """Whose questions are changed, by `changes`."""
    changes: Mapping[str, Callable[..., Any]] | None = None
    compiled: Callable[[Compiled], None] | None = None
    kind: type[SalonData] = SalonData

    def mapping(self, compiled: Compiled) -> Compiled:
        """The compiled mapping, with this mistake."""
        if self.compiled is None:
            return compiled
        made = copy.deepcopy(compiled)
        self.compiled(made)
        assert made != compiled, self.what
        return made

    def salon(self, repositories: Repositories) -> SalonData:
        if self.changes:
            bent: Any = Bent(getattr(repositories, self.repository), **self.changes)
            repositories = replace(repositories, **{self.repository: bent})
        return self.kind(repositories, now=lambda: NOW)

    def __str__(self) -> str:
        return f"{self.method}: {self.what}"


def without(*columns: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Of a where, or of a row."""
    return lambda said: {name: value for name, value in said.items() if name not in columns}


def _renamed(old: str, new: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda said: {new if name == old else name: value for name, value in said.items()}


def _said(table: str, old: str, new: str) -> Callable[[Compiled], None]:
    """The compiled mapping of a table with one text in place of another."""

    def change(compiled: Compiled) -> None:
        entry = json.dumps(compiled["tables"][f"public.{table}"])
        compiled["tables"][f"public.{table}"] = json.loads(entry.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]))

    return change


def _unescaped(where: Where) -> Where:
    pattern: str = where["name"].value
    return {**where, "name": ilike(pattern.replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\"))}


def _until(where: Where) -> Where:
    """The last day of a range left out."""
    days = tuple(
        Condition(operator="lt", value=each.value) if each.operator == "lte" else each for each in where.get("date", ())
    )
    return {**where, "date": days} if days else where


def _first_wins(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    seen: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        seen.setdefault(row["yclients_id"], row)
    return [seen[row["yclients_id"]] for row in rows]


def _each(change: Callable[[Mapping[str, Any]], Any]) -> Callable[[Sequence[Mapping[str, Any]]], list[Any]]:
    return lambda rows: [change(row) for row in rows]


def _swapped(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **({"work_start": row["work_end"], "work_end": row["work_start"]} if "work_end" in row else {})}


def _bent(method: str, what: str, repository: str, **changes: Callable[..., Any]) -> Mutation:
    return Mutation(method=method, what=what, repository=repository, changes=changes)


def _compiled(method: str, what: str, table: str, old: str, new: str) -> Mutation:
    return Mutation(method=method, what=what, compiled=_said(table, old, new))


def _datetime(change: Callable[[Condition], Condition]) -> Callable[[Where], Where]:
    return lambda where: {**where, "datetime": change(where["datetime"])}


def _first(change: Callable[[Order], Order]) -> Callable[[Sequence[Order]], list[Order]]:
    return lambda order: [change(order[0]), *order[1:]]


MUTATIONS: Final = (
    _compiled("get_dialog_context", "no quotes", "dialog_contexts", "'''' || current_step || ''''", "current_step"),
    _bent("get_dialog_context", "the user left out", "contexts", where=without("user_id")),
    _bent("upsert_dialog_context", "no last activity", "contexts", row=without("last_activity")),
    Mutation(method="get_client_by_phone", what="a phone as it was typed", kind=Unnormalised),
    _bent("get_client_by_id", "the salon left out", "clients", where=without("company_id")),
    _bent("get_client_by_id", "a local number for the vendor's", "clients", where=_renamed("yclients_id", "id")),
    _compiled("get_client_appointments", "Moscow's clock read as UTC's", "bookings", "Europe/Moscow", "UTC"),
    _bent("get_client_appointments", "one too few", "bookings", limit=lambda limit: max(0, limit - 1)),
    _bent("get_client_appointments", "always ascending", "bookings", order=_first(lambda each: Order(column=each.column))),
    _bent("get_upcoming_appointments", "now by UTC's clock", "bookings",
          where=_datetime(lambda said: replace(said, value=NOW.replace(tzinfo=None)))),
    _bent("get_upcoming_appointments", "cancelled ones too", "bookings", where=without("status")),
    _bent("get_upcoming_appointments", "one too many", "bookings", limit=lambda limit: limit + 1),
    _bent("get_upcoming_appointments", "what begins now left out", "bookings",
          where=_datetime(lambda said: replace(said, operator="gt"))),
    _bent("search_clients_by_name", "wildcards not escaped", "clients", where=_unescaped),
    _bent("search_clients_by_name", "who never came first", "clients", order=_first(lambda each: replace(each, nulls_first=True))),
    _bent("search_clients_by_name", "case matters", "clients",
          where=lambda where: {**where, "name": replace(where["name"], operator="like")}),
    _bent("upsert_client", "another key", "clients", conflict=lambda _: ("id",)),
    _bent("upsert_client", "NULL keeps what was there", "clients",
          row=lambda row: {name: value for name, value in row.items() if value is not None}),
    _bent("upsert_clients", "the first of two wins", "clients", rows=_first_wins),
    _bent("upsert_clients", "what a row leaves out is emptied", "clients",
          rows=lambda rows: [{**dict.fromkeys({name for each in rows for name in each}), **row} for row in rows]),
    _bent("get_staff", "who left too", "staff", where=without("is_active")),
    _bent("get_staff", "by number", "staff", order=lambda order: order[1:]),
    _bent("get_staff_by_id", "a local number for the vendor's", "staff", where=_renamed("yclients_id", "id")),
    _bent("get_staff_schedules", "the last day left out", "schedules", where=_until),
    _bent("get_staff_schedules", "idle days too", "schedules", where=without("is_working")),
    _bent("get_staff_schedule", "the day left out", "schedules", where=without("date")),
    _bent("get_staff_schedule", "the salon left out", "staff", where=without("company_id")),
    _bent("upsert_staff_schedules", "begin and end swapped", "schedules", rows=_each(_swapped)),
    _bent("upsert_staff_schedules", "another key", "schedules", conflict=lambda _: ("id",)),
    _bent("get_services", "the lightest first", "services", order=_first(lambda each: replace(each, descending=False))),
    _bent("get_services", "no weight is the greatest", "services", order=_first(lambda each: replace(each, nulls_first=True))),
    _compiled("get_service_by_id", "minutes taken for seconds", "services", "duration * 60", "duration"),
    _bent("get_services_by_category", "the category left out", "services", where=without("category_id")),
    _compiled("upsert_services", "seconds written as minutes", "services", "/ 60.0", ""),
    _bent("get_company", "a local number for the vendor's", "companies", where=_renamed("company_id", "id")),
    _bent("upsert_company", "the hours lost", "companies", row=without("working_hours")),
    _bent("health_check", "a column by its new name", "companies", columns=lambda _: ["yclients_company_id"]),
)  # fmt: skip
