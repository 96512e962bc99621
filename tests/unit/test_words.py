"""What an SQL text mentions: names, not literals and not comments."""

from __future__ import annotations

import pytest

from crosswalk.mapping.words import bare_words, calls, words


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("Lower(Name)", {"lower", "name"}),
        ('"Odd ""Name""" || x', {'Odd "Name"', "x"}),
        ("a || 'b '' c' || d", {"a", "d"}),
        (r"E'it\'s b' || c", {"c"}),
        ("date'2020-01-01' + n", {"date", "n"}),
        ("$$a$$ || $t$ b $$ $t$ || c", {"c"}),
        ("a -- b\n + c", {"a", "c"}),
        ("a /* b /* c */ d */ + e", {"a", "e"}),
        ("a /* never closed b", {"a"}),
        ("1e5 + x1", {"x1"}),
        ("größe", {"größe"}),
    ],
)
def test_words(sql: str, found: set[str]) -> None:
    assert words(sql) == found


def test_calls_know_their_schema() -> None:
    assert calls('a(b) + "S" . "f" (c) + d.e + (g)') == {(None, "a"), ("S", "f")}


def test_a_word_of_the_language_is_neither_quoted_nor_part_of_a_name() -> None:
    assert bare_words('now + t.current_date + "localtime"') == {"now", "t"}
