"""Three strategies costed on real servers: the figures are counted here by hand, or again in Python."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from crosswalk.cli.strategies import render_costs, render_recommendation
from crosswalk.embedded import Server
from crosswalk.errors import PlanUndecided, StrategyImpossible, TableNotEmpty
from crosswalk.mapping import read_mapping, read_text
from crosswalk.plan import STRATEGIES, Columns, Cost, Hazard, Plan, Strategy
from crosswalk.planning import Planned, make_plans
from crosswalk.survey import Servers
from examples.salon.data import Dataset, load_source, load_target
from tests.road import Connection, Road, connected, content, findings, rows, run, sums
from tests.servers import MakeDatabase, MakeRole, sql

ROOT = Path(__file__).parents[2]
SALON, PAIR = ROOT / "examples" / "salon" / "crosswalk.yaml", ROOT / "tests" / "pair" / "crosswalk.yaml"

ROWS = {
    # extracted, loaded, merged, quarantined, filtered, archived
    ("default", "recreate"): (1490, 1490, 0, 0, 0, 0),
    ("default", "transform"): (1490, 1457, 4, 29, 0, 0),
    ("default", "hybrid"): (1490, 1457, 4, 29, 0, 0),
    ("traps", "recreate"): (1611, 1611, 0, 0, 0, 0),
    ("traps", "transform"): (1611, 1551, 4, 56, 0, 0),
    ("traps", "hybrid"): (1611, 1551, 4, 56, 0, 0),
    # A source table that feeds two is moved once as it is, and read twice by the mapping.
    ("pair", "recreate"): (2561, 2561, 0, 0, 0, 0),
    ("pair", "transform"): (3161, 2421, 0, 539, 201, 0),
    ("pair", "hybrid"): (3161, 2421, 0, 539, 201, 0),
}
COLUMNS = {
    # kept, folded, added, dropped, archived. The salon's seven tables have 34 + 39 + 21 + 24 + 10 + 24 + 14 = 166
    # columns; 1 + 24 + 5 + 9 + 3 + 6 + 1 = 49 are dropped, 3 more for good, 19 + 8 live on in a fold alone.
    ("default", "recreate"): (163, 0, 0, 3, 105 + 6 + 10 + 8),
    ("default", "transform"): (87, 27, 0, 52, 0),
    ("default", "hybrid"): (87, 27, 49, 3, 0),
    ("traps", "recreate"): (163, 0, 0, 3, 105 + 6 + 10 + 8 + 8),
    ("traps", "transform"): (87, 27, 0, 52, 0),
    ("traps", "hybrid"): (87, 27, 49, 3, 0),
    # 5 + 3 + 3 + 8 + 15 + 6 + 4 + 6 columns; city, phone, boxes and note are folded
    ("pair", "recreate"): (50, 0, 0, 0, 0),
    ("pair", "transform"): (46, 4, 0, 0, 0),
    ("pair", "hybrid"): (46, 4, 0, 0, 0),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    servers: Servers
    planned: Planned

    def cost(self, strategy: Strategy) -> Cost:
        return next(c for c in self.planned.file.costs if c.strategy == strategy)

    def plan(self, strategy: Strategy) -> Plan:
        return self.planned.file.plans[strategy]


async def _fill(name: str, source: str, target: str) -> None:
    async with connected(source) as old, connected(target) as new:
        if name == "pair":
            await old.execute((PAIR.parent / "source.sql").read_text())
            await new.execute((PAIR.parent / "target.sql").read_text())
        else:
            dataset: Dataset = "traps" if name == "traps" else "default"
            await load_source(old, dataset=dataset)
            await load_target(new, dataset=dataset)


async def _case(name: str, source: str, target: str) -> Case:
    await _fill(name, source, target)
    servers = Servers(source=source, target=target)
    planned = await make_plans(read_mapping(PAIR if name == "pair" else SALON), servers)
    return Case(name=name, servers=servers, planned=planned)


@pytest.fixture(scope="module", params=["default", "traps", "pair"])
def case(request: pytest.FixtureRequest, pg16: Server, pg18: Server, make_role: MakeRole) -> Iterator[Case]:
    urls = []
    for server in (pg16, pg18):
        role = make_role(server)
        sql(server, f'CREATE DATABASE "strategies_{request.param}" OWNER "{role.name}"')
        urls.append(role.url(server, f"strategies_{request.param}"))
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(lambda: asyncio.run(_case(request.param, *urls))).result()
    for server in (pg16, pg18):
        sql(server, f'DROP DATABASE "strategies_{request.param}" WITH (FORCE)')


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_row_and_every_column_is_counted(case: Case, strategy: Strategy) -> None:
    found = case.cost(strategy)
    assert found.possible, found.blockers
    assert tuple(found.rows.values()) == ROWS[case.name, strategy]
    kept, folded, added, dropped, archived = COLUMNS[case.name, strategy]
    assert found.columns == Columns(kept=kept, folded=folded, added=added, dropped=dropped, archived=archived)
    # A row is refused for one reason; only an element of an unnested array counts beside its row.
    assert sum(found.violations.values()) >= found.rows["quarantined"]
    assert found.measured
    assert found.seconds > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_plan_carries_its_own_document_and_the_reviewed_one(case: Case, strategy: Strategy) -> None:
    plan = case.plan(strategy)
    reviewed = (PAIR if case.name == "pair" else SALON).read_text()
    assert plan.strategy == strategy
    assert plan.decision is None
    assert (plan.reviewed or plan.document) == reviewed
    assert plan.mapping().document.preserve == read_text(reviewed).document.preserve
    assert sum(t.expected["extracted"] for t in plan.tables) == ROWS[case.name, strategy][0]
    phases = [s.phase for s in plan.statements if s.kind != "ledger"]
    assert phases == sorted(phases, key=[*dict.fromkeys(phases)].index)


def test_recreate_makes_room_and_lists_what_goes(case: Case) -> None:
    plan = case.plan("recreate")
    archived = sorted(s.table.rpartition(".")[2] for s in plan.statements if s.kind == "archive" and s.table)
    salon = ["appointments_cache", "bookings", "clients", "companies", "dialog_contexts", "reminders", "services"]
    expected = {"pair": [], "default": [*salon, "staff", "staff_schedules", "sync_status"]}
    if case.name in expected:
        assert archived == expected[case.name]
    assert not {"whatsapp_auth", "whatsapp_keys"} & set(archived)
    assert (Hazard.ARCHIVES_TABLES in plan.hazards) == bool(archived)
    assert bool(plan.archive) == bool(archived)
    assert plan.shaped_fingerprint
    assert [t.target for t in plan.tables] != []
    assert all(t.way == "direct" for t in plan.tables)


def test_hybrid_adds_what_transform_drops(case: Case) -> None:
    plan = case.plan("hybrid")
    adds = [s for s in plan.statements if s.hazard is Hazard.ADDS_COLUMNS]
    assert case.planned.checked["hybrid"] is case.planned.checked["transform"], "the rows were judged twice"
    if case.name == "pair":
        assert adds == []
        assert plan.document == plan.reviewed
        assert plan.shaped_fingerprint == ""
    else:
        assert sum(s.sql.count("ADD COLUMN") for s in adds) == 49
        assert plan.shaped_fingerprint not in {"", plan.target_fingerprint}


def test_the_figures_speak_for_what_loses_nothing(case: Case) -> None:
    found = case.planned.file.recommendation
    assert found is not None
    if case.name == "pair":
        # 149 + 96 + 284 + … of 3,161 rows are refused, and nothing stands in the way of the source's own tables
        assert found.strategy == "recreate"
        assert "the target's rules refuse 539 of 3,161 rows, the source's own 0" in found.reasons
    else:
        assert found.strategy == "hybrid"
    if case.name == "traps":  # the others show that the same figures speak for the same
        return
    again = asyncio.run(make_plans(read_mapping(PAIR if case.name == "pair" else SALON), case.servers))
    assert again.file.recommendation == found
    assert [c.rows for c in again.file.costs] == [c.rows for c in case.planned.file.costs]
    assert {s: p.id for s, p in again.file.plans.items()} == {s: p.id for s, p in case.planned.file.plans.items()}


DEFAULTS = {
    "discount": 0, "source": "yclients", "total_spent": 0, "loyalty_level": "Bronze", "client_segment": "New",
    "average_bill": 0, "blacklisted": False, "created_by_ai": False, "ai_messages_count": 0, "services_amount": 0,
    "goods_amount": 0, "goods_count": 0, "is_bookable": True, "votes_count": 0, "has_booking_slots": False,
}


async def _held(url: str) -> dict[str, tuple[int, int]]:
    """By source table: dropped columns that hold something, and rows in which any does."""
    found = {}
    async with connected(url) as conn:
        for mapping in read_mapping(SALON).document.tables.values():
            lost = [c for c, drop in mapping.drop.items() if not drop.final]
            holding: set[str] = set()
            rows = 0
            for line in await content(conn, mapping.from_):
                row = json.loads(line)
                here = {c for c in lost if _something(row[c], DEFAULTS.get(c))}
                holding |= here
                rows += bool(here)
            found[mapping.from_] = (len(holding), rows)
    return found


def _something(value: Any, default: Any) -> bool:
    return value not in (None, "", [], {}) and value != default


def test_dropped_columns_that_hold_something_are_told(case: Case) -> None:
    if case.name == "pair":
        assert not any("dropped column" in text for text in case.cost("transform").losses)
        return
    losses = case.cost("transform").losses
    for table, (columns, holding) in asyncio.run(_held(case.servers.source)).items():
        if columns:
            word, verb = ("column", "holds") if columns == 1 else ("columns", "hold")
            told = f"{table}: {columns} dropped {word} {verb} something in {holding:,} of "
            assert any(text.startswith(told) for text in losses), (told, losses)
        else:
            assert not any(text.startswith(f"{table}:") for text in losses)
    assert not any("dropped column" in text for text in case.cost("hybrid").losses)


def test_the_page_on_strategies_shows_what_is_printed(case: Case) -> None:
    if case.name != "default":
        return
    shown = re.search(r"<!-- plan:.*?-->\n```text\n(.*?)```", (ROOT / "docs" / "strategies.md").read_text(), re.DOTALL)
    assert shown is not None
    told = Console(width=80, file=io.StringIO(), color_system=None, highlight=False, markup=False, emoji=False)
    for each in (*render_costs(case.planned.file.costs), *render_recommendation(case.planned.file.recommendation)):
        told.print(each)
    assert isinstance(told.file, io.StringIO)
    assert _shape(shown.group(1)) == _shape(told.file.getvalue())
    assert max(map(len, told.file.getvalue().splitlines())) <= 80


def _shape(text: str) -> list[str]:
    """Lines without their spacing; times differ from run to run."""
    return [" ".join(re.sub(r"\d+\.\d s", "# s", line).split()) for line in text.strip().splitlines()]


async def test_planning_leaves_both_servers_as_they_were(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = await _small(pg16, pg18, make_database)
    async with connected(way.source) as old, connected(way.target) as new:
        before = [await _everything(conn) for conn in (old, new)]
        await make_plans(way.file, way.servers)
        assert [await _everything(conn) for conn in (old, new)] == before


async def _everything(conn: Connection) -> list[tuple[Any, ...]]:
    """Every relation with its storage and size."""
    rows = await conn.fetch(
        "SELECT oid::regclass::text, relfilenode, pg_relation_size(oid) FROM pg_class"
        " WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1"
    )
    return [tuple(row) for row in rows]


# --- what stands in the way ---------------------------------------------------------------------------

SMALL = """
version: 1
tables:
  people:
    from: people
    key: [id]
    columns: {id: id, name: name}
    drop: {shoe: nobody asks}
