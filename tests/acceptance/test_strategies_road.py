"""Each strategy carries its rows whole, leaves what is preserved byte for byte, and is taken back without a trace.

As a plain owner on both sides. How the target stands is read by pg_dump and by the rows themselves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, LaterRowsLost, NotAsBefore, ShapeUnexpected, StatementFailed, StillUsed
from crosswalk.failpoints import VARIABLE
from crosswalk.ledger import RunState
from crosswalk.mapping import read_mapping
from crosswalk.migration import migrate
from crosswalk.plan import Plan, Strategy
from crosswalk.planfile import PlanFile
from crosswalk.rollback import Loss, rollback
from crosswalk.shaping import BACKUPS
from examples.salon.data import load_source, load_target
from tests.road import ALL_HAZARDS, Road, connected, decision, findings, lay, rows, run, triggers, versions
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role
from tests.standing import alone, dumped, same, standing

ROOT = Path(__file__).parents[2]
SALON, PAIR = ROOT / "examples" / "salon" / "crosswalk.yaml", ROOT / "tests" / "pair"
SESSIONS = ("whatsapp_auth", "whatsapp_keys")
SUMS = {
    # extracted, loaded, merged, quarantined, filtered
    ("default", "recreate"): (1490, 1490, 0, 0, 0),
    ("default", "transform"): (1490, 1457, 4, 29, 0),
    ("default", "hybrid"): (1490, 1457, 4, 29, 0),
    ("traps", "recreate"): (1611, 1611, 0, 0, 0),
    ("traps", "transform"): (1611, 1551, 4, 56, 0),
    ("traps", "hybrid"): (1611, 1551, 4, 56, 0),
    ("pair", "recreate"): (2561, 2561, 0, 0, 0),
    ("pair", "transform"): (3161, 2421, 0, 539, 201),
    ("pair", "hybrid"): (3161, 2421, 0, 539, 201),
}
_ROLES: dict[Path, Role] = {}


def _build(case: str, side: str) -> Callable[[str], Awaitable[None]]:
    async def build(url: str) -> None:
        connection = await asyncpg.connect(url)
        if case == "pair":
            await connection.execute((PAIR / f"{side}.sql").read_text(encoding="utf-8"))
        elif side == "source":
            await load_source(connection, dataset="traps" if case == "traps" else "default")
        else:
            await load_target(connection)
        await connection.close()

    return build


@pytest.fixture
def road_of(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, make_role: MakeRole
) -> Callable[[str], Road]:
    def make(case: str) -> Road:
        urls = []
        for side, server in (("source", pg16), ("target", pg18)):
            owner = _ROLES.setdefault(server.data, make_role(server))
            name = f"strategies_{side}_{'salon' if side == 'target' and case == 'traps' else case}"
            made = template(server, name, _build(case, side), owner=owner)
            urls.append(make_database(server, made, owner=owner))
        return Road(source=urls[0], target=urls[1], file=read_mapping(PAIR / "crosswalk.yaml" if case == "pair" else SALON))

    return make


_LONG = {("traps", "transform"), ("traps", "recreate")}


@pytest.mark.parametrize(
    ("case", "strategy"),
    # The salon goes there in other tests (test_salon, test_traps, test_demo); there and back it goes in the drill, all but once.
    [pytest.param(*each, marks=[pytest.mark.drill] if each[0] == "default" or each in _LONG else []) for each in SUMS],
)
async def test_there_and_back_and_there_again(
    case: str, strategy: Strategy, road_of: Callable[[str], Road], pg18: Server
) -> None:
    road = road_of(case)
    before = await standing(pg18, road.target)
    sessions = dumped(pg18, road.target, *SESSIONS) if case != "pair" else []
    plan = await road.plan(strategy)
    for _ in range(2 if case == "default" else 1):
        done = await road.migrate(plan)
        parts = ("extracted", "loaded", "merged", "quarantined", "filtered")
        assert tuple(sum(getattr(t, part) for t in done.tallies) for part in parts) == SUMS[case, strategy]
        assert all(t.balanced for t in done.tallies)
        found = await road.verify()
        assert findings(found) == []
        assert found.clean
        assert all(p.unchanged for p in found.preserved)
        if sessions:
            same(sessions, dumped(pg18, road.target, *SESSIONS))
        await rollback(road.target)
        same(before, await standing(pg18, road.target))
    left = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text ~ 'archive'"
    assert await rows(road.target, left) == [(0,)]


# --- a small pair, for what goes wrong ----------------------------------------------------------

SOURCE = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE town (id serial PRIMARY KEY, name text UNIQUE, mayor int);
CREATE TABLE emp (
    id int PRIMARY KEY, town int REFERENCES town, boss int REFERENCES emp ON DELETE CASCADE, mood mood, note text CHECK (note <> 'x')
);
INSERT INTO town (name, mayor) VALUES ('Ulm', 2), ('Bonn', NULL);
INSERT INTO emp VALUES (1, 1, NULL, 'good', 'a'), (2, 1, 3, 'bad', NULL), (3, 2, 1, NULL, 'c');
ALTER TABLE town ADD CONSTRAINT ruled FOREIGN KEY (mayor) REFERENCES emp DEFERRABLE;
CREATE INDEX noted ON emp (note);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON emp FOR EACH ROW EXECUTE FUNCTION touch();
"""
TARGET = """
CREATE TABLE town (name text PRIMARY KEY);
CREATE TABLE emp (nr int PRIMARY KEY, title text DEFAULT 'none', at text REFERENCES town);
CREATE INDEX titled ON emp (title);
CREATE VIEW named AS SELECT nr FROM emp;
INSERT INTO town VALUES ('Rom');
INSERT INTO emp VALUES (7, 'old', 'Rom');
CREATE TABLE live (id int PRIMARY KEY, body bytea);
INSERT INTO live VALUES (1, 'theirs');
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [name], existing: keep, columns: {name: name}, drop: {id: numbered elsewhere, mayor: not now}}
  emp:
    from: emp
    key: [nr]
    existing: keep
    columns:
      nr: id
      title: note
      at: {lookup: {table: town, match: {id: town}, take: name}}
    drop: {boss: not now, mood: not now}
{live}
"""
PRESERVED, IGNORED = "preserve: {live: the application's}", "ignore: {target: {live: the application's}}"
"""Preserved tables are dumped and the dump is proven, which takes its time: most tests do without."""
CONTENT = "SELECT id, town, boss, mood::text, note FROM emp ORDER BY 1"
ROWS = [(1, 1, None, "good", "a"), (2, 1, 3, "bad", None), (3, 2, 1, None, "c")]
EVENTS = "SELECT name FROM crosswalk.event WHERE kind = '{kind}' ORDER BY id"


