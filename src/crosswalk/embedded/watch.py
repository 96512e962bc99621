"""The watcher: ends a server when its owner is gone. Run as `python -m crosswalk.embedded.watch`.

Arguments: HOME NAME PID BORN, the last two naming the owner. It leaves the caller's session, reads
the process table a few times a second, and ends itself when the server is stopped, made permanent or
wiped by somebody else. It needs the standard library only and prints nothing but its own failure.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from crosswalk.embedded.cluster import retire
from crosswalk.embedded.home import Home, Place, open_home
from crosswalk.embedded.postmaster import find
from crosswalk.embedded.process import HAS_PROC
from crosswalk.embedded.registry import Owner, State

POLL_SECONDS: Final = 0.25 if HAS_PROC else 1.0
SETTLE_SECONDS: Final = 0.5


def main(arguments: list[str]) -> int:
    """Become a daemon, then watch; the first process returns as soon as the second one exists."""
    root, name, pid, born = arguments
    home = open_home(Path(root))
    place = home.place(name)
    if os.fork():
        return 0
    os.setsid()
    watch(home, place, Owner(pid=int(pid), born=born))
    return 0


def watch(home: Home, place: Place, owner: Owner) -> None:
    """Wait for the end of the owner or of the need to watch."""
    while owner.alive:
        time.sleep(POLL_SECONDS)
        if not _is_needed(home, place, owner):
            return
    # What the owner was just about to run must have become visible in the process table.
    time.sleep(SETTLE_SECONDS)
    retire(home, place, owner)


def _is_needed(home: Home, place: Place, owner: Owner) -> bool:
    # While somebody holds the lock the server may be starting, and its state is not the last word.
    with home.locked_if_free(place.name) as ours:
        if not ours:
            return True
        state = State.load(place)
        if state is None:
            home.lock_file(place.name).unlink(missing_ok=True)
            return False
        return owner in state.owners and (state.ephemeral or find(place) is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
