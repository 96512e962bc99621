"""In which column of the parent's source the values of a reference live: found by looking for them.

An inclusion dependency: over the child's full table, bounded by the number of different values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crosswalk.match.assign import assign
from crosswalk.match.looking import Contained, Looker
from crosswalk.match.naming import compare, opposed, weight, words
from crosswalk.match.shapes import Repeated
from crosswalk.match.tables import Pair
from crosswalk.match.vocabulary import GENERIC
from crosswalk.names import Name, quote
from crosswalk.pg_types import INTEGERS, STRINGS
from crosswalk.schema import Column, Schema, Table, TypeKind, TypeRef

LIVES: Final = 0.8
"""From this share of its different values on a column lives in another."""
_OPERANDS, _HOMES = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A target column that refers to a row of another table."""

    column: Column
    parent: Name
    take: str
    declared: bool
    """By a foreign key; else by the use of its name elsewhere in the schema."""


@dataclass(slots=True, kw_only=True)
class World:
    """What is known while the references are resolved."""

    target: Schema
    pairs: Mapping[Name, Pair]
    look: Looker
    losing: set[Name] = field(default_factory=set)
    """Target tables some of whose rows will not land."""
    repeated: Mapping[Name, Mapping[str, Repeated]] = field(default_factory=dict)
    """By target table, by source column that feeds something: what repeats it."""
    _implied: Mapping[tuple[str, str], Table] = field(init=False)
    _claims: dict[Name, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._implied = implied(self.target)

    def links(self, table: Table) -> dict[str, Link]:
        """As `links`; what names imply is found once for all tables."""
        return links(table, self._implied)

    def claims(self, pair: Pair) -> dict[str, str]:
        """By source column the reference that it suits best, each for one: billing is never taken for shipping."""
        if pair.target.name not in self._claims:
            scores = {
                (column.name, name): score
                for name, link in self.links(pair.target).items()
                if link.parent in self.pairs
                for column in pair.source.columns
                if (score := suits(pair, link, self.pairs[link.parent], column)) >= 0.5
            }
            best: dict[str, str] = assign(scores, least=0.5)
            self._claims[pair.target.name] = {source: target for target, source in best.items()}
        return self._claims[pair.target.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A source column whose values may be the reference."""

    column: Column
    name: float
    """How well its name suits the reference."""
    value: str
    """SQL over `c`."""
    rule: Any
    """As an operand of `match`."""
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A column of the parent's source in which values may live."""

    column: Column
    unique: bool
    """Declared unique by itself."""
    partners: tuple[str, ...]
    """Columns with which it is declared unique."""
    feeds: bool
    """It feeds the column that is referred to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where an operand's values live."""

    operand: Operand
    home: Home
    share: Contained
    at_id: Contained | None
    """How many of them are also in the column that feeds the parent's id."""


def links(table: Table, known: Mapping[tuple[str, str], Table]) -> dict[str, Link]:
    """The references of a target table by column: those declared, then those that names imply (see `implied`)."""
    found = {
        key.columns[0]: Link(
            column=column, parent=key.references, take=key.referenced_columns[0], declared=True
        )
        for key in table.foreign_keys
        if len(key.columns) == 1 and key.references is not None and (column := table.column(key.columns[0]))
    }
    for column in table.columns:
        parent = known.get((table.name.schema, column.name))
        if column.name not in found and parent is not None and parent.name != table.name:
            found[column.name] = Link(
                column=column, parent=parent.name, take=parent.primary_key[0], declared=False
            )
    return found


def implied(schema: Schema) -> dict[tuple[str, str], Table]:
    """The table that a column's name refers to wherever it is declared, or by `TABLE_id`."""
    found: dict[tuple[str, str], Table] = {}
    for table in schema.roots:
        if len(table.primary_key) == 1:
            name = "_".join(words(table.name.relation))
            found[table.name.schema, f"{name}_id"] = table
    for table in sorted(schema.roots, key=lambda t: t.name):
        for key in table.foreign_keys:
            parent = schema.tables.get(key.references) if key.references else None
            if len(key.columns) == 1 and parent is not None and parent.primary_key == key.referenced_columns:
                found[table.name.schema, key.columns[0]] = parent
    return found


def _family(kind: TypeRef) -> str:
    storage = kind.storage
    if storage.name in INTEGERS or storage.name == "numeric":
        return "number"
    return "text" if storage.name in STRINGS else storage.name


def operands(world: World, pair: Pair, link: Link, parent: Pair) -> list[Operand]:
    """Source columns that may hold the reference, the likeliest by name first; none that suits another one better."""
    found, taken = [], world.claims(pair)
    for column in pair.source.columns:
        name = suits(pair, link, parent, column)
        if name < 0.5 or not column.selectable or taken.get(column.name, link.column.name) != link.column.name:
            continue
        found += [_operand(column, name)]
    return sorted(found, key=lambda o: (-o.name, o.column.position))[:_OPERANDS]


def _operand(column: Column, name: float) -> Operand:
    value, kind = f"c.{quote(column.name)}", column.type.storage
    if kind.kind is TypeKind.ARRAY and kind.element is not None:
        family = _family(kind.element)
        value = f"pg_catalog.unnest({value})"
        rule: Any = {"first": column.name}
    else:
        family, rule = _family(kind), column.name
    if family == "text":
        value = f"({value})::pg_catalog.text"
    return Operand(column=column, name=name, value=value, rule=rule, family=family)


def _digits(operand: Operand) -> Operand:
    """The number at the end of a text."""
    text = rf"substring({quote(operand.column.name)} from '\d{{1,18}}$')::bigint"
    value = rf"pg_catalog.substring(c.{quote(operand.column.name)}::pg_catalog.text, '\d{{1,18}}$')::pg_catalog.int8"
    return Operand(
        column=operand.column, name=operand.name, value=value, rule={"sql": text}, family="number"
    )


def suits(pair: Pair, link: Link, parent: Pair, column: Column) -> float:
    """How well a source column suits the reference: its name, or its being the only foreign key to the parent."""
    if opposed(words(column.name), words(link.column.name)) or _is_itself(pair, link, parent, column):
        return 0.0
    return max(named(pair, link, parent, column), _tied(pair, link, parent, column))


def _is_itself(pair: Pair, link: Link, parent: Pair, column: Column) -> bool:
    """A row's own key is no reference to another row of its table, though its values all stand there."""
    feeding = parent.chosen.get(link.take)
    fed = feeding is not None and feeding.source.name == column.name
    return parent.source.name == pair.source.name and (fed or pair.source.row_identity == (column.name,))


def _tied(pair: Pair, link: Link, parent: Pair, column: Column) -> float:
    """What a foreign key of the source to the parent's source says."""
    mine = foreign(pair, parent)
    if column.name not in mine:
        return 0.0
    there = [k for k in pair.target.foreign_keys if k.references == link.parent and len(k.columns) == 1]
    return 0.75 if len(mine) == len(there) == 1 else 0.55


def foreign(pair: Pair, parent: Pair) -> list[str]:
    """Columns of the source table that have a foreign key of their own to the parent's source."""
    return [k.columns[0] for k in pair.source.foreign_keys if k.references == parent.source.name and len(k.columns) == 1]


def named(pair: Pair, link: Link, parent: Pair, column: Column) -> float:
    """How well its name alone suits the reference."""
    likeness = compare(column.name, link.column.name)
    score = 0.0 if likeness.weak else likeness.score
    have = words(column.name)
    asked = {w for w in words(link.column.name) if weight(w) >= 1}
    if asked and asked <= set(have):
        score = max(score, 0.7)
    bare = tuple(w for w in have if w != "id")
    tables = {words(parent.source.name.relation), words(parent.target.name.relation)}
    if bare in tables:
        there = tuple(w for w in words(link.column.name) if w != "id")
        score = max(score, 0.85 if there in tables else 0.65)
    if column.name in {c for k in parent.source.unique_keys if len(k) == 1 for c in k} and not set(have) <= GENERIC:
        score = max(score, 0.6)
    return score


def homes(parent: Pair, link: Link, family: str, operand: str) -> list[Home]:
    """Columns of the parent's source in which such values may live: keys, and what looks like one."""
    source = parent.source
    feeding = parent.chosen.get(link.take)
    fed = feeding.source.name if feeding is not None and feeding.way == "plain" else ""
    single = {k[0] for k in (source.primary_key, *source.unique_keys) if len(k) == 1}
    found = []
    for column in source.columns:
        partners = next((k for k in source.unique_keys if len(k) > 1 and column.name in k), ())
        keyed = column.name in single or partners or column.name == fed or _looks_unique(parent, column, operand)
        if keyed and _family(column.type) == family and column.selectable:
            found.append(
                Home(
                    column=column, unique=column.name in single, feeds=column.name == fed,
                    partners=tuple(c for c in partners if c != column.name) if column.name not in single else (),
                )
            )
    return sorted(found, key=lambda h: (not h.feeds, h.column.name != operand, h.column.position))[:_HOMES]


def _looks_unique(parent: Pair, column: Column, operand: str) -> bool:
    seen = parent.profiles.get(column.name)
    if seen is None or not seen.present or seen.distinct != seen.present:
        return False
    return column.name == operand or bool(set(words(column.name)) & {"id", "code", "number", "key"})


def _at(home: Home) -> str:
    value = f"p.{quote(home.column.name)}"
    return f"({value})::pg_catalog.text" if _family(home.column.type) == "text" else value


async def find(world: World, pair: Pair, link: Link, parent: Pair) -> tuple[list[Found], int]:
    """Where each operand's values live, the best first; and how many different values were looked for at most."""
    found: list[Found] = []
    looked = 0
    for operand in operands(world, pair, link, parent):
        tries = [operand]
        if operand.family == "text" and operand.rule == operand.column.name:
            tries.append(_digits(operand))
        for each in tries:
            places = homes(parent, link, each.family, each.column.name)
            shares = await world.look.contained(pair.source, each.value, [(parent.source, _at(h)) for h in places])
            if not places or shares is None:
                continue
            looked = max(looked, shares[0].values)
            at_id = next((s for h, s in zip(places, shares, strict=True) if h.feeds), None)
            here = [
                Found(operand=each, home=h, share=s, at_id=at_id)
                for h, s in zip(places, shares, strict=True)
                if s.found
            ]
            found += here
            if any(f.share.share >= LIVES for f in here):
                break
    return sorted(found, key=_best), looked


def _best(found: Found) -> tuple[Any, ...]:
    lives = found.share.share >= LIVES
    plain = isinstance(found.operand.rule, str)
    same = found.operand.column.name == found.home.column.name
    return (
        not lives, not plain, -found.operand.name, -round(found.share.share, 3), not same, not found.home.unique,
        found.home.column.position,
    )
