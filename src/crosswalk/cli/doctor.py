"""`crosswalk doctor`: a read-only look at both servers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from crosswalk.cli import options, voice
from crosswalk.cli.findings import render_findings
from crosswalk.doctor import Finding, Severity, examine
from crosswalk.errors import EXIT_CLEAN, EXIT_REFUSED
from crosswalk.mapping import MappingFile
from crosswalk.names import Name
from crosswalk.survey import Servers, both, read_both

EXAMPLES: Final = (
    "crosswalk doctor",
    "crosswalk doctor --mapping crosswalk.yaml",
    "crosswalk doctor --json > doctor.json",
)
EXITS: Final = {0: "no blocker (warnings may stand)", 1: "a server cannot be reached", 3: "a blocker was found"}


@dataclass(frozen=True, slots=True)
class _Moved:
    """The tables that a document moves."""

    tables: tuple[tuple[Name, Name], ...]


def doctor(
    source: options.Source = None, target: options.Target = None, mapping: options.MaybeMapping = None,
    as_json: options.Json = False,
) -> int:
    """Look at both servers before anything happens: versions, rights, settings, row security, triggers.

    Reads only. Each finding has a stable name, evidence and the SQL that mends it. With a mapping
    document only the tables that it moves are looked at.
    """
    file = options.document(mapping)
    found = asyncio.run(_look(options.servers(source, target, rows="same"), file))
    blocked = any(f.severity is Severity.BLOCKER for f in found)
    follow = "crosswalk doctor" if blocked else f"crosswalk check {mapping}" if mapping else "crosswalk diff"
    answer = voice.Answer(
        data={"findings": [f.as_json() for f in found], "blocked": blocked}, view=[render_findings(found)],
        exit_code=EXIT_REFUSED if blocked else EXIT_CLEAN,
        notes=("mend the blockers, then look again",) if blocked else (),
        next=(options.again(follow, source=source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


async def _look(servers: Servers, file: MappingFile | None) -> list[Finding]:
    moved = _Moved(tuple((t.source, name) for name, t in file.document.by_target.items())) if file else None
    async with both(servers, purpose="doctor") as (source, target):
        return await examine(source, target, *await read_both(source, target), document=moved)
