"""When things happened, from the ledger's events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def entry(events: Iterable[Mapping[str, Any]], state: str, *, last: bool = False) -> str:
    """When a run came into a state, first or last; empty where it never did."""
    times = [str(e["at"]) for e in events if e["kind"] == "state" and e["name"] == state]
    return times[-1 if last else 0] if times else ""


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def between(begun: str, ended: str) -> float | None:
    """Seconds from one to the other; None where either is unknown."""
    return round((when(ended) - when(begun)).total_seconds(), 3) if begun and ended else None
