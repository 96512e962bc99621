"""The board over every state that a project can be in: what it shows, and what it says to do next."""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import Any

import pytest
from rich.console import Console

from crosswalk.board import Board, Facts, GateState, History, Trouble, weigh
from crosswalk.board.weigh import PHASES
from crosswalk.cli.boards import board_json, render_board
from crosswalk.errors import BadMapping, PlanDrifted
from crosswalk.judge import Problem
from crosswalk.ledger import Held, Run, RunState, Tally
from crosswalk.mapping import read_text
from crosswalk.names import Name
from crosswalk.plan import Cost, Decision, Hazard, Plan, Recommendation, Statement, sealed
from crosswalk.planfile import PlanFile

DOCUMENT = """\
version: 1
tables:
  customers:
    from: clients
    key: [id]
    rejects: quarantine
    columns:
      id: id
      name: {sql: upper(name)}
"""
ASKED = DOCUMENT.replace("{sql: upper(name)}", "{sql: upper(name), status: proposed, confidence: 0.7}")
RECOMMENDED = Recommendation(strategy="transform", reasons=("it's the least work", "nothing is lost"))
WHO = Decision(strategy="transform", who="Ann", why="the new schema stays", at="2026-01-02T10:30:00+00:00")
TARGET = Name("public", "customers")


def made_plan(**more: Any) -> Plan:
    plan = Plan(
        id="", version="0", created_at="2026-01-02T09:00:00+00:00", strategy="transform", mapping_path="crosswalk.yaml",
        document=DOCUMENT, source={}, target={}, source_fingerprint="a", target_fingerprint="b", tables=(), seconds=1.0,
        **more,
    )  # fmt: skip
    return sealed(plan)


def plans(*, decided: bool = False, plan: Plan | None = None) -> PlanFile:
    return PlanFile(
        plans={"transform": plan or made_plan()}, costs=(Cost(strategy="transform", possible=True),),
        recommendation=RECOMMENDED, decision=WHO if decided else None,
    )  # fmt: skip


def history(*events: tuple[str, str, dict[str, Any]], **more: Any) -> History:
    """The newest state event is the run's state."""
    plan = {**made_plan().model_dump(mode="json"), "decision": WHO.model_dump(mode="json")}
    states = [RunState(name) for kind, name, _ in events if kind == "state"]
    run = Run(id=3, plan_id=plan["id"], plan=plan, state=states[-1], started_at="2026-01-02 11:00:00+00")
    noted = tuple(
        {"at": f"2026-01-02 11:0{n}:00+00", "kind": kind, "name": name, "detail": detail}
        for n, (kind, name, detail) in enumerate(events)
    )
    return History(runs=(run,), events=noted, **more)


Event = tuple[str, str, dict[str, Any]]
STARTED: Event = ("state", "started", {})
COPYING: Event = ("state", "copying", {})
STOPPED: Event = ("state", "stopped", {"error": "ConnectionLost"})
FINISHED: Event = ("state", "finished", {})
ROLLED_BACK: Event = ("state", "rolled back", {})
CLEAN = ("proof", "verified", {"clean": True, "rows": 1490})
DIRTY = ("proof", "verified", {"clean": False, "rows": 1490})
FILE = read_text(DOCUMENT, path="crosswalk.yaml")
BALANCED = Tally(
    target=TARGET, source=Name("public", "clients"), extracted=4, loaded=3, merged=0, quarantined=1, filtered=0, written=3
)
REASON = {"source_table": "public.clients", "target_table": "public.customers", "rows": 1}
OFF = Held(id=1, kind="trigger", target=TARGET, name="touch", restore="ALTER TABLE …")
PROBLEM = Problem(code="table.undecided", message="nobody decided about public.orders", remedy="map it", line=2, place=())
COMPARED: dict[str, Any] = {"problems": (), "compared": True}

