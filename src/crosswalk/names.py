"""Identifiers: the only place where a name becomes SQL.

`quote` and `literal` are the two doors through which text of ours enters a statement. A `Name` is
a schema-qualified relation, compared and sorted as a value. `shown` is how text that others chose is
shown to people. Nothing here talks to a server.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crosswalk.errors import BadName

NAME_BYTES: Final = 63
DEFAULT_SCHEMA: Final = "public"
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_PART: Final = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


def quote(identifier: str) -> str:
    """The identifier in double quotes, always, so that no reserved word and no case matters."""
    if "\x00" in identifier or not identifier:
        raise BadName(text=repr(identifier), reason="it is empty or holds a zero byte")
    return '"' + identifier.replace('"', '""') + '"'


def quote_list(identifiers: Iterable[str], *, prefix: str = "") -> str:
    """Quoted identifiers separated by commas, each after `prefix` (e.g. `t.`)."""
    return ", ".join(prefix + quote(name) for name in identifiers)


def literal(text: str) -> str:
    """The text as an SQL string literal that does not depend on standard_conforming_strings."""
    if "\x00" in text:
        raise BadName(text=repr(text), reason="a zero byte cannot stand in a text value")
    escaped = text.replace("'", "''")
    if "\\" in escaped:
        return " E'" + escaped.replace("\\", "\\\\") + "'"
    return "'" + escaped + "'"


def array_literal(values: Iterable[str | None]) -> str:
    """The texts as the literal of a one-dimensional array, to be cast by the caller."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        else:
            parts.append('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return literal("{" + ",".join(parts) + "}")


def shown(text: str) -> str:
    """The text with control and direction characters made visible, so that no name can repaint what shows it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        if unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"}
        else char.encode("unicode_escape").decode()
        for char in text
    )


def _display(part: str) -> str:
    return part if _PLAIN.match(part) else quote(part)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A relation's full name."""

    schema: str
    """The namespace, unquoted."""
    relation: str
    """The table, view, sequence … inside it, unquoted."""

    @property
    def sql(self) -> str:
        """The name as it enters a statement."""
        return f"{quote(self.schema)}.{quote(self.relation)}"

    def __str__(self) -> str:
        """The name as people read and write it; quoted only where it must be; round trips by `parse`."""
        return f"{_display(self.schema)}.{_display(self.relation)}"


def split(text: str) -> list[str]:
    """The dotted parts of a name as people write it; double quotes protect dots and case.

    Raises BadName for text that is no dotted name.
    """
    parts: list[str] = []
    position = 0
    while True:
        found = _PART.match(text, position)
        if not found:
            raise BadName(text=repr(text), reason="a part is empty or a quote is not closed")
        quoted, plain = found.groups()
        parts.append(quoted.replace('""', '"') if quoted is not None else plain.strip())
        position = found.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise BadName(text=repr(text), reason="parts are separated by a dot")
        position += 1
    for part in parts:
        if not part or len(part.encode()) > NAME_BYTES:
            raise BadName(text=repr(text), reason=f"a part is empty or longer than {NAME_BYTES} bytes")
    return parts


@lru_cache(maxsize=65_536)
def parse(text: str, *, default_schema: str = DEFAULT_SCHEMA) -> Name:
    """A relation's name as people write it: `table` or `schema.table`.

    Raises BadName.
    """
    parts = split(text)
    if len(parts) == 1:
        return Name(default_schema, parts[0])
    if len(parts) == 2:
        return Name(parts[0], parts[1])
    raise BadName(text=repr(text), reason="it has more than two parts")
