"""The options that verbs share, and what becomes of them.

URLs are read from options or from CROSSWALK_SOURCE and CROSSWALK_TARGET by `connect`, not by the
parser of the command line, so that no help text and no usage error can print one.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from crosswalk.connect import MASK, mask, server_url
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.names import Name
from crosswalk.survey import Servers

Source = Annotated[
    str | None,
    typer.Option("--source", metavar="URL", help="The database to move; else CROSSWALK_SOURCE.", show_default=False),
]
Target = Annotated[
    str | None,
    typer.Option("--target", metavar="URL", help="Where it goes; else CROSSWALK_TARGET.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else there.")]
Mapping_ = Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping document, e.g. crosswalk.yaml.")]
MaybeMapping = Annotated[
    Path | None, typer.Option("--mapping", metavar="FILE", help="A mapping document.", show_default=False)
]
Exact = Annotated[
    bool, typer.Option("--exact", help="Differences of representation count too (1.0 and 1.00, 0 and -0).")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, metavar="N", help="Chunks moved at a time.")]


def servers(source: str | None, target: str | None) -> Servers:
    """Both servers; raises NoServerNamed and BadConnectionSetting."""
    return Servers(source=server_url("source", source), target=server_url("target", target))


def document(path: Path | None) -> MappingFile | None:
    """The document, where one was named."""
    return read_mapping(path) if path is not None else None


def pairs(file: MappingFile) -> Mapping[Name, Name]:
    """Target by source table; where one feeds several the first counts."""
    return file.document.pairs


def again(command: str, *, source: str | None = None, target: str | None = None) -> str:
    """The command with the servers as they were given on the command line, without their passwords.

    What stands there can be pasted where the password comes from PGPASSWORD or ~/.pgpass; a masked one could not.
    """
    given = (("--source", source), ("--target", target))
    return " ".join([command, *(f"{flag} {shlex.quote(_bare(url))}" for flag, url in given if url)])


def _bare(url: str) -> str:
    return mask(url).replace(f":{MASK}@", "@", 1)
