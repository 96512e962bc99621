"""More than two hundred blows: kill -9 of the process, ends of its sessions, crashes of either server. Nothing is lost or doubled.

Each world is moved again and again until its share of the blows is dealt; each move ends with the content of an
undisturbed one. The sequence follows from a seed, which is printed: CROSSWALK_DRILL_SEED repeats it (moments depend on
the machine all the same; blows that fall at a failpoint do not). CROSSWALK_DRILL_BLOWS says how many of each world.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from crosswalk import embedded
from crosswalk.planfile import PlanFile
from crosswalk.rollback import rollback
from tests.havoc import Arena, Blow, Measured, Ride
from tests.road import Road, connected, decision, findings, rows
from tests.servers import MakeDatabase, MakeTemplate
from tests.standing import same, standing
from tests.worlds import HASH, ODD, ODD_CHANGES, ODD_QUERIES, ODD_TRUTH, WORLDS, Content, World, differing

SEED = os.environ.get("CROSSWALK_DRILL_SEED", "2026")
BLOWS = int(os.environ.get("CROSSWALK_DRILL_BLOWS", "30"))
A_RIDE = (3, 8)
"""Blows in one move, at least and at most."""


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with embedded.ephemeral(version=16, fast=True) as old, embedded.ephemeral(version=18, fast=True) as new:
        yield Arena(old, new)


class Ground:
    """Makes rides through a world, and knows what must come of them."""

    def __init__(self, world: World, arena: Arena, template: MakeTemplate, make: MakeDatabase, path: Path) -> None:
        self.world, self.arena, self.make, self.path = world, arena, make, path
        self.source = make(arena.sides["source"], template(arena.sides["source"], f"{world.name} old", world.old))
        self.empty = template(arena.sides["target"], f"{world.name} new", world.new)

    def ride(self, chance: random.Random, source: str = "") -> tuple[Road, Ride]:
        target = self.make(self.arena.sides["target"], self.empty)
        road = Road(source=source or self.source, target=target, file=self.world.file)
        plan = asyncio.run(road.plan(self.world.strategy))
        file = PlanFile(plans={plan.strategy: plan}, costs=(), decision=decision(plan.strategy))
        path = self.path / target.rpartition("/")[2]
        path.mkdir()
        (path / "plan.json").write_text(file.dump(), encoding="utf-8")
        return road, Ride(arena=self.arena, source=road.source, target=target, plan=path / "plan.json", chance=chance)

    def undisturbed(self) -> tuple[Measured, Content]:
        road, ride = self.ride(random.Random(SEED))
        measured = ride.quietly(self.path / "places")
        return measured, self.content(road)

    def content(self, road: Road) -> Content:
        return asyncio.run(self.world.content(self.arena.sides["target"], road.target))


def _require_whole(ground: Ground, road: Road, ride: Ride, expected: Content, *, verified: bool) -> None:
    assert not differing(expected, ground.content(road)), "\n".join([*differing(expected, ground.content(road)), ride.told()])
    if verified:
        assert not findings(asyncio.run(road.verify())), ride.told()


_KNOWN: dict[str, tuple[Measured, Content]] = {}


def _undisturbed(ground: Ground) -> tuple[Measured, Content]:
    """Measured once a session."""
    if ground.world.name not in _KNOWN:
        _KNOWN[ground.world.name] = ground.undisturbed()
    return _KNOWN[ground.world.name]


def _havoc(ground: Ground, blows: int, seed: str, *, each: tuple[int, int] = A_RIDE) -> list[Blow]:
    """Rides until so many blows are dealt; returns them."""
    measured, expected = _undisturbed(ground)
    dealt: list[Blow] = []
    rides = 0
    while len(dealt) < blows:
        chance = random.Random(f"{seed} {ground.world.name} {rides}")
        road, ride = ground.ride(chance)
        server = ground.arena.sides["target"]
        back = rides % 4 == 1
        before = asyncio.run(standing(server, road.target)) if back else []
        dealt += ride.go(measured.blows(chance, min(chance.randint(*each), blows - len(dealt))), seconds=measured.seconds)
        print(f"{ground.world.name}, ride {rides}: {'; '.join(ride.story)}")
        _require_whole(ground, road, ride, expected, verified=rides % 3 == 0)
        if back:
            asyncio.run(rollback(road.target))
            same(before, asyncio.run(standing(server, road.target)))
        rides += 1
    return dealt


@pytest.mark.drill
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_drill_blows_at_random(
    world: World, arena: Arena, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    print(f"CROSSWALK_DRILL_SEED={SEED}")
    ground = Ground(world, arena, template, make_database, tmp_path)
    dealt = _havoc(ground, BLOWS, SEED)
    print(f"{world.name}: {len(dealt)} blows survived")


ON_THE_WAY = (
    "run.begun", "claim.before_commit", "statistics.taken", "keys.before_restore", "keys.after_restore", "orphans.before_commit",
)
"""Places of a move that other tests do not trip by a kill."""
GOING_ON = {
    "chunks.forgotten": "chunk.after_commit", "clashes.before_commit": "chunk.after_commit",
    "reconcile.compared": "chunk.after_commit", "repair.before_commit": "table.done", "references.forgotten": "table.done",
    "reconcile.deleted": "run.before_finish",
}
"""Places of a resumption, by the place where the run was killed before."""


def _kills(name: str) -> list[Blow]:
    if name == "snapshot.renewed":
        ended = Blow(number=0, kind="source session", place="chunk.opened", passage=3, purpose="copy #")
        return [ended, Blow(number=1, kind="kill", place=name)]
    before = GOING_ON.get(name, "")
    first = Blow(number=0, kind="kill", place=before, passage=1 if before.startswith("run") else 2)
    return [*([first] if before else []), Blow(number=1, kind="kill", place=name)]


class Writer(threading.Thread):
    """An application at work on the source, which outlives the source's crashes."""

    def __init__(self, url: str, seed: str) -> None:
        super().__init__(daemon=True)
        self.url, self.chance, self.over, self.written = url, random.Random(seed), threading.Event(), 0

    def run(self) -> None:
        asyncio.run(self._write())

    async def _write(self) -> None:
        while not self.over.is_set():
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with connected(self.url) as conn:
                    while not self.over.is_set():
                        n, m = (self.chance.randint(1, 8000) for _ in range(2))
                        await conn.execute(self.chance.choice(ODD_CHANGES).format(n=n, m=m))
                        self.written += 1
                        await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)

    def finish(self) -> None:
        self.over.set()
        self.join(30)


