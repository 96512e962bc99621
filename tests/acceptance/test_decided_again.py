"""Another decision once a run stands in the target: refused with a clear word until the run is taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FormOutgrown, StrategyChanged, StrategyImpossible
from crosswalk.mapping import read_text
from crosswalk.plan import Plan, Strategy
from crosswalk.planning import make_plans
from crosswalk.rollback import rollback
from tests.road import Road, decision, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, shoe int);
INSERT INTO people SELECT i, 'n' || i, 30 + i FROM generate_series(1, 9) i;
"""
TARGET = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, extra text);"
DOCUMENT = """
version: 1
tables:
  people: {from: people, key: [id], columns: {id: id, name: name, extra: {value: null, why: ours alone}}, drop: {shoe: nobody asks}}
"""


async def _plans(road: Road) -> dict[Strategy, Plan]:
    made = (await make_plans(road.file, road.servers, sample=False)).file.plans
    return {name: plan.model_copy(update={"decision": decision(name)}) for name, plan in made.items()}


async def test_a_run_of_another_strategy_is_taken_back_first(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    plans = await _plans(road)
    await road.migrate(plans["transform"])
    before = await standing(pg18, road.target)
    for strategy in ("hybrid", "recreate"):
        with pytest.raises(StrategyChanged, match=f"Run 1 under transform stands in the target.* carry out {strategy}"):
            await road.migrate(plans[strategy])
    same(before, await standing(pg18, road.target))
    assert await rows(road.target, "SELECT count(*) FROM crosswalk.run") == [(1,)]
    costs = {c.strategy: c for c in (await make_plans(road.file, road.servers, sample=False)).file.costs}
    assert [costs[s].blockers for s in ("transform", "hybrid", "recreate")] == [
        (), *[("run 1 under transform stands in the target: roll it back first",)] * 2
    ]
    with pytest.raises(StrategyImpossible, match="roll it back first"):
        await road.plan("hybrid")
    assert sums(await road.migrate(plans["transform"])) == {"people": (9, 9, 0, 0, 0)}
    await rollback(road.target)
    assert sums(await road.migrate(plans["hybrid"])) == {"people": (9, 9, 0, 0, 0)}


@pytest.mark.parametrize("strategy", ["hybrid", "recreate"])
async def test_the_reviewed_document_is_told_that_its_form_is_gone(
    strategy: Strategy, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    plans = await _plans(road)
    await road.migrate(plans[strategy])
    said = f"as it was before run 1: that run carried this very document out under {strategy}"
    with pytest.raises(FormOutgrown, match=said) as caught:
        await road.check()
    assert "crosswalk rollback" in caught.value.advice
    with pytest.raises(FormOutgrown):
        await _plans(road)
    with pytest.raises(StrategyChanged):  # and not a drift that nobody else has made
        await road.migrate(plans["transform"])
    other = replace(road, file=read_text(DOCUMENT.replace("nobody asks", "another reason")))
    with pytest.raises(FormOutgrown, match="carried a document on these tables out"):
        await other.check()
    again = replace(road, file=plans[strategy].mapping())
    assert (await again.check()).problems == ()
    assert sums(await road.migrate(plans[strategy])) == {"people": (9, 9, 0, 0, 0)}
    await rollback(road.target)
    assert (await road.check()).problems == ()


async def test_a_run_that_left_nothing_rules_nothing_out(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Stopped before it touched anything; and problems that no run has made are told as they are."""
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)
    plans = await _plans(road)
    await road.migrate(plans["hybrid"])
    await rollback(road.target)
    await run(road.target, "ALTER TABLE people ADD further int")
    assert len((await road.check()).problems) == 1
    await run(road.target, "ALTER TABLE people DROP further")
    assert sums(await road.migrate(plans["transform"])) == {"people": (9, 9, 0, 0, 0)}
