"""Every operator on every type: comparisons, lists, nulls, and texts that a type does not read."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, Case, asks

# By column: a value that one row holds, one that lies between others, and texts for a list (of arrays PostgREST makes none).
ORDERED: dict[str, tuple[Any, Any, list[Any]]] = {
    "small": (1, 3, [1, 0, 9]), "whole": (-2147483648, 2, [5, 2147483647]), "big": (9007199254740993, 10, [9223372036854775807, 1]),
    "exact": ("1.5", "-0.0000000001", ["1.50", "5.0"]), "free": ("12345678901234567890123.45", "1e3", ["NaN", "0"]),
    "single": ("1.5", "1e-30", ["NaN", 5]), "double": ("-0.1", "-Infinity", ["Infinity", "1.5"]),
    "label": ("one", "o", ["one", "Привет, мир", 'two, (three) "four"', ""]), "short": ("x,y", "A", ["NULL", "é%_*"]),
    "fixed": ("a", "ab", ["ab   ", "%"]), "flag": (True, False, [True]),
    "day": ("1999-12-31", "2024-01-02", ["2024-02-29", "infinity"]), "clock": ("10:00", "12:00:00.5", ["24:00", "00:00"]),
    "zoned": ("10:00+02", "09:00+00", ["05:05+00"]),
    "moment": ("2024-01-01T10:00:00+00:00", "2024-01-01T11:30:00+02:00", ["infinity", "2024-02-29 05:05Z"]),
    "wall": ("2024-01-01T10:00:00", "2024-01-01", ["-infinity"]), "lasts": ("1 day", "P1M", ["24:00:00", "100 years"]),
    "token": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "b0000000-0000-0000-0000-000000000000",
              ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"]),
    "docb": ('"text"', '{"a": 1}', ['"text"', "null"]), "tags": ("{a,b}", "{b}", ["{}", "{a,b}"]),
    "numbers": ("{1,2,3}", "{4}", []), "tokens": ("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "{}", []),
    "grid": ("{{1,2},{3,4}}", "{1}", []), "days": ("{2024-01-01}", "{2024-03-01}", []), "moods": ("{sad,ok}", "{ok}", []),
    "years": ("[1,10)", "[2,3)", ["empty", "[5,5]"]), "dates": ("[2024-01-01,2024-01-31]", "[2024-01-10,)", ["(,)"]),
    "moments": ("empty", "(,2024-03-01)", ["(,)"]), "prices": ("[1.5,2.5]", "[2,2]", ["[5.0,5.00]"]),
    "gaps": ("{[1,3),[5,8)}", "{[2,3)}", ["{}"]), "mood": ("ok", "sad", ["very happy", "ok"]),
    "contact": ("ann@example.org", "c@c", ['q"@x', "@"]), "size": (5, 6, [7, 55]),
    "photo": ("\\x5c", "\\x10", ["\\xdeadbeef", "\\x"]), "host": ("10.0.0.1", "10.0.0.1/24", ["::1"]),
    "net": ("10.0.0.0/8", "11.0.0.0/8", ["2001:db8::/32"]), "mac": ("08:00:2b:01:02:03", "08002b010204", ["ff-ff-ff-ff-ff-ff"]),
    "words": ("'cat':1 'mat':3", "'dog':1", ["'five':5"]), "bits": ("1010", "0101", ["1111", "0000"]),
}  # fmt: skip
UNREAD: dict[str, str] = {
    "small": "32768", "whole": "one", "big": "1.5", "exact": "1,5", "single": "1e400", "flag": "maybe", "day": "2024-02-30",
    "clock": "25:00", "moment": "yesterdayish", "lasts": "1 fortnightish", "token": "xyz", "docb": "{a}", "tags": "a,b",
    "numbers": "{x}", "years": "[5,1)", "mood": "Sad", "size": "-1", "home": "x", "photo": "\\xg", "host": "300.0.0.1",
    "net": "10.0.0.1/8", "bits": "12", "gaps": "[1,2)",
}  # fmt: skip
COMPARISONS = ("neq", "gt", "gte", "lt", "lte")


def compare(column: str, operator: str, value: Any) -> Build:
    return lambda c: getattr(c.table("kinds").select("id", column), operator)(column, value).order("id")


def negated(column: str, operator: str, value: Any) -> Build:
    return lambda c: getattr(c.table("kinds").select("id").not_, operator)(column, value).order("id")


def typed() -> list[Case]:
    """Per column: eq with its own value, two comparisons (they alternate), in, not, and null both ways."""
    found: list[Build] = []
    for at, (column, (held, between, several)) in enumerate(ORDERED.items()):
        found += [
            compare(column, "eq", held),
            compare(column, "is_", None),
            *([compare(column, "in_", several)] if several else []),
        ]
        found += [compare(column, COMPARISONS[at % 5], between), compare(column, COMPARISONS[(at + 2) % 5], between)]
        found += [negated(column, *(("in_", several) if several and at % 2 else ("eq", held)))]
    return asks(*found)


WORDS: list[Build] = [
    lambda c: c.table("kinds").select("id").is_("flag", True).order("id"),
    lambda c: c.table("kinds").select("id").is_("flag", False).order("id"),
    lambda c: c.table("kinds").select("id").is_("flag", "unknown").order("id"),
    lambda c: c.table("kinds").select("id").is_("flag", "NULL").order("id"),
    lambda c: c.table("kinds").select("id").not_.is_("flag", True).order("id"),
    lambda c: c.table("kinds").select("id").not_.is_("label", None).order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "isdistinct", "1").order("id"),
    lambda c: c.table("kinds").select("id").filter("label", "not.isdistinct", "one").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "isdistinct", "null").order("id"),
    lambda c: c.table("kinds").select("id").eq("label", None).order("id"),
    lambda c: c.table("kinds").select("id").eq("label", "").order("id"),
    lambda c: c.table("kinds").select("id").in_("label", []).order("id"),
    lambda c: c.table("kinds").select("id").in_("whole", []).order("id"),
    lambda c: c.table("kinds").select("id").in_("label", ["", "one"]).order("id"),
    lambda c: c.table("kinds").select("id").eq("home", "(x,)"),
    lambda c: c.table("kinds").select("id").in_("label", ['two, (three) "four"', "back\\slash"]).order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "in", "(1, 5)").order("id"),
    lambda c: c.table("kinds").select("id").filter("label", "in", '("one","null")').order("id"),
    lambda c: c.table("kinds").select("id").match({"mood": "sad", "flag": True}).order("id"),
    lambda c: c.table("kinds").select("id").gt("whole", 0).lt("whole", 5).neq("whole", 1).order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "eq(any)", "{1,5}").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "gt(all)", "{0,1}").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "gte(any)", "{3,5}").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "lt(any)", "{0,1}").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "lte(all)", "{0,1}").order("id"),
    lambda c: c.table("kinds").select("id").filter("whole", "not.eq(any)", "{1,5}").order("id"),
    lambda c: c.table("kinds").select("id").filter("tags", "eq", "{a,b}").filter("id", "lt", "3"),
    lambda c: c.table("kinds").select("id").eq("home", "(,)").order("id"),
    lambda c: c.table("kinds").select("id").eq("place", "(1,2)").order("id"),
    lambda c: c.table("kinds").select("id").eq("doc", '"text"').order("id"),
    lambda c: c.table("kinds").select("id").gt("label", "two, (three)").order("id"),
    lambda c: c.table("kinds").select("id").eq("moment", "2024-01-01T10:00:00+00:00").eq("wall", "2024-01-01 10:00:00"),
    lambda c: c.table("kinds").select("*").eq("id", 6),
    lambda c: c.table("kinds").select("*").order("id"),
]
MISTAKES: list[Build] = [
    lambda c: c.table("kinds").select("id").filter("whole", "equals", "1"),
    lambda c: c.table("kinds").select("id").filter("whole", "eq(some)", "1"),
    lambda c: c.table("kinds").select("id").filter("whole", "is", "1"),
    lambda c: c.table("kinds").select("id").filter("whole", "in", "1,2"),
    lambda c: c.table("kinds").select("id").filter("whole", "neq(any)", "{1}"),
    lambda c: c.table("kinds").select("id").eq("nowhere", 1),
    lambda c: c.table("kinds").select("id").is_("whole", True),
    lambda c: c.table("kinds").select("id").filter("whole", "not.not.eq", "1"),
    lambda c: c.table("kinds").select("id").filter("", "eq", "1"),
    lambda c: c.table("kinds").select("id").filter("whole", "", "1"),
    lambda c: c.table("kinds").select("id").in_("whole", ["x"]),
    lambda c: c.table("kinds").select("id").filter("whole", "eq(any)", "1"),
]
CASES = [*typed(), *asks(*(compare(column, "eq", text) for column, text in UNREAD.items())), *asks(*WORDS, *MISTAKES)]
