"""The report without servers: how it tells what was found, and how it words, draws and escapes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from crosswalk.checking import Checked
from crosswalk.judge import Problem
from crosswalk.ledger import Run, RunState, Tally
from crosswalk.ledger.proof import Proof, TableProof
from crosswalk.mapping import read_text
from crosswalk.names import Name
from crosswalk.plan import Columns, Cost, Decision, Hazard, Plan, Recommendation, Statement, sealed
from crosswalk.planfile import PlanFile
from crosswalk.report import as_html, as_markdown, charts, markdown, wording
from crosswalk.report.found import Found, History, Looked, look
from crosswalk.report.risks import MEANINGS
from crosswalk.report.telling import tell
from crosswalk.report.values import Absent, Decided, Report, Risk

DOCUMENT = """\
version: 1
tables:
  t:
    from: s
    key: [id]
    columns:
      id: {column: id, confidence: 0.8, evidence: [equal names], status: proposed}
      v: {sql: upper(w), why: it is shown so}
    drop:
      x: nobody reads it
"""
T, S = Name("public", "t"), Name("public", "s")


def _plan(**given: Any) -> Plan:
    shape = Statement(phase="shape", table="public.t", kind="column", name="x", sql="ALTER TABLE t ADD COLUMN x int",
                      undo="ALTER TABLE t DROP COLUMN x", hazard=Hazard.ADDS_COLUMNS)
    return sealed(Plan(**{
        "id": "", "version": "0", "created_at": "2026-01-02T03:04:05+00:00", "strategy": "transform",
        "mapping_path": "crosswalk.yaml", "document": DOCUMENT, "source": {}, "target": {"role": "mover"},
        "source_fingerprint": "a", "target_fingerprint": "b", "tables": (), "seconds": 1.0, "statements": (shape,), **given,
    }))


def _cost(strategy: Any, **given: Any) -> Cost:
    columns = Columns(kept=3, folded=2, added=1, dropped=4, archived=0)
    return Cost(**{"strategy": strategy, "possible": True, "columns": columns, "seconds": 2.0, **given})


COSTS = (
    _cost("recreate", possible=False, blockers=("a view stands on it",)),
    _cost("transform", reversibility="`crosswalk rollback` takes our rows out", losses=("4 columns",)),
    _cost("hybrid", measured=True, gains=("nothing is lost",)),
)
ADVICE = Recommendation(strategy="hybrid", reasons=("nothing is lost",))
CHOICE = Decision(strategy="transform", who="Ann", why="code reads it", at="2026-01-02T03:04:05+00:00", recommended="hybrid")


def _found(**given: Any) -> Found:
    return Found(**{
        "source": Looked(side="source"), "target": Looked(side="target"), "made_at": "2026-01-02T03:04:05+00:00", **given
    })


def _event(second: int, kind: str, name: str, **detail: Any) -> dict[str, Any]:
    return {"at": f"2026-01-02 03:04:{second:02}.5+00", "kind": kind, "name": name, "detail": detail}


def _history(state: RunState, **given: Any) -> History:
    run = Run(id=7, plan_id="p", plan=_plan().model_dump(mode="json"), state=state, started_at="2026-01-02 03:04:00+00")
    tally = Tally(target=T, source=S, extracted=10, loaded=9, merged=0, quarantined=1, filtered=0, written=9)
    states = ("started", "copying", str(state))
    events = [_event(n, "state", name) for n, name in enumerate(states)]
    return History(**{"runs": (run,), "events": tuple(events), "tallies": (tally,), **given})


def _ran(state: RunState, **given: Any) -> Found:
    return _found(history=_history(state, **given), plan=_plan(), file=read_text(DOCUMENT))


def _titles(report: Report, weight: str) -> list[str]:
    return [f.title for f in report.findings if f.weight == weight]


def test_a_comparison_of_three_strategies_shows_each_and_the_advice() -> None:
    plans = PlanFile(plans={"transform": _plan()}, costs=COSTS, recommendation=ADVICE)
    report = tell(_found(plans=plans, plan=_plan()))
    assert isinstance(report.decided, Decided)
    assert [(s.strategy, s.possible, s.recommended, s.chosen) for s in report.decided.strategies] == [
        ("recreate", False, False, False), ("transform", True, False, False), ("hybrid", True, True, False)
    ]
    assert report.stage == "planned"
    assert "No strategy has been decided on" in _titles(report, "open")
    assert report.next == "crosswalk decide hybrid --why REASON"
    html = as_html(report)
    assert "a view stands on it" in html
    assert "3 kept, 2 folded, 1 added, 4 dropped" in html


def test_the_decision_is_told_with_what_was_recommended() -> None:
    plans = PlanFile(plans={"transform": _plan()}, costs=COSTS, recommendation=ADVICE, decision=CHOICE)
    report = tell(_found(plans=plans, plan=plans.chosen()))
    assert report.stage == "decided"
    assert isinstance(report.decided, Decided)
    assert report.decided.choice is not None
    assert (report.decided.choice.who, report.decided.choice.why) == ("Ann", "code reads it")
    assert "recommended was hybrid" in as_html(report)
    assert isinstance(report.risk, Risk)
    assert report.risk.way_back == "`crosswalk rollback` takes our rows out"


def test_a_chosen_strategy_that_is_impossible_is_a_failure() -> None:
    choice = CHOICE.model_copy(update={"strategy": "recreate"})
    plan = _plan(strategy="recreate")
    plans = PlanFile(plans={"recreate": plan}, costs=COSTS, decision=choice)
    report = tell(_found(plans=plans, plan=plans.chosen()))
    assert _titles(report, "failure") == ["The chosen strategy, recreate, is not possible as things stand"]


def test_problems_come_before_proposed_rules() -> None:
    problem = Problem(code="table.undecided", place=("tables",), message="nobody has decided", remedy="decide", line=3)
    report = tell(_found(file=read_text(DOCUMENT), checked=Checked(problems=(problem,))))
    assert [(f.weight, f.title) for f in report.findings] == [
        ("failure", "The document leaves 1 thing open or wrong"), ("open", "1 rule proposed, and accepted by nobody yet")
    ]
    assert [(q.line, q.text, q.remedy) for q in report.questions] == [(3, "nobody has decided", "decide")]
    assert isinstance(report.moved, Absent)


def test_nothing_at_all_is_said_everywhere() -> None:
    report = tell(_found())
    parts = (report.proof, report.moved, report.rejected, report.decided, report.differences, report.mapping, report.risk)
    assert all(isinstance(part, Absent) and part.why for part in parts)
    assert as_html(report).count('class="absent"') >= len(parts)


@pytest.mark.parametrize(
    ("state", "weight", "title"),
    [(RunState.STOPPED, "failure", "Run 7 has not come to its end"), (RunState.COPYING, "warning", "Run 7 has not come to its end")],
)
def test_a_run_that_did_not_end_is_told_with_its_error(state: RunState, weight: str, title: str) -> None:
    found = _ran(state)
    assert found.history is not None
    stopped = [_event(9, "state", "stopped", error="ConnectionLost")] * (state is RunState.STOPPED)
    report = tell(replace(found, history=replace(found.history, events=(*found.history.events, *stopped))))
    assert report.stage == "unfinished"
    assert title in _titles(report, weight)
    assert report.next == "crosswalk resume"
    assert ("ConnectionLost" in as_html(report)) is (state is RunState.STOPPED)


def test_an_accounting_that_does_not_come_out_is_a_failure() -> None:
    wrong = Tally(target=T, source=S, extracted=10, loaded=8, merged=0, quarantined=1, filtered=0, written=8)
    report = tell(_ran(RunState.FINISHED, tallies=(wrong,)))
    assert "The accounting does not come out" in _titles(report, "failure")


def test_rows_in_quarantine_of_which_the_document_does_not_speak_are_a_failure() -> None:
    reason = {
        "source_table": "public.s", "target_table": "public.t", "code": "not_null", "sqlstate": "23502", "message": "NULL",
        "constraint_name": None, "column_name": "v", "rows": 1, "keys": 1,
    }
    key = {**reason, "key": ["123456"]}
    report = tell(_ran(RunState.FINISHED, reasons=(reason,), keys=(key,)))
    assert _titles(report, "failure") == ["1 row is set aside though the document does not expect it"]
    assert not isinstance(report.rejected, Absent)
    assert report.rejected.reasons[0].keys == ("1••••6",)


def test_a_verification_before_the_last_move_is_not_current() -> None:
    table = TableProof(target="public.t", source="public.s", expected=9, found=9)
    before = Proof(word="verified", at="2026-01-02 03:04:01+00", clean=True, rows=9, tables=(table,))
    after = before.model_copy(update={"at": "2026-01-02 03:05:00+00"})
    stale, current = (tell(_ran(RunState.FINISHED, proofs=(proof,))) for proof in (before, after))
    assert (stale.stage, current.stage) == ("moved", "verified")
    assert "The last verification is older than the last move" in _titles(stale, "warning")
    assert current.verdict == "good"


def test_hazards_say_what_they_mean_and_who_allowed_them() -> None:
    assert set(MEANINGS) == set(Hazard)
    asked = _event(0, "settings", "asked", allow=["adds-columns"], who="ann")
    found = _ran(RunState.FINISHED, events=(*_history(RunState.FINISHED).events, asked))
    risk = tell(found).risk
    assert isinstance(risk, Risk)
    assert [(h.hazard, h.allowed) for h in risk.hazards] == [
        ("adds-columns", "by name (--allow), when run 7 began, by ann, as the target's role mover")
    ]
    before = tell(_found(plan=_plan())).risk
    assert isinstance(before, Risk)
    assert before.hazards[0].allowed == "not allowed yet: it takes --allow adds-columns"


def test_shape_statements_are_told_as_planned_applied_and_undone() -> None:
    done = {"number": 0, "phase": "shape", "at": "2026-01-02 03:04:00+00", "undone_at": None}
    states = {}
    for state, applied in ((RunState.FINISHED, (done,)), (RunState.ROLLED_BACK, ({**done, "undone_at": "x"},))):
        lines = {x.phase: x for x in tell(_ran(state, applied=applied)).phases.lines}
        states[state] = lines["shape"].state
        assert lines["shape"].target == "1 of 1 statement run: column 1."
    assert states == {RunState.FINISHED: "done", RunState.ROLLED_BACK: "undone"}


def test_before_a_move_the_document_is_the_reviewed_one_not_what_is_derived_from_it() -> None:
    plan = _plan(document=DOCUMENT.replace("from: s", "from: derived"), reviewed=DOCUMENT)
    plans = PlanFile(plans={"transform": plan}, costs=COSTS)
    found = asyncio.run(look(None, None, plans=plans))
    assert found.file is not None
    assert found.file.text == DOCUMENT


def test_a_rolled_back_run_gives_way_to_a_new_plan() -> None:
    found = _ran(RunState.ROLLED_BACK)
    assert tell(found).stage == "rolled back"
    assert tell(replace(found, plans=PlanFile(plans={"transform": _plan()}, costs=COSTS))).stage == "planned"


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), ()), ((0, 0), (0, 0)), ((1, 1), (50, 50)), ((1, 0, 999_999), (0.8, 0, 99.2)), ((3,), (100,))],
)
def test_shares_add_up_and_nothing_that_is_there_is_invisible(values: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert charts.shares(values) == pytest.approx(expected)


def test_a_bar_says_its_figures_and_nothing_else() -> None:
    bar = charts.stacked((("loaded", 1296.0), ("merged", 0.0), ("quarantined", 4.0)), label='<b>"x"\u202e')
    assert 'aria-label="&lt;b&gt;&#34;x&#34;\\u202e: loaded 1,296, quarantined 4"' in bar
    assert re.findall(r'class="c-([\w-]+)"', bar) == ["loaded", "quarantined"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0349, "35 ms"), (0.9999, "1.0 s"), (8.44, "8.4 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min"), (None, "–")],
)
def test_durations(value: float | None, said: str) -> None:
    assert wording.duration(value) == said


@pytest.mark.parametrize(("value", "said"), [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (3.2e9, "3.2 GB"), (None, "–")])
def test_sizes(value: float | None, said: str) -> None:
    assert wording.size(value) == said


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("a|b", r"a\|b"), ("`x`", r"\`x\`"), ("<b>", r"\<b\>"), ("# no heading", r"\# no heading"), ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"), ("two\nlines", "two lines"), ("\u202eturned", r"\\u202eturned"), ("a\\|b", r"a\\\|b"),
        ("https://x.example", r"https\://x.example"), ("www.x.example", r"www\.x.example"), ("__init__", r"\_\_init\_\_"),
    ],
)
def test_text_in_markdown_only_shows(given: str, made: str) -> None:
    assert markdown.text(given) == made


def test_plain_names_are_code_in_markdown() -> None:
    assert [markdown.name(n) for n in ("public.t", "a b", " a", "a`b", "x\ny")] == [
        "`public.t`", "`a b`", "a", r"a\`b", r"x\\ny"
    ]


def test_a_document_without_secrets_is_told_rule_by_rule() -> None:
    text = as_markdown(tell(_found(file=read_text(DOCUMENT))))
    assert "| `id` | id | – | proposed, 80% |" in text
    assert "| `v` | upper\\(w\\) | it is shown so | by hand |" in text
    assert "| `x` | nobody reads it |" in text
