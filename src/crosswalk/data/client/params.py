"""Query parameters and the words of PostgREST's grammar that stand in them: byte for byte what postgrest-py sends. Pure.

params = Params().add("id", "eq.5").set("order", "id.asc")
params.pairs()                                     (("id", "eq.5"), ("order", "id.asc"))
word(None), listed(["a,b", 1]), array(["a b"])     null, ("a,b",1), {"a b"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from crosswalk.data.builder.grammar import OPERATORS, SEARCHES

_RESERVED = ',:()"\\'
_OPERATORS = OPERATORS | SEARCHES | {"in", "is", "isdistinct", "not"}
_NO_FILTERS = {"select", "order", "limit", "offset", "and", "or", "columns", "on_conflict"}
_IN_ARRAYS = '{},"\\'


class Params:
    """Parameters by name in order of their first mention, several values under one name; changed in place."""

    def __init__(self, pairs: Iterable[tuple[str, Any]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self.add(name, value)

    def add(self, name: str, value: Any) -> None:
        self._values.setdefault(name, []).append(_sent(value))

    def set(self, name: str, value: Any) -> None:
        """One value instead of all there were."""
        self._values[name] = [_sent(value)]

    def first(self, name: str) -> str | None:
        return next(iter(self._values.get(name, ())), None)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, values in self._values.items() for value in values)


def _sent(value: Any) -> str:
    """A parameter's value as an HTTP client writes it: None is empty there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def word(value: Any) -> str:
    """A value to compare with."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else str(value)


def name(text: Any) -> str:
    """A name or a value in a list, quoted where it holds a character of the grammar."""
    said = str(text)
    return quoted(said) if any(each in said for each in _RESERVED) else said


def key(column: Any, operator: str) -> str:
    """A column's name as the name of a parameter: quoted where a filter would be taken for something else, and passed over.

    What is no operator stays as it is, such as `filter("and", "(a.gt.1,b", "lt.5)")`.
    """
    before, dot, last = name(column).rpartition(".")
    meant = last in _NO_FILTERS and operator.partition("(")[0].partition(".")[0] in _OPERATORS
    return f"{before}{dot}{quoted(last) if meant else last}"


def quoted(text: Any) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(values: Iterable[Any]) -> str:
    """What `in` compares with."""
    return f"({','.join(name(word(value)) for value in values)})"


def array(values: Iterable[Any]) -> str:
    """An array as PostgreSQL writes it."""
    return f"{{{','.join(_element(value) for value in values)}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    said = str(value)
    bare = said and said.lower() != "null" and not any(each in _IN_ARRAYS or each.isspace() for each in said)
    return said if bare else quoted(said)


def container(value: Any) -> str:
    """What contains, contained_by and overlaps compare with: a range as it is, an array, or JSON."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) and isinstance(value, Iterable):
        return array(value)
    return json.dumps(value)


def argument(value: Any) -> Any:
    """A function's argument in the query string."""
    if isinstance(value, list | tuple):
        return array(value)
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value


def columns(given: tuple[str, ...]) -> str:
    """The select parameter: without blanks, but for those in quotes. Quotes are counted over all columns given."""
    inside, parts = False, []
    for each in given or ("*",):
        kept = ""
        for char in each:
            inside ^= char == '"'
            if inside or not char.isspace():
                kept += char
        parts.append(kept)
    return ",".join(parts)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The columns parameter of a bulk insert: every key of every row, in order of its first mention."""
    return ",".join(quoted(key) for key in dict.fromkeys(key for row in rows for key in row))
