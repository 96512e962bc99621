"""What a request is refused for before anything is sent: PostgREST's codes, messages, details and hints. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from crosswalk.data.failures import DataError


def unreadable(what: str, text: str, position: int, details: str) -> DataError:
    """A query parameter that the grammar does not read; `position` counts from 0."""
    return DataError(
        f'"failed to parse {what} ({text})" (line 1, column {position + 1})', code="PGRST100", details=details
    )


def bad_body(message: str) -> DataError:
    return DataError(message, code="PGRST102")


def bad_range(details: str) -> DataError:
    return DataError("Requested range not satisfiable", code="PGRST103", details=details)


def not_embedded(name: str) -> DataError:
    return DataError(
        f"'{name}' is not an embedded resource in this request",
        code="PGRST108",
        hint=f"Verify that '{name}' is included in the 'select' query parameter.",
    )


def limit_without_order() -> DataError:
    return DataError(
        "A 'limit' was applied without an explicit 'order'",
        code="PGRST109",
        hint="Apply an 'order' using unique column(s)",
    )


def more_than_limited(rows: int, limit: int) -> DataError:
    return DataError(
        "The maximum number of rows allowed to change was surpassed",
        code="PGRST110",
        details=f"Results contain {rows} rows changed but the maximum number allowed is {limit}",
    )


def put_filters() -> DataError:
    return DataError("Filters must include all and only primary key columns with 'eq' operators", code="PGRST105")


def put_limit() -> DataError:
    return DataError("limit/offset querystring parameters are not allowed for PUT", code="PGRST114")


def put_mismatch() -> DataError:
    return DataError("Payload values do not match URL in primary key column(s)", code="PGRST115")


def not_one_row(rows: int) -> DataError:
    return DataError(
        "JSON object requested, multiple (or no) rows returned",
        code="PGRST116",
        details=f"The result contains {rows} rows",
    )


def _not_to_one(origin: str, target: str) -> str:
    return f"'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship"


def order_not_to_one(origin: str, target: str) -> DataError:
    return DataError(
        f"A related order on '{target}' is not possible", code="PGRST118", details=_not_to_one(origin, target)
    )


def spread_not_to_one(origin: str, target: str) -> DataError:
    return DataError(
        f"A spread operation on '{target}' is not possible", code="PGRST119", details=_not_to_one(origin, target)
    )


def no_aggregates() -> DataError:
    return DataError("Use of aggregate functions is not allowed", code="PGRST123")


def too_many(rows: int) -> DataError:
    return DataError(
        "Query result exceeds max-affected preference constraint",
        code="PGRST124",
        details=f"The query affects {rows} rows",
    )


def no_relationship(origin: str, target: str, hint: str, schema: str) -> DataError:
    using = f" using the hint '{hint}'" if hint else ""
    return DataError(
        f"Could not find a relationship between '{origin}' and '{target}' in the schema cache",
        code="PGRST200",
        details=f"Searched for a foreign key relationship between '{origin}' and '{target}'{using} "
        f"in the schema '{schema}', but no matches were found.",
    )


def ambiguous(origin: str, target: str, found: Sequence[dict[str, str]], words: Sequence[str]) -> DataError:
    """`found` is the list that PostgREST gives as details; here its JSON."""
    quoted = ", ".join(f"'{target}!{word}'" for word in words)
    return DataError(
        f"Could not embed because more than one relationship was found for '{origin}' and '{target}'",
        code="PGRST201",
        details=json.dumps(list(found)),
        hint=f"Try changing '{target}' to one of the following: {quoted}. "
        "Find the desired relationship in the 'details' key.",
    )


def no_function(name: str, arguments: Sequence[str], *, posted: bool) -> DataError:
    given = ", ".join(arguments)
    shown = f"({given})" if given else " without parameters"
    several = "parameters" if len(arguments) > 1 else "parameter"
    searched = f" with {several} {given}" if given else " without parameters"
    unnamed = " or with a single unnamed json/jsonb parameter" if posted else ""
    return DataError(
        f"Could not find the function {name}{shown} in the schema cache",
        code="PGRST202",
        details=f"Searched for the function {name}{searched}{unnamed}, but no matches were found in the schema cache.",
    )


def ambiguous_function(candidates: Iterable[str]) -> DataError:
    return DataError(
        f"Could not choose the best candidate function between: {', '.join(candidates)}",
        code="PGRST203",
        hint="Try renaming the parameters or the function itself in the database so function overloading can be resolved",
    )


def no_column(table: str, column: str) -> DataError:
    return DataError(
        f"Column '{column}' of relation '{table}' does not exist", code="PGRST204", table=table, column=column
    )


def filterless(table: str, verb: str) -> DataError:
    return DataError(
        f"{verb} of {table} names no row: a filter is missing",
        code="21000",
        table=table,
        hint="Filter by a column, or allow whole-table writes explicitly.",
    )
