"""One rule to SQL: its bare value over the source row, its type, and when it sets the row aside.

The value stands at the innermost level of a motion, where only the source row is in scope; a rule's
own conditions are said over that value once it has a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crosswalk.errors import RuleImpossible
from crosswalk.express.casts import JSONB, TEXT, type_sql, wire_type
from crosswalk.express.facts import Facts
from crosswalk.express.fit import Loss
from crosswalk.mapping import (
    Agree,
    First,
    Fold,
    MapLabels,
    Operand,
    Rule,
    Split,
    Sql,
    Take,
    Unnest,
    Value,
    Zone,
)
from crosswalk.mapping.exact import as_json
from crosswalk.names import Name, array_literal, literal, quote
from crosswalk.pg_types import DOCUMENTS
from crosswalk.schema import Column, Table, TypeKind, TypeRef

ELEMENT = '"cw$u"."cw$element"'
STEADY = frozenset({"UTC", "Etc/UTC", "GMT"})
"""Zones whose clocks never jump."""
PAIRS = 50
"""jsonb_build_object takes at most 100 arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A rule's value before any cast."""

    sql: str
    type: TypeRef | None
    """None: the server must be asked (see `Facts.types`)."""
    losses: tuple[Loss, ...] = ()
    """Conditions of the rule itself, over the source row."""


