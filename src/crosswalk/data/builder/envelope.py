"""The statement around the rows: the body as PostgreSQL writes it, and the counts. Pure."""

from __future__ import annotations

from crosswalk.data.builder.cached import Function
from crosswalk.data.request import Request

_CSV = (
    "(SELECT coalesce(string_agg(k, ','), '') FROM (SELECT json_object_keys(r) AS k FROM ("
    "SELECT row_to_json(h.*) AS r FROM pgrst_source AS h LIMIT 1) AS s) AS a)"
    " || E'\\n' || coalesce(string_agg(substring((_t.*)::text, 2, length((_t.*)::text) - 2), E'\\n'), '')"
)


def envelope(source: str, rows: str, *, counting: str = "", count: str, body: str) -> str:
    """`source` is the CTE that reads, writes or calls; `rows` selects from it; `counting` is a further CTE."""
    further = f", pgrst_count AS ({counting})" if counting else ""
    return (
        f"WITH pgrst_source AS ({source}){further} "
        f"SELECT {body} AS body, count(*) AS page_total, {count} FROM ({rows}) AS _t"
    )


def body_sql(request: Request, function: Function | None = None) -> str:
    """The answer's text; NULL where none is asked for."""
    if request.method == "HEAD" or (function is not None and function.void):
        return "NULL::text"
    if request.shape == "csv":
        return _CSV
    scalar = function is not None and not function.composite
    one = request.shape == "object" or (function is not None and not function.set)
    rows = f"json_agg(_t.{'pgrst_scalar' if scalar else '*'})"
    # A set of one was asked for: its first element; a set otherwise.
    rows = f"{rows}->0" if one else rows
    if request.strip_nulls:
        rows = f"json_strip_nulls({rows})"
    return f"coalesce({rows}, '{'null' if one else '[]'}')::text"
