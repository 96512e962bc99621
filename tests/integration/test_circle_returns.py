"""A circle of rows that one refused row took out comes back whole in a resumed run, once that row fits."""

from __future__ import annotations

from collections import Counter

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit
from crosswalk.failpoints import VARIABLE
from crosswalk.mapping import read_text
from crosswalk.migration import migrate, resume
from tests.road import ALL_HAZARDS, Road, rows, run
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE team (name text PRIMARY KEY, captain text);
CREATE TABLE player (nick text PRIMARY KEY, team text NOT NULL, note text NOT NULL);
INSERT INTO team SELECT 't' || i, 'p' || i FROM generate_series(1, 20) AS i;
INSERT INTO player SELECT 'p' || i, 't' || (i % 20 + 1), CASE WHEN i = 1 THEN 'bad' ELSE 'fine' END
FROM generate_series(1, 60) AS i;
"""
TARGET = """
CREATE FUNCTION fits(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <> ''bad''';
CREATE TABLE team (id serial PRIMARY KEY, name text NOT NULL UNIQUE, captain_id int);
CREATE TABLE player (
    id serial PRIMARY KEY, nick text NOT NULL UNIQUE, team_id int NOT NULL REFERENCES team, note text CHECK (fits(note))
);
ALTER TABLE team ADD FOREIGN KEY (captain_id) REFERENCES player;
"""
DOCUMENT = """
version: 1
tables:
  team:
    from: team
    key: [name]
    rejects: quarantine
    columns:
      name: name
      captain_id: {lookup: {table: player, match: {nick: captain}, take: id, missing: "null"}}
  player:
    from: player
    key: [nick]
    rejects: quarantine
    columns:
      nick: nick
      team_id: {lookup: {table: team, match: {name: team}, take: id}}
      note: note
"""
THEIRS = "SELECT p.nick, t.name, t.captain FROM player p JOIN team t ON t.name = p.team ORDER BY 1"
OURS = """
SELECT p.nick, t.name, c.nick FROM player p JOIN team t ON t.id = p.team_id LEFT JOIN player c ON c.id = t.captain_id ORDER BY 1
"""


async def _stopped(pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> Road:
    """A move that was stopped before its last event, with all rows set aside."""
    road = Road(source=make_database(pg16), target=make_database(pg18), file=read_text(DOCUMENT))
    await run(road.source, SOURCE)
    await run(road.target, TARGET)
    monkeypatch.setenv(VARIABLE, "run.before_finish=error")
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    with pytest.raises(FailpointHit):
        await migrate(await road.plan(), road.servers, allow=ALL_HAZARDS)
    monkeypatch.delenv(VARIABLE)
    return road


async def test_a_circle_that_one_row_took_out_comes_back_whole(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await _stopped(pg16, pg18, make_database, monkeypatch)
    assert await rows(road.target, OURS) == [], "a player refused takes its team along, which takes its players along, and so on"
    await run(road.source, "UPDATE player SET note = 'fine now' WHERE nick = 'p1'")

    done = await resume(road.servers)

    assert await rows(road.target, OURS) == await rows(road.source, THEIRS)
    assert {str(t.target): (t.loaded, t.quarantined, t.balanced) for t in done.tallies} == {
        "public.team": (20, 0, True), "public.player": (60, 0, True),
    }
    verified = await road.verify()
    assert verified.clean, verified.tables


async def test_a_row_that_still_does_not_fit_keeps_its_circle_out(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await _stopped(pg16, pg18, make_database, monkeypatch)

    done = await resume(road.servers)

    assert await rows(road.target, "SELECT nick FROM player UNION ALL SELECT name FROM team") == []
    assert {str(t.target): (t.loaded, t.quarantined, t.balanced) for t in done.tallies} == {
        "public.team": (0, 20, True), "public.player": (0, 60, True),
    }
    verified = await road.verify()
    assert verified.clean, verified.tables
