"""Writes that hypothesis makes: insert, upsert, update, delete; values that fit and some that do not; what is returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.oracle.asked import Case, changes

Draw = Callable[[st.SearchStrategy[Any]], Any]

ITEMS: dict[str, tuple[Any, ...]] = {
    "id": (1, 3, 50, "51"), "sku": ("h1", "p1", "new", None), "name": ("n", "", 'a "b", c', 5, None),
    "qty": (0, 7, "8", None, -1, "x"),
    "price": (1.5, "2.50", 0, None),
    "tags": ([], ["a,b", 'c"d'], "{x}", None), "meta": ({"a": [1, None]}, [], "text", 1.0, None, False),
    "mood": ("ok", "very happy", None, "bored"), "size": (3, None),
    "home": ({"street": "s", "zip": 1}, "(s,2)", None), "years": ("[1,3]", None),
    "day": ("2024-05-05", None, "never"), "category_id": (1, None, 99), "made": ("2024-05-05T05:05:05+02:00",),
}  # fmt: skip
STOCK: dict[str, tuple[Any, ...]] = {
    "warehouse": ("north", "south", "east"), "sku": ("h1", "n1", "z"), "qty": (0, 5, "6", None), "note": ("n", None, ""),
}  # fmt: skip
DEFAULTED: dict[str, tuple[Any, ...]] = {"id": (1, 42, 43), "word": ("w", None), "n": (1, None)}
TABLES = {"items": ITEMS, "stock": STOCK, "defaulted": DEFAULTED}
KEYS = {"items": ("", "id", "sku"), "stock": ("", "warehouse,sku"), "defaulted": ("", "id")}
RETURNED = {
    "items": ("*", "id,name", "item_label,price::text", "name,categories(name)", "sku,meta->a,tags->0,id"),
    "stock": ("*", "sku,qty", "how_many:qty::text"), "defaulted": ("*", "id,word"),
}  # fmt: skip
TESTS = {
    "items": (
        ("id", "eq", "1"),
        ("id", "in", "(1,3,4)"),
        ("sku", "is", "null"),
        ("qty", "gt", "0"),
        ("tags", "cs", "{steel}"),
    ),
    "stock": (("warehouse", "eq", "north"), ("qty", "not.lt", "3"), ("note", "is", "null")),
    "defaulted": (("id", "eq", "42"),),
}


@st.composite
def writes(draw: Draw) -> Case:
    """A request that writes, or tries to."""
    table = draw(st.sampled_from(sorted(TABLES)))
    kind = draw(st.sampled_from(("insert", "upsert", "upsert", "update", "delete")))
    how: dict[str, Any] = {"returning": draw(st.sampled_from(("representation", "representation", "minimal")))}
    if draw(st.integers(0, 2)) == 0:
        how["count"] = "exact"
    body = [] if kind == "delete" else [_body(draw, table, kind, how)]
    tests = [_test(draw, table) for _ in range(draw(st.integers(1, 2)))] if kind in {"update", "delete"} else []
    select = (
        draw(st.sampled_from(RETURNED[table])) if how["returning"] == "representation" and draw(st.booleans()) else ""
    )
    last = draw(st.sampled_from(("", "", "", "single", "csv", "strip_nulls")))

    def build(client: Any) -> Any:
        asked = getattr(client.table(table), kind)(*body, **how)
        for column, operator, value in tests:
            asked = asked.filter(column, operator, value)
        asked = asked.select(select) if select else asked
        return getattr(asked, last)() if last else asked

    return changes(build)[0]


def _body(draw: Draw, table: str, kind: str, how: dict[str, Any]) -> Any:
    if kind == "update":
        return _row(draw, table, 1)
    how["default_to_null"] = draw(st.booleans())
    if kind == "upsert":
        how |= {"on_conflict": draw(st.sampled_from(KEYS[table])), "ignore_duplicates": draw(st.integers(0, 3)) == 0}
    rows = [_row(draw, table, 0) for _ in range(draw(st.integers(1, 3)))]
    return rows[0] if len(rows) == 1 and draw(st.booleans()) else rows


def _row(draw: Draw, table: str, least: int) -> dict[str, Any]:
    columns = TABLES[table]
    chosen = draw(st.lists(st.sampled_from(sorted(columns)), min_size=least, max_size=5, unique=True))
    return {column: draw(st.sampled_from(columns[column])) for column in chosen}


def _test(draw: Draw, table: str) -> tuple[str, str, str]:
    found: tuple[str, str, str] = draw(st.sampled_from(TESTS[table]))
    return found
