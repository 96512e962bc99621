"""Texts of expressions: nothing is lost in tokens, and a cast of an array is told at its elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.wording import settled, tokens


@given(st.text())
def test_tokens_lose_nothing(text: str) -> None:
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(("told", "again"), [
    (
        "((s)::text = ANY ((ARRAY['a'::character varying, 'b, ]'::character varying])::text[]))",
        "((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b, ]'::character varying)::text]))",
    ),
    ("(ARRAY[f(a, b[1]), (ARRAY[c])::int[]])::numeric(5,2)[]",
     "ARRAY[(f(a, b[1]))::numeric(5,2), (ARRAY[(c)::int])::numeric(5,2)]"),
    ('(ARRAY[a])::"Odd.schema"."T y"[]', 'ARRAY[(a)::"Odd.schema"."T y"]'),
])
def test_a_cast_of_an_array_is_told_at_its_elements(told: str, again: str) -> None:
    assert settled(told) == again
    assert settled(again) == again


@pytest.mark.parametrize("text", [
    "(a = ANY (ARRAY[1, 2]))", "'(ARRAY[1])::text[]'::text", "(ARRAY[1])::text", "(ARRAY[1", "(ARRAY[a]) || b", '"(ARRAY[1])::t[]"',
])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert settled(text) == text
