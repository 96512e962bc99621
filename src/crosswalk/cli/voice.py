"""How the command line speaks: results on stdout, messages on stderr, one JSON object under `--json`.

Text from databases and users is shown as text: no markup, control characters made visible,
passwords in URLs masked. Colour only on a terminal and not under NO_COLOR.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from rich.console import Console, RenderableType
from rich.text import Text

from crosswalk.connect import mask
from crosswalk.errors import EXIT_CLEAN

SCHEMA_VERSION: Final = 1
_URL: Final = re.compile(r"(?:postgres(?:ql)?|https?)://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb has to say."""

    data: Mapping[str, Any]
    """For `--json`."""
    view: Iterable[RenderableType]
    """For people."""
    exit_code: int = EXIT_CLEAN
    notes: tuple[str, ...] = ()
    """Messages on stderr."""
    next: tuple[str, ...] = field(default=())
    """Commands to go on with."""


def _colours() -> Literal["auto"] | None:
    """Under NO_COLOR not even bold type."""
    return None if os.environ.get("NO_COLOR") else "auto"


@cache
def out() -> Console:
    """Where results go."""
    return Console(color_system=_colours(), highlight=False, markup=False, emoji=False)


@cache
def err() -> Console:
    """Where messages go."""
    return Console(stderr=True, color_system=_colours(), highlight=False, markup=False, emoji=False)


def clean(text: str) -> str:
    """Text that is safe to print: passwords in URLs masked, control characters visible."""
    from crosswalk.cli.tables import shown

    return shown(_URL.sub(lambda found: mask(found.group()), text))


def note(text: str, *, style: str = "", head: str = "") -> None:
    """A message on stderr; never broken into lines unless a terminal reads it."""
    line = Text(head, style=f"{style} bold".strip()).append(clean(text), style="" if head else style)
    err().print(line, soft_wrap=not err().is_terminal)


def command(text: str) -> None:
    """A command to go on with, on stderr, in one line so that it can be copied."""
    err().print(Text("→ ", style="green").append(clean(text), style="green"), soft_wrap=True)


def dump(data: Mapping[str, Any]) -> None:
    """The one object on stdout."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps({"schema_version": SCHEMA_VERSION, **data}, default=str, ensure_ascii=ascii_only), flush=True)  # noqa: T201


def give(answer: Answer, *, as_json: bool) -> int:
    """Say it; returns the exit code."""
    if as_json:
        ok = answer.exit_code == EXIT_CLEAN
        dump({"ok": ok, "exit_code": answer.exit_code, **answer.data, "next": list(answer.next)})
        return answer.exit_code
    for each in answer.view:
        out().print(each)
    for text in answer.notes:
        note(text, style="yellow")
    for text in answer.next:
        command(text)
    return answer.exit_code


def complain(error: Mapping[str, Any], *, as_json: bool) -> None:
    """An error: its message, then what to do about it."""
    if as_json:
        told = {name: clean(value) if isinstance(value, str) else value for name, value in error.items()}
        if "fields" in told:
            told["fields"] = {name: clean(str(value)) for name, value in error["fields"].items()}
        dump({"ok": False, "error": told})
        return
    note(str(error["message"]), style="red", head="error: ")
    if error.get("remedy"):
        note(str(error["remedy"]), head="→ ", style="green")
