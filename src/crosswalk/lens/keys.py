"""The legacy table's unique keys on the target: by what a row of a key is found there, and which index tells keys apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crosswalk.lens.parts import Absent, Reading, Unwritten, Written
from crosswalk.schema import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One unique key of the source."""

    columns: tuple[str, ...]
    primary: bool
    arbiter: tuple[str, ...] | None
    matched: tuple[str, ...]
    unusable: str | None
    nulls_alike: bool


def keys(
    source: Table, target: Table, readings: Mapping[str, Reading | Absent], writings: Mapping[str, Written | Unwritten]
) -> Iterator[Found]:
    """The primary key first."""
    listed = dict.fromkeys(key for key in (source.primary_key, *source.unique_keys) if key)
    for key in listed:
        fed = {n: w for n, w in writings.items() if isinstance(w, Written) and w.follows(key) and not w.merge}
        exact = _exact(key, readings)
        alike = _alike(source, key)
        arbiter = _arbiter(target, fed, exact, alike=alike)
        covered = {name for w in fed.values() for name in w.reads} >= set(key)
        matched = arbiter or _matched(fed, exact, covered=covered)
        yield Found(
            columns=key,
            primary=key == source.primary_key,
            arbiter=arbiter,
            matched=matched,
            unusable=None if matched else _unusable(key, readings),
            nulls_alike=alike,
        )


def _alike(table: Table, key: tuple[str, ...]) -> bool:
    """Whether NULLs in it are equal to one another, and there may be any."""
    return any(i.nulls_not_distinct for i in table.indexes if i.unique and i.columns == key) and not _required(table, key)


def _required(table: Table, columns: tuple[str, ...]) -> bool:
    return {c.name for c in table.columns if c.not_null}.issuperset(columns)


def _exact(key: tuple[str, ...], readings: Mapping[str, Reading | Absent]) -> frozenset[str] | None:
    """Target columns from which the whole key can be told, or None."""
    found = [readings[name] for name in key]
    if not all(isinstance(each, Reading) and each.exact and each.depends for each in found):
        return None
    return frozenset(column for each in found if isinstance(each, Reading) for column in each.depends)


def _arbiter(
    target: Table, fed: Mapping[str, Written], exact: frozenset[str] | None, *, alike: bool
) -> tuple[str, ...] | None:
    """A unique index whose columns the key gives, and give the key, and that takes NULLs as the key does."""
    if exact is None:
        return None
    unique = dict.fromkeys((target.primary_key, *target.unique_keys))
    serving = [index for index in unique if index and exact <= set(index) <= set(fed)]
    fit = [index for index in serving if _required(target, index) or _alike(target, index) is alike]
    return min(fit, key=lambda index: (len(index), index), default=None)


def _matched(fed: Mapping[str, Written], exact: frozenset[str] | None, *, covered: bool) -> tuple[str, ...]:
    """Target columns whose values the key gives: those that give the key again, else all where none of it is lost."""
    if exact is not None and exact <= set(fed):
        return tuple(name for name in fed if name in exact)
    return tuple(fed) if covered else ()


def _unusable(key: tuple[str, ...], readings: Mapping[str, Reading | Absent]) -> str | None:
    lost = [f"{name}: {found.why}" for name in key if isinstance(found := readings[name], Absent)]
    return "; ".join(lost) or None