"""


async def _small(
    pg16: Server, pg18: Server, make: MakeDatabase, *, source: str = "", target: str = "", document: str = SMALL
) -> Road:
    urls = make(pg16), make(pg18)
    people = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, shoe int DEFAULT 40);"
    rows = "INSERT INTO people SELECT i, 'n' || i, CASE WHEN i < 4 THEN 30 + i ELSE 40 END FROM generate_series(1, 50) i;"
    await run(urls[0], f"{people} {rows} {source}")
    await run(urls[1], f"CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL); {target}")
    return Road(source=urls[0], target=urls[1], file=read_text(document))


async def test_rows_in_the_target_block_two_of_three(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _small(pg16, pg18, make_database, target="INSERT INTO people VALUES (1, 'theirs'), (2, 'theirs');")
    planned = await make_plans(way.file, way.servers)
    costs = {c.strategy: c for c in planned.file.costs}
    assert [s for s in STRATEGIES if costs[s].possible] == ["recreate"]
    assert "2 rows" in costs["hybrid"].blockers[0]
    assert costs["recreate"].rows["archived"] == 2
    assert planned.file.recommendation is not None
    assert planned.file.recommendation.strategy == "recreate"
    with pytest.raises(TableNotEmpty):
        await make_plans(way.file, way.servers, strategies=("hybrid",))
    with pytest.raises(StrategyImpossible, match="people"):
        planned.file.decide("transform", who="Ann", why="x")


async def test_what_recreate_cannot_do_blocks_it_alone(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    document = SMALL.replace("drop: {shoe: nobody asks}", "drop: {shoe: {why: a secret, final: true}}")
    source = "ALTER TABLE people ALTER shoe DROP DEFAULT, ALTER shoe SET NOT NULL;"
    way = await _small(pg16, pg18, make_database, source=source, document=document)
    planned = await make_plans(way.file, way.servers)
    costs = {c.strategy: c for c in planned.file.costs}
    assert [s for s in STRATEGIES if costs[s].possible] == ["transform", "hybrid"]
    assert "public.people.shoe is dropped for good (final), and is NOT NULL" in costs["recreate"].blockers[0]
    await run(way.target, "INSERT INTO people VALUES (1, 'theirs')")
    none = (await make_plans(way.file, way.servers)).file
    assert (none.plans, none.recommendation) == ({}, None)
    assert [bool(c.blockers) for c in none.costs] == [True] * 3
    with pytest.raises(StrategyImpossible, match="NOT NULL without a default"):
        await make_plans(way.file, way.servers, strategies=("recreate",))


async def test_values_that_nobody_wrote_are_no_loss(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _small(pg16, pg18, make_database)
    planned = await make_plans(way.file, way.servers)
    assert planned.file.recommendation is not None
    assert planned.file.recommendation.strategy == "hybrid"
    losses = {c.strategy: c.losses for c in planned.file.costs}
    assert losses["transform"] == ("public.people: 1 dropped column holds something in 3 of 50 rows: shoe (3)",)
    await run(way.source, "UPDATE people SET shoe = 40")
    planned = await make_plans(way.file, way.servers)
    assert planned.file.recommendation is not None
    assert planned.file.recommendation.strategy == "transform"


async def test_what_is_empty_for_its_type_is_no_loss(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    columns = {
        "t": ("text", "''", "'x'"), "v": ("varchar(5)", "''", "'null'"), "a": ("int[]", "'{}'", "'{NULL}'"),
        "j": ("jsonb", "'[]'", "'[0]'"), "k": ("json", "'null'", "'0'"), "n": ("numeric(6,2) DEFAULT 0", "0.00", "0.01"),
        "b": ("boolean DEFAULT true", "true", "false"), "c": ("char(4) DEFAULT 'ab'", "'ab'", "'cd'"),
        "p": ("point DEFAULT '(0,0)'", "'(0,0)'", "'(1,0)'"), "m": ("timestamp DEFAULT now()", "NULL", "now()"),
    }  # fmt: skip
    added = ", ".join(f"ADD {name} {kind}" for name, (kind, _, _) in columns.items())
    empty = ", ".join(f"{name} = {value}" for name, (_, value, _) in columns.items())
    full = ", ".join(f"{name} = {value}" for name, (_, _, value) in columns.items())
    drops = ", ".join(f"{name}: gone" for name in columns)
    way = await _small(
        pg16, pg18, make_database, source=f"ALTER TABLE people {added}; UPDATE people SET shoe = 40, {empty};",
        document=SMALL.replace("shoe: nobody asks", f"shoe: nobody asks, {drops}"),
    )
    planned = await make_plans(way.file, way.servers, strategies=("transform",))
    assert planned.file.costs[0].losses == ()
    await run(way.source, f"UPDATE people SET {full} WHERE id < 6")
    planned = await make_plans(way.file, way.servers, strategies=("transform",))
    assert planned.file.costs[0].losses == (
        "public.people: 10 dropped columns hold something in 5 of 50 rows: a (5), b (5), c (5) and 7 more",
    )


async def test_without_counting_everything_is_a_guess(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _small(pg16, pg18, make_database)
    planned = await make_plans(way.file, way.servers, count=False)
    assert not any(c.measured for c in planned.file.costs)
    assert planned.file.recommendation is not None
    assert planned.file.recommendation.reasons[0].startswith("nothing was counted")
    assert set(planned.file.plans) == set(STRATEGIES)


async def test_a_table_with_a_row_that_no_rule_can_compute_is_not_timed_and_planned_all_the_same(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    document = SMALL.replace("name: name", "name: {sql: (100 / (id - 7))::text}").replace("shoe:", "name: a, shoe:")
    way = await _small(pg16, pg18, make_database, document=document.replace("key:", "rejects: quarantine\n    key:"))
    planned = await make_plans(way.file, way.servers)
    costs = {c.strategy: c for c in planned.file.costs}
    assert costs["transform"].rows["quarantined"] == 1
    assert (costs["transform"].measured, costs["recreate"].measured) == (False, True)


async def test_the_archives_name_gives_way(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    """To a schema of that name on either side, and to one that a second archive would take."""
    way = await _small(pg16, pg18, make_database)
    names: list[str] = []
    for url, taken in ((way.target, ""), (way.target, "{}_3"), (way.source, "{}")):
        if taken:
            await run(url, f"CREATE SCHEMA {taken.format(names[0])}")
        names.append((await way.plan("recreate")).archive)
    first = names[0]
    assert names[1:] == [f"{first}_2", f"{first}_2"]
    await run(way.source, f"CREATE SCHEMA {first}_2")
    assert (await way.plan("recreate")).archive == f"{first}_4"


async def test_a_sample_of_a_large_table_stands_for_all_of_it(
    pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await _small(pg16, pg18, make_database)
    monkeypatch.setattr("crosswalk.timing.SAMPLE", 10)
    planned = await make_plans(way.file, way.servers)
    assert all(c.measured and c.seconds > 0 for c in planned.file.costs)


async def test_foreign_keys_of_the_source_come_after_the_rows(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    source = "CREATE TABLE pets (id int PRIMARY KEY, owner int CONSTRAINT pets_owner REFERENCES people);"
    document = f"{SMALL}  pets: {{from: pets, key: [id], columns: {{id: id, owner: owner}}}}\n"
    target = "CREATE TABLE pets (id int PRIMARY KEY, owner int);"
    way = await _small(pg16, pg18, make_database, source=source, target=target, document=document)
    plan = (await make_plans(way.file, way.servers, strategies=("recreate",))).file.plans["recreate"]
    assert [str(name) for name in plan.order] == ["public.people", "public.pets"]
    assert plan.without == (("public.pets", "pets_owner"),)
    keys = [s for s in plan.statements if s.kind == "foreign key"]
    assert [(s.phase, s.sql) for s in keys] == [("before", "")]
    assert "ADD CONSTRAINT" in keys[0].restore


async def test_what_older_rows_break_is_no_reason_to_refuse_them(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    """A check that was never validated comes after the rows, as it is in the source."""
    source = "ALTER TABLE people ADD CONSTRAINT tall CHECK (shoe > 38) NOT VALID;"
    way = await _small(pg16, pg18, make_database, source=source)
    plan = await way.plan("recreate")
    moved = await way.migrate(plan)
    assert sums(moved) == {"people": (50, 50, 0, 0, 0)}
    assert findings(await way.verify()) == []
    assert sums(await way.migrate(plan)) == {"people": (50, 50, 0, 0, 0)}
    assert await rows(way.target, "SELECT count(*) FROM people WHERE shoe <= 38") == [(3,)]
    checks = "SELECT convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'tall'"
    assert await rows(way.target, checks) == [(False, "CHECK ((shoe > 38)) NOT VALID")]
    assert await rows(way.target, f"SELECT count(*) FROM {plan.archive}.people") == [(0,)]


async def test_hybrid_moves_what_transform_would_drop(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _small(pg16, pg18, make_database)
    moved = await way.migrate(await way.plan("hybrid"))
    assert sums(moved) == {"people": (50, 50, 0, 0, 0)}
    assert findings(await way.verify()) == []
    shoes = "SELECT id, shoe FROM people ORDER BY 1"
    assert await rows(way.target, shoes) == await rows(way.source, shoes)


async def test_a_plan_that_nobody_decided_on_moves_nothing(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = await _small(pg16, pg18, make_database)
    planned = await make_plans(way.file, way.servers, sample=False)
    with pytest.raises(PlanUndecided):
        await way.migrate(planned.file.plans["transform"])
    assert await rows(way.target, "SELECT count(*), to_regclass('crosswalk.run') FROM people") == [(0, None)]
    await way.migrate(planned.file.decide("transform", who="Ann", why="x").chosen())
    assert await rows(way.target, "SELECT count(*) FROM people") == [(50,)]
