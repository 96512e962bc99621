"""`crosswalk resume`: goes on with a move that was stopped."""

from __future__ import annotations

import asyncio
from typing import Final

from crosswalk.allowance import Limit
from crosswalk.cli import options
from crosswalk.cli.interrupt import Stop, stoppable
from crosswalk.cli.migrate import PATIENCE, MaxRejects, RetryFor, limit
from crosswalk.cli.migrated import tell
from crosswalk.cli.progress import watch
from crosswalk.endurance import Patience
from crosswalk.endurance import resume as conduct
from crosswalk.migration import JOBS, Migrated
from crosswalk.survey import Servers

EXAMPLES: Final = ("crosswalk resume", "crosswalk resume --jobs 4", "crosswalk resume --max-rejects 5%")
EXITS: Final = {
    0: "every row accounted for, as the document expects", 1: "an error; run it again",
    2: "rows in quarantine that the document does not expect, or more than --max-rejects", 3: "nothing to resume, or refused",
    130: "stopped; run it again",
}


def resume(
    source: options.Source = None, target: options.Target = None, jobs: options.Jobs = JOBS,
    retry_for: RetryFor = PATIENCE, max_rejects: MaxRejects = None, as_json: options.Json = False,
) -> int:
    """Go on with the newest move that did not finish, however it ended.

    The plan is in the target's ledger. What has landed is compared with a new snapshot of the
    source by hash, and what differs is moved again. A limit of rejected rows stays what it was,
    unless another is given.
    """
    work = _move(options.servers(source, target), jobs, Patience(seconds=retry_for), limit(max_rejects))
    done = asyncio.run(work)
    return tell(done, source=source, target=target, as_json=as_json)


async def _move(servers: Servers, jobs: int, patience: Patience, most: Limit | None) -> Migrated:
    with watch() as observer:

        async def work(stop: Stop) -> Migrated:
            return await conduct(
                servers, jobs=jobs, observer=observer, stop=stop, max_rejects=most, patience=patience
            )

        return await stoppable(work)
