"""The board on a real run: what it gathers from files, ledger and catalogs, stage by stage."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crosswalk.board import Board, Facts, look, weigh
from crosswalk.embedded import Server
from crosswalk.ledger import LOCK
from crosswalk.mapping import read_mapping
from crosswalk.planfile import write_plans
from crosswalk.planning import make_plans
from tests.road import Road, connected, lay
from tests.servers import MakeDatabase, MakeRole

SOURCE = """
CREATE TABLE people (id int PRIMARY KEY, name text);
INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob'), (3, NULL);
"""
TARGET = """
CREATE TABLE persons (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE sessions (id int PRIMARY KEY, state jsonb);
INSERT INTO sessions VALUES (1, '{}');
"""
MAPPING = """\
version: 1
tables:
  persons:
    from: people
    key: [id]
    rejects: quarantine
    columns:
      id: id
      name: name
preserve:
  sessions: live
"""


class Place:
    """A directory with a document and a plan, and two databases."""

    def __init__(self, road: Road, directory: Path) -> None:
        self.road = road
        self.document, self.plan = directory / "crosswalk.yaml", directory / "crosswalk-plan.json"

    async def facts(self, *, source: bool = True) -> Facts:
        named = self.road.source if source else None
        return await look(named, self.road.target, document=self.document, plan=self.plan)

    async def board(self) -> Board:
        return weigh(await self.facts())


def states(board: Board) -> list[str]:
    return [phase.state.value for phase in board.phases]


@pytest.fixture
async def place(
    tmp_path: Path, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> Place:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), MAPPING)
    return Place(road, tmp_path)


async def test_the_board_follows_a_project_from_nothing_to_a_way_back(place: Place) -> None:
    road = place.road
    assert (await place.board()).next == "crosswalk match"
    place.document.write_text(MAPPING.replace("preserve:\n  sessions: live\n", ""))
    board = await place.board()
    assert [b.gate for b in board.blockers] == ["tables"]
    assert "public.sessions" in board.blockers[0].what
    place.document.write_text(MAPPING)
    assert states(await place.board()) == ["done", "open", "open", "not begun", "not begun", "not begun"]

    plans = (await make_plans(read_mapping(place.document), road.servers, sample=False)).file
    write_plans(place.plan, plans)
    assert states(await place.board()) == ["done", "done", "done", "open", "not begun", "not begun"]
    unseen = weigh(await place.facts(source=False))
    assert (unseen.gate("plan").state, unseen.gate("plan").detail) == ("unknown", "no source was named")
    write_plans(place.plan, plans.decide("transform", who="Ann", why="it stays"))
    board = await place.board()
    assert states(board) == ["done", "done", "done", "done", "open", "not begun"]
    assert (board.decision.who if board.decision else "") == "Ann"

    async with connected(road.target) as conn:
        await conn.execute("ALTER TABLE persons ADD COLUMN age int")
        drifted = await place.board()
        await conn.execute("ALTER TABLE persons DROP COLUMN age")
    assert {b.gate for b in drifted.blockers} >= {"plan"}
    assert drifted.phase("migrate").state == "blocked"

    await road.migrate(plans.decide("transform", who="Ann", why="it stays").chosen())
    board = await place.board()
    assert (states(board)[-2:], board.next) == (["done", "open"], "crosswalk verify")
    assert board.gate("quarantine").detail == "1 row in quarantine"
    assert board.gate("backup").state == "not needed"
    assert (await road.verify()).clean
    board = await place.board()
    assert (states(board), board.blockers) == (["done"] * 6, ())

    async with connected(road.target) as conn:
        await conn.execute("UPDATE persons SET name = 'Eve' WHERE id = 1")
    assert not (await road.verify()).clean
    board = await place.board()
    assert (board.phase("verify").state, board.next) == ("blocked", "crosswalk repair")
    await road.repair()
    assert states(await place.board()) == ["done"] * 6


async def test_a_run_that_goes_on_is_told_from_one_that_was_killed(place: Place) -> None:
    await place.road.migrate()
    async with connected(place.road.target) as conn:
        await conn.execute("INSERT INTO crosswalk.event (run_id, kind, name) VALUES (1, 'state', 'copying')")
        assert (await place.board()).next == "crosswalk resume"
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        board = await place.board()
    assert (board.next, board.phase("migrate").detail) == ("crosswalk status", "run 1 goes on at this moment")


async def test_what_does_not_answer_is_said(place: Place) -> None:
    place.document.write_text(MAPPING)
    for elsewhere, code in (("@127.0.0.1:1/", "CannotConnect"), ("@127.0.0.1:99999/", "BadConnectionSetting")):
        gone = replace(place.road, source=re.sub(r"@127\.0\.0\.1:\d+/", elsewhere, place.road.source))
        found = await Place(gone, place.document.parent).facts()
        assert found.unread is not None
        assert found.unread.code == code
    board = weigh(found)
    assert board.gate("tables").state == "unknown"
    assert board.next == f"crosswalk plan {place.document}"
    place.plan.write_text("{}")
    assert weigh(await place.facts()).phase("plan").state == "blocked"
