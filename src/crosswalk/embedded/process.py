"""Who a process is: its identity beyond the number, and the command lines of all processes.

A process number is used again after its process is gone, so a process is named by its number and
the moment of its start. Only the standard library; `/proc` where there is one, `ps` elsewhere.
Nothing here sends a signal, and a zombie counts as gone: nobody has collected it, but it does nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
HAS_PROC: Final = (PROC / "self" / "stat").exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of the process table."""

    pid: int
    uid: int
    command: str
    """The arguments joined by spaces; PostgreSQL's children write a title of their own here."""

    @property
    def program(self) -> str:
        """The last part of the program's path, `postgres` for /usr/bin/postgres."""
        return self.command.partition(" ")[0].rpartition("/")[2]


def birth(pid: int) -> str | None:
    """A text that no other process with this number has had or will have; None when it is gone."""
    return _birth_from_proc(pid) if HAS_PROC else _birth_from_ps(pid)


def _birth_from_proc(pid: int) -> str | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The program's name stands in brackets and may hold brackets and blanks itself.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"


def _birth_from_ps(pid: int) -> str | None:
    answer = _ps("-o", "stat=,lstart=", "-p", str(pid)).split(maxsplit=1)
    return None if len(answer) < 2 or answer[0].startswith("Z") else answer[1].strip()


def look_up(pid: int) -> Process | None:
    """The process with this number as it is now; None when it is gone."""
    if HAS_PROC:
        return _from_proc(pid)
    return next(_parse(_ps("-o", "pid=,uid=,stat=,command=", "-p", str(pid))), None)


def table() -> Iterator[Process]:
    """Every process that this user may see."""
    if not HAS_PROC:
        yield from _parse(_ps("-axo", "pid=,uid=,stat=,command="))
        return
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (process := _from_proc(int(entry.name))):
            yield process


def _from_proc(pid: int) -> Process | None:
    # The command line is readable across users also where /proc/PID/cwd and exe are not (containers).
    place = PROC / str(pid)
    try:
        command = os.fsdecode((place / "cmdline").read_bytes()).rstrip("\0").replace("\0", " ")
        uid = place.stat().st_uid
    except OSError:
        return None
    return Process(pid=pid, uid=uid, command=command) if command else None


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout


def _parse(listing: str) -> Iterator[Process]:
    for line in listing.splitlines():
        pid, uid, status, command = line.split(maxsplit=3)
        if not status.startswith("Z"):
            yield Process(pid=int(pid), uid=int(uid), command=command)
