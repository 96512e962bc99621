"""Named places where a test can make the product die, fail or wait. Off unless CROSSWALK_FAILPOINTS says so.

    CROSSWALK_FAILPOINTS="chunk.loaded=kill@3,table.done=sleep:2"

    kill        the process, by SIGKILL
    error       raises FailpointHit
    sleep:2     waits two seconds
    hold:PATH   writes the file and waits until somebody removes it: whatever happens meanwhile happens here
    note:PATH   adds the name to the file, as a line

at each passage, or with `@3` at the third one only. Every name stands in `NAMES`, and a test trips each.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Final

from crosswalk.errors import FailpointHit

VARIABLE: Final = "CROSSWALK_FAILPOINTS"
NAMES: Final = frozenset(
    {
        "run.before_begin",
        "run.begun",
        "claim.before_commit",
        "held.before_commit",
        "held.after_commit",
        "snapshot.taken",
        "chunks.planned",
        "chunks.forgotten",
        "chunk.opened",
        "chunk.loaded",
        "chunk.before_commit",
        "chunk.after_commit",
        "snapshot.renewed",
        "clashes.before_commit",
        "table.done",
        "statistics.taken",
        "reconcile.compared",
        "references.forgotten",
        "orphans.before_commit",
        "reconcile.deleted",
        "rebuilt.before_commit",
        "rebuilt.after_commit",
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
        "drop.before_commit",
        "dual.intended",
        "dual.first_written",
        "dual.second_written",
    }
)
_passed: Counter[str] = Counter()
_GLANCE: Final = 0.005
"""Seconds between two looks at whether a held process may go on."""


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
        _act(name, action)


def _act(name: str, action: str) -> None:
    verb, _, argument = action.partition(":")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "sleep":
        time.sleep(float(argument))
    elif verb == "hold":
        _hold(Path(argument))
    elif verb == "note":
        with Path(argument).open("a", encoding="utf-8") as notes:
            notes.write(f"{name}\n")
    else:
        raise FailpointHit(name=name)


def _hold(path: Path) -> None:
    path.touch()
    while path.exists():
        time.sleep(_GLANCE)
