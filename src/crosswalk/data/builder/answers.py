"""The one row of a compiled statement becomes an Answer, or the error that PostgREST would send. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crosswalk.data.request import Answer, Request


def answer(request: Request, row: Mapping[str, Any], *, plan: Any = None, decimals: bool = False) -> Answer:
    """What the row says. `plan` is the value that the statement's plan gave; `decimals` reads fractions as Decimal.

    Raises DataError: PGRST116 (an object was asked for, and there is not just one row), PGRST103 (an offset behind the
    last row of a known count), PGRST124 (more rows were written than `max_affected`). The runner then rolls back.
    """
    raise NotImplementedError
