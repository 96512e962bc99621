"""Which rows, and in which order: the words of a repository, as values. Pure.

    {"company_id": 5, "name": ilike("%ann%"), "date": (gte("2026-01-01"), lte("2026-01-31")), "deleted_at": null()}

A bare value is eq, None is null, a list is in_; a tuple of conditions holds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "null"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One test of a column's value. `neq` holds for NULL no more than SQL's `<>` does."""

    operator: Operator
    value: Any = None
    """A tuple for `in`; nothing for `null`."""
    negated: bool = False


Where = Mapping[str, Any]
"""By column: a Condition, several in a tuple, or what stands for one."""


def eq(value: Any) -> Condition:
    return Condition(operator="eq", value=value)


def neq(value: Any) -> Condition:
    return Condition(operator="neq", value=value)


def gt(value: Any) -> Condition:
    return Condition(operator="gt", value=value)


def gte(value: Any) -> Condition:
    return Condition(operator="gte", value=value)


def lt(value: Any) -> Condition:
    return Condition(operator="lt", value=value)


def lte(value: Any) -> Condition:
    return Condition(operator="lte", value=value)


def like(pattern: str) -> Condition:
    return Condition(operator="like", value=pattern)


def ilike(pattern: str) -> Condition:
    return Condition(operator="ilike", value=pattern)


def in_(values: Iterable[Any]) -> Condition:
    return Condition(operator="in", value=tuple(values))


def null() -> Condition:
    return Condition(operator="null")


def not_(condition: Condition) -> Condition:
    """Its negation; NULL satisfies neither (but for `null`)."""
    return Condition(operator=condition.operator, value=condition.value, negated=not condition.negated)


def escape_like(text: str) -> str:
    """A text that stands for itself in a pattern of `like` and `ilike`."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One column of an order. Descending puts NULLs last too, unless told otherwise."""

    column: str
    descending: bool = False
    nulls_first: bool = False


Orders = Sequence[Order | str]
"""In order of weight; a bare name is ascending."""


def asc(column: str, *, nulls_first: bool = False) -> Order:
    return Order(column=column, nulls_first=nulls_first)


def desc(column: str, *, nulls_first: bool = False) -> Order:
    return Order(column=column, descending=True, nulls_first=nulls_first)


def ordered(by: Orders) -> tuple[Order, ...]:
    """The orders that were said; one name alone is one order."""
    return tuple(asc(each) if isinstance(each, str) else each for each in ([by] if isinstance(by, str) else by))


def tests(where: Where | None) -> Iterator[tuple[str, Condition]]:
    """Every test of every column."""
    for column, said in (where or {}).items():
        for each in said if isinstance(said, tuple) and said and all(isinstance(s, Condition) for s in said) else (said,):
            yield column, _condition(each)


def _condition(said: Any) -> Condition:
    if isinstance(said, Condition):
        return said
    if said is None:
        return null()
    return in_(said) if isinstance(said, list | set | frozenset) else eq(said)
