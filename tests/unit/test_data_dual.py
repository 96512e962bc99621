"""Dual-write: both sides end with the same rows, whatever breaks between them, and whoever is killed when.

Run as a program it is the child that the crash tests kill: sides in files, one journal, a few writes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from crosswalk import shadowlog
from crosswalk.data.failures import (
    BadValue,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    Misconfigured,
    NotSupported,
    Unavailable,
)
from crosswalk.data.modes.canonical import form
from crosswalk.data.modes.carry import Unsteady
from crosswalk.data.modes.flags import Settings, flags
from crosswalk.data.modes.journal import Journal, JournalBroken
from crosswalk.data.modes.lanes import Lanes
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.modes import Modes
from crosswalk.data.modes.router import Router
from crosswalk.data.modes.switch import Switch
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.table import Table

TABLE = "public.clients"
DESCRIBED = Table.of(TABLE, {"id": "bigint not null", "name": "text", "phone": "text"}, primary=["id"])
POINTS = ("dual.intended", "dual.first_written", "dual.second_written")


class Side:
    """A repository in memory whose writes can be made to fail, before or after they arrive."""

    def __init__(self, inner: Repository[Row]) -> None:
        self.inner, self.table = inner, inner.table
        self.writes: list[str] = []
        self.fails: Callable[[str], BaseException | None] = lambda _: None
        self.loses: Callable[[str], BaseException | None] = lambda _: None
        self.pause: Callable[[], Any] | None = None
        self.change: Callable[[Row], Row] = lambda row: row
        self.transaction: Callable[[], Any] = inner.transaction

    async def _write(self, name: str, *given: Any, **more: Any) -> Any:
        self.writes.append(name)
        if self.pause:
            await self.pause()
        if error := self.fails(name):
            raise error
        value = await getattr(self.inner, name)(*given, **more)
        if error := self.loses(name):
            raise error
        return value

    async def upsert(self, row: Any, **more: Any) -> Row:
        stored: Row = await self._write("upsert", self.change(dict(row)), **more)
        return stored

    async def bulk_upsert(self, rows: Any, **more: Any) -> list[Row]:
        stored: list[Row] = await self._write("bulk_upsert", [self.change(dict(row)) for row in rows], **more)
        return stored

    async def delete(self, where: Any) -> int:
        return int(await self._write("delete", where))

    async def find_many(self, where: Any = None, **more: Any) -> list[Row]:
        if self.pause:
            await self.pause()
        return await self.inner.find_many(where, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def rows(self) -> list[Row]:
        return sorted(await self.inner.find_many(), key=lambda row: int(row["id"]))


class World:
    def __init__(self, tmp_path: Path, name: str = "", of: World | None = None, owners: Any = None, **said: Any) -> None:
        self.old: Side = of.old if of else Side(MemoryStore([DESCRIBED]).repository(TABLE))
        self.new: Side = of.new if of else Side(MemoryStore([DESCRIBED]).repository(TABLE))
        self.place, self.log_path = tmp_path / f"{name}journal.jsonl", tmp_path / f"{name}shadow.jsonl"
        self.journal = Journal.open(self.place)
        self.log = ShadowLog(self.log_path, every=0)
        settings = Settings.read({"mode": "dual-write", **said}, origin="test")
        self.modes = Modes(Switch(flags(settings)), log=self.log, journal=self.journal, owners=owners)
        self.clients: Router[Row] = self.modes.repository(self.old, self.new, key=("id",))

    async def same(self) -> list[Row]:
        """The rows, once both sides have shown the same ones."""
        old, new = await self.old.rows(), await self.new.rows()
        assert old == new
        return old

    def report(self) -> shadowlog.Report:
        self.log.flush()
        with self.log_path.open(encoding="utf-8") as file:
            return shadowlog.read(file)

    @property
    def pending(self) -> int:
        return len(self.journal.pending)


MakeWorld = Callable[..., World]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MakeWorld]:
    made: list[World] = []

    def make(name: str = "", **more: Any) -> World:
        made.append(World(tmp_path, name, **more))
        return made[-1]

    yield make
    for each in made:
        await each.modes.close()


def down(_: str) -> BaseException:
    return Unavailable("gone")


def up(_: str) -> None:
    return None


# --- both sides ---------------------------------------------------------------------------------


async def test_every_write_reaches_both_sides(world: MakeWorld) -> None:
    it = world()
    assert await it.clients.upsert({"id": 1, "name": "Ann"}) == {"id": 1, "name": "Ann", "phone": None}
    assert len(await it.clients.bulk_upsert([{"id": 2, "name": "Bob"}, {"id": 3}, {"id": 2, "phone": "7"}])) == 3
    await it.clients.upsert({"id": 1, "phone": "5"})
    assert await it.clients.delete({"name": "Bob"}) == 1
    assert await it.same() == [{"id": 1, "name": "Ann", "phone": "5"}, {"id": 3, "name": None, "phone": None}]
    assert it.pending == 0
    assert it.place.stat().st_size > 0


async def test_the_primary_goes_first(world: MakeWorld) -> None:
    it = world(primary="new")
    it.new.fails = lambda _: DuplicateKey("taken")
    with pytest.raises(DuplicateKey):
        await it.clients.upsert({"id": 1})
    assert (it.old.writes, it.pending) == ([], 0)
    it.new.fails = up
    await it.clients.upsert({"id": 1})
    assert (it.new.writes, it.old.writes) == (["upsert", "upsert"], ["bulk_upsert"])


async def test_a_side_that_differs_already_is_made_equal(world: MakeWorld) -> None:
    it = world()
    await it.old.inner.upsert({"id": 1, "name": "Ann", "phone": "5"})
    await it.clients.upsert({"id": 1, "name": "Anna"})
    assert await it.same() == [{"id": 1, "name": "Anna", "phone": "5"}]


async def test_a_key_in_another_form_is_found(world: MakeWorld) -> None:
    it = world()
    await it.clients.upsert({"id": "1", "name": "Ann"})
    await it.clients.bulk_upsert([{"id": "1", "name": "Anna"}, {"id": 2}])
    assert [row["id"] for row in await it.same()] == [1, 2]


@pytest.mark.parametrize("row", [{"name": "Ann"}, {"id": None, "name": "Ann"}])
async def test_a_key_that_the_database_would_make_is_refused(row: Row, world: MakeWorld) -> None:
    it = world()
    with pytest.raises(NotSupported, match="id"):
        await it.clients.upsert(row)
    assert (it.old.writes, it.new.writes, it.pending) == ([], [], 0)


async def test_a_delete_of_everything_is_refused_and_leaves_nothing_behind(world: MakeWorld) -> None:
    it = world()
    with pytest.raises(NotSupported):
        await it.clients.delete({})
    assert (it.pending, it.new.writes) == (0, [])


async def test_a_key_that_is_not_unique_deletes_nothing(world: MakeWorld) -> None:
    it = world()
    await it.clients.upsert({"id": 1, "name": "Ann"})

    async def doubled(where: Any = None, **_: Any) -> list[Row]:
        return [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]

    it.old.find_many = doubled  # type: ignore[method-assign]
    it.new.writes.clear()
    await it.clients.delete({"id": 1})
    assert it.new.writes == []
    assert it.pending == 1
    assert "no unique key" in str((await it.modes.replay()).error)


# --- what the second side misses ----------------------------------------------------------------


async def test_the_second_sides_failure_fails_no_call_and_is_made_up_for(world: MakeWorld) -> None:
    it = world()
    it.new.fails = down
    await it.clients.upsert({"id": 1, "name": "Ann"})
    await it.clients.bulk_upsert([{"id": 2}, {"id": 3}])
    await it.clients.delete({"id": 3})
    assert it.pending == 3
    assert it.report().verdict() == "different"
    assert sum(m.outstanding for m in it.report().methods) == 4
    stopped = await it.modes.replay()
    assert (stopped.done, stopped.left) == (0, 3)
    assert stopped.stopped_at is not None
    assert (stopped.stopped_at.method, type(stopped.error)) == ("upsert", Unavailable)
    it.new.fails = up
    assert (await it.modes.replay()).done == 3
    assert [row["id"] for row in await it.same()] == [1, 2]
    assert it.pending == 0
    assert sum(m.outstanding for m in it.report().methods) == 0
    again = await it.modes.replay()
    assert (again.done, again.left) == (0, 0)


async def test_a_replay_never_goes_back_behind_a_later_write(world: MakeWorld) -> None:
    it = world()
    it.new.fails = down
    await it.clients.upsert({"id": 1, "name": "first"})
    it.new.fails = up
    await it.clients.upsert({"id": 1, "name": "second"})
    await it.modes.replay()
    assert [row["name"] for row in await it.same()] == ["second"]
    assert "delete" not in it.new.writes


async def test_two_replays_at_the_same_time_carry_each_entry_once(world: MakeWorld) -> None:
    it = world()
    it.new.fails = down
    await it.clients.upsert({"id": 1})
    it.new.fails = up
    it.new.writes.clear()
    it.new.pause = lambda: asyncio.sleep(0)
    both = await asyncio.gather(it.modes.replay(), it.modes.replay())
    assert sorted(each.done for each in both) == [0, 1]
    assert it.new.writes == ["bulk_upsert"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_primary_whose_answer_was_lost(arrived: bool, world: MakeWorld) -> None:
    it = world()
    await it.clients.upsert({"id": 1, "name": "Ann"})
    if arrived:
        it.old.loses = down
    else:
        it.old.fails = down
    with pytest.raises(Unavailable):
        await it.clients.upsert({"id": 1, "name": "Anna"})
    it.old.loses = it.old.fails = up
    assert it.pending == 1
    await it.modes.replay()
    assert [row["name"] for row in await it.same()] == ["Anna" if arrived else "Ann"]


async def test_a_bulk_that_was_refused_half_way_is_looked_at(world: MakeWorld) -> None:
    """A REST backend sends a bulk in several requests: the first may have arrived."""
    it = world()

    async def half(rows: Any, **more: Any) -> list[Row]:
        await it.old.inner.upsert(rows[0])
        raise BadValue("no")

    it.old.bulk_upsert = half  # type: ignore[method-assign]
    with pytest.raises(BadValue):
        await it.clients.bulk_upsert([{"id": 1}, {"id": 2}])
    assert it.pending == 0
    assert [row["id"] for row in await it.same()] == [1]


@pytest.mark.parametrize("error", [BadValue("what was answered"), DataError("cancelled", code="57014")])
async def test_an_error_that_came_after_the_row_leaves_both_sides_equal(error: DataError, world: MakeWorld) -> None:
    it = world()
    it.old.loses = lambda _: error
    with pytest.raises(DataError):
        await it.clients.upsert({"id": 1, "name": "Ann"})
    assert len(await it.same()) == 1
    assert it.pending == 0


@pytest.mark.parametrize("error", [DataError("a gateway's page"), DataError("?", code="40003"), OSError()])
async def test_an_error_that_says_nothing_leaves_it_to_the_journal(error: Exception, world: MakeWorld) -> None:
    it = world()
    it.old.loses = lambda _: error
    with pytest.raises(type(error)):
        await it.clients.upsert({"id": 1, "name": "Ann"})
    assert it.pending == 1
    assert it.new.writes == []
    await it.modes.replay()
    assert len(await it.same()) == 1


async def test_a_slow_second_side_is_left_to_the_journal(world: MakeWorld) -> None:
    it = world(shadow={"timeout": 0.01})
    it.new.pause = asyncio.Event().wait
    await it.clients.upsert({"id": 1})
    assert it.pending == 1
    it.new.pause = None
    await it.modes.replay()
    assert len(await it.same()) == 1


async def test_a_call_that_is_cancelled_stays_in_the_journal(world: MakeWorld) -> None:
    it = world()
    reached = asyncio.Event()

    async def stuck() -> None:
        reached.set()
        await asyncio.Event().wait()

    it.new.pause = stuck
    call = asyncio.create_task(it.clients.upsert({"id": 1}))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    it.new.pause = None
    assert it.pending == 1
    await it.clients.upsert({"id": 1, "name": "the lane is free"})
    await it.modes.replay()
    assert len(await it.same()) == 1


async def test_rows_that_never_stand_still_are_left_to_the_journal(world: MakeWorld) -> None:
    it = world()
    counter = iter(range(1000))

    async def restless(where: Any = None, **more: Any) -> list[Row]:
        await it.old.inner.upsert({"id": 1, "name": str(next(counter))})
        return await it.old.inner.find_many(where, **more)

    it.old.find_many = restless  # type: ignore[method-assign]
    await it.clients.upsert({"id": 1})
    assert it.pending == 1
    assert isinstance((await it.modes.replay()).error, Unsteady)


async def test_a_replay_waits_for_parents_and_for_values_that_are_taken(world: MakeWorld) -> None:
    it = world()
    it.new.fails = down
    for n in (1, 2, 3):
        await it.clients.upsert({"id": n})
    it.new.fails = up
    seen: list[int] = []

    def child_first(row: Row) -> Row:
        if row["id"] == 1 and 3 not in seen:
            raise ForeignKeyViolated("no parent yet")
        seen.append(row["id"])
        return row

    it.new.change = child_first
    assert (await it.modes.replay()).done == 3
    assert seen == [2, 3, 1]
    await it.same()


async def test_a_replay_stops_at_what_fails_again_and_goes_on_later(world: MakeWorld) -> None:
    it = world()
    it.new.fails = down
    for n in (1, 2, 3):
        await it.clients.upsert({"id": n})
    it.new.fails = up

    def second(row: Row) -> Row:
        if row["id"] == 2:
            raise BadValue("never")
        return row

    it.new.change = second
    stopped = await it.modes.replay()
    assert (stopped.done, stopped.left, stopped.stopped_at and stopped.stopped_at.keys) == (1, 2, ((2,),))
    assert [row["id"] for row in await it.new.rows()] == [1]
    it.new.change = lambda row: row
    assert (await it.modes.replay()).left == 0
    assert len(await it.same()) == 3


# --- several at a time --------------------------------------------------------------------------


async def _storm(worlds: Sequence[World], seed: int) -> None:
    chance = random.Random(seed)

    async def pause() -> None:
        await asyncio.sleep(chance.choice((0, 0, 0.004)))

    worlds[0].old.pause = worlds[0].new.pause = pause
    if len(worlds) == 1:  # else the replays would put right what the processes must
        worlds[0].new.fails = lambda _: Unavailable("now and then") if chance.random() < 0.1 else None

    async def one(n: int) -> None:
        it, key = chance.choice(worlds), chance.randrange(4)
        kind = chance.randrange(5)
        if kind == 0:
            await it.clients.delete({"id": key})
        elif kind == 1:
            keys = chance.sample(range(4), 3)
            await it.clients.bulk_upsert([{"id": k, "name": f"bulk {n}"} for k in keys])
        else:
            await it.clients.upsert({"id": key, "name": f"one {n}"})

    await asyncio.gather(*(one(n) for n in range(40)))
    worlds[0].old.pause = worlds[0].new.pause = None
    worlds[0].new.fails = up
    for it in worlds:
        assert (await it.modes.replay()).left == 0
    await worlds[0].same()


@pytest.mark.parametrize("seed", range(4))
async def test_many_writers_of_the_same_keys_leave_both_sides_equal(seed: int, world: MakeWorld) -> None:
    await _storm([world()], seed)


@pytest.mark.parametrize("seed", range(4))
async def test_so_do_several_processes_each_with_its_journal(seed: int, world: MakeWorld) -> None:
    first = world()
    await _storm([first, world("second-", of=first), world("third-", of=first)], seed)


async def test_a_process_that_comes_late_does_not_leave_an_old_row(world: MakeWorld) -> None:
    first = world()
    second = world("second-", of=first)
    reached, may_go = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        first.new.pause = None
        reached.set()
        await may_go.wait()

    first.new.pause = held
    late = asyncio.create_task(first.clients.upsert({"id": 1, "name": "old"}))
    await reached.wait()
    await second.clients.upsert({"id": 1, "name": "new"})
    may_go.set()
    await late
    assert [row["name"] for row in await first.same()] == ["new"]
    assert (first.pending, second.pending) == (0, 0)


async def test_writes_of_one_key_arrive_in_the_order_in_which_they_came(world: MakeWorld) -> None:
    it = world()
    seen: list[str] = []

    def note(row: Row) -> Row:
        seen.append(row["name"])
        return row

    it.new.change = note
    it.old.pause = it.new.pause = lambda: asyncio.sleep(0)
    await asyncio.gather(*(it.clients.upsert({"id": 1, "name": str(n)}) for n in range(10)))
    assert seen == [str(n) for n in range(10)]


async def test_nobody_overtakes_one_who_waits_for_the_same_key() -> None:
    lanes, went = Lanes(), []
    first_may_end = asyncio.Event()

    async def hold(name: str, keys: set[int] | None, until: asyncio.Event | None = None) -> None:
        forms = None if keys is None else frozenset(form(key) for key in keys)
        async with lanes.hold(TABLE, forms):
            went.append(name)
            if until is not None:
                await until.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold("holds 1", {1}, first_may_end))
        await asyncio.sleep(0)
        waiting = group.create_task(hold("wants 1 and 2, gives up", {1, 2}))
        group.create_task(hold("wants 1 and 3", {1, 3}))
        group.create_task(hold("wants 3", {3}))
        group.create_task(hold("wants 2", {2}))
        group.create_task(hold("wants 4", {4}))
        group.create_task(hold("wants all", None))
        group.create_task(hold("wants 5", {5}))
        await asyncio.sleep(0)
        assert went == ["holds 1", "wants 4"]
        waiting.cancel()
        await asyncio.sleep(0.001)
        assert went == ["holds 1", "wants 4", "wants 2"]
        first_may_end.set()
    assert went[3:] == ["wants 1 and 3", "wants 3", "wants all", "wants 5"]


# --- transactions -------------------------------------------------------------------------------


async def test_a_transaction_is_carried_after_its_commit(world: MakeWorld) -> None:
    it = world()
    await it.clients.upsert({"id": 1, "name": "Ann"})
    it.new.writes.clear()
    async with it.clients.transaction() as bound:
        await bound.upsert({"id": 2})
        await bound.delete({"id": 1})
        assert it.new.writes == []
    assert [row["id"] for row in await it.same()] == [2]
    assert it.pending == 0


async def test_a_transaction_that_is_taken_back_is_not_carried(world: MakeWorld) -> None:
    it = world()

    async def taken_back() -> None:
        async with it.clients.transaction() as bound:
            await bound.upsert({"id": 2})
            raise KeyError

    with pytest.raises(KeyError):
        await taken_back()
    assert (await it.same(), it.pending, it.new.writes) == ([], 0, [])
    assert it.report().lines == 0


async def test_of_a_savepoint_that_is_taken_back_nothing_is_carried(world: MakeWorld) -> None:
    it = world()

    async def taken_back(bound: Repository[Row]) -> None:
        async with bound.transaction() as inner:
            await inner.upsert({"id": 2})
            raise KeyError

    async with it.clients.transaction() as bound:
        await bound.upsert({"id": 1})
        with pytest.raises(KeyError):
            await taken_back(bound)
        async with bound.transaction() as inner:
            await inner.upsert({"id": 3})
    assert [row["id"] for row in await it.same()] == [1, 3]
    assert it.pending == 0


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_commit_whose_answer_was_lost(arrived: bool, world: MakeWorld) -> None:
    it = world()

    @asynccontextmanager
    async def lossy() -> AsyncIterator[Any]:
        async with it.old.inner.transaction() as bound:
            yield bound
            if not arrived:
                raise Unavailable("gone")
        raise Unavailable("gone")

    it.old.transaction = lossy
    with pytest.raises(Unavailable):
        async with it.clients.transaction() as bound:
            await bound.upsert({"id": 1})
    assert it.pending == 1
    await it.modes.replay()
    assert len(await it.same()) == int(arrived)


# --- the start ----------------------------------------------------------------------------------


async def test_a_table_that_a_live_sync_owns_is_refused(world: MakeWorld) -> None:
    it = world(sync_owns=["clients"])
    with pytest.raises(Misconfigured, match=r"mode=dual-write.*sync_owns") as caught:
        await it.modes.start()
    assert "clients" in caught.value.hint
    with pytest.raises(Misconfigured):
        await it.clients.upsert({"id": 1})
    assert it.old.writes == []


async def test_whoever_knows_is_asked(world: MakeWorld) -> None:
    class Sync:
        async def owner(self, table: str) -> str | None:
            return "the sync of run 3" if table == TABLE else None

    with pytest.raises(Misconfigured, match="the sync of run 3"):
        await world(owners=Sync()).modes.start()


async def test_a_file_that_asks_for_it_later_changes_nothing(tmp_path: Path, world: MakeWorld) -> None:
    it = world(mode="legacy")
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nsync_owns = ["clients"]\n')
    it.modes.switch = Switch.from_file(file, settle=0)
    await it.modes.start()
    file.write_text('version = 1\nmode = "dual-write"\nsync_owns = ["clients"]\n')
    await it.clients.upsert({"id": 1})
    assert (it.old.writes, it.new.writes, it.modes.switch.refused) == (["upsert"], [], 1)
    file.write_text('version = 1\nmode = "dual-write"\n')
    await it.clients.upsert({"id": 2})
    assert it.new.writes == ["bulk_upsert"]


async def test_the_other_side_does_not_become_the_first_while_it_lacks_writes(tmp_path: Path, world: MakeWorld) -> None:
    it = world()
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "dual-write"\n')
    it.modes.switch = Switch.from_file(file, settle=0)
    it.new.fails = down
    await it.clients.upsert({"id": 1})
    file.write_text('version = 1\nmode = "new"\n')
    assert await it.clients.count() == 1
    assert it.modes.switch.refused == 1
    it.new.fails = up
    await it.modes.replay()
    file.write_text('version = 1\nmode = "new" # once more\n')
    assert await it.clients.count() == 1
    assert it.modes.switch.current.base.mode == "new"


async def test_the_results_of_both_sides_are_compared(world: MakeWorld) -> None:
    it = world(COMPARE_DUAL_RESULTS=True)
    await it.clients.upsert({"id": 1, "name": "Ann"})
    it.new.change = lambda row: {**row, "name": "cut"}
    await it.clients.upsert({"id": 2, "name": "Bob"})
    it.new.fails = down
    await it.clients.upsert({"id": 3, "name": "Cid"})
    told = {m.method: m for m in it.report().methods}["upsert"]
    assert (told.equal, told.different, told.columns) == (1, 2, {"name": 1})
    assert told.kinds == {"values": 1, "error-secondary": 1}


# --- the journal --------------------------------------------------------------------------------


def test_keys_of_every_kind_come_back(tmp_path: Path) -> None:
    keys = (
        (1, "a", True), (UUID(int=5), date(2026, 1, 1), Decimal("1.50")), (datetime(2026, 1, 1, tzinfo=UTC), time(1, 2), b"\x00"),
        ("Ж\n\u2028", 0.1, False),
    )  # fmt: skip
    path = tmp_path / "j"
    journal = Journal.open(path)
    asyncio.run(journal.intend(TABLE, "upsert", "new", ("a", "b", "c"), keys))
    entry = journal.pending
    journal.close()
    again = Journal.open(path)
    assert again.pending == entry
    assert again.pending[0].keys == keys
    assert [type(v) for k in again.pending[0].keys for v in k] == [type(v) for k in keys for v in k]
    again.close()


async def test_a_key_of_an_unknown_kind_is_refused(world: MakeWorld) -> None:
    it = world()
    with pytest.raises(NotSupported, match="complex"):
        await it.journal.intend(TABLE, "upsert", "new", ("id",), [(1j,)])
    assert it.pending == 0


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.touch(0o644)
    Journal.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_process_holds_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    with pytest.raises(Misconfigured, match="another process"):
        Journal.open(tmp_path / "j")
    journal.close()
    Journal.open(tmp_path / "j").close()


async def test_the_intent_is_on_disk_before_the_primary_is_written(tmp_path: Path) -> None:
    it = World(tmp_path)
    events: list[str] = []
    it.journal._sync = lambda file: events.append(f"fsync {os.fstat(file).st_size > 0}")

    def note(name: str) -> None:
        events.append(name)

    it.old.fails = note
    await it.clients.upsert({"id": 1})
    assert events == ["fsync True", "upsert"]
    await it.modes.close()


async def test_intents_share_an_fsync(tmp_path: Path) -> None:
    synced: list[int] = []
    journal = Journal.open(tmp_path / "j", sync=synced.append)
    synced.clear()
    await asyncio.gather(*(journal.intend(TABLE, "upsert", "legacy", ("id",), [(n,)]) for n in range(20)))
    assert len(journal.pending) == 20
    assert len(synced) < 5
    journal.close()


async def test_a_full_disk_refuses_the_write_before_anything_happens(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = world()
    await it.clients.upsert({"id": 1})
    size = it.place.stat().st_size
    with monkeypatch.context() as patched:
        write = os.write
        patched.setattr("crosswalk.data.modes.journal.os.write", lambda file, data: write(file, data[:20]))
        with pytest.raises(JournalBroken, match="no space"):
            await it.clients.upsert({"id": 2})
    assert it.place.stat().st_size == size
    assert [row["id"] for row in await it.same()] == [1]
    await it.clients.upsert({"id": 2})
    assert len(await it.same()) == 2


async def test_after_a_failed_fsync_nothing_is_written_any_more(world: MakeWorld) -> None:
    it = world()

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    it.journal._sync = fails
    for n in (1, 2):
        with pytest.raises(JournalBroken):
            await it.clients.upsert({"id": n})
    assert it.old.writes == []


async def test_a_torn_end_is_cut_off_and_anything_else_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal.open(path)
    await journal.intend(TABLE, "upsert", "legacy", ("id",), [(1,)])
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    again = Journal.open(path)
    assert [e.keys for e in again.pending] == [((1,),)]
    await again.intend(TABLE, "upsert", "legacy", ("id",), [(2,)])
    again.close()
    final = Journal.open(path)
    assert [e.keys for e in final.pending] == [((1,),), ((2,),)]
    assert [e.number for e in final.pending] == [1, 2]
    final.close()
    path.write_bytes(whole[:30] + b"\n" + whole)
    with pytest.raises(JournalBroken, match="line 1"):
        Journal.open(path)
    path.write_bytes(whole.replace(b'"v":1', b'"v":2'))
    with pytest.raises(JournalBroken, match="line 1"):
        Journal.open(path)


async def test_a_journal_with_nothing_to_do_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crosswalk.data.modes.journal.LARGE", 1000)
    path = tmp_path / "j"
    journal = Journal.open(path)
    for n in range(50):
        journal.done(await journal.intend(TABLE, "upsert", "legacy", ("id",), [(n,)]))
        assert path.stat().st_size < 2000
    open_end = await journal.intend(TABLE, "upsert", "legacy", ("id",), [("x" * 2000,)])
    journal.done(await journal.intend(TABLE, "upsert", "legacy", ("id",), [(99,)]))
    assert journal.pending == (open_end,)
    assert path.stat().st_size > 2000
    journal.done(open_end)
    journal.close()
    assert path.stat().st_size == 0


# --- killed -------------------------------------------------------------------------------------


class FileSide:
    """A repository in a file, which a kill leaves as it is."""

    table = TABLE

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[int, Row]:
        found: Mapping[str, Row] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return {int(key): row for key, row in found.items()}

    def save(self, rows: Mapping[int, Row]) -> None:
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(rows))
        beside.replace(self.path)

    async def find_many(self, where: Any = None, **_: Any) -> list[Row]:
        wanted = None if where is None else where["id"]
        keys = getattr(wanted, "value", (wanted,))
        return [row for key, row in self.load().items() if wanted is None or key in keys]

    async def upsert(self, row: Row, **_: Any) -> Row:
        return (await self.bulk_upsert([row]))[0]

    async def bulk_upsert(self, rows: Sequence[Row], **_: Any) -> list[Row]:
        there = self.load()
        for row in rows:
            there[row["id"]] = {**there.get(row["id"], {}), **row}
        self.save(there)
        return [there[row["id"]] for row in rows]

    async def delete(self, where: Any) -> int:
        there = self.load()
        gone = [row["id"] for row in await self.find_many(where)]
        self.save({key: row for key, row in there.items() if key not in gone})
        return len(gone)


def _file_modes(place: Path) -> tuple[Modes, Router[Row], FileSide, FileSide]:
    old, new = FileSide(place / "old"), FileSide(place / "new")
    sides: Any = (old, new)
    journal = Journal.open(place / "journal")
    modes = Modes(Switch(flags(Settings(mode="dual-write"))), journal=journal)
    return modes, modes.repository(*sides, key=("id",)), old, new


async def _child(place: Path, operation: str) -> None:
    """The second write is the one that is interrupted."""
    modes, clients, _, _ = _file_modes(place)
    await clients.upsert({"id": 1, "name": "Ann"})
    if operation == "insert":
        await clients.upsert({"id": 2, "name": "Bob"})
    elif operation == "update":
        await clients.upsert({"id": 1, "name": "Anna"})
    elif operation == "bulk":
        await clients.bulk_upsert([{"id": 1, "name": "Anna"}, {"id": 2, "name": "Bob"}])
    else:
        await clients.delete({"id": 1})
    await modes.close()


WRITTEN: Mapping[str, dict[int, str]] = {
    "insert": {1: "Ann", 2: "Bob"}, "update": {1: "Anna"}, "bulk": {1: "Anna", 2: "Bob"}, "delete": {},
}  # fmt: skip
BEFORE = {1: "Ann"}


def killed(place: Path, operation: str, point: str) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(place), operation], check=False, capture_output=True, text=True,
        env={**os.environ, "CROSSWALK_FAILPOINTS": f"{point}=kill@2"},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


EVERY_DAY = {("insert", point) for point in POINTS} | {("delete", "dual.first_written")}
"""The others take a second each, and are drilled."""


@pytest.mark.parametrize(
    ("operation", "point"),
    [
        pytest.param(o, p, marks=[] if (o, p) in EVERY_DAY else [pytest.mark.drill]) for o in WRITTEN for p in POINTS
    ],
)
async def test_killed_at_each_point_both_sides_end_equal(point: str, operation: str, tmp_path: Path) -> None:
    killed(tmp_path, operation, point)
    modes, _, old, new = _file_modes(tmp_path)

    def names(side: FileSide) -> dict[int, str]:
        return {key: row["name"] for key, row in side.load().items()}

    written = WRITTEN[operation]
    assert names(old) == (BEFORE if point == "dual.intended" else written)
    assert names(new) == (written if point == "dual.second_written" else BEFORE)
    replayed = await modes.replay()
    assert (replayed.done, replayed.left) == (1, 0)
    assert names(old) == names(new) == (BEFORE if point == "dual.intended" else written)
    await modes.close()


if __name__ == "__main__":
    asyncio.run(_child(Path(sys.argv[1]), sys.argv[2]))
