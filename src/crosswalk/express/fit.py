"""Will a value fit the column? What each cast would lose, as SQL conditions over the value.

PostgreSQL's own casts lose in silence: an explicit varchar(3) cuts, numeric(10,2) and integer round,
timestamp(0) drops fractions, and an assigned varchar drops trailing blanks. So a plain rule is
cast without its length, and every such loss is a condition that sets the row aside. A pair of types
that needs a decision (a time zone, the meaning of a flag) is refused with advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from crosswalk.express.casts import type_sql, wire_type
from crosswalk.names import literal
from crosswalk.pg_types import (
    BITS,
    DOCUMENTS,
    FLOATS,
    INTEGERS,
    NETWORKS,
    NUMBERS,
    STRINGS,
    TIMES,
    length_limit,
    numeric_limits,
    second_digits,
)
from crosswalk.schema import TypeKind, TypeRef

Verdict = Literal["same", "cast", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A condition under which a value does not fit."""

    code: str
    """Stable: length, rounded, range, label, precision, changed."""
    condition: str
    """SQL, true for values that do not fit, over the value."""
    reason: str
    """For people."""
    sqlstate: str
    """What PostgreSQL would have raised, had it raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How one type goes into another."""

    verdict: Verdict
    losses: tuple[Loss, ...] = ()
    advice: str = ""


def fit(value: str, source: TypeRef, target: TypeRef, *, labels: tuple[str, ...] = (), validates: bool = False) -> Fit:
    """How `value`, of type `source`, goes into a column of type `target`.

    `labels` are the target's enum labels; `validates`: the source has pg_input_is_valid (from 16 on).
    Lossless pairs have no losses.
    """
    have, want = source.storage, target.storage
    refused = _refusal(have, want)
    if refused:
        return Fit(verdict="refused", advice=refused)
    losses = [*_of_syntax(value, have, want, validates=validates), *_of_cast(value, have, want)]
    losses += _of_limit(value, have, want)
    if want.kind is TypeKind.ENUM:
        allowed = ", ".join(literal(label) for label in labels)
        losses.append(
            Loss(
                code="label",
                condition=f"({value})::pg_catalog.text NOT IN ({allowed})" if labels else "true",
                reason=f"it is no label of {want.display}",
                sqlstate="22P02",
            )
        )
    same = have.oid == want.oid and have.builtin == want.builtin
    return Fit(verdict="same" if same else "cast", losses=tuple(losses))


def _refusal(have: TypeRef, want: TypeRef) -> str:
    """Why a plain rule cannot go from one type to the other; empty where it can."""
    pair = (have.name, want.name)
    if (have.schema, have.name) == (want.schema, want.name):
        return ""
    if want.builtin and want.name in STRINGS and have.kind is not TypeKind.ARRAY:
        return ""
    if have.builtin and have.name in STRINGS:
        return ""
    if have.kind is TypeKind.ARRAY and want.kind is TypeKind.ARRAY and have.element and want.element:
        return _refusal(have.element.storage, want.element.storage)
    if have.kind is TypeKind.ENUM and want.kind is TypeKind.ENUM:
        return ""
    if pair in {("timestamp", "timestamptz"), ("date", "timestamptz")}:
        return f"a {have.display} has no zone: write {{zone: Area/City, from: …}} with the zone its clock was read in"
    if have.name == "timestamptz" and want.name in {"timestamp", "date", "time"}:
        return f"a {want.display} has no zone: write {{zone: Area/City, from: …}} or an sql rule"
    if have.name in NUMBERS and want.name in NUMBERS:
        return ""
    if {have.name, want.name} <= DOCUMENTS or {have.name, want.name} <= NETWORKS or {have.name, want.name} <= BITS:
        return ""
    if pair in {("date", "timestamp"), ("timestamp", "date"), ("time", "interval")}:
        return ""
    if have.name in DOCUMENTS and want.kind is TypeKind.ARRAY:
        return "a json document is no array: write an sql rule that says what becomes of what is no list"
    if have.kind is TypeKind.ARRAY:
        return "an array is no single value: write {first: …}, {unnest: …} or an sql rule"
    return f"{have.display} does not become {want.display} by itself: write an sql rule that says how"


_SYNTAX: Final = {
    **dict.fromkeys(INTEGERS, r"^\s*[-+]?[0-9]{1,18}\s*$"),
    "numeric": r"^\s*([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|NaN)\s*$",
    "uuid": r"^\s*\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?\s*$",
    "bool": r"^\s*([tT](rue)?|[fF](alse)?|[yY](es)?|[nN]o?|on|off|0|1)\s*$",
}
"""What a text must look like to become a value, where the server cannot be asked."""


def _of_syntax(value: str, have: TypeRef, want: TypeRef, *, validates: bool) -> list[Loss]:
    """A text that does not read as a value of the type would raise an error: set its row aside instead."""
    if not (have.builtin and have.name in STRINGS) or (want.builtin and want.name in STRINGS):
        return []
    wire = wire_type(want)
    if not wire.builtin or wire.name in STRINGS:
        return []
    text = f"({value})::pg_catalog.text"
    if validates:
        condition = f"NOT pg_catalog.pg_input_is_valid({text}, {literal(type_sql(wire))})"
    elif wire.name in _SYNTAX:
        condition = f"{text} !~ {literal(_SYNTAX[wire.name])}"
    else:
        return []
    loss = Loss(code="syntax", condition=condition, reason=f"it does not read as {want.display}", sqlstate="22P02")
    if wire.name not in INTEGERS:
        return [loss]
    low, high = INTEGERS[wire.name]
    span = f"CASE WHEN {text} ~ {literal(_SYNTAX[wire.name])} THEN NOT (({text})::numeric BETWEEN {low} AND {high}) END"
    return [
        Loss(code="range", condition=span, reason=f"it is outside the range of {want.display}", sqlstate="22003"),
        loss,
    ]


