"""Types of the source on the target: what stands there for each, and how values come back into it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crosswalk.express.casts import TEXT, to_wire, type_sql, wire_type
from crosswalk.express.fit import fit
from crosswalk.lens.parts import Comparable
from crosswalk.names import Name
from crosswalk.pg_types import INTEGERS, STRINGS, length_limit
from crosswalk.schema import Schema, TypeKind, TypeRef

_TEXTS = frozenset({"text", "varchar"})
"""Strings that share operators and indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Both schemas, for what their types are to one another."""

    source: Schema
    target: Schema

    def standing(self, legacy: TypeRef) -> TypeRef:
        """The type that stands for a source type on the target: itself without length, text where it is not known there."""
        storage = replace(legacy.storage, modifier=-1)
        if storage.kind is TypeKind.ARRAY and storage.element is not None:
            element = storage.element.storage
            if element.builtin or self._known(element):
                return storage
            return replace(storage, element=TEXT, schema="pg_catalog", name="_text", oid=1009)
        return storage if storage.builtin or self._known(storage) else TEXT

    def cast(self, legacy: TypeRef) -> str:
        """That type as SQL."""
        return type_sql(self.standing(legacy))

    def _known(self, ref: TypeRef) -> bool:
        name = Name(ref.schema, ref.name)
        if ref.kind is TypeKind.ENUM:
            return self.source.enum_labels(ref) == self.target.enum_labels(ref) != ()
        if ref.kind is TypeKind.COMPOSITE:
            mine, theirs = self.source.composites.get(name), self.target.composites.get(name)
            return mine is not None and theirs is not None and _attributes(mine) == _attributes(theirs)
        return any((c.type.schema, c.type.name) == (ref.schema, ref.name) for t in self.target.tables.values() for c in t.columns)

    def unfit(self, have: TypeRef, legacy: TypeRef) -> str:
        """Why values of a type cannot become those of a source type by a cast; empty where they can."""
        return fit("NULL", have, legacy).advice

    def rewritten(self, held: TypeRef, legacy: TypeRef) -> str | None:
        """Why a text may come back in another spelling: a type that is none wrote it anew."""
        stands, spelled = held.storage, legacy.storage.name in {*STRINGS, "json", "xml"}
        if not spelled or stands.name in {*STRINGS, legacy.storage.name} or stands.kind is TypeKind.ENUM:
            return None
        return f"as {held.display} writes it"

    def back(self, value: str, have: TypeRef, legacy: TypeRef) -> str:
        """A value of a type as the source's."""
        stands = self.standing(legacy)
        width = length_limit(stands.name, legacy.storage.modifier) if stands.name == "bpchar" else None
        if width is not None:
            # Its blanks show; a cast with the length would add them, and cut what is longer.
            text = f"({value})::pg_catalog.text"
            return f"pg_catalog.rpad({text}, GREATEST({width}, pg_catalog.char_length({text})))::{type_sql(stands)}"
        if have.builtin and have.kind is not TypeKind.DOMAIN and have.oid == stands.oid and stands.builtin:
            return value
        return self._into(value, have, stands)

    def _into(self, value: str, have: TypeRef, stands: TypeRef) -> str:
        if stands.kind is TypeKind.ARRAY or stands.builtin:
            return to_wire(value, stands, have=have) if wire_type(stands).oid == stands.oid else f"({value})::{type_sql(stands)}"
        if (have.schema, have.name) == (stands.schema, stands.name):
            return f"({value})"
        return f"(({value})::pg_catalog.text)::{type_sql(stands)}"

    def comparable(self, value: str, have: TypeRef, legacy: TypeRef) -> Comparable | None:
        """The value itself, where it compares with a source value as the cast one does, through an index."""
        stands = self.standing(legacy)
        if have.storage.name in INTEGERS and stands.name in INTEGERS:
            return Comparable(sql=value)
        if have.storage.builtin and {have.storage.name, stands.name} <= _TEXTS:
            return Comparable(sql=value, patterns=True)
        if have.storage.builtin and have.storage.oid == stands.oid and stands.kind is TypeKind.BASE:
            return Comparable(sql=value, patterns=stands.name == "text")
        return None


def _attributes(composite: object) -> list[tuple[str, str]]:
    return [(name, ref.display) for name, ref in composite.attributes]  # type: ignore[attr-defined]
