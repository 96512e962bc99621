"""The one row of a compiled statement becomes an Answer, or the error that PostgREST would send. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crosswalk.data.builder import refusals
from crosswalk.data.builder.reading import read_query
from crosswalk.data.failures import DataError
from crosswalk.data.request import Answer, Request


def answer(request: Request, row: Mapping[str, Any], *, plan: Any = None, decimals: bool = False) -> Answer:
    """What the row says. `plan` is the value that the statement's plan gave; `decimals` reads fractions as Decimal.

    Raises DataError: PGRST116 (an object was asked for, and there is not just one row), PGRST103 (an offset behind the
    last row of a known count), PGRST110 (a limited write whose order is not unique), PGRST115 (PUT of another row),
    PGRST124 (more rows than `max_affected`). The runner then rolls back.
    """
    rows = int(row["page_total"])
    count = _count(request, row, plan)
    _check(request, rows, count)
    return Answer(
        data=_data(request, row["body"], decimals=decimals), count=count, status=_status(request, row, rows, count)
    )


def _count(request: Request, row: Mapping[str, Any], plan: Any) -> int | None:
    """A planned count is the planner's; an estimated one is exact while a page holds it, then the planner's if that is more."""
    counted: int | None = row["count"]
    if request.count in (None, "exact") or plan is None or not row.get("capped", True):
        return counted
    explained = json.loads(plan) if isinstance(plan, str | bytes) else plan
    rows = int(explained[0]["Plan"]["Plan Rows"])
    return max(rows, counted or 0)


def _check(request: Request, rows: int, count: int | None) -> None:
    if request.shape == "object" and rows != 1:
        raise refusals.not_one_row(rows)
    if request.method == "PUT" and not request.rpc and rows != 1:
        raise refusals.put_mismatch()
    if request.max_affected is not None and request.method not in ("GET", "HEAD") and rows > request.max_affected:
        raise refusals.too_many(rows)
    page = read_query([(key, text) for key, text in request.params if key in ("limit", "offset")])
    limit, offset = (next((number for path, number in said if not path), None) for said in (page.limits, page.offsets))
    if limit is not None and request.method in ("PATCH", "DELETE") and rows > limit:
        raise refusals.more_than_limited(rows, limit)
    if offset and count is not None and offset > count and _pages(request):
        raise refusals.bad_range(f"An offset of {offset} was requested, but there are only {count} rows.")


def _pages(request: Request) -> bool:
    return request.rpc or request.method in ("GET", "HEAD")


def _data(request: Request, body: str | None, *, decimals: bool) -> Any:
    if body is None or request.shape == "csv":
        return body
    fraction = Decimal if decimals else None
    try:
        return json.loads(body, parse_float=fraction)
    except json.JSONDecodeError:
        raise DataError("the server's answer is no JSON") from None
    except ValueError:  # a number of more digits than Python reads as a whole one
        return json.loads(body, parse_float=fraction, parse_int=lambda text: int(Decimal(text)))


def _status(request: Request, row: Mapping[str, Any], rows: int, count: int | None) -> int:
    if _pages(request):
        partial = count is not None and rows < count
        return 204 if request.rpc and row["body"] is None and request.method != "HEAD" else 206 if partial else 200
    if request.method == "POST":
        return 201
    return 200 if request.returning == "representation" else 204
