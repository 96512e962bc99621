"""How many rejected rows a run accepts."""

from __future__ import annotations

import pytest

from crosswalk.allowance import Allowance, Limit
from crosswalk.errors import LimitUnreadable, TooManyRejects


@pytest.mark.parametrize(
    ("text", "rows", "allowed"),
    [("0", 10, 0), ("100", 10, 100), ("0%", 10, 0), ("50%", 3, 1), (" 0.5% ", 1999, 9), ("0.1%", 10**12, 10**9), ("100%", 7, 7)],
)
def test_a_number_of_rows_or_a_part_of_all(text: str, rows: int, allowed: int) -> None:
    assert Limit.read(text).of(rows) == allowed


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "101%", "ten", "1e3", "٣", "5 %", "1,000", "100.5%"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(LimitUnreadable, match="neither a number of rows nor a percentage"):
        Limit.read(text)


def test_as_many_as_allowed_are_no_reason_to_stop() -> None:
    allowance = Allowance(limit=Limit.read("10%"), run=1, rows=50, by_rule=5)
    allowance.require(5)
    with pytest.raises(TooManyRejects, match=r"^6 of 50 source rows are rejected, and 10% \(5 rows\) may be\.$"):
        allowance.require(6)
