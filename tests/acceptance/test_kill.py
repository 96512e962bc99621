"""kill -9 at random moments, then `crosswalk resume`: the content is that of an undisturbed run.

The command line is run as a process of its own and killed from outside. The quick form kills a few
times on a small salon; the drill (marker `drill`) kills twenty times at 300,000 clients, at least
fifteen of them inside an open chunk, and once during a COMMIT that a deferred trigger holds up.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from crosswalk.embedded import Server
from crosswalk.failpoints import NAMES
from examples.salon.data import load_source, load_target
from tests.servers import MakeDatabase, MakeTemplate, database_of

MAPPING = Path(__file__).parents[2] / "examples" / "salon" / "crosswalk.yaml"
TABLES = ("companies", "clients", "services", "staff", "staff_schedules", "bookings", "dialog_contexts")
MADE_BY_TARGET = {"bookings": "id", "dialog_contexts": "id"}
"""Numbers from a sequence: a rolled back chunk leaves a gap, and nothing refers to them."""

# The chunk's own row is the last that its transaction writes: a deferred trigger there holds up the COMMIT.
HOLD_UP = """
CREATE SCHEMA IF NOT EXISTS hold;
CREATE FUNCTION hold.commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold_commit AFTER UPDATE ON crosswalk.chunk DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.target_table = 'public.clients' AND NEW.number = 1) EXECUTE FUNCTION hold.commit();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    source: str
    target: str
    plan: Path

    def run(self, *arguments: str, failpoints: str = "") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "crosswalk", *arguments, "--json"],
            env={
                **os.environ, "CROSSWALK_SOURCE": self.source, "CROSSWALK_TARGET": self.target,
                "CROSSWALK_FAILPOINTS": failpoints,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def migrate(self, failpoints: str = "") -> subprocess.Popen[str]:
        arguments = ("migrate", str(self.plan), "--allow", "disables-triggers", "--chunk-size", "2")
        return self.run(*arguments, failpoints=failpoints)

    def finish(self) -> None:
        """Resume until the run is finished; a run that finished before the kill has nothing to resume."""
        done = self.run("resume")
        out, err = done.communicate(timeout=300)
        if done.returncode == 3 and "NothingToResume" in out:
            return
        assert done.returncode == 0, (out, err)


async def content(url: str) -> dict[str, str]:
    """By table: its rows, hashed, without what the target numbers itself; sequences and triggers' states too."""
    connection = await asyncpg.connect(url)
    try:
        found = {}
        for table in TABLES:
            row = f"to_jsonb(t) - '{MADE_BY_TARGET.get(table, '')}'"
            found[table] = await connection.fetchval(
                f"SELECT count(*) || ' ' || COALESCE(sum(hashtextextended(({row})::text, 0)), 0) FROM {table} AS t"
            )
        found["quarantine"] = await connection.fetchval(
            "SELECT count(*) || ' ' || sum(hashtextextended(target_table || source_key::text || code, 0))"
            " FROM crosswalk.quarantine"
        )
        found["triggers"] = await connection.fetchval(
            "SELECT string_agg(tgname || tgenabled::text, ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgname <> 'hold_commit'"
        )
        found["held"] = str(
            await connection.fetchval("SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL")
        )
        found["sequence"] = str(await connection.fetchval("SELECT last_value FROM clients_id_seq"))
        return found
    finally:
        await connection.close()


async def _fill(url: str, rows: int) -> None:
    connection = await asyncpg.connect(url)
    await load_source(connection, dataset="default", rows=rows)
    await connection.close()


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_target(connection, dataset="default")
    await connection.close()


def _plan(source: str, target: str, path: Path) -> Pair:
    pair = Pair(source=source, target=target, plan=path)
    done = pair.run("plan", str(MAPPING), "-o", str(path), "--no-count", "--strategy", "transform", "--why", "a test")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, (out, err)
    return pair


def _wait(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if condition():
            return True
        time.sleep(0.01)
    return False


class _Watcher:
    """Looks at the target from outside, through one connection."""

    def __init__(self, url: str, database: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection = self.loop.run_until_complete(asyncpg.connect(url))
        self.database = database

    def count(self, where: str) -> int:
        return int(
            self.loop.run_until_complete(
                self.connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE '%load%'"
                    f" AND {where}", self.database,
                )
            )
        )

    def chunk_is_open(self) -> bool:
        """A worker has written something in a transaction that is not over."""
        return self.count("backend_xid IS NOT NULL") > 0

    def commit_is_held_up(self) -> bool:
        return self.count("query = 'COMMIT' AND state = 'active' AND wait_event = 'PgSleep'") > 0

    def close(self) -> None:
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()


def _kill(process: subprocess.Popen[str]) -> bool:
    """SIGKILL; whether the process was still running."""
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive


def _drill(pair_of: Callable[[], Pair], server: Server, expected: dict[str, str], *, rounds: int, seed: int) -> int:
    """Kill and resume `rounds` times; returns how many kills were inside an open chunk."""
    chance = random.Random(seed)
    inside = 0
    for number in range(rounds):
        pair = pair_of()
        watcher = _Watcher(server.url(database_of(pair.target)), database_of(pair.target))
        process = pair.migrate()
        assert _wait(watcher.chunk_is_open, process, 120), process.communicate()
        pause = chance.uniform(0, 4.0 if rounds > 5 else 0.4)
        time.sleep(pause)
        if number % 5:
            _wait(watcher.chunk_is_open, process, 30)
        open_now = watcher.chunk_is_open()
        alive = _kill(process)
        inside += open_now and alive
        watcher.close()
        pair.finish()
        assert asyncio.run(content(pair.target)) == expected, f"round {number}, killed after {pause:.2f} s"
    return inside


def _held_up(pair: Pair, server: Server, expected: dict[str, str]) -> None:
    """Kill during a COMMIT that is still under way when resume begins: it lands, and is not done again."""
    first = pair.migrate("chunks.planned=kill@2")
    first.communicate(timeout=120)
    watcher = _Watcher(server.url(database_of(pair.target)), database_of(pair.target))
    watcher.loop.run_until_complete(watcher.connection.execute(HOLD_UP))
    second = pair.run("resume")
    assert _wait(watcher.commit_is_held_up, second, 120), second.communicate()
    assert _kill(second)
    assert watcher.commit_is_held_up()
    watcher.close()
    pair.finish()
    assert asyncio.run(content(pair.target)) == expected


def _pairs(
    rows: int, pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> Callable[[], Pair]:
    async def fill(url: str) -> None:
        await _fill(url, rows)

    source = make_database(pg16, template(pg16, f"salon_{rows}", fill))
    empty = template(pg18, "salon_new", _empty)

    def pair() -> Pair:
        target = make_database(pg18, empty)
        return _plan(source, target, tmp_path / f"{database_of(target)}.json")

    return pair


_CONTENT: dict[int, dict[str, str]] = {}


def _undisturbed(pair_of: Callable[[], Pair], rows: int) -> dict[str, str]:
    """The content after a run that nobody disturbs; made once a session."""
    if rows not in _CONTENT:
        pair = pair_of()
        process = pair.migrate()
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (out, err)
        _CONTENT[rows] = asyncio.run(content(pair.target))
    return _CONTENT[rows]


@pytest.mark.drill
def test_kill_and_resume(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    pair_of = _pairs(20_000, pg16, pg18, template, make_database, tmp_path)
    expected = _undisturbed(pair_of, 20_000)
    _drill(pair_of, pg18, expected, rounds=3, seed=11)


def test_kill_during_a_commit_that_is_held_up(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    pair_of = _pairs(20_000, pg16, pg18, template, make_database, tmp_path)
    _held_up(pair_of(), pg18, _undisturbed(pair_of, 20_000))


ROAD, DRILL = "acceptance/test_strategies_road.py", "acceptance/test_drill.py"
ELSEWHERE = {
    **dict.fromkeys(("backup.taken", "shape.before_commit", "shape.after_commit"), ROAD),
    **dict.fromkeys(("complete.before_commit", "complete.after_commit"), ROAD),
    **dict.fromkeys(
        (
            "keys.before_restore", "keys.after_restore", "repair.before_commit", "chunks.forgotten", "references.forgotten",
            "reconcile.compared", "reconcile.deleted", "clashes.before_commit", "orphans.before_commit", "snapshot.renewed",
            "run.begun", "claim.before_commit", "statistics.taken",
        ),
        DRILL,
    ),
    **dict.fromkeys(("rebuilt.before_commit", "rebuilt.after_commit"), "integration/test_rebuild.py"),
    **dict.fromkeys(("rollback.before_commit", "rollback.after_commit"), "acceptance/test_rollback.py"),
    **dict.fromkeys(("retry.before_commit", "drop.before_commit"), "integration/test_quarantine_drop.py"),
    **dict.fromkeys(("dual.intended", "dual.first_written", "dual.second_written"), "unit/test_data_dual.py"),
    "run.before_begin": "acceptance/test_kill.py",
}
"""Not passed by a transform of the salon, or not to be resumed from; by the file that trips them."""


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_is_tripped_elsewhere_is_named_there(name: str) -> None:
    assert name in NAMES
    assert f'"{name}' in (Path(__file__).parents[1] / ELSEWHERE[name]).read_text(encoding="utf-8")


def test_a_run_that_was_killed_before_it_was_noted_has_not_begun(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The run, what was asked of it and what stood there before are noted together, or not at all."""
    pair = _pairs(1304, pg16, pg18, template, make_database, tmp_path)()
    process = pair.migrate("run.before_begin=kill")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    again = pair.run("resume")
    out, _ = again.communicate(timeout=120)
    assert (again.returncode, "NothingToResume" in out) == (3, True)
    begun = pair.migrate()
    out, _ = begun.communicate(timeout=120)
    assert begun.returncode == 0, out


EVERY_DAY = frozenset(
    {"held.after_commit", "chunk.opened", "chunk.before_commit", "chunk.after_commit", "table.done", "run.before_finish"}
)
"""Of the places that a transform of the salon passes: the others are tripped in the drill."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in EVERY_DAY else [pytest.mark.drill]) for n in sorted(NAMES - ELSEWHERE.keys())],
)
def test_every_failpoint_is_survived(
    name: str, pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    pair_of = _pairs(1304, pg16, pg18, template, make_database, tmp_path)
    expected = _undisturbed(pair_of, 1304)
    pair = pair_of()
    process = pair.migrate(f"{name}=kill")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, f"{name} was not passed"
    pair.finish()
    assert asyncio.run(content(pair.target)) == expected


@pytest.mark.drill
def test_drill_kill_twenty_times_at_scale(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path
) -> None:
    pair_of = _pairs(300_000, pg16, pg18, template, make_database, tmp_path)
    expected = _undisturbed(pair_of, 300_000)
    inside = _drill(pair_of, pg18, expected, rounds=20, seed=20)
    print(f"20 of 20 resumed to the same content; {inside} killed inside an open chunk")
    assert inside >= 15
    _held_up(pair_of(), pg18, expected)
