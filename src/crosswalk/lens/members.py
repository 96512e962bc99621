"""Members of a folded document as values of their column's type again."""

from __future__ import annotations

from crosswalk.lens.kinds import Kinds
from crosswalk.lens.parts import Reading
from crosswalk.mapping import Fold
from crosswalk.names import array_literal, literal, quote
from crosswalk.pg_types import DOCUMENTS
from crosswalk.schema import Column, TypeKind, TypeRef


def member(value: str, rule: Fold, column: Column, legacy: Column, kinds: Kinds) -> Reading | None:
    """A column of the source inside the document that stands in a target column; None where that holds no document."""
    if column.type.storage.name not in {*DOCUMENTS, "text", "varchar"}:
        return None
    whole = value if column.type.storage.name == "jsonb" else f"({value})::pg_catalog.jsonb"
    path = [*([rule.into] if rule.into is not None else []), legacy.name]
    stands, cast = kinds.standing(legacy.type), kinds.cast(legacy.type)
    if stands.name in DOCUMENTS:
        # A document of its own: SQL's NULL and the document null are one inside another.
        found = f"({whole} #> {array_literal(path)})"
        sql = found if legacy.not_null else f"NULLIF({found}, 'null'::pg_catalog.jsonb)"
        note = None if legacy.not_null else "the document null reads as NULL"
        return Reading(sql=sql if stands.name == "jsonb" else f"({sql})::{cast}", exact=note is None, note=note)
    note = _documented(legacy.type.storage, stands)
    if stands.kind in {TypeKind.ARRAY, TypeKind.COMPOSITE}:
        return Reading(sql=_whole(whole, rule, legacy, cast), exact=note is None, note=note)
    text = f"({whole} #>> {array_literal(path)})"
    return Reading(sql=text if stands.name == "text" else f"{text}::{cast}", exact=note is None, note=note)


def _documented(legacy: TypeRef, stands: TypeRef) -> str | None:
    """A record whose type the target does not have stays the document that it became."""
    held = legacy.element.storage if legacy.element is not None else legacy
    lost = held.kind is TypeKind.COMPOSITE and "text" in stands.name
    return f"as a document: the target does not have {held.display}" if lost else None


def _whole(whole: str, rule: Fold, legacy: Column, cast: str) -> str:
    """Lists and records are read by the server's own reading of documents, elements and attributes typed."""
    inside = f"({whole} -> {literal(rule.into)})" if rule.into is not None else whole
    record = f"CASE WHEN pg_catalog.jsonb_typeof({inside}) = 'object' THEN {inside} END"
    shape = f'"cw$m" ({quote(legacy.name)} {cast})'
    return f'(SELECT "cw$m".{quote(legacy.name)} FROM pg_catalog.jsonb_to_record({record}) AS {shape})'
