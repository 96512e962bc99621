"""Types by OID: turns the rows of `types.sql` into `TypeRef` values, enums, domains, composites and ranges.

A reference is resolved all the way: the element of an array, the non-domain below a chain of
domains. Pure: nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, TypedDict

from crosswalk.names import Name
from crosswalk.schema import Composite, Domain, Enum, Range, TypeKind, TypeRef


class Row(Protocol):
    """A row of the driver, or a plain mapping."""

    def __getitem__(self, column: str, /) -> Any: ...


_KINDS: Final = {
    "array": TypeKind.ARRAY, "b": TypeKind.BASE, "e": TypeKind.ENUM, "d": TypeKind.DOMAIN,
    "c": TypeKind.COMPOSITE, "r": TypeKind.RANGE, "m": TypeKind.MULTIRANGE, "p": TypeKind.PSEUDO,
}


def qualified(schema: str | None, name: str | None) -> str | None:
    """A catalog object's full name as people read it, or None where the server said NULL."""
    return str(Name(schema, name)) if schema is not None and name is not None else None


class Owned(TypedDict):
    """What every object of a schema has."""

    owner: str
    acl: tuple[str, ...]
    comment: str | None


def owned(row: Row) -> Owned:
    """Owner, grants and comment of an object, from its row."""
    return {"owner": row["owner"], "acl": tuple(row["acl"]), "comment": row["comment"]}


class TypeBook:
    """All types that a schema holds or uses."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[int, Row] = {row["oid"]: row for row in rows}

    def ref(
        self, oid: int, *, modifier: int = -1, display: str | None = None, element: str | None = None
    ) -> TypeRef:
        """The type `oid`; `display` and `element` are the server's texts for it and its element, modified."""
        row = self._rows[oid]
        kind = _KINDS[row["kind"]]
        return TypeRef(
            schema=row["schema"], name=row["name"], kind=kind, modifier=modifier,
            display=display or row["plain"], plain=row["plain"], oid=oid, category=row["category"],
            element=self._element(row, modifier=modifier, display=element),
            base=self._base(row) if kind is TypeKind.DOMAIN else None,
        )

    def _element(self, row: Row, *, modifier: int, display: str | None) -> TypeRef | None:
        if row["element"] is None:
            return None
        return self.ref(row["element"], modifier=modifier, display=display)

    def _base(self, row: Row) -> TypeRef:
        """The non-domain below a domain; the lowest domain's modifier is the one that counts."""
        while self._rows[row["base"]]["kind"] == "d":
            row = self._rows[row["base"]]
        return self._below(row)

    def _below(self, row: Row) -> TypeRef:
        return self.ref(
            row["base"], modifier=row["base_modifier"], display=row["base_display"],
            element=row["base_element_display"],
        )

    def not_null(self, oid: int) -> bool:
        """True where the type is a domain that forbids NULL, itself or by a domain below it."""
        row = self._rows[oid]
        return row["kind"] == "d" and (row["not_null"] or self.not_null(row["base"]))

    def column(self, row: Row) -> TypeRef:
        """The type of a row of `columns.sql`."""
        return self.ref(
            row["type"], modifier=row["modifier"], display=row["display"], element=row["element_display"]
        )

    def enums(self) -> dict[Name, Enum]:
        """Every enum that is held or used, by name."""
        found = ((Name(r["schema"], r["name"]), r) for r in self._rows.values() if r["kind"] == "e")
        return {name: Enum(name=name, labels=tuple(r["labels"]), **owned(r)) for name, r in found}

    def domains(self) -> dict[Name, Domain]:
        """Every domain that is held or used, by name."""
        found = (r for r in self._rows.values() if r["kind"] == "d")
        return {domain.name: domain for domain in map(self._domain, found)}

    def _domain(self, row: Row) -> Domain:
        return Domain(
            name=Name(row["schema"], row["name"]), base=self._below(row), not_null=self.not_null(row["oid"]),
            default=row["default"],
            checks=tuple(zip(row["check_names"], row["check_expressions"], strict=True)),
            collation=qualified(row["collation_schema"], row["collation_name"]),
            **owned(row),
        )

    def ranges(self) -> dict[Name, Range]:
        """The range types of the schemas read, by name."""
        found = (r for r in self._rows.values() if r["kind"] == "r" and r["held"])
        named = ((Name(r["schema"], r["name"]), r) for r in found)
        return {
            name: Range(
                name=name, subtype=self.ref(r["subtype"]), definition=r["range_definition"] or "", **owned(r)
            )
            for name, r in named
        }

    def composites(self, columns: Mapping[int, list[Row]]) -> dict[Name, Composite]:
        """The free-standing composite types of the schemas read; `columns` by relation."""
        found = (r for r in self._rows.values() if r["kind"] == "c" and r["held"])
        return {Name(r["schema"], r["name"]): self._composite(r, columns.get(r["relation"], [])) for r in found}

    def _composite(self, row: Row, columns: list[Row]) -> Composite:
        collations = tuple(qualified(c["collation_schema"], c["collation_name"]) for c in columns)
        return Composite(
            name=Name(row["schema"], row["name"]),
            attributes=tuple((c["name"], self.column(c)) for c in columns),
            collations=collations if any(collations) else (),
            **owned(row),
        )
