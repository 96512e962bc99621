"""The comparison as a pure function: canonical text and the judging of columns and objects."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.diff import Attribute, ColumnVerdict, Verdict, compare
from crosswalk.diff.canon import anonymous, unqualified
from crosswalk.names import Name, quote
from crosswalk.schema import Column, Extension, Index, RelationKind, Schema, Table, TypeKind, TypeRef
from crosswalk.wording import tokens

INTEGER = TypeRef(
    schema="pg_catalog", name="int4", kind=TypeKind.BASE, modifier=-1, display="integer", plain="integer", oid=23,
    category="N",
)
A = Name("public", "a")


def column(name: str, *, not_null: bool = False, default: str | None = None, comment: str | None = None) -> Column:
    return Column(name=name, position=1, type=INTEGER, not_null=not_null, default=default, comment=comment)


def table(*columns: Column, name: Name = A, indexes: tuple[Index, ...] = (), extension: str | None = None) -> Table:
    return Table(name=name, kind=RelationKind.TABLE, columns=columns, indexes=indexes, extension=extension)


def schema(*tables: Table, version: int = 160000, extensions: tuple[Extension, ...] = ()) -> Schema:
    return Schema(
        server_version=version, database="d", role="r", tables={t.name: t for t in tables}, sequences={}, enums={},
        domains={}, extensions=extensions,
    )


def index(name: str, definition: str) -> Index:
    return Index(
        name=name, definition=definition, columns=("a",), unique=False, partial=False, predicate=None,
        expressions=False, immediate=True, valid=True, method="btree",
    )


def test_a_schema_equals_itself() -> None:
    one = schema(table(column("x")))
    assert compare(one, one).equal


def test_every_attribute_is_listed_and_the_weightiest_gives_the_verdict() -> None:
    left = schema(table(column("x", not_null=True, default="1", comment="c")))
    [found] = compare(left, schema(table(column("x")))).tables
    [diff] = found.columns
    assert diff.verdict is ColumnVerdict.NULLABILITY
    assert diff.differs == (
        Attribute(name="not null", source="yes", target="no"),
        Attribute(name="default", source="1", target=None),
        Attribute(name="comment", source="c", target=None),
    )


def test_missing_and_new_columns_keep_their_order() -> None:
    [found] = compare(
        schema(table(column("a"), column("b"), column("c"))), schema(table(column("d"), column("c"), column("e")))
    ).tables
    assert [(c.name, c.verdict.value) for c in found.columns] == [
        ("a", "missing"), ("b", "missing"), ("c", "same"), ("d", "new"), ("e", "new"),
    ]
    assert found.counts == {ColumnVerdict.MISSING: 2, ColumnVerdict.NEW: 2, ColumnVerdict.SAME: 1}


def test_a_pair_wins_over_equal_names() -> None:
    b, c = Name("public", "b"), Name("public", "c")
    found = compare(
        schema(table(column("x")), table(column("y"), name=b)),
        schema(table(column("x")), table(column("x"), name=b), table(name=c)), pairs={A: b},
    )
    assert [(t.source, t.target) for t in found.tables] == [(A, b), (b, None), (None, A), (None, c)]


def test_tables_of_extensions_and_their_versions_make_no_difference() -> None:
    left = schema(table(extension="x"), extensions=(Extension(name="x", version="1.0", schema="public"),))
    right = schema(extensions=(Extension(name="x", version="1.1", schema="public"),))
    found = compare(left, right)
    assert found.equal
    assert [(n.name, n.source, n.target) for n in found.notes] == [("extension x", "1.0", "1.1")]


def test_an_equal_index_under_another_name_is_renamed_once() -> None:
    left = table(indexes=(index("i", "CREATE INDEX i ON public.a USING btree (x)"),))
    right = table(indexes=(
        index("j", "CREATE INDEX j ON public.a USING btree (x)"),
        index("k", "CREATE INDEX k ON public.a USING btree (x)"),
    ))
    [found] = compare(schema(left), schema(right)).tables
    assert [(o.source, o.target, o.verdict) for o in found.objects] == [
        ("i", "j", Verdict.RENAMED), (None, "k", Verdict.NEW),
    ]


@given(st.text())
def test_tokens_lose_nothing(text: str) -> None:
    assert "".join(tokens(text)) == text


names = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20
) | st.sampled_from(['ON public.x', 'a"b', " USING ", "ONLY", "'", "INDEX", "$$", "x.y"])


@given(names, names, names)
def test_no_name_of_an_index_or_table_survives_or_hides_the_rest(one: str, two: str, three: str) -> None:
    text = f"CREATE INDEX {quote(one)} ON ONLY {quote(two)}.{quote(three)} USING btree (lower(x)) WHERE (y = 'ON z')"
    found = anonymous(text, after={"INDEX", "ON"})
    assert re.sub(r"\s+", " ", found) == "CREATE INDEX ON USING btree (lower(x)) WHERE (y = 'ON z')"


@pytest.mark.parametrize(("older", "newer"), [
    ("SELECT k.a, k.b FROM public.no_key k WHERE (k.a IS NOT NULL)",
     "SELECT a, b FROM public.no_key k WHERE (a IS NOT NULL)"),
    ('SELECT "K k"."A a" FROM "Odd.s"."T" "K k"', 'SELECT "A a" FROM "Odd.s"."T" "K k"'),
    ("SELECT count(t.*) AS n, 't.a' FROM public.t", "SELECT count(*) AS n, 't.a' FROM public.t"),
])
def test_aliases_that_older_servers_write_are_left_out(older: str, newer: str) -> None:
    schemas = {"public", "Odd.s"}
    assert unqualified(older, schemas=schemas) == unqualified(newer, schemas=schemas)


def test_queries_of_servers_on_one_side_of_16_are_compared_word_by_word() -> None:
    view = Name("public", "v")
    views = {view: "SELECT k.a FROM public.k"}, {view: "SELECT a FROM public.k"}

    def with_view(text: dict[Name, str], version: int) -> Schema:
        return Schema(
            server_version=version, database="d", role="r", sequences={}, enums={}, domains={}, views=text,
            tables={view: Table(name=view, kind=RelationKind.VIEW, columns=())},
        )

    assert compare(with_view(views[0], 150000), with_view(views[1], 180000)).equal
    assert not compare(with_view(views[0], 160000), with_view(views[1], 180000)).equal
