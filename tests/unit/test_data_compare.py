"""Two answers, judged: what is equal for an application, and each way in which they can differ."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from crosswalk.data.conditions import asc
from crosswalk.data.failures import (
    BadValue,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    Misconfigured,
    Unavailable,
)
from crosswalk.data.modes.canonical import Incomparable, form, kept
from crosswalk.data.modes.compare import Difference, Outcome, Rules, compare
from crosswalk.data.modes.digest import digest

MOSCOW = timezone(timedelta(hours=3))


def judged(mine: Any, theirs: Any, **rules: Any) -> Difference | None:
    sides = [Outcome(error=v) if isinstance(v, BaseException) else Outcome(value=v) for v in (mine, theirs)]
    return compare(sides[0], sides[1], Rules(**rules))


def kind(mine: Any, theirs: Any, **rules: Any) -> str:
    found = judged(mine, theirs, **rules)
    return "equal" if found is None else found.kind


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.50"), Decimal("1.5")), (Decimal("100"), Decimal("1E+2")), (Decimal("0E+500"), Decimal("-0.00")),
        (0.0, -0.0), (float("nan"), float("nan")), (Decimal("NaN"), Decimal("NaN")), (float("inf"), float("inf")),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 15, tzinfo=MOSCOW)),
        ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}), ([1, 2.0], [1.0, 2]), ({"n": 1}, {"n": Decimal("1.0")}),
        ({"n": 1.5}, {"n": Decimal("1.50")}), (memoryview(b"ab"), b"ab"), ((1, 2), [1, 2]),
    ],
)  # fmt: skip
def test_equal_values(one: Any, other: Any) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, Decimal(1)), (1, 1.0), (1.0, Decimal(1)), (1, True), (0, False), ({"n": 1}, {"n": True}), (1, "1"), (None, ""),
        (None, []), ([], {}), ({"a": None}, {}), (Decimal("1.5"), Decimal("1.51")), (Decimal("15"), Decimal("150")),
        (0.1, 0.1 + 2**-56), (float("inf"), float("-inf")), (Decimal("1E+500"), Decimal("1E+501")),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12)),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=MOSCOW)),
        (datetime(2026, 1, 1), date(2026, 1, 1)), (time(1, tzinfo=UTC), time(1)), ([1, 2], [2, 1]), ([1], [1, 1]),
        (timedelta(days=1), timedelta(days=2)), (UUID(int=1), str(UUID(int=1))), (b"a", "a"), ("a", "A"), ("a", "a "),
    ],
)  # fmt: skip
def test_unequal_values(one: Any, other: Any) -> None:
    assert form(one) != form(other)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(-20, 20))
def test_a_decimal_is_its_value_whatever_its_scale(value: Decimal, scale: int) -> None:
    rescaled = value.scaleb(0) + Decimal((0, (0,), scale))
    assert (form(value) == form(rescaled)) == (value == rescaled)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON)
def test_forms_are_as_equal_as_the_values_and_can_be_sorted(one: Any, other: Any) -> None:
    sorted([form(one), form(other)])
    assert form({"v": one}) == form({"v": kept(one)})
    if form(one, nested=True) == form(other, nested=True):
        assert one == other
    elif not isinstance(one, bool | int | float) and not _holds_bool(one) and not _holds_bool(other):
        assert one != other


def _holds_bool(value: Any) -> bool:
    """Python takes True for 1."""
    if isinstance(value, dict):
        return any(map(_holds_bool, value.values()))
    return any(map(_holds_bool, value)) if isinstance(value, list) else isinstance(value, bool)


def test_what_has_no_form_is_no_pass() -> None:
    with pytest.raises(Incomparable, match="object"):
        form(object())


# --- errors -------------------------------------------------------------------------------------


def test_an_error_on_one_side_is_a_difference() -> None:
    assert kind([], DataError("x")) == "error-secondary"
    assert kind(DataError("x"), []) == "error-primary"
    assert kind(None, TimeoutError()) == "timeout"


def test_errors_on_both_sides_are_equal_only_where_the_caller_sees_the_same() -> None:
    assert kind(DuplicateKey("a", constraint="k"), DuplicateKey("b", constraint="k")) == "equal"
    assert kind(DuplicateKey("a", constraint="k"), DuplicateKey("a", constraint="other")) == "errors-differ"
    assert kind(BadValue("a", column="x"), BadValue("a", column="y")) == "errors-differ"
    assert kind(DuplicateKey("a"), ForeignKeyViolated("a")) == "errors-differ"
    assert kind(BadValue("a", code="22P02"), BadValue("a", code="22007")) == "errors-differ"


@pytest.mark.parametrize("error", [Unavailable("gone"), DataError("?", code="42501"), TypeError("x"), TimeoutError()])
def test_the_same_trouble_on_both_sides_is_no_pass(error: Exception) -> None:
    assert kind(error, error) == "errors-both"


def test_an_answer_that_tells_of_an_error_is_one() -> None:
    def failed(answer: Any) -> str | None:
        return None if answer["success"] else answer["error"]

    good, bad = {"success": True, "data": [1]}, {"success": False, "error": "PGRST116"}
    assert kind(good, bad, failed=failed) == "error-secondary"
    assert kind(bad, good, failed=failed) == "error-primary"
    assert kind(bad, dict(bad), failed=failed) == "errors-both"
    assert kind(good, {**good, "timestamp": 2}, failed=failed, absent={"timestamp": "the clock"}) == "equal"
    assert kind(good, {**good, "timestamp": 2}, failed=failed, view=lambda a: a["data"]) == "equal"


# --- rows ---------------------------------------------------------------------------------------

ANN, BOB = {"id": 1, "name": "Ann", "n": None}, {"id": 2, "name": "Bob", "n": 5}


def test_one_row() -> None:
    assert kind(ANN, dict(ANN)) == "equal"
    assert kind(None, None) == "equal"
    assert kind(ANN, None) == "missing"
    assert kind(None, ANN) == "extra"
    assert kind(ANN, {"id": 1, "name": "Ann"}) == "columns"
    found = judged(ANN, {**ANN, "name": "ann", "n": 0}, key=("id",))
    assert found is not None
    assert (found.kind, found.columns, len(found.keys)) == ("values", ("n", "name"), 1)


def test_rows_in_any_order_unless_asked_for() -> None:
    assert kind([ANN, BOB], [BOB, ANN]) == "equal"
    assert kind([ANN, BOB], [BOB, ANN], order=[asc("name")]) == "order"
    assert kind([ANN, BOB], [BOB, ANN], ordered=True) == "order"
    ties = [{"id": 1, "name": "A"}, {"id": 2, "name": "A"}]
    assert kind(ties, ties[::-1], order=[asc("name")]) == "equal", "the order leaves these two where they like"
    assert kind(ties, ties[::-1], order=[asc("weight")]) == "order", "by a column that is not shown: all count"


def test_rows_by_key() -> None:
    found = judged([ANN, BOB], [{**BOB, "name": "B"}, {"id": 3, "name": "Cid", "n": 1}], key=("id",))
    assert found is not None
    assert found.kind == "missing"
    assert found.columns == ("name",)
    assert found.counts == {"primary": 2, "secondary": 2, "missing": 1, "extra": 1, "values": 1}
    assert kind([ANN], [ANN, BOB], key=("id",)) == "extra"
    assert kind([ANN], [{**ANN, "name": "x"}], key=("id",)) == "values"
    assert kind([ANN], [{"id": 1, "name": "Ann"}], key=("id",)) == "columns"


def test_rows_without_a_key_count_as_often_as_they_come() -> None:
    assert kind([ANN, ANN, BOB], [ANN, BOB, BOB]) == "values"
    assert kind([ANN, ANN], [ANN]) == "missing"
    assert kind([{"n": 1}, {"n": 1}], [{"n": 1}, {"n": 2}], key=("n",)) != "equal"


def test_columns_are_left_out_only_with_a_reason() -> None:
    rows = ([{"id": 1, "raw": {"a": 1}}], [{"id": 1}])
    assert kind(*rows) == "columns"
    assert kind(*rows, absent={"raw": "the new schema keeps no dumps"}) == "equal"
    with pytest.raises(Misconfigured, match="raw"):
        Rules(absent={"raw": " "})


def test_models_and_dataclasses_are_rows() -> None:
    class Client(BaseModel):
        id: int
        name: str

    @dataclasses.dataclass
    class Other:
        id: int
        name: str

    assert kind([Client(id=1, name="A")], [Other(1, "A")]) == "equal"
    assert kind(Client(id=1, name="A"), Client(id=1, name="B")) == "values"


def test_other_answers() -> None:
    assert kind(5, 5) == "equal"
    assert kind(5, 6) == "values"
    assert kind(5, "5") == "type"
    assert kind([ANN], None) == "type"
    assert kind([ANN], [1]) == "type" or kind([ANN], [1]) == "values"
    assert kind(ANN, 5) == "type"


def test_a_difference_holds_no_value() -> None:
    found = judged([{"id": 1, "name": "s3cret"}], [{"id": 1, "name": "other"}], key=("id",))
    assert found is not None
    assert "s3cret" not in repr(found)


# --- walks --------------------------------------------------------------------------------------


async def walked(rows: list[dict[str, Any]], **rules: Any) -> dict[str, Any]:
    async def stream() -> Any:
        for row in rows:
            yield row

    return await digest(stream(), Rules(**rules))


async def test_a_walk_is_the_same_in_any_order() -> None:
    assert await walked([ANN, BOB], key=("id",)) == await walked([BOB, ANN], key=("id",))
    assert await walked([ANN, BOB]) == await walked([BOB, ANN])


@pytest.mark.parametrize("rules", [{}, {"key": ("id",)}])
async def test_a_walk_tells_values_that_changed_places(rules: dict[str, Any]) -> None:
    swapped = [{**ANN, "name": "Bob"}, {**BOB, "name": "Ann"}]
    assert await walked([ANN, BOB], **rules) != await walked(swapped, **rules)


async def test_two_walks_name_the_columns_that_differ() -> None:
    mine, theirs = await walked([ANN, BOB], key=("id",)), await walked([ANN, {**BOB, "n": 6}], key=("id",))
    found = judged(mine, theirs)
    assert found is not None
    assert found.columns == ("n",)
    fewer = judged(mine, await walked([ANN], key=("id",)))
    assert fewer is not None
    assert "(rows)" in fewer.columns
