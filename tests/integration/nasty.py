"""The nasty schema of `nasty.sql` as a database for one test, on each server version."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from crosswalk.embedded import Server
from crosswalk.names import Name
from tests.servers import MakeDatabase, MakeTemplate

_SQL = Path(__file__).with_name("nasty.sql")
SELECT = Name("public", "Select")
CHILD = Name("Odd.schema", "child of $1")
LONG = "very_long_name_that_has_exactly_sixty_three_bytes_in_it_so_it_i"


async def build(url: str) -> None:
    await run(url, _SQL.read_text(encoding="utf-8"))


async def run(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def nasty(server: Server, template: MakeTemplate, make_database: MakeDatabase) -> str:
    """The superuser's URL of a fresh copy."""
    return make_database(server, template(server, "nasty", build))


def public(relation: str) -> Name:
    return Name("public", relation)
