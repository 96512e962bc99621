"""`crosswalk migrate`: carries a plan out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from crosswalk.allowance import Limit
from crosswalk.cli import options
from crosswalk.cli.interrupt import Stop, stoppable
from crosswalk.cli.migrated import tell
from crosswalk.cli.plan import user
from crosswalk.cli.progress import watch
from crosswalk.endurance import Patience
from crosswalk.endurance import migrate as conduct
from crosswalk.migration import JOBS, Migrated
from crosswalk.plan import Plan
from crosswalk.planfile import read_plans
from crosswalk.shaping import BACKUPS
from crosswalk.survey import Servers

MEGABYTE: Final = 1024 * 1024
PATIENCE: Final = 300
RetryFor = Annotated[
    int,
    typer.Option(
        "--retry-for", min=0, metavar="SECONDS", help="How long a server that went away is waited for; 0: not at all."
    ),
]
MaxRejects = Annotated[
    str | None,
    typer.Option(
        "--max-rejects", metavar="N|N%", show_default=False, help="Stop where more source rows are rejected in all."
    ),
]
EXAMPLES: Final = (
    "crosswalk migrate crosswalk-plan.json",
    "crosswalk migrate crosswalk-plan.json --allow disables-triggers --jobs 4",
)
EXITS: Final = {
    0: "every row accounted for, as the document expects", 1: "an error; `crosswalk resume` goes on",
    2: "rows in quarantine that the document does not expect, or more than --max-rejects",
    3: "refused: undecided, hazard, drift, rows in the target",
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
        int | None,
        typer.Option("--chunk-size", min=1, max=1024, metavar="MB", help="Moved at a time; else as much as takes a few seconds."),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option("--backup", metavar="DIR", help="Where preserved tables are dumped; else beside the plan."),
    ] = None,
    retry_for: RetryFor = PATIENCE,
    max_rejects: MaxRejects = None,
    as_json: options.Json = False,
) -> int:
    """Carry a plan out: give the target its form, copy, account for every row, advance sequences, switch triggers on again.

    The source is only read, in one snapshot. Ctrl-C stops at the next chunk's edge, a second one at
    once; what was committed stays and is not moved twice. Where a server goes away in the middle, it
    is waited for, and the run goes on by itself.

    Where the plan changes the target's form, preserved tables are dumped first, and the dump is proven.
    """
    chosen = read_plans(plan).chosen(plan)
    asked = _Asked(
        allow=allow or [], jobs=jobs, chunk_bytes=chunk_size * MEGABYTE if chunk_size else None,
        backup=backup or plan.absolute().parent / BACKUPS, patience=Patience(seconds=retry_for), limit=limit(max_rejects),
    )
    done = asyncio.run(_move(chosen, options.servers(source, target), asked))
    return tell(done, source=source, target=target, as_json=as_json)


def limit(text: str | None) -> Limit | None:
    """How many rows may be rejected; raises LimitUnreadable."""
    return Limit.read(text) if text is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked for on the command line."""

    allow: list[str]
    jobs: int
    chunk_bytes: int | None
    backup: Path
    patience: Patience
    limit: Limit | None


async def _move(plan: Plan, servers: Servers, asked: _Asked) -> Migrated:
    with watch() as observer:

        async def work(stop: Stop) -> Migrated:
            return await conduct(
                plan, servers, allow=asked.allow, jobs=asked.jobs, chunk_bytes=asked.chunk_bytes, backup=asked.backup,
                observer=observer, stop=stop, who=user(), max_rejects=asked.limit, patience=asked.patience,
            )

        return await stoppable(work)
