"""A target column fed from a whole source row where the target alone is asked: the rule itself, lookups on the target.

The values of rules are `express`'s own, so that a row written here is the row that a move would make; what would set a
row aside there refuses it here, by the same codes. A lookup that a move does among the source's rows is done among the
target's: a column of the source table that it matches is read back there (`reading`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from crosswalk.express import Facts, Motion
from crosswalk.express.casts import from_wire, to_wire, wire_type
from crosswalk.express.fit import Loss, fit
from crosswalk.express.lookups import operand_place
from crosswalk.express.values import Compiler
from crosswalk.lens.parts import Absent, Joins, Refused, Unwritten, Written
from crosswalk.lens.reading import Readings
from crosswalk.mapping import Agree, Default, Fold, Lookup, Rule
from crosswalk.mapping.words import words
from crosswalk.names import Name, array_literal, literal, quote
from crosswalk.schema import Column, TypeKind, TypeRef

PARENT = "cw$p"


@dataclass(frozen=True, slots=True)
class Writings:
    """The target columns of one mapped table."""

    facts: Facts
    target: Name

    def all(self) -> Iterator[tuple[str, Written | Unwritten]]:
        """Each column that a rule feeds; what the target makes by itself is not among them."""
        table = self.facts.target_table(self.target)
        for number, (name, rule) in enumerate(self.facts.mapping(self.target).columns.items()):
            column = table.column(name)
            if column is None or isinstance(rule, Default):
                continue
            yield name, self._lookup(number, column, rule) if isinstance(rule, Lookup) else self._plain(number, column, rule)

    def filtered(self) -> tuple[Refused, tuple[str, ...]] | None:
        """The document's `where` as a refusal over `cw$where`, and the source columns that it may mean."""
        where = self.facts.mapping(self.target).where
        if where is None:
            return None
        said = Refused(sql='"cw$where" IS NOT TRUE', code="where", sqlstate="44000", reason=f"such rows are left behind: {where.why}")
        return said, self._columns({where.sql})

    # --- a value of the row ---------------------------------------------------------------------

    @property
    def _compiler(self) -> Compiler:
        return Compiler(self.facts, self.target)

    def _plain(self, number: int, column: Column, rule: Rule) -> Written:
        bare = self._compiler.rule(rule, column)
        name = f"cw$v{number}"
        flags = {f"cw$c{number}_{i}": f"({loss.condition})" for i, loss in enumerate(bare.losses)}
        refusals = [_refused(loss, quote(flag)) for loss, flag in zip(bare.losses, flags, strict=True)]
        losses = self._losses(quote(name), bare.type, column)
        return Written(
            values={name: bare.sql, **flags},
            sql=_guarded(_typed(quote(name), bare.type, column), losses),
            reads=self._reads(rule),
            refusals=(*refusals, *losses),
            merge=_merged(rule, column),
            members=_members(rule, column),
            settled_by=self._settling(rule),
        )

    def _losses(self, value: str, have: TypeRef | None, column: Column) -> tuple[Refused, ...]:
        """What the column would cut, round or not read."""
        if have is None:
            return ()
        wanted = column.type.storage
        labels = self.facts.target.enum_labels(wanted.element.storage if wanted.element else wanted)
        found = fit(value, have, column.type, labels=labels, validates=self.facts.target.server_version >= 160000)
        return tuple(_refused(loss, loss.condition) for loss in found.losses)

    def _settling(self, rule: Rule) -> frozenset[str]:
        source = self.facts.source_table(self.target)
        named = [source.column(name) for name in rule.agree] if isinstance(rule, Agree) else []
        return frozenset(column.name for column in named if column is not None and column.not_null)

    def _reads(self, rule: Rule) -> tuple[str, ...]:
        return self._columns({*rule.expressions()}, {*rule.reads()})

    def _columns(self, texts: set[str], named: set[str] | None = None) -> tuple[str, ...]:
        """Source columns that are named, or that SQL may mean; all of them where it speaks of the row as a whole."""
        source = self.facts.source_table(self.target)
        whole = rf'\b{re.escape(source.name.relation)}\b"?(?!"?\s*\.)'
        if source.column(source.name.relation) is None and any(re.search(whole, text, re.IGNORECASE) for text in texts):
            return source.column_names
        meant = (named or set()) | {word for text in texts for word in words(text)}
        return tuple(name for name in source.column_names if name in meant)

    # --- a lookup -------------------------------------------------------------------------------

    def _lookup(self, number: int, column: Column, rule: Lookup) -> Written | Unwritten:
        parent = Motion(self.facts, self.target).looked_into(column.name)
        if parent is None:
            return Unwritten(why="no table is looked into", reads=self._reads(rule))
        take = self.facts.column("target", self.facts.target_table(parent), rule.lookup.take)
        if take.type.kind is TypeKind.ARRAY:
            return Unwritten(why=f"the lookup takes an array, {take.name}", reads=self._reads(rule))
        values: dict[str, str] = {}
        into = {parent: None}
        for i in range(len(rule.lookup.matches)):
            made = self._match(number, i, column, rule, parent)
            if isinstance(made, str):
                return Unwritten(why=made, reads=self._reads(rule))
            values.update(made[0])
            into.update(dict.fromkeys(made[1]))
        ways = [quote(f"cw$f{number}_{i}") for i in range(len(rule.lookup.matches))]
        found = ways[0] if len(ways) == 1 else f"COALESCE({', '.join(ways)})"
        kind = replace(wire_type(take.type), modifier=-1)
        taken = f"({found})[1]"
        value = taken if kind.oid == take.type.oid else to_wire(taken, take.type, have=take.type)
        losses = self._losses(value, kind, column)
        return Written(
            values=values,
            sql=_guarded(_typed(value, kind, column), losses),
            reads=self._reads(rule),
            refusals=(*_not_found(rule, found, values), *losses),
            looks_into=tuple(into),
        )

    def _match(
        self, number: int, i: int, column: Column, rule: Lookup, parent: Name
    ) -> tuple[dict[str, str], list[Name]] | str:
        """One way to find the row: its operands and what they find, at most two; or why there is no such way."""
        joins = Joins(prefix=f"{PARENT}{number}_{i}_")
        reading = Readings(self.facts, parent, PARENT, joins)
        operands: dict[str, str] = {}
        on = []
        for j, (left, operand) in enumerate(rule.lookup.matches[i].items()):
            side = self._left(reading, left)
            if isinstance(side, Absent):
                return f"{left} of {rule.lookup.table}, which the lookup matches, cannot be read back: {side.why}"
            bare = self._compiler.operand(operand, operand_place(column.name, i, left))
            operands[f"cw$o{number}_{i}_{j}"] = bare.sql
            on.append(f'{side} = "cw$o".{quote(f"cw$o{number}_{i}_{j}")}')
        given = ", ".join(f"{sql} AS {quote(name)}" for name, sql in operands.items())
        beside = "".join(f" {each.sql}" for each in joins.clauses)
        rows = (
            f'SELECT DISTINCT {quote(PARENT)}.{quote(rule.lookup.take)} AS "cw$t" FROM (SELECT {given}) AS "cw$o"'
            f" CROSS JOIN {parent.sql} AS {quote(PARENT)}{beside} WHERE {' AND '.join(on)} LIMIT 2"
        )
        found = f'(SELECT pg_catalog.array_agg("cw$x"."cw$t") FROM ({rows}) AS "cw$x")'
        tables = [each.table for each in joins.clauses if each.table is not None]
        return {**operands, f"cw$f{number}_{i}": found}, tables

    def _left(self, reading: Readings, left: str) -> str | Absent:
        """What is matched on the parent's side, over its row in the target."""
        if left.startswith("target."):
            table = self.facts.target_table(reading.target)
            return f"{quote(PARENT)}.{quote(self.facts.column('target', table, left.removeprefix('target.')).name)}"
        found = reading.of(left)
        if isinstance(found, Absent):
            return found
        return found.compare.sql if found.compare is not None and found.compare.plain else found.sql


