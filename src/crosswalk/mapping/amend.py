"""Changes a document in its author's own text: what is not touched stays as it was written, comments too. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from crosswalk.mapping.reading import MappingFile, read_text, write

_BEFORE: Final = "columns"
"""A word about a whole table stands before its columns."""


def amended(file: MappingFile, changes: Iterable[tuple[tuple[str, ...], Any]]) -> MappingFile:
    """The document after changes (key path, new value) in turn; raises BadMapping where it is none any more."""
    node = read_text(file.text, path=file.path).node
    for place, value in changes:
        here: Any = node
        for step in place[:-1]:
            here = here.setdefault(step, CommentedMap())
        _put(here, place[-1], _node(value))
    return read_text(write(node), path=file.path)


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