CASES: dict[str, tuple[Facts, str, str]] = {
    "nothing": (
        Facts(history=History()),
        "open, not begun, not begun, not begun, not begun, not begun", "crosswalk match",
    ),
    "document that cannot be read": (
        Facts(file_trouble=Trouble.of(BadMapping(path="crosswalk.yaml", line=5, place="x", problem="unknown", more=""))),
        "blocked, blocked, not begun, not begun, not begun, not begun", "crosswalk check crosswalk.yaml",
    ),
    "proposed rules": (
        Facts(file=read_text(ASKED), **COMPARED),
        "blocked, blocked, not begun, not begun, not begun, not begun", "crosswalk check crosswalk.yaml",
    ),
    "document only, the source out of reach": (
        Facts(file=FILE, unread=Trouble(code="CannotConnect", message="no answer")),
        "done, open, open, not begun, not begun, not begun", "crosswalk plan crosswalk.yaml",
    ),
    "a table undecided": (
        Facts(file=FILE, problems=(PROBLEM,), compared=True),
        "done, blocked, not begun, not begun, not begun, not begun", "crosswalk check crosswalk.yaml",
    ),
    "undecided plan": (
        Facts(file=FILE, plans=plans(), **COMPARED),
        "done, done, done, open, not begun, not begun",
        "crosswalk decide transform --why 'recommended: it'\"'\"'s the least work'",
    ),
    "plan without its document": (
        Facts(plans=plans(decided=True), compared=True),
        "done, done, done, done, open, not begun", "crosswalk migrate crosswalk-plan.json",
    ),
    "drifted plan": (
        Facts(file=FILE, plans=plans(decided=True), drift=Trouble.of(PlanDrifted(side="target", now="x", planned="b")), **COMPARED),
        "done, done, blocked, done, blocked, not begun", "crosswalk plan crosswalk.yaml",
    ),
    "document edited after the plan": (
        Facts(file=read_text(DOCUMENT + "# more\n"), plans=plans(decided=True), **COMPARED),
        "done, open, blocked, done, blocked, not begun", "crosswalk plan crosswalk.yaml",
    ),
    "decided": (
        Facts(file=FILE, plans=plans(decided=True), **COMPARED),
        "done, done, done, done, open, not begun", "crosswalk migrate crosswalk-plan.json",
    ),
    "started": (Facts(history=history(STARTED)), "done, done, done, done, open, not begun", "crosswalk resume"),
    "killed": (Facts(history=history(STARTED, COPYING)), "done, done, done, done, open, not begun", "crosswalk resume"),
    "goes on": (
        Facts(history=history(STARTED, COPYING, busy=True)),
        "done, done, done, done, open, not begun", "crosswalk status",
    ),
    "stopped": (
        Facts(history=history(STARTED, COPYING, STOPPED, held=(OFF,))),
        "done, done, done, done, open, not begun", "crosswalk resume",
    ),
    "finished, unverified": (
        Facts(history=history(STARTED, COPYING, FINISHED)),
        "done, done, done, done, done, open", "crosswalk verify",
    ),
    "verified clean": (
        Facts(history=history(STARTED, FINISHED, CLEAN)),
        "done, done, done, done, done, done", "crosswalk report",
    ),
    "verified dirty": (
        Facts(history=history(STARTED, FINISHED, CLEAN, DIRTY)),
        "done, done, done, done, done, blocked", "crosswalk repair",
    ),
    "written after the verification": (
        Facts(history=history(STARTED, FINISHED, CLEAN, FINISHED)),
        "done, done, done, done, done, open", "crosswalk verify",
    ),
    "a trigger still off": (
        Facts(history=history(STARTED, FINISHED, CLEAN, held=(OFF,))),
        "done, done, done, done, blocked, done", "crosswalk repair",
    ),
    "rolled back, the plan is there": (
        Facts(file=FILE, plans=plans(decided=True), history=history(STARTED, FINISHED, CLEAN, ROLLED_BACK), **COMPARED),
        "done, done, done, done, open, not begun", "crosswalk migrate crosswalk-plan.json",
    ),
    "rolled back, no file": (
        Facts(history=history(STARTED, FINISHED, ROLLED_BACK)),
        "open, not begun, not begun, not begun, not begun, not begun", "crosswalk match",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "states", "command"), CASES.values(), ids=CASES.keys())
def test_each_state_of_a_project(found: Facts, states: str, command: str) -> None:
    board = weigh(found)
    assert tuple(phase.name for phase in board.phases) == PHASES
    assert ", ".join(phase.state for phase in board.phases) == states
    assert board.next == command
    assert shlex.split(board.next)[0] == "crosswalk"
    for phase in board.phases:
        if phase.state == "blocked":
            assert phase.detail, phase.name


@pytest.mark.parametrize(("found", "states", "command"), CASES.values(), ids=CASES.keys())
def test_each_blocker_has_a_command_and_each_board_fits_80_columns(found: Facts, states: str, command: str) -> None:
    board = weigh(found)
    for blocker in board.blockers:
        assert shlex.split(blocker.remedy), blocker
        assert blocker.what
    assert bool(board.blockers) == any(g.state is GateState.FAILED for g in board.gates)
    printed = shown(board)
    assert max(map(len, printed.splitlines())) <= 80, printed
    assert "\x1b" not in printed
    for word in (*states.split(", "), *(g.title for g in board.gates)):
        assert word in printed
    assert set(board_json(board)) == {"phases", "gates", "decision", "earlier_decisions", "blockers", "because"}


def shown(board: Board) -> str:
    console = Console(width=80, color_system=None, markup=False, highlight=False)
    with console.capture() as caught:
        for each in render_board(board):
            console.print(each)
    return caught.get()


def gate(found: Facts, name: str) -> tuple[str, str]:
    made = weigh(found).gate(name)
    return made.state.value, made.detail


