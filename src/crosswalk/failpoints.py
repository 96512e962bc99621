"""Named places where a test can make the product die, fail or wait. Off unless CROSSWALK_FAILPOINTS says so.

`CROSSWALK_FAILPOINTS="chunk.loaded=kill@3,table.done=sleep:2"` kills the process (SIGKILL) at the
third passage of `chunk.loaded` and sleeps two seconds at each passage of `table.done`; `error` raises
FailpointHit. Every name stands in `NAMES`, and a test trips each.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import Final

from crosswalk.errors import FailpointHit

VARIABLE: Final = "CROSSWALK_FAILPOINTS"
NAMES: Final = frozenset(
    {
        "held.before_commit",
        "held.after_commit",
        "snapshot.taken",
        "chunks.planned",
        "chunk.opened",
        "chunk.loaded",
        "chunk.before_commit",
        "chunk.after_commit",
        "table.done",
        "keys.before_restore",
        "keys.after_restore",
        "sequences.before_commit",
        "released.before_commit",
        "run.before_finish",
        "backup.taken",
        "shape.before_commit",
        "shape.after_commit",
        "complete.before_commit",
        "complete.after_commit",
        "rollback.before_commit",
        "rollback.after_commit",
        "repair.before_commit",
        "retry.before_commit",
    }
)
_passed: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass a failpoint; raises FailpointHit where the environment asks for an error here."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    _passed[name] += 1
    for entry in wanted.split(","):
        place, _, action = entry.partition("=")
        action, _, nth = action.partition("@")
        if place.strip() != name or (nth and _passed[name] != int(nth)):
            continue
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action.startswith("sleep:"):
            time.sleep(float(action.removeprefix("sleep:")))
        else:
            raise FailpointHit(name=name)
