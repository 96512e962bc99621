"""Edits of a mapping document's text that leave the author's comments and order as they are.

A round-trip YAML node hangs the comment lines between two entries on the entry above them. When an entry is
added at a block's end, or the last one goes, those lines would move or vanish with it; here they stay at the end.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken

_PLACES = {CommentedMap: 2, CommentedSeq: 0}


def flow(**entries: Any) -> CommentedMap:
    """`{a: b, c: d}`, in one line."""
    made = CommentedMap(entries)
    made.fa.set_flow_style()
    return made


def flow_list(entries: Any) -> CommentedSeq:
    """`[a, b]`, in one line."""
    made = CommentedSeq(entries)
    made.fa.set_flow_style()
    return made


def append(node: CommentedMap, key: str, value: Any) -> None:
    """A new entry at the end; the comment lines that stood there stay at the end."""
    tail = _take(node)
    node[key] = value
    _put(node, tail)


def remove(parent: CommentedMap, name: str, key: str, *, above: str) -> None:
    """Take an entry out of the block `name`; an empty block goes too, and its last comment lines to the block `above`."""
    node = parent[name]
    tail = _take(node)
    del node[key]
    if node:
        _put(node, tail)
    else:
        del parent[name]
        _put(parent[above], tail)


def _last(node: Any) -> tuple[Any, Any]:
    """The innermost block that ends where `node` ends, and its last key."""
    while True:
        key = len(node) - 1 if isinstance(node, CommentedSeq) else next(reversed(node))
        inner = node[key]
        if not isinstance(inner, CommentedMap | CommentedSeq) or not inner or inner.fa.flow_style():
            return node, key
        node = inner


def _take(node: CommentedMap) -> str:
    """The comment lines after the last entry's own line; they are taken off."""
    block, key = _last(node)
    tokens = block.ca.items.get(key)
    place = _PLACES[type(block)]
    if not tokens or tokens[place] is None:
        return ""
    own, _, rest = str(tokens[place].value).partition("\n")
    if own.strip():
        tokens[place] = CommentToken(own + "\n", tokens[place].start_mark, None)
    else:
        del block.ca.items[key]
    return rest


def _put(node: CommentedMap, tail: str) -> None:
    if not tail:
        return
    block, key = _last(node)
    place = _PLACES[type(block)]
    tokens = block.ca.items.setdefault(key, [None, None, None, None])
    before = str(tokens[place].value) if tokens[place] is not None else "\n"
    column = tokens[place].start_mark.column if tokens[place] is not None else 0
    tokens[place] = CommentToken(before + tail, CommentMark(column), None)
