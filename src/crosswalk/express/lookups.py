"""Lookups: the id of a row in another mapped table, found by its natural key.

A lookup joins the parent's own motion, so that it finds only rows that land, and finds the winner
where the parent's rows merge. Where the parent's column is fed from its row the value is known on the
source and travels; where the target makes it, the parent's key travels and `load` resolves it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from crosswalk.errors import RuleImpossible
from crosswalk.express.casts import to_wire, type_sql, wire_type
from crosswalk.express.facts import EVERYTHING, Moment, Selection
from crosswalk.express.parts import Join, Reference, Wire
from crosswalk.express.shape import Shape
from crosswalk.mapping import Default, Lookup
from crosswalk.names import Name, parse, quote, quote_list
from crosswalk.schema import Column, Table, TypeKind, TypeRef

REJECT = '"cw$reject"'


class Lookups(Shape, ABC):
    """A shape whose lookups are compiled."""

    def _parent(self, child: Table, column: Column, rule: Lookup) -> Name:
        """The target table that a lookup means; raises RuleImpossible where that is none or might be several."""
        name = self.facts.table("source", parse(rule.lookup.table)).name
        parents = self.facts.document.targets_of(name)
        if rule.lookup.target is not None:
            parents = tuple(p for p in parents if p == parse(rule.lookup.target))
        holding = [p for p in parents if self.facts.target_table(p).column(rule.lookup.take)]
        if len(holding) > 1:
            referenced = {key.references for key in child.foreign_keys if key.columns == (column.name,)}
            holding = [p for p in holding if p in referenced] or holding
        if len(holding) == 1:
            return holding[0]
        if holding:
            choices = " or ".join(f"`target: {p}`" for p in holding)
            reason = f"{name} feeds {len(holding)} tables that have a column {rule.lookup.take}: write {choices} beside `table`"
        elif rule.lookup.target is not None and not parents:
            reason = f"{name} does not feed {rule.lookup.target}"
        elif not parents:
            reason = f"{name} is not the source of any mapped table"
        else:
            reason = f"no table that {name} feeds has a column {rule.lookup.take}"
        raise RuleImpossible(table=child.name, column=column.name, reason=reason)

    def _reference(
        self, parent: Name, take: str, prefix: str, *, asked: str, seen: tuple[tuple[Name, str], ...] = ()
    ) -> Wire | Reference:
        """What travels for a column of the parent: its value, or the key by which the target finds it.

        `asked` is the column of ours that wants it. Raises RuleImpossible where the parent's row could not be found.
        """
        self._require_findable(parent, take, asked, seen)
        seen = (*seen, (parent, take))
        column = self.facts.column("target", self.facts.target_table(parent), take)
        mapping = self.facts.mapping(parent)
        rule = mapping.columns.get(take)
        if rule is None or isinstance(rule, Default):
            parts = (self._reference(parent, k, f"{prefix}_{i}", asked=asked, seen=seen) for i, k in enumerate(mapping.key))
            return Reference(parent=parent, take=take, parts=tuple(zip(mapping.key, parts, strict=True)))
        if isinstance(rule, Lookup):
            upper = self._parent(self.facts.target_table(parent), column, rule)
            inner = self._reference(upper, rule.lookup.take, prefix, asked=asked, seen=seen)
            if isinstance(inner, Reference):
                return inner
        return Wire(name=prefix, type=column.type)

    def _require_findable(self, parent: Name, take: str, asked: str, seen: tuple[tuple[Name, str], ...]) -> None:
        """Raises RuleImpossible where no rule gives a column of the parent a value and no key tells its rows apart."""
        mapping = self.facts.mapping(parent)
        rule = mapping.columns.get(take)
        if (parent, take) in seen:
            reason = f"{parent}.{take} is found by a lookup that leads back to it: feed it, or name a `key` of {parent} that is fed"
        elif (rule is None or isinstance(rule, Default)) and not mapping.key:
            reason = (
                f"no rule feeds {parent}.{take}, and {parent} names no key by which the target could find the row:"
                f" write a rule for {take}, or name a `key` of {parent}"
            )
        else:
            return
        raise RuleImpossible(table=self.name, column=asked, reason=reason)

    def _lookup(self, number: int, column: Column, rule: Lookup) -> Wire | Reference:
        parent = self._parent(self.target, column, rule)
        via = self._reference(parent, rule.lookup.take, f"cw$f{number}", asked=column.name)
        cut = parent in self.outer
        aliases: list[str] = []
        operands: list[str] = []
        for i, match in enumerate(rule.lookup.matches):
            alias = quote(f"cw$l{number}_{i}")
            on = []
            for j, (left, operand) in enumerate(match.items()):
                bare = self._compiler.operand(operand, operand_place(column.name, i, left))
                name = quote(f"cw$o{number}_{i}_{j}")
                self._rows.append(f"{bare.sql} AS {name}")
                operands.append(name)
                on.append(f'{alias}."cw$m{j}" = "cw$row".{name}')
            if not cut:
                self._joins.append(
                    Join(
                        alias=alias,
                        parent=parent,
                        take=rule.lookup.take,
                        lefts=tuple(match),
                        on=" AND ".join(on),
                        column=column.name,
                        operands=tuple(operands[-len(match) :]),
                    )
                )
                aliases.append(alias)
        wires = (via,) if isinstance(via, Wire) else tuple(via.wires())
        for k, wire in enumerate(wires):
            self._joined.append(f"{_first_found(aliases, f'cw$t{k}', wire)} AS {quote(f'cw$w{number}_{k}')}")
        counts = ", ".join(f'{alias}."cw$n"' for alias in aliases)
        self._joined.append(f"{f'COALESCE({counts}, 0)' if aliases else '0'} AS {quote(f'cw$n{number}')}")
        if not cut:
            self._lookup_conditions(number, column, rule, operands)
        return self._land(number, column, via, wires, self._parent_type(parent, rule.lookup.take), cut=cut)

    def _parent_type(self, parent: Name, take: str) -> TypeRef:
        column = self.facts.column("target", self.facts.target_table(parent), take)
        return replace(wire_type(column.type), modifier=-1)

    def _land(
        self, number: int, column: Column, via: Wire | Reference, wires: tuple[Wire, ...], have: TypeRef, *, cut: bool
    ) -> Wire | Reference:
        """Put what was found under the names that travel."""
        if isinstance(via, Wire):
            value = quote(f"cw$w{number}_0")
            if not cut:
                self._column_conditions(value, have, column)
            self._mapped.append(f"{to_wire(value, column.type, have=have)} AS {quote(column.name)}")
            return Wire(name=column.name, type=column.type)
        for k, wire in enumerate(wires):
            self._mapped.append(f"{to_wire(quote(f'cw$w{number}_{k}'), wire.type)} AS {quote(wire.name)}")
        if column.not_null and not cut:
            self._condition(
                code="not_null",
                sql=f"{quote(wires[0].name)} IS NULL",
                reason="no row is referred to and the column is NOT NULL",
                sqlstate="23502",
                column=column.name,
            )
        return via

    def _lookup_conditions(self, number: int, column: Column, rule: Lookup, operands: list[str]) -> None:
        policy = {"quarantine": None, "fail": "fail"}
        count = quote(f"cw$n{number}")
        given = " OR ".join(f"{name} IS NOT NULL" for name in operands)
        table = rule.lookup.table
        if rule.lookup.ambiguous != "null":
            self._condition(
                code="lookup.ambiguous",
                sql=f"{count} > 1",
                reason=f"several rows of {table} match",
                sqlstate="21000",
                column=column.name,
                policy=policy[rule.lookup.ambiguous],
            )
        if rule.lookup.missing != "null":
            self._condition(
                code="lookup.missing",
                sql=f"{count} = 0 AND ({given})",
                reason=f"no row of {table} matches",
                sqlstate="23503",
                column=column.name,
                policy=policy[rule.lookup.missing],
            )

    def _found_by(self, join: Join, moment: Moment) -> str:
        """The parent's rows as a lookup sees them: match columns, what is taken, how many differ."""
        inner = type(self)(self.facts, join.parent, outer=(*self.outer, self.name))
        mapped = [left.startswith("target.") for left in join.lefts]
        matched = [quote(f"cw$m{j}") for j in range(len(join.lefts))]
        extra = tuple(
            f"{inner.source_column(left)} AS {quote(f'cw$s{j}')}" for j, left in enumerate(join.lefts) if not mapped[j]
        )
        values = [
            f"{inner.wire_of(left.removeprefix('target.')) if mapped[j] else quote(f'cw$s{j}')} AS {matched[j]}"
            for j, left in enumerate(join.lefts)
        ]
        taken = inner.taken(join.take)
        names = [quote(f"cw$t{k}") for k in range(len(taken))]
        if moment.of(join.parent):
            window = f"OVER (PARTITION BY {quote_list(inner.key_names())} ORDER BY {inner.preference()})"
            taken = [f"pg_catalog.first_value({value}) {window}" for value in taken]
        values += [f"{value} AS {name}" for value, name in zip(taken, names, strict=True)]
        judged = inner.judged(EVERYTHING, moment, extra=extra)
        rows = f'SELECT {", ".join(values)} FROM ({judged}) AS "cw$parent" WHERE {REJECT} = 0'
        sources = {left for left in join.lefts if not left.startswith("target.")}
        if not inner.unnests and any(set(k) <= sources for k in inner.source_keys):
            return f'SELECT *, 1 AS "cw$n" FROM ({rows}) AS "cw$p"'
        kinds = inner.taken_types(join.take)
        firsts = ", ".join(f"{_any_of(name, kind)} AS {name}" for name, kind in zip(names, kinds, strict=True))
        by = ", ".join(matched)
        # Two steps that both hash, where count(DISTINCT …) would sort. A value that is NULL was found all the same.
        different = f'SELECT DISTINCT {by}, {", ".join(names)} FROM ({rows}) AS "cw$p"'
        return f'SELECT {by}, {firsts}, count(*) AS "cw$n" FROM ({different}) AS "cw$d" GROUP BY {by}'

    def lookups(self, moment: Moment) -> list[tuple[Name, str]]:
        """The tables that this one looks into, each with the rows that it sees there."""
        return [(join.parent, self._found_by(join, moment)) for join in self._joins]

    def looked_into(self, name: str) -> Name | None:
        """The mapped table that a column's lookup means; None where no lookup feeds it."""
        rule = self.mapping.columns.get(name)
        column = self.facts.column("target", self.target, name)
        return self._parent(self.target, column, rule) if isinstance(rule, Lookup) else None

    def source_column(self, name: str) -> str:
        """A source column as SQL at the level `row`."""
        return self._compiler.column(name)[0]

    def wire_of(self, column: str) -> str:
        """A target column as SQL at the level `mapped`; raises RuleImpossible where no single value feeds it."""
        fed = next((f for f in self.fed if f.column.name == column), None)
        if fed is None or not isinstance(fed.via, Wire):
            raise RuleImpossible(
                table=self.name, column=column, reason="a lookup matches it, but no rule gives it a value here"
            )
        return quote(fed.via.name)

    def taken(self, take: str) -> list[str]:
        """What a lookup takes from this motion's `mapped` level: a column, or the key that finds the row."""
        return [quote(w.name) for w in self._taken(take)]

    def taken_types(self, take: str) -> list[TypeRef]:
        """The types of what a lookup takes, as it travels."""
        return [wire_type(w.type) for w in self._taken(take)]

    def _taken(self, take: str) -> list[Wire]:
        fed = next((f for f in self.fed if f.column.name == take), None)
        return [w for f in ([fed] if fed is not None else self.key_fed()) for w in f.wires]

    @abstractmethod
    def judged(self, selection: Selection, moment: Moment, *, extra: tuple[str, ...] = ()) -> str:
        """The rows with `cw$reject` (see `relation`)."""


def _any_of(name: str, kind: TypeRef) -> str:
    """One of a group's values; an array goes by its text, since array_agg of arrays is one array of more dimensions."""
    if kind.kind is not TypeKind.ARRAY:
        return f"(pg_catalog.array_agg({name}))[1]"
    return f"((pg_catalog.array_agg({name}::pg_catalog.text))[1])::{type_sql(kind)}"


def _first_found(aliases: list[str], name: str, wire: Wire) -> str:
    if not aliases:
        return f"NULL::{type_sql(wire_type(wire.type))}"
    if len(aliases) == 1:
        return f"{aliases[0]}.{quote(name)}"
    arms = " ".join(f'WHEN {a}."cw$n" IS NOT NULL THEN {a}.{quote(name)}' for a in aliases)
    return f"CASE {arms} END"


def operand_place(column: str, match: int, left: str) -> str:
    """The name under which a lookup operand's type stands in `Facts.types`."""
    return f"{column}#{match}.{left}"
