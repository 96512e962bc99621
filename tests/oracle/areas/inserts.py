"""Insert and upsert: one row and many, defaults and nulls, every type's texts, what is returned, conflicts, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, changes


def insert(table: str, rows: Any, **how: Any) -> Build:
    return lambda c: c.table(table).insert(rows, **how)


def upsert(table: str, rows: Any, **how: Any) -> Build:
    return lambda c: c.table(table).upsert(rows, **how)


VALUES: list[dict[str, Any]] = [
    {"name": "n", "qty": "5"}, {"name": "n", "qty": 5.0}, {"name": "n", "price": 1.005}, {"name": "n", "price": "12.34"},
    {"name": "n", "tags": ["a,b", 'c"d', ""]}, {"name": "n", "tags": "{x,y}"}, {"name": "n", "tags": []},
    {"name": "n", "tags": None}, {"name": "n", "meta": {"a": [1, {"b": None}]}}, {"name": "n", "meta": []},
    {"name": "n", "meta": "text"}, {"name": "n", "meta": None}, {"name": "n", "meta": 5}, {"name": "n", "meta": False},
    {"name": "n", "mood": "very happy"}, {"name": "n", "token": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A99"}, {"name": "n", "size": 3},
    {"name": "n", "home": {"street": "s,t", "zip": 5}}, {"name": "n", "home": "(s,5)"}, {"name": "n", "years": "[1,3]"},
    {"name": "n", "photo": "\\xdeadbeef"}, {"name": "n", "made": "2024-05-05T05:05:05.123456+05:00"},
    {"name": "n", "day": "2024-02-29"}, {"name": 5}, {"name": True}, {"name": {"a": 1}}, {"name": ["x"]},
    {"name": "Привет \"мир\" \\ \n\t ✓"}, {"name": ""}, {},
]  # fmt: skip
BAD: list[dict[str, Any]] = [
    {"name": None}, {"name": "n", "qty": -1}, {"name": "n", "qty": "x"}, {"name": "n", "qty": 1.5},
    {"name": "n", "qty": 3000000000}, {"name": "n", "sku": "h1"}, {"name": "n", "category_id": 99}, {"name": "n", "mood": "bored"},
    {"name": "n", "size": -1}, {"name": "n", "token": "x"}, {"name": "n", "day": "2024-02-30"}, {"name": "n", "price": 99999999},
    {"name": "n", "tags": "x"}, {"name": "n", "tags": {"a": 1}}, {"name": "n", "years": "[3,1]"}, {"id": 1, "name": "n"},
    {"name": "n", "doubled": 4}, {"name": "n", "nowhere": 1}, {"name": "n", "item_label": "x"}, {"nowhere": None},
    {"name": "n", "home": {"zip": "x"}}, {"name": "n", "photo": "\\xg"}, {"name": "n", "made": "soon"},
]  # fmt: skip
SHAPES: list[Build] = [
    insert("items", {"name": "n"}, returning="minimal"), insert("items", {"name": "n"}, count="exact"),
    insert("items", [{"name": "a"}, {"name": "b"}], returning="minimal", count="exact"), insert("items", []),
    insert("items", [{"name": "a"}, {"name": "b"}]), insert("items", [{"name": "a", "qty": 3}, {"name": "b"}]),
    insert("items", [{"name": "a", "qty": 3}, {"name": "b"}], default_to_null=False), insert("items", [{"name": "a"}, {"qty": 3}]),
    insert("items", [{"name": "a"}, {"qty": 3}], default_to_null=False),
    insert("items", [{"name": "a"}, {}], default_to_null=False), insert("items", [{"name": "a"}, {"name": None}]),
    insert("items", [{"name": "a", "sku": "z"}, {"name": "b", "sku": "z"}]), insert("items", [{}, {}]),
    insert("items", [{"name": "a"}, {"nowhere": 1}]), insert("items", {"name": "n"}, default_to_null=False),
    insert("defaulted", {}), insert("defaulted", [{}]), insert("defaulted", {"n": 1}),
    insert("defaulted", {}, default_to_null=False), insert("defaulted", [{"n": 1}, {"id": 2}], default_to_null=False),
    insert("defaulted", [{"id": 5, "n": 1}, {"id": 6}]), insert("loners", [{"word": "z", "n": 9}, {"n": 10}]),
    insert("numbered", {"word": "three"}), insert("numbered", {"id": 9, "word": "nine"}),
    insert("categories", [{"id": 10, "name": "a", "parent_id": 11}, {"id": 11, "name": "b", "parent_id": None}]),
    insert("nowhere", {"a": 1}), insert("loud", {"title": "x"}), insert("genre_counts", {"genre_id": 1}),
    insert("album_credits", {"title": "x"}), insert("cheap_items", {"name": "cheap", "price": 5}),
    insert("cheap_items", {"name": "dear", "price": 50}), insert("item_words", {"id": 99}), insert("item_words", {"loud": "X"}),
    insert("item_box", {"id": 50, "boxed": "thing"}), insert("guarded", {"id": 9, "word": "w"}),
    insert("guarded", {"id": 9, "word": "teapot"}), insert("guarded", {"id": 9, "word": "own"}),
    insert("guarded", {"id": 9, "word": "plain"}), insert("guarded", {"id": 9, "word": "skip"}),
    insert("guarded", [{"id": 9, "word": "w"}, {"id": 10, "word": "skip"}], count="exact"), insert("items", "text"),
    insert("items", 5), insert("items", [1, 2]), insert("items", {"name": "n", "qty": 2}, upsert=True),
    insert("items", {"id": 1, "name": "n"}, upsert=True),
    lambda c: c.table("items").insert({"name": "n", "qty": 2}).select("id", "doubled"),
    lambda c: c.table("items").insert({"name": "n", "category_id": 2}).select("name", "categories(name)"),
    lambda c: c.table("items").insert({"name": "n"}).select("item_label", "made::date", "m:meta->new"),
    lambda c: c.table("items").insert({"name": "n"}).select("nowhere"),
    lambda c: c.table("items").insert({"name": "n"}).select("nowhere(x)"),
    lambda c: c.table("items").insert([{"name": "a"}, {"name": "b"}]).select("name").order("name", desc=True),
    lambda c: c.table("items").insert([{"name": "a"}, {"name": "b"}]).single(),
    lambda c: c.table("items").insert({"name": "a"}).single(),
    lambda c: c.table("items").insert({"name": "a"}).select("id").single(),
    lambda c: c.table("items").insert([{"name": "a"}, {"name": "b"}]).maybe_single(),
    lambda c: c.table("items").insert({"name": "a", "qty": 3}).csv(),
    lambda c: c.table("items").insert({"name": "a"}).strip_nulls(),
    lambda c: c.table("items").insert({"name": "n"}).select("count()"),
    lambda c: c.table("items").insert({"name": "n"}, returning="minimal").select("name"),
]  # fmt: skip
CONFLICTS: list[Build] = [
    upsert("stock", {"warehouse": "north", "sku": "h1", "qty": 8}), upsert("stock", {"warehouse": "east", "sku": "h1", "qty": 8}),
    upsert("stock", {"warehouse": "north", "sku": "h1"}), upsert("stock", {"warehouse": "north", "qty": 1}),
    upsert("stock", [{"warehouse": "north", "sku": "h1", "qty": 8}, {"warehouse": "west", "sku": "x", "qty": 1}]),
    upsert("stock", [{"warehouse": "north", "sku": "h1", "qty": 8}, {"warehouse": "north", "sku": "h1", "qty": 9}]),
    upsert("stock", {"warehouse": "north", "sku": "h1", "qty": 8}, ignore_duplicates=True),
    upsert("stock", {"warehouse": "east", "sku": "h1", "qty": 8}, ignore_duplicates=True),
    upsert("stock", [{"warehouse": "north", "sku": "h1", "qty": 8}, {"warehouse": "west", "sku": "x", "qty": 1}],
           ignore_duplicates=True),
    upsert("stock", {"warehouse": "north", "sku": "h1", "note": "n"}),
    upsert("stock", {"warehouse": "north", "sku": "h1", "qty": None}),
    upsert("stock", [{"warehouse": "north", "sku": "h1", "note": "n"}, {"warehouse": "e", "sku": "h1", "qty": 5}],
           default_to_null=False),
    upsert("stock", {"warehouse": "north", "sku": "h1", "qty": 8}, returning="minimal"),
    upsert("stock", {"warehouse": "north", "sku": "h1", "qty": 8}, count="exact"), upsert("stock", []),
    upsert("items", {"sku": "h1", "name": "new hammer"}, on_conflict="sku"),
    upsert("items", {"sku": "zz", "name": "zed"}, on_conflict="sku"), upsert("items", {"sku": "h1", "name": "new hammer"}),
    upsert("items", {"sku": None, "name": "x"}, on_conflict="sku"), upsert("items", {"id": 1, "name": "new hammer"}),
    upsert("items", {"id": 1, "name": "new hammer"}, on_conflict="id"), upsert("items", {"id": 1, "sku": "p1", "name": "x"}),
    upsert("items", {"id": 77, "name": "x"}),
    upsert("items", [{"sku": "h1", "name": "a", "qty": 3}, {"sku": "yy", "name": "b"}], on_conflict="sku"),
    upsert("items", [{"sku": "h1", "name": "a", "qty": 3}, {"sku": "yy", "name": "b"}], on_conflict="sku", default_to_null=False),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="sku", ignore_duplicates=True),
    upsert("items", {"sku": "h1"}, on_conflict="sku", ignore_duplicates=True, returning="minimal", count="exact"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="name"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="nowhere"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="sku,name"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="id,sku"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict=" sku"),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict='"sku"'),
    upsert("items", {"sku": "h1", "name": "x"}, on_conflict="sku,"), upsert("items", {"sku": "h1", "qty": -5}, on_conflict="sku"),
    upsert("items", {"sku": "h1", "category_id": 99}, on_conflict="sku"), upsert("items", {"name": "x"}, on_conflict="sku"),
    upsert("loners", {"word": "a", "n": 5}), upsert("loners", {"word": "a", "n": 5}, ignore_duplicates=True),
    upsert("loners", {"word": "a"}, on_conflict="word"), upsert("numbered", {"word": "one"}, on_conflict="word"),
    upsert("numbered", {"word": "one", "twice": "t"}, on_conflict="word"),
    upsert("partial", {"id": 9, "word": "w"}, on_conflict="word"), upsert("partial", {"id": 1, "word": "v"}),
    upsert("guarded", {"id": 1, "word": "up"}), upsert("guarded", {"id": 1, "word": "teapot"}), upsert("guarded", {"id": 1}),
    upsert("cheap_items", {"id": 2, "name": "cheaper", "price": 1}),
    upsert("cheap_items", {"id": 2, "name": "cheaper", "price": 1}, on_conflict="id"),
    upsert("tags_of", {"item_id": 1, "tag": "heavy"}), upsert("stock", {}), upsert("nowhere", {"a": 1}),
    upsert("tags_of", {"item_id": 1, "tag": "heavy"}, ignore_duplicates=True),
    lambda c: c.table("items").upsert({"sku": "h1", "name": "x"}, on_conflict="sku").select("id", "name", "categories(name)"),
    lambda c: c.table("items").upsert({"sku": "h1", "name": "x"}, on_conflict="sku").single(),
    lambda c: c.table("items").upsert({"sku": "h1", "name": "x"}, on_conflict="sku", ignore_duplicates=True).single(),
    lambda c: c.table("items").upsert({"sku": "h1", "name": "x"}, on_conflict="sku", ignore_duplicates=True).maybe_single(),
]  # fmt: skip
CASES = changes(*(insert("items", row) for row in (*VALUES, *BAD)), *SHAPES, *CONFLICTS)
