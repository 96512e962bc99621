"""Rules that cannot be compiled say why; the order of filling, fingerprints and plans are stable values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crosswalk.errors import NotInSchema, RuleImpossible
from crosswalk.express import EVERYTHING, Facts, Landing, Moment, Motion, groups
from crosswalk.fingerprint import fingerprint
from crosswalk.judge import examine
from crosswalk.mapping import MappingFile, read_text
from crosswalk.names import Name
from crosswalk.plan import Hazard
from crosswalk.schema import Column, Enum, RelationKind, Schema, Table, TypeKind
from crosswalk.strategy import Between, compose, fill_order
from tests.schemas import kind, refers, schema, table

SOURCE = schema(
    table("people", name="text", seen="timestamp", tags="text[]", nums="int4[]", born="date", flag="bool", n="int8"),
    table("towns", name="text"),
)
TARGET = schema(table("users", x="text"), table("places", name="text"))


def document(rule: str, *, more: str = "", key: str = "[id]") -> MappingFile:
    return read_text(
        f"version: 1\ntables:\n  users:\n    from: people\n    key: {key}\n    columns:\n      id: id\n      x: {rule}\n{more}"
    )


def motion(rule: str, target: str = "text", *, more: str = "", key: str = "[id]") -> Motion:
    users = table("users", x=target)
    target_schema = schema(users, table("places", name="text"))
    file = document(rule, more=more, key=key)
    return Motion(Facts(source=SOURCE, target=target_schema, document=file.document), users.name)


@pytest.mark.parametrize(
    ("rule", "target", "reason"),
    [
        ("seen", "timestamptz", "has no zone: write {zone: Area/City, from: …}"),
        ("born", "timestamptz", "has no zone"),
        ("flag", "int4", "does not become int4 by itself: write an sql rule that says how"),
        ("tags", "text", "an array is no single value: write {first: …}, {unnest: …} or an sql rule"),
        ("{first: name}", "text", "the source column name is text, not an array"),
        ("{unnest: name}", "text", "the source column name is text, not an array"),
        ("{zone: UTC, from: name}", "timestamptz", "a zone belongs to a timestamp, and this is text"),
        ("{lookup: {table: people, match: {id: id}, take: nothing}}", "int4", "no table that public.people feeds has a column"),
        ("{lookup: {table: towns, match: {id: id}, take: id}}", "int4", "public.towns is not the source of any mapped table"),
        ("{lookup: {table: people, match: {target.y: id}, take: id}}", "int4", "a lookup matches it"),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_says_why(rule: str, target: str, reason: str) -> None:
    with pytest.raises(RuleImpossible) as caught:
        motion(rule, target).extract(EVERYTHING, Moment(), keyed=True)
    assert reason in str(caught.value)
    assert caught.value.fields["table"] == Name("public", "users")
    assert "docs/mapping.md" in caught.value.advice


def test_a_key_that_nothing_feeds() -> None:
    with pytest.raises(RuleImpossible, match="it belongs to the key and no rule feeds it"):
        motion("{default: true}", key="[x]")


def test_only_one_column_can_be_unnested() -> None:
    with pytest.raises(RuleImpossible, match="only one column can be unnested"):
        motion("{lookup: {table: people, match: {name: {unnest: tags}, n: {unnest: nums}}, take: id}}", "int4")


@pytest.mark.parametrize(
    "rule", ["absent", "{agree: [name, absent]}", "{fold: [absent]}", "{split: absent, by: ' ', take: 1}"]
)
def test_a_column_that_the_source_lacks(rule: str) -> None:
    with pytest.raises(NotInSchema, match="The source has no column absent"):
        motion(rule)


def problems(rule: str, *, more: str = "", key: str = "[id]", target: Schema = TARGET) -> list[tuple[str, int]]:
    file = document(rule, more=more, key=key)
    return [(p.code, p.line) for p in examine(file, Facts(source=SOURCE, target=target, document=file.document))]


DROPS = "    drop: {name: w, seen: w, tags: w, nums: w, born: w, flag: w, n: w}\n"
IGNORES = "ignore: {source: {towns: w}, target: {places: w}}\n"


@pytest.mark.parametrize(
    ("rule", "more", "expected"),
    [
        ("n", DROPS.replace(" n: w", " n: w, id: w").replace(" n: w,", "") + IGNORES, [("column.twice", 9)]),
        ("{value: a}", DROPS + IGNORES, []),
        ("{value: a}", DROPS, [("table.undecided", 1), ("table.undecided", 1)]),
        ("{value: a}", DROPS.replace("name: w, ", "") + IGNORES, [("column.unaccounted", 6)]),
        ("{value: a}", DROPS.replace(" n: w", " n: w, gone: w") + IGNORES, [("column.unknown", 9)]),
        ("absent", DROPS + IGNORES, [("column.unknown", 8)]),
        ("{default: true}", DROPS + IGNORES, [("column.no_default", 8)]),
        ("{value: a}", DROPS + IGNORES + "preserve: {users: w, lost: w}\n", [("table.twice", 11), ("table.unknown", 11)]),
        ("seen", DROPS.replace("seen: w, ", "") + IGNORES, []),
    ],
)  # fmt: skip
def test_the_document_is_held_against_both_schemas(rule: str, more: str, expected: list[tuple[str, int]]) -> None:
    assert problems(rule, more=more) == expected


def test_a_key_needs_a_unique_index() -> None:
    assert problems("name", key="[x]", more=DROPS.replace("name: w, ", "") + IGNORES) == [("key.not_unique", 5)]


# --- order --------------------------------------------------------------------------------------


def facts(text: str, *tables: Table) -> Facts:
    lines = "".join(
        f"  {t.name.relation}: {{from: {t.name.relation}, key: [id], columns: {{id: id}}}}\n" for t in tables
    )
    return Facts(
        source=schema(*tables),
        target=schema(*tables),
        document=read_text(f"version: 1\ntables:\n{text or lines}").document,
    )


def order(*tables: Table, text: str = "") -> tuple[list[str], list[tuple[str, str]]]:
    found = fill_order(facts(text, *tables))
    return [t.relation for t in found.tables], [(t.relation, c.name) for t, c in found.circular]


def test_parents_come_first() -> None:
    a, b, c = table("a", refers("b", "b"), b="int4"), table("b", refers("c", "c"), c="int4"), table("c")
    assert order(a, b, c) == (["c", "b", "a"], [])
    assert order(c, b, a) == (["c", "b", "a"], [])


def test_lookups_order_tables_too() -> None:
    text = (
        "  a: {from: a, key: [id], columns: {id: id, b: {lookup: {table: b, match: {id: b}, take: id}}}}\n"
        "  b: {from: b, key: [id], columns: {id: id}}\n"
    )
    assert order(table("a", b="int4"), table("b"), text=text) == (["b", "a"], [])


def test_circles_name_the_keys_that_stand_in_the_way() -> None:
    a, b = table("a", refers("b", "b"), b="int4"), table("b", refers("a", "a"), a="int4")
    own = table("own", refers("up", "own"), up="int4")
    tables, keys = order(a, b, own, table("child", refers("own", "own"), own="int4"))
    assert tables.index("own") < tables.index("child")
    assert sorted(keys) == [("a", "b_fkey"), ("b", "a_fkey"), ("own", "up_fkey")]


def test_rows_that_need_one_another_are_one_group() -> None:
    assert sorted(groups([1, 2, 3, 4, 5], [(1, 2), (2, 1), (3, 4)])) == [[1, 2], [3, 4], [5]]
    assert groups([1, 2, 3], [(1, 2), (2, 3), (3, 1)]) == [[1, 2, 3]]
    assert groups([], []) == []


# --- fingerprints and plans ---------------------------------------------------------------------

USERS = Name("public", "users")


def test_a_fingerprint_speaks_of_structure_only() -> None:
    users = table("users", x="text")
    base = fingerprint(schema(users), [USERS])
    assert base == fingerprint(schema(replace(users, comment="c", rows=9, bytes=9, owner="o")), [USERS])
    assert base == fingerprint(schema(users, table("other")), [USERS])
    assert base == fingerprint(schema(users), [USERS, Name("public", "absent")])
    x = replace(users.columns[1], comment="c", position=7)
    assert base == fingerprint(schema(replace(users, columns=(users.columns[0], x))), [USERS])
    assert len(base) == 16


@pytest.mark.parametrize(
    "changed",
    [
        table("users", x="text!"),
        table("users", x="int4"),
        table("users", x="text", y="text"),
        table("users", y="text"),
        table("users", refers("x", "b"), x="text"),
        replace(table("users", x="text"), kind=RelationKind.PARTITIONED),
    ],
)
def test_a_fingerprint_notices_every_change(changed: Table) -> None:
    assert fingerprint(schema(changed), [USERS]) != fingerprint(schema(table("users", x="text")), [USERS])


def test_a_fingerprint_covers_the_types_in_use_and_leaves_out_what_the_run_drops() -> None:
    mood = replace(kind("int4"), schema="public", name="mood", kind=TypeKind.ENUM, display="public.mood", oid=90000)
    users = table("users", refers("x", "b"), x="text")
    typed = replace(users, columns=(*users.columns, Column(name="m", position=3, type=mood, not_null=False)))
    name = Name("public", "mood")
    one = fingerprint(schema(typed, enums={name: Enum(name=name, labels=("a",))}), [USERS])
    assert one != fingerprint(schema(typed, enums={name: Enum(name=name, labels=("a", "b"))}), [USERS])
    bare = fingerprint(schema(table("users", x="text")), [USERS])
    assert bare == fingerprint(schema(users), [USERS], without=[(USERS, "x_fkey")])


def plan() -> Any:
    file = document("name", more=DROPS.replace("name: w, ", "") + IGNORES)
    found = Facts(source=SOURCE, target=TARGET, document=file.document)
    return compose("transform", found, file, between=Between(urls=("s", "t")), occupied={USERS: 3})


def test_a_plan_knows_its_order_and_its_document() -> None:
    made = plan()
    assert made.order == (USERS,)
    assert made.mapping().document == document("name", more=DROPS.replace("name: w, ", "") + IGNORES).document


def test_a_plans_name_follows_its_content() -> None:
    assert plan().id == plan().id
    file = document("name", more=DROPS.replace("name: w, ", "") + IGNORES + "# a remark\n")
    found = Facts(source=SOURCE, target=TARGET, document=file.document)
    other = compose("transform", found, file, between=Between(urls=("s", "t")))
    assert other.id != plan().id
    assert other.hazards == ()


def test_hazard_names_are_words_for_the_command_line() -> None:
    assert all(h.value == h.name.lower().replace("_", "-") for h in Hazard)


def test_landing_compiles_for_every_kind_of_rule() -> None:
    for rule in (
        "name",
        "{value: null}",
        "{map: {a: b}, from: name, else: 'null'}",
        "{first: tags}",
        "{split: name, by: ' ', take: 1}",
    ):
        assert Landing(motion(rule)).insert()
