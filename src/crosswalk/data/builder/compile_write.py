"""INSERT, UPDATE and DELETE of a request, with what they return. Pure.

Raises PGRST204 for a column that the cache does not know, PGRST105, PGRST109 and PGRST114 as PostgREST does, and
refuses to change or delete every row of a table unless that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from crosswalk.data.builder import refusals
from crosswalk.data.builder.cached import CachedColumn, Relation
from crosswalk.data.builder.grammar import Check, Logic, Path, Query, Sort
from crosswalk.data.builder.payload import as_json, keys_of, rows_of
from crosswalk.data.builder.plan import Node
from crosswalk.data.builder.sql import Context, check_sql, order_sql, page_sql
from crosswalk.data.request import Request
from crosswalk.names import literal, quote, quote_list

Said = TypeVar("Said")
_PAIRS = 50
"""A function takes twice as many arguments at most."""


def needed(node: Node, primary: Sequence[str]) -> tuple[str, ...]:
    """The columns that a write or a call has to give back for the select over it; `*` where that cannot be told."""
    names = {column.field.name for column in node.columns}
    if "*" in names or not (node.columns or node.children) or any(child.how.function for child in node.children):
        return ("*",)
    for child in node.children:
        pairs = child.how.junction.columns if child.how.junction else child.how.columns
        names |= {own for own, _ in pairs}
    return tuple(sorted(names | set(primary)))


def returned(names: Iterable[str], alias: str) -> str:
    return ", ".join(f"{quote(alias)}.*" if name == "*" else f"{quote(alias)}.{quote(name)}" for name in names)


def write_sql(
    request: Request, query: Query, relation: Relation, node: Node, context: Context, *, filterless: bool = False
) -> str:
    """The statement of the source CTE."""
    alias = relation.name.relation
    back = returned(needed(node, relation.primary), alias) if request.returning == "representation" else "1"
    tests = [test for path, test in query.tests if not path]
    if request.method in ("POST", "PUT"):
        return f"{_insert(request, query, relation, tests, context)} RETURNING {back}"
    if not (tests or filterless or _limited(query)):
        raise refusals.filterless(str(relation.name), "UPDATE" if request.method == "PATCH" else "DELETE")
    if request.method == "DELETE":
        where = _where(query, relation, tests, context)
        return f"DELETE FROM {relation.name.sql} AS {quote(alias)}{where} RETURNING {back}"
    columns = _known(relation, keys_of(request.body, query.only))
    if not columns:
        shown = returned(needed(node, relation.primary), alias)
        return f"SELECT {shown} FROM {relation.name.sql} AS {quote(alias)} WHERE false"
    given = ", ".join(f"{quote(column.name)} = pgrst_body.{quote(column.name)}" for column in columns)
    body = _body(request, columns, context)
    where = _where(query, relation, tests, context)
    return f"UPDATE {relation.name.sql} AS {quote(alias)} SET {given} FROM {body}{where} RETURNING {back}"


def _known(relation: Relation, names: Iterable[str]) -> list[CachedColumn]:
    missing = next((name for name in names if name not in relation.columns), None)
    if missing is not None:
        raise refusals.no_column(relation.name.relation, missing)
    return [relation.columns[name] for name in names]


def _body(request: Request, columns: Sequence[CachedColumn], context: Context) -> str:
    """The rows of the body as a subquery `pgrst_body`, each column of its own type."""
    rows = rows_of(request.body)
    text = f"{context.bind(as_json(rows[:1] if request.method == 'PATCH' else rows))}"
    if not columns:
        return f"json_array_elements({text}::json) AS pgrst_body"
    typed = ", ".join(f"{quote(column.name)} {column.type}" for column in columns)
    if request.missing == "null":
        return f"json_to_recordset({text}::json) AS pgrst_body({typed})"
    defaults = [f"{literal(each.name)}, {each.default}" for each in columns if each.default is not None]
    parts = (defaults[at : at + _PAIRS] for at in range(0, len(defaults), _PAIRS))
    objects = (f"jsonb_build_object({', '.join(part)}) || " for part in parts)
    filled = f"(SELECT jsonb_agg({''.join(objects)}row) FROM jsonb_array_elements({text}::jsonb) AS row)"
    return f"jsonb_to_recordset({filled}) AS pgrst_body({typed})"


def _insert(
    request: Request, query: Query, relation: Relation, tests: Sequence[Check | Logic], context: Context
) -> str:
    columns = _known(relation, keys_of(request.body, query.only))
    names = [column.name for column in columns]
    put = request.method == "PUT"
    if put:
        _check_put(query, relation, tests)
    into = f"({quote_list(names)}) " if names else ""
    shown = quote_list(names, prefix="pgrst_body.")
    where = [check_sql(test, "pgrst_body", relation.name, context) for test in tests] if put else []
    # The order of the parameters is that of their binding, not of the text.
    body = _body(request, columns, context)
    limited = f" WHERE {' AND '.join(where)}" if where else ""
    conflict = _conflict(request, query, relation, names)
    return f"INSERT INTO {relation.name.sql} AS {quote(relation.name.relation)} {into}SELECT {shown} FROM {body}{limited}{conflict}"


def _conflict(request: Request, query: Query, relation: Relation, names: Sequence[str]) -> str:
    resolution = "merge-duplicates" if request.method == "PUT" else request.resolution
    key = relation.primary if request.method == "PUT" or query.on_conflict is None else query.on_conflict
    if resolution is None or not key:
        return ""
    if resolution == "ignore-duplicates" or not names:
        return f" ON CONFLICT ({quote_list(key)}) DO NOTHING"
    given = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in names)
    return f" ON CONFLICT ({quote_list(key)}) DO UPDATE SET {given}"


def _check_put(query: Query, relation: Relation, tests: Sequence[Check | Logic]) -> None:
    if query.limits or query.offsets:
        raise refusals.put_limit()
    plain = [test for test in tests if isinstance(test, Check) and test.operator == "eq" and not test.negated]
    if len(plain) != len(tests) or not plain or {test.field.name for test in plain} != set(relation.primary):
        raise refusals.put_filters()


def _limited(query: Query) -> bool:
    return any(not path for path, _ in (*query.limits, *query.offsets))


def _where(query: Query, relation: Relation, tests: Sequence[Check | Logic], context: Context) -> str:
    alias = relation.name.relation
    where = " AND ".join(check_sql(test, alias, relation.name, context) for test in tests)
    if not _limited(query):
        return f" WHERE {where}" if where else ""
    order: tuple[Sort, ...] = _own(query.orders, ())
    if not order:
        raise refusals.limit_without_order()
    columns = quote_list((sort.field.name for sort in order), prefix=quote(alias) + ".")
    page = page_sql(_own(query.limits, None), _own(query.offsets, 0), context)
    chosen = (
        f"SELECT {columns} FROM {relation.name.sql} AS {quote(alias)}{f' WHERE {where}' if where else ''}"
        f"{order_sql(order, alias, relation.name, context)}{page}"
    )
    return f" WHERE ({columns}) IN ({chosen})"


def _own(entries: Sequence[tuple[Path, Said]], default: Said) -> Said:
    return next((value for path, value in entries if not path), default)
