"""pg_dump and pg_restore: which ones, and how they are run.

A pg_dump reads servers of its own major version and older ones, so the oldest that is new enough is
taken: of the embedded servers' programs, else of the PATH. Programs are run without a shell, with a
closed umask, and end with us. What they complain of is told without values of rows.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crosswalk.embedded.binaries import DEFAULT_VERSION, TREES, find_binaries
from crosswalk.embedded.errors import EmbeddedError
from crosswalk.embedded.home import open_home
from crosswalk.errors import NoDumpProgram

_VERSION: Final = re.compile(r"\) (\d+)(\S*)")
_SAID: Final = re.compile(r"(?:error|ERROR|FATAL): +(?P<text>.+)")
_VALUE: Final = re.compile(r': ".*"$')
NEWEST_EMBEDDED: Final = max(*TREES, DEFAULT_VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """One release's programs."""

    directory: Path
    release: str
    """As pg_dump prints it: `pg_dump (PostgreSQL) 16.14`."""
    embedded: bool
    """They are the embedded servers' own, so that a server of that version can be started."""

    @property
    def major(self) -> int:
        found = _VERSION.search(self.release)
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    said: str
    """The first thing that it complained of, without values of rows."""


def find_programs(server_major: int) -> Programs:
    """The oldest programs that can dump a server of that major version; raises NoDumpProgram. Blocks."""
    looked: list[str] = []
    for programs in _candidates(server_major, looked):
        if programs.major >= server_major:
            return programs
        looked.append(f"{programs.directory} has {programs.major}")
    raise NoDumpProgram(version=server_major, places="; ".join(looked) or "there is none")


def _candidates(server_major: int, looked: list[str]) -> Iterator[Programs]:
    for version in sorted(v for v in TREES if v >= server_major):
        try:
            binaries = find_binaries(open_home(), version=version)
        except EmbeddedError as error:
            looked.append(str(error).rstrip("."))
            continue
        found = _ask(binaries.directory / "pg_dump", embedded=True)
        if found is not None:
            yield found
    on_path = shutil.which("pg_dump")
    found = _ask(Path(on_path), embedded=False) if on_path else None
    if found is not None:
        yield found


def _ask(program: Path, *, embedded: bool) -> Programs | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    if done.returncode:
        return None
    return Programs(directory=program.resolve().parent, release=done.stdout.strip(), embedded=embedded)


async def run(program: Path, arguments: Sequence[str | Path], environment: Mapping[str, str]) -> Ended:
    """Run a program to its end; when we are cancelled, it is ended first. Raises OSError where it cannot be run."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        umask=0o077,
    )
    try:
        _, complaints = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return Ended(code=process.returncode or 0, said=_first(complaints.decode(errors="replace")))


def _first(text: str) -> str:
    """Of `pg_restore: error: COPY failed for table "t": ERROR:  invalid …: "value"` the last part, the value left out."""
    for line in text.splitlines():
        found = _SAID.search(line)
        if found:
            inner = _SAID.search(found["text"])
            said = (inner or found)["text"]
            return _VALUE.sub(': "…"', said)
    return "it does not say why"
