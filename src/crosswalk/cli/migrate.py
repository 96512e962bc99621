"""`crosswalk migrate`: carries a plan out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from crosswalk.cli import options
from crosswalk.cli.interrupt import Stop, stoppable
from crosswalk.cli.migrated import tell
from crosswalk.cli.progress import watch
from crosswalk.copy import CHUNK_BYTES
from crosswalk.migration import JOBS, Migrated
from crosswalk.migration import migrate as conduct
from crosswalk.plan import Plan
from crosswalk.planfile import read_plans
from crosswalk.survey import Servers

MEGABYTE: Final = 1024 * 1024
EXAMPLES: Final = (
    "crosswalk migrate crosswalk-plan.json",
    "crosswalk migrate crosswalk-plan.json --allow disables-triggers --jobs 4",
)
EXITS: Final = {
    0: "every row accounted for, as the document expects", 1: "an error; `crosswalk resume` goes on",
    2: "rows in quarantine that the document does not expect", 3: "refused: undecided, hazard, drift, rows in the target",
    130: "stopped; `crosswalk resume` goes on",
}


def migrate(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan that somebody decided on.")],
    source: options.Source = None, target: options.Target = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="HAZARD", help="A hazard of the plan that is accepted.")
    ] = None,
    jobs: options.Jobs = JOBS,
    chunk_size: Annotated[
        int, typer.Option("--chunk-size", min=1, max=1024, metavar="MB", help="Of a source table, a chunk's size.")
    ] = CHUNK_BYTES // MEGABYTE,
    as_json: options.Json = False,
) -> int:
    """Carry a plan out: copy, account for every row, advance sequences, switch triggers on again.

    The source is only read, in one snapshot. Ctrl-C stops at the next chunk's edge, a second one at
    once; what was committed stays and is not moved twice.
    """
    chosen = read_plans(plan).chosen(plan)
    done = asyncio.run(_move(chosen, options.servers(source, target), allow or [], jobs, chunk_size * MEGABYTE))
    return tell(done, source=source, target=target, as_json=as_json)


async def _move(plan: Plan, servers: Servers, allow: list[str], jobs: int, chunk_bytes: int) -> Migrated:
    with watch() as observer:

        async def work(stop: Stop) -> Migrated:
            return await conduct(
                plan, servers, allow=allow, jobs=jobs, chunk_bytes=chunk_bytes, observer=observer, stop=stop
            )

        return await stoppable(work)
