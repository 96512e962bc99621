"""A request as what is sent: statements in phases within one transaction, and a judge of what comes back. Pure.

A read is one phase, COMMIT included: one round trip. A write has two: the first only opens the transaction, so that a
connection that turns out to be dead has not been given anything to do; after the second the judge sees the row, and the
transaction is committed unless it raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from crosswalk.data.client.identity import Acting
from crosswalk.data.client.settings import Settings
from crosswalk.data.request import Request, Statement
from crosswalk.names import quote_list

Row = dict[str, Any]
Judge = Callable[[Sequence[Row | None]], Any]
"""Given the first row of each statement, None of one without rows. What it raises rolls back."""
_COMMIT = Statement(sql="COMMIT")
_OWN_ROLE = Statement(sql="RESET ROLE")
"""A function may have set the session's role; where a request takes one, that goes before it."""
_READ = Statement(sql="BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
_WRITE = Statement(sql="BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
_ISOLATION = "default_transaction_isolation"
_STRICTER = ("repeatable read", "serializable")
RoleSettings = Mapping[str, Mapping[str, str]]
"""By role, what ALTER ROLE … SET gave it. A session has them of the user who connects, not of a role that it takes."""


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
    request: Request,
    statement: Statement,
    acting: Acting,
    settings: Settings,
    judge: Callable[[Row, Any], Any],
    roles: RoleSettings,
) -> Script:
    """The request's transaction; `judge` is given the row and the value of the plan."""
    own = dict(roles.get(acting.role or "", {}))
    read, write = _begun(own.pop(_ISOLATION, ""))
    told = _configured(_environment(request, acting, settings, own))
    opening = (read if statement.reads else write, *(() if acting.role else (_OWN_ROLE,)), told)
    asked = (statement, *((statement.plan,) if statement.plan else ()))

    def judged(rows: Sequence[Row | None]) -> Any:
        answer, *further = rows[len(opening) :]
        plan = further[0] if statement.plan else None
        return judge(answer or {}, next(iter(plan.values())) if plan else None)

    phases = ((*opening, *asked, _COMMIT),) if statement.reads else (opening, asked)
    return Script(phases=phases, judge=judged, reads=statement.reads)


def _begun(isolation: str) -> tuple[Statement, Statement]:
    """How a transaction that reads and one that writes begin."""
    if isolation.lower() not in _STRICTER:
        return _READ, _WRITE
    level = f"BEGIN ISOLATION LEVEL {isolation.upper()}"
    return Statement(sql=f"{level} READ ONLY"), Statement(sql=f"{level} READ WRITE")


def loading(
    statement: Statement, judge: Callable[[Row, RoleSettings], Any], needed: Callable[[], bool]
) -> Script:
    """Reads the schema cache and the settings of roles, as the user who is connected; no name is short by a search_path."""
    text = files("crosswalk.data.client").joinpath("role_settings.sql").read_text(encoding="utf-8")
    phase = (_READ, _configured({"search_path": ""}), statement, Statement(sql=text), _COMMIT)

    def judged(rows: Sequence[Row | None]) -> Any:
        return judge(rows[2] or {}, json.loads((rows[3] or {})["settings"]))

    return Script(phases=(phase,), judge=judged, reads=True, needed=needed)


def _search_path(schema: str, settings: Settings) -> str:
    return quote_list(dict.fromkeys((schema, *settings.extra_search_path)))


def _environment(request: Request, acting: Acting, settings: Settings, own: Mapping[str, str]) -> dict[str, str]:
    """What PostgREST tells a transaction, `own` of the role; the role comes last: who is connected makes the settings."""
    said = {
        "search_path": _search_path(request.schema, settings),
        **own,
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
