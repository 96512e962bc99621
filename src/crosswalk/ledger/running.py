"""How a run goes on at this moment, for another process than its own."""

from __future__ import annotations

from dataclasses import dataclass

from crosswalk.connect import Session
from crosswalk.ledger.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the ledger and the target's list of sessions tell of a run that is under way."""

    phase: str | None
    """None: it has not come to any."""
    bytes: int
    """That landed lately: in so many seconds."""
    seconds: float
    workers: int
    busy: int | None
    """Workers that are at work; None where another role's sessions cannot be looked into."""

    @property
    def speed(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


async def running(session: Session, run: int, window: float) -> Running:
    """Of a run; bytes of the last `window` seconds."""
    found = await session.fetchrow(query("running"), run, window, what="the ledger")
    assert found is not None
    return Running(**dict(found))
