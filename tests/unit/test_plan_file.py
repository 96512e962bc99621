"""The plan's file: what is refused, and how a decision gets into it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crosswalk.cli import main
from crosswalk.errors import BadPlan, CannotWrite, PlanUndecided, StrategyImpossible
from crosswalk.plan import Cost, Plan, Recommendation, Statement, sealed
from crosswalk.planfile import PlanFile, read_plans, write_plans


def plan(strategy: str = "transform") -> Plan:
    return sealed(
        Plan.model_validate(
            {
                "id": "", "version": "1", "created_at": "2026-01-01T00:00:00+00:00", "strategy": strategy,
                "mapping_path": "m.yaml", "document": "version: 1", "source": {}, "target": {},
                "source_fingerprint": "a", "target_fingerprint": "b", "tables": [], "seconds": 1.0,
            }
        )
    )


def plans() -> PlanFile:
    costs = (
        Cost(strategy="recreate", possible=False, blockers=("a view stands in the way",)),
        Cost(strategy="transform", possible=True),
        Cost(strategy="hybrid", possible=True),
    )
    return PlanFile(
        plans={"transform": plan(), "hybrid": plan("hybrid")},
        costs=costs,
        recommendation=Recommendation(strategy="hybrid", reasons=("nothing is lost",)),
    )


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plans(path, plans())
    assert read_plans(path) == plans()
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file"):
        write_plans(tmp_path / "absent" / "plan.json", plans())


def test_nobody_decided(tmp_path: Path) -> None:
    with pytest.raises(PlanUndecided, match=r"plan\.json"):
        plans().chosen(tmp_path / "plan.json")


def test_a_decision_says_who_why_when_and_what_had_been_recommended() -> None:
    decided = plans().decide("transform", who="Ann", why="nobody reads the old columns")
    found = decided.chosen()
    assert found.strategy == "transform"
    assert found.decision == decided.decision
    assert found.costs == decided.costs
    assert found.recommendation == decided.recommendation
    assert decided.decision is not None
    told = decided.decision.model_dump()
    assert told.pop("at").endswith("+00:00")
    assert told == {
        "strategy": "transform", "who": "Ann", "why": "nobody reads the old columns", "recommended": "hybrid",
    }


def test_the_newest_decision_stands_and_the_earlier_ones_stay_listed() -> None:
    twice = plans().decide("transform", who="Ann", why="one").decide("hybrid", who="Bob", why="two")
    assert twice.chosen().strategy == "hybrid"
    assert [(d.who, d.why) for d in twice.earlier] == [("Ann", "one")]
    thrice = twice.decide("transform", who="Cid", why="three")
    assert [d.who for d in thrice.earlier] == ["Ann", "Bob"]


def test_an_impossible_strategy_is_refused_with_what_stands_in_its_way() -> None:
    with pytest.raises(StrategyImpossible, match="recreate cannot be taken here: a view stands in the way"):
        plans().decide("recreate", who="Ann", why="x")
    alone = PlanFile(plans={"transform": plan()}, costs=(Cost(strategy="transform", possible=True),))
    with pytest.raises(StrategyImpossible, match="holds no plan for it"):
        alone.decide("hybrid", who="Ann", why="x")


def test_a_decision_changes_no_plan() -> None:
    decided = plans().decide("transform", who="Ann", why="x")
    assert decided.chosen().id == plans().plans["transform"].id


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"format": 2}', "[]"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadPlan, match=r"p\.json cannot be used"):
        read_plans(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 2,', '"format": 2, "formatt": 1,', "formatt: Extra inputs"),
        ('"document": "version: 1"', '"document": "version: 2"', "edited"),
        ('"strategy": "hybrid",\n      "mapping_path"', '"strategy": "transform",\n      "mapping_path"', "edited"),
        ('"decision": null', '"decision": {"strategy": "recreate", "who": "a", "why": "b", "at": "c"}', "holds no plan"),
    ],
)
def test_a_file_that_somebody_edited_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "p.json"
    text = plans().dump()
    head, found, tail = text.rpartition(old)
    assert found
    path.write_text(head + new + tail, encoding="utf-8")
    with pytest.raises(BadPlan, match=said):
        read_plans(path)


def test_plans_that_changed_places_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    content = json.loads(plans().dump())
    content["plans"] = {"transform": content["plans"]["hybrid"], "hybrid": content["plans"]["transform"]}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadPlan, match="another strategy's name"):
        read_plans(path)
    with pytest.raises(BadPlan, match="No such file"):
        read_plans(tmp_path / "absent.json")


HOSTILE = "a\nb\r\x1b[31m[bold]\u202e\x07'; DROP TABLE t; --\""


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_plan_and_a_decision_hold_prints_harmlessly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    path = tmp_path / "it's a plan.json"
    made = plan().model_copy(update={"warnings": (HOSTILE,), "preserved": (HOSTILE,), "source": {"version": HOSTILE}})
    made = sealed(made.model_copy(update={"statements": (
        Statement(phase="before", table=HOSTILE, kind="trigger", name=HOSTILE, sql=HOSTILE, restore=HOSTILE),
    )}))
    costs = (Cost(strategy="transform", possible=True, blockers=(HOSTILE,), losses=(HOSTILE,)),)
    write_plans(path, PlanFile(plans={"transform": made}, costs=costs))
    for why in (HOSTILE, HOSTILE + "x" * 10**7, "\udce9"):  # the last: a byte of a command line that is no UTF-8
        more = ["--json"] if as_json else []
        assert main(["decide", "transform", str(path), "--why", why, "--who", HOSTILE, *more]) == 0
    told = capsys.readouterr()
    decided = read_plans(path)
    assert decided.decision is not None
    assert decided.decision.why == "\ufffd"
    assert [d.why[: len(HOSTILE)] for d in decided.earlier] == [HOSTILE, HOSTILE]
    assert {d.who for d in decided.earlier} == {HOSTILE}
    assert not set("\r\x1b\x07\u202e") & set(told.err + ("" if as_json else told.out))
    if as_json:
        assert len(told.out.splitlines()) == 3
    else:
        assert len(told.out) < 50_000
        assert f"crosswalk migrate '{tmp_path}/it'\"'\"'s a plan.json'" in told.err
