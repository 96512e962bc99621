"""YAML text to a `Document` and back: strict, with line numbers, comments kept.

Reads with ruamel.yaml's round-trip loader; the loaded nodes are kept in `MappingFile`, so that an
edit writes the author's text back with its comments. Unknown keys, doubled keys, wrong types and
bad names raise BadMapping with the file and line.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

from crosswalk.errors import BadMapping, BadName, MappingUnreadable
from crosswalk.mapping.document import Document, TableMapping
from crosswalk.mapping.exact import Constructor, Representer
from crosswalk.mapping.rules import KINDS

_KNOWN = sorted(
    {f.alias or n for model in (Document, TableMapping) for n, f in model.model_fields.items()}
    | set(KINDS)
    | {"why", "missing", "ambiguous", "take", "match", "table", "into", "by", "else", "from", "final", "secret"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """A document together with the text that it was read from."""

    path: str
    text: str
    document: Document
    node: CommentedMap = field(repr=False, compare=False)

    def dump(self) -> str:
        """The text again, with the author's comments and any edits made to `node`."""
        return write(self.node)

    def line(self, *place: str | int) -> int:
        """The line (from 1) of a key path such as `("tables", "public.users", "columns", "id")`."""
        return _line(self.node, place)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.Constructor = Constructor
    yaml.Representer = Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def load(text: str) -> Any:
    """The nodes of a YAML text that is known to be sound, with its comments and its style."""
    return _yaml().load(text)


def compose(text: str) -> Node:
    """The places of a YAML text that is known to be sound."""
    found: Node = _yaml().compose(text)
    return found


def write(node: CommentedMap) -> str:
    """The YAML text of a node, with its comments."""
    out = io.StringIO()
    _yaml().dump(node, out)
    return out.getvalue()


def _line(node: Any, place: Iterable[str | int]) -> int:
    """The line of the deepest part of `place` that exists in the text; steps that are no key are passed over."""
    line = 1
    here = node
    for step in place:
        if isinstance(here, CommentedMap) and step in here:
            line = here.lc.key(step)[0] + 1
            here = here[step]
        elif isinstance(here, CommentedSeq) and isinstance(step, int) and step < len(here):
            line = here.lc.item(step)[0] + 1
            here = here[step]
    return line


def plain(node: Any) -> Any:
    """The nodes as plain values."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, bool | Decimal) or node is None:
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _where(node: Any, place: Sequence[str | int]) -> str:
    """The place as people say it: only steps that stand in the text."""
    steps, here = [], node
    for step in place:
        if isinstance(here, dict) and step in here:
            steps.append(str(step))
            here = here[step]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            steps.append(str(step + 1))
            here = here[step]
    return " → ".join(steps)


def _complain(path: str, node: Any, error: ValidationError) -> BadMapping:
    first = min(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", _line(node, e["loc"])))
    place = first["loc"]
    problem = first["msg"]
    if first["type"] == "extra_forbidden":
        unknown = str(place[-1])
        close = difflib.get_close_matches(unknown, _KNOWN, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        if first["input"] is None:
            hint += "; a text with a comma inside { } must stand in quotes"
        problem = f"unknown key {unknown!r}{hint}"
    elif first["type"] == "missing":
        problem = f"the key {str(place[-1])!r} is missing"
    more = len(error.errors()) - 1
    return BadMapping(
        path=path,
        line=_line(node, place),
        place=_where(node, place) or "the document",
        problem=problem,
        more=f" ({more} more after this)" if more else "",
    )


def read_text(text: str, *, path: str = "<text>") -> MappingFile:
    """The document in YAML text; raises BadMapping."""
    try:
        node = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadMapping(
            path=path,
            line=(mark.line + 1) if mark else 1,
            place="the YAML text",
            problem=str(error.problem or error.context),
            more="",
        ) from error
    except (YAMLError, ValueError) as error:
        raise BadMapping(
            path=path, line=1, place="the YAML text", problem=str(error).splitlines()[0], more=""
        ) from error
    if not isinstance(node, CommentedMap):
        raise BadMapping(path=path, line=1, place="the document", problem="it is no mapping of keys to values", more="")
    try:
        document = Document.model_validate(plain(node))
        for name, table in document.tables.items():
            _check_names(path, node, name, table)
    except ValidationError as error:
        raise _complain(path, node, error) from error
    except BadName as error:
        raise BadMapping(path=path, line=1, place="tables", problem=str(error), more="") from error
    return MappingFile(path=path, text=text, document=document, node=node)


def _check_names(path: str, node: Any, name: str, table: TableMapping) -> None:
    try:
        _ = table.source
    except BadName as error:
        place = ("tables", name, "from")
        raise BadMapping(
            path=path, line=_line(node, place), place=_where(node, place), problem=str(error), more=""
        ) from error


def read_json(text: str, *, path: str) -> MappingFile:
    """A document that Crosswalk wrote for itself, as JSON: read a hundred times faster than YAML; it has no lines to name."""
    return MappingFile(path=path, text=text, document=Document.model_validate(json.loads(text)), node=CommentedMap())


def read_mapping(path: Path | str) -> MappingFile:
    """The document in a file; raises MappingUnreadable and BadMapping."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise MappingUnreadable(path=path, reason=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise MappingUnreadable(path=path, reason=f"it is not UTF-8 at byte {error.start}") from error
    return read_text(text, path=str(path))


def json_schema() -> dict[str, Any]:
    """The JSON schema of the document, for editors."""
    schema = Document.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Crosswalk mapping document",
        **{key: value for key, value in schema.items() if key != "title"},
    }