@pytest.mark.drill
def test_drill_blows_while_the_source_is_written(
    arena: Arena, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Writing ends after the kill before the finish: what is resumed then ends as the source is."""
    print(f"CROSSWALK_DRILL_SEED={SEED}")
    ground = Ground(ODD, arena, template, make_database, tmp_path)
    measured, _ = _undisturbed(ground)
    dealt = rides = 0
    while dealt < BLOWS:
        chance = random.Random(f"{SEED} written {rides}")
        old = arena.sides["source"]
        road, ride = ground.ride(chance, make_database(old, template(old, "odd old", ODD.old)))
        writer = Writer(road.source, f"{SEED} {rides}")
        last = Blow(number=99, kind="kill", place="run.before_finish")
        ride.between = partial(_finish_after, writer, ride, str(last))
        writer.start()
        dealt += len(ride.go([*measured.blows(chance, chance.randint(*A_RIDE)), last], seconds=2 * measured.seconds))
        print(f"written, ride {rides}: {writer.written} changes; {'; '.join(ride.story)}")
        assert writer.over.is_set(), ride.told()
        asyncio.run(_require_the_truth(road, ride))
        rides += 1


def _finish_after(writer: Writer, ride: Ride, last: str) -> None:
    if last in ride.story:
        writer.finish()


async def _require_the_truth(road: Road, ride: Ride) -> None:
    for table, query in ODD_QUERIES.items():
        truth = await rows(road.source, HASH.format(lines=ODD_TRUTH[table]))
        assert await rows(road.target, HASH.format(lines=query)) == truth, f"{table}\n{ride.told()}"
    assert not findings(await road.verify()), ride.told()


@pytest.mark.drill
@pytest.mark.parametrize("name", [*ON_THE_WAY, *GOING_ON, "snapshot.renewed"])
def test_drill_a_kill_at(
    name: str, arena: Arena, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    ground = Ground(ODD, arena, template, make_database, tmp_path)
    measured, expected = _undisturbed(ground)
    blows = _kills(name)
    road, ride = ground.ride(random.Random(name))
    ride.jobs = 1 if name == "snapshot.renewed" else 2  # so that the session that ends is the one at work
    assert ride.go(blows, seconds=measured.seconds) == blows, ride.told()
    _require_whole(ground, road, ride, expected, verified=True)


def test_a_few_blows(arena: Arena, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path) -> None:
    """The everyday form."""
    ground = Ground(ODD, arena, template, make_database, tmp_path)
    assert len(_havoc(ground, 4, "everyday", each=(4, 4))) == 4
