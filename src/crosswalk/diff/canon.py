"""Canonical text: the server's definitions without what differs only by name or by server version.

A definition is taken apart into tokens, so that a name which holds a keyword or a quote misleads
nobody. The server writes keywords in capitals and unquoted names in small letters. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from crosswalk.wording import tokens

_WORD: Final = re.compile(r"\"|[^\W\d]")
_SPACE: Final = re.compile(r"\s+\Z")
QUALIFIERS_DROPPED: Final = 16
"""The first major version that leaves the table's alias out of a query on one table."""


def _past_name(parts: list[str], at: int) -> int:
    """The place after `[ONLY] name[.name]`, which begins at `at` or after white space there."""
    while at < len(parts) and (_SPACE.match(parts[at]) or parts[at] == "ONLY"):
        at += 1
    while at < len(parts) and _WORD.match(parts[at]):
        at += 1
        if at >= len(parts) or parts[at] != ".":
            break
        at += 1
    return at


def anonymous(definition: str, *, after: Collection[str]) -> str:
    """The definition without the name that follows each keyword of `after` at its first place."""
    parts, kept, at, waiting = tokens(definition), [], 0, set(after)
    while at < len(parts):
        part = parts[at]
        kept.append(part)
        at += 1
        if part in waiting:
            waiting.discard(part)
            at = _past_name(parts, at)
    return "".join(kept)


def unqualified(query: str, *, schemas: Collection[str]) -> str:
    """The query without table aliases before its columns; names of schemas stay.

    Servers before 16 write `SELECT t.a FROM s.t`, later ones `SELECT a FROM s.t`.
    """
    parts, kept, at = tokens(query), [], 0
    while at < len(parts):
        qualifies = at + 2 < len(parts) and parts[at + 1] == "." and _WORD.match(parts[at]) and (
            _WORD.match(parts[at + 2]) or parts[at + 2] == "*"
        )
        if qualifies and parts[at].strip('"').replace('""', '"') not in schemas:
            at += 2
            continue
        kept.append(parts[at])
        at += 1
    return "".join(kept)
