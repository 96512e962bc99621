"""How a session is opened, the same for both shells; never repeats a URL, which may hold a password."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Protocol, Self
from weakref import WeakSet

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from crosswalk.data.client.settings import Settings
from crosswalk.data.failures import Misconfigured

PREPARED_AFTER = 5
"""Times that a statement is sent before the server keeps it prepared."""


class Door(Protocol):
    """A shell's."""

    _pool: Any

    def begin(self) -> None: ...


_DOORS: WeakSet[Door] = WeakSet()
_ABANDONED: list[Any] = []
"""Pools of a parent process: collected here, they would wait for threads that the child does not have."""


def follow_forks(door: Door) -> None:
    """A child opens connections of its own: on its parent's, one would read what is meant for the other."""
    _DOORS.add(door)


def _forked() -> None:
    for door in tuple(_DOORS):
        _ABANDONED.append(door._pool)
        door.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class First:
    """Keeps the first of the errors that an aborted pipeline raises one after another, instead of logging the others."""

    error: psycopg.Error | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, psycopg.Error):
            return False
        self.error = self.error or error
        return True


def parameters(settings: Settings) -> dict[str, Any]:
    """What psycopg.connect is given. Raises Misconfigured where the URL is not one of PostgreSQL."""
    try:
        said = conninfo_to_dict(settings.url)
    except psycopg.ProgrammingError:
        raise Misconfigured("the URL is not one of PostgreSQL; it looks like postgresql://user@host:5432/database") from None
    if _torn(str(said.get("host") or ""), str(said.get("port") or "")):
        raise Misconfigured(
            "the URL's host or port is none; signs such as / and @ in a password are written %2F and %40 there"
        )
    return {
        "application_name": "crosswalk", "connect_timeout": settings.connect_timeout, **said, "client_encoding": "utf8",
        "autocommit": True, "row_factory": dict_row,
        "prepare_threshold": None if settings.transaction_pooler else PREPARED_AFTER,
    }  # fmt: skip


def _torn(hosts: str, ports: str) -> bool:
    """A password's own / or @ tears it: errors would name its end as a host or port. (@ may begin a socket's name.)"""
    numbered = all(each.isdecimal() for each in ports.split(",") if each)
    return not numbered or any("@" in each[1:] for each in hosts.split(","))


def pooled(settings: Settings) -> dict[str, Any]:
    """What a pool is given besides."""
    return {
        "min_size": settings.min_size, "max_size": settings.max_size, "timeout": settings.pool_timeout,
        "open": False, "name": "crosswalk",
    }  # fmt: skip