class Compiler:
    """Rules of one target table to bare values."""

    def __init__(self, facts: Facts, target: Name) -> None:
        self.facts = facts
        self.target = target
        self.source: Table = facts.source_table(target)
        self.alias = quote(self.source.name.relation)

    def column(self, name: str) -> tuple[str, Column]:
        """A source column as SQL; raises NotInSchema."""
        column = self.facts.column("source", self.source, name)
        return f"{self.alias}.{quote(name)}", column

    def operand(self, rule: Operand, column: str) -> Bare:
        """A rule that reads the source row alone."""
        match rule:
            case Take():
                sql, found = self.column(rule.column)
                return Bare(sql=sql, type=found.type)
            case Sql():
                return Bare(sql=f"({rule.sql}\n)", type=self.facts.types.get((self.target, column)))
            case Value():
                return self._value(rule, TEXT)
            case First():
                return self._first(rule, column)
            case Unnest():
                _, found = self.column(rule.unnest)
                return Bare(sql=ELEMENT, type=self._element(found, column))
            case Split():
                sql, _ = self.column(rule.split)
                part = f"pg_catalog.split_part({sql}, {literal(rule.by)}, {rule.take})"
                return Bare(sql=f"NULLIF({part}, '')", type=TEXT)

    def rule(self, rule: Rule, column: Column) -> Bare:
        """Any rule but a lookup or a default."""
        match rule:
            case Value():
                return self._value(rule, column.type)
            case MapLabels():
                return self._map(rule, column)
            case Zone():
                return self._zone(rule, column)
            case Agree():
                return self._agree(rule, column)
            case Fold():
                return self._fold(rule)
            case First() if column.type.storage.name in DOCUMENTS and self._is_jsonb(rule.first):
                return Bare(sql=f"({self.column(rule.first)[0]} -> 0)", type=JSONB)
            case Take() | Sql() | First() | Unnest() | Split():
                return self.operand(rule, column.name)
            case _:
                raise RuleImpossible(
                    table=self.target, column=column.name, reason=f"a {rule.kind} has no value of its own"
                )

    def _value(self, rule: Value, target: TypeRef) -> Bare:
        wire = wire_type(target)
        if rule.value is None:
            return Bare(sql=f"NULL::{type_sql(wire)}", type=wire)
        if isinstance(rule.value, list) and wire.kind is TypeKind.ARRAY:
            items = (None if v is None else _text(v) for v in rule.value)
            return Bare(sql=f"{array_literal(items)}::{type_sql(wire)}", type=wire)
        if isinstance(rule.value, dict | list) or wire.name in {"json", "jsonb"}:
            text = as_json(rule.value)
        else:
            text = _text(rule.value)
        return Bare(sql=f"{literal(text)}::{type_sql(wire)}", type=wire)

    def constants(self, rule: Rule, column: Column) -> list[str]:
        """SQL of the constants that a rule holds, each to be evaluated once: values, labels' results, zones."""
        values: list[object] = []
        match rule:
            case Value():
                return [self._value(rule, column.type).sql]
            case Zone():
                return [f"pg_catalog.now() AT TIME ZONE {literal(rule.zone)}"]
            case MapLabels():
                values = list(rule.map.values())
                if not isinstance(rule.else_, str):
                    values.append(rule.else_.value)
        return [self._value(Value(value=v), column.type).sql for v in values]  # type: ignore[arg-type]

    def _element(self, column: Column, name: str) -> TypeRef:
        element = column.type.storage.element
        if element is None:
            raise RuleImpossible(
                table=self.target, column=name, reason=f"the source column {column.name} is {column.type}, not an array"
            )
        return replace(element, modifier=column.type.storage.modifier)

    def _is_jsonb(self, name: str) -> bool:
        return self.column(name)[1].type.storage.name == "jsonb"

    def _first(self, rule: First, name: str) -> Bare:
        """The first element; of a jsonb list as text (into a json column it goes as it is, see `rule`)."""
        sql, found = self.column(rule.first)
        if self._is_jsonb(rule.first):
            return Bare(sql=f"({sql} ->> 0)", type=TEXT)
        element = self._element(found, name)
        return Bare(sql=f"({sql})[pg_catalog.array_lower({sql}, 1)]", type=element)

    def _map(self, rule: MapLabels, column: Column) -> Bare:
        operand = self.operand(rule.from_, column.name)
        text = f"({operand.sql})::pg_catalog.text"
        wire = wire_type(column.type)

        def result(value: object) -> str:
            return self._value(Value(value=value), column.type).sql  # type: ignore[arg-type]

        arms = [f"WHEN {text} IS NULL THEN {result(rule.map.get(None))}"]
        arms += [f"WHEN {text} = {literal(k)} THEN {result(v)}" for k, v in rule.map.items() if k is not None]
        other = "NULL"
        losses: tuple[Loss, ...] = ()
        if not isinstance(rule.else_, str):
            other = result(rule.else_.value)
        elif rule.else_ != "null":
            known = ", ".join(literal(k) for k in rule.map if k is not None) or "NULL"
            losses = (
                Loss(
                    code=f"map.{rule.else_}",
                    condition=f"{text} IS NOT NULL AND ({text} IN ({known})) IS NOT TRUE",
                    reason="the value stands in no line of the map",
                    sqlstate="22000",
                ),
            )
        return Bare(sql=f"(CASE {' '.join(arms)} ELSE {other} END)::{type_sql(wire)}", type=wire, losses=losses)

    def _zone(self, rule: Zone, column: Column) -> Bare:
        operand = self.operand(rule.from_, column.name)
        have = operand.type.storage.name if operand.type else "timestamp"
        if have not in {"timestamp", "timestamptz", "date"}:
            raise RuleImpossible(
                table=self.target,
                column=column.name,
                reason=f"a zone belongs to a timestamp, and this is {operand.type}",
            )
        clock = f"({operand.sql})" if have != "date" else f"({operand.sql})::pg_catalog.timestamp"
        gives = "timestamp" if have == "timestamptz" else "timestamptz"
        zoned = replace(
            TEXT,
            name=gives,
            display=f"timestamp with{'out' if gives == 'timestamp' else ''} time zone",
            plain=gives,
            oid=1114 if gives == "timestamp" else 1184,
            category="D",
            modifier=operand.type.storage.modifier if operand.type and have != "date" else -1,
        )
        there = f"({clock} AT TIME ZONE {literal(rule.zone)})"
        loss = Loss(
            code="zone",
            condition=f"({there} AT TIME ZONE {literal(rule.zone)}) IS DISTINCT FROM {clock}",
            reason=f"in {rule.zone} the clock never showed it, or showed it twice",
            sqlstate="22008",
        )
        return Bare(sql=there, type=zoned, losses=() if rule.zone in STEADY else (loss,))

    def _agree(self, rule: Agree, column: Column) -> Bare:
        parts = [self.column(name) for name in rule.agree]
        first = parts[0][0]
        pairs = [f"{a} <> {b}" for i, (a, _) in enumerate(parts) for b, _ in parts[i + 1 :]]
        types = {c.type.storage.oid: c.type for _, c in parts}
        kind = next(iter(types.values())) if len(types) == 1 else self.facts.types.get((self.target, column.name))
        loss = Loss(
            code="agree",
            condition=f"({' OR '.join(pairs)})",
            reason=f"{', '.join(rule.agree)} do not agree",
            sqlstate="22000",
        )
        rest = ", ".join(sql for sql, _ in parts[1:])
        return Bare(sql=f"COALESCE({first}, {rest})", type=kind, losses=(loss,))

    def _fold(self, rule: Fold) -> Bare:
        pairs = [f"{literal(name)}, {self.column(name)[0]}" for name in rule.fold]
        groups = [pairs[i : i + PAIRS] for i in range(0, len(pairs), PAIRS)]
        folded = " || ".join(f"pg_catalog.jsonb_build_object({', '.join(group)})" for group in groups)
        if rule.into is not None:
            folded = f"pg_catalog.jsonb_build_object({literal(rule.into)}, {folded})"
        return Bare(sql=f"({folded})", type=JSONB)


    def folded_bytes(self, rule: Fold) -> str:
        """What a fold's document is in a binary COPY: a version, then its text, which the target reads in any case.

        The text alone is made in half the time that the document takes here.
        """
        listed = ", ".join(f"{self.column(name)[0]} AS {quote(name)}" for name in rule.fold)
        text = f'(SELECT pg_catalog.row_to_json("cw$f") FROM (SELECT {listed}) AS "cw$f")'
        if rule.into is not None:
            text = f"pg_catalog.json_build_object({literal(rule.into)}, {text})"
        return f"(pg_catalog.decode('01', 'hex') || pg_catalog.convert_to({text}::pg_catalog.text, 'UTF8'))"


def _text(value: object) -> str:
    """A scalar of the document as PostgreSQL reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
