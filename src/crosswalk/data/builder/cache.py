"""What a database exposes, as values: relations with their columns and keys, how they are related, functions. Pure.

`statement(schemas)` reads it, `SchemaCache.from_row` understands the row; it knows about as much as PostgREST's schema
cache does. Read it with an empty search_path: defaults are texts of PostgreSQL, which hold under any path only then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from crosswalk.data.builder.cached import Argument, CachedColumn, Function, Relation, Relationship
from crosswalk.data.builder.relationships import related, spoken
from crosswalk.data.builder.views import primary_of_views, sources
from crosswalk.data.request import Statement
from crosswalk.names import Name

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCache:
    """All of it. `related` is by table; a relationship is there once for each direction."""

    schemas: tuple[str, ...]
    relations: Mapping[Name, Relation]
    related: Mapping[Name, tuple[Relationship, ...]]
    spoken: Mapping[tuple[Name, str], tuple[Relationship, ...]]
    """The same, by table and by what an embed may call it."""
    functions: Mapping[Name, tuple[Function, ...]]

    @classmethod
    def from_row(cls, row: Sequence[Any] | Raw) -> SchemaCache:
        """The cache from the one row of `statement(...)`: a sequence of one value, or a mapping."""
        raw = row["cache"] if isinstance(row, Mapping) else row[0]
        found = json.loads(raw) if isinstance(raw, str | bytes) else raw
        schemas = tuple(found["schemas"])
        seen = sources(found)
        keys = primary_of_views(found, seen)
        relations = {each.name: each for each in (_relation(raw, keys) for raw in found["relations"])}
        tied = related(found, relations, seen)
        return cls(
            schemas=schemas,
            relations={name: each for name, each in relations.items() if name.schema in schemas},
            related=tied,
            spoken=spoken(tied),
            functions=_functions(found["functions"]),
        )


def statement(schemas: Sequence[str] = ("public",)) -> Statement:
    """Reads what a database exposes in these schemas: one row, one column of JSON."""
    text = files("crosswalk.data.builder").joinpath("cache.sql").read_text(encoding="utf-8")
    return Statement(sql=text, parameters=(as_array(schemas),))


def as_array(values: Sequence[str]) -> str:
    """The text of an array, as a parameter's value."""
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


def _relation(raw: Raw, keys: Mapping[int, tuple[str, ...]]) -> Relation:
    primary = keys.get(raw["oid"]) or tuple(raw["primary"] or ())
    columns = (CachedColumn(**column) for column in raw["columns"])
    return Relation(
        name=Name(raw["schema"], raw["name"]),
        view=raw["kind"] in ("v", "m"),
        columns={column.name: column for column in columns},
        primary=primary,
        uniques=tuple(map(tuple, raw["uniques"] or ())),
    )


def _functions(raws: Sequence[Raw]) -> dict[Name, tuple[Function, ...]]:
    found: dict[Name, tuple[Function, ...]] = {}
    for raw in raws:
        name = Name(raw["schema"], raw["name"])
        function = Function(
            name=name,
            arguments=tuple(Argument(**argument) for argument in raw["arguments"]),
            result=Name(raw["result_schema"], raw["result"]),
            set=raw["set"],
            composite=raw["composite"],
            volatile=raw["volatility"] == "v",
        )
        found[name] = (*found.get(name, ()), function)
    return found
