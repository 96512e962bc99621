"""How relations are related: by foreign keys, through junctions, over views, by functions. Pure.

As PostgREST derives it: a key gives many-to-one and, seen from the other side, one-to-many (one-to-one where its columns
are unique); a table whose primary key holds two keys relates their targets; a view has the keys whose columns it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from crosswalk.data.builder.cached import Junction, Pairs, Relation, Relationship
from crosswalk.data.builder.views import Origin, Sources
from crosswalk.names import Name

Raw = Mapping[str, Any]


def related(found: Raw, relations: Mapping[Name, Relation], seen: Sources) -> dict[Name, tuple[Relationship, ...]]:
    """By table, those that an exposed schema shows on both sides."""
    names = {raw["oid"]: Name(raw["schema"], raw["name"]) for raw in found["relations"]}
    keys = [*_keys(found, names, relations)]
    views = _views_of(names, seen, frozenset(found["schemas"]))
    oids = {name: oid for oid, name in names.items()}
    keys += [each for key in keys for each in _over_views(key, oids, views)]
    every = [*keys, *_junctions(keys, relations), *map(_inverse, keys)]
    computed = [*map(_computed, found["computed"])]
    taken = {(each.table, each.function) for each in computed}
    kept = [each for each in every if (each.table, each.target) not in taken]
    by_table: dict[Name, list[Relationship]] = {}
    for each in (*kept, *computed):
        if _exposed(each, frozenset(found["schemas"])):
            by_table.setdefault(each.table, []).append(each)
    return {table: tuple(several) for table, several in by_table.items()}


def spoken(by_table: Mapping[Name, Sequence[Relationship]]) -> dict[tuple[Name, str], tuple[Relationship, ...]]:
    """By table and by every word that can name the relationship: its target, constraint, own column or function."""
    found: dict[tuple[Name, str], list[Relationship]] = {}
    for table, several in by_table.items():
        for each in several:
            words = [each.function.relation] if each.function else [each.target.relation, each.constraint]
            words += [each.columns[0][0]] if len(each.columns) == 1 else []
            for word in dict.fromkeys(words):
                found.setdefault((table, word), []).append(each)
    return {key: tuple(several) for key, several in found.items()}


def _exposed(each: Relationship, schemas: frozenset[str]) -> bool:
    inner = each.junction is None or each.junction.table.schema in schemas
    return inner and each.table.schema in schemas and each.target.schema in schemas


def _keys(found: Raw, names: Mapping[int, Name], relations: Mapping[Name, Relation]) -> Iterator[Relationship]:
    for raw in found["foreign_keys"]:
        table, target = names.get(raw["table"]), names.get(raw["target"])
        if table is not None and target is not None:
            unique = any(set(key) == set(raw["columns"]) for key in relations[table].uniques)
            pairs = tuple(zip(raw["columns"], raw["targets"], strict=True))
            yield Relationship(
                table=table, target=target, kind="o2o" if unique else "m2o", constraint=raw["name"], columns=pairs
            )


Views = Mapping[int, Sequence[tuple[Name, Mapping[Origin, tuple[str, ...]]]]]
"""By a table's oid: the exposed views that show something of it, with all that they show."""


def _views_of(names: Mapping[int, Name], seen: Sources, schemas: frozenset[str]) -> Views:
    views: dict[int, list[tuple[Name, Mapping[Origin, tuple[str, ...]]]]] = {}
    for view, shown in seen.items():
        if names[view].schema in schemas:
            for table in dict.fromkeys(table for table, _ in shown):
                views.setdefault(table, []).append((names[view], shown))
    return views


def _over_views(key: Relationship, oids: Mapping[Name, int], views: Views) -> Iterator[Relationship]:
    """The same key from a view of its table, to a view of its target, and from view to view."""
    own = tuple(column for column, _ in key.columns)
    far = tuple(column for _, column in key.columns)
    near_sides = [(key.table, own, False), *_shown_as(oids[key.table], own, views)]
    far_sides = [(key.target, far, False), *_shown_as(oids[key.target], far, views)]
    for (near, ours, near_view), (target, theirs, far_view) in product(near_sides, far_sides):
        if near_view or far_view:
            pairs: Pairs = tuple(zip(ours, theirs, strict=True))
            yield replace(
                key, table=near, target=target, columns=pairs, table_is_view=near_view, target_is_view=far_view
            )


def _shown_as(table: int, columns: tuple[str, ...], views: Views) -> Iterator[tuple[Name, tuple[str, ...], bool]]:
    """Every view with every choice of its columns for those of a key; none where one is not shown."""
    for view, shown in views.get(table, ()):
        for chosen in product(*(shown.get((table, column), ()) for column in columns)):
            yield view, chosen, True


def _inverse(key: Relationship) -> Relationship:
    return replace(
        key,
        table=key.target,
        target=key.table,
        kind="o2m" if key.kind == "m2o" else "o2o",
        columns=tuple((far, own) for own, far in key.columns),
        table_is_view=key.target_is_view,
        target_is_view=key.table_is_view,
    )


def _junctions(keys: Iterable[Relationship], relations: Mapping[Name, Relation]) -> Iterator[Relationship]:
    by_table: dict[Name, list[Relationship]] = {}
    for key in keys:
        if key.kind == "m2o":
            by_table.setdefault(key.table, []).append(key)
    for table, own in by_table.items():
        for near, far in product(own, own):
            columns = {column for column, _ in near.columns + far.columns}
            if near.constraint != far.constraint and columns <= set(relations[table].primary):
                yield _many_to_many(table, near, far)


def _many_to_many(table: Name, near: Relationship, far: Relationship) -> Relationship:
    junction = Junction(
        table=table,
        constraints=(near.constraint, far.constraint),
        columns=tuple((theirs, own) for own, theirs in near.columns),
        target_columns=tuple((theirs, own) for own, theirs in far.columns),
    )
    return Relationship(
        table=near.target,
        target=far.target,
        kind="m2m",
        junction=junction,
        table_is_view=near.target_is_view,
        target_is_view=far.target_is_view,
    )


def _computed(raw: Raw) -> Relationship:
    return Relationship(
        table=Name(raw["table_schema"], raw["table"]),
        target=Name(raw["target_schema"], raw["target"]),
        kind="computed",
        function=Name(raw["schema"], raw["name"]),
        single=raw["single"],
    )
