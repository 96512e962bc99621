"""What the benchmark of the whole copy makes of its figures, and the documents that it writes."""

from __future__ import annotations

import pytest

from bench.move_contest import OURS, Found
from bench.move_mapped import VARIANTS, Column, Table, Variant, document, lands_in
from bench.move_schemas import ALL, Schema, Search
from bench.move_servers import Standing
from bench.move_told import medians
from bench.move_watch import Watched
from crosswalk.mapping import Fold, Lookup, Take, Zone, read_text

TABLES = [
    Table(
        name="visit",
        key=("id",),
        columns=tuple(
            Column(name=name, type=kind)
            for name, kind in (
                ("id", "integer"),
                ("guest_no", "integer"),
                ("at", "timestamp without time zone"),
                ("note", "text"),
            )
        ),
    ),
    Table(name="guest", key=("id",), columns=(Column(name="id", type="integer"), Column(name="no", type="integer"))),
]
SCHEMA = Schema(
    name="visits",
    about="",
    scripts=lambda size: iter(()),
    quick=1,
    full=1,
    searches=(Search(table="visit", column="guest_no", of="guest", match={"no": "guest_no"}),),
    folds={"visit": ("note",)},
)


def _found(name: str, *rounds: dict[str, float], small: bool = False) -> Found:
    return Found(name=name, about="", small=small, size=1, mb=1, rows=1, tables=1, taken=list(rounds))


def test_a_ratio_is_the_median_over_the_rounds_in_which_both_came_through() -> None:
    found = _found("a", {OURS: 1, "pgcopydb": 2}, {OURS: 2, "pgcopydb": 6}, {OURS: 1}, {OURS: 1, "pgcopydb": 9})
    assert found.ratio("pgcopydb", OURS) == 3
    assert found.ratio("pgloader", OURS) is None


def test_the_head_is_of_medians_over_schemas_and_small_tables_stand_apart() -> None:
    turn = {"psql_pipe": 5.0, "identity": 4.0, "mapped": 5.0, "folded": 6.0}
    found = medians(
        [
            _found("a", {OURS: 2, "pgcopydb": 4, "pgcopydb_split": 3, **turn}),
            _found("b", {OURS: 2, "pgcopydb": 8}),
            _found("c", {OURS: 2, "pgcopydb": 20, "pgcopydb_split": 22}),
            _found("d", {OURS: 2, "pgcopydb": 200}, small=True),
        ]
    )
    assert found["ratio_pgcopydb"] == 4  # of 1.5 (the better way), 4 and 10
    assert found["ratio_small_tables"] == 100
    assert found["ratio_psql_pipe"] == 2.5
    assert (found["mapped_cost"], found["mapped_fold_cost"]) == (1.25, 1.5)
    assert found["ratio_pg_dump_restore"] is None


def test_a_peer_that_leaves_statistics_to_the_user_is_told_with_them_too() -> None:
    found = _found("a", {OURS: 2, "psql_pipe": 3})
    found.ready = [{OURS: 2, "psql_pipe": 7}, {OURS: 2}]
    head = medians([found])
    assert (head["ratio_psql_pipe"], head["ratio_psql_pipe_with_statistics"]) == (1.5, 3.5)
    assert head["ratio_pg_dump_restore_with_statistics"] is None


def test_whatever_is_missing_in_a_target_is_told() -> None:
    here = Standing(rows={"public.a": 10}, belongings={"indexes": 3, "checks": 1})
    assert here.differences(here) == {}
    there = Standing(rows={"public.a": 9}, belongings={"indexes": 3})
    assert here.differences(there) == {
        "public.a": "public.a: 9 instead of 10",
        "checks": "checks: 0 instead of 1",
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_documents_of_all_variants_are_read(variant: Variant) -> None:
    made = read_text(document(SCHEMA, TABLES, variant)).document
    assert [str(name) for name in made.by_target] == [lands_in(f"public.{t.name}", variant) for t in TABLES]
    kinds = {column: type(rule) for column, rule in next(iter(made.by_target.values())).columns.items()}
    wanted: dict[Variant, dict[str, type]] = {
        "identity": {"id": Take, "guest_no": Take, "at": Take, "note": Take},
        "mapped": {"new_id": Take, "new_guest_no": Lookup, "new_at": Zone, "new_note": Take},
        "folded": {"new_id": Take, "new_guest_no": Lookup, "new_at": Zone, "legacy": Fold},
    }
    assert kinds == wanted[variant]


def test_a_share_of_a_core_is_that_of_the_time_asked_for() -> None:
    looks = ((10.0, 0.8), (11.0, 1.0), (12.0, 1.5), (13.0, 1.6))
    watched = Watched(code=0, out="", err="", started=9, seconds=4, cpu=2, rss_mb=1, looks=looks)
    assert watched.share(10.5, 12.5) == pytest.approx((1.55 - 0.9) / 2)
    assert watched.share(11.0, 11.1) is None


def test_names_are_told_apart() -> None:
    assert len({schema.name for schema in ALL}) == len(ALL)
