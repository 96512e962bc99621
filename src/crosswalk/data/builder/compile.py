"""Request and schema cache -> one statement."""

from __future__ import annotations

from crosswalk.data.builder.cache import SchemaCache
from crosswalk.data.request import Request, Statement


def compile(
    request: Request,
    cache: SchemaCache,
    *,
    filterless: bool = False,
    max_rows: int | None = None,
    aggregates: bool = True,
) -> Statement:
    """One statement for the request.

    `filterless` allows PATCH and DELETE of a whole table; `max_rows` cuts every page, those of embedded resources too,
    as PostgREST's db-max-rows does; `aggregates` as its db-aggregates-enabled (off there unless configured).

    Raises DataError with PostgREST's code: PGRST100 … PGRST204.
    """
    raise NotImplementedError
