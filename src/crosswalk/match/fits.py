"""Whether the values that were seen fit the target column; a bounded look, `crosswalk check` asks every row.

Pure.
"""

from __future__ import annotations

from decimal import Decimal

from crosswalk.match.profile import Profile
from crosswalk.pg_types import INTEGERS, NUMBERS, STRINGS, length_limit, numeric_limits
from crosswalk.schema import Column


def misfit(seen: Profile | None, source: Column, target: Column) -> str:
    """Why some values that were seen do not fit; empty where all do, or none were seen."""
    if seen is None:
        return ""
    if target.not_null and seen.present < seen.rows:
        return f"{seen.rows - seen.present} of {seen.rows} values are NULL and {target.name} is NOT NULL"
    want = target.type.storage
    limit = length_limit(want.name, want.modifier)
    if limit is not None and seen.longest is not None and seen.longest > limit:
        return f"some values are longer than the {limit} characters of {target.name}"
    if want.name in NUMBERS and source.type.storage.name in NUMBERS:
        return _number(seen, target)
    if want.name in NUMBERS and source.type.storage.name in STRINGS and seen.present and seen.share("number") < 1:
        return f"some values do not read as {want.display}"
    return ""


def _number(seen: Profile, target: Column) -> str:
    want = target.type.storage
    if seen.low is None or seen.high is None:
        return ""
    low, high = _span(target)
    if low is not None and high is not None and (seen.low < low or seen.high > high):
        return f"some values are outside the range of {want.display}"
    if want.name in INTEGERS and seen.whole < 1:
        return f"some values have a fraction and {want.display} has none"
    return ""


def _span(column: Column) -> tuple[Decimal | None, Decimal | None]:
    """The least and the greatest number that a column holds; None where that is not known."""
    want = column.type.storage
    if want.name in INTEGERS:
        low, high = INTEGERS[want.name]
        return Decimal(low), Decimal(high)
    limits = numeric_limits(want.modifier) if want.name == "numeric" else None
    if limits is None:
        return None, None
    most = Decimal(10) ** (limits[0] - limits[1]) - Decimal(10) ** -limits[1]
    return -most, most