def test_hazards_are_told_with_the_flags_that_allow_them() -> None:
    off = Statement(phase="before", table="public.customers", sql="…", hazard=Hazard.DISABLES_TRIGGERS, kind="trigger")
    found = Facts(file=FILE, plans=plans(decided=True, plan=made_plan(statements=(off,))), **COMPARED)
    assert gate(found, "hazards") == ("open", "to be allowed by name: disables-triggers")
    assert weigh(found).next == "crosswalk migrate crosswalk-plan.json --allow disables-triggers"
    assert gate(Facts(history=history(STARTED)), "hazards")[0] == "passed"


def test_accounting_and_quarantine_are_held_against_the_document() -> None:
    moved = history(STARTED, FINISHED, tallies=(BALANCED,), reasons=(REASON,))
    assert gate(Facts(history=moved), "accounting") == ("passed", "4 source rows")
    assert gate(Facts(history=moved), "quarantine") == ("passed", "1 row in quarantine")
    lost = history(STARTED, FINISHED, tallies=(dataclasses.replace(BALANCED, loaded=2),))
    assert gate(Facts(history=lost), "accounting") == ("failed", "the sum does not come out for public.customers")
    other = history(STARTED, FINISHED, reasons=({**REASON, "target_table": "public.orders"},))
    assert gate(Facts(history=other), "quarantine")[0] == "failed"
    assert weigh(Facts(history=other)).next == "crosswalk verify"
    given_up = history(STARTED, FINISHED, reasons=({**REASON, "target_table": "public.orders", "dropped": 1},))
    assert gate(Facts(history=given_up), "quarantine") == ("passed", "1 row in quarantine, 1 of them given up")


def test_a_retry_of_quarantine_writes_rows_and_so_ends_a_verification() -> None:
    verified = ("proof", "verified", {"clean": True, "rows": 3})
    assert gate(Facts(history=history(STARTED, FINISHED, verified)), "verified")[0] == "passed"
    for word in ("begun", "done"):
        found = Facts(history=history(STARTED, FINISHED, verified, ("retry", word, {})))
        assert gate(found, "verified") == ("open", "rows were written after the last verification")
    vain = [("retry", "begun", {}), ("retry", "done", {"landed": {"public.customers": 0}, "left": 1})]
    assert gate(Facts(history=history(STARTED, FINISHED, verified, *vain)), "verified")[0] == "passed"
    cut = Facts(history=history(STARTED, FINISHED, verified, vain[0], *vain))
    assert gate(cut, "verified")[0] == "open", "a retry that did not end may have written"
    dropped = Facts(history=history(STARTED, FINISHED, verified, ("quarantine", "dropped", {})))
    assert gate(dropped, "verified")[0] == "passed"


def test_the_backup_is_told_proven_unproven_or_not_needed() -> None:
    taken = ("backup", "proven", {"directory": "/b/1"})
    unproven = ("backup", "unproven", {"directory": "/b/1", "unproven": "no citext"})
    assert gate(Facts(history=history(STARTED, taken)), "backup") == ("passed", "/b/1")
    assert gate(Facts(history=history(STARTED, unproven)), "backup") == ("failed", "/b/1 could not be proven: no citext")
    assert gate(Facts(history=history(STARTED)), "backup")[0] == "not needed"
    shape = Statement(phase="shape", table="public.customers", sql="…", kind="archive")
    needed = Facts(file=FILE, plans=plans(decided=True, plan=made_plan(statements=(shape,), preserved=("x",))), **COMPARED)
    assert gate(needed, "backup")[0] == "open"


def test_what_cannot_be_known_is_said() -> None:
    found = Facts(file=FILE, plans=plans(), unread=Trouble(code="NoServerNamed", message="no source was named"))
    assert gate(found, "tables") == ("unknown", "no source was named")
    assert gate(found, "plan") == ("unknown", "no source was named")
    assert gate(found, "released") == ("unknown", "no target was named")


def test_the_decision_is_told_with_who_why_and_when() -> None:
    printed = re.sub(r"\s+", " ", shown(weigh(CASES["decided"][0])))
    assert "transform, by Ann, 2026-01-02 10:30: the new schema stays" in printed
    against = WHO.model_copy(update={"recommended": "hybrid"})
    file = plans().model_copy(update={"decision": against, "earlier": (WHO,)})
    printed = shown(weigh(Facts(file=FILE, plans=file, **COMPARED)))
    assert "the comparison had recommended hybrid" in printed
    assert "before: transform, by Ann" in printed


def test_hostile_words_do_not_reach_the_terminal() -> None:
    wild = WHO.model_copy(update={"who": "[bold]\x1b[31mEve", "why": "a\u202eb\n# c"})
    file = plans().model_copy(update={"decision": wild})
    assert "[bold]\\x1b[31mEve" in shown(weigh(Facts(file=FILE, plans=file, **COMPARED)))
