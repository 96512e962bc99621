"""Values as Python has them: dates, times, UUIDs, bytes, tuples, big numbers, texts with every kind of sign."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

from postgrest import CountMethod, ReturnMethod
from tests.oracle.asked import Build, asks, changes

TOKEN = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
SIGNS = (
    "é%_*", "Привет, мир", 'two, (three) "four"', "back\\slash", "a&b=c", "x+y z", "#?/", "\t\n", "日本 ✓ 🎈", "'; DROP TABLE x; --",
    "$1", "%s", "{}", "\u2028",
)  # fmt: skip


def equal(column: str, value: Any, operator: str = "eq") -> Build:
    return lambda c: getattr(c.table("kinds").select("id", column), operator)(column, value).order("id")


def noted(text: str) -> Build:
    return lambda c: c.table("loners").insert({"word": text, "n": 1})


def sought(text: str) -> Build:
    return lambda c: c.table("artists").select("id").or_(f'name.eq."{text}",id.eq.1').order("id")


def stored(**values: Any) -> Build:
    return lambda c: c.table("items").insert({"name": "n", **values})


READ: list[Build] = [
    equal("day", date(2024, 1, 1)), equal("day", date(2000, 1, 1), "gt"), equal("moment", datetime(2024, 1, 1, 10, tzinfo=UTC)),
    equal("moment", datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=3))), "lte"), equal("wall", datetime(2024, 1, 1, 10)),
    equal("clock", time(10, 0)), equal("token", TOKEN, "gt"), equal("token", [TOKEN], "in_"), equal("exact", 99999999999999999999.5),
    equal("whole", 1.0), equal("flag", False), equal("label", True), equal("whole", [1, 2]),
    equal("docb", {"a": 1}), equal("docb", [1, "two", None]), equal("double", float("inf")), equal("double", float("nan")),
    equal("days", [date(2024, 1, 1)], "contains"), equal("numbers", (1, 2), "contains"), equal("tags", {"a"}, "contains"),
    equal("day", [date(2024, 1, 1), date(2024, 2, 29)], "in_"), equal("whole", (1, 5), "in_"), equal("whole", range(3), "in_"),
    equal("flag", [True, None], "in_"), equal("label", [None, "one"], "in_"),
    equal("numbers", range(1, 3), "contained_by"), *(equal("label", text) for text in SIGNS),
    *(equal("label", [text, "one"], "in_") for text in SIGNS), *(equal("tags", [text, "a"], "ov") for text in SIGNS),
    *(sought(text) for text in SIGNS if not set(text) & set('"\\')),
    lambda c: c.table("series").select("id", count=CountMethod.exact).limit(1).order("id"),
    lambda c: c.from_("series").select("id", "n").eq("id", 7),
    lambda c: c.table("kinds").select("id").match({"day": date(2024, 1, 1), "flag": True}),
]  # fmt: skip
WRITTEN: list[Build] = [
    stored(day=date(2024, 3, 3)), stored(made=datetime(2024, 3, 3, 3, tzinfo=UTC)), stored(made=datetime(2024, 3, 3, 3)),
    stored(token=TOKEN), stored(photo=b"\x00\xff"), stored(photo=bytearray(b"ab")), stored(tags=("a", "b")),
    stored(meta=OrderedDict(z=1, a=2)), stored(meta={"at": date(2024, 1, 1)}),
    stored(meta={"deep": {"token": TOKEN, "list": (1, 2)}}), stored(price=12.30), stored(qty=True),
    stored(meta={"big": 12345678901234567890123}), stored(meta={"f": 1.0}), stored(meta={"f": 1e30}),
    *(noted(text) for text in (*SIGNS, "\x00", "null", "NULL", " ", '"')),
    lambda c: c.table("items").update({"day": date(2024, 3, 3), "token": TOKEN}).eq("id", 1),
    lambda c: c.table("items").insert(({"name": "c"}, {"name": "d"})),
    lambda c: c.table("items").insert([OrderedDict(name="e")]),
    lambda c: c.table("items").insert({"name": "n"}, returning=ReturnMethod.minimal, count=CountMethod.exact),
    lambda c: c.table("items").update({"qty": 3}, returning=ReturnMethod.minimal).gt("id", 2),
    lambda c: c.table("items").delete(returning=ReturnMethod.minimal, count=CountMethod.exact).eq("id", 4),
    lambda c: c.table("items").update({"qty": 3}).gt("id", 2).max_affected(1),
    lambda c: c.table("items").delete().gt("id", 2).max_affected(5),
]  # fmt: skip
CALLED: list[Build] = [
    lambda c: c.rpc("typed", {"d": date(2024, 1, 1), "u": TOKEN, "m": datetime(2024, 1, 1, tzinfo=UTC), "y": b"\x01"}),
    lambda c: c.rpc("typed", {"w": ("a", "b"), "a": [1, 2]}),
    lambda c: c.rpc("typed", {"w": ("a,b", None), "a": (1, 2)}, get=True),
    lambda c: c.rpc("typed", {"d": date(2024, 1, 1), "u": TOKEN}, get=True),
    lambda c: c.rpc("typed", {"f": True, "i": None}, get=True),
    *(lambda c, text=text: c.rpc("typed", {"t": text}) for text in SIGNS),
    *(lambda c, text=text: c.rpc("typed", {"t": text}, get=True) for text in SIGNS),
]
CASES = [*asks(*READ, *CALLED), *changes(*WRITTEN)]
