"""References whose target makes the id, into the table itself and around a circle of two tables."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from tests.road import Road
from tests.servers import MakeDatabase

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SOURCE = """
CREATE TABLE node (code text PRIMARY KEY, parent text, label text NOT NULL);
INSERT INTO node SELECT 'n' || i, CASE WHEN i > 1 THEN 'n' || (i * 7 % 500 + 1) END, 'node ' || i
FROM generate_series(1, 500) AS i;
CREATE TABLE team (name text PRIMARY KEY, captain text);
CREATE TABLE player (nick text PRIMARY KEY, team text NOT NULL);
INSERT INTO team SELECT 't' || i, 'p' || i FROM generate_series(1, 20) AS i;
INSERT INTO player SELECT 'p' || i, 't' || (i % 20 + 1) FROM generate_series(1, 60) AS i;
"""
TARGET = """
CREATE TABLE node (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE,
    parent_id bigint REFERENCES node, label varchar(40) NOT NULL
);
CREATE TABLE team (id serial PRIMARY KEY, name text NOT NULL UNIQUE, captain_id int);
CREATE TABLE player (id serial PRIMARY KEY, nick text NOT NULL UNIQUE, team_id int NOT NULL REFERENCES team);
ALTER TABLE team ADD FOREIGN KEY (captain_id) REFERENCES player;
"""
DOCUMENT = """
version: 1
tables:
  node:
    from: node
    key: [code]
    columns:
      code: code
      parent_id: {lookup: {table: node, match: {code: parent}, take: id, missing: "null"}}
      label: label
  team:
    from: team
    key: [name]
    columns:
      name: name
      captain_id: {lookup: {table: player, match: {nick: captain}, take: id, missing: "null"}}
  player:
    from: player
    key: [nick]
    columns:
      nick: nick
      team_id: {lookup: {table: team, match: {name: team}, take: id}}
"""
WRONG = """
SELECT count(*) FROM node c LEFT JOIN node p ON p.id = c.parent_id
WHERE c.code <> 'n1' AND p.code IS DISTINCT FROM 'n' || (substr(c.code, 2)::int * 7 % 500 + 1)
"""
WRONG_TEAMS = """
SELECT count(*) FROM team t LEFT JOIN player p ON p.id = t.captain_id
WHERE p.nick IS DISTINCT FROM 'p' || substr(t.name, 2)
"""


async def _run(url: str, sql: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def _value(url: str, sql: str) -> object:
    connection: Connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def _road(pg16: Server, pg18: Server, make_database: MakeDatabase) -> Road:
    source, target = make_database(pg16), make_database(pg18)
    await _run(source, SOURCE)
    await _run(target, TARGET)
    return Road(source=source, target=target, file=read_text(DOCUMENT))


async def test_references_to_rows_that_come_later_are_filled_in(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _road(pg16, pg18, make_database)
    plan = await road.plan()
    done = await road.migrate(plan)
    assert {str(t.target): (t.loaded, t.quarantined) for t in done.tallies} == {
        "public.node": (500, 0), "public.team": (20, 0), "public.player": (60, 0),
    }
    assert await _value(road.target, WRONG) == 0
    assert await _value(road.target, WRONG_TEAMS) == 0
    keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace"
    assert await _value(road.target, keys) == 3
    verified = await road.verify()
    assert verified.clean, verified.tables

    versions = "SELECT string_agg(xmin::text || ctid, ',' ORDER BY code) FROM node"
    before = await _value(road.target, versions)
    await road.migrate(plan)
    assert await _value(road.target, versions) == before


async def test_repair_brings_back_a_parent_and_its_children(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _road(pg16, pg18, make_database)
    await road.migrate()
    await _run(
        road.target,
        "UPDATE node SET parent_id = NULL WHERE parent_id = (SELECT id FROM node WHERE code = 'n8');"
        "DELETE FROM node WHERE code = 'n8';"
        "UPDATE team SET captain_id = (SELECT id FROM player WHERE nick = 'p50') WHERE name = 't3'",
    )
    found = await road.verify()
    assert not found.clean
    mended = await road.repair()
    assert mended.after is not None
    assert mended.after.clean, [(str(t.target), t.differences) for t in mended.after.tables if not t.clean]
    assert await _value(road.target, WRONG) == 0
    assert await _value(road.target, WRONG_TEAMS) == 0
