"""One small schema in four stores, for the tests of the repositories.

`LEGACY` is the schema as the application knows it; `TARGET` holds the same rows under other names and types, with a
lookup, a zone, a unit, a map and a fold between; `MAPPING` says how, and is compiled as `crosswalk compile` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from crosswalk.compiling import compile_document
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.repository import Store
from crosswalk.data.repository.rest import RestStore
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.survey import Servers
from tests.postgrest import Api, grant, jwt, serve
from tests.servers import sql

MAX_ROWS = 3
"""The API cuts its answers short on purpose."""

LEGACY = """
CREATE TABLE shops (number bigint PRIMARY KEY, title text NOT NULL);
CREATE TABLE people (
  id integer PRIMARY KEY, shop bigint NOT NULL CONSTRAINT people_shop REFERENCES shops (number), name text NOT NULL,
  phone varchar(20), balance numeric(12,2) DEFAULT 0, visits bigint NOT NULL DEFAULT 0, score double precision, ratio real,
  active boolean NOT NULL DEFAULT true, born date, opens time, seen timestamp,
  created timestamptz NOT NULL DEFAULT '2026-01-01 00:00:00+00', tags text[], sums numeric[], extra jsonb, mark uuid,
  raw bytea, span interval, seconds integer, status text DEFAULT 'active', note text,
  CONSTRAINT people_phone_key UNIQUE (shop, phone), CONSTRAINT people_visits_check CHECK (visits >= 0),
  CONSTRAINT people_late_key UNIQUE (mark) DEFERRABLE
);
CREATE UNIQUE INDEX people_part ON people (note) WHERE note = 'one of a kind';
CREATE UNIQUE INDEX people_lower ON people (lower(note)) WHERE note = 'one of a kind';
CREATE TABLE loose (a integer, b text, UNIQUE (a));
"""
TARGET = """
CREATE SCHEMA app;
CREATE TABLE app.branches (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor_no bigint NOT NULL UNIQUE, label varchar(200) NOT NULL
);
CREATE TABLE app.clients (
  id integer PRIMARY KEY, branch_id integer NOT NULL CONSTRAINT people_shop REFERENCES app.branches, full_name varchar(80) NOT NULL,
  phone varchar(20), balance numeric(14,2), visits_count integer NOT NULL CONSTRAINT people_visits_check CHECK (visits_count >= 0),
  score double precision, ratio real, is_active boolean NOT NULL DEFAULT false, born date, opens_at time, seen_at timestamptz,
  created_at timestamp NOT NULL, tags text[], sums numeric[], settings jsonb, mark uuid, raw bytea, span interval, minutes integer,
  state text, legacy jsonb, marketing text DEFAULT 'ask', CONSTRAINT people_phone_key UNIQUE (branch_id, phone)
);
"""
MAPPING = """
version: 1
ignore:
  source: {public.loose: only the stores speak of it}
tables:
  app.branches:
    from: public.shops
    key: [vendor_no]
    columns:
      id: {default: true}
      vendor_no: number
      label: title
  app.clients:
    from: public.people
    key: [id]
    columns:
      id: id
      branch_id: {lookup: {table: public.shops, match: {number: shop}, take: id, missing: fail}}
      full_name: name
      phone: phone
      balance: balance
      visits_count: visits
      score: score
      ratio: ratio
      is_active: active
      born: born
      opens_at: opens
      seen_at: {zone: Europe/Moscow, from: seen}
      created_at: {sql: "created AT TIME ZONE 'UTC'"}
      tags: tags
      sums: sums
      settings: extra
      mark: mark
      raw: raw
      span: span
      minutes: {sql: seconds / 60}
      state: {map: {active: open, past: done, gone: closed}, from: status, else: fail}
      legacy: {fold: [note], into: kept}
      marketing: {default: true}
    back:
      seconds: {sql: minutes * 60, exact: true, why: whole minutes}
      created: {sql: "created_at AT TIME ZONE 'UTC'", exact: true, why: an instant}
"""
CHECKS = {"public.people": {"people_visits_check": lambda row: row["visits"] >= 0}}
EMPTY = {"legacy": "TRUNCATE people, shops, loose", "target": "TRUNCATE app.clients, app.branches"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The two databases, the API before the legacy one, the compiled mapping."""

    legacy: str
    target: str
    api: Api
    compiled: dict[str, Any]

    @property
    def key(self) -> str:
        return jwt("service_role")


@contextmanager
def world(server: Server, prefix: str) -> Iterator[World]:
    names = {side: f"{prefix}_{side}" for side in EMPTY}
    for side, schema in (("legacy", LEGACY), ("target", TARGET)):
        sql(server, f"CREATE DATABASE {names[side]}")
        sql(server, schema, database=names[side])
    try:
        legacy, target = server.url(names["legacy"]), server.url(names["target"])
        with ThreadPoolExecutor(max_workers=1) as pool:
            compiled = pool.submit(lambda: asyncio.run(_compiled(legacy, target))).result()
        grant(server, names["legacy"])
        with serve(server, names["legacy"], max_rows=MAX_ROWS) as api:
            yield World(legacy=legacy, target=target, api=api, compiled=compiled)
    finally:
        for name in names.values():
            sql(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _compiled(legacy: str, target: str) -> dict[str, Any]:
    document = read_text(MAPPING, path="people.yaml")
    return (await compile_document(document, Servers(source=legacy, target=target))).content


@asynccontextmanager
async def stores(found: World) -> AsyncIterator[dict[str, Store]]:
    async with AsyncExitStack() as stack:
        by_sql = await stack.enter_async_context(await SqlStore.open(found.legacy))
        keys: dict[str, list[tuple[str, ...]]] = {"people": [("shop", "phone")], "loose": [("a",)]}
        yield {
            "memory": MemoryStore(by_sql.tables, checks=CHECKS),
            "sql": by_sql,
            "rest": await stack.enter_async_context(await RestStore.open(found.api.url, found.key, keys=keys)),
            "mapped": await stack.enter_async_context(await MappedStore.open(found.target, found.compiled)),
        }


def empty(found: World) -> None:
    for url, statement in ((found.legacy, EMPTY["legacy"]), (found.target, EMPTY["target"])):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())
