"""Tables and columns that came after the plan, on either side: what they stop and when, and what they do not."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import (
    CrosswalkError,
    FailpointHit,
    HazardUnknown,
    PlanDrifted,
    SchemaMoved,
    TriggerUnplanned,
)
from crosswalk.failpoints import VARIABLE
from crosswalk.plan import Strategy
from crosswalk.progress import Silent
from crosswalk.rollback import rollback
from tests.road import ALL_HAZARDS, Road, connected, constraints, findings, lay, rows, run, triggers
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = """
CREATE TABLE client (id int PRIMARY KEY, name text, spare text);
CREATE TABLE visit (id int PRIMARY KEY, client int REFERENCES client, note text);
INSERT INTO client SELECT i, 'c' || i, 'kept' FROM generate_series(1, 3) AS i;
INSERT INTO visit SELECT i, i, 'v' || i FROM generate_series(1, 3) AS i;
"""
TARGET = """
CREATE TABLE client (id int PRIMARY KEY, name text, last int);
CREATE TABLE visit (id int PRIMARY KEY, client int REFERENCES client, note text);
ALTER TABLE client ADD CONSTRAINT client_last FOREIGN KEY (last) REFERENCES visit;
CREATE TABLE session (id int PRIMARY KEY, body text);
INSERT INTO session VALUES (1, 'live');
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER told BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION told();
"""
MAPPING = """
version: 1
tables:
  client:
    from: client
    key: [id]
    columns: {id: id, name: name, last: {sql: "id + 0", why: the same number}}
    drop: {spare: nobody reads it}
  visit:
    from: visit
    key: [id]
    columns: {id: id, client: client, note: note}
preserve:
  session: live
"""
COLUMN = "ALTER TABLE client ADD COLUMN since text"
TRIGGER = "CREATE TRIGGER late BEFORE INSERT ON client FOR EACH ROW EXECUTE FUNCTION told()"
NEW = "CREATE TABLE newapp (i int)"


@pytest.fixture
async def road(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), MAPPING)


class Notes(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("strategy", ["transform", "recreate"])
async def test_a_table_that_came_after_the_plan_stops_nothing_and_is_told(road: Road, strategy: Strategy) -> None:
    plan = await road.plan(strategy)
    await run(road.target, NEW)
    await run(road.source, NEW.replace("newapp", "newold"))
    notes = Notes()
    await road.migrate(plan, observer=notes)
    said = "; ".join(notes.said)
    assert "public.newapp of the target came after the plan: nobody decided about it" in said
    assert "public.newold of the source came after the plan: nobody decided about it" in said
    found = await road.verify()
    assert findings(found) == []
    assert any("public.newapp" in line for line in found.uncovered)
    await run(road.target, "UPDATE visit SET note = 'other' WHERE id = 2")
    mended = await road.repair()
    assert mended.after is not None
    assert mended.after.clean
    with pytest.raises(CrosswalkError):
        await road.plan()


@pytest.mark.parametrize(
    ("strategy", "side", "change", "error"),
    [
        ("transform", "source", COLUMN, PlanDrifted),
        ("recreate", "source", COLUMN, PlanDrifted),
        ("recreate", "target", COLUMN, PlanDrifted),
        ("hybrid", "target", TRIGGER, TriggerUnplanned),
    ],
)
async def test_drift_is_found_before_the_first_change(
    road: Road, pg18: Server, strategy: Strategy, side: str, change: str, error: type[PlanDrifted]
) -> None:
    plan = await road.plan(strategy)
    await run(road.source if side == "source" else road.target, change)
    before = await standing(pg18, road.target)
    with pytest.raises(error) as refused:
        await road.migrate(plan)
    assert refused.value.exit_code == 3
    same(before, await standing(pg18, road.target))


async def test_a_stopped_run_goes_on_beside_a_new_table(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(road.target) as target:
        before = await triggers(target), await constraints(target)
        with monkeypatch.context() as patch:
            patch.setenv(VARIABLE, "table.done=error")
            with pytest.raises(FailpointHit):
                await road.migrate()
        await run(road.target, NEW)
        await road.resume()
        assert (await triggers(target), await constraints(target)) == before
    assert findings(await road.verify()) == []


async def test_a_column_that_came_under_a_stopped_run_is_named_and_triggers_come_back(
    road: Road, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await standing(pg18, road.target)
    async with connected(road.target) as target:
        with monkeypatch.context() as patch:
            patch.setenv(VARIABLE, "table.done=error")
            with pytest.raises(FailpointHit):
                await road.migrate()
        # As after a kill: nobody has switched it on again.
        await target.execute("ALTER TABLE visit DISABLE TRIGGER told")
        await target.execute(
            "INSERT INTO crosswalk.held (run_id, kind, target_table, name, restore)"
            " VALUES (1, 'trigger', 'public.visit', 'told', 'ALTER TABLE public.visit ENABLE TRIGGER told')"
        )
        await run(road.source, "ALTER TABLE client ADD COLUMN since text")
        with pytest.raises(SchemaMoved) as refused:
            await road.resume()
        assert "public.client.since" in str(refused.value)
        assert "rollback" in refused.value.advice
        assert await target.fetchval("SELECT tgenabled FROM pg_trigger WHERE tgname = 'told'") == b"O"
    await rollback(road.target)
    same(before, await standing(pg18, road.target))


async def test_a_column_that_came_since_is_named_by_verify_and_repair(road: Road) -> None:
    await road.migrate()
    await run(road.source, "ALTER TABLE client ADD COLUMN since text")
    for ask in (road.verify, road.repair):
        with pytest.raises(SchemaMoved) as refused:
            await ask()
        assert "public.client.since" in str(refused.value)
        assert refused.value.exit_code == 3


async def test_a_hazard_that_nobody_knows_is_refused(road: Road) -> None:
    plan = await road.plan()
    with pytest.raises(HazardUnknown) as refused:
        await road.migrate(plan, allow=[*ALL_HAZARDS, "bogus"])
    assert "bogus" in str(refused.value)
    assert "unproven-backup" in refused.value.advice
    assert refused.value.exit_code == 64
    assert await rows(road.target, "SELECT count(*) FROM client") == [(0,)]
