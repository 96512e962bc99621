"""Will a value fit the column? What each cast would lose, as SQL conditions over the value.

PostgreSQL's own casts lose in silence: an explicit varchar(3) cuts, numeric(10,2) and integer round,
timestamp(0) drops fractions, and an assigned varchar drops trailing blanks. So a plain rule is
cast without its length, and every such loss is a condition that sets the row aside. A pair of types
that needs a decision (a time zone, the meaning of a flag) is refused with advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from crosswalk.express.casts import to_wire, type_sql, wire_type
from crosswalk.express.syntax import SYNTAX, unread
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
    UNLIMITED,
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
    """Stable: length, rounded, range, label, precision, syntax, changed."""
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
    losses = _losses(value, have, want, labels=labels, validates=validates)
    same = have.oid == want.oid and have.builtin == want.builtin
    return Fit(verdict="same" if same else "cast", losses=tuple(losses))


def _losses(value: str, have: TypeRef, want: TypeRef, *, labels: tuple[str, ...], validates: bool) -> list[Loss]:
    if have.kind is TypeKind.ARRAY and want.kind is TypeKind.ARRAY:
        return [*_of_elements(value, have, want, labels=labels, validates=validates)]
    losses = _of_syntax(value, have, want, validates=validates)
    if want.kind is TypeKind.ARRAY:
        read = to_wire(value, want, have=have)
        whole = wire_type(want).kind is TypeKind.ARRAY and not _is_string(want)
        return losses + ([*_of_elements(read, have, want, labels=labels, validates=validates)] if whole else [])
    losses += _of_cast(value, have, want, validates=validates)
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
    return losses


def _refusal(have: TypeRef, want: TypeRef) -> str:
    """Why a plain rule cannot go from one type to the other; empty where it can."""
    pair = (have.name, want.name)
    if (have.schema, have.name) == (want.schema, want.name):
        return ""
    if want.builtin and want.name == "char" and not _is_string(have):
        return f"{have.display} does not become a single byte by itself: write an sql rule that says how"
    if _is_string(want) and have.kind is not TypeKind.ARRAY:
        return ""
    if _is_string(have) and want.name == "bytea":
        return "a text may be the bytes or spell them: write {sql: \"convert_to(…, 'UTF8')\"} or {sql: \"decode(…, 'hex')\"}"
    if _is_string(have):
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


def _of_syntax(value: str, have: TypeRef, want: TypeRef, *, validates: bool) -> list[Loss]:
    """A text that does not read as a value of the type would raise an error: set its row aside instead."""
    if not _is_string(have) or _is_string(want):
        return []
    wire = wire_type(want)
    if not wire.builtin or wire.name in STRINGS:
        return []
    text = f"({value})::pg_catalog.text"
    conditions, written = unread(text, wire, validates=validates)
    if not conditions:
        return []
    loss = Loss(
        code="syntax",
        condition=" OR ".join(conditions),
        reason=f"it does not read as {want.display}{written}",
        sqlstate="22P02",
    )
    if wire.name not in INTEGERS:
        return [loss]
    low, high = INTEGERS[wire.name]
    span = f"CASE WHEN {text} ~ {literal(SYNTAX[wire.name])} THEN NOT (({text})::numeric BETWEEN {low} AND {high}) END"
    return [
        Loss(code="range", condition=span, reason=f"it is outside the range of {want.display}", sqlstate="22003"),
        loss,
    ]


def _is_string(ref: TypeRef) -> bool:
    return ref.builtin and ref.name in STRINGS


def _changed(condition: str, want: TypeRef, reason: str = "") -> Loss:
    return Loss(
        code="changed",
        condition=condition,
        reason=reason or f"it is not the same value as {want.display}",
        sqlstate="22003",
    )


def _back(value: str, have: TypeRef, want: TypeRef) -> str:
    """Whether the value cast there and back is another one."""
    return f"(({value})::{type_sql(wire_type(want))})::{type_sql(have)} IS DISTINCT FROM ({value})"


def _of_cast(value: str, have: TypeRef, want: TypeRef, *, validates: bool) -> list[Loss]:
    """What the cast between the bare types would lose."""
    if have.name == want.name and have.builtin and want.builtin:
        return []
    if want.name in INTEGERS and have.name in NUMBERS:
        return _into_integer(value, have, want)
    if want.name in FLOATS and (have.name in NUMBERS or _is_string(have)):
        return _into_float(value, have, want)
    if want.name == "jsonb" and (have.name == "json" or _is_string(have)):
        return _into_jsonb(value, have, want, validates=validates)
    if have.name == "date" and want.name == "timestamp":
        late = f"pg_catalog.isfinite({value}) AND ({value}) > pg_catalog.date '294276-12-31'"
        return [
            Loss(code="range", condition=late, reason=f"it is outside the range of {want.display}", sqlstate="22008")
        ]
    if (have.name, want.name) in {("timestamp", "date"), ("inet", "cidr")}:
        return [_changed(_back(value, have, want), want)]
    if want.builtin and want.name == "bpchar" and _is_string(have):
        text = f"({value})::pg_catalog.text"
        return [_changed(f"{text} <> pg_catalog.rtrim({text}, ' ')", want, "its trailing blanks would become padding")]
    if want.builtin and want.name in {"name", "char"}:
        text = f"({value})::pg_catalog.text"
        return [_changed(f"({text}::{type_sql(want)})::pg_catalog.text <> {text}", want)]
    return []


def _into_integer(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    low, high = INTEGERS[want.name]
    losses = []
    if have.name not in INTEGERS or INTEGERS[have.name][1] > high:
        losses.append(
            Loss(
                code="range",
                condition=f"NOT (({value}) >= {low} AND ({value}) < {high + 1})",
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


_FLOAT_SPAN: Final = {"float4": ("1e-45", "3.4028235e38"), "float8": ("5e-324", "1.7976931348623157e308")}
"""Smallest and greatest magnitude."""
_LAST_EXACT: Final = {
    ("int8", "float8"): 9223372036854774784,
    ("int8", "float4"): 9223371487098961920,
    ("int4", "float4"): 2147483520,
}
"""The greatest float below the integer's end: what is above it cannot be cast back."""


