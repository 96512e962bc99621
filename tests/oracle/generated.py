"""Requests that hypothesis makes: any table, columns, casts, paths, embeds to depth three, filters, logic, orders and pages.

What is made is mostly right, so that answers are compared rather than refusals; every level is ordered by its key, so that rows
without an order of their own cannot come apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.oracle.asked import Case, asks

Draw = Callable[[st.SearchStrategy[Any]], Any]
Step = tuple[str, tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table as far as requests need it."""

    key: str
    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    one: dict[str, str] = field(default_factory=dict)
    """To-one embeds: how each is written, and the table that it is."""
    many: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.key, *self.numbers, *self.texts, *self.dates)


TABLES: dict[str, Shape] = {
    "artists": Shape(
        key="id",
        numbers=("mentor_id", "rating"),
        texts=("name", "country"),
        dates=("born",),
        paths=("card->>name", "card->since"),
        one={
            "countries": "countries",
            "profiles": "profiles",
            "passports": "passports",
            "mentor:artists!mentor_id": "artists",
            "latest": "albums",
        },
        many={
            "albums": "albums",
            "compatriots": "artists",
            "labels": "labels",
            "firsts:duets!first_id": "duets",
            "fests:festivals!lineups": "festivals",
            "album_list": "album_list",
        },
    ),
    "albums": Shape(
        key="id",
        numbers=("artist_id", "label_id", "price", "copies", "decade"),
        texts=("title", "shout"),
        dates=("released",),
        paths=("meta->discs", "meta->>discs", "meta->size->w"),
        one={"artists": "artists", "by:artists!artist_id": "artists", "labels": "labels"},
        many={"tracks": "tracks", "genres": "genres", "album_genres": "album_genres", "plays": "plays"},
    ),
    "labels": Shape(
        key="id",
        numbers=("founded",),
        texts=("name", "country"),
        one={"countries": "countries"},
        many={"albums": "albums", "album_list": "album_list"},
    ),
    "countries": Shape(
        key="code", texts=("name", "capital"), many={"artists": "artists", "labels": "labels", "festivals": "festivals"}
    ),
    "profiles": Shape(
        key="artist_id", texts=("bio",), paths=("links->>site", "links->fans"), one={"artists": "artists"}
    ),
    "passports": Shape(key="id", numbers=("artist_id",), texts=("number",), one={"artists": "artists"}),
    "tracks": Shape(
        key="title",
        numbers=("album_id", "position", "seconds"),
        one={"albums": "albums"},
        many={"track_notes": "track_notes"},
    ),
    "track_notes": Shape(key="id", numbers=("stars", "album_id"), texts=("note",), one={"tracks": "tracks"}),
    "genres": Shape(key="id", texts=("name",), many={"albums": "albums", "album_genres": "album_genres"}),
    "album_genres": Shape(key="genre_id", numbers=("album_id", "weight"), one={"albums": "albums", "genres": "genres"}),
    "plays": Shape(key="id", numbers=("album_id", "listeners"), dates=("day",), one={"albums": "albums"}),
    "duets": Shape(
        key="id",
        numbers=("first_id",),
        texts=("title",),
        one={"first:artists!first_id": "artists", "second_voice": "artists"},
    ),
    "festivals": Shape(
        key="id",
        texts=("name", "country"),
        one={"countries": "countries", "head:artists!headliner_id": "artists"},
        many={"all:artists!lineups": "artists"},
    ),
    "album_list": Shape(
        key="id",
        numbers=("price",),
        texts=("title",),
        one={"artists": "artists", "labels": "labels"},
        many={"tracks": "tracks"},
    ),
}
NUMBERS = ("0", "1", "2", "5", "9.99", "200", "1990", "-1", "9007199254740993")
TEXTS = ("Aurora", "Anna", "IS", "pop", "", "a", "Z", 'Erik "the" Red, Jr.', "null", "Bridge", "(x)")
PATTERNS = ("A%", "*a*", "%o%", "_ris", "B*", "%", "")
DATES = ("1999-01-01", "2010-10-10", "1961-05-06", "2030-01-01")
CASTS = ("text", "varchar", "numeric")


@st.composite
def cases(draw: Draw) -> Case:
    """A request that reads."""
    table = draw(st.sampled_from(sorted(TABLES)))
    steps: list[Step] = []
    select = _select(draw, table, "", 0, steps)
    how = {"count": "exact"} if draw(st.booleans()) else {}
    steps += _logic(draw, table) + _paged(draw)
    last: list[Step] = (
        [(draw(st.sampled_from(("single", "maybe_single", "csv", "strip_nulls"))), (), {})]
        if draw(st.integers(0, 9)) == 6
        else []
    )

    def build(client: Any) -> Any:
        asked = client.table(table).select(select, **how)
        for name, arguments, named in [*steps, *last]:
            asked = getattr(asked, name)(*arguments, **named)
        return asked

    return asks(build)[0]


