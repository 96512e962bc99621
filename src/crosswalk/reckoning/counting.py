"""The observer that counts: what is committed, what is under way, and when the run will be through.

What it shows as done is what the ledger has at that moment: rows, bytes and rejected ones of chunks that were committed,
and for a table that is accounted for those of the accounting. Bytes that pass serve the forecast only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.progress import Coming, Phase, Standing, Stretch
from crosswalk.reckoning.figures import WINDOW, Figures, Job
from crosswalk.reckoning.forecast import Forecast
from crosswalk.reckoning.work import Work

_WITH_INDEXES: Final = frozenset({None, Phase.LOAD})
"""In these phases what is built are indexes; in others foreign keys are checked."""
_AGAIN: Final = 1.0
"""Seconds between two forecasts."""


@dataclass(slots=True, kw_only=True)
class Reckoning:
    """A run, counted. Notes are nothing to it."""

    clock: Callable[[], float] = time.monotonic
    _works: dict[Name, Work] = field(default_factory=dict, init=False)
    _phase: Phase | None = field(default=None, init=False)
    _of: int | None = field(default=None, init=False)
    _began: float | None = field(default=None, init=False)
    _came: deque[tuple[float, int]] = field(default_factory=deque, init=False)
    """When bytes were committed, and how many."""
    _busy: int | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)
    _forecast: Forecast = field(default_factory=Forecast, init=False)
    _weighed: tuple[float, float | None] = field(default=(0.0, None), init=False)
    """When the forecast was made last, and what it was."""

    # --- what is told -----------------------------------------------------------------------------

    def note(self, text: str) -> None:
        pass

    def phase(self, phase: Phase) -> None:
        self._phase, self._weighed = phase, (0.0, None)

    def begin(self, tables: Sequence[Coming]) -> None:
        """What was counted before a break is forgotten: the ledger says how each table stands. Paces stay learnt."""
        self._works = {each.name: Work(coming=each) for each in tables}
        self._of, self._began, self._busy = len(tables), self.clock(), None
        self._came.clear()
        self._weighed = (0.0, None)
        learnt = self._forecast
        self._forecast = Forecast(workers=learnt.workers, ways=learnt.ways, again=learnt.again, builds=learnt.builds)

    def workers(self, busy: int, of: int) -> None:
        self._wear()
        self._busy, self._forecast.workers = busy, max(of, 1)

    def table(self, name: Name, chunks: int, landed: int) -> None:
        work = self._work(name)
        work.began = self.clock()
        work.chunks, work.landed = chunks, max(landed, 0)

    def stands(self, name: Name, standing: Standing) -> None:
        self._work(name).stand(standing)

    def bytes(self, name: Name, count: int) -> None:
        work = self._work(name)
        work.passing = max(0, work.passing + count)

    def chunk(self, name: Name, stretch: Stretch) -> None:
        work = self._work(name)
        work.land(stretch)
        self._forecast.land(work, stretch)
        if not stretch.second:
            self._came.append((self.clock(), stretch.bytes))

    def building(self, name: Name, what: str) -> None:
        work = self._work(name)
        begun = work.builds if self._phase in _WITH_INDEXES else work.checks
        begun[what] = self.clock()

    def built(self, name: Name, what: str) -> None:
        work, now = self._work(name), self.clock()
        if what in work.builds:
            self._forecast.builds.add(now - work.builds.pop(what), work.index_seconds)
            work.built.add(what)
        elif what in work.checks:
            self._forecast.keys.add(now - work.checks.pop(what), work.key_seconds)
            work.checked.add(what)

    def done(self, name: Name, tally: Tally) -> None:
        work = self._work(name)
        work.done, work.rows, work.rejected = True, tally.written, tally.quarantined

    # --- what is shown ----------------------------------------------------------------------------

    def figures(self) -> Figures:
        """As things stand."""
        self._wear()
        now, works = self.clock(), [*self._works.values()]
        elapsed = None if self._began is None else now - self._began
        left = None
        if elapsed is not None:
            left = self._left(works, elapsed, now)
        return Figures(
            phase=self._at(works),
            tables=sum(w.done or (self._of is None and w.full) for w in works),
            of=len(works) if self._of is None else self._of,
            rows=sum(w.rows for w in works),
            bytes=sum(w.bytes for w in works),
            rejected=sum(w.rejected for w in works),
            speed=self._speed(now),
            busy=self._busy,
            workers=self._forecast.workers if self._busy is not None else 0,
            elapsed=elapsed,
            left=left,
        )

    def jobs(self) -> list[Job]:
        """What is being done now: what is built first, then the tables whose rows come, in the order of their beginning."""
        now, found = self.clock(), []
        for work in self._works.values():
            for what, began in (work.builds | work.checks).items():
                expected = max(self._forecast.expected(work), 0.01)
                share = min(0.99, (now - began) / expected)
                found.append(Job(table=str(work.coming.name), building=what, share=share, seconds=now - began))
        moving = [w for w in self._works.values() if w.began is not None and not w.full]
        wire = self._forecast.wire(self._works.values())
        found += [self._moving(work, now, wire) for work in sorted(moving, key=lambda w: w.began or 0.0)]
        second = [w for w in self._works.values() if w.full and (w.passing or 0 < w.second < w.cut)]
        return found + [Job(table=str(w.coming.name), share=min(0.99, w.second / w.cut), rows=w.rows) for w in second]

    def _moving(self, work: Work, now: float, wire: float) -> Job:
        share = 1 - work.waiting(wire) / work.weight
        since = now - (work.began or now)
        return Job(
            table=str(work.coming.name), share=min(0.99, share), rows=work.rows, bytes=work.bytes, seconds=since
        )

    def _work(self, name: Name) -> Work:
        if name not in self._works:
            self._works[name] = Work(coming=Coming(name=name))
        return self._works[name]

    def _wear(self) -> None:
        """Count the time that workers were at work since this was asked last."""
        now = self.clock()
        self._forecast.busy += (self._busy or 0) * (now - self._since)
        self._since = now

    def _at(self, works: Sequence[Work]) -> Phase | None:
        loaded = bool(works) and all(w.full for w in works)
        return Phase.BUILD if self._phase is Phase.LOAD and loaded and any(w.builds for w in works) else self._phase

    def _left(self, works: Sequence[Work], elapsed: float, now: float) -> float | None:
        """Weighed once a second: there may be thousands of tables."""
        when, left = self._weighed
        if now - when >= _AGAIN or left is None:
            left = self._forecast.left(works, self._phase, elapsed, now)
            self._weighed = (now, left)
            return left
        return max(0.0, left - (now - when))

    def _speed(self, now: float) -> float:
        """By the ledger's clock, which counts what is committed."""
        while self._came and self._came[0][0] < now - WINDOW:
            self._came.popleft()
        over = WINDOW if self._began is None else min(WINDOW, now - self._began)
        return sum(size for _, size in self._came) / over if over > 0 else 0.0