def _back(value: str, have: TypeRef, want: TypeRef) -> str:
    """The value cast there and back."""
    return f"(({value})::{type_sql(wire_type(want))})::{type_sql(have)}"


def _of_cast(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    """What the cast between the bare types would lose."""
    if want.name in INTEGERS and have.name in NUMBERS and have.name != want.name:
        return _into_integer(value, have, want)
    changed = Loss(
        code="changed",
        condition=f"{_back(value, have, want)} IS DISTINCT FROM ({value})",
        reason=f"it is not the same value as {want.display}",
        sqlstate="22003",
    )
    if want.name in FLOATS and have.name in NUMBERS and have.name != want.name:
        return [] if have.name in {"int2", "float4"} or (have.name, want.name) == ("int4", "float8") else [changed]
    if have.name == "timestamp" and want.name == "date":
        return [changed]
    if have.name == "inet" and want.name == "cidr":
        return [changed]
    if have.kind is TypeKind.ARRAY and want.kind is TypeKind.ARRAY and have.oid != want.oid:
        return [changed]
    if want.name == "name" or (want.name == "char" and want.schema == "pg_catalog"):
        return [] if have.name == want.name else [changed]
    return []


def _into_integer(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    low, high = INTEGERS[want.name]
    losses = []
    if have.name not in INTEGERS or INTEGERS[have.name][1] > high:
        losses.append(
            Loss(
                code="range",
                condition=f"NOT (({value}) BETWEEN {low} AND {high})",
                reason=f"it is outside the range of {want.display}",
                sqlstate="22003",
            )
        )
    if have.name not in INTEGERS:
        losses.append(
            Loss(
                code="rounded",
                condition=f"({value}) <> pg_catalog.trunc(({value}))",
                reason=f"it has a fraction and {want.display} has none",
                sqlstate="22003",
            )
        )
    return losses


def _of_limit(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    """What the column's length, precision or scale would lose."""
    if want.kind is TypeKind.ARRAY:
        return _array_limit(value, have, want)
    limit = length_limit(want.name, want.modifier)
    if limit is not None:
        had = length_limit(have.name, have.modifier)
        if had is None or had > limit or (want.name == "bit" and had != limit) or have.name in BITS:
            return [_too_long(value, want, limit)]
        return []
    if want.name == "numeric":
        return _numeric_limit(value, have, want)
    digits = second_digits(want.name, want.modifier)
    if digits is not None and second_digits(have.name, have.modifier) != digits:
        exact = f"({value})::{type_sql(want)}"
        return [
            Loss(
                code="precision",
                condition=f"{exact}::{want.name}({digits}) <> {exact}",
                reason=f"it has more than {digits} digits after the second",
                sqlstate="22008",
            )
        ]
    return []


def _too_long(value: str, want: TypeRef, limit: int) -> Loss:
    if want.name in BITS:
        compare = "<>" if want.name == "bit" else ">"
        return Loss(
            code="length",
            condition=f"pg_catalog.length(({value})::{type_sql(want)}) {compare} {limit}",
            reason=f"it has not the length of {want.display}",
            sqlstate="22026",
        )
    return Loss(
        code="length",
        condition=f"pg_catalog.char_length(({value})::pg_catalog.{want.name}) > {limit}",
        reason=f"it is longer than {limit} characters",
        sqlstate="22001",
    )


def _numeric_limit(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    limits = numeric_limits(want.modifier)
    if limits is None:
        return []
    precision, scale = limits
    had = numeric_limits(have.modifier) if have.name == "numeric" else None
    if had and had[1] <= scale and had[0] - had[1] <= precision - scale:
        return []
    number = f"({value})::pg_catalog.numeric"
    losses = []
    if have.name not in INTEGERS or scale < 0:
        losses.append(
            Loss(
                code="rounded",
                condition=f"{number} <> pg_catalog.round({number}, {scale})",
                reason=f"it has more than {scale} digits after the point",
                sqlstate="22003",
            )
        )
    widest = 10 ** (precision - scale) if precision >= scale else None
    bound = str(widest) if widest is not None else f"1e-{scale - precision}"
    losses.append(
        Loss(
            code="range",
            condition=f"{number} <> 'NaN' AND pg_catalog.abs({number}) >= {bound}",
            reason=f"it is too large for {want.display}",
            sqlstate="22003",
        )
    )
    return losses


def _array_limit(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    """An array's modifier is that of its elements: compare with the array cut to it."""
    element = want.element
    if want.modifier == -1 or element is None or have.modifier == want.modifier:
        return []
    bare = f"({value})::{type_sql(wire_type(want))}"
    name = "varchar" if element.name == "varchar" else element.name
    cut = None
    limit = length_limit(element.name, want.modifier)
    limits = numeric_limits(want.modifier) if element.name == "numeric" else None
    digits = second_digits(element.name, want.modifier) if element.name in TIMES else None
    if limit is not None and element.name in {"varchar", "bpchar"}:
        cut = f"{limit}"
    elif limits is not None:
        cut = f"{limits[0]},{limits[1]}"
    elif digits is not None:
        cut = f"{digits}"
    if cut is None:
        return []
    kind = {"varchar": "character varying", "bpchar": "character"}.get(name, name)
    return [
        Loss(
            code="length",
            condition=f"{bare}::{kind}({cut})[] IS DISTINCT FROM {bare}",
            reason=f"an element does not fit {want.display}",
            sqlstate="22001",
        )
    ]
