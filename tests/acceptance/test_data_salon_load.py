"""Many callers at once over the new database, whose server is restarted in the middle: no wrong answer, and nobody is lost.

Each caller reads what was asked before the load began, and must get the same answer; and writes a row of its own, which
must afterwards hold the last value that was acknowledged, or one whose write ended with an error. An error comes as an
envelope, and its name is Unavailable. When the server is back, every call succeeds.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from crosswalk import embedded
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.embedded import Server
from examples.salon.app.envelope import Envelope
from examples.salon.app.salon import SalonData
from tests.road import rows
from tests.salon_asked import READS, client, differ
from tests.salon_sides import Compiled, databases, move, salon
from tests.servers import MakeRole

FIRST = 215000000
"""The vendor's number of the first caller's client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    server: Server
    url: str = field(repr=False)
    compiled: Compiled = field(repr=False)


@pytest.fixture(scope="module")
def ground(pg16: Server, make_role: MakeRole) -> Iterator[Ground]:
    """A server of its own, which may be stopped."""
    with (
        embedded.ephemeral(version=18, fast=True) as server,
        databases(pg16, server, make_role, "data_salon_load") as (old, new),
        ThreadPoolExecutor(max_workers=1) as pool,
    ):
        compiled = pool.submit(lambda: asyncio.run(move(old, new))).result()
        yield Ground(server=server, url=new, compiled=compiled)


@dataclass(slots=True, kw_only=True)
class Load:
    """What the callers share."""

    data: SalonData
    expected: dict[tuple[str, str], Envelope]
    total: int
    marks: list[int]
    """Numbers of calls after which the server is restarted."""
    made: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, answer: Envelope) -> None:
        self.made += 1
        self.ended[answer["error"]["name"] if "error" in answer else "success"] += 1
        if self.marks and self.made >= self.marks[0]:
            self.reached.set()


@dataclass(slots=True, kw_only=True)
class Caller:
    number: int
    acknowledged: int = 0
    unsure: set[int] = field(default_factory=set)
    """Values whose write ended with an error, since the last that was acknowledged."""
    last: str = ""

    async def run(self, load: Load, calls: int) -> None:
        chance = random.Random(self.number)
        for turn in range(1, calls + 1):
            answer = await (self._write(load, turn) if turn % 3 == 0 else self._read(load, chance))
            load.count(answer)
            self.last = answer["operation"] if answer["success"] else "error"
            if not answer["success"]:
                await asyncio.sleep(0.02)

    async def _read(self, load: Load, chance: random.Random) -> Envelope:
        method, name = chance.choice([*load.expected])
        answer = await READS[method][name](load.data)
        if answer["success"] and differ(method, load.expected[method, name], answer, {}):
            load.wrong.append(f"{method} {name}")
        return answer

    async def _write(self, load: Load, value: int) -> Envelope:
        answer = await load.data.upsert_client(client(FIRST + self.number, visit_count=value))
        if answer["success"]:
            self.acknowledged, self.unsure = value, set()
            if answer["data"]["visit_count"] != value:
                load.wrong.append(f"upsert_client of {self.number}")
        else:
            self.unsure.add(value)
        return answer


def _asked() -> list[tuple[str, str]]:
    """Reads that the callers' writes do not change: not those of everybody."""
    left_out = {"search_clients_by_name", "health_check"}
    return [(method, name) for method in READS if method not in left_out for name in READS[method]]


def _restart(server: Server, *, crash: bool) -> None:
    embedded.stop(server.name, immediate=crash)
    again = embedded.start(server.name, owner_pid=os.getpid(), fast=True)
    assert again.port == server.port


async def _restarts(load: Load, server: Server, count: int) -> None:
    for number in range(count):
        await load.reached.wait()
        load.marks.pop(0)
        load.reached.clear()
        await asyncio.to_thread(_restart, server, crash=number % 2 == 0)


async def _through(ground: Ground, *, callers: int, calls: int, restarts: int) -> tuple[Load, list[Caller]]:
    async with await MappedStore.open(ground.url, ground.compiled) as store:
        data = salon(store)
        expected = {(method, name): await READS[method][name](data) for method, name in _asked()}
        total = callers * calls
        load = Load(data=data, expected=expected, total=total, marks=[total * (n + 1) // (restarts + 1) for n in range(restarts)])
        everybody = [Caller(number=number) for number in range(callers)]
        # Whoever does not finish fails the test here, by its own time-out.
        async with asyncio.timeout(600), asyncio.TaskGroup() as group:
            group.create_task(_restarts(load, ground.server, restarts))
            for caller in everybody:
                group.create_task(caller.run(load, calls))
        after = [await data.health_check(), *[await READS[m][n](data) for m, n in _asked()[:20]]]
        assert all(answer["success"] for answer in after), "the pool did not recover"
    return load, everybody


async def _require(ground: Ground, load: Load, everybody: list[Caller]) -> None:
    assert load.wrong == []
    assert (load.made, load.marks) == (load.total, [])
    assert set(load.ended) <= {"success", "Unavailable"}
    assert load.ended["success"] > load.total // 2
    sql = f"SELECT yclients_client_id, visits_count FROM clients WHERE yclients_client_id >= {FIRST}"
    held = dict(await rows(ground.url, sql))
    lost = [c.number for c in everybody if held.get(FIRST + c.number, 0) not in {c.acknowledged, *c.unsure}]
    assert lost == []


async def test_callers_outlive_a_restart(ground: Ground) -> None:
    load, everybody = await _through(ground, callers=120, calls=12, restarts=1)
    print(dict(load.ended))
    assert load.ended["success"] > load.total * 0.9
    await _require(ground, load, everybody)


@pytest.mark.drill
async def test_drill_many_callers_outlive_many_restarts(ground: Ground) -> None:
    load, everybody = await _through(ground, callers=250, calls=100, restarts=5)
    print(dict(load.ended))
    await _require(ground, load, everybody)
