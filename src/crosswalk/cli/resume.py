"""`crosswalk resume`: goes on with a move that was stopped."""

from __future__ import annotations

import asyncio
from typing import Final

from crosswalk.cli import options
from crosswalk.cli.interrupt import Stop, stoppable
from crosswalk.cli.migrate import PATIENCE, RetryFor
from crosswalk.cli.migrated import tell
from crosswalk.cli.progress import watch
from crosswalk.endurance import Patience
from crosswalk.endurance import resume as conduct
from crosswalk.migration import JOBS, Migrated
from crosswalk.survey import Servers

EXAMPLES: Final = ("crosswalk resume", "crosswalk resume --jobs 4")
EXITS: Final = {
    0: "every row accounted for, as the document expects", 1: "an error; run it again",
    2: "rows in quarantine that the document does not expect", 3: "nothing to resume, or refused",
    130: "stopped; run it again",
}


def resume(
    source: options.Source = None, target: options.Target = None, jobs: options.Jobs = JOBS,
    retry_for: RetryFor = PATIENCE, as_json: options.Json = False,
) -> int:
    """Go on with the newest move that did not finish, however it ended.

    The plan is in the target's ledger. What has landed is compared with a new snapshot of the
    source by hash, and what differs is moved again.
    """
    done = asyncio.run(_move(options.servers(source, target), jobs, Patience(seconds=retry_for)))
    return tell(done, source=source, target=target, as_json=as_json)


async def _move(servers: Servers, jobs: int, patience: Patience) -> Migrated:
    with watch() as observer:

        async def work(stop: Stop) -> Migrated:
            return await conduct(servers, jobs=jobs, observer=observer, stop=stop, patience=patience)

        return await stoppable(work)
