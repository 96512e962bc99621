"""Arrays, ranges, multiranges and JSON: contains, contained by, overlaps, left and right of, paths."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, asks


def kinds(operator: str, column: str, value: Any) -> Build:
    return lambda c: getattr(c.table("kinds").select("id"), operator)(column, value).order("id")


def raw(column: str, operator: str, value: str, table: str = "albums") -> Build:
    return lambda c: c.table(table).select("id").filter(column, operator, value).order("id")


def selecting(*columns: str, table: str = "albums") -> Build:
    return lambda c: c.table(table).select(*columns).order("id")


CONTAINED: list[Build] = [
    kinds("contains", "tags", ["a"]), kinds("contains", "tags", ["a,b"]), kinds("contains", "tags", ['c"d', ""]),
    kinds("contains", "tags", []), kinds("contains", "tags", ["{x}", "sp ace", "back\\slash"]), kinds("contains", "tags", ["null"]),
    kinds("contains", "tags", [None]), kinds("contained_by", "tags", ["a", "b", "c"]), kinds("contained_by", "tags", []),
    kinds("overlaps", "tags", ["b", "NULL"]), kinds("ov", "tags", []), kinds("contains", "numbers", [1, 3]),
    kinds("contained_by", "numbers", [5, 7]), kinds("ov", "numbers", [3, 7]), kinds("contains", "grid", [4]),
    kinds("contains", "tokens", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    kinds("ov", "tokens", ["00000000-0000-0000-0000-000000000000"]), kinds("contains", "days", ["2024-01-01"]),
    kinds("overlaps", "moods", ["ok"]), kinds("contains", "moods", ["very happy"]), kinds("contains", "docb", {"a": 1}),
    kinds("contains", "docb", {"b": {"c": [{"d": "x"}]}}), kinds("contains", "docb", "[1]"), kinds("contains", "docb", {}),
    kinds("contained_by", "docb", {"a": None, "k": "v", "n": 2.5, "deep": {"list": ["p", "q"]}}),
    kinds("contained_by", "docb", '["two", 1, null, 9]'), kinds("contains", "years", "[2,4)"), kinds("contains", "years", "7"),
    kinds("contained_by", "years", "[0,12)"), kinds("overlaps", "years", "[8,12)"), kinds("contains", "dates", "2024-01-15"),
    kinds("contains", "dates", "[2024-01-15,2024-01-15]"), kinds("ov", "dates", "[2024-02-01,)"),
    kinds("contains", "moments", "[2024-01-05,2024-01-06)"), kinds("contains", "prices", "[2,2.25]"), kinds("cs", "numbers", [2]),
    kinds("cd", "tags", ["b", "a"]), kinds("contains", "gaps", "{[5,6)}"), kinds("overlaps", "gaps", "{[2,5)}"),
    kinds("contained_by", "gaps", "{[0,50)}"), kinds("ov", "gaps", "[6,7)"), kinds("sl", "years", (8, 12)),
    kinds("sr", "years", (1, 4)), kinds("nxl", "years", (5, 9)), kinds("nxr", "years", (1, 9)), kinds("adj", "years", (10, 20)),
    kinds("range_gt", "years", (1, 6)), kinds("range_gte", "years", (6, 7)), kinds("range_lt", "years", (10, 11)),
    kinds("range_lte", "years", (1, 10)), kinds("range_adjacent", "years", (20, 25)),
    kinds("sl", "dates", ("2024-02-10", "2024-03-10")), kinds("adj", "dates", ("2024-02-01", "2024-02-05")),
    kinds("sl", "prices", (3, 4)), kinds("nxr", "moments", ("2024-01-01", "2024-03-01")), kinds("sr", "gaps", (0, 1)),
    lambda c: c.table("kinds").select("id").not_.contains("tags", ["a"]).order("id"),
    lambda c: c.table("kinds").select("id").not_.contains("docb", {"a": 1}).order("id"),
    lambda c: c.table("kinds").select("id").not_.ov("years", "[8,12)").order("id"),
    lambda c: c.table("kinds").select("id").not_.range_adjacent("years", (10, 20)).order("id"),
    kinds("contains", "whole", [1]), kinds("contains", "numbers", ["x"]), kinds("contains", "docb", "{"),
    kinds("ov", "label", ["a"]), kinds("sl", "whole", (1, 2)), kinds("contains", "doc", {"a": 1}),
    kinds("contains", "host", "10.0.0.1"), kinds("contained_by", "net", "10.0.0.0/7"),
]  # fmt: skip
PATHS: list[Build] = [
    selecting("id", "meta->discs"), selecting("id", "meta->>discs"), selecting("id", "meta->size->w"),
    selecting("id", "meta->size->>w"), selecting("id", "meta->formats->0"), selecting("id", "meta->formats->>-1"),
    selecting("id", "meta->>size"), selecting("id", "how_many:meta->discs"), selecting("id", "meta->discs::text"),
    selecting("id", "(meta->discs)"), selecting("id", "meta->>discs::int"), selecting("id", "size:meta->size->>h::int"),
    selecting("id", "meta->1"), selecting("id", "meta->>nowhere"), selecting("id", "meta->>nowhere->x"), selecting("id", "tags->0"),
    selecting("id", "title->x"), selecting("id", "doc->b->c->2->>d", table="kinds"),
    selecting("id", "doc->b->c", "docb->b->c->>0", table="kinds"), selecting("id", "home->street", table="kinds"),
    selecting("id", "home->>zip", table="kinds"), selecting("docb->0", "docb->>1", table="kinds"),
    selecting("docb->deep->list->1", table="kinds"), selecting("a:meta->discs", "b:meta->discs", "meta"),
    selecting("id", 'meta->"discs"'), selecting("id", "meta->"), selecting("id", "meta->>"), raw("meta->>discs", "eq", "1"),
    raw("meta->discs", "eq", "1"), raw("meta->discs", "eq", '"3"'), raw("meta->discs", "gte", "2"),
    raw("meta->size->>w", "eq", "12"), raw("meta->size->w", "gt", "11"), raw("meta->>discs", "is", "null"),
    raw("meta->>discs", "in", "(1,3)"), raw("meta->formats", "cs", '["cd"]'), raw("meta->formats->>0", "like", "l*"),
    raw("meta->discs", "is", "null"), raw("meta->discs", "not.eq", "1"), raw("meta->0", "eq", "1"), raw("meta->>x", "eq", ""),
    raw("tags->0", "eq", "ice"), raw("tags->>0", "eq", "ice"), raw("home->>street", "eq", "five", "kinds"),
    raw("home->zip", "gt", "0", "kinds"), raw("docb->deep->list", "cs", '["q"]', "kinds"), raw("doc->>a", "eq", "1", "kinds"),
    raw("doc->a", "eq", "1", "kinds"), raw("meta->nowhere->x->y", "is", "null"), raw('meta->"size"->>"h"', "eq", "10"),
    raw("title->>x", "eq", "1"), raw("meta->>discs", "fts", "1"),
    lambda c: c.table("albums").select("id").order("meta->>discs", desc=True).order("id"),
    lambda c: c.table("albums").select("id").order("meta->size->h", nullsfirst=True).order("id", desc=True),
    lambda c: c.table("albums").select("id").order("tags->0").order("id"),
    lambda c: c.table("kinds").select("id", "docb->@type", "docb->>a/b", "k:docb->a+b->c;d").order("id"),
    lambda c: c.table("kinds").select("id", "docb->$k->#[]").is_("docb->>@type", None).order("id"),
    lambda c: c.table("kinds").select("id").or_("docb->>a/b.eq.1,docb->>k.eq.v").order("docb->@k").order("id"),
    lambda c: c.table("kinds").select("docb->my-key", "docb->>a--b").order("id"),
    lambda c: c.table("albums").select("id").or_("meta->>discs.eq.2,meta->size->>w.is.null").order("id"),
    lambda c: c.table("albums").select("title, meta->size").eq("meta->>discs", 1).order("id"),
    lambda c: c.table("profiles").select("artist_id", "links->>site", "links->fans").gt("links->fans", 8),
]  # fmt: skip
CASES = asks(*CONTAINED, *PATHS)
