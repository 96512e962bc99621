"""A request and the schema cache become one statement, as PostgREST 12.0.2 would have it. Pure; nothing is sent.

What cannot be answered raises DataError with PostgREST's code (PGRST100 … PGRST204); a relation or column that does not exist in
a read is left to the server, whose error is 42P01 or 42703.
"""

from __future__ import annotations

from dataclasses import replace

from crosswalk.data.builder import choosing
from crosswalk.data.builder.cache import SchemaCache
from crosswalk.data.builder.compile_call import argument_names, call_sql
from crosswalk.data.builder.compile_read import count_sql, select_sql
from crosswalk.data.builder.compile_write import write_sql
from crosswalk.data.builder.envelope import body_sql, envelope
from crosswalk.data.builder.grammar import Query
from crosswalk.data.builder.plan import Node, Planning, plan
from crosswalk.data.builder.reading import read_query
from crosswalk.data.builder.sql import Context
from crosswalk.data.failures import DataError, NotSupported, TableMissing
from crosswalk.data.request import Request, Statement
from crosswalk.errors import BadName
from crosswalk.names import Name, quote

_SOURCE = "pgrst_source"
_MOST_PARAMETERS = 65_535
"""Of one statement, in the server's protocol."""


def compile(
    request: Request,
    cache: SchemaCache,
    *,
    filterless: bool = False,
    max_rows: int | None = None,
    aggregates: bool = True,
) -> Statement:
    """One statement for the request.

    `filterless` allows PATCH and DELETE of a whole table; `max_rows` cuts every page, those of embedded resources too,
    as PostgREST's db-max-rows does; `aggregates` as its db-aggregates-enabled (off there unless configured).

    Raises DataError with PostgREST's code: PGRST100 … PGRST204; TableMissing for a write to what is not there.
    """
    planning = Planning(cache=cache, max_rows=max_rows, aggregates=aggregates)
    try:
        made = _compiled(request, planning, filterless=filterless)
    except BadName as why:
        raise DataError(str(why), code="42601") from why
    except RecursionError as why:
        raise NotSupported("the request is nested too deeply") from why
    if len(made.parameters) > _MOST_PARAMETERS:
        raise NotSupported(f"the request holds more than {_MOST_PARAMETERS} values: give many in one list, or ask in parts")
    return made


def _compiled(request: Request, planning: Planning, *, filterless: bool) -> Statement:
    query = read_query(request.params, calls=request.rpc and request.method != "POST")
    if request.rpc:
        return _call(request, query, planning)
    if request.method in ("GET", "HEAD"):
        return _read(request, query, planning)
    return _write(request, query, replace(planning, max_rows=None), filterless=filterless)


def _read(request: Request, query: Query, planning: Planning) -> Statement:
    context = Context(cache=planning.cache)
    name = Name(request.schema, request.name)
    node = plan(query, name, planning)
    source = f"{name.sql} AS {quote(node.alias)}"
    rows = select_sql(node, context, source=source)
    counting, count = _counting(request, node, context, source, planning)
    sql = envelope(rows, f"SELECT * FROM {_SOURCE}", counting=counting, count=count, body=body_sql(request))
    explained = _explained(request, node, planning, source)
    return Statement(sql=sql, parameters=tuple(context.values), plan=explained)


def _counting(request: Request, node: Node, context: Context, source: str, planning: Planning) -> tuple[str, str]:
    """The CTE that counts, and the columns that say it. An estimate is exact up to one row more than a page may hold."""
    if request.count not in ("exact", "estimated"):
        return "", "NULL::bigint AS count"
    counting = count_sql(node, context, source=source)
    count = "(SELECT count(*) FROM pgrst_count)"
    if request.count == "exact":
        return counting, f"{count} AS count"
    if planning.max_rows is None:
        return counting, f"{count} AS count, true AS capped"
    return f"{counting} LIMIT {planning.max_rows + 1}", f"{count} AS count, {count} > {planning.max_rows} AS capped"


def _explained(request: Request, node: Node, planning: Planning, source: str) -> Statement | None:
    if request.count not in ("planned", "estimated"):
        return None
    context = Context(cache=planning.cache)
    sql = f"EXPLAIN (FORMAT JSON) {count_sql(node, context, source=source)}"
    return Statement(sql=sql, parameters=tuple(context.values))


def _call(request: Request, query: Query, planning: Planning) -> Statement:
    context = Context(cache=planning.cache)
    name = Name(request.schema, request.name)
    posted = request.method == "POST"
    function = choosing.function(planning.cache, name, argument_names(request, query), posted=posted)
    relation = Name(name.schema, function.result.relation) if function.composite else name
    node = plan(query, relation, planning)
    called = call_sql(request, query, function, node, context)
    source = f"{_SOURCE} AS {quote(node.alias)}"
    rows = select_sql(node, context, source=source)
    counting = count_sql(node, context, source=source) if request.count else ""
    count = "(SELECT count(*) FROM pgrst_count) AS count" if request.count else "NULL::bigint AS count"
    sql = envelope(called, rows, counting=counting, count=count, body=body_sql(request, function))
    return Statement(sql=sql, parameters=tuple(context.values), reads=not (posted and function.volatile))


def _write(request: Request, query: Query, planning: Planning, *, filterless: bool) -> Statement:
    context = Context(cache=planning.cache)
    name = Name(request.schema, request.name)
    relation = planning.cache.relations.get(name)
    if relation is None:
        raise TableMissing(f'relation "{name.schema}.{name.relation}" does not exist', table=name.relation)
    node = plan(_embedded_only(query), name, planning)
    source = write_sql(request, query, relation, node, context, filterless=filterless)
    full = request.returning == "representation"
    rows = select_sql(node, context, source=f"{_SOURCE} AS {quote(node.alias)}") if full else f"SELECT 1 FROM {_SOURCE}"
    count = f"{'count(*)' if request.count else 'NULL::bigint'} AS count"
    sql = envelope(source, rows, count=count, body=body_sql(request) if full else "NULL::text")
    return Statement(sql=sql, parameters=tuple(context.values), reads=False)


def _embedded_only(query: Query) -> Query:
    """What is said of embeds: the rows written are chosen by the write, and come back as they are, unsorted."""
    tests = tuple(entry for entry in query.tests if entry[0])
    return replace(query, tests=tests, orders=(), limits=(), offsets=())
