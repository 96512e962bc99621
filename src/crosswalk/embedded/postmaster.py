"""The postmaster of a data directory: is it up, is it ours, and how it is brought down.

`postmaster.pid` is a claim, not a proof: after kill -9 or a crash of the machine its number may be
nobody's or a stranger's. A process counts as ours only when its command line names our data
directory or, for PostgreSQL's children, the cluster's label in their title. Callers hold the lock
of the name.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from crosswalk.embedded.account import Account
from crosswalk.embedded.home import Place
from crosswalk.embedded.process import Process, look_up, table

STARTERS: Final = frozenset({"pg_ctl", "sh"})
FAST_SECONDS: Final = 20.0
IMMEDIATE_SECONDS: Final = 6.0
KILL_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02


def label(place: Place) -> str:
    """The `cluster_name`: it stands in the title of each process of the server, and in no other's."""
    return f"{place.name}@{hashlib.sha256(os.fsencode(place.data)).hexdigest()[:10]}"


def find(place: Place) -> int | None:
    """The number of the running postmaster; None when the file is missing, stale or a stranger's."""
    lines = _pid_file(place)
    if not lines or not lines[0].strip().isdigit():
        return None
    process = look_up(int(lines[0]))
    return process.pid if process and _is_postmaster(process, place) else None


def is_ready(place: Place) -> bool:
    """Whether the postmaster has written that it takes connections."""
    lines = _pid_file(place)
    return len(lines) > 7 and lines[7].strip() == "ready"


def _pid_file(place: Place) -> list[str]:
    try:
        return (place.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_postmaster(process: Process, place: Place) -> bool:
    return process.program == "postgres" and f"{process.command} ".endswith(f" -D {place.data} ")


def members(place: Place, account: Account) -> list[Process]:
    """Every process of the server, also those that outlived their postmaster and those that start one."""
    return [process for process in table() if process.uid == account.uid and _belongs(process, place)]


def _belongs(process: Process, place: Place) -> bool:
    if process.command.startswith(f"postgres: {label(place)}: "):
        return True
    # `sh` is the moment between pg_ctl and postgres: pg_ctl starts it through a shell.
    if process.program not in {"postgres", *STARTERS} or (process.program == "sh" and 'exec "' not in process.command):
        return False
    return any(f"-D {quote}{place.data}" in process.command for quote in ("", '"'))


def halt(place: Place, account: Account, *, immediate: bool) -> bool:
    """Bring the server down, with rising force, and remove its claim; returns whether it is down.

    Fast shutdown first (open transactions roll back, a checkpoint is written) unless `immediate`;
    then immediate shutdown, then SIGKILL to whatever is left.
    """
    if not immediate:
        _ask_fast(place)
    # A killed postmaster leaves its shared memory behind: first it gets the time to end by itself.
    return _press(place, account, signal.SIGQUIT, IMMEDIATE_SECONDS) or _press(
        place, account, signal.SIGKILL, KILL_SECONDS
    )


def _ask_fast(place: Place) -> None:
    pid = find(place)
    if pid is not None:
        _send(pid, signal.SIGINT)
        for _ in _until(FAST_SECONDS):
            process = look_up(pid)
            if process is None or not _is_postmaster(process, place):
                return


def _press(place: Place, account: Account, force: signal.Signals, seconds: float) -> bool:
    """Send the signal to postmasters, also to one that is only starting, and SIGKILL to what has none.

    Single-user mode is left alone but for SIGKILL: its input has ended, and so does it.
    """
    asked: set[int] = set()
    for _ in _until(seconds):
        left = members(place, account)
        if not left:
            (place.data / "postmaster.pid").unlink(missing_ok=True)
            return True
        postmasters = {process.pid for process in left if _is_postmaster(process, place)}
        for pid in postmasters - asked:
            _send(pid, force)
        asked |= postmasters
        ending = postmasters or any(" --single " in process.command for process in left)
        for process in left:
            if not ending or process.program in STARTERS or force is signal.SIGKILL:
                _send(process.pid, signal.SIGKILL)
    return False


def _send(pid: int, force: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, force)


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(POLL_SECONDS)


def wait_ready(place: Place, seconds: float = 60.0) -> bool:
    """Wait until a postmaster that somebody else started takes connections; False when it does not."""
    return any(is_ready(place) for _ in _until(seconds))
