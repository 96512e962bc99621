"""Changes a document in its author's own text: what is not touched stays as it was written, comments too. Pure."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from crosswalk.mapping.reading import MappingFile, compose, load, plain, read_text, write
from crosswalk.mapping.splice import spliced

_BEFORE: Final = "columns"
"""A word about a whole table stands before its columns."""


def amended(file: MappingFile, changes: Iterable[tuple[tuple[str, ...], Any]]) -> MappingFile:
    """The document after changes (key path, new value) in turn; raises BadMapping where it is none any more.

    Only the places that change are written anew where the text allows it, the whole text else.
    """
    node = read_text(file.text, path=file.path).node
    text: str | None = file.text
    for place, value in changes:
        here: Any = node
        for step in place[:-1]:
            here = _own(here, step)
        _put(here, place[-1], _node(value))
        text = _in_place(text, place, value) if text is not None else None
    if text is None or not _same(text, node):
        text = write(node)
    return read_text(text, path=file.path)


def _in_place(text: str, place: tuple[str, ...], value: Any) -> str | None:
    # A list would lose the braces of a single pair.
    alone, pair = write(_node({"x": value})).strip(), write(_node({place[-1]: value})).strip()
    try:
        return spliced(text, compose(text), place, alone[len("{x: ") : -1], pair[1:-1], _BEFORE)
    except YAMLError:
        return None


def _same(text: str, node: CommentedMap) -> bool:
    """Whether a text says what the nodes say."""
    try:
        return bool(plain(load(text)) == plain(node))
    except YAMLError:
        return False


def _own(here: CommentedMap, step: str) -> Any:
    """What stands at a step, as a copy of its own where it may be shared: an alias must not change with its anchor."""
    made = copy.deepcopy(here[step]) if step in here else CommentedMap()
    anchor = made.yaml_anchor() if isinstance(made, CommentedMap) else None
    if anchor is not None:
        made.yaml_set_anchor(None)
    here[step] = made
    return made


def difference(before: MappingFile, after: MappingFile) -> str:
    """A unified diff of the two texts."""
    lines = difflib.unified_diff(
        before.text.splitlines(), after.text.splitlines(), before.path, after.path, lineterm="", n=1
    )
    return "\n".join(lines)


def _put(here: CommentedMap, key: str, value: Any) -> None:
    if key in here or _BEFORE not in here:
        here[key] = value
    else:
        here.insert(list(here).index(_BEFORE), key, value)


def _node(value: Any) -> Any:
    """Plain values as nodes that are written on one line."""
    if isinstance(value, dict):
        made = CommentedMap((k, _node(v)) for k, v in value.items())
        made.fa.set_flow_style()
        return made
    if isinstance(value, list):
        listed = CommentedSeq(_node(v) for v in value)
        listed.fa.set_flow_style()
        return listed
    return value
