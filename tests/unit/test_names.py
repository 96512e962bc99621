"""Names and literals: what people write and what enters SQL (a real server reads literals in test_types)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.errors import BadName
from crosswalk.names import NAME_BYTES, Name, array_literal, literal, parse, quote, quote_list, split

parts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda p: len(p.encode()) <= NAME_BYTES
) | st.sampled_from(['a"b', '"', "a.b", "Order", "select", " ", " a ", "ü", "a$1", "1a", "x" * 63, '"."'])


@given(parts, parts)
def test_a_name_is_read_as_it_was_written(schema: str, relation: str) -> None:
    name = Name(schema, relation)
    assert parse(str(name)) == name
    assert split(name.sql) == [schema, relation]


@given(parts)
def test_a_quoted_identifier_stays_one(part: str) -> None:
    assert split(quote(part)) == [part]


def test_a_bare_name_is_of_the_public_schema() -> None:
    assert parse("users") == Name("public", "users") == parse("public.users")
    assert parse("users", default_schema="app") == Name("app", "users")
    assert str(parse('"odd.name"')) == 'public."odd.name"'
    assert parse("Users") == Name("public", "Users")


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a.b.c", '"a', 'a"b"', '""', '"a"b', "x" * 64, "é" * 32, " "])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        parse(text)


@pytest.mark.parametrize("text", ["", "a\x00b"])
def test_what_is_no_identifier_never_enters_sql(text: str) -> None:
    with pytest.raises(BadName):
        quote(text)


def test_literals() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("a\\'") == " E'a\\\\'''"
    assert array_literal(["a", None, 'q"', "\\"]) == ' E\'{"a",NULL,"q\\\\"","\\\\\\\\"}\''
    assert quote_list(["a", "B c"], prefix="t.") == 't."a", t."B c"'
    with pytest.raises(BadName):
        literal("a\x00b")


@given(st.lists(st.builds(Name, parts, parts), max_size=5))
def test_names_sort_as_values(names: list[Name]) -> None:
    assert sorted(names) == sorted(names, key=lambda n: (n.schema, n.relation))
