"""Order, limit, offset, range, counts, and the shapes of an answer: single, maybe single, csv, stripped, head."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, asks


def ordered(column: str, **how: Any) -> Build:
    return lambda c: c.table("kinds").select("id").order(column, **how).order("id")


def page(start: int, end: int, count: str | None = None) -> Build:
    return lambda c: c.table("series").select("id", count=count).order("id").range(start, end)


def shaped(shape: str, table: str, columns: str, number: Any, key: str = "id") -> Build:
    return lambda c: getattr(c.table(table).select(columns).eq(key, number), shape)()


COLUMNS = (
    "small", "exact", "double", "label", "flag", "day", "moment", "lasts", "token", "docb", "tags", "years", "mood", "photo",
    "host", "bits", "home", "gaps", "words",
)  # fmt: skip
ORDERS: list[Build] = [
    *(ordered(column, desc=at % 2 == 1) for at, column in enumerate(COLUMNS)), ordered("doc"), ordered("place"), ordered("nowhere"),
    ordered("whole", nullsfirst=True), ordered("whole", nullsfirst=False), ordered("whole", desc=True, nullsfirst=True),
    ordered("whole", desc=True, nullsfirst=False), ordered("docb->a", desc=True), ordered("docb->>k", nullsfirst=True),
    ordered("home->>street"), ordered(""), ordered("whole.desc"), ordered("whole.up"), ordered("id,whole"), ordered("whole desc"),
    lambda c: c.table("series").select("id").order("parity").order("n", desc=True).limit(7),
    lambda c: c.table("series").select("n").order("bucket", desc=True).order("parity", desc=True).order("id").limit(12),
    lambda c: c.table("albums").select("id").order("decade", desc=True, nullsfirst=False).order("shout"),
    lambda c: c.table("albums").select("id").order("title").order("released", desc=True),
]  # fmt: skip
PAGES: list[Build] = [
    page(0, 9), page(10, 14), page(55, 70), page(60, 70), page(100, 110), page(0, 0), page(0, 9, "exact"), page(55, 70, "exact"),
    page(60, 61, "exact"), page(100, 110, "exact"), page(5, 3), page(5, 4), page(-1, 3), page(5, 4, "exact"),
    lambda c: c.table("series").select("id").order("id").limit(3),
    lambda c: c.table("series").select("id").order("id").limit(0),
    lambda c: c.table("series").select("id", count="exact").order("id").limit(0),
    lambda c: c.table("series").select("id").order("id").limit(-1),
    lambda c: c.table("series").select("id").order("id").limit(3).limit(5),
    lambda c: c.table("series").select("id").order("id").offset(57),
    lambda c: c.table("series").select("id").order("id").offset(60),
    lambda c: c.table("series").select("id").order("id").offset(61),
    lambda c: c.table("series").select("id", count="exact").order("id").offset(61),
    lambda c: c.table("series").select("id").order("id").offset(5).limit(2),
    lambda c: c.table("series").select("id").order("id").limit("x"),
    lambda c: c.table("series").select("id").order("id").offset("x"),
    lambda c: c.table("series").select("id").order("id").offset(-3),
    lambda c: c.table("series").select("id").order("id").offset(5).limit("x"),
]  # fmt: skip
COUNTS: list[Build] = [
    lambda c: c.table("series").select("*", count="exact").eq("parity", "odd").limit(2).order("id"),
    lambda c: c.table("series").select("id", count="exact").gt("id", 100),
    lambda c: c.table("series").select("id", count="exact", head=True),
    lambda c: c.table("series").select("*", count="exact", head=True).lt("id", 11),
    lambda c: c.table("series").select("*", head=True),
    lambda c: c.table("series").select("*", head=True).eq("nowhere", 1),
    lambda c: c.table("nowhere").select("*", head=True),
    lambda c: c.table("series").select("id", count="planned").limit(1).order("id"),
    lambda c: c.table("series").select("id", count="estimated").limit(1).order("id"),
    lambda c: c.table("series").select("id", count="planned", head=True),
    lambda c: c.table("series").select("id", count="estimated", head=True),
    lambda c: c.table("series").select("id", count="planned").eq("parity", "odd").limit(1).order("id"),
    lambda c: c.table("albums").select("title", "tracks(title)", count="exact").limit(2).order("id"),
    lambda c: c.table("albums").select("title", "tracks(title)", count="exact").eq("tracks.title", "Dawn").order("id"),
    lambda c: (
        c.table("albums").select("title", "tracks!inner(title)", count="exact").eq("tracks.title", "Dawn").order("id")
    ),
    lambda c: c.table("nothing").select("*", count="exact"),
    lambda c: c.table("loud").select("*", count="exact").limit(1).order("title").order("minutes"),
    lambda c: c.table("genre_counts").select("*", count="exact").limit(1).order("genre_id"),
    lambda c: c.table("series").select("id", count="sideways").limit(1).order("id"),
]
SHAPES: list[Build] = [
    *(shaped(shape, "albums", "id,title", number) for shape in ("single", "maybe_single", "csv") for number in (1, 99)),
    *(shaped(shape, "albums", "id,title", "Aurora", "title") for shape in ("single", "maybe_single", "csv")),
    *(shaped(shape, "albums", "id,artists(name),tracks(title)", 1) for shape in ("single", "maybe_single", "csv")),
    shaped("csv", "kinds", "*", 1), shaped("csv", "kinds", "*", 2), shaped("csv", "kinds", "*", 6),
    shaped("csv", "kinds", "nowhere", 1), shaped("single", "kinds", "*", 6), shaped("single", "nowhere", "*", 1),
    shaped("maybe_single", "albums", "nothing", 1), shaped("csv", "albums", "loudly:shout,meta->size", 1),
    shaped("strip_nulls", "kinds", "*", 6),
    lambda c: c.table("kinds").select("id", "label", "tags", "docb").order("id").csv(),
    lambda c: c.table("nothing").select("*").csv(),
    lambda c: c.table("artists").select("*").order("id").csv(),
    lambda c: c.table("albums").select("id", count="exact").order("id").limit(2).csv(),
    lambda c: c.table("albums").select("id", count="exact").eq("id", 1).single(),
    lambda c: c.table("albums").select("id", count="exact").limit(1).order("id").maybe_single(),
    lambda c: c.table("albums").select("id", count="exact").limit(1).order("id").single(),
    lambda c: c.table("albums").select("id").single(),
    lambda c: c.table("albums").select("id").maybe_single(),
    lambda c: c.table("kinds").select("*").strip_nulls().order("id"),
    lambda c: c.table("albums").select("*", "artists(*)").order("id").strip_nulls(),
    lambda c: c.table("albums").select("*").eq("id", 6).strip_nulls().single(),
    lambda c: c.table("albums").select("meta").eq("id", 8).strip_nulls(),
]  # fmt: skip
CASES = asks(*ORDERS, *PAGES, *COUNTS, *SHAPES)
