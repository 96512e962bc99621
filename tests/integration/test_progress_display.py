"""What is shown while a run goes on: every figure against the ledger at that moment, and the forecast against the clock."""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from rich.console import Console

from crosswalk.board import look
from crosswalk.cli.progress import Bars, Lines
from crosswalk.embedded import Server
from crosswalk.errors import Interrupted
from crosswalk.ledger import Tally
from crosswalk.migration import Migrated, migrate, never, resume
from crosswalk.names import Name
from crosswalk.plan import Strategy
from crosswalk.progress import Phase, Standing, Stretch
from crosswalk.reckoning import Figures, Reckoning
from tests.road import ALL_HAZARDS, BACKUPS, Connection, Road, road, run
from tests.servers import MakeDatabase, MakeTemplate, sql

SOURCE = """
CREATE TABLE node (code text PRIMARY KEY, parent text, label text);
INSERT INTO node SELECT 'n' || i, CASE WHEN i > 1 THEN 'n' || (i * 7 % 300 + 1) END, CASE WHEN i % 50 <> 7 THEN 'node ' || i END
FROM generate_series(1, 300) AS i;
CREATE TABLE item (id int PRIMARY KEY, note text);
INSERT INTO item SELECT i, CASE WHEN i % 900 = 0 THEN 'bad' ELSE repeat(md5(i::text), 6) END FROM generate_series(1, 3000) AS i;
CREATE INDEX item_note ON item (md5(note));
ANALYZE;
"""
TARGET = """
CREATE TABLE node (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE,
                   parent_id bigint REFERENCES node, label text NOT NULL);
CREATE FUNCTION allowed(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT $1 <> 'bad'$$;
CREATE TABLE item (id int PRIMARY KEY, note text CHECK (public.allowed(note)));
"""
DOCUMENT = """\
version: 1
tables:
  node:
    from: node
    key: [code]
    rejects: quarantine
    columns:
      code: code
      parent_id: {lookup: {table: node, match: {code: parent}, take: id, missing: "null"}}
      label: label
  item: {from: item, key: [id], rejects: quarantine, columns: {id: id, note: note}}
"""
COMMITTED = """
SELECT (SELECT count(*) FROM crosswalk.tally) AS tables,
       sum(COALESCE(t.written, c.rows))::bigint AS rows, sum(c.bytes)::bigint AS bytes,
       sum(COALESCE(t.quarantined, c.rejected))::bigint AS rejected
FROM (SELECT target_table, sum(rows) FILTER (WHERE number < 1000000000) AS rows,
             sum(bytes) FILTER (WHERE number < 1000000000) AS bytes, sum(rejected) AS rejected
      FROM crosswalk.chunk GROUP BY 1) AS c
LEFT JOIN crosswalk.tally AS t USING (target_table)
"""
CHUNK = 60_000
T = TypeVar("T")
Told = tuple[int, int, int, int]
"""tables, rows, bytes, rejected"""


class Aside:
    """A connection with a loop of its own, to be asked while the loop of the test is busy."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._conn: Connection = self._do(asyncpg.connect(url))

    def committed(self) -> Told:
        row = self._do(self._conn.fetchrow(COMMITTED))
        assert row is not None
        tables, *others = row.values()
        return (tables, *(int(v or 0) for v in others))

    def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Whatever another process would ask at this moment."""
        return self._do(work())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._do(self._conn.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def told(figures: Figures) -> Told:
    return figures.tables, figures.rows, figures.bytes, figures.rejected


class Watching(Bars):
    """What a terminal of 80 columns is shown, held against the ledger each time that something is committed."""

    def __init__(self, aside: Aside, *, exact: bool = True) -> None:
        self.page = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None, legacy_windows=False)
        super().__init__(self.page)
        self.aside, self.exact = aside, exact
        self.moments: list[tuple[Told, Told]] = []
        self.phases: list[Phase | None] = []
        self.names: list[str] = []
        self.notes: list[str] = []
        self.act: dict[int, Callable[[], object]] = {}
        """Something that happens once so many chunks have landed."""
        self.chunks = 0
        self.first: Told | None = None
        """When the first table began."""

    def table(self, name: Name, chunks: int, landed: int) -> None:
        self.first = self.first or told(self.reckoning.figures())
        super().table(name, chunks, landed)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def chunk(self, name: Name, stretch: Stretch) -> None:
        super().chunk(name, stretch)
        self.chunks += 1
        self.look()
        self.act.pop(self.chunks, lambda: None)()

    def stands(self, name: Name, standing: Standing) -> None:
        super().stands(name, standing)
        self.look(settled=False)

    def done(self, name: Name, tally: Tally) -> None:
        super().done(name, tally)
        self.look()

    def building(self, name: Name, what: str) -> None:
        super().building(name, what)
        self.names.append(what)

    def look(self, *, settled: bool = True) -> None:
        self.page.print(self)
        if settled:
            self.moments.append((told(self.reckoning.figures()), self.aside.committed()))
        self.phases.append(self.reckoning.figures().phase)

    def require_agreement(self) -> None:
        """All that was shown is what the ledger had; with several workers it may know of one commit more."""
        assert self.moments
        for shown, known in self.moments if self.exact else self.moments[-1:]:
            assert shown == known
        for shown, known in self.moments:
            assert all(a <= b for a, b in zip(shown, known, strict=True)), (shown, known)
        assert all(len(line) <= 80 for line in str(self.page.file.getvalue()).splitlines())  # type: ignore[attr-defined]
        assert [work.passing for work in self.reckoning._works.values()] == [0] * len(self.reckoning._works)


