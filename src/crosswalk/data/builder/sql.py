"""Fields, tests and orders as SQL. Values become parameters, names go through `quote`. Pure but for the list of parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from crosswalk.data.builder.cache import SchemaCache, as_array
from crosswalk.data.builder.grammar import Check, Column, Field, Logic, Sort, Step
from crosswalk.data.builder.plan import Child
from crosswalk.names import Name, quote

_COMPARED = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike",
    "match": "~", "imatch": "~*", "cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>",
    "adj": "-|-", "isdistinct": "IS DISTINCT FROM",
}  # fmt: skip
_SEARCHED = {
    "fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery",
}  # fmt: skip
_WORDS = re.compile(r"[^\W\d][\w$]*( [^\W\d][\w$]*)*")
_NULLS = {"nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What rendering needs: the cache, and the parameters so far."""

    cache: SchemaCache
    values: list[str | None] = field(default_factory=list)

    def bind(self, value: str | None) -> str:
        """The placeholder of a value; PostgreSQL infers its type."""
        self.values.append(value)
        return f"${len(self.values)}"


def output_name(column: Column) -> str:
    """The name of a column in the answer; a JSON path gives its last key."""
    keys = [step.key for step in column.field.steps if not step.index]
    return column.alias or (keys[-1] if keys else column.field.name)


def field_sql(asked: Field, alias: str, relation: Name | None, context: Context) -> str:
    """`relation` tells the type; anything but json becomes jsonb before a path is followed."""
    if asked.name == "*":
        return f"{quote(alias)}.*"
    column = f"{quote(alias)}.{quote(asked.name)}"
    if not asked.steps:
        return column
    known = context.cache.relations.get(relation) if relation else None
    base = known.columns[asked.name].base if known and asked.name in known.columns else ""
    root = column if base in ("json", "jsonb") else f"to_jsonb({column})"
    return root + "".join(_step(step, context) for step in asked.steps)


def _step(step: Step, context: Context) -> str:
    arrow = "->>" if step.text else "->"
    return f"{arrow}{context.bind(step.key)}" + ("::int" if step.index else "")


def cast_sql(sql: str, type_name: str) -> str:
    """A type stands as it was written while it is words (`int`, `timestamp with time zone`); quoted, those would mean others."""
    if not type_name:
        return sql
    return f"CAST({sql} AS {type_name if _WORDS.fullmatch(type_name) else quote(type_name)})"


def column_sql(column: Column, alias: str, relation: Name, context: Context, *, raw: bool = False) -> str:
    """One item of a select list; `raw` leaves an aggregate to the level above."""
    if column.field.name == "*" and (raw or not column.aggregate):
        return f"{quote(alias)}.*"
    value = "*" if column.field.name == "*" else field_sql(column.field, alias, relation, context)
    value = cast_sql(value, column.cast)
    if column.aggregate and not raw:
        return cast_sql(f"{column.aggregate}({value})", column.aggregate_cast) + named(column.alias)
    keyed = bool(column.field.steps) or bool(column.cast)
    return value + named(output_name(column) if keyed or column.alias else "")


def named(name: str) -> str:
    return f" AS {quote(name)}" if name else ""


def check_sql(
    test: Check | Logic, alias: str, relation: Name | None, context: Context, children: Sequence[Child] = ()
) -> str:
    if isinstance(test, Logic):
        parts = (check_sql(part, alias, relation, context, children) for part in test.parts)
        return f"{_not(test.negated)}({f' {test.operator.upper()} '.join(parts)})"
    child = null_embed(test, children)
    if child:
        return f"{quote(child.alias)} IS {'' if test.negated else 'NOT '}DISTINCT FROM NULL"
    return f"{_not(test.negated)}{field_sql(test.field, alias, relation, context)} {_operation(test, context)}"


def null_embed(test: Check, children: Sequence[Child]) -> Child | None:
    """The embed that `rel=is.null` speaks of."""
    if test.operator != "is" or test.value != "null" or test.field.steps:
        return None
    return next((child for child in children if child.name == test.field.name), None)


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


def _operation(test: Check, context: Context) -> str:
    if isinstance(test.value, tuple):
        return f"= ANY ({context.bind(as_array(() if test.value == ('',) else test.value))})"
    if test.operator == "is":
        return f"IS {test.value.upper()}"
    if test.operator in _SEARCHED:
        config = f"{context.bind(test.config)}, " if test.config else ""
        return f"@@ {_SEARCHED[test.operator]}({config}{context.bind(test.value)})"
    value = test.value.replace("*", "%") if test.operator in ("like", "ilike") else test.value
    placeholder = context.bind(value)
    if test.quantifier:
        placeholder = f"{test.quantifier.upper()}({placeholder})"
    return f"{_COMPARED[test.operator]} {placeholder}"


def order_sql(order: Sequence[Sort], alias: str, relation: Name | None, context: Context) -> str:
    terms = (
        field_sql(sort.field, sort.relation or alias, None if sort.relation else relation, context)
        + (f" {sort.direction.upper()}" if sort.direction else "")
        + _NULLS.get(sort.nulls, "")
        for sort in order
    )
    return f" ORDER BY {', '.join(terms)}" if order else ""


def page_sql(limit: int | None, offset: int, context: Context) -> str:
    if limit is None and not offset:
        return ""
    most = "ALL" if limit is None else context.bind(str(limit))
    return f" LIMIT {most} OFFSET {context.bind(str(offset))}"
