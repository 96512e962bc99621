"""Types on their way: what a column is cast to, how it travels, and its canonical form.

The *wire type* of a target column is the built-in type in which its values leave the source and
wait in the twin: the column's own type without length or precision (so that nothing is cut), text
for whatever has OIDs of its own server. The *canonical form* is what merge, verify and repair
compare: the wire form with representation noise taken out (numeric display scale, blank padding).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from crosswalk.names import quote
from crosswalk.pg_types import BINARY_SAFE, FLOATS, STRINGS, TEXT_ON_THE_WIRE
from crosswalk.schema import TypeKind, TypeRef

TEXT: Final = TypeRef(
    schema="pg_catalog",
    name="text",
    kind=TypeKind.BASE,
    modifier=-1,
    display="text",
    plain="text",
    oid=25,
    category="S",
)
JSONB: Final = TypeRef(
    schema="pg_catalog",
    name="jsonb",
    kind=TypeKind.BASE,
    modifier=-1,
    display="jsonb",
    plain="jsonb",
    oid=3802,
    category="U",
)


def type_sql(ref: TypeRef) -> str:
    """The type as SQL without length or precision; quoted, so that `character` never means `character(1)`."""
    if ref.kind is TypeKind.ARRAY and ref.element is not None:
        return type_sql(ref.element) + "[]"
    return f"{quote(ref.schema)}.{quote(ref.name)}"


def wire_type(ref: TypeRef) -> TypeRef:
    """The built-in type in which values of a column of that type travel."""
    storage = ref.storage
    if storage.kind is TypeKind.ARRAY and storage.element is not None:
        element = storage.element
        if element.builtin and element.kind in {TypeKind.BASE, TypeKind.RANGE, TypeKind.MULTIRANGE}:
            return replace(storage, modifier=-1) if element.name not in TEXT_ON_THE_WIRE else TEXT
        return TEXT
    if not storage.builtin or storage.name in TEXT_ON_THE_WIRE:
        return TEXT
    return replace(storage, modifier=-1)


def travels_binary(ref: TypeRef) -> bool:
    """Whether a wire type may go through COPY in binary."""
    if ref.kind is TypeKind.ARRAY and ref.element is not None:
        return ref.element.builtin and ref.element.name in BINARY_SAFE
    return ref.builtin and ref.name in BINARY_SAFE


def lands_binary(ref: TypeRef) -> bool:
    """Whether the binary form of a column's wire type can be COPYed straight into the column."""
    storage = ref.storage
    if storage.kind is TypeKind.ENUM:
        return True
    wire = wire_type(ref)
    return (
        travels_binary(wire)
        and wire.oid == storage.oid
        and not (ref.kind is TypeKind.DOMAIN and storage.kind is TypeKind.ARRAY)
    )


def to_wire(value: str, target: TypeRef, *, have: TypeRef | None = None) -> str:
    """The value (of type `have`, where that is known) cast to the wire type of a target column.

    PostgreSQL's own casts round a float to 6 or 15 digits on its way to numeric, take a "char" for the number
    of its byte, and read the padding of a char(n): these go by their text, which says the value exactly.
    """
    wire = wire_type(target)
    if have is not None and _by_text(have.storage, wire):
        value = f"({value})::pg_catalog.text"
    return f"({value})::{type_sql(wire)}"


def needs_no_cast(have: TypeRef | None, target: TypeRef) -> bool:
    """Whether a source column's values have the wire type of a target column as they are."""
    return have is not None and have.builtin and have.kind is TypeKind.BASE and have.oid == wire_type(target).oid


def _by_text(have: TypeRef, wire: TypeRef) -> bool:
    held, wanted = _inner(have), _inner(wire)
    if held.name in FLOATS:
        return wanted.name == "numeric"
    if held.builtin and held.name == "char":
        return wanted.name != "char"
    return held.builtin and held.name == "bpchar" and (have.kind is not wire.kind or wanted.name not in STRINGS)


def from_wire(value: str, target: TypeRef) -> str:
    """A wire value as the target column's own type, still without length or precision."""
    if wire_type(target).oid == target.oid:
        return value
    return f"({value})::{type_sql(target)}"


def canonical(value: str, target: TypeRef) -> str:
    """The canonical form of a value in the target column's type or its wire type (equal for both)."""
    wire = wire_type(target)
    if wire.oid != target.storage.oid or target.kind is TypeKind.DOMAIN:
        value = f"({value})::{type_sql(wire)}"
    if wire.name == "numeric" and wire.kind is TypeKind.BASE:
        return f"pg_catalog.trim_scale({value})"
    if wire.name in {"bpchar", "json", "xml"} and wire.kind is TypeKind.BASE:
        return f"({value})::pg_catalog.text"
    if _inner(wire).name == "bpchar":
        return f"({value})::pg_catalog.text[]"
    if _inner(wire).name in _OF_NUMERIC:
        return _trimmed(f"({value})::pg_catalog.text")
    return value


_OF_NUMERIC: Final = frozenset({"numeric", "numrange", "nummultirange"})


def _inner(ref: TypeRef) -> TypeRef:
    """An array's element, any other type itself."""
    return ref.element if ref.kind is TypeKind.ARRAY and ref.element is not None else ref


def _trimmed(text: str) -> str:
    """The text of an array or range of numerics without the zeros that only show a scale."""
    end = '(?=[],)}"]|$)'
    short = f"pg_catalog.regexp_replace({text}, '(\\.\\d*?)0+{end}', '\\1', 'g')"
    return f"pg_catalog.regexp_replace({short}, '\\.{end}', '', 'g')"


def equal_in_several_ways(ref: TypeRef) -> bool:
    """Whether two values may be equal and yet not be the same bytes (numeric scale, -0)."""
    return _inner(wire_type(ref)).name in {"float4", "float8", "jsonb", *_OF_NUMERIC}


def row_image(values: list[str]) -> str:
    """The exact bytes of a row: record_send frames each value with its length and tags NULL."""
    return f"pg_catalog.record_send(ROW({', '.join(values)}))"


def row_hash(values: list[str], *, seed: int = 0) -> str:
    """A 64-bit hash of the row's exact bytes, equal on every server of the same byte order."""
    return f"pg_catalog.hash_record_extended(ROW({row_image(values)}), {seed})"
