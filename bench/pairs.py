"""Interleaved rounds and medians of ratios.

A machine that other work shares is slow for a while and fast for a while. So contenders take turns
within a round, each round yields one ratio, and the median of the ratios is what is told.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

Seconds = float
Rounds = list[dict[str, Seconds]]


def interleave(contenders: Mapping[str, Callable[[], Seconds]], *, rounds: int) -> Rounds:
    """Run every contender once a round, in turning order; gives the seconds of each by name, a round an entry."""
    names = list(contenders)
    taken: Rounds = []
    for number in range(rounds):
        shift = number % len(names)
        order = names[shift:] + names[:shift]
        taken.append({name: contenders[name]() for name in order})
    return taken


def median_of(rounds: Rounds, name: str) -> Seconds:
    """A contender's median time."""
    return median(r[name] for r in rounds)


def ratio(rounds: Rounds, peer: str, ours: str) -> float:
    """Median over the rounds of the peer's time by ours: above 1, ours is faster."""
    return median(r[peer] / r[ours] for r in rounds)


def machine() -> str:
    """Cores, memory and processor, for a page of figures."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
