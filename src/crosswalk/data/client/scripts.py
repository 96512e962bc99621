"""A request as what is sent: statements in phases within one transaction, and a judge of what comes back. Pure.

A read is one phase, COMMIT included: one round trip. A write has two: the first only opens the transaction, so that a
connection that turns out to be dead has not been given anything to do; after the second the judge sees the row, and the
transaction is committed unless it raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crosswalk.data.client.identity import Acting
from crosswalk.data.client.settings import Settings
from crosswalk.data.request import Request, Statement
from crosswalk.names import quote_list

Row = dict[str, Any]
Judge = Callable[[Sequence[Row | None]], Any]
"""Given the first row of each statement, None of one without rows. What it raises rolls back."""
_COMMIT = Statement(sql="COMMIT")
_READ = Statement(sql="BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
_WRITE = Statement(sql="BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One transaction."""

    phases: tuple[tuple[Statement, ...], ...]
    """The statements of a phase are sent together."""
    judge: Judge
    reads: bool
    needed: Callable[[], bool] | None = None
    """Of a load that one does for all: whether it is needed still. It has a connection of its own, whose refusal is told."""


def asking(
    request: Request, statement: Statement, acting: Acting, settings: Settings, judge: Callable[[Row, Any], Any]
) -> Script:
    """The request's transaction; `judge` is given the row and the value of the plan."""
    opening = _configured(_environment(request, acting, settings))
    asked = (statement, *((statement.plan,) if statement.plan else ()))

    def judged(rows: Sequence[Row | None]) -> Any:
        plan = rows[3] if statement.plan else None
        return judge(rows[2] or {}, next(iter(plan.values())) if plan else None)

    if statement.reads:
        return Script(phases=((_READ, opening, *asked, _COMMIT),), judge=judged, reads=True)
    return Script(phases=((_WRITE, opening), asked), judge=judged, reads=False)


def loading(statement: Statement, path: str, judge: Callable[[Row], Any], needed: Callable[[], bool]) -> Script:
    """Reads the schema cache, as the user who is connected."""
    opening = _configured({"search_path": path})
    phase = (_READ, opening, statement, _COMMIT)
    return Script(phases=(phase,), judge=lambda rows: judge(rows[2] or {}), reads=True, needed=needed)


def search_path(schema: str, settings: Settings) -> str:
    return quote_list(dict.fromkeys((schema, *settings.extra_search_path)))


def _environment(request: Request, acting: Acting, settings: Settings) -> dict[str, str]:
    """What PostgREST tells a transaction; the role comes last, the settings before it are made by who is connected."""
    said = {
        "search_path": search_path(request.schema, settings),
        "request.jwt.claims": acting.claims,
        "request.method": request.method,
        "request.path": f"/{'rpc/' if request.rpc else ''}{request.name}",
        "request.headers": json.dumps({name.lower(): value for name, value in settings.headers.items()}),
        "request.cookies": "{}",
    }
    if settings.timeout is not None:
        said["statement_timeout"] = str(max(1, round(settings.timeout * 1000)))
    return {**said, "role": acting.role} if acting.role is not None else said


def _configured(said: dict[str, str]) -> Statement:
    """For this transaction only; always the same text, which the server prepares once."""
    calls = ", ".join(f"set_config(${2 * n + 1}, ${2 * n + 2}, true)" for n in range(len(said)))
    return Statement(sql=f"SELECT {calls}", parameters=tuple(each for pair in said.items() for each in pair))
