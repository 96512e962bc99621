"""Which names an SQL text mentions: a scan that passes over literals and comments, and no parser.

It may name too much (an alias, a word of the language), never too little: what it finds is matched
against names that exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | "(?P<quoted>(?:[^"]|"")+)"
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<sign>[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT: Final = re.compile(r"/\*|\*/")


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of names and signs: `name` folded as PostgreSQL folds it, `quoted` as it stands, `sign`."""
    position = 0
    while found := _TOKEN.search(sql, position):
        position = found.end()
        if found["block"]:
            position = _after_comment(sql, position)
        elif found["quoted"] is not None:
            yield "quoted", found["quoted"].replace('""', '"')
        elif found["word"]:
            yield "name", found["word"].lower()
        elif found["sign"]:
            yield "sign", found["sign"]


def _after_comment(sql: str, position: int) -> int:
    """The end of a comment that began just before `position`; comments nest."""
    depth = 1
    while depth:
        found = _COMMENT.search(sql, position)
        if found is None:
            return len(sql)
        depth += 1 if found.group() == "/*" else -1
        position = found.end()
    return position


def words(sql: str) -> set[str]:
    """Identifiers of an SQL text: bare ones folded to lower case, quoted ones as they are."""
    return {text for kind, text in _tokens(sql) if kind != "sign"}


def bare_words(sql: str) -> set[str]:
    """Identifiers that stand without quotes, which may be words of the language, and are no part of a dotted name."""
    tokens = [("sign", ""), *_tokens(sql)]
    return {t for (_, before), (kind, t) in pairwise(tokens) if kind == "name" and before != "."}


def calls(sql: str) -> set[tuple[str | None, str]]:
    """Names that an opening bracket follows, each with the schema before it."""
    tokens = [("sign", ""), ("sign", ""), *_tokens(sql)]
    found: set[tuple[str | None, str]] = set()
    for i in range(2, len(tokens) - 1):
        kind, name = tokens[i]
        if kind != "sign" and tokens[i + 1] == ("sign", "("):
            dotted = tokens[i - 1] == ("sign", ".") and tokens[i - 2][0] != "sign"
            found.add((tokens[i - 2][1] if dotted else None, name))
    return found
