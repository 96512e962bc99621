"""Two answers to one question, judged: equal, or how they differ. Pure; says columns and counts, never a value.

An error on one side is a difference. Errors on both sides are equal only where they are an answer of the data (a
duplicate, a bad value …) and the caller would see the same one: class, SQLSTATE, constraint and column. That neither
server could be reached is no proof of anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crosswalk.data.conditions import Order
from crosswalk.data.failures import (
    BadValue,
    CheckViolated,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    Misconfigured,
    NullViolated,
)
from crosswalk.data.modes.canonical import Form, columns, form

ANSWERS: Final = (DuplicateKey, ForeignKeyViolated, NullViolated, CheckViolated, BadValue)
"""Errors that say something of the data."""
_SAMPLE: Final = 3
"""Keys of rows that a difference names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a side gave: a value, or the error that it raised."""

    value: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts, said by who asks."""

    key: Sequence[str] = ()
    """The columns by which rows are paired."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Columns that one side cannot have, each with the reason: they are left out."""
    order: Sequence[Order] = ()
    """Rows must come in this order; rows that are equal in it may change places."""
    ordered: bool = False
    """Rows must come in the same order, whatever it is."""
    view: Callable[[Any], Any] | None = None
    """What of a function's answer is compared."""
    failed: Callable[[Any], str | None] | None = None
    """The name of the error that an answer tells of; None for a good one. For functions that never raise."""

    def __post_init__(self) -> None:
        for column, why in self.absent.items():
            if not why.strip():
                raise Misconfigured(f"column {column} is left out of comparisons without a reason", hint="Say why.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs, without a value of it."""

    kind: str
    """error-primary, error-secondary, errors-differ, errors-both, timeout, type, missing, extra, columns, values, order"""
    columns: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[Form, ...] = ()
    """Forms of some keys: to be hashed, never to be written down."""
    errors: tuple[str, str] = ("", "")
    """Classes, the primary's first."""


def compare(primary: Outcome, secondary: Outcome, rules: Rules) -> Difference | None:
    """None where the caller would see the same. Raises what goes wrong in comparing: a failed comparison is no pass."""
    told = (_told(primary, rules), _told(secondary, rules))
    if any(told):
        return _errors(primary, secondary, told)
    mine, theirs = (rules.view(o.value) if rules.view else o.value for o in (primary, secondary))
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple) and _are_rows([*mine, *theirs]):
        return _rows(mine, theirs, rules)
    if columns(mine) is not None or columns(theirs) is not None:
        return _row(mine, theirs, rules)
    one, other = form(mine), form(theirs)
    if one == other:
        return None
    return Difference(kind="type" if one[0] != other[0] else "values")


# --- errors -------------------------------------------------------------------------------------


def _told(outcome: Outcome, rules: Rules) -> str:
    if outcome.error is not None:
        return type(outcome.error).__name__
    return (rules.failed(outcome.value) if rules.failed else None) or ""


def _errors(primary: Outcome, secondary: Outcome, told: tuple[str, str]) -> Difference | None:
    if not told[1]:
        return Difference(kind="error-primary", errors=told)
    if not told[0]:
        late = isinstance(secondary.error, TimeoutError)
        return Difference(kind="timeout" if late else "error-secondary", errors=told)
    if _seen(primary.error, told[0]) != _seen(secondary.error, told[1]):
        return Difference(kind="errors-differ", errors=told)
    if isinstance(primary.error, ANSWERS):
        return None
    return Difference(kind="errors-both", errors=told)


def _seen(error: BaseException | None, told: str) -> tuple[str, ...]:
    """What a caller can tell of an error."""
    return (told, error.code, error.constraint, error.column) if isinstance(error, DataError) else (told,)


# --- rows ---------------------------------------------------------------------------------------

Fields = dict[str, Form]


def _are_rows(values: Iterable[Any]) -> bool:
    return all(columns(each) is not None for each in values)


def _fields(row: Any, rules: Rules) -> Fields:
    return {str(n): form(v) for n, v in (columns(row) or {}).items() if n not in rules.absent}


