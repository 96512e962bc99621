"""A case: one request as a callable on a client, who asks, and its name. Pure.

The callable gets a client (the public `postgrest` one or ours, sync or async) and returns what only waits for `execute()`.
A case's name is the request that the public client would send: readable, and the same for two callables only if they ask the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from postgrest import SyncPostgrestClient

Build = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A role and what its token claims."""

    role: str = "anon"
    claims: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join((self.role, *(f"{name}={value}" for name, value in self.claims.items())))

    def __hash__(self) -> int:
        return hash(str(self))


ANON = Who()
ANN = Who(role="member", claims={"sub": "ann", "team": 7})
BOB = Who(role="member", claims={"sub": "bob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request."""

    build: Build
    who: Who = ANON
    writes: bool = False
    """Each side starts from the same contents, and the contents afterwards are compared."""
    name: str = ""


def asks(*builds: Build, who: Who = ANON) -> list[Case]:
    """Requests that only read."""
    return [Case(build=build, who=who, name=named(build, who)) for build in builds]


def changes(*builds: Build, who: Who = ANON) -> list[Case]:
    """Requests that write, or call what may write."""
    return [Case(build=build, who=who, writes=True, name=named(build, who)) for build in builds]


def by(who: Who, cases: Iterable[Case]) -> list[Case]:
    """The same requests, asked by somebody else."""
    return [Case(build=case.build, who=who, writes=case.writes, name=named(case.build, who)) for case in cases]


_RECORDER = SyncPostgrestClient("http://recorder")
"""Sends nothing: only what it would send is read."""


def named(build: Build, who: Who = ANON) -> str:
    """The request in words: method, path, parameters, preferences, body and who asks."""
    sent = build(_RECORDER).request
    shown = "&".join(f"{name}={_stable(name, value)}" for name, value in sent.params.multi_items())
    words = [
        str(sent.http_method),
        unquote(str(sent.path)).removeprefix("http://recorder") + (f"?{shown}" if shown else ""),
    ]
    words += [sent.headers[name] for name in ("accept-profile",) if sent.headers[name] != "public"]
    words += [sent.headers[name] for name in ("prefer",) if name in sent.headers]
    words += [sent.headers["accept"]] if sent.headers.get("accept", "application/json") != "application/json" else []
    words += ["maybe"] if "MaybeSingle" in type(build(_RECORDER)).__name__ else []
    words += ["strip nulls"] if sent.strip_nulls else []
    words += (
        [json.dumps(sent.json, ensure_ascii=False, default=str)]
        if sent.json not in ({}, None) or sent.http_method in {"POST", "PATCH"}
        else []
    )
    words += [f"[{who}]"] if who != ANON else []
    return " ".join(words)


def _stable(name: str, value: str) -> str:
    """The client lists the columns of a bulk insert in any order."""
    return ",".join(sorted(value.split(","))) if name == "columns" else value
