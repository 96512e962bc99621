"""PostgREST's OpenAPI document as tables; pure.

What the document tells: columns with their types by name, NOT NULL, primary keys (`<pk/>`), foreign keys of one column
(`<fk …/>`), enums with their labels, lengths, plain defaults, comments. What it does not tell: unique constraints,
checks, indexes, the precision of a numeric, domains (their base is told), identity and generated columns, composite
foreign keys, and which relation is a view. A view gives itself away where a key column of it may be NULL, or where
nothing can be inserted.

A type that the staging server cannot have (composites, extensions other than vector, xml) is staged as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from crosswalk.errors import BadName
from crosswalk.names import Name, literal, quote, split

Reading = Literal["text", "plain", "numeric"]
"""How a column is asked for: cast to text; as it is; as a number."""

SIZED: Final = {"character varying": "varchar", "character": "bpchar", "bit": "varbit", "bit varying": "varbit"}
"""By name in the document, the type that has no limit; for where none is told."""
DATES: Final = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
DATE_RANGES: Final = frozenset(
    {"daterange", "tsrange", "tstzrange", "datemultirange", "tsmultirange", "tstzmultirange"}
)
BUILT_IN: Final = frozenset(
    {
        *("bigint", "integer", "smallint", "numeric", "real", "double precision", "boolean", "text", "uuid", "json"),
        *("jsonb", "jsonpath", "bytea", "time without time zone", "time with time zone", "interval", "money", "inet"),
        *("cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector"),
        *("tsquery", "int4range", "int8range", "numrange", "int4multirange", "int8multirange", "nummultirange"),
        *("name", '"char"', "oid", "pg_lsn", "bpchar"),
        *SIZED, *DATES, *DATE_RANGES,
    }
)  # fmt: skip
UNORDERED: Final = frozenset(
    {"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "jsonpath", "xid", "cid", "aclitem"}
)
"""Types that no ORDER BY takes."""
VECTORS: Final = frozenset({"vector", "halfvec", "sparsevec"})
_MODIFIER: Final = re.compile(r"(.+?)(\(\d+(?:,\d+)*\))?\Z", re.DOTALL)
_FOREIGN: Final = re.compile(r"<fk table='(.*)' column='(.*)'/>")
_NOTE: Final = re.compile(r"(?:\n\n)?Note:\nThis is a (?:Primary|Foreign) Key.*\Z", re.DOTALL)
_NOW: Final = frozenset({"now()", "CURRENT_TIMESTAMP", "CURRENT_DATE", "gen_random_uuid()"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedColumn:
    name: str
    type: str
    """As it enters SQL on the staging server."""
    declared: str
    """As the document says it."""
    required: bool
    reading: Reading
    ordered: bool
    """True where ORDER BY takes it."""
    styled: Literal["", "date", "interval"]
    """What of its text depends on a style that the server may have changed."""
    key: bool
    default: str | None
    """As it enters SQL."""
    comment: str | None
    foreign: tuple[str, str] | None
    """Table and column, in the same schema."""

    @property
    def as_text(self) -> bool:
        """True where the staging server cannot have the type."""
        return self.type in {"text", "text[]"} and self.declared.removesuffix("[]") != "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedTable:
    name: Name
    columns: tuple[StagedColumn, ...]
    view: bool
    comment: str | None

    @property
    def key(self) -> tuple[StagedColumn, ...]:
        """The primary key; a view has none, whatever its columns were in their tables."""
        return () if self.view else tuple(c for c in self.columns if c.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    tables: tuple[StagedTable, ...]
    enums: Mapping[Name, tuple[str, ...]]
    extensions: Mapping[str, str]
    """Schema by name."""

    @property
    def schemas(self) -> tuple[str, ...]:
        used = {*(t.name.schema for t in self.tables), *(n.schema for n in self.enums), *self.extensions.values()}
        return tuple(sorted(used))


def read_catalog(documents: Mapping[str, Mapping[str, Any]]) -> Catalog:
    """The catalog of several documents, by exposed schema."""
    enums = dict(_enums(documents))
    extensions = dict(_extensions(documents))
    tables = [
        _table(Name(schema, relation), definition, document.get("paths") or {}, enums)
        for schema, document in documents.items()
        for relation, definition in (document.get("definitions") or {}).items()
    ]
    return Catalog(tables=tuple(sorted(tables, key=lambda t: t.name)), enums=enums, extensions=extensions)


def _properties(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for schema, document in documents.items():
        for definition in (document.get("definitions") or {}).values():
            for each in (definition.get("properties") or {}).values():
                yield schema, each


def _enums(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Name, tuple[str, ...]]]:
    for schema, each in _properties(documents):
        labels = each.get("enum")
        name = _named(str(each.get("format", "")), schema)
        if labels and name is not None:
            yield name, tuple(map(str, labels))


def _extensions(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for schema, each in _properties(documents):
        bare = _MODIFIER.fullmatch(str(each.get("format", "")).removesuffix("[]"))
        name = _named(bare.group(1), schema) if bare else None
        if name is not None and name.relation in VECTORS:
            yield "vector", name.schema


def _named(text: str, schema: str) -> Name | None:
    """A type of a user's, as format_type prints it."""
    if text in BUILT_IN:
        return None
    try:
        parts = split(text)
    except BadName:
        return None
    if len(parts) > 2:
        return None
    return Name(parts[0], parts[1]) if len(parts) == 2 else Name(schema, parts[0])


