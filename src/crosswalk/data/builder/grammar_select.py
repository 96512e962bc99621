"""Reads `select`, `order`, `columns` and `on_conflict`. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import cast as typed

from crosswalk.data.builder.grammar import Aggregate, Column, Direction, Embed, Field, Join, Nulls, Sort
from crosswalk.data.builder.grammar_cursor import Cursor

_KEPT = 1024
"""An application asks in few forms: their trees are kept."""
_AGGREGATES = ("sum", "avg", "count", "max", "min")
Forest = tuple[tuple[Column, ...], tuple[Embed, ...]]


@lru_cache(maxsize=_KEPT)
def read_select(text: str) -> Forest:
    """Columns and embeds. What stands behind a closing bracket too many is not read, as PostgREST does not."""
    return _forest(Cursor("select parameter", text))


def _forest(cursor: Cursor) -> Forest:
    columns: list[Column] = []
    embeds: list[Embed] = []
    if cursor.ended() or cursor.peek(")"):
        return (), ()
    while True:
        cursor.blanks()
        if not (cursor.names() or cursor.peek("...") or cursor.peek("*")):
            cursor.fail('"...", field name (* or [a..z0..9_$]), "*" or "count()"')
        item = cursor.attempt(lambda: _embed(cursor)) or _column(cursor)
        columns.append(item) if isinstance(item, Column) else embeds.append(item)
        cursor.blanks()
        if not cursor.take(","):
            return tuple(columns), tuple(embeds)


def _embed(cursor: Cursor) -> Embed:
    spread = cursor.take("...")
    alias = "" if spread else _alias(cursor)
    name = cursor.name()
    if name == "count":  # `count()` is the aggregate, whatever is related by that name
        cursor.fail("a related resource")
    hint, join = _parameters(cursor)
    cursor.need("(")
    columns, embeds = _forest(cursor)
    cursor.need(")", '"," or ")"')
    return Embed(name=name, alias=alias, hint=hint, join=join, spread=spread, columns=columns, embeds=embeds)


def _parameters(cursor: Cursor) -> tuple[str, Join]:
    """At most two words behind exclamation marks: a hint, and how to join."""
    hint, join = "", ""
    for _ in range(2):
        if cursor.take("!"):
            word = cursor.name()
            if word in ("inner", "left"):
                join = join or word
            else:
                hint = hint or word
    return hint, typed(Join, join)


def _alias(cursor: Cursor) -> str:
    start = cursor.at
    name = cursor.attempt(cursor.name)
    if name is not None and cursor.peek(":") and not cursor.peek("::"):
        cursor.need(":")
        return name
    cursor.at = start
    return ""


def _column(cursor: Cursor) -> Column:
    if cursor.take("*"):
        found = Column(field=Field(name="*"))
    else:
        alias = _alias(cursor)
        found = _counted(cursor, alias) or _named(cursor, alias)
    if not (cursor.ended() or cursor.peek(")") or cursor.peek(",")):
        cursor.fail('"," or end of input')
    return found


def _counted(cursor: Cursor, alias: str) -> Column | None:
    if not cursor.take("count()"):
        return None
    return Column(field=Field(name="*"), alias=alias, aggregate="count", aggregate_cast=_cast(cursor))


def _named(cursor: Cursor, alias: str) -> Column:
    field = cursor.field()
    cast = _cast(cursor)
    aggregate = cursor.attempt(lambda: _aggregate(cursor)) if cursor.peek(".") else None
    second = _cast(cursor)  # without an aggregate it is read and forgotten
    return Column(field=field, alias=alias, cast=cast, aggregate=aggregate, aggregate_cast=second if aggregate else "")


def _cast(cursor: Cursor) -> str:
    return cursor.identifier() if cursor.take("::") else ""


def _aggregate(cursor: Cursor) -> Aggregate:
    cursor.need(".")
    name = next((name for name in _AGGREGATES if cursor.take(name)), "")
    if not name:
        cursor.fail('"sum", "avg", "count", "max" or "min"')
    cursor.need("()")
    return typed(Aggregate, name)


@lru_cache(maxsize=_KEPT)
def read_order(text: str) -> tuple[Sort, ...]:
    cursor = Cursor("order", text)
    terms: list[Sort] = []
    while True:
        cursor.blanks()
        terms.append(cursor.attempt(lambda: _related(cursor)) or _sort(cursor, cursor.field(), ""))
        cursor.blanks()
        if not cursor.take(","):
            return tuple(terms)


def _related(cursor: Cursor) -> Sort:
    relation = cursor.name()
    cursor.need("(")
    field = cursor.field()
    cursor.need(")")
    return _sort(cursor, field, relation)


def _sort(cursor: Cursor, field: Field, relation: str) -> Sort:
    direction = _word(cursor, ("asc", "desc"))
    nulls = _word(cursor, ("nullsfirst", "nullslast"))
    if not (cursor.ended() or cursor.peek(",")):
        if cursor.take("."):
            cursor.fail('"nullsfirst" or "nullslast"' if direction else '"asc", "desc", "nullsfirst" or "nullslast"')
        cursor.fail('delimiter (.), "," or end of input')
    return Sort(field=field, relation=relation, direction=typed(Direction, direction), nulls=typed(Nulls, nulls))


def _word(cursor: Cursor, words: tuple[str, ...]) -> str:
    for word in words:
        if cursor.take("." + word):
            return word
    return ""


@lru_cache(maxsize=_KEPT)
def read_names(what: str, text: str) -> tuple[str, ...]:
    """The names of `columns` or `on_conflict`, each once."""
    cursor = Cursor(f"{what} parameter", text)
    names: list[str] = []
    while True:
        cursor.blanks()
        names.append(cursor.name())
        cursor.blanks()
        if not cursor.take(","):
            return tuple(dict.fromkeys(names))
