"""The ways out of a verdict, as edits of the document. Pure.

Offered is only what does away with the verdict: a rule that cuts, rounds or empties exactly the values that do
not fit, a filter that leaves exactly those rows behind, or the word by which the document expects them in
quarantine. Each edit says why it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from crosswalk.express import Condition, Motion
from crosswalk.express.casts import type_sql, wire_type
from crosswalk.express.fit import fit
from crosswalk.express.together import foreign_keys
from crosswalk.judge.verdict import Edit, Way
from crosswalk.mapping import Agree, Lookup, MapLabels, Sql, Take
from crosswalk.names import literal, quote
from crosswalk.pg_types import TIMES, length_limit, numeric_limits
from crosswalk.schema import Column, TypeRef

BY: Final = "chosen by `crosswalk check --apply`"
_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})


class Ways:
    """The ways out for one table's verdicts."""

    def __init__(self, motion: Motion, table: str) -> None:
        """`table` is the key of the table in the document."""
        self.motion = motion
        self.place = ("tables", table)

    def of(self, condition: Condition) -> tuple[Way, ...]:
        """For a condition that rows meet; the gentlest first."""
        return tuple({way.word: way for way in (*self._of_rule(condition), *self._aside(condition))}.values())

    def of_duplicates(self) -> tuple[Way, ...]:
        """For rows of one key under `on_duplicate: fail`."""
        if self.motion.mapping.on_duplicate != "fail":
            return ()
        edits = {word: (Edit(place=(*self.place, "on_duplicate"), value=word),) for word in ("first", "quarantine")}
        return (
            Way(word="first", sentence="the first row of each key is moved, the others merge into it", edits=edits["first"]),
            Way(word="quarantine", sentence="all but one row of each key go to quarantine", edits=edits["quarantine"]),
        )

    def of_raising(self) -> tuple[Way, ...]:
        return tuple(self._quarantine())

    # --- quarantine -----------------------------------------------------------------------------

    def _quarantine(self) -> Iterator[Way]:
        if self.motion.mapping.rejects != "quarantine":
            edit = Edit(place=(*self.place, "rejects"), value="quarantine")
            sentence = "rows of this table that do not fit are expected: they go to quarantine, with their reason"
            yield Way(word="quarantine", sentence=sentence, edits=(edit,))

    def _aside(self, condition: Condition) -> Iterator[Way]:
        edits = [edit for way in self._quarantine() for edit in way.edits]
        rule = self.motion.mapping.columns.get(condition.column or "")
        place = (*self.place, "columns", condition.column or "")
        if condition.code == "map.fail" and isinstance(rule, MapLabels):
            edits.append(Edit(place=(*place, "else"), value="quarantine"))
        if isinstance(rule, Lookup) and condition.code in {"lookup.missing", "lookup.ambiguous"}:
            word = condition.code.partition(".")[2]
            if getattr(rule.lookup, word) == "fail":
                edits.append(Edit(place=(*place, "lookup", word), value="quarantine"))
        if edits:
            yield Way(word="quarantine", sentence="these rows go to quarantine, with their reason", edits=tuple(edits))

    # --- rules ----------------------------------------------------------------------------------

    def _of_rule(self, condition: Condition) -> Iterator[Way]:
        if condition.code == "foreign_key":
            yield from self._without_parent(condition)
        name = condition.column
        rule = self.motion.mapping.columns.get(name or "")
        column = self.motion.target.column(name) if name else None
        if name is None or rule is None or column is None or condition.constraint is not None:
            return
        place = (*self.place, "columns", name)
        may_be_null = not column.not_null and name not in self.motion.mapping.key
        if isinstance(rule, MapLabels) and condition.code.startswith("map."):
            yield from self._labels(place, may_be_null=may_be_null)
        elif isinstance(rule, Lookup):
            yield from self._lookup(place, rule, condition, may_be_null=may_be_null)
        elif isinstance(rule, Agree) and condition.code == "agree":
            yield self._first_given(place, rule)
        elif isinstance(rule, Take | Sql):
            yield from self._of_value(place, rule, column, condition, may_be_null=may_be_null)

    def _labels(self, place: tuple[str, ...], *, may_be_null: bool) -> Iterator[Way]:
        if may_be_null:
            sentence = "values that stand in no line become NULL"
            yield Way(word="null", sentence=sentence, edits=(Edit(place=(*place, "else"), value="null"),))
        sentence = "values that stand in no line become the given one"
        yield Way(word="value", sentence=sentence, make=lambda text: (Edit(place=(*place, "else"), value={"value": text}),))

    def _lookup(
        self, place: tuple[str, ...], rule: Lookup, condition: Condition, *, may_be_null: bool
    ) -> Iterator[Way]:
        word = condition.code.partition(".")[2]
        if condition.code in {"lookup.missing", "lookup.ambiguous"} and may_be_null:
            sentence = "the column becomes NULL where no single row is found"
            yield Way(word="null", sentence=sentence, edits=(Edit(place=(*place, "lookup", word), value="null"),))

    def _first_given(self, place: tuple[str, ...], rule: Agree) -> Way:
        sql = f"COALESCE({', '.join(quote(c) for c in rule.agree)})"
        edit = self._new_rule(place, rule, sql, f"where they do not agree the first of {', '.join(rule.agree)} counts")
        return Way(word="first", sentence=f"the first of {', '.join(rule.agree)} that is not NULL counts", edits=(edit,))

    def _new_rule(self, place: tuple[str, ...], rule: Any, sql: str, why: str) -> Edit:
        said = f"{rule.why}; {why}" if rule.why else why
        node: dict[str, Any] = {"sql": sql, "why": f"{said} ({BY})"}
        if rule.secret:
            node["secret"] = True
        return Edit(place=place, value=node)

    # --- values ---------------------------------------------------------------------------------

    def _value(self, rule: Take | Sql, column: Column) -> tuple[str, TypeRef | None]:
        """The rule's value as SQL over the source row, and its type."""
        if isinstance(rule, Take):
            return quote(rule.column), self.motion.facts.column("source", self.motion.source, rule.column).type
        return _alone(rule.sql), self.motion.facts.types.get((self.motion.name, column.name))

    def _of_value(
        self, place: tuple[str, ...], rule: Take | Sql, column: Column, condition: Condition, *, may_be_null: bool
    ) -> Iterator[Way]:
        value, have = self._value(rule, column)
        if condition.code in {"not_null", "key.null"}:
            yield self._given(place, rule, column, value)
            yield self._filter(f"{value} IS NOT NULL", f"rows without a {column.name} are left behind")
            return
        if have is None:
            return
        if condition.code == "length" and column.type.storage.name in _TEXTS:
            limit = length_limit(column.type.storage.name, column.type.storage.modifier)
            edit = self._new_rule(place, rule, f"left({value}::text, {limit})", f"cut to {limit} characters")
            yield Way(word="truncate", sentence=f"longer values are cut to {limit} characters", edits=(edit,))
        if condition.code in {"rounded", "precision"}:
            yield from self._rounded(place, rule, column, value)
        unfit = self._unfit(value, have, column, condition)
        if unfit is None:
            return
        if may_be_null:
            sql = f"CASE WHEN ({unfit}) IS NOT TRUE THEN {value} END"
            edit = self._new_rule(place, rule, sql, f"NULL where {condition.reason}")
            yield Way(word="null", sentence="values that do not fit become NULL", edits=(edit,))
        yield self._filter(f"({unfit}) IS NOT TRUE", f"rows are left behind where of {column.name} {condition.reason}")

    def _given(self, place: tuple[str, ...], rule: Take | Sql, column: Column, value: str) -> Way:
        kind = type_sql(wire_type(column.type))

        def make(text: str) -> tuple[Edit, ...]:
            sql = f"COALESCE({value}::{kind}, {literal(text)}::{kind})"
            return (self._new_rule(place, rule, sql, "a constant where there is none"),)

        return Way(word="value", sentence="NULL becomes the given value", make=make)

    def _rounded(self, place: tuple[str, ...], rule: Take | Sql, column: Column, value: str) -> Iterator[Way]:
        kind = column.type.storage
        if kind.name in TIMES:
            edit = self._new_rule(place, rule, f"({value})::{kind.display}", f"rounded to {kind.display}")
            yield Way(word="round", sentence=f"values are rounded to {kind.display}", edits=(edit,))
            return
        limits = numeric_limits(kind.modifier) if kind.name == "numeric" else None
        digits = limits[1] if limits else 0
        edit = self._new_rule(place, rule, f"round(({value})::numeric, {digits})", f"rounded to {digits} digits")
        yield Way(word="round", sentence=f"values are rounded to {digits} digits after the point", edits=(edit,))

    def _unfit(self, value: str, have: TypeRef, column: Column, condition: Condition) -> str | None:
        """SQL that is true for a value that the condition sets aside."""
        wanted = column.type.storage
        facts = self.motion.facts
        labels = facts.target.enum_labels(wanted.element.storage if wanted.element else wanted)
        found = fit(value, have, column.type, labels=labels, validates=facts.source.server_version >= 160000)
        said = (condition.code, condition.reason)
        return next((loss.condition for loss in found.losses if (loss.code, loss.reason) == said), None)

    def _filter(self, sql: str, why: str) -> Way:
        where = self.motion.mapping.where
        node = {"sql": sql, "why": f"{why} ({BY})"}
        if where:
            node = {"sql": f"{_alone(where.sql)} AND {sql}", "why": f"{where.why}; {why} ({BY})"}
        edit = Edit(place=(*self.place, "where"), value=node)
        return Way(word="filter", sentence="these rows are left behind, and counted as filtered", edits=(edit,))

    # --- parents --------------------------------------------------------------------------------

    def _without_parent(self, condition: Condition) -> Iterator[Way]:
        """A lookup that leaves the column empty where the parent does not land."""
        each = next((f for f in foreign_keys(self.motion)[0] if f.key.name == condition.constraint), None)
        if each is None or len(each.key.columns) != 1 or not each.pairs:
            return
        name, referenced = each.key.columns[0], each.key.referenced_columns[0]
        rule, column = self.motion.mapping.columns[name], self.motion.target.column(name)
        theirs = self.motion.facts.mapping(each.parent).columns.get(referenced)
        if not isinstance(rule, Take) or not isinstance(theirs, Take) or column is None or column.not_null:
            return
        parent = self.motion.facts.mapping(each.parent)
        node: dict[str, Any] = {
            "lookup": {
                "table": parent.from_, "target": str(each.parent), "match": {theirs.column: rule.column},
                "take": referenced, "missing": "null",
            },
            "why": f"{rule.why + '; ' if rule.why else ''}NULL where the row that it refers to is not moved ({BY})",
        }
        edit = Edit(place=(*self.place, "columns", name), value=node)
        yield Way(word="null", sentence="the column becomes NULL where the row that it refers to is not moved", edits=(edit,))


def _alone(sql: str) -> str:
    """An expression in brackets of its own, behind which a comment in it cannot reach."""
    return f"({sql}\n)" if "--" in sql else f"({sql})"
