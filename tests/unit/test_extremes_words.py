"""A row that is too large for the server's memory is a row to set aside, whatever language the server speaks."""

from __future__ import annotations

import asyncpg
import pytest

from crosswalk.errors import StatementFailed
from crosswalk.sqlstates import blames_a_row
from crosswalk.translation import state_of, translate, without_values

GIANT = "invalid memory alloc request size 1100000060"


@pytest.mark.parametrize("text", [GIANT, "ungültige Größe der Speicheranforderung: 1100000060"])
def test_an_allocation_of_over_a_gigabyte_blames_a_row(text: str) -> None:
    error = asyncpg.exceptions.InternalServerError(text)
    assert state_of(error) == "54000"
    told = translate(error, side="source", what="the copy")
    assert isinstance(told, StatementFailed)
    assert blames_a_row(str(told.fields["sqlstate"]))
    assert "over 1 GB" in str(told)
    assert "over 1 GB" in without_values("XX000", text)


def test_other_internal_errors_blame_none() -> None:
    error = asyncpg.exceptions.InternalServerError("cache lookup failed for relation 16384")
    assert state_of(error) == "XX000"
    assert not blames_a_row("XX000")
