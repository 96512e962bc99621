"""What a PostgREST says of its tables: its OpenAPI document as tables. Pure.

It gives types (a domain's base, an enum by its name), lengths and primary keys; no other unique keys, no precision of a
numeric. Keys that the caller names are added once the API has been asked about each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from crosswalk.data.failures import Misconfigured
from crosswalk.data.repository.table import Column, Key, Table, Type
from crosswalk.names import Name

_PRIMARY: Final = "<pk/>"


def tables(document: Any, schema: str) -> list[Table]:
    """Raises Misconfigured."""
    described = document.get("definitions") if isinstance(document, Mapping) else None
    if not isinstance(described, Mapping):
        raise Misconfigured(
            "the API gives no OpenAPI document, and so no types; say what tables there are when the store is opened (tables=)"
        )
    return [_table(Name(schema, name), each) for name, each in described.items()]


def _table(name: Name, described: Mapping[str, Any]) -> Table:
    required = frozenset(described.get("required", ()))
    properties: Mapping[str, Mapping[str, Any]] = described.get("properties", {})
    columns = tuple(_column(each, told, required) for each, told in properties.items())
    primary = tuple(each for each, told in properties.items() if _PRIMARY in told.get("description", ""))
    keys = (Key(name="the primary key", columns=primary, primary=True),) if primary else ()
    return Table(name=name, columns=columns, keys=keys, keys_known=False)


def _column(name: str, told: Mapping[str, Any], required: frozenset[str]) -> Column:
    type_ = Type.read(str(told.get("format", "text")))
    if "maxLength" in told and not type_.array:
        type_ = replace(type_, modifiers=(int(told["maxLength"]),))
    default = told.get("default")
    return Column(name=name, type=type_, not_null=name in required, default=None if default is None else str(default))


def with_keys(table: Table, keys: Iterable[Sequence[str]]) -> Table:
    """The table with further unique keys. Raises ColumnMissing."""
    known = {tuple(sorted(key.columns)) for key in table.keys}
    added = []
    for columns in keys:
        table.columns_of(columns)
        if tuple(sorted(columns)) not in known:
            added.append(Key(name=f"the key ({', '.join(columns)})", columns=tuple(columns)))
    return replace(table, keys=(*table.keys, *added))
