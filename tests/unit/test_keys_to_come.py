"""Keys that a plan has yet to make, seen as if they stood."""

from __future__ import annotations

from dataclasses import replace

from crosswalk.names import Name
from crosswalk.plan import Kind, Plan, Statement
from crosswalk.schema import Constraint, ConstraintKind, Index, RelationKind, Table
from crosswalk.strategy import with_keys_to_come
from tests.schemas import schema

EMP = Name("public", "emp")


def _key(name: str, kind: ConstraintKind) -> Constraint:
    return Constraint(name=name, kind=kind, columns=("id",), definition=name)


def _index(name: str, *, constraint: str | None = None) -> Index:
    return Index(
        name=name, definition=name, columns=("id",), unique=True, partial=False, predicate=None, expressions=False,
        immediate=True, valid=True, method="btree", constraint=constraint,
    )


MODEL = Table(
    name=EMP, kind=RelationKind.TABLE, columns=(),
    constraints=(_key("emp_pkey", ConstraintKind.PRIMARY), _key("loose", ConstraintKind.CHECK), _key("once", ConstraintKind.UNIQUE)),
    indexes=(_index("badge"), _index("emp_pkey", constraint="emp_pkey"), _index("once", constraint="once")),
)


def _seen(standing: Table, *coming: str) -> Table:
    found = with_keys_to_come(schema(standing), schema(MODEL), {(EMP, name) for name in coming})
    return found.tables[EMP]


def test_what_is_to_come_stands_in_the_order_of_the_source_and_no_check_comes_along() -> None:
    bare = replace(MODEL, constraints=MODEL.constraints[2:], indexes=MODEL.indexes[2:])
    seen = _seen(bare, "emp_pkey", "loose", "badge")
    assert [c.name for c in seen.constraints] == ["emp_pkey", "once"]
    assert [i.name for i in seen.indexes] == ["badge", "emp_pkey", "once"]


def test_an_index_whose_key_is_to_come_is_taken_for_the_keys() -> None:
    between = replace(MODEL, constraints=(), indexes=(_index("once"),))
    assert _seen(between, "once").indexes == (_index("once", constraint="once"),)
    assert _seen(between).indexes == (_index("once"),)


def test_what_nobody_is_to_make_is_not_seen() -> None:
    assert _seen(replace(MODEL, constraints=(), indexes=())).indexes == ()


def test_what_has_run_is_no_longer_to_come() -> None:
    kinds: tuple[tuple[Kind, str], ...] = (("index", "badge"), ("key", "emp_pkey"), ("create", "rule"))
    statements = tuple(
        Statement(phase="complete", table="public.emp", sql="", kind=kind, name=name) for kind, name in kinds
    )
    plan = Plan.model_construct(statements=statements)
    assert plan.coming(()) == {(EMP, "badge"), (EMP, "emp_pkey"), (EMP, "rule")}
    assert plan.coming({0, 2}) == {(EMP, "emp_pkey")}
    assert [number for number, _ in plan.keys(EMP)] == [0, 1]
    assert plan.keys(Name("public", "other")) == ()
