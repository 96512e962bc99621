"""`crosswalk verify`: row by row, through the mapping."""

from __future__ import annotations

import asyncio
from typing import Final

from crosswalk.cli import options, voice
from crosswalk.cli.progress import watch
from crosswalk.cli.verdicts import render_verified, verified_json
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.mapping import MappingFile
from crosswalk.survey import Servers
from crosswalk.verification import Verified
from crosswalk.verification import verify as conduct

EXAMPLES: Final = ("crosswalk verify", "crosswalk verify --exact", "crosswalk verify --json > verified.json")
EXITS: Final = {
    0: "every row, sum and sequence is as it should be", 1: "an error; it is never taken for a pass",
    2: "something differs", 3: "nothing was migrated, or a role may not see all rows",
}


def verify(
    source: options.Source = None, target: options.Target = None, mapping: options.MaybeMapping = None,
    exact: options.Exact = False, as_json: options.Json = False,
) -> int:
    """Prove that the target is the mapped source: every row by hash, sums, sequences, preserved tables.

    Writes nothing but a line in the ledger (counts and masked keys). Where hashes differ it drills
    down to keys (shown masked) and columns, and it says what it did not cover. The mapping is that
    of the last plan unless another is given.
    """
    file = options.document(mapping)
    found = asyncio.run(_verify(options.servers(source, target), file, exact=exact))
    answer = voice.Answer(
        data=verified_json(found), view=render_verified(found),
        exit_code=EXIT_CLEAN if found.clean else EXIT_DIFFERENT,
        next=(options.again("crosswalk status", target=target),) if found.clean
        else (options.again("crosswalk repair", source=source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


async def _verify(servers: Servers, file: MappingFile | None, *, exact: bool) -> Verified:
    with watch("different") as observer:
        return await conduct(servers, file=file, exact=exact, observer=observer)
