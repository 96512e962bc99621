"""What is selected: columns, aliases, casts, computed columns, stars, and selects that are no selects."""

from __future__ import annotations

from tests.oracle.asked import Build, asks


def of(table: str, *columns: str) -> Build:
    return lambda c: c.table(table).select(*columns).order("id").limit(3)


def whole(table: str) -> Build:
    return lambda c: c.table(table).select("*")


def cast(column: str, kind: str) -> Build:
    return lambda c: c.table("kinds").select("id", f"{column}::{kind}").neq("id", 6).order("id")


CASTS: dict[str, tuple[str, ...]] = {
    "whole": ("text", "bigint", "numeric", "double precision", "varchar", "int8", "boolean"), "big": ("text", "numeric"),
    "exact": ("text", "int", "float8"), "flag": ("int", "text"), "day": ("text", "timestamp", "timestamptz"),
    "moment": ("date", "text", "time"), "wall": ("date",), "lasts": ("text", "time"), "docb": ("text", "json"),
    "tags": ("text", "json"), "numbers": ("text", "text[]", "bigint[]"), "mood": ("text",), "photo": ("text",), "years": ("text",),
    "label": ("char", "bytea", "int", "mood"), "token": ("text", "bytea"), "host": ("text",), "size": ("smallint", "text"),
    "home": ("text",), "words": ("text",), "id": ("nonsense", "regtype"), "small": ("oid",),
}  # fmt: skip
SELECTS: list[Build] = [
    of("albums"), of("albums", "id"), of("albums", "title", "id"), of("albums", " copies , id "), of("albums", "id", "id"),
    of("albums", "number:id", "called:title"), of("albums", "*", "id"), of("albums", "*", "again:title"),
    of("albums", "the price:price"), of("albums", '"the price":price'), of("albums", "id:title", "title:id"),
    of("albums", "*", "shout"), of("albums", "id", "shout", "decade"), of("albums", "loudly:shout"), of("albums", "shout::varchar"),
    of("artists", "name", "card"), of("artists", "card->name"), of("artists", "card->>since"), of("artists", "id", "c:card->>name"),
    of("albums", "price::text"), of("albums", "p:price::int"), of("albums", "copies::text", "copies"), of("albums", ""),
    of("albums", "", "id"), of("albums", '"title"', '"id"'), of("albums", "b.id"), of("albums", "nothing"), of("albums", "id,"),
    of("albums", "id,,title"), of("albums", "id title"), of("albums", "id)"), of("albums", "(id)"), of("albums", "id::"),
    of("albums", "::text"), of("albums", "a:b:id"), of("albums", ":id"), of("albums", "id;drop table albums"), of("albums", "*:id"),
    of("albums", "*::text"), of("albums", "albums.*"), of("albums", "ID"), of("albums", "id-title"), of("albums", "count"),
    of("albums", "shout()"), of("albums", "id->x"), of("albums", "'id'"), of("albums", "$id"), of("albums", "tableoid"),
    of("albums", "ctid::text"), of("albums", "albums"), of("kinds", "home", "tags", "docb", "doc", "years", "photo"),
]  # fmt: skip
FILTERED: list[Build] = [
    lambda c: c.table("albums").select("id").eq("shout", "AURORA!").order("id"),
    lambda c: c.table("albums").select("id").gte("decade", 2000).order("decade", desc=True).order("id"),
    lambda c: c.table("artists").select("id").eq("card->>name", "Anna"),
    lambda c: c.table("albums").select("title").order("shout", desc=True),
    lambda c: c.table("albums").select("number:id").eq("number", 1),
    lambda c: c.table("albums").select("number:id").order("number"),
    lambda c: c.table("album_list").select("id", "shout"),
    lambda c: c.table("articles").select("id", "words").order("id"),
]
VIEWED = (
    "album_list",
    "album_credits",
    "album_list_again",
    "artist_sums",
    "icelanders",
    "loud",
    "genre_counts",
    "plays",
    "plays_old",
    "nothing",
)
CASES = asks(
    *SELECTS, *(cast(column, kind) for column, kinds in CASTS.items() for kind in kinds), *FILTERED, *map(whole, VIEWED)
)
