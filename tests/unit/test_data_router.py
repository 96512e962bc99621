"""The router over two repositories: who answers, who is asked beside, and that nothing but an equal answer counts as one."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from pydantic import BaseModel

from crosswalk import shadowlog
from crosswalk.data.conditions import asc, gt
from crosswalk.data.failures import BadValue, DataError, Misconfigured, Unavailable
from crosswalk.data.modes.compare import Rules
from crosswalk.data.modes.flags import Settings, flags
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.modes import Modes
from crosswalk.data.modes.router import Router
from crosswalk.data.modes.switch import Switch
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.table import Table

TABLE = "public.clients"
ROWS = [
    {"id": 1, "name": "Ann", "age": 30, "raw": {"a": 1}},
    {"id": 2, "name": "Bob", "age": None, "raw": []},
    {"id": 3, "name": "Cid", "age": 41, "raw": None},
]
DESCRIBED = Table.of(
    TABLE, {"id": "bigint not null", "name": "text not null", "age": "integer", "raw": "jsonb"}, primary=["id"]
)


class Side:
    """A repository in memory that notes who calls it, and does what a test wants before it answers."""

    def __init__(self) -> None:
        self.store = MemoryStore([DESCRIBED])
        self.inner: Repository[Row] = self.store.repository(TABLE)
        self.calls: list[str] = []
        self.before: Callable[[], Any] | None = None
        self.change: Callable[[Any], Any] = lambda value: value

    table = TABLE

    async def _do(self, name: str, *given: Any, **more: Any) -> Any:
        self.calls.append(name)
        if self.before is not None:
            await self.before()
        return self.change(await getattr(self.inner, name)(*given, **more))

    async def find_one(self, *a: Any, **k: Any) -> Any:
        return await self._do("find_one", *a, **k)

    async def find_many(self, *a: Any, **k: Any) -> Any:
        return await self._do("find_many", *a, **k)

    async def count(self, *a: Any, **k: Any) -> Any:
        return await self._do("count", *a, **k)

    async def upsert(self, *a: Any, **k: Any) -> Any:
        return await self._do("upsert", *a, **k)

    async def bulk_upsert(self, *a: Any, **k: Any) -> Any:
        return await self._do("bulk_upsert", *a, **k)

    async def delete(self, *a: Any, **k: Any) -> Any:
        return await self._do("delete", *a, **k)

    async def iterate(self, where: Any = None, *, batch: int = 1000) -> AsyncIterator[Row]:
        self.calls.append("iterate")
        if self.before is not None:
            await self.before()
        async for row in self.inner.iterate(where, batch=batch):
            yield self.change(row)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        self.calls.append("transaction")
        async with self.inner.transaction() as bound:
            yield bound


class World:
    """Two sides, and the modes over them."""

    def __init__(self, tmp_path: Path, chance: Callable[[], float] | None = None, **said: Any) -> None:
        self.old, self.new = Side(), Side()
        self.path = tmp_path / "shadow.jsonl"
        self.log = ShadowLog(self.path, every=0)
        self.modes = Modes(Switch(flags(Settings.read(said, origin="test"))), log=self.log)
        if chance is not None:
            self.modes.beside._chance = chance
        self.clients: Router[Row] = self.modes.repository(self.old, self.new, key=("id",))

    def count(self, name: str, **labels: str) -> float:
        """Of a counter, over all labels that are not named."""
        found = 0.0
        for family in self.modes.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == f"crosswalk_data_{name}_total" and labels.items() <= sample.labels.items():
                    found += sample.value
        return found

    @property
    def verdicts(self) -> dict[str, float]:
        every = {v: self.count("compared", verdict=v) for v in ("equal", "different", "again", "failed")}
        return {verdict: n for verdict, n in every.items() if n}

    def report(self) -> shadowlog.Report:
        self.log.flush()
        with self.path.open(encoding="utf-8") as file:
            return shadowlog.read(file)


MakeWorld = Callable[..., World]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MakeWorld]:
    made: list[World] = []

    def make(**said: Any) -> World:
        made.append(World(tmp_path, **said))
        return made[-1]

    yield make
    for each in made:
        await each.modes.close(0)


async def filled(world: World) -> World:
    for side in (world.old, world.new):
        await side.inner.bulk_upsert([dict(row) for row in ROWS])
    return world


def test_a_router_is_a_repository(tmp_path: Path) -> None:
    made = World(tmp_path)
    assert isinstance(made.clients, Repository)
    assert made.clients.table == TABLE
    made.log.close()


# --- who answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "asked"), [("legacy", "old"), ("new", "new")])
async def test_one_side_does_everything(mode: str, asked: str, world: MakeWorld) -> None:
    it = await filled(world(mode=mode))
    await it.clients.upsert({"id": 9, "name": "Zoe"})
    assert await it.clients.find_one({"id": 9}) is not None
    assert await it.clients.count() == 4
    assert [row["id"] async for row in it.clients.iterate()] == [1, 2, 3, 9]
    assert await it.clients.delete({"id": 9}) == 1
    await it.modes.settled()
    silent = it.new if asked == "old" else it.old
    assert silent.calls == []
    assert it.verdicts == {}


@pytest.mark.parametrize(("primary", "first", "second"), [("legacy", "old", "new"), ("new", "new", "old")])
async def test_shadow_answers_from_the_primary(primary: str, first: str, second: str, world: MakeWorld) -> None:
    it = await filled(world(mode="shadow", primary=primary))
    sides: dict[str, Side] = {"old": it.old, "new": it.new}
    sides[second].change = lambda rows: []
    assert len(await it.clients.find_many()) == 3
    await it.modes.settled()
    assert (sides[first].calls, sides[second].calls) == (["find_many"], ["find_many"])
    assert it.verdicts == {"different": 1}


async def test_a_write_in_shadow_goes_to_the_primary_only(world: MakeWorld) -> None:
    it = world(mode="shadow")
    await it.clients.upsert({"id": 1, "name": "Ann"})
    await it.clients.bulk_upsert([{"id": 2, "name": "Bob"}])
    await it.clients.delete({"id": 1})
    async with it.clients.transaction() as bound:
        await bound.upsert({"id": 3, "name": "Cid"})
    await it.modes.settled()
    assert it.new.calls == []
    assert await it.old.inner.count() == 2


async def test_methods_have_their_own_mode(world: MakeWorld) -> None:
    it = await filled(world(repositories={"clients": {"methods": {"count": "new", "find_one": "shadow"}}}))
    await it.clients.count()
    await it.clients.find_one({"id": 1})
    await it.clients.find_many()
    await it.modes.settled()
    assert it.new.calls == ["count", "find_one"]
    assert it.old.calls == ["find_one", "find_many"]


async def test_flags_that_change_hold_from_the_next_call(tmp_path: Path, world: MakeWorld) -> None:
    it = await filled(world())
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "legacy"\n')
    it.modes.switch = Switch.from_file(file, settle=0)
    await it.clients.count()
    file.write_text('version = 1\n[repositories.clients]\nmode = "new"\n')
    await it.clients.count()
    file.write_text('version = 1\n[repositories.clietns]\nmode = "legacy"\n')
    await it.clients.count()
    assert (it.old.calls, it.new.calls) == (["count"], ["count", "count"])
    assert it.modes.switch.refused == 1


# --- what is compared ---------------------------------------------------------------------------


async def _walk(router: Router[Row]) -> list[Row]:
    return [row async for row in router.iterate(batch=2)]


CALLS: Mapping[str, Callable[[Router[Row]], Any]] = {
    "find_one": lambda r: r.find_one({"id": 1}),
    "find_many": lambda r: r.find_many({"id": gt(0)}, order=[asc("name")]),
    "count": lambda r: r.count(),
    "iterate": _walk,
}


@pytest.mark.parametrize("method", CALLS)
async def test_equal_answers_are_equal(method: str, world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    await CALLS[method](it.clients)
    await it.modes.settled()
    assert it.verdicts == {"equal": 1}
    [told] = it.report().methods
    assert (told.repository, told.method, told.equal, told.verdict()) == (TABLE, method, 1, "equal")


async def _older(it: World) -> None:
    await it.new.inner.upsert({"id": 1, "name": "Ann", "age": 31})


async def _gone(it: World) -> None:
    await it.new.inner.delete({"id": 1})


async def _more(it: World) -> None:
    await it.new.inner.upsert({"id": 4, "name": "Dee"})


@pytest.mark.parametrize(
    ("method", "change", "kind", "columns"),
    [
        ("find_one", _older, "values", ["age"]), ("find_one", _gone, "missing", []),
        ("find_many", _older, "values", ["age"]), ("find_many", _gone, "missing", []), ("find_many", _more, "extra", []),
        ("count", _gone, "values", []), ("count", _more, "values", []),
        ("iterate", _older, "values", ["age"]), ("iterate", _gone, "values", ["(rows)", "age", "id", "name", "raw"]),
    ],
)  # fmt: skip
async def test_each_kind_of_difference_is_found(
    method: str, change: Callable[[World], Any], kind: str, columns: list[str], world: MakeWorld
) -> None:
    it = await filled(world(mode="shadow"))
    await change(it)
    await CALLS[method](it.clients)
    await it.modes.settled()
    assert it.verdicts == {"different": 1}
    assert it.count("mismatches", kind=kind) == 1
    [told] = it.report().methods
    assert (told.different, sorted(told.columns), told.verdict()) == (1, columns, "different")


async def test_the_order_counts_when_it_was_asked_for(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    it.new.change = lambda rows: rows[::-1]
    await it.clients.find_many()
    await it.clients.find_many(order="name")
    await it.modes.settled()
    assert it.verdicts == {"equal": 1, "different": 1}
    assert it.count("mismatches", kind="order") == 1


async def test_columns_that_one_side_cannot_have(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    it.new.change = lambda row: {c: v for c, v in row.items() if c != "raw"}
    await it.clients.find_one({"id": 1})
    await it.modes.settled()
    assert it.count("mismatches", kind="columns") == 1
    declared = it.modes.repository(it.old, it.new, key=("id",), absent={"raw": "a dump of the old API"})
    assert await declared.find_one({"id": 1}, columns=["id", "raw"]) == {"id": 1, "raw": {"a": 1}}
    await it.modes.settled()
    assert it.verdicts == {"different": 1, "equal": 1}
    [told] = it.report().methods
    assert told.ignored == {"raw": "a dump of the old API"}


async def test_typed_rows_are_compared_as_they_are_stored(world: MakeWorld) -> None:
    class Client(BaseModel):
        id: int
        name: str

    it = await filled(world(mode="shadow"))
    typed = it.modes.table(it.old.store, it.new.store, "clients", row=Client)
    assert await typed.find_one({"id": 1}) == Client(id=1, name="Ann")
    await typed.upsert(Client(id=7, name="Gus"))
    assert [c.name async for c in typed.iterate({"id": 7})] == ["Gus"]
    await it.modes.settled()
    assert it.verdicts == {"equal": 1, "different": 1}


# --- errors -------------------------------------------------------------------------------------


def raising(error: BaseException) -> Callable[[], Any]:
    async def before() -> None:
        raise error

    return before


@pytest.mark.parametrize("method", CALLS)
async def test_an_error_of_the_other_side_is_a_difference_and_nobody_sees_it(method: str, world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    it.new.before = raising(DataError("boom"))
    assert await CALLS[method](it.clients)
    await it.modes.settled()
    assert it.count("mismatches", kind="error-secondary") == 1
    assert it.count("errors", side="new", error="DataError") == 1 or method == "iterate"
    assert it.report().methods[0].errors == {"DataError": 1}


@pytest.mark.parametrize("method", CALLS)
async def test_an_error_of_the_primary_reaches_the_caller_and_is_a_difference(method: str, world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    it.old.before = raising(BadValue("no"))
    with pytest.raises(BadValue):
        await CALLS[method](it.clients)
    await it.modes.settled()
    assert it.verdicts == {"different": 1}
    assert it.count("mismatches", kind="error-primary") == 1


async def test_errors_of_both_sides(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    for error in (BadValue("no"), Unavailable("gone")):
        it.old.before = it.new.before = raising(error)
        with pytest.raises(DataError):
            await it.clients.count()
        await it.modes.settled()
    assert it.verdicts == {"equal": 1, "different": 1}
    assert it.count("mismatches", kind="errors-both") == 1


async def test_a_comparison_that_fails_is_no_pass(world: MakeWorld, caplog: pytest.LogCaptureFixture) -> None:
    it = await filled(world(mode="shadow"))
    it.old.change = it.new.change = lambda row: {**row, "name": object()}
    with caplog.at_level(logging.ERROR, logger="crosswalk.data"):
        assert await it.clients.find_one({"id": 1})
        await it.modes.settled()
    assert it.verdicts == {"failed": 1}
    assert it.report().verdict() == "failed"
    assert it.report().methods[0].errors == {"Incomparable": 1}


async def test_a_side_that_does_not_answer_in_time(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow", shadow={"timeout": 0.01}))
    it.new.before = asyncio.Event().wait
    assert await it.clients.count() == 3
    await it.modes.settled()
    assert it.count("mismatches", kind="timeout") == 1


# --- beside -------------------------------------------------------------------------------------


async def test_a_slow_side_delays_nobody(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    may_answer = asyncio.Event()
    it.new.before = may_answer.wait
    answers = [await it.clients.find_many() for _ in range(3)]
    assert [len(a) for a in answers] == [3, 3, 3]
    assert it.modes.beside.under_way == 3
    assert it.verdicts == {}
    may_answer.set()
    await it.modes.settled()
    assert it.verdicts == {"equal": 3}


async def test_what_does_not_fit_into_the_queue_is_skipped_and_never_equal(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow", shadow={"waiting": 2}))
    may_answer = asyncio.Event()
    it.new.before = may_answer.wait
    for _ in range(5):
        await it.clients.count()
    may_answer.set()
    await it.modes.settled()
    assert it.verdicts == {"equal": 2}
    assert it.count("skipped", why="overflow") == 3
    [told] = it.report().methods
    assert (told.compared, told.skipped) == (2, {"overflow": 3})


async def test_few_run_at_the_same_time(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow", shadow={"at_once": 2}))
    running = most = 0

    async def before() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    it.new.before = before
    for _ in range(6):
        await it.clients.count()
    await it.modes.settled()
    assert most == 2
    assert it.verdicts == {"equal": 6}


async def test_a_share_of_the_calls(tmp_path: Path) -> None:
    rolls: Iterator[float] = iter([0.1, 0.9, 0.5, 0.49])
    it = await filled(World(tmp_path, chance=lambda: next(rolls), mode="shadow", shadow={"sample": 0.5}))
    for _ in range(4):
        await it.clients.count()
    await it.modes.settled()
    assert it.verdicts == {"equal": 2}
    assert it.count("skipped", why="sampled out") == 2
    await it.modes.close()


async def test_what_the_caller_does_with_the_answer_changes_no_comparison(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    asked = [1, 2]
    rows = await it.clients.find_many({"id": asked})
    asked.append(3)
    rows[0]["raw"]["a"] = "changed"
    rows.pop()
    await it.modes.settled()
    assert it.verdicts == {"equal": 1}


async def test_the_other_side_is_asked_in_the_callers_context(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    tenant = contextvars.ContextVar("tenant", default="nobody")
    seen: list[str] = []

    async def before() -> None:
        seen.append(tenant.get())

    it.new.before = before
    token = tenant.set("ann")
    await it.clients.count()
    tenant.reset(token)
    await it.modes.settled()
    assert seen == ["ann"]


async def test_a_difference_that_goes_by_itself_is_neither_equal_nor_different(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow", shadow={"again": 0.001}))
    empty_at_first = [True]

    def change(rows: Any) -> Any:
        return [] if empty_at_first and empty_at_first.pop() else rows

    it.new.change = change
    await it.clients.find_many()
    await it.modes.settled()
    assert it.verdicts == {"again": 1}
    it.new.change = lambda rows: []
    await it.clients.find_many()
    await it.modes.settled()
    assert it.verdicts == {"again": 1, "different": 1}


async def test_close_gives_up_on_what_does_not_end(tmp_path: Path) -> None:
    it = await filled(World(tmp_path, mode="shadow", shadow={"at_once": 1}))
    it.new.before = asyncio.Event().wait
    await it.clients.count()
    await it.clients.count()
    await it.modes.close(0.01)
    assert it.verdicts == {}
    assert it.count("skipped", why="closed") == 2
    assert await it.clients.count() == 3
    assert it.count("skipped", why="closed") == 3


async def test_reads_in_a_transaction_are_skipped(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    async with it.clients.transaction() as bound:
        await bound.upsert({"id": 1, "name": "Anna"})
        assert (await bound.find_many({"name": "Anna"}))[0]["id"] == 1
    await it.modes.settled()
    assert it.verdicts == {}
    assert it.count("skipped", why="in a transaction") == 1


async def test_a_walk_that_was_broken_off_is_skipped(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    async with aclosing(it.clients.iterate()) as walk:  # type: ignore[type-var]
        assert (await anext(walk))["id"] == 1
    await it.modes.settled()
    assert it.verdicts == {}
    assert it.count("skipped", why="not read to its end") == 1


# --- functions ----------------------------------------------------------------------------------


async def test_functions_of_the_application(world: MakeWorld) -> None:
    it = world(calls={"staff": "shadow", "services": "new"})

    async def old() -> dict[str, Any]:
        return {"success": True, "data": [1, 2], "timestamp": 1}

    async def new() -> dict[str, Any]:
        return {"success": False, "error": "gone", "timestamp": 2}

    rules = Rules(
        view=lambda answer: answer["data"], failed=lambda answer: None if answer["success"] else answer["error"]
    )
    assert (await it.modes.shadow(old, new, name="staff", rules=rules))["data"] == [1, 2]
    assert (await it.modes.shadow(old, new, name="services"))["error"] == "gone"
    assert (await it.modes.shadow(old, new, name="clients"))["timestamp"] == 1
    await it.modes.settled()
    assert it.verdicts == {"different": 1}
    [told] = it.report().methods
    assert (told.method, told.repository, told.errors) == ("staff", "", {"gone": 1})


async def test_a_function_may_answer_with_a_model(world: MakeWorld) -> None:
    class Told(BaseModel):
        data: list[int]

    it = world(calls={"staff": "shadow"})

    async def old() -> Told:
        return Told(data=[1])

    rules = Rules(view=lambda answer: answer.data)
    answer = await it.modes.shadow(old, old, name="staff", rules=rules)
    answer.data.append(2)
    await it.modes.settled()
    assert it.verdicts == {"equal": 1}


# --- the start ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"repositories": {"cleints": {"mode": "new"}}}, "public.cleints"),
        ({"mode": "dual-write"}, "journal"),
    ],
)
async def test_flags_that_do_not_fit_the_application(said: dict[str, Any], named: str, world: MakeWorld) -> None:
    it = world(**said)
    with pytest.raises(Misconfigured, match=named):
        await it.modes.start()


async def test_a_side_that_was_not_opened(world: MakeWorld) -> None:
    it = world(mode="shadow")
    half: Router[Row] = it.modes.repository(it.old, None)
    with pytest.raises(Misconfigured, match="new"):
        await it.modes.start()
    with pytest.raises(Misconfigured, match="new"):
        await half.count()
    with pytest.raises(Misconfigured, match="one table"):
        it.modes.repository(None, None)


# --- what is told -------------------------------------------------------------------------------


async def test_neither_metrics_nor_log_hold_a_value(world: MakeWorld) -> None:
    it = world(mode="shadow", LOG_DATABASE_CALLS=True)
    await it.old.inner.upsert({"id": 4711, "name": "s3cret-name", "raw": {"s3cret-key": "s3cret-value"}})
    it.new.before = raising(BadValue("s3cret-message", details="s3cret-detail"))
    await it.clients.find_many({"name": "s3cret-name"})
    it.new.before = None
    await it.clients.find_one({"id": 4711})
    await it.clients.upsert({"id": 4711, "name": "s3cret-name"})
    await it.modes.settled()
    it.log.flush()
    said = it.path.read_text(encoding="utf-8") + generate_latest(it.modes.metrics.registry).decode()
    assert "s3cret" not in said
    assert "4711" not in said
    assert it.count("calls", method="find_many", side="legacy") == 1
    assert it.count("calls", method="find_many", side="new") == 1
    told = {m.method: m.calls for m in it.report().methods}
    assert told == {"find_many": {"legacy": 1, "new": 1}, "find_one": {"legacy": 1, "new": 1}, "upsert": {"legacy": 1}}


async def test_calls_are_logged_when_asked_for_only(world: MakeWorld) -> None:
    it = await filled(world(mode="legacy"))
    await it.clients.count()
    assert it.report().lines == 0


async def test_beyond_the_sample_differences_are_counted(world: MakeWorld) -> None:
    it = await filled(world(mode="shadow"))
    it.log._every, it.log._sample = 1e9, 2
    it.new.change = lambda row: {**row, "name": "other"}
    for _ in range(5):
        await it.clients.find_one({"id": 1})
    await it.modes.settled()
    it.log.flush()
    events = [json.loads(line)["event"] for line in it.path.read_text().splitlines()]
    assert events == ["mismatch", "mismatch", "tally"]
    [told] = it.report().methods
    assert (told.different, told.columns, told.kinds) == (5, {"name": 5}, {"values": 5})


async def test_equal_keys_have_one_hash_that_nobody_can_guess(world: MakeWorld, tmp_path: Path) -> None:
    it = await filled(world(mode="shadow"))
    it.new.change = lambda row: {**row, "name": "other"}
    for key in (1, 1, 2):
        await it.clients.find_one({"id": key})
        await it.modes.settled()
    keys = [e["keys"] for e in map(json.loads, it.path.read_text().splitlines()) if e["event"] == "mismatch"]
    assert keys[0] == keys[1] != keys[2]
    other = ShadowLog(tmp_path / "other.jsonl")
    assert other.hashed(("key", (("int", "1"),))) != keys[0][0] == it.log.hashed(("key", (("int", "1"),)))
    other.close()


async def test_a_log_that_cannot_be_written_costs_no_call_and_is_no_pass(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    it = await filled(world(mode="shadow"))

    def full(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, logger="crosswalk.data"):
        patched.setattr("crosswalk.data.modes.log.os.write", full)
        for _ in range(3):
            assert await it.clients.count() == 3
            await it.modes.settled()
    assert len(caplog.records) == 1
    await it.clients.count()
    await it.modes.settled()
    assert it.report().verdict() == "failed", "lines are missing: nobody knows what they said"