@dataclass(kw_only=True)
class Place:
    way: Road
    aside: Aside
    target: Server

    async def migrate(self, watching: Watching, *, jobs: int = 1, strategy: Strategy = "transform", **asked: Any) -> Migrated:
        plan = await self.way.plan(strategy)
        return await migrate(
            plan, self.way.servers, allow=ALL_HAZARDS, jobs=jobs, chunk_bytes=CHUNK, observer=watching, backup=BACKUPS,
            stop=asked.pop("stop", never), **asked,
        )  # fmt: skip


@pytest.fixture
async def place(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> AsyncIterator[Place]:
    source = make_database(pg16, template(pg16, "display_old", lambda url: run(url, SOURCE)))
    target = make_database(pg18, template(pg18, "display_new", lambda url: run(url, TARGET)))
    way = road(source, target, DOCUMENT)
    found = Place(way=way, aside=Aside(target), target=pg18)
    yield found
    found.aside.close()


@pytest.mark.parametrize("jobs", [1, 2])
async def test_every_figure_is_that_of_the_ledger_with_refused_rows_and_a_second_passage(place: Place, jobs: int) -> None:
    watching = Watching(place.aside, exact=jobs == 1)
    done = await place.migrate(watching, jobs=jobs)
    watching.require_agreement()
    assert watching.chunks > 10
    last = watching.reckoning.figures()
    assert (last.rows, last.rejected) == (sum(t.written for t in done.tallies), 9)
    assert {6, 7, 8, 9} <= {shown[3] for shown, _ in watching.moments}, "by the rules at a table's end, by the load at once"
    assert set(watching.phases) >= {Phase.LOAD, Phase.REFERENCES}
    assert (last.tables, last.of, last.phase) == (2, 2, Phase.FINISH)


async def test_a_resumed_run_counts_what_had_landed_before(place: Place) -> None:
    first = Watching(place.aside)
    with pytest.raises(Interrupted):
        await place.migrate(first, stop=lambda: first.chunks >= 8)
    first.require_agreement()
    landed = place.aside.committed()
    again = Watching(place.aside)
    await resume(place.way.servers, jobs=1, observer=again)
    again.require_agreement()
    assert again.first == landed, "before anything else had happened"
    assert again.chunks < 20


async def test_a_stretch_that_is_moved_again_after_a_lost_connection_counts_once(place: Place) -> None:
    watching = Watching(place.aside)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'crosswalk/% load%'"
    watching.act = {number: lambda: sql(place.target, end) for number in (4, 9)}
    await place.migrate(watching)
    watching.require_agreement()
    assert sum("lost its connection" in note for note in watching.notes) == 2, watching.notes


async def test_another_process_is_told_the_same_figures(place: Place, tmp_path: Path) -> None:
    watching = Watching(place.aside)
    seen: list[tuple[Figures, Figures]] = []

    async def status() -> Figures:
        found = await look(None, place.way.target, document=tmp_path / "no.yaml", plan=tmp_path / "no.json")
        assert found.history is not None
        assert found.history.figures is not None
        return found.history.figures

    def compare() -> None:
        seen.append((watching.reckoning.figures(), place.aside.ask(status)))

    watching.act = dict.fromkeys((2, 7, 12), compare)
    await place.migrate(watching)
    assert len(seen) == 3
    for shown, known in seen:
        assert told(shown) == told(known)
        assert (shown.phase, shown.of, shown.workers) == (known.phase, known.of, known.workers)
        assert known.speed > 0
        assert shown.speed > 0


async def test_indexes_that_are_built_are_told(place: Place) -> None:
    watching = Watching(place.aside, exact=False)
    await place.migrate(watching, jobs=2, strategy="recreate")
    assert "item_note" in watching.names
    watching.require_agreement()


async def test_without_a_terminal_lines_come_now_and_then(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crosswalk.cli.progress.LINE_SECONDS", 0.0)
    class Ticking(Lines):
        def chunk(self, name: Name, stretch: Stretch) -> None:
            super().chunk(name, stretch)
            self.tick()

    ticking = Ticking()
    plan = await place.way.plan()
    await migrate(plan, place.way.servers, allow=ALL_HAZARDS, chunk_bytes=CHUNK, observer=ticking, backup=BACKUPS)
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("load: 1/2 tables, ") for line in said), said
    assert any(line == "public.item: 3,000 rows, 2,997 loaded, 3 quarantined" for line in said), said
    assert all(len(line) <= 80 for line in said)


# --- the forecast on a run of a minute --------------------------------------------------------------

MINUTE = """
CREATE TABLE visit (id bigint PRIMARY KEY, client int NOT NULL, state text NOT NULL, at timestamptz NOT NULL);
INSERT INTO visit SELECT i, 1 + i::bigint * 7919 % {clients}, (ARRAY['done', 'open', 'lost'])[1 + i % 3],
       '2024-01-01Z'::timestamptz + i * interval '1 min'
FROM generate_series(1, {visits}) AS i;
CREATE INDEX visit_client ON visit (client);
CREATE INDEX visit_at ON visit (at, state);
CREATE TABLE client (id int PRIMARY KEY, name text NOT NULL, note text);
INSERT INTO client SELECT i, 'client ' || i, repeat(md5(i::text), 24) FROM generate_series(1, {clients}) AS i;
CREATE INDEX client_name ON client (name);
CREATE TABLE letter (id int PRIMARY KEY, body text);
ALTER TABLE letter ALTER body SET STORAGE EXTERNAL;
INSERT INTO letter SELECT i, repeat(md5(i::text), 700) FROM generate_series(1, {letters}) AS i;
ALTER TABLE visit ADD FOREIGN KEY (client) REFERENCES client;
ANALYZE;
"""
MINUTE_TARGET = """
CREATE TABLE visit (id bigint PRIMARY KEY, client int, state text, at timestamptz);
CREATE TABLE client (id int PRIMARY KEY, name text, note text);
CREATE TABLE letter (id int PRIMARY KEY, body text);
"""
MINUTE_DOCUMENT = """\
version: 1
tables:
  client: {from: client, key: [id], columns: {id: id, name: name, note: note}}
  visit: {from: visit, key: [id], columns: {id: id, client: client, state: state, at: at}}
  letter: {from: letter, key: [id], columns: {id: id, body: body}}
"""


@pytest.mark.drill
@pytest.mark.parametrize("strategy", ["recreate", "transform"])
async def test_after_a_fifth_of_a_minute_the_forecast_is_within_thirty_percent(
    pg16: Server, pg18: Server, make_database: MakeDatabase, strategy: Strategy
) -> None:
    """Set CROSSWALK_DRILL_SCALE to 5 for a run of some five minutes."""
    scale = float(os.environ.get("CROSSWALK_DRILL_SCALE", "1"))
    source, target = make_database(pg16), make_database(pg18)
    sizes = {"visits": int(18_000_000 * scale), "clients": int(900_000 * scale), "letters": int(45_000 * scale)}
    await run(source, MINUTE.format(**sizes))
    await run(target, MINUTE_TARGET)
    way = road(source, target, MINUTE_DOCUMENT)
    counted, shown = Reckoning(), list[tuple[float, Figures]]()

    async def sample() -> None:
        while True:
            shown.append((time.monotonic(), counted.figures()))
            await asyncio.sleep(0.5)

    plan = await way.plan(strategy)
    sampling = asyncio.create_task(sample())
    await migrate(plan, way.servers, allow=ALL_HAZARDS, jobs=2, observer=counted, backup=BACKUPS)
    sampling.cancel()
    end = time.monotonic()
    shown = [(at, f) for at, f in shown if f.elapsed is not None]
    begun = shown[0][0]
    page = [
        (round((at - begun) / (end - begun), 2), f.phase, round(end - at, 1), round(f.left, 1) if f.left is not None else None)
        for at, f in shown
    ]
    known = [each for each in page if each[3] is not None]
    share, _, truth, left = min(known, key=lambda each: abs(each[0] - 0.2))
    told = "part of the time, phase, seconds left, said:" + "".join(f"\n{each}" for each in page)
    assert abs(share - 0.2) < 0.03, told
    assert left == pytest.approx(truth, rel=0.3), told
