"""The demonstration's two servers, its databases, and a plain owner without superuser."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from crosswalk import embedded
from crosswalk.demo.example import Example
from crosswalk.embedded import Server
from crosswalk.names import literal, quote
from crosswalk.survey import Servers

OLD: Final = 16
NEW: Final = 18
OWNER: Final = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two databases, filled, and the URLs by which their plain owner reaches them."""

    old: Server
    new: Server
    servers: Servers
    names: tuple[str, str]
    """Names of the two servers, for `crosswalk pg`."""


@contextmanager
def two_servers(*, keep: bool) -> Iterator[tuple[Server, Server]]:
    """An old and a new PostgreSQL; gone at the end (also after a crash) unless they are to be kept."""
    if not keep:
        with embedded.ephemeral(version=OLD) as old, embedded.ephemeral(version=NEW) as new:
            yield old, new
        return
    mark = secrets.token_hex(3)
    yield (
        embedded.start(f"demo-old-{mark}", version=OLD, fast=True),
        embedded.start(f"demo-new-{mark}", version=NEW, fast=True),
    )


async def _owned(server: Server, database: str) -> str:
    """A database with an owner who is nobody else; returns the owner's URL."""
    password = secrets.token_urlsafe(16)
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE ROLE {quote(OWNER)} LOGIN PASSWORD {literal(password)}")
        await connection.execute(f"CREATE DATABASE {quote(database)} OWNER {quote(OWNER)}")
    finally:
        await connection.close()
    return server.url(database, OWNER, password)


async def build(old: Server, new: Server, example: Example, *, rows: int | None) -> Stage:
    """Make both databases and fill them."""
    urls = await _owned(old, "old"), await _owned(new, "new")
    source = await asyncpg.connect(urls[0])
    try:
        await example.load_source(source, dataset="default", rows=rows)
    finally:
        await source.close()
    target = await asyncpg.connect(urls[1])
    try:
        await example.load_target(target, dataset="default")
    finally:
        await target.close()
    return Stage(old=old, new=new, servers=Servers(source=urls[0], target=urls[1]), names=(old.name, new.name))
