"""Ctrl-C against lines that do not answer: the command ends soon, says so, and `crosswalk resume` goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crosswalk.embedded import Server
from crosswalk.planfile import PlanFile, write_plans
from tests.breaking import SOURCE, TARGET, Way, fill, laid
from tests.road import connected
from tests.servers import MakeDatabase, MakeTemplate

PACE = 250_000
"""Bytes a second: slow enough to be in the middle of something."""
LANDED = "SELECT to_regclass('crosswalk.chunk') IS NOT NULL"


@pytest.fixture
async def way(pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase) -> AsyncIterator[Way]:
    source = make_database(pg16, template(pg16, "endure_old", lambda url: fill(url, SOURCE)))
    target = make_database(pg18, template(pg18, "endure_new", lambda url: fill(url, TARGET)))
    async with laid(source, target) as found:
        yield found


async def start(way: Way, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crosswalk", *arguments,
        env={**os.environ, "CROSSWALK_SOURCE": way.source.url, "CROSSWALK_TARGET": way.target.url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def _migrating(way: Way, folder: Path) -> asyncio.subprocess.Process:
    """A move in the middle of its rows."""
    path = folder / "plan.json"
    bare = way.plan.model_copy(update={"decision": None})
    write_plans(path, PlanFile(plans={"transform": bare}, costs=(), decision=way.plan.decision))
    way.target.pace = PACE
    allow = [word for hazard in way.plan.hazards for word in ("--allow", hazard.value)]
    process = await start(way, "migrate", str(path), *allow)
    async with connected(way.straight.target) as target:
        while not (await target.fetchval(LANDED) and await target.fetchval("SELECT count(*) FROM crosswalk.chunk")):
            assert process.returncode is None, await process.communicate()
            await asyncio.sleep(0.02)
    return process


async def _hear(process: asyncio.subprocess.Process, words: str) -> str:
    """Read stderr until the words come."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = await process.stderr.readline()
        assert line, said
        said += line.decode()
    return said


async def _resumed(way: Way) -> None:
    way.target.pace = 0
    way.target.open()
    way.target.flow()
    process = await start(way, "resume")
    out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    async with connected(way.straight.target) as target:
        assert await target.fetchval("SELECT count(*) FROM item") == 6000
        assert await target.fetchval("SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL") == 0


async def test_ctrl_c_while_a_server_is_waited_for(way: Way, tmp_path: Path) -> None:
    process = await _migrating(way, tmp_path)
    way.target.close()
    await _hear(process, "tried again")
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 130, err
    assert b"crosswalk resume" in err
    await _resumed(way)


@pytest.mark.drill
async def test_ctrl_c_twice_on_a_dead_line(way: Way, tmp_path: Path) -> None:
    process = await _migrating(way, tmp_path)
    way.target.stall()
    process.send_signal(signal.SIGINT)
    await _hear(process, "press again")
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 130, err
    assert b"could not be noted" in err
    way.target.cut()
    await _resumed(way)
