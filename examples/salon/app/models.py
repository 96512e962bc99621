"""The rows that the application writes, checked before a database sees them, and the questions that have many parts.

A model names what must be there and what has a type that matters. Other columns pass as they are: whether a column
exists is the database's word (42703). Values are canonical Python: what is left out of a row stays out.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .phone import normalise

MOST_ROWS = 500
"""In one call."""


def _normalised(phone: str) -> str:
    found = normalise(phone)
    if found is None:
        raise ValueError("no phone number")
    return found


VendorId = Annotated[int, Field(gt=0, lt=2**63)]
Text = Annotated[str, Field(min_length=1)]
Phone = Annotated[str, AfterValidator(_normalised)]
"""In the one spelling: a client who is written is found again by phone."""
NotNegative = Annotated[int, Field(ge=0)]
Money = Annotated[Decimal, Field(ge=0)]


class Row(BaseModel):
    """One row to write; `given()` is what the caller named, and nothing besides."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class ClientRow(Row):
    yclients_id: VendorId
    company_id: VendorId
    name: Text
    phone: Phone
    email: str | None = None
    discount: NotNegative | None = None
    visit_count: NotNegative | None = None
    first_visit_date: dt.date | None = None
    last_visit_date: dt.date | None = None
    tags: list[str | None] | None = None
    notes: str | None = None


class ServiceRow(Row):
    yclients_id: VendorId
    company_id: VendorId
    title: Text
    category_id: int | None = None
    category_title: str | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    duration: NotNegative | None = None
    """Seconds."""
    is_active: bool | None = None
    weight: int | None = None


class ScheduleRow(Row):
    staff_id: VendorId
    """The vendor's number of the master."""
    staff_name: Text
    date: dt.date
    is_working: bool = False
    work_start: dt.time | None = None
    work_end: dt.time | None = None


class CompanyRow(Row):
    company_id: VendorId
    title: Text
    phone: str | None = None
    email: str | None = None
    timezone: str | None = None


class ContextRow(Row):
    user_id: Text
    """A phone, as a rule; some channels have names of their own."""
    company_id: str | None = None
    state: str | None = None
    data: Any = None
    messages: Any = None


class ScheduleQuery(BaseModel):
    """Which schedules; what is None does not narrow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    staff_id: VendorId | None = None
    staff_name: str | None = None
    """A part of the name, in any case; % and _ stand for themselves."""
    date_from: dt.date | None = None
    date_to: dt.date | None = None
    is_working: bool | None = None
