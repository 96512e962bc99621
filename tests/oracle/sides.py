"""The world of the oracle (two equal databases behind one server, a PostgREST before the first) and the sides that are asked.

A side runs a case and gives its Outcome, whatever happens. The databases are filled by the same SQL in the same order, so that rows
without an order come alike as far as PostgreSQL's plans are alike.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import psycopg
from httpx import Client, Limits
from postgrest.exceptions import APIError as TheirError

from crosswalk.data.client import APIError, create_async_client, create_client
from crosswalk.embedded import Server
from postgrest import SyncPostgrestClient
from tests.oracle.asked import ANON, Case, Who
from tests.oracle.outcome import Outcome, answered, broken, refused
from tests.postgrest import Api, make_roles, serve
from tests.servers import sql

SCHEMAS = ("public", "archive")
HERE = Path(__file__).parent
SCHEMA, RESTORE, CONTENTS = (HERE.joinpath(f"{name}.sql").read_text() for name in ("schema", "restore", "contents"))
FILLED = {found[1]: found[0] for found in re.finditer(r"^-- (\S+|\"[^\"]+\")\n(?:INSERT[^;]*;)?", RESTORE, re.M)}
"""By written table, what fills it."""
REFERRED = {"tags_of": {"items", "categories"}, "items": {"categories"}, "pages": {"diaries"}}
"""What has to be emptied together with what it refers to."""
THEIRS, OURS = "oracle_theirs", "oracle_ours"
_LOGIN = "authenticator"
OF_MEMBER = (
    "timezone = 'Asia/Tokyo'", "intervalstyle = 'iso_8601'", "statement_timeout = '70s'",
    "default_transaction_isolation = 'repeatable read'", "log_min_duration_statement = 5000",
)  # fmt: skip
"""Settings of a role, which each request of it has to follow; the last one only a superuser may make."""
SETTINGS: dict[str, Any] = {
    "schemas": SCHEMAS,
    "extra_search_path": ("public",),
    "allow_filterless": True,
    "max_size": 2,
}
"""Of our clients, where PostgREST's are its defaults: an update or delete of a whole table is refused unless allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Both databases, ready."""

    server: Server
    api: Api
    login: str
    """URL of our database for the role that PostgREST logs in by."""


@contextmanager
def world(server: Server) -> Iterator[World]:
    """Made for the block and dropped after it."""
    password = make_roles(server)
    member = "CREATE ROLE member NOLOGIN"
    sql(server, f"DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'member') THEN {member}; END IF; END$$",
        f"GRANT member TO {_LOGIN}",
        *(f"ALTER ROLE member SET {said}" for said in OF_MEMBER), f"CREATE DATABASE {THEIRS} TEMPLATE template0")  # fmt: skip
    try:
        sql(server, f"ALTER DATABASE {THEIRS} SET timezone TO 'UTC'")
        sql(server, SCHEMA, RESTORE, "ANALYZE", database=THEIRS)
        sql(server, f"CREATE DATABASE {OURS} TEMPLATE {THEIRS}", f"ALTER DATABASE {OURS} SET timezone TO 'UTC'")
        with serve(server, THEIRS, schemas=SCHEMAS, max_rows=None, settings={"db-aggregates-enabled": "true"}) as api:
            yield World(server=server, api=api, login=server.url(OURS, user=_LOGIN, password=password))
    finally:
        sql(
            server,
            *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in (OURS, THEIRS)),
            "DROP ROLE IF EXISTS member",
        )


class Side(Protocol):
    """Who answers."""

    def run(self, case: Case) -> Outcome: ...


class Theirs:
    """PostgREST behind the public client; a client for each who asks."""

    def __init__(self, api: Api) -> None:
        self._api = api
        # A connection that PostgREST has closed for idleness is not asked.
        self._session = Client(base_url=api.url, timeout=60, limits=Limits(keepalive_expiry=3))
        self._clients: dict[Who, SyncPostgrestClient] = {}

    def run(self, case: Case) -> Outcome:
        client = self._clients.setdefault(case.who, self._client(case.who))
        try:
            return answered(case.build(client).execute())
        except TheirError as error:
            return refused(error)

    def _client(self, who: Who) -> SyncPostgrestClient:
        headers = {} if who == ANON else {"Authorization": f"Bearer {self._api.jwt(who.role, **who.claims)}"}
        return SyncPostgrestClient(self._api.url, headers=headers, http_client=self._session)

    def close(self) -> None:
        self._session.close()


class OursSync:
    """Our client, synchronous: one pool, a view of it for each who asks."""

    def __init__(self, login: str) -> None:
        self._client = create_client(login, **SETTINGS)

    def run(self, case: Case) -> Outcome:
        client = self._client.acting_as(role=case.who.role, claims=case.who.claims)
        try:
            return answered(case.build(client).execute())
        except APIError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 - whatever comes of ours is an outcome
            return broken(error)

    def close(self) -> None:
        self._client.close()


class OursAsync:
    """Our client, asynchronous, on an event loop of its own."""

    def __init__(self, login: str) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(create_async_client(login, **SETTINGS))

    def run(self, case: Case) -> Outcome:
        return self._runner.run(self._asked(case))

    async def _asked(self, case: Case) -> Outcome:
        client = self._client.acting_as(role=case.who.role, claims=case.who.claims)
        try:
            return answered(await case.build(client).execute())
        except APIError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 - whatever comes of ours is an outcome
            return broken(error)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@dataclass(slots=True, kw_only=True)
class Tables:
    """The written tables of one database: as they were before each writing case, read after it."""

    connection: psycopg.Connection[Any]
    _fresh: dict[str, str] = field(default_factory=dict)
    _now: dict[str, str] = field(default_factory=dict)

    def around(self, case: Case, run: Callable[[Case], Outcome]) -> Outcome:
        """The case's outcome, with the contents that it left."""
        if not case.writes:
            return run(case)
        self._restore()
        outcome = run(case)
        self._now = self._contents()
        return replace(outcome, contents="\n".join(line for table in self._now.values() for line in table.splitlines()))

    def _restore(self) -> None:
        """TRUNCATE is slow, DELETE would leave holes that change the order of rows: only what changed is emptied."""
        changed = {table for table in FILLED if not self._fresh or self._now[table] != self._fresh[table]}
        changed |= {table for table, others in REFERRED.items() if changed & others}
        if changed:
            emptied = ", ".join(table for table in FILLED if table in changed)
            filled = [
                f"TRUNCATE {emptied} RESTART IDENTITY",
                *(FILLED[table] for table in FILLED if table in changed and FILLED[table]),
            ]
            self.connection.execute("; ".join(filled))
        self._fresh = self._fresh or self._contents()

    def _contents(self) -> dict[str, str]:
        return dict(self.connection.execute(CONTENTS).fetchall())


@contextmanager
def tables(server: Server, database: str) -> Iterator[Tables]:
    """The superuser's way to the written tables."""
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        yield Tables(connection=connection)