def _refused(loss: Loss, condition: str) -> Refused:
    return Refused(sql=condition, code=loss.code, sqlstate=loss.sqlstate, reason=loss.reason)


def _not_found(rule: Lookup, found: str, values: dict[str, str]) -> Iterator[Refused]:
    """A lookup's own refusals; `null` is none."""
    table = rule.lookup.table
    given = " OR ".join(f"{quote(name)} IS NOT NULL" for name in values if name.startswith("cw$o"))
    if rule.lookup.ambiguous != "null":
        sql = f"pg_catalog.cardinality({found}) > 1"
        yield Refused(sql=sql, code="lookup.ambiguous", sqlstate="21000", reason=f"several rows of {table} match")
    if rule.lookup.missing != "null":
        sql = f"{found} IS NULL AND ({given})"
        yield Refused(sql=sql, code="lookup.missing", sqlstate="23503", reason=f"no row of {table} matches")


def _typed(value: str, have: TypeRef | None, column: Column) -> str:
    return from_wire(to_wire(value, column.type, have=have), column.type)


def _guarded(typed: str, losses: tuple[Refused, ...]) -> str:
    """A value that is refused is not cast: the server's own error would show it."""
    if not losses:
        return typed
    return f"CASE WHEN ({' OR '.join(f'({each.sql})' for each in losses)}) IS TRUE THEN NULL ELSE {typed} END"


def _merged(rule: Rule, column: Column) -> str | None:
    """A folded document keeps what else stands in it."""
    if not isinstance(rule, Fold) or column.type.storage.name != "jsonb":
        return None
    stands, new = f'"t".{quote(column.name)}', f'excluded.{quote(column.name)}'
    if rule.into is None:
        return f"CASE WHEN {_is_object(stands)} THEN {stands} || {new} ELSE {new} END"
    key, path = literal(rule.into), array_literal([rule.into])
    inside = f"CASE WHEN {_is_object(f'({stands} -> {key})')} THEN ({stands} -> {key}) || ({new} -> {key}) ELSE {new} -> {key} END"
    return f"CASE WHEN {_is_object(stands)} THEN pg_catalog.jsonb_set({stands}, {path}, {inside}) ELSE {new} END"


def _members(rule: Rule, column: Column) -> dict[str, tuple[str, ...]]:
    if not isinstance(rule, Fold) or column.type.storage.name != "jsonb":
        return {}
    return {name: (name,) if rule.into is None else (rule.into, name) for name in rule.fold}


def _is_object(value: str) -> str:
    return f"pg_catalog.jsonb_typeof({value}) = 'object'"