def _table(
    name: Name, definition: Mapping[str, Any], paths: Mapping[str, Any], enums: Mapping[Name, tuple[str, ...]]
) -> StagedTable:
    required = frozenset(definition.get("required") or ())
    columns = tuple(
        _column(column, each, required, name.schema, enums)
        for column, each in (definition.get("properties") or {}).items()
    )
    closed = "post" not in (paths.get(f"/{name.relation}") or {"post": None})
    return StagedTable(
        name=name, columns=columns, view=closed or any(c.key and not c.required for c in columns),
        comment=definition.get("description") or None,
    )


def _column(
    name: str, each: Mapping[str, Any], required: Iterable[str], schema: str, enums: Mapping[Name, tuple[str, ...]]
) -> StagedColumn:
    declared, described = str(each.get("format") or "text"), str(each.get("description") or "")
    element = declared.removesuffix("[]")
    foreign = _FOREIGN.search(described)
    return StagedColumn(
        name=name, declared=declared, required=name in required, type=_type(declared, each.get("maxLength"), schema, enums),
        reading="plain" if declared in DATES else "numeric" if declared == "money" else "text",
        ordered=element not in UNORDERED, styled=_styled(declared, element),
        key="<pk/>" in described, default=_default(each, declared), comment=_NOTE.sub("", described) or None,
        foreign=(foreign.group(1), foreign.group(2)) if foreign else None,
    )


def _styled(declared: str, element: str) -> Literal["", "date", "interval"]:
    """A plain date is asked for as JSON, which has one form only; within an array or a range it comes as text."""
    if element == "interval":
        return "interval"
    return "date" if (declared != element and element in DATES) or element in DATE_RANGES else ""


def _type(declared: str, length: object, schema: str, enums: Mapping[Name, tuple[str, ...]]) -> str:
    array = "[]" if declared.endswith("[]") else ""
    element = declared.removesuffix("[]")
    if element in SIZED:
        whole = SIZED[element] + array
        return f"{element}({length})" if isinstance(length, int) and not array and length > 0 else whole
    if element in BUILT_IN:
        return element + array
    parts = _MODIFIER.fullmatch(element)
    name = _named(parts.group(1), schema) if parts else None
    if name is not None and parts is not None and (name in enums or name.relation in VECTORS):
        return f"{quote(name.schema)}.{quote(name.relation)}{parts.group(2) or ''}{array}"
    return "text" + array


def _default(each: Mapping[str, Any], declared: str) -> str | None:
    """Only what is certain: a text column's default may be the text `now()` or the function."""
    value = each.get("default")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and value in _NOW and declared in {*DATES, "uuid"}:
        return value
    if isinstance(value, str) and value in (each.get("enum") or ()):
        return literal(value)
    return None