async def _small(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, *, live: str = IGNORED
) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT.replace("{live}", live))


def _write(plan: Plan, path: Path) -> Path:
    file = PlanFile(plans={plan.strategy: plan}, costs=(), decision=decision(plan.strategy))
    path.write_text(file.dump(), encoding="utf-8")
    return path


async def _stopped(road: Road, plan: Plan, failpoint: str, monkeypatch: pytest.MonkeyPatch, path: Path, *, kill: bool) -> None:
    """An end at a failpoint (`name`, or `name@3` for its third passage) after which nothing is tidied up: by SIGKILL,
    or in this process, which is much quicker."""
    place, _, passage = failpoint.partition("@")
    if kill:
        _killed(road, _write(plan, path / "plan.json"), place, passage)
        return
    with monkeypatch.context() as patched:
        patched.setattr("crosswalk.migration.note_stop", _nothing)
        patched.setattr("crosswalk.failpoints._passed", Counter())
        patched.setenv(VARIABLE, f"{place}=error@{passage or 1}")
        with pytest.raises(FailpointHit):
            await migrate(plan, road.servers, allow=ALL_HAZARDS, backup=path / BACKUPS)


async def _nothing(*_: object) -> None:
    return None


def _killed(road: Road, path: Path, place: str, passage: str) -> None:
    allowed = [word for hazard in ALL_HAZARDS for word in ("--allow", hazard)]
    done = subprocess.run(
        [sys.executable, "-m", "crosswalk", "migrate", str(path), *allowed, "--json"],
        env={
            **os.environ, "CROSSWALK_SOURCE": road.source, "CROSSWALK_TARGET": road.target,
            "CROSSWALK_FAILPOINTS": f"{place}=kill@{passage or 1}",
        },
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, (place, done.stdout, done.stderr)


_STOPS = ("shape.before_commit@3", "chunk.before_commit", "complete.before_commit@2")
_KILLS = (*_STOPS, "backup.taken", "shape.after_commit@4", "complete.after_commit", "keys.after_restore", "run.before_finish")


@pytest.mark.parametrize(
    ("failpoint", "kill"),
    [*((f, False) for f in _STOPS), *(pytest.param(f, True, marks=pytest.mark.drill) for f in _KILLS)],
)
async def test_stopped_on_the_way_it_goes_on_or_back(
    failpoint: str,
    kill: bool,
    pg16: Server,
    pg18: Server,
    make_database: MakeDatabase,
    make_role: MakeRole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dumps = failpoint == "backup.taken"
    road = await _small(pg16, pg18, make_database, make_role, live=PRESERVED if dumps else IGNORED)
    before = await standing(pg18, road.target)
    plan = await road.plan("recreate")
    await _stopped(road, plan, failpoint, monkeypatch, tmp_path, kill=kill)
    await alone(pg18, road.target)
    await rollback(road.target)
    same(before, await standing(pg18, road.target))
    await _stopped(road, plan, failpoint, monkeypatch, tmp_path, kill=kill)
    await alone(pg18, road.target)
    done = await road.resume()
    assert [t.loaded for t in done.tallies if t.target.relation == "emp"] == [3]
    assert await rows(road.target, CONTENT) == ROWS
    assert (await road.verify()).clean
    assert (tmp_path / BACKUPS).is_dir() is dumps
    applied = "SELECT number FROM crosswalk.applied WHERE undone_at IS NULL ORDER BY 1"
    assert [number for (number,) in await rows(road.target, applied)] == _shaping(plan)
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def _plan_of(road: Road) -> Plan:
    [(text,)] = await rows(road.target, "SELECT plan::text FROM crosswalk.run ORDER BY id DESC LIMIT 1")
    return Plan.model_validate_json(text)


def _shaping(plan: Plan) -> list[int]:
    return [number for phase in ("shape", "complete") for number, _ in plan.phase(phase)]


async def test_recreate_runs_again_and_repairs_without_its_triggers(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """The triggers came with the last statements: a second run and a repair switch them off all the same."""
    road = await _small(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan("recreate")
    await road.migrate(plan)
    assert await rows(road.target, CONTENT) == ROWS
    async with connected(road.target) as conn:
        stood, fired = await versions(conn, ["emp", "town"]), await triggers(conn)
        await road.migrate(plan)
        assert await versions(conn, ["emp", "town"]) == stood
        assert await triggers(conn) == fired
    await run(road.target, "ALTER TABLE emp DISABLE TRIGGER touch; UPDATE town SET mayor = NULL; DELETE FROM emp WHERE id = 2;"
                           "UPDATE emp SET note = 'b'; ALTER TABLE emp ENABLE TRIGGER touch")
    mended = await road.repair()
    assert mended.after is not None
    assert mended.after.clean
    assert await rows(road.target, CONTENT) == ROWS
    assert (await rollback(road.target)).runs == (1, 2)
    same(before, await standing(pg18, road.target))


async def test_preserved_tables_are_dumped_before_anything_changes(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    road = await _small(pg16, pg18, make_database, make_role, live=PRESERVED)
    plan = await road.plan("hybrid")
    await migrate(plan, road.servers, allow=ALL_HAZARDS, backup=tmp_path / "dumps")
    [made] = (tmp_path / "dumps").iterdir()
    assert {"manifest.json"} < {path.name for path in made.iterdir()}
    assert await rows(road.target, EVENTS.format(kind="backup")) == [("proven",)]
    [(dumped_at, shaped_at)] = await rows(
        road.target,
        "SELECT (SELECT at FROM crosswalk.event WHERE kind = 'backup'), (SELECT min(at) FROM crosswalk.applied)",
    )
    assert dumped_at < shaped_at


async def test_a_form_that_is_not_the_planned_one_stops_the_run_before_a_row_is_moved(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _small(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan("recreate")
    other = plan.model_copy(update={"shaped_fingerprint": "0", "shaped": {**plan.shaped, "public.emp": "0"}})
    with pytest.raises(ShapeUnexpected, match=r"planned 0\): public\.emp is not as planned\.$"):
        await road.migrate(other)
    assert await rows(road.target, "SELECT count(*) FROM emp") == [(0,)]
    with pytest.raises(ShapeUnexpected):
        await road.resume()
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_a_statement_that_fails_stops_the_run_and_the_rollback_takes_the_others_back(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _small(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan("recreate")
    number, last = plan.phase("complete")[-1]
    statements = list(plan.statements)
    statements[number] = last.model_copy(update={"sql": "SELECT 1 / 0"})
    with pytest.raises(StatementFailed, match="22012"):
        await road.migrate(plan.model_copy(update={"statements": tuple(statements)}))
    assert (await rows(road.target, EVENTS.format(kind="state")))[-1] == (RunState.STOPPED.value,)
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_what_the_server_cannot_do_after_the_rows_stops_the_run_before_them(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """The source's view calls a function that 16 knows with other arguments only: of those, no catalog tells beforehand."""
    source = "CREATE TABLE town (id int PRIMARY KEY, name text); INSERT INTO town VALUES (1, 'Ulm');"
    view = "CREATE VIEW drawn AS SELECT id, random(1, 6) AS eyes FROM town;"
    document = "version: 1\ntables:\n  town: {from: town, key: [id], columns: {id: id, name: name}}\n"
    road = await lay(make_database, make_role, (pg18, source + view), (pg16, source.partition("INSERT")[0]), document)
    before = await standing(pg16, road.target)
    with pytest.raises(StatementFailed, match=r"public\.drawn\), tried before the rows come: 42883"):
        await road.migrate(await road.plan("recreate"))
    assert await rows(road.target, "SELECT count(*) FROM town") == [(0,)]
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.chunk_plan") == [(0,)]
    await rollback(road.target)
    same(before, await standing(pg16, road.target))


@pytest.mark.parametrize("strategy", ["transform", "hybrid"])
async def test_rows_that_stood_in_a_table_that_was_given_columns(
    strategy: Strategy, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Added columns are dropped again: the rows that stood there are what they were, byte for byte."""
    road = await _small(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    plan = await road.plan(strategy)
    await road.migrate(plan)
    assert bool(plan.phase("shape")) is (strategy == "hybrid")
    assert findings(await road.verify()) == []
    await run(road.source, "INSERT INTO emp VALUES (4, 2, 1, 'bad', 'd')")
    await road.repair()
    await run(road.target, "INSERT INTO emp (nr) VALUES (99)")
    with pytest.raises(LaterRowsLost, match=r"holds 5 rows .* knows 4 as ours: 1 would be lost"):
        await rollback(road.target)
    done = await rollback(road.target, allow=[Loss.LATER_ROWS])
    assert {t.target.relation: t.deleted for t in done.tables} == {"emp": 5, "town": 2}
    same(before, await standing(pg18, road.target))


async def test_what_others_hung_on_a_table_that_the_plan_made_is_named(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await _small(pg16, pg18, make_database, make_role)
    before = await standing(pg18, road.target)
    await road.migrate(await road.plan("recreate"))
    archive = (await _plan_of(road)).archive
    for hung, off, named in (
        ("CREATE VIEW mine AS SELECT id FROM emp", "DROP VIEW mine", "view mine"),
        ("CREATE TABLE mine (emp int CONSTRAINT hangs REFERENCES emp)", "DROP TABLE mine", r"foreign key hangs of public\.mine"),
    ):
        await run(road.target, hung)
        with pytest.raises(StillUsed, match=named):
            await rollback(road.target)
        await run(road.target, off)
    await run(road.target, "INSERT INTO town (name) VALUES ('Köln')")
    with pytest.raises(LaterRowsLost, match=r"public\.town holds 3 rows .* knows 2"):
        await rollback(road.target)
    await run(road.target, "DELETE FROM town WHERE name = 'Köln'")
    await run(road.target, f"UPDATE {archive}.emp SET title = 'new'")
    with pytest.raises(NotAsBefore, match=r"the rows of public\.emp, 1 before, are not what they were"):
        await rollback(road.target)
    await run(road.target, f"UPDATE {archive}.emp SET title = 'old'")
    await rollback(road.target)
    same(before, await standing(pg18, road.target))
