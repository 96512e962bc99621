"""Real servers for tests: one of each version for the session, a cloned database for each test.

`pg15`, `pg16`, `pg18` start at their first use and go with the test process, however it ends.
`template` builds a database once a session, `make_database` clones one for a test and drops it.
`make_role` makes a role that is no superuser, to own templates and clones. Everything here is
synchronous and may be called from async tests as well.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import secrets
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from crosswalk import embedded
from crosswalk.embedded import Server

_numbers = itertools.count(1)

Build = Callable[[str], Awaitable[object] | object]
"""Fills a database, given its URL; may be a coroutine function. It closes its connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A login role without any special attribute."""

    name: str
    password: str

    def url(self, server: Server, database: str) -> str:
        return server.url(database, user=self.name, password=self.password)


class MakeDatabase(Protocol):
    def __call__(self, server: Server, template: str | None = None, *, owner: Role | None = None) -> str: ...


class MakeTemplate(Protocol):
    def __call__(self, server: Server, name: str, build: Build, *, owner: Role | None = None) -> str: ...


class MakeRole(Protocol):
    def __call__(self, server: Server, attributes: str = "") -> Role: ...


def sql(server: Server, *statements: str, database: str = "postgres") -> str:
    """Run statements as the superuser, each in its own transaction; returns what psql prints, unaligned."""
    arguments = [argument for statement in statements for argument in ("-c", statement)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [server.bindir / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments],
        env={**environment, **server.environment(database)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.rstrip("\n")


def database_of(url: str) -> str:
    """The database that a URL names: with it `server.url(database_of(url))` is the superuser's way in."""
    return urlsplit(url).path.lstrip("/")


@pytest.fixture(scope="session")
def pg16() -> Iterator[Server]:
    with embedded.ephemeral(version=16, fast=True) as server:
        yield server


@pytest.fixture(scope="session")
def pg18() -> Iterator[Server]:
    with embedded.ephemeral(version=18, fast=True) as server:
        yield server


@pytest.fixture(scope="session")
def pg15() -> Iterator[Server]:
    """A server from the machine's own PostgreSQL 15; tests that ask for it are skipped elsewhere."""
    found = sorted(Path("/usr/lib/postgresql").glob("15/bin/postgres"))
    if not found:
        pytest.skip("this machine has no PostgreSQL 15")
    with embedded.ephemeral(bindir=found[0].parent, fast=True) as server:
        yield server


@pytest.fixture(scope="session")
def make_role() -> MakeRole:
    """`make_role(server)`: a new plain role; `attributes` are words of CREATE ROLE."""

    def make(server: Server, attributes: str = "") -> Role:
        role = Role(name=f"role_{next(_numbers)}", password=secrets.token_hex(8))
        sql(server, f"CREATE ROLE {role.name} LOGIN PASSWORD '{role.password}' {attributes}")
        return role

    return make


@pytest.fixture(scope="session")
def template() -> MakeTemplate:
    """`template(server, name, build)`: the database `name`, built at the first call of the session.

    Returns the name, for `make_database`. With `owner` it is built by that role and belongs to it.
    """
    built: set[tuple[Path, str]] = set()

    def make(server: Server, name: str, build: Build, *, owner: Role | None = None) -> str:
        if (server.data, name) not in built:
            _create(server, name, None, owner)
            _call(build, owner.url(server, name) if owner else server.url(name))
            sql(server, f'ALTER DATABASE "{name}" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false')
            built.add((server.data, name))
        return name

    return make


@pytest.fixture
def make_database() -> Iterator[MakeDatabase]:
    """`make_database(server, template=None, owner=None)`: the URL of a database for one test."""
    made: list[tuple[Server, str]] = []

    def make(server: Server, template: str | None = None, *, owner: Role | None = None) -> str:
        name = f"test_{next(_numbers)}"
        _create(server, name, template, owner)
        made.append((server, name))
        return owner.url(server, name) if owner else server.url(name)

    yield make
    for server, name in made:
        sql(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _create(server: Server, name: str, template: str | None, owner: Role | None) -> None:
    # Copying files takes about half the time of writing the copy through the WAL.
    parts = [f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}" STRATEGY file_copy']
    if owner:
        parts.append(f'OWNER "{owner.name}"')
    sql(server, " ".join(parts))


def _call(build: Build, url: str) -> None:
    """Run the callback in a thread, where a coroutine may have a loop also when the test has one."""

    async def finish(result: Awaitable[object]) -> None:
        await result

    def run() -> None:
        result = build(url)
        if inspect.isawaitable(result):
            asyncio.run(finish(result))

    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(run).result()
