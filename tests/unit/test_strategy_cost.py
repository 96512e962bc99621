"""What the comparison says: counts of columns and rows, what is lost, and which way the figures point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from crosswalk.express import Facts
from crosswalk.fingerprint import fingerprint
from crosswalk.judge import Verdict
from crosswalk.ledger import Tally
from crosswalk.mapping import read_text
from crosswalk.names import Name
from crosswalk.plan import Columns, Cost, Hazard, Recommendation, Statement, Strategy
from crosswalk.schema import Column, Constraint, ConstraintKind
from crosswalk.strategy import (
    Between,
    Candidate,
    Derived,
    Held,
    Shaping,
    as_rows_come,
    asked,
    compose,
    cost,
    derive_hybrid,
    dropped,
    held,
    held_query,
    recommend,
)
from tests.schemas import kind, refers, schema, table

USERS, PEOPLE = Name("public", "users"), Name("public", "people")
SOURCE = schema(table("people", name="text", shoe="int4", pin="text", a="text", b="text"))
TARGET = schema(table("users", name="text", note="jsonb"))
FILE = read_text("""\
version: 1
tables:
  users:
    from: people
    key: [id]
    on_duplicate: first
    columns: {id: id, name: name, note: {fold: [a, b]}}
    drop: {shoe: nobody asks, pin: {why: a secret, final: true}}
