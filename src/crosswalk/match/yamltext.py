"""Plain values as YAML text, in the shape in which documents are written; quick, for drafts of many tables.

Everything that a YAML reader could take for something else is quoted as JSON is. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_PLAIN: Final = re.compile(r"[^\W\d][\w./()~+%$-]*(?: [\w./()~+%$-]+)*\Z")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def scalar(value: Any) -> str:
    """A text, number, boolean or null."""
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.lower() not in _WORDS and value.isprintable() else quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    """In double quotes, with what does not print as escapes."""
    return "".join(c if c.isprintable() else _escape(c) for c in json.dumps(text, ensure_ascii=False))


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def flow(value: Any) -> str:
    """Any value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(key: str, lines: list[str]) -> Iterator[str]:
    """A key with a list below it, an item a line."""
    yield f"{scalar(key)}:"
    yield from (f"  - {scalar(line)}" for line in lines)
