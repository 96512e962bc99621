"""A function's call as SELECT: named arguments, a single unnamed one, variadic ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crosswalk.data.builder.cached import Argument, Function
from crosswalk.data.builder.compile_write import needed, returned
from crosswalk.data.builder.grammar import Query
from crosswalk.data.builder.payload import as_json, keys_of, rows_of
from crosswalk.data.builder.plan import Node
from crosswalk.data.builder.sql import Context
from crosswalk.data.request import Request
from crosswalk.names import quote


def argument_names(request: Request, query: Query) -> tuple[str, ...]:
    """What the caller gives, by name."""
    if request.method != "POST":
        return tuple(dict.fromkeys(name for name, _ in query.arguments))
    return keys_of({} if request.body is None else request.body, query.only)


def call_sql(request: Request, query: Query, function: Function, node: Node, context: Context) -> str:
    """The statement of the source CTE: its rows are those of the function, a scalar as `pgrst_scalar`."""
    given, source = _given(request, query, function, context)
    called = f"{function.name.sql}({given})"
    if not function.composite:
        return f"SELECT pgrst_call.pgrst_scalar FROM {source}LATERAL (SELECT {called} AS pgrst_scalar) AS pgrst_call"
    return f"SELECT {returned(needed(node, ()), 'pgrst_call')} FROM {source}LATERAL {called} AS pgrst_call"


def _given(request: Request, query: Query, function: Function, context: Context) -> tuple[str, str]:
    """The arguments, and what FROM needs before the call."""
    if len(function.arguments) == 1 and not function.arguments[0].name:
        return f"{context.bind(as_json(request.body))}::{function.arguments[0].type}", ""
    names = set(argument_names(request, query))
    given = [argument for argument in function.arguments if argument.name in names]
    if not given:
        return "", ""
    typed = ", ".join(f"{quote(argument.name)} {argument.type}" for argument in given)
    values = _first(request.body) if request.method == "POST" else _texts(given, query.arguments)
    record = f"json_to_record({context.bind(as_json(values))}::json) AS pgrst_body({typed}), "
    return ", ".join(_named(argument, f"pgrst_body.{quote(argument.name)}") for argument in given), record


def _first(body: Any) -> Mapping[str, Any]:
    rows = rows_of(body)
    return rows[0] if rows else {}


def _texts(arguments: Sequence[Argument], given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """The parameters of a query as texts; a variadic one is given once for each element."""
    found = {name: [text for key, text in given if key == name] for name, _ in given}
    return {each.name: found[each.name] if each.variadic else found[each.name][-1] for each in arguments}


def _named(argument: Argument, value: str) -> str:
    return f"{'VARIADIC ' if argument.variadic else ''}{quote(argument.name)} := {value}"
