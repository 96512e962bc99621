"""Where the staging database stands, and when its rows may be used again.

One embedded server (`rest`) holds a database for each project, named by the project's URL, so that a plan finds the
same source at every pull. The server runs while a command of ours does; what was pulled stays on disk until the next
pull, or `crosswalk pg wipe rest`. The database says for whom it stands (`crosswalk.stands_for`): `connect` shows that
URL, and takes it for the source's identity.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

from crosswalk import embedded
from crosswalk.connect import STANDS_FOR, session
from crosswalk.names import literal, quote
from crosswalk.numerals import plural
from crosswalk.rest.address import Key, RestSource
from crosswalk.rest.client import Patience, open_client
from crosswalk.rest.pulling import Tell, exposed, pull

SERVER: Final = "rest"
_SETTINGS: Final = {
    # Rows that are copied into a table of the same transaction need no log then.
    "wal_level": "minimal", "max_wal_senders": "0", "max_replication_slots": "0",
    # A pull drops and makes all tables in one transaction.
    "max_locks_per_transaction": "1024",
}  # fmt: skip
Rows = Literal["new", "same", "any"]
"""Which staged rows will do: those of a new pull; those of an earlier one while the API's catalog is the same; any.

Never those that were pulled for another role: a weaker one may have seen fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A database that stands for the API."""

    url: str
    """Holds a password: it goes nowhere but into `connect`."""
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Staged(…)"


def stage(source: RestSource, *, rows: Rows = "new", tell: Tell | None = None, patience: Patience | None = None) -> Staged:
    """Have the API's rows on the staging server; starts it for as long as this process lives.

    Raises EmbeddedError, and as `pull`.
    """
    key = source.key()
    server = embedded.start(SERVER, owner_pid=os.getpid(), settings=_SETTINGS)
    url = asyncio.run(_database(server, source))
    return asyncio.run(_staged(source, key, url, rows=rows, tell=tell, patience=patience or Patience()))


def database_name(source: RestSource) -> str:
    """One for each project, whatever the parameters; people may read it in a plan."""
    place = re.sub(r"[^a-z0-9.-]+", "-", source.url.partition("://")[2])[:40]
    return f"{place}-{hashlib.sha256(source.url.encode()).hexdigest()[:8]}"


async def _database(server: embedded.Server, source: RestSource) -> str:
    """The project's database, made where it is not there yet."""
    name = database_name(source)
    async with session("source", server.url(), read_only=False, purpose="staging") as opened:
        known = await opened.fetchval("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", name, what="the databases")
        if not known:
            made = f"CREATE DATABASE {quote(name)} TEMPLATE template0 ENCODING 'UTF8'"
            await opened.execute(made, what="making the staging database")
        stands = f"ALTER DATABASE {quote(name)} SET {STANDS_FOR} = {literal(source.url)}"
        await opened.execute(stands, what="naming the staging database")
    return server.url(name)


async def _staged(
    source: RestSource, key: Key, url: str, *, rows: Rows, tell: Tell | None, patience: Patience
) -> Staged:
    noted = {} if rows == "new" else await _noted(url)
    if _same_key(noted, key) and (rows == "any" or noted.get("document") == await _document(source, key, patience)):
        what = f"{plural(int(noted['rows']), 'row')} of {plural(int(noted['tables']), 'table')}"
        said = f"{what} as they were pulled from {source.url} at {noted['at']} for {noted['role']}"
        bound = () if noted["sees_all"] else (f"row-level security may have hidden rows from {noted['role']}",)
        return Staged(url=url, notes=(said, *bound))
    pulled = await pull(source, key, url, patience=patience, tell=tell)
    said = f"pulled {plural(pulled.rows, 'row')} of {plural(len(pulled.tables), 'table')} from {pulled.url}, not in one snapshot"
    return Staged(url=url, notes=(said, *pulled.notes))


def _same_key(noted: Mapping[str, Any], key: Key) -> bool:
    """Whether the pull was made for the same role: another one may have seen other rows."""
    return (noted.get("role"), noted.get("sees_all")) == (key.role, key.sees_all)


async def _document(source: RestSource, key: Key, patience: Patience) -> str:
    async with open_client(source, key, patience) as client:
        return (await exposed(client, key)).document


async def _noted(url: str) -> dict[str, Any]:
    """What the last pull noted; empty where there was none."""
    async with session("source", url, purpose="staging") as opened:
        sql = files("crosswalk.rest").joinpath("note.sql").read_text(encoding="utf-8")
        text = await opened.fetchval(sql, what="the note of the last pull")
    return json.loads(text) if text else {}
