"""The salon moved for real, and the application's 21 methods over each of its databases.

    rest      the legacy database through PostgREST
    sql       the legacy database itself
    settled   a copy of it, made by hand what the mapping document's words say (test_data_salon_settled.sql)
    new       the new database on another server, through the compiled mapping

`Sides.lay` walks the whole road first: rows, then `compile`. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from crosswalk.compiling import compile_document
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.rest import RestStore
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from crosswalk.mapping import read_mapping
from crosswalk.survey import Servers
from examples.salon.app.opening import REST_KEYS, TABLES, Source, over
from examples.salon.app.salon import Repositories, SalonData
from examples.salon.data import load_source, load_target
from tests.postgrest import Api, grant, serve
from tests.road import Connection, connected, gone_to, set_aside, walk
from tests.servers import MakeRole, database_of, sql

HERE: Final = Path(__file__).parent / "acceptance"
MAPPING: Final = Path(__file__).parents[1] / "examples" / "salon" / "crosswalk.yaml"
NOW: Final = datetime(2026, 1, 15, 21, 30, tzinfo=UTC)
"""Half past midnight of the 16th in Moscow."""
RELATIONS: Final = tuple(name.removeprefix("public.") for name in TABLES.values())
Compiled = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Three databases on two servers, an API, and the compiled mapping."""

    legacy: str = field(repr=False)
    settled: str = field(repr=False)
    new: str = field(repr=False)
    api: Api = field(repr=False)
    compiled: Compiled = field(repr=False)

    @asynccontextmanager
    async def rest(self) -> AsyncIterator[SalonData]:
        key = self.api.jwt("service_role")
        async with await RestStore.open(self.api.url, key, keys=REST_KEYS) as store:
            yield salon(store)

    @asynccontextmanager
    async def of(self, which: str) -> AsyncIterator[SalonData]:
        if which == "rest":
            async with self.rest() as opened:
                yield opened
        elif which == "new":
            async with await MappedStore.open(self.new, self.compiled) as store:
                yield salon(store)
        else:
            async with await SqlStore.open(getattr(self, "legacy" if which == "sql" else which)) as store:
                yield salon(store)

    def reasons(self, table: str, *, inexact: bool) -> dict[str, str]:
        """Legacy columns that cannot be equal, each with the mapping's own word; with `inexact` the normalised ones too."""
        columns: Mapping[str, Any] = self.compiled["tables"][f"public.{table}"]["columns"]
        absent = {name: column["absent"] for name, column in columns.items() if "absent" in column}
        other = {name: column["note"] for name, column in columns.items() if "read" in column and not column.get("exact")}
        return absent | (other if inexact else {})


def salon(store: Source, *, now: datetime = NOW) -> SalonData:
    return SalonData(over(store), now=lambda: now)


def changed(repositories: Repositories, **by_name: Any) -> Repositories:
    """Some of them exchanged."""
    return replace(repositories, **by_name)


@contextmanager
def databases(old: Server, new: Server, make_role: MakeRole, name: str) -> Iterator[tuple[str, str]]:
    """Two empty ones, each of a plain owner."""
    urls = []
    for server in (old, new):
        role = make_role(server)
        sql(server, f'CREATE DATABASE "{name}" OWNER "{role.name}"')
        urls.append(role.url(server, name))
    yield urls[0], urls[1]
    for server in (old, new):
        sql(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def clone(server: Server, url: str, name: str) -> str:
    """Another database with the same content and owner."""
    sql(server, f'CREATE DATABASE "{name}" TEMPLATE "{database_of(url)}" STRATEGY file_copy')
    return url.replace(f"/{database_of(url)}", f"/{name}")


@contextmanager
def served(server: Server, url: str) -> Iterator[Api]:
    grant(server, database_of(url))
    sql(server, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO service_role", database=database_of(url))
    with serve(server, database_of(url), anon=None) as api:
        yield api


async def move(source: str, target: str) -> Compiled:
    """The salon with its traffic, carried over; returns the compiled mapping."""
    async with connected(source) as conn:
        await load_source(conn, dataset="default")
        await conn.execute((HERE / "test_data_salon_traffic.sql").read_text("utf-8"))
    async with connected(target) as conn:
        await load_target(conn)
    walked = await walk(source, target, MAPPING)
    assert walked.verified.clean
    return (await compile_document(read_mapping(MAPPING), Servers(source=source, target=target))).content


async def settle(settled: str, target: str) -> None:
    """Make a copy of the legacy database what the ledger and the document's words say of it."""
    async with connected(settled) as conn, connected(target) as ledger, conn.transaction():
        await conn.execute("CREATE TEMP TABLE aside (relation text, key text)")
        await conn.execute("CREATE TEMP TABLE stands_for (relation text, key text, winner text)")
        for relation in RELATIONS:
            aside = await set_aside(ledger, f"public.{relation}")
            await conn.executemany("INSERT INTO aside VALUES ($1, $2)", [(relation, key) for key in aside])
        await conn.executemany("INSERT INTO stands_for VALUES ($1, $2, $3)", await _merged(conn, ledger))
        await conn.execute((HERE / "test_data_salon_settled.sql").read_text("utf-8"))


async def _merged(source: Connection, ledger: Connection) -> list[tuple[str, str, str]]:
    """(table, a row that did not arrive itself, the row that stands for it), by the ledger's key map."""
    by_key: dict[tuple[str, ...], list[str]] = {}
    found = []
    for relation, newest in (("clients", "updated_at"), ("dialog_contexts", "last_activity")):
        by_key.clear()
        for key, gone in (await gone_to(ledger, f"public.{relation}")).items():
            by_key.setdefault(gone, []).append(key)
        shared = {gone: keys for gone, keys in by_key.items() if len(keys) > 1}
        for keys in shared.values():
            rows = await source.fetch(
                f"SELECT id::text FROM {relation} WHERE id::text = ANY($1) ORDER BY {newest} DESC NULLS LAST, id", keys
            )
            winner, *losers = [row["id"] for row in rows]
            found += [(relation, loser, winner) for loser in losers]
    return found
