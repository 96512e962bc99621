"""The server's texts of expressions as words and signs, and the one form that survives being said again.

A definition is taken apart into tokens, so that a name which holds a keyword or a quote misleads
nobody. The server writes keywords in capitals and unquoted names in small letters. Pure.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""\"(?:[^"]|"")*\" | '(?:[^']|'')*' | \$\w*\$ | [^\W\d][\w$]* | \s+ | .""", re.VERBOSE | re.DOTALL
)
_OPEN: Final = frozenset("([")
_CLOSE: Final = frozenset(")]")
_OF_TYPE: Final = re.compile(r'"|[^\W\d]|[\s.,()0-9-]')


def tokens(text: str) -> list[str]:
    """Names, literals, white space and signs, in order; joined they are the text again."""
    return _TOKEN.findall(text)


def settled(text: str) -> str:
    """The text as the server writes it once it has read its own text again.

    `status IN ('a', 'b')` over a varchar is told as `ANY ((ARRAY['a'::character varying, …])::text[])`;
    who runs that text gets the cast told at each element. Every dump that is restored does that.
    """
    return "".join(_settled(tokens(text))) if "ARRAY" in text else text


def _settled(parts: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(parts):
        found = _array_cast(parts, at)
        if found is None:
            kept.append(parts[at])
            at += 1
            continue
        elements, kind, at = found
        said = [f"({''.join(_settled(element)).strip()})::{kind}" for element in elements]
        kept.append(f"ARRAY[{', '.join(said)}]")
    return kept


def _array_cast(parts: list[str], at: int) -> tuple[list[list[str]], str, int] | None:
    """What stands between `(ARRAY[` and `])::type[]` at this place, the type, and the place after it."""
    if parts[at : at + 3] != ["(", "ARRAY", "["]:
        return None
    elements: list[list[str]] = [[]]
    depth, place = 1, at + 3
    while place < len(parts) and depth:
        part = parts[place]
        depth += (part in _OPEN) - (part in _CLOSE)
        if depth == 1 and part == ",":
            elements.append([])
        elif depth:
            elements[-1].append(part)
        place += 1
    if parts[place : place + 3] != [")", ":", ":"]:
        return None
    return _with_type(parts, place + 3, elements)


def _with_type(
    parts: list[str], begin: int, elements: list[list[str]]
) -> tuple[list[list[str]], str, int] | None:
    place = begin
    while place < len(parts) and parts[place] != "[" and _OF_TYPE.match(parts[place]):
        place += 1
    if place == begin or parts[place : place + 2] != ["[", "]"]:
        return None
    return elements, "".join(parts[begin:place]), place + 2