def _select(draw: Draw, table: str, path: str, depth: int, steps: list[Step]) -> str:
    """What is selected of a table; its filters and its order become steps."""
    shape = TABLES[table]
    chosen = draw(st.lists(st.sampled_from((*shape.columns, *shape.paths)), min_size=1, max_size=4, unique=True))
    parts = [_column(draw, name, at) for at, name in enumerate(chosen)] if draw(st.integers(0, 4)) else ["*"]
    known = {**shape.one, **shape.many}
    embedded = draw(st.lists(st.sampled_from(sorted(known)), max_size=2, unique=True)) if known and depth < 3 else []
    for each in _apart(embedded):
        parts.append(_embed(draw, each, known[each], each in shape.one, path, depth, steps))
    if draw(st.booleans()):
        steps += [_filter(draw, shape, path) for _ in range(draw(st.integers(1, 2)))]
    steps += _ordered(draw, shape, path)
    return ",".join(parts)


def _apart(embedded: list[str]) -> list[str]:
    """Each relation once: PostgREST's paths may mean either of two (docs/oracle.md)."""
    return list({each.split(":")[-1].split("!")[0]: each for each in embedded}.values())


def _name(embed: str) -> str:
    return embed.split(":", maxsplit=1)[0].split("!", maxsplit=1)[0]


def _embed(draw: Draw, each: str, table: str, one: bool, path: str, depth: int, steps: list[Step]) -> str:
    below = f"{path}.{_name(each)}" if path else _name(each)
    joined = draw(st.sampled_from(("", "", "!inner", "!left")))
    return f"{each}{joined}({_select(draw, table, below, depth + 1, steps)})"


def _column(draw: Draw, name: str, at: int) -> str:
    alias = f"c{at}:" if draw(st.integers(0, 3)) == 0 else ""
    cast = f"::{draw(st.sampled_from(CASTS[:2]))}" if draw(st.integers(0, 5)) == 0 else ""
    return f"{alias}{name}{cast}"


def _filter(draw: Draw, shape: Shape, path: str) -> Step:
    column, operator, value = _test(draw, shape)
    negated = "not." if draw(st.integers(0, 3)) == 0 else ""
    return "filter", (f"{path}.{column}" if path else column, f"{negated}{operator}", value), {}


def _test(draw: Draw, shape: Shape) -> tuple[str, str, str]:
    """Column, operator and value, fit for the column's type."""
    kinds = (
        [(column, NUMBERS) for column in shape.numbers]
        + [(column, TEXTS) for column in shape.texts]
        + [(column, DATES) for column in shape.dates]
    )
    column, values = draw(st.sampled_from(kinds))
    whole = (
        tuple(value for value in values if "." not in value)
        if values is NUMBERS and column not in {"price", "rating"}
        else values
    )
    small = (
        tuple(value for value in whole if len(value) < 10)
        if values is NUMBERS and column not in {"price", "rating", "copies"}
        else whole
    )
    operator = draw(
        st.sampled_from(
            (
                "eq",
                "neq",
                "gt",
                "gte",
                "lt",
                "lte",
                "is",
                "in",
                "isdistinct",
                "eq(any)",
                *(("like", "ilike", "match") if values is TEXTS else ()),
            )
        )
    )
    if operator == "is":
        return column, operator, "null"
    if operator in {"like", "ilike"}:
        return column, operator, draw(st.sampled_from(PATTERNS))
    plain = tuple(value for value in small if not set(value) & set('",()')) if operator == "match" else small
    if operator in {"in", "eq(any)"}:
        several = draw(st.lists(st.sampled_from(small), min_size=1, max_size=3))
        quoted = ",".join('"' + value.replace('"', '\\"') + '"' for value in several)
        return column, operator, f"({quoted})" if operator == "in" else f"{{{quoted}}}"
    return column, operator, draw(st.sampled_from(plain))


def _ordered(draw: Draw, shape: Shape, path: str) -> list[Step]:
    named = {"foreign_table": path} if path else {}
    own = (
        draw(st.lists(st.sampled_from((*shape.numbers, *shape.texts, *shape.dates)), max_size=2, unique=True))
        if draw(st.booleans())
        else []
    )
    steps: list[Step] = [
        (
            "order",
            (column,),
            {"desc": draw(st.booleans()), "nullsfirst": draw(st.sampled_from((None, True, False))), **named},
        )
        for column in own
    ]
    return [*steps, *(("order", (column,), named) for column in (shape.key, *shape.numbers))]


def _logic(draw: Draw, table: str) -> list[Step]:
    if draw(st.integers(0, 2)):
        return []
    return [("or_", (",".join(_tree(draw, table, 0) for _ in range(draw(st.integers(1, 3)))),), {})]


def _tree(draw: Draw, table: str, depth: int) -> str:
    if depth < 2 and draw(st.integers(0, 2)) == 0:
        inner = ",".join(_tree(draw, table, depth + 1) for _ in range(draw(st.integers(1, 2))))
        return f"{draw(st.sampled_from(('and', 'or', 'not.and', 'not.or')))}({inner})"
    column, operator, value = _test(draw, TABLES[table])
    plain = operator in {"in", "eq(any)", "is"}
    escaped = value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{column}.{operator}.{escaped}"


def _paged(draw: Draw) -> list[Step]:
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return [("limit", (draw(st.integers(0, 4)),), {})]
    return [("range", (start := draw(st.integers(0, 3)), start + draw(st.integers(0, 3))), {})] if kind == 1 else []
