"""One run of a program of ours, watched: how long, how much of a core and when, how much memory.

The whole process counts, its children too: CPU is what the kernel charged it to its end. Beside that it is looked at
ten times a second, so that the share of a core can be told for a part of the run, the copying, without the start of
the interpreter; and so is the peak of its resident memory, since the one that the kernel gives at the end (ru_maxrss)
is never below the parent's.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
EVERY: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a program did."""

    code: int
    out: str
    """Of a program that failed; the plan that another one prints may be large."""
    err: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    cpu: float
    """Seconds of user and system time, to its end."""
    rss_mb: float
    looks: tuple[tuple[float, float], ...]
    """(seconds since the epoch, CPU seconds so far), in order."""

    def share(self, begin: float, end: float) -> float | None:
        """Of one core between two moments; None where they are too close to be told apart."""
        if end - begin < 3 * EVERY or not self.looks:
            return None
        return (self._cpu_at(end) - self._cpu_at(begin)) / (end - begin)

    def _cpu_at(self, moment: float) -> float:
        """Between two looks it is drawn straight."""
        place = bisect_left(self.looks, (moment, 0.0))
        if place == 0:
            return self.looks[0][1]
        if place == len(self.looks):
            return self.looks[-1][1]
        (t0, c0), (t1, c1) = self.looks[place - 1], self.looks[place]
        return c0 + (c1 - c0) * (moment - t0) / (t1 - t0)


def watch(command: list[str], environment: Mapping[str, str], *, cwd: Path) -> Watched:
    """Run it to its end."""
    looks: list[tuple[float, float]] = []
    memory = [0]  # kB
    over = threading.Event()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started, clock = time.time(), time.perf_counter()
        child = subprocess.Popen(command, env=environment, cwd=cwd, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        looking = threading.Thread(target=_look, args=(child.pid, looks, memory, over), daemon=True)
        looking.start()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        looking.join()
        out.seek(0)
        err.seek(0)
        return Watched(
            code=child.returncode, out=out.read() if child.returncode else "", err=err.read(), started=started,
            seconds=seconds, cpu=used.ru_utime + used.ru_stime, rss_mb=(memory[0] or used.ru_maxrss) / 1024, looks=tuple(looks),
        )  # fmt: skip


def cpu_of(pid: int) -> float:
    """CPU seconds so far of a process, of those below it, and of those that have ended there."""
    return sum(_of(each)[0] for each in (pid, *_below(pid)))


def _look(pid: int, looks: list[tuple[float, float]], memory: list[int], over: threading.Event) -> None:
    while not over.wait(EVERY):
        cpu, peak = 0.0, 0
        for each in (pid, *_below(pid)):
            mine = _of(each)
            cpu, peak = cpu + mine[0], peak + mine[1]
        if peak:
            looks.append((time.time(), cpu))
            memory[0] = max(memory[0], peak)


def _of(pid: int) -> tuple[float, int]:
    """CPU seconds (with those of children that have ended) and the peak of resident kB; zeros for a process that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        peak = re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0.0, 0
    return sum(int(f) for f in fields[11:15]) / TICKS, int(peak[1]) if peak else 0


def _below(pid: int) -> Iterator[int]:
    """Children and theirs."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in listed.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _below(child)
