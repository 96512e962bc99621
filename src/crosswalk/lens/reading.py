"""A source column read back from the target's row: the inverse of each rule that has one, or the document's own word.

    column   the target's column, cast back                zone    the wall clock of that zone again
    map      the label behind a label, where it is one      agree   each of the columns that agreed
    fold     the member of the document, typed              lookup  the row that was found, and what it was found by

Of several ways to read one column the exact one nearest to the row is taken. The rest (sql, split, first, unnest,
value, default) has no way back of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from crosswalk.express import Facts, Motion
from crosswalk.express.casts import to_wire, type_sql, wire_type
from crosswalk.express.values import STEADY
from crosswalk.lens.kinds import Kinds
from crosswalk.lens.members import member
from crosswalk.lens.parts import Absent, Comparable, Joins, Reading
from crosswalk.mapping import Agree, Fold, Lookup, MapLabels, Newest, Rule, Take, Zone
from crosswalk.mapping.words import words
from crosswalk.names import Name, literal, quote
from crosswalk.schema import Column, TypeKind


@dataclass(frozen=True, slots=True)
class Readings:
    """The source columns of one mapped table, read over one alias of its target."""

    facts: Facts
    target: Name
    alias: str
    joins: Joins
    seen: tuple[tuple[Name, str], ...] = ()
    """Columns from which lookups led here: one that leads back to them has no end."""

    def of(self, name: str) -> Reading | Absent:
        """How a source column is read, or why it is not."""
        legacy = self.facts.column("source", self.facts.source_table(self.target), name)
        said = self.facts.mapping(self.target).back.get(name)
        if said is not None:
            return self._declared(name, legacy, exact=said.exact, why=said.why)
        if (self.target, name) in self.seen:
            return Absent(why="a lookup leads back to itself")
        ways = list(replace(self, seen=(*self.seen, (self.target, name)))._ways(legacy))
        if ways:
            return min(ways, key=lambda way: (not way.exact, way.rank))
        return Absent(why=self._why(legacy))

    # --- the document's word --------------------------------------------------------------------

    def _declared(self, name: str, legacy: Column, *, exact: bool, why: str | None) -> Reading:
        alias = self._computed()
        value = f"({quote(alias)}.{quote(name)})"
        note = None if exact else why or "as the document says"
        return Reading(sql=f"{value}::{self._kinds.cast(legacy.type)}", exact=exact, declared=True, note=note)

    def _computed(self) -> str:
        """The alias of all that `back` declares: computed beside the row, where its names mean this row alone."""
        table = self.facts.target_table(self.target)
        declared = self.facts.mapping(self.target).back
        row = ", ".join(f"{quote(self.alias)}.{quote(c.name)}" for c in table.columns if c.selectable)
        listed = ", ".join(f"({back.sql}\n) AS {quote(name)}" for name, back in declared.items())
        made = f"SELECT {listed} FROM (SELECT {row}) AS {quote(table.name.relation)}"
        return self.joins.computed(self.alias, made)

    # --- inverses -------------------------------------------------------------------------------

    @property
    def _kinds(self) -> Kinds:
        return Kinds(source=self.facts.source, target=self.facts.target)

    def _ways(self, legacy: Column) -> Iterator[Reading]:
        table = self.facts.target_table(self.target)
        for name, rule in self.facts.mapping(self.target).columns.items():
            column = table.column(name)
            if column is not None and column.selectable:
                yield from self._inverse(rule, column, legacy)

    def _inverse(self, rule: Rule, column: Column, legacy: Column) -> Iterator[Reading]:
        value = f"{quote(self.alias)}.{quote(column.name)}"
        here = frozenset({column.name})
        match rule:
            case Take() if rule.column == legacy.name and not self._kinds.unfit(column.type, legacy.type):
                yield replace(self._cast(value, column, legacy), depends=here, rank=1)
            case Agree() if legacy.name in rule.agree and not self._kinds.unfit(column.type, legacy.type):
                found = self._cast(value, column, legacy)
                note = found.note or (None if legacy.not_null else f"where it was NULL, what {_listed(rule.agree, legacy.name)} held")
                yield replace(found, depends=here, exact=note is None, note=note, rank=4)
            case Zone() if _takes(rule.from_, legacy.name):
                yield replace(self._clock(value, rule, legacy), depends=here, rank=2)
            case MapLabels() if _takes(rule.from_, legacy.name) and _injective(rule):
                yield replace(self._label(value, rule, column, legacy), depends=here, rank=5)
            case Fold() if legacy.name in rule.fold:
                inside = member(value, rule, column, legacy, self._kinds)
                if inside is not None:
                    yield replace(inside, depends=here, rank=3)
            case Lookup():
                yield from (replace(found, depends=here) for found in self._found(value, rule, column, legacy))

    def _cast(self, value: str, column: Column, legacy: Column) -> Reading:
        sql = self._kinds.back(value, column.type, legacy.type)
        compare = self._kinds.comparable(value, column.type, legacy.type)
        note = self._kinds.rewritten(column.type, legacy.type)
        compare = compare if compare and compare.sql != sql else None
        return Reading(sql=sql, compare=compare, exact=note is None, note=note)

    def _clock(self, value: str, rule: Zone, legacy: Column) -> Reading:
        """The moment as the clock of the zone showed it; a wall clock as the moment that it was."""
        zoned = legacy.type.storage.name == "timestamptz"
        moment = f"({value})::pg_catalog.{'timestamp' if zoned else 'timestamptz'}"
        there = f"({moment} AT TIME ZONE {literal(rule.zone)})"
        compare = None
        if rule.zone in STEADY and legacy.type.storage.name == "timestamp":
            compare = Comparable(sql=value, before="(", after=f" AT TIME ZONE {literal(rule.zone)})")
        cast = self._kinds.cast(legacy.type)
        return Reading(sql=f"{there}::{cast}", compare=compare, exact=True)

    def _label(self, value: str, rule: MapLabels, column: Column, legacy: Column) -> Reading:
        wire = wire_type(column.type)
        held = to_wire(value, column.type, have=column.type)
        arms = [
            f"WHEN {held} {'IS NULL' if made is None else f'= {_constant(made)}::{type_sql(wire)}'} THEN"
            f" {'NULL' if label is None else literal(label)}"
            for label, made in rule.map.items()
        ]
        note = "NULL where it stood in no line of the map" if rule.else_ == "null" else None
        cast = self._kinds.cast(legacy.type)
        return Reading(sql=f"(CASE {' '.join(arms)} END)::{cast}", exact=note is None, note=note)

    def _found(self, value: str, rule: Lookup, column: Column, legacy: Column) -> Iterator[Reading]:
        """What the row was found by, read from that row: by the first of several ways to find it."""
        asked = [left for left, operand in rule.lookup.matches[0].items() if _takes(operand, legacy.name)]
        if not asked or column.type.kind is TypeKind.ARRAY:
            return
        parent = Motion(self.facts, self.target).looked_into(column.name)
        if parent is None or not self._tells_apart(parent, rule.lookup.take):
            return
        for left in asked:
            alias = self.joins.to(parent, rule.lookup.take, value)
            found = self._at(parent, alias, left, legacy)
            if found is not None:
                yield self._weighed(found, rule, parent)

    def _tells_apart(self, parent: Name, take: str) -> bool:
        table = self.facts.target_table(parent)
        return (take,) in (table.primary_key, *table.unique_keys)

    def _at(self, parent: Name, alias: str, left: str, legacy: Column) -> Reading | None:
        """What the parent's row is matched by, as the source's column has it."""
        if left.startswith("target."):
            held = self.facts.column("target", self.facts.target_table(parent), left.removeprefix("target."))
            value, kind = f"{quote(alias)}.{quote(held.name)}", held.type
            inner = Reading(sql=value, exact=True, compare=self._kinds.comparable(value, kind, legacy.type))
        else:
            found = replace(self, target=parent, alias=alias).of(left)
            if isinstance(found, Absent):
                return None
            inner, kind = found, self._kinds.standing(self.facts.column("source", self.facts.source_table(parent), left).type)
        if self._kinds.unfit(kind, legacy.type):
            return None
        compare = inner.compare or self._kinds.comparable(inner.sql, kind, legacy.type)
        alike = self._kinds.comparable(inner.sql, kind, legacy.type)
        return replace(inner, sql=self._kinds.back(inner.sql, kind, legacy.type), compare=compare if alike else None)

    def _weighed(self, found: Reading, rule: Lookup, parent: Name) -> Reading:
        """Whether it is what stood in the source: not where another way, or another row, may have led there."""
        merges = self.facts.mapping(parent).on_duplicate
        note = found.note
        if len(rule.lookup.matches) > 1:
            note = "of the row that was found, by whatever way"
        elif merges == "first" or isinstance(merges, Newest):
            note = f"of the row of {parent} that stands for those merged into it"
        elif "null" in {rule.lookup.missing, rule.lookup.ambiguous}:
            note = "NULL where nothing, or too much, was found"
        return replace(found, exact=found.exact and note is None, note=note, rank=found.rank + 10)

    # --- why not --------------------------------------------------------------------------------

    def _why(self, legacy: Column) -> str:
        mapping = self.facts.mapping(self.target)
        if legacy.name in mapping.drop:
            return f"dropped: {mapping.drop[legacy.name].why}"
        users = [f"{n} ({r.kind})" for n, r in mapping.columns.items() if legacy.name in mentioned(r)]
        if not users:
            return "no rule keeps it"
        return f"what {', '.join(users)} makes of it has no way back by itself: `back` may say one"


def mentioned(rule: Rule) -> set[str]:
    """Source columns that a rule reads, or that its SQL may mean."""
    return {*rule.reads(), *(word for text in rule.expressions() for word in words(text))}


def _takes(operand: object, name: str) -> bool:
    return isinstance(operand, Take) and operand.column == name


def _listed(names: tuple[str, ...], but: str) -> str:
    return ", ".join(name for name in names if name != but)


def _injective(rule: MapLabels) -> bool:
    """Whether each result tells the label that it was: NULL counts as one that stays what it is."""
    lines = dict(rule.map)
    lines.setdefault(None, None)
    results = [_constant(value) for value in lines.values()]
    return isinstance(rule.else_, str) and len(set(results)) == len(results)


def _constant(value: object) -> str:
    if value is None:
        return "NULL"
    return literal(str(value).lower() if isinstance(value, bool) else str(value))