""")
TALLY = Tally(
    target=USERS, source=PEOPLE, extracted=100, loaded=90, merged=4, quarantined=6, filtered=0, written=90
)


def verdict(code: str, rows: int, column: str | None = "name") -> Verdict:
    return Verdict(
        target=USERS, source=PEOPLE, code=code, column=column, constraint=None, reason="…", rows=rows, samples=(),
        declared=True,
    )


def candidate(strategy: Strategy = "transform", **more: Any) -> Candidate:
    derived = Derived(file=FILE) if strategy == "transform" else derive_hybrid(FILE, SOURCE, TARGET)
    facts = Facts(source=SOURCE, target=TARGET, document=FILE.document)
    plan = compose(strategy, facts, FILE, between=Between(urls=("s", "t")), tallies=[TALLY])
    held_ = (Held(source=PEOPLE, total=100, rows=7, columns={"shoe": 7}),) if strategy == "transform" else ()
    made = Candidate(
        strategy=strategy, derived=derived, plan=plan, counted=True, tallies=(TALLY,), held=held_,
        verdicts=(verdict("not_null", 5), verdict("length", 1), verdict("duplicate", 4, "id")),
    )
    return replace(made, **more)


def costed(strategy: Strategy = "transform", **more: Any) -> Cost:
    return cost(candidate(strategy, **more), SOURCE, TARGET, FILE.document)


def test_columns_are_counted_once_each() -> None:
    assert costed().columns == Columns(kept=2, folded=2, added=0, dropped=2, archived=0)
    assert costed("hybrid").columns == Columns(kept=2, folded=2, added=1, dropped=1, archived=0)


def test_rows_and_violations_are_those_that_were_counted() -> None:
    found = costed()
    assert found.rows == {
        "extracted": 100, "loaded": 90, "merged": 4, "quarantined": 6, "filtered": 0, "archived": 0,
    }
    assert found.violations == {"public.users: name not_null": 5, "public.users: name length": 1}
    assert found.possible
    assert found.code is None


def test_gains_and_losses_are_in_words() -> None:
    assert costed().losses == (
        "6 rows go to quarantine",
        "public.people: 1 dropped column holds something in 7 of 100 rows: shoe (7)",
        "1 column is left behind for good, as the document says",
    )
    assert costed("hybrid").gains[1] == "1 column that transform would drop is kept beside the others"
    assert "drops 1 added column" in costed("hybrid").reversibility


def test_what_is_not_possible_has_its_blockers_and_no_figures_of_a_plan() -> None:
    found = costed(plan=None, blockers=("rows stand in the way",), tallies=(), verdicts=())
    assert not found.possible
    assert found.blockers == ("rows stand in the way",)
    assert (found.statements, found.hazards, found.gains, found.reversibility) == (0, (), (), "")


def test_where_nothing_was_counted_the_servers_estimate_stands() -> None:
    source = schema(replace(SOURCE.tables[PEOPLE], rows=12))
    found = cost(candidate(counted=False, tallies=(), verdicts=(), held=()), source, TARGET, FILE.document)
    assert found.rows == {"extracted": 12, "archived": 0}


# --- what is left behind ----------------------------------------------------------------------------


def test_only_what_nobody_called_final_is_asked_for() -> None:
    columns = asked(dropped(FILE.document, SOURCE), SOURCE)
    assert {name: [c.name for c in found] for name, found in columns.items()} == {PEOPLE: ["shoe"]}


@pytest.mark.parametrize(
    ("default", "compared"),
    [
        ("0", True), ("'x y'::text", True), ("'it''s'::character varying", True), ("true", True), ("'{}'::text[]", True),
        ("now()", False), ("nextval('s'::regclass)", False), (None, False), ("'a'::text || 'b'::text", False),
    ],
)
def test_only_a_constant_default_says_that_nobody_wrote_a_value(default: str | None, compared: bool) -> None:
    column = Column(name="c", position=1, type=kind("text"), not_null=False, default=default)
    assert ("IS DISTINCT FROM" in held_query(PEOPLE, [column])) is compared


def test_the_answer_names_columns_that_hold_something() -> None:
    columns = list(SOURCE.tables[PEOPLE].columns[1:3])
    found = held(PEOPLE, columns, {"total": 9, "rows": 3, "0": 3, "1": 0})
    assert found == Held(source=PEOPLE, total=9, rows=3, columns={"name": 3})


# --- the recommendation -----------------------------------------------------------------------------

SOMETHING = (Held(source=PEOPLE, total=100, rows=7, columns={"shoe": 7, "pin": 1}),)
NOTHING = (Held(source=PEOPLE, total=100, rows=0, columns={}),)


def figures(
    quarantined: int = 0, archived: int = 5, code: Mapping[str, int] | None = None, without: str = ""
) -> list[Cost]:
    made = []
    for name in ("recreate", "transform", "hybrid"):
        rows = {"extracted": 100, "quarantined": 0 if name == "recreate" else quarantined, "archived": archived}
        places = None if code is None else ("f.py:1",) * code.get(name, 0)
        possible = name not in without.split()
        blockers = () if possible else (f"{name} is blocked",)
        columns = Columns(kept=4, folded=0, added=2 if name == "hybrid" else 0, dropped=2, archived=0)
        made.append(
            Cost.model_validate(
                {"strategy": name, "possible": possible, "blockers": blockers, "rows": rows, "columns": columns,
                 "code": places}
            )
        )
    return made


@pytest.mark.parametrize(
    ("costs", "lost", "strategy", "said"),
    [
        (figures(), SOMETHING, "hybrid", "2 of the columns that transform would drop hold something, in 7 rows of 1 table"),
        (figures(), NOTHING, "transform", "of the 2 columns that are dropped, none holds anything"),
        (figures(50, 5), SOMETHING, "hybrid", "2 of the columns"),
        (figures(50, 0), SOMETHING, "recreate", "the target's rules refuse 50 of 100 rows, the source's own 0"),
        (figures(10, 0), NOTHING, "transform", "none holds anything"),
        (figures(0, 0, {"transform": 3, "hybrid": 3}), SOMETHING, "recreate", "3 places of the code break"),
        (figures(0, 0, {"recreate": 3}), SOMETHING, "hybrid", "2 of the columns"),
        (figures(0, 9, {"transform": 3}), SOMETHING, "hybrid", "2 of the columns"),
        (figures(without="hybrid"), SOMETHING, "transform", "the only way that keeps the target's schema"),
        (figures(without="transform"), NOTHING, "hybrid", "2 added columns"),
        (figures(without="transform hybrid"), SOMETHING, "recreate", "nothing else is possible"),
    ],
)
def test_the_recommendation_follows_the_figures(
    costs: list[Cost], lost: tuple[Held, ...], strategy: str, said: str
) -> None:
    found = recommend(costs, lost, counted=True)
    assert found is not None
    assert found.strategy == strategy
    assert any(said in reason for reason in found.reasons), found.reasons
    assert recommend(costs, lost, counted=True) == found
    for each in costs:
        if not each.possible:
            assert f"{each.strategy} is not possible: {each.strategy} is blocked" in found.reasons


def test_nothing_is_recommended_where_there_is_no_choice() -> None:
    assert recommend(figures()[:1], SOMETHING, counted=True) is None
    assert recommend(figures(without="recreate transform hybrid"), SOMETHING, counted=True) is None


def test_what_was_not_counted_is_no_reason() -> None:
    found = recommend(figures(), (), counted=False)
    assert found == Recommendation(
        strategy="transform", reasons=("nothing was counted: whether the dropped columns hold anything is not known",)
    )


# --- plans that shape -------------------------------------------------------------------------------


def test_statements_come_in_the_order_in_which_they_run() -> None:
    created = schema(table("people", refers("boss", "people"), name="text", boss="int4"))
    file = read_text(
        "version: 1\ntables:\n  people:\n    from: people\n    key: [id]\n    columns: {id: id, name: name, boss: boss}\n"
    )
    facts = Facts(source=created, target=created, document=file.document)
    statements = (
        Statement(phase="shape", table="public.people", kind="archive", sql="A", hazard=Hazard.ARCHIVES_TABLES),
        Statement(phase="shape", table="public.people", kind="create", sql="B", undo="C"),
        Statement(phase="complete", table="public.people", kind="create", sql="D"),
        Statement(phase="before", table="public.people", kind="foreign key", name="boss_fkey", sql="", restore="E"),
    )
    former = schema(table("people", other="text"))
    shaping = Shaping(former=former, statements=statements, created=(PEOPLE,), archived=(PEOPLE,), archive="old")
    plan = compose("recreate", facts, file, between=Between(urls=("s", "t")), reviewed=FILE, shaping=shaping)
    assert [(s.phase, s.kind) for s in plan.statements] == [
        ("before", "ledger"), ("shape", "archive"), ("shape", "create"), ("before", "foreign key"), ("load", "copy"),
        ("after", "sequence"), ("complete", "create"),
    ]
    assert plan.without == (("public.people", "boss_fkey"),)
    assert plan.hazards == (Hazard.ARCHIVES_TABLES,)
    assert (plan.reviewed, plan.archive) == (FILE.text, "old")
    assert plan.target_fingerprint == fingerprint(former, [PEOPLE])
    assert plan.shaped_fingerprint == fingerprint(created, [PEOPLE], without=[(PEOPLE, "boss_fkey")])
    assert plan.shaped == {"public.people": plan.shaped_fingerprint}
    bare = compose("transform", facts, file, between=Between(urls=("s", "t")))
    assert (bare.shaped_fingerprint, bare.shaped) == ("", {})
    assert "boss_fkey" in [s.name for s in bare.statements if "DROP CONSTRAINT" in s.sql]


def test_what_is_added_after_the_rows_refuses_nothing_before() -> None:
    def check(name: str, *, validated: bool = True) -> Constraint:
        return Constraint(
            name=name, kind=ConstraintKind.CHECK, columns=("a",), definition="CHECK (a)", validated=validated
        )

    late = replace(refers("boss", "people"), name="late", validated=False)
    never = replace(refers("boss", "people"), name="never", enforced=False, validated=False)
    people = table("people", check("good"), check("loose", validated=False), late, never, a="bool!", boss="int4")
    loose = replace(people.columns[1], not_null_validated=False)
    people = replace(people, columns=(people.columns[0], loose, people.columns[2]))
    found = as_rows_come(schema(people, TARGET.tables[USERS]), [PEOPLE])
    assert [c.name for c in found.tables[PEOPLE].constraints] == ["people_pkey", "good", "late"]
    assert [c.not_null for c in found.tables[PEOPLE].columns] == [True, False, False]
    assert found.tables[USERS] == TARGET.tables[USERS]
