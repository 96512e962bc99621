"""What a store knows of a table: columns with their types, unique keys, references. Pure values.

A store reads them once, when it opens: from the catalog, from an OpenAPI document, or from a compiled mapping. They
answer before anything is sent whether a column is there (`Table.columns_of`) and which key a conflict means
(`Table.arbiter`). A partial, expression or deferrable unique index can arbitrate no `ON CONFLICT (columns)`: such keys
are kept apart, with the reason, so that the refusal can name them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from crosswalk.data.failures import ColumnMissing, NoMatchingKey
from crosswalk.names import Name, parse

_TYPE: Final = re.compile(r"(?P<head>[^(\[]+?)(?:\((?P<modifier>[^)]*)\))?(?P<tail> with(?:out)? time zone)?(?P<array>(?:\[\])*)$")
_SHORT: Final = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
    "bool": "boolean", "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "timetz": "time with time zone", "time": "time without time zone", "varchar": "character varying",
    "bpchar": "character", "int": "integer", "decimal": "numeric", '"char"': "char",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A column's type; a domain's is that of its base."""

    name: str
    """As format_type says it, without modifier and brackets: `timestamp with time zone`."""
    array: bool = False
    modifiers: tuple[int, ...] = ()
    """(20,) of varchar(20), (10, 2) of numeric(10,2)."""
    cast: str = ""
    """What SQL casts to: the type itself (a domain under its own name), without a modifier. Empty where nobody casts."""

    def __str__(self) -> str:
        return self.name + ("[]" if self.array else "")

    @classmethod
    def read(cls, text: str, *, cast: str = "") -> Type:
        """A type as format_type, or people, write it."""
        found = _TYPE.match(text.strip())
        if not found:
            return cls(name=text.strip(), cast=cast or text)
        name = found["head"].strip() + (found["tail"] or "")
        digits = tuple(int(each) for each in re.findall(r"-?\d+", found["modifier"] or ""))
        brackets = found["array"] or ""
        full = _SHORT.get(name, name)
        return cls(name=full, array=bool(brackets), modifiers=digits, cast=cast or full + ("[]" if brackets else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    type: Type
    not_null: bool = False
    default: str | None = None
    """Its expression; of an identity or generated column: `identity`, `generated`."""
    absent: str = ""
    """Why it cannot be read; it may be written all the same."""

    @property
    def required(self) -> bool:
        """A new row cannot do without it."""
        return self.not_null and self.default is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A unique key that can arbitrate a conflict."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    nulls_distinct: bool = True
    lacked: bool = False
    """Some rows may have none: the new schema's own, behind a key of NOT NULL columns."""
    doubled: bool = False
    """Several rows may have the same: no unique index of the new schema serves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    to: Name
    to_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, or a view (which has no keys)."""

    name: Name
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    """The primary key first."""
    unfit: tuple[str, ...] = ()
    """Unique keys that arbitrate nothing, each with its reason."""
    apart: frozenset[frozenset[str]] = frozenset()
    """Columns in which no two rows are the same, whether or not a conflict may name them; only a catalog tells."""
    references: tuple[Reference, ...] = ()
    keys_known: bool = field(default=True)
    """False: the backend shows the primary key only."""

    @classmethod
    def of(
        cls, name: str, columns: Mapping[str, str], *, primary: Sequence[str] = (), unique: Sequence[Sequence[str]] = (),
        references: Sequence[Reference] = (),
    ) -> Table:  # fmt: skip
        """A table by hand: `{"id": "bigint not null default identity", "name": "text"}`. Raises BadName."""
        full = parse(name)
        keys = [Key(name=f"{full.relation}_pkey", columns=tuple(primary), primary=True)] if primary else []
        keys += [Key(name="_".join([full.relation, *each, "key"]), columns=tuple(each)) for each in unique]
        described = tuple(_column(each, told, each in primary) for each, told in columns.items())
        return cls(name=full, columns=described, keys=tuple(keys), references=tuple(references))

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {each.name: each for each in self.columns}

    @cached_property
    def key(self) -> Key | None:
        """The key that rows can be walked by: the primary one, or else a unique one of NOT NULL columns."""
        walked = {each.name for each in self.readable if each.not_null}
        return next((each for each in self.keys if walked.issuperset(each.columns)), None)

    @cached_property
    def readable(self) -> tuple[Column, ...]:
        return tuple(each for each in self.columns if not each.absent)

    def column(self, name: str) -> Column:
        """Raises ColumnMissing."""
        if name not in self.by_name:
            raise self.missing(name)
        return self.by_name[name]

    def columns_of(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Raises ColumnMissing."""
        return tuple(self.column(name) for name in names)

    def read_of(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Columns that are to be read. Raises ColumnMissing."""
        found = self.columns_of(names)
        for each in found:
            if each.absent:
                told = f"column {each.name} of {self.name} cannot be read: {each.absent}"
                raise ColumnMissing(told, table=str(self.name), column=each.name)
        return found

    def missing(self, name: str) -> ColumnMissing:
        near = difflib.get_close_matches(str(name), list(self.by_name), n=3)
        said = f"table {self.name} has no column {str(name)[:80]!r}" + (f"; near names: {', '.join(near)}" if near else "")
        return ColumnMissing(said, table=str(self.name), column=str(name))

    def arbiter(self, columns: Sequence[str] | None) -> Key:
        """The key of just these columns, in any order; without columns the primary key. Raises NoMatchingKey."""
        if columns is None:
            found = next((key for key in self.keys if key.primary), None)
            wanted = "a primary key"
        else:
            self.columns_of(columns)
            found = next((key for key in self.keys if sorted(key.columns) == sorted(columns)), None)
            wanted = f"a unique key of ({', '.join(columns)})"
        if found is None:
            raise self._no_key(wanted, columns or ())
        return found

    def _no_key(self, wanted: str, columns: Sequence[str]) -> NoMatchingKey:
        # A key that its backend knows no name of is named by its columns already.
        listed = [(key.name, f"({', '.join(key.columns)})") for key in self.keys]
        there = [name if name.endswith(shown) else f"{name} {shown}" for name, shown in listed]
        told = f"its unique keys: {'; '.join(there)}" if there else "it has no unique key"
        if self.unfit:
            told += f"; of no use here: {'; '.join(self.unfit)}"
        if not self.keys_known:
            told += "; the API shows primary keys only: name others when the store is opened (keys=)"
        return NoMatchingKey(f"table {self.name} lacks {wanted}; {told}", table=str(self.name), column=", ".join(columns))


def _column(name: str, told: str, primary: bool) -> Column:
    rest, _, default = told.partition(" default ")
    type_ = rest.removesuffix(" not null")
    return Column(name=name, type=Type.read(type_), not_null=primary or type_ != rest, default=default or None)


def from_catalog(described: Mapping[str, Any]) -> Table:
    """A table from a row of catalog.sql."""
    return Table(
        name=Name(described["schema"], described["name"]),
        columns=tuple(
            Column(name=c["name"], type=Type.read(c["base"], cast=c["cast"]), not_null=c["not_null"], default=c["default"])
            for c in described["columns"]
        ),
        keys=tuple(
            Key(name=k["name"], columns=tuple(k["columns"]), primary=k["primary"], nulls_distinct=k["nulls_distinct"])
            for k in described["keys"] if not k["unfit"]
        ),
        unfit=tuple(f"{k['name']} ({k['unfit']})" for k in described["keys"] if k["unfit"]),
        apart=frozenset(frozenset(k["columns"]) for k in described["keys"] if k["unfit"] in {None, "deferrable"}),
        references=tuple(
            Reference(
                name=r["name"], columns=tuple(r["columns"]), to=Name(r["schema"], r["table"]), to_columns=tuple(r["to_columns"])
            )
            for r in described["references"]
        ),
    )  # fmt: skip
