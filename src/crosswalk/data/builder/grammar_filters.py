"""Reads filters and the logic of `and` and `or`. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal
from typing import cast as typed

from crosswalk.data.builder.grammar import OPERATORS, QUANTIFIED, SEARCHES, TRUTHS, Check, Field, Logic, Path
from crosswalk.data.builder.grammar_cursor import Cursor

_KEPT = 1024
"""An application asks in few forms: their trees are kept."""
_TRUTH = max(map(len, TRUTHS))
_OPERATOR = "operator (eq, gt, ...)"
Value = Callable[[Cursor], str]


@lru_cache(maxsize=_KEPT)
def read_path(key: str) -> tuple[Path, Field]:
    """The key of a filter: names joined by dots, and a JSON path of the last one."""
    cursor = Cursor("tree path", key)
    names = [cursor.name()]
    while cursor.take("."):
        names.append(cursor.name())
    steps = cursor.steps()
    if not cursor.ended():
        cursor.fail("delimiter (.) or end of input")
    return tuple(names[:-1]), Field(name=names[-1], steps=steps)


def read_filter(key: str, text: str) -> tuple[Path, Check]:
    path, field = read_path(key)
    return path, _test(Cursor("filter", text), field, Cursor.rest)


def read_logic(key: str, text: str) -> tuple[Path, Check | Logic]:
    """`rel.not.or` = `(a.eq.1,b.eq.2)`: the path, and the tree."""
    cursor = Cursor("logic path", key)
    names = [cursor.name()]
    while cursor.take("."):
        names.append(cursor.name())
    word = "not." + names[-1] if "not" in names else names[-1]
    return tuple(name for name in names[:-1] if name != "not"), _logic(Cursor("logic tree", word + text, shown=text))


def _logic(cursor: Cursor) -> Check | Logic:
    cursor.blanks()
    found: Check | Logic = cursor.attempt(lambda: _inner_test(cursor)) or _joined(cursor)
    cursor.blanks()
    return found


def _inner_test(cursor: Cursor) -> Check:
    field = cursor.field()
    cursor.need(".", "delimiter (.)")
    return _test(cursor, field, _inner_value)


def _joined(cursor: Cursor) -> Logic:
    negated = cursor.take("not.")
    word = "and" if cursor.take("and") else "or"
    if word == "or" and not cursor.take("or"):
        cursor.fail("field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)")
    cursor.blanks()
    cursor.need("(")
    parts = [_logic(cursor)]
    while cursor.take(","):
        parts.append(_logic(cursor))
    cursor.need(")", '"," or ")"')
    return Logic(operator=typed(Literal["and", "or"], word), parts=tuple(parts), negated=negated)


def _test(cursor: Cursor, field: Field, value: Value) -> Check:
    negated = cursor.take("not.")
    for kind in (_in, _is, _distinct, _search):
        found = kind(cursor, field, negated, value)
        if found:
            return found
    return _operated(cursor, field, negated, value)


def _in(cursor: Cursor, field: Field, negated: bool, value: Value) -> Check | None:
    if not cursor.take("in."):
        return None
    cursor.blanks()
    cursor.need("(")
    cursor.blanks()
    values = [_element(cursor)]
    while cursor.take(","):
        values.append(_element(cursor))
    cursor.need(")", '"," or ")"')
    cursor.blanks()
    return Check(field=field, operator="in", value=tuple(values), negated=negated)


def _element(cursor: Cursor) -> str:
    quoted = cursor.attempt(lambda: _closed(cursor)) if cursor.peek('"') else None
    return cursor.until(",)") if quoted is None else quoted


def _closed(cursor: Cursor) -> str:
    """A quoted value with nothing behind it that belongs to the same element."""
    found = cursor.quoted()
    if not (cursor.ended() or cursor.peek(",") or cursor.peek(")")):
        cursor.fail('"," or ")"')
    return found


def _inner_value(cursor: Cursor) -> str:
    """A value inside of a logic tree: quoted, an array in braces, or what comes before a comma or bracket."""
    found = cursor.attempt(lambda: _closed(cursor)) if cursor.peek('"') else None
    if found is None and cursor.peek("{"):
        found = cursor.attempt(lambda: _braced(cursor))
    return cursor.until(",)") if found is None else found


def _braced(cursor: Cursor) -> str:
    cursor.need("{")
    inside = cursor.until("{}")
    cursor.need("}")
    return "{" + inside + "}"


def _is(cursor: Cursor, field: Field, negated: bool, value: Value) -> Check | None:
    if not cursor.take("is."):
        return None
    rest = cursor.text[cursor.at : cursor.at + _TRUTH].lower()
    word = next((word for word in TRUTHS if rest.startswith(word)), "")
    if not word:
        cursor.fail("null or trilean value (unknown, true, false)")
    cursor.at += len(word)
    return Check(field=field, operator="is", value=word, negated=negated)


def _distinct(cursor: Cursor, field: Field, negated: bool, value: Value) -> Check | None:
    if not cursor.take("isdistinct."):
        return None
    return Check(field=field, operator="isdistinct", value=value(cursor), negated=negated)


def _search(cursor: Cursor, field: Field, negated: bool, value: Value) -> Check | None:
    start = cursor.at
    word = cursor.until(".(")
    if word not in SEARCHES:
        cursor.at = start
        return None
    config = ""
    if cursor.take("("):
        config = cursor.identifier()
        cursor.need(")")
    cursor.need(".", "delimiter (.)")
    return Check(field=field, operator=word, value=value(cursor), negated=negated, config=config)


def _operated(cursor: Cursor, field: Field, negated: bool, value: Value) -> Check:
    start = cursor.at
    word = cursor.until(".(")
    if word not in OPERATORS:
        cursor.at = start
        cursor.fail(_OPERATOR if negated else f'"not" or {_OPERATOR}')
    quantifier = _quantifier(cursor, word)
    cursor.need(".", "delimiter (.)")
    return Check(
        field=field,
        operator=word,
        value=value(cursor),
        negated=negated,
        quantifier=typed(Literal["", "any", "all"], quantifier),
    )


def _quantifier(cursor: Cursor, operator: str) -> str:
    """`(any)` or `(all)`, for the operators that know them."""
    if not cursor.peek("("):
        return ""
    if operator not in QUANTIFIED:
        cursor.fail(_OPERATOR)
    cursor.need("(")
    word = next((word for word in ("any", "all") if cursor.take(f"{word})")), "")
    if not word:
        cursor.fail(_OPERATOR)
    return word
