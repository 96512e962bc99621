"""One change of a YAML text in place: every other byte of it stays as its author wrote it. Pure.

Stands on the places that the parser gives each node. What cannot be done in place (aliases, merged keys, odd
layouts) is not done: the caller compares the outcome with what was meant and writes the whole document anew.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

_ALIAS: Final = re.compile(r"\s*:\s*\*[^\s,\]}]+")


def spliced(text: str, root: Node, place: tuple[str, ...], value: str, pair: str, before: str) -> str | None:
    """The text with another value at a place; `pair` is the line for a key that is not there yet, which goes before
    the key `before`. None where the text does not lend itself to it."""
    here: Node | None = root
    for step in place[:-1]:
        found = _entry(here, step)
        here = found[1] if found else None
    if not isinstance(here, MappingNode):
        return None
    known = _entry(here, place[-1])
    if known is not None:
        return _replaced(text, *known, value)
    if here.flow_style:
        return _into_braces(text, here, pair)
    return _new_line(text, here, pair, before)


def _entry(node: Node | None, key: str) -> tuple[Node, Node] | None:
    if not isinstance(node, MappingNode):
        return None
    return next(((k, v) for k, v in node.value if k.value == key), None)


def _end(node: Node) -> int:
    """Where the last sign of a node stands; a block's own end lies behind the comments that follow it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last: Any = node.value[-1]
        return _end(last[1] if isinstance(node, MappingNode) else last)
    return int(node.end_mark.index)


def _replaced(text: str, key: Node, old: Node, value: str) -> str | None:
    start, end = int(old.start_mark.index), _end(old)
    colon = int(key.end_mark.index)
    if start < colon:
        alias = _ALIAS.match(text, colon)
        return f"{text[:colon]}: {value}{text[alias.end() :]}" if alias else None
    end = len(text[:end].rstrip())  # a text in several lines ends with the line
    between = text[colon:start]
    if between.strip() == ":":
        return f"{text[:colon]}: {value}{text[end:]}"
    return f"{text[:start]}{value}{text[end:]}"


def _into_braces(text: str, node: MappingNode, pair: str) -> str:
    if not node.value:
        start = int(node.start_mark.index)
        return f"{text[: start + 1]}{pair}{text[start + 1 :]}"
    end = _end(node.value[-1][1])
    return f"{text[:end]}, {pair}{text[end:]}"


def _new_line(text: str, node: MappingNode, pair: str, before: str) -> str | None:
    known = _entry(node, before)
    key = known[0] if known else node.value[0][0]
    start, column = int(key.start_mark.index), int(key.start_mark.column)
    if text[start - column : start].strip():
        return None
    if known:
        return f"{text[:start]}{pair}\n{' ' * column}{text[start:]}"
    end = _end(node.value[-1][1])
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    return f"{text[:line]}\n{' ' * column}{pair}{text[line:]}"
