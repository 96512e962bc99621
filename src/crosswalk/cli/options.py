"""The options that verbs share, and what becomes of them.

URLs are read from options or from CROSSWALK_SOURCE and CROSSWALK_TARGET by `connect`, not by the
parser of the command line, so that no help text and no usage error can print one.

A source that is a REST API is pulled into a staging database here, before a verb sees it: what it gets
is that database's URL.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crosswalk import rest
from crosswalk.cli import voice
from crosswalk.connect import MASK, mask, server_url
from crosswalk.errors import CrosswalkError
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.names import Name
from crosswalk.rest import RestSource, is_rest, mask_address, read_address
from crosswalk.survey import Servers

if TYPE_CHECKING:
    from crosswalk.rest import Rows

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


def servers(source: str | None, target: str | None, *, rows: Rows = "new") -> Servers:
    """Both servers; raises NoServerNamed and BadConnectionSetting, and for a REST source what a pull raises."""
    if rest_source(source) is None:
        return Servers(source=server_url("source", source), target=server_url("target", target))
    # Nothing is pulled for a command that lacks its target.
    to = server_url("target", target)
    return Servers(source=source_url(source, rows=rows), target=to)


def source_url(given: str | None, *, rows: Rows = "new") -> str:
    """The source as a database that can be asked in SQL; `rows` says which staged ones of a REST API will do."""
    api = rest_source(given)
    if api is None:
        return server_url("source", given)
    staged = rest.stage(api, rows=rows, tell=voice.note)
    for text in staged.notes:
        voice.note(text)
    return staged.url


def staged_url(given: str | None, *, server: Callable[[], str | None]) -> str | None:
    """The source for a verb that tells what is known: rows of an earlier pull will do, and so will none.

    None, and a note, where the API cannot be read; what `server` gives where the source is no API.
    """
    if rest_source(given) is None:
        return server()
    try:
        return source_url(given, rows="any")
    except CrosswalkError as error:
        voice.note(f"the source was not looked at: {error}", style="yellow")
        return None


def rest_source(given: str | None) -> RestSource | None:
    """The REST API that is named as the source; None where it is a server, or none is named. Raises BadRestAddress."""
    text = given or os.environ.get("CROSSWALK_SOURCE", "")
    return read_address(text) if is_rest(text) else None


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
    if is_rest(url):
        # What read_address took holds no secret; what it did not take comes no further than to its error.
        return url if "@" not in url else mask_address(url)
    return mask(url).replace(f":{MASK}@", "@", 1)
