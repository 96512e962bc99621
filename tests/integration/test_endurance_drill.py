"""Many breaks at many places: the run ends by itself each time, with the content of an undisturbed one."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from crosswalk import embedded
from crosswalk.embedded import Server
from crosswalk.endurance import Patience, migrate
from crosswalk.errors import ConnectionLost, CrosswalkError, NothingToRollBack, RolledBack
from crosswalk.plan import Plan, Strategy
from crosswalk.rollback import rollback
from tests.breaking import CHUNK, QUICK, SOURCE, TARGET, Breaker, Way, fill, laid
from tests.cut import Line
from tests.road import ALL_HAZARDS, BACKUPS, connected, findings
from tests.servers import MakeDatabase, MakeTemplate

STRATEGIES: tuple[Strategy, ...] = ("transform", "recreate", "hybrid")
COUNT = "SELECT (SELECT count(*) FROM item) || ' ' || (SELECT count(*) FROM owner) || ' ' || (SELECT count(boss) FROM owner)"


class Grounds:
    """Databases to be used up, one pair a round."""

    def __init__(self, old: Server, new: Server, template: MakeTemplate, make: MakeDatabase) -> None:
        self.source = make(old, template(old, "endure_old", lambda url: fill(url, SOURCE)))
        self.empty = template(new, "endure_new", lambda url: fill(url, TARGET))
        self.make, self.new = make, new

    def target(self) -> str:
        return self.make(self.new, self.empty)


@pytest.fixture
def grounds(pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase) -> Grounds:
    return Grounds(pg16, pg18, template, make_database)


async def _walk(way: Way, plan: Plan, breaker: Breaker) -> None:
    await migrate(
        plan, way.servers, allow=ALL_HAZARDS, jobs=2, chunk_bytes=CHUNK, observer=breaker, backup=BACKUPS,
        patience=QUICK,
    )


async def _whole(way: Way) -> None:
    async with connected(way.straight.target) as target:
        assert await target.fetchval(COUNT) == "6000 300 294"
        assert await target.fetchval("SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL") == 0
        assert await target.fetchval("SELECT count(*) FROM crosswalk.quarantine") == 0
    assert not findings(await way.straight.verify())


async def _sent(grounds: Grounds, strategy: Strategy, line: str, valued: bytes) -> int:
    """How often something is sent in an undisturbed run."""
    async with laid(grounds.source, grounds.target()) as way:
        watched: Line = getattr(way, line)
        watched.valued = valued
        await _walk(way, await way.straight.plan(strategy), Breaker())
        await _whole(way)
        return watched.sent


@pytest.mark.drill
@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_answer_to_any_commit_may_be_lost(grounds: Grounds, strategy: Strategy) -> None:
    for number in range(1, await _sent(grounds, strategy, "target", b"COMMIT\x00") + 1):
        async with laid(grounds.source, grounds.target()) as way:
            plan = await way.straight.plan(strategy)
            way.target.steal = number
            try:
                await _walk(way, plan, Breaker())
            except ConnectionLost:  # before the run had begun: the user begins it
                await _walk(way, plan, Breaker())
            assert way.target.sent >= number
            await _whole(way)


@pytest.mark.drill
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("strategy", ["transform", "recreate"])
async def test_the_line_may_break_at_any_message(grounds: Grounds, strategy: Strategy, side: str) -> None:
    chance = random.Random(f"{strategy} {side}")
    messages = await _sent(grounds, strategy, side, b"")
    for number in sorted(chance.sample(range(1, messages), 25)):
        async with laid(grounds.source, grounds.target()) as way:
            plan = await way.straight.plan(strategy)
            line: Line = getattr(way, side)
            line.valued, line.steal, line.half = b"", number, number % 2 == 0
            breaker = Breaker()
            try:
                await _walk(way, plan, breaker)
            except CrosswalkError:
                if breaker.said:
                    raise
                line.tell()  # the run had not begun: its lock goes with its session, and the user begins it again
                await _walk(way, plan, breaker)
            await _whole(way)


@pytest.mark.drill
@pytest.mark.parametrize("victim", ["source", "target", "both"])
async def test_servers_may_be_killed_and_started_again(victim: str) -> None:
    """Immediate stop, as a crash: the server recovers from its log, which is written durably here."""
    with ExitStack() as stack:
        old, new = (stack.enter_context(embedded.ephemeral(version=v, fast=False)) for v in (16, 18))
        await fill(old.url(), SOURCE)
        await fill(new.url(), TARGET)
        async with laid(old.url(), new.url()) as way:
            plan = await way.straight.plan()
            for after in (2, 6, 12):
                breaker = Breaker(act=_crash(old, new, victim), after=after)
                await migrate(
                    plan, way.servers, allow=ALL_HAZARDS, jobs=2, chunk_bytes=CHUNK, observer=breaker, backup=BACKUPS,
                    patience=Patience(seconds=60, first=0.2, longest=1),
                )
                assert any("new snapshot" in text for text in breaker.said), breaker.said
                await _whole(way)
                await rollback(way.straight.target)
                async with connected(way.straight.target) as target:
                    assert await target.fetchval(COUNT) == "0 0 0"


def _crash(old: Server, new: Server, victim: str) -> Callable[[], object]:
    """In a thread, so that the product sees it happen."""
    chosen = [s for s, name in ((old, "source"), (new, "target")) if victim in {name, "both"}]

    def crash() -> None:
        for server in chosen:
            embedded.stop(server.name, immediate=True)
        for server in chosen:
            embedded.start(server.name, owner_pid=os.getpid())

    return lambda: asyncio.get_running_loop().run_in_executor(None, crash)


@pytest.mark.drill
async def test_a_rollback_whose_answer_is_lost_is_not_done_twice(grounds: Grounds) -> None:
    async with laid(grounds.source, grounds.target()) as way:
        await _walk(way, way.plan, Breaker())
        way.target.sent, way.target.steal = 0, 1
        with pytest.raises(ConnectionLost):
            await rollback(way.target.url)
        async with connected(way.straight.target) as target:
            assert await target.fetchval(COUNT) == "0 0 0"
        with pytest.raises((NothingToRollBack, RolledBack)):
            await rollback(way.target.url)
        await _walk(way, way.plan, Breaker())
        await _whole(way)


END = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'crosswalk/%' ORDER BY hashtext(pid || $1) LIMIT 1
) AS one
"""


async def _hunt(way: Way, chance: random.Random, running: asyncio.Task[None]) -> int:
    """End sessions of ours, one after the other, until three are gone or the run is over."""
    ended = 0
    while ended < 3 and not running.done():
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        async with connected(chance.choice((way.straight.source, way.straight.target))) as conn:
            ended += await conn.fetchval(END, str(chance.random()))
    return ended


@pytest.mark.drill
async def test_any_session_may_be_ended_at_any_time(grounds: Grounds) -> None:
    chance, ended = random.Random(4), 0
    for _ in range(40):
        async with laid(grounds.source, grounds.target()) as way:
            breaker = Breaker()
            running = asyncio.create_task(_walk(way, way.plan, breaker))
            ended += await _hunt(way, chance, running)
            try:
                await running
            except CrosswalkError:
                if breaker.said:
                    raise
                await _walk(way, way.plan, breaker)  # the run had not begun
            await _whole(way)
    assert ended >= 60
