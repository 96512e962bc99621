"""What is read, with every name resolved: the tree of a query over the schema cache. Pure.

Raises PGRST108, PGRST118, PGRST119, PGRST123 and what choosing a relationship raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from crosswalk.data.builder import refusals
from crosswalk.data.builder.cache import SchemaCache
from crosswalk.data.builder.cached import Relationship
from crosswalk.data.builder.choosing import relationship
from crosswalk.data.builder.grammar import Check, Column, Embed, Field, Logic, Path, Query, Sort
from crosswalk.names import NAME_BYTES, Name

Placed = TypeVar("Placed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A related resource and how it hangs on its parent."""

    node: Node
    name: str
    """Under which it is in the answer."""
    alias: str
    """Of its subquery in SQL."""
    how: Relationship
    inner: bool
    spread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One level of the tree."""

    relation: Name
    """What its rows are rows of, as far as the cache knows."""
    alias: str
    """By which SQL names it: its relation's own name at the root."""
    columns: tuple[Column, ...]
    tests: tuple[Check | Logic, ...]
    order: tuple[Sort, ...]
    limit: int | None
    offset: int
    children: tuple[Child, ...]

    @property
    def empty(self) -> bool:
        """Nothing of it is asked for: it is joined but not shown."""
        return not self.columns and all(child.node.empty for child in self.children)

    @property
    def aggregates(self) -> bool:
        return any(column.aggregate for column in self.columns) or any(
            child.spread and child.node.aggregates for child in self.children
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What a plan is made under."""

    cache: SchemaCache
    max_rows: int | None = None
    aggregates: bool = True


def plan(query: Query, relation: Name, planning: Planning, *, alias: str = "") -> Node:
    """The whole tree; `alias` names the root where its relation's own name would not do."""
    return _node(query, relation, alias or relation.relation, planning)


def _node(query: Query, relation: Name, alias: str, planning: Planning, depth: int = 0, grouped: bool = False) -> Node:
    if not planning.aggregates and any(column.aggregate for column in query.columns):
        raise refusals.no_aggregates()
    _known_paths(query)
    grouped = grouped or _groups(query.columns, query.embeds)
    children = tuple(
        _child(query, number, (relation, alias), planning, depth + 1, grouped) for number in range(len(query.embeds))
    )
    limit = _own(query.limits, None)
    if planning.max_rows is not None:
        limit = planning.max_rows if limit is None else min(limit, planning.max_rows)
    return Node(
        relation=relation,
        alias=alias,
        columns=_written_out(query.columns, relation, planning) if grouped else query.columns,
        tests=tuple(test for path, test in query.tests if not path),
        order=tuple(_related(sort, relation, children) for sort in _own(query.orders, ())),
        limit=limit,
        offset=_own(query.offsets, 0),
        children=children,
    )


def _child(query: Query, number: int, parent: tuple[Name, str], planning: Planning, depth: int, grouped: bool) -> Child:
    embed, (origin, above) = query.embeds[number], parent
    how = relationship(planning.cache, origin, embed)
    if embed.spread and not how.to_one:
        raise refusals.spread_not_to_one(origin.relation, embed.name)
    own = _short(f"{how.target.relation}_{depth}", f"node_{depth}")
    own = own + "_" if own == above else own
    node = _node(_below(query, embed), how.target, own, planning, depth, grouped and embed.spread)
    name = embed.alias or embed.name
    alias = _short(f"{origin.relation}_{name}_{depth}", f"embed_{number}_{depth}")
    return Child(node=node, name=name, alias=alias, how=how, inner=embed.join == "inner", spread=embed.spread)


def _short(alias: str, instead: str) -> str:
    """An alias that PostgreSQL would cut could meet another one."""
    return alias if len(alias.encode()) < NAME_BYTES else instead


def _groups(columns: Sequence[Column], embeds: Sequence[Embed]) -> bool:
    """Whether rows are grouped on this level: an aggregate of a spread embed is taken up here."""
    return any(column.aggregate for column in columns) or any(
        embed.spread and _groups(embed.columns, embed.embeds) for embed in embeds
    )


def _own(entries: Sequence[tuple[Path, Placed]], default: Placed) -> Placed:
    """What is said of this level: the first that is there."""
    return next((value for path, value in entries if not path), default)


def _found(query: Query, name: str) -> Embed | None:
    return next((embed for embed in query.embeds if name in (embed.name, embed.alias)), None)


def _known_paths(query: Query) -> None:
    for entries in (query.tests, query.orders, query.limits, query.offsets):
        for path, _ in entries:
            if path and _found(query, path[0]) is None:
                raise refusals.not_embedded(path[0])


def _below(query: Query, embed: Embed) -> Query:
    """What the query says of one embed."""

    def share(entries: Sequence[tuple[Path, Placed]]) -> tuple[tuple[Path, Placed], ...]:
        return tuple((path[1:], value) for path, value in entries if path and _found(query, path[0]) is embed)

    return Query(
        columns=embed.columns,
        embeds=embed.embeds,
        tests=share(query.tests),
        orders=share(query.orders),
        limits=share(query.limits),
        offsets=share(query.offsets),
    )


def _related(sort: Sort, origin: Name, children: Sequence[Child]) -> Sort:
    """A term that sorts by an embed's column names the embed's subquery."""
    if not sort.relation:
        return sort
    child = next((child for child in children if child.name == sort.relation), None)
    if child is None:
        raise refusals.not_embedded(sort.relation)
    if not child.how.to_one:
        raise refusals.order_not_to_one(origin.relation, child.name)
    return replace(sort, relation=child.alias)


def _written_out(columns: Sequence[Column], relation: Name, planning: Planning) -> tuple[Column, ...]:
    """The columns with `*` by name: GROUP BY knows no star."""
    known = planning.cache.relations.get(relation)
    found: list[Column] = []
    for column in columns:
        if known is not None and column.field.name == "*" and not column.aggregate:
            found += [Column(field=Field(name=name)) for name in known.columns]
        else:
            found.append(column)
    return tuple(found)
