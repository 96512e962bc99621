"""Two hundred blows: kill -9 of the process, ends of its sessions, crashes of either server. Nothing is lost or doubled.

Each world is moved again and again until its share of the blows is dealt; each move ends with the content of an
undisturbed one. The sequence follows from a seed, which is printed: CROSSWALK_DRILL_SEED repeats it (moments depend on
the machine all the same; blows that fall at a failpoint do not). CROSSWALK_DRILL_BLOWS says how many of each world.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from crosswalk import embedded
from crosswalk.planfile import PlanFile
from crosswalk.rollback import rollback
from tests.havoc import Arena, Blow, Measured, Ride
from tests.road import Road, decision, findings
from tests.servers import MakeDatabase, MakeTemplate
from tests.standing import same, standing
from tests.worlds import ODD, WORLDS, Content, World, differing

SEED = os.environ.get("CROSSWALK_DRILL_SEED", "2026")
BLOWS = int(os.environ.get("CROSSWALK_DRILL_BLOWS", "34"))
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


def _havoc(ground: Ground, blows: int, seed: str, *, each: tuple[int, int] = A_RIDE) -> list[Blow]:
    """Rides until so many blows are dealt; returns them."""
    measured, expected = ground.undisturbed()
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


def test_a_few_blows(arena: Arena, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path) -> None:
    """The everyday form."""
    ground = Ground(ODD, arena, template, make_database, tmp_path)
    assert len(_havoc(ground, 4, "everyday", each=(4, 4))) == 4
