"""`crosswalk diff`: both schemas side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from crosswalk.cli import options, voice
from crosswalk.cli.tables import render_comparison
from crosswalk.diff import Comparison, as_json, compare
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.mapping import MappingFile
from crosswalk.survey import Servers, both, read_both

EXAMPLES: Final = (
    "crosswalk diff",
    "crosswalk diff --mapping crosswalk.yaml   # pairs tables as it maps them",
    "crosswalk diff --json | jq '.tables[] | select(.verdict != \"same\")'",
)
EXITS: Final = {0: "the schemas are equal", 1: "a server cannot be reached", 2: "they differ"}


def diff(
    source: options.Source = None, target: options.Target = None, mapping: options.MaybeMapping = None,
    json: options.Json = False,
) -> int:
    """Compare the two schemas: tables, columns, keys, indexes, triggers, types.

    Reads catalogs only. Tables meet by name, or as a mapping document pairs them. `missing` is what
    the target lacks, `new` what only the target has.
    """
    file = options.document(mapping)
    found = asyncio.run(_compare(options.servers(source, target, rows="same"), file))
    document = mapping or Path("crosswalk.yaml")
    follow = f"crosswalk check {document}" if document.exists() else "crosswalk match"
    answer = voice.Answer(
        data=as_json(found), view=[render_comparison(found)],
        exit_code=EXIT_CLEAN if found.equal else EXIT_DIFFERENT,
        notes=() if mapping else ("say in a mapping document what becomes of each table and column",),
        next=(options.again(follow, source=source, target=target),),
    )
    return voice.give(answer, as_json=json)


async def _compare(servers: Servers, file: MappingFile | None) -> Comparison:
    async with both(servers, purpose="diff") as (source, target):
        return compare(*await read_both(source, target), pairs=options.pairs(file) if file else None)