def _row(mine: Any, theirs: Any, rules: Rules) -> Difference | None:
    if mine is None or theirs is None:
        return Difference(kind="extra" if mine is None else "missing", counts=_counts(mine is not None, theirs is not None))
    if columns(mine) is None or columns(theirs) is None:
        return Difference(kind="type")
    one, other = _fields(mine, rules), _fields(theirs, rules)
    if one == other:
        return None
    key = _key(one, rules.key)
    return Difference(
        kind="columns" if one.keys() != other.keys() else "values", columns=_differing(one, other),
        counts=_counts(1, 1), keys=(key,) if key else (),
    )  # fmt: skip


def _rows(mine: Sequence[Any], theirs: Sequence[Any], rules: Rules) -> Difference | None:
    ones, others = [_fields(r, rules) for r in mine], [_fields(r, rules) for r in theirs]
    if ones == others:
        return None
    left, right = _apart(ones, others)
    if not left and not right:
        return _order(ones, others, rules)
    pairs, missing, extra = _paired(left, right, rules.key)
    named = sorted({column for one, other in pairs for column in _differing(one, other)})
    counts = {**_counts(len(mine), len(theirs)), "missing": len(missing), "extra": len(extra), "values": len(pairs)}
    unlike = any(one.keys() != other.keys() for one, other in pairs)
    kind = "missing" if missing else "extra" if extra else "columns" if unlike else "values"
    keys = [k for f in (*missing, *extra, *(one for one, _ in pairs)) if (k := _key(f, rules.key))]
    return Difference(kind=kind, columns=tuple(named), counts=counts, keys=tuple(keys[:_SAMPLE]))


def _counts(mine: int, theirs: int) -> dict[str, int]:
    return {"primary": int(mine), "secondary": int(theirs)}


def _differing(one: Fields, other: Fields) -> tuple[str, ...]:
    return tuple(sorted(c for c in one.keys() | other.keys() if one.get(c) != other.get(c)))


def _frozen(row: Fields) -> tuple[tuple[str, Form], ...]:
    return tuple(sorted(row.items()))


def _apart(ones: Sequence[Fields], others: Sequence[Fields]) -> tuple[list[Fields], list[Fields]]:
    """The rows that only one side has, each as often as it has it more."""
    mine, theirs = Counter(map(_frozen, ones)), Counter(map(_frozen, others))
    return [dict(r) for r in (mine - theirs).elements()], [dict(r) for r in (theirs - mine).elements()]


def _key(row: Fields, key: Sequence[str]) -> Form | None:
    return ("key", tuple(row[c] for c in key)) if key and all(c in row for c in key) else None


def _paired(
    left: list[Fields], right: list[Fields], key: Sequence[str]
) -> tuple[list[tuple[Fields, Fields]], list[Fields], list[Fields]]:
    """By key where every row has one of its own; else in sorted order, which says at least which columns differ."""
    mine, theirs = {_key(r, key): r for r in left}, {_key(r, key): r for r in right}
    if None in mine or None in theirs or len(mine) < len(left) or len(theirs) < len(right):
        ones, others = sorted(left, key=_frozen), sorted(right, key=_frozen)
        both = min(len(ones), len(others))
        return list(zip(ones, others, strict=False)), ones[both:], others[both:]
    shared = [k for k in mine if k in theirs]
    return (
        [(mine[k], theirs[k]) for k in shared],
        [r for k, r in mine.items() if k not in theirs],
        [r for k, r in theirs.items() if k not in mine],
    )


def _order(ones: Sequence[Fields], others: Sequence[Fields], rules: Rules) -> Difference | None:
    """The rows are the same ones; where they were ordered by a column that none of them shows, all of them count."""
    if not rules.ordered and not rules.order:
        return None
    by = [each.column for each in rules.order]
    shown = not rules.ordered and all(c in row for row in ones for c in by)
    if shown and [[r[c] for c in by] for r in ones] == [[r[c] for c in by] for r in others]:
        return None
    return Difference(kind="order", columns=tuple(by), counts=_counts(len(ones), len(others)))