def _into_float(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    if have.name == "int2" or (have.name, want.name) in {("int4", "float8"), ("float4", "float8")}:
        return []
    if have.name in INTEGERS:
        last = _LAST_EXACT[have.name, want.name]
        return [_changed(f"CASE WHEN ({value}) > {last} THEN true ELSE {_back(value, have, want)} END", want)]
    if _is_string(have):
        number = f"(({value})::pg_catalog.text)"
        again = f"(({number}::{type_sql(want)})::pg_catalog.text)::pg_catalog.numeric"
        return [_changed(f"{again} IS DISTINCT FROM {number}::pg_catalog.numeric", want)]
    low, high = _FLOAT_SPAN[want.name]
    own = type_sql(have)
    outside = (
        f"({value}) NOT IN ('NaN'::{own}, 'Infinity'::{own}, '-Infinity'::{own}) AND ({value}) <> 0"
        f" AND pg_catalog.abs({value}) NOT BETWEEN '{low}'::{own} AND '{high}'::{own}"
    )
    reason = f"it is outside the range of {want.display}"
    span = Loss(code="range", condition=outside, reason=reason, sqlstate="22003")
    if have.name == "numeric":
        again = f"((({value})::{type_sql(want)})::pg_catalog.text)::pg_catalog.numeric"
        return [span, _changed(f"{again} IS DISTINCT FROM ({value})", want)]
    return [span, _changed(_back(value, have, want), want)]


_DOUBLED_KEYS: Final = """EXISTS (WITH RECURSIVE w (v) AS (
 SELECT ({value})::pg_catalog.json UNION ALL SELECT c.v FROM w, LATERAL (
  SELECT e.value FROM pg_catalog.json_each(CASE WHEN pg_catalog.json_typeof(w.v) = 'object' THEN w.v END) AS e
  UNION ALL
  SELECT a.value FROM pg_catalog.json_array_elements(CASE WHEN pg_catalog.json_typeof(w.v) = 'array' THEN w.v END)
   AS a (value)) AS c (v))
 SELECT FROM w WHERE (SELECT count(*) <> count(DISTINCT k) FROM pg_catalog.json_object_keys(
  CASE WHEN pg_catalog.json_typeof(w.v) = 'object' THEN w.v END) AS k))"""
"""What `IS JSON WITH UNIQUE KEYS` says from PostgreSQL 16 on."""


def _into_jsonb(value: str, have: TypeRef, want: TypeRef, *, validates: bool) -> list[Loss]:
    text = f"({value})::pg_catalog.text"
    doubled = f"{text} IS NOT JSON WITH UNIQUE KEYS" if validates else _DOUBLED_KEYS.format(value=value)
    losses = [_changed(doubled, want, "an object in it has a key twice, and jsonb keeps the last one only")]
    if validates and have.name == "json":
        unread = f"NOT pg_catalog.pg_input_is_valid({text}, 'pg_catalog.jsonb')"
        reason = f"it does not read as {want.display}"
        losses.insert(0, Loss(code="syntax", condition=unread, reason=reason, sqlstate="22P02"))
    return losses


def _of_limit(value: str, have: TypeRef, want: TypeRef) -> list[Loss]:
    """What the column's length, precision or scale would lose."""
    limit = length_limit(want.name, want.modifier)
    if limit is not None:
        had = length_limit(have.name, have.modifier)
        if had is None or had > limit or (want.name == "bit" and had != limit) or have.name in BITS:
            return [_too_long(to_wire(value, want, have=have), want, limit)]
        return []
    if want.name == "numeric":
        return _numeric_limit(value, have, want)
    if want.modifier == UNLIMITED or want.name not in TIMES or (have.name, have.modifier) == (want.name, want.modifier):
        return []
    return _time_limit(to_wire(value, want, have=have), want)


def _time_limit(value: str, want: TypeRef) -> list[Loss]:
    """Digits after the second; of an interval also the fields that it leaves out."""
    if want.name == "interval":
        condition = f"({value})::{want.display} IS DISTINCT FROM {value}"
        reason = f"it has parts that {want.display} leaves out"
    else:
        digits = second_digits(want.name, want.modifier)
        if digits is None or digits == 6:
            return []
        step = 10 ** (6 - digits)
        condition = f"EXTRACT(microseconds FROM {value})::pg_catalog.int8 % {step} <> 0"
        reason = f"it has more than {digits} digits after the second"
    return [Loss(code="precision", condition=condition, reason=reason, sqlstate="22008")]


def _too_long(value: str, want: TypeRef, limit: int) -> Loss:
    if want.name in BITS:
        compare = "<>" if want.name == "bit" else ">"
        return Loss(
            code="length",
            condition=f"pg_catalog.length({value}) {compare} {limit}",
            reason=f"it has not the length of {want.display}",
            sqlstate="22026",
        )
    return Loss(
        code="length",
        condition=f"pg_catalog.char_length({value}) > {limit}",
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
    number = to_wire(value, want, have=have)
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


def _of_elements(
    value: str, have: TypeRef, want: TypeRef, *, labels: tuple[str, ...], validates: bool
) -> Iterator[Loss]:
    """The losses of an array are those of its elements."""
    assert want.element is not None
    held = have.element.storage if have.element is not None else replace(want.element.storage, modifier=UNLIMITED)
    wanted = want.element.storage
    for loss in _losses('"cw$e"', held, wanted, labels=labels, validates=validates):
        among = f'pg_catalog.unnest({value}) AS "cw$es" ("cw$e")'
        yield replace(
            loss, condition=f"EXISTS (SELECT FROM {among} WHERE {loss.condition})", reason=f"an element: {loss.reason}"
        )
