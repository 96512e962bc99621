"""How long a run will take still, by what it has taken so far.

    rows        by weight (see `work`), at the pace of the table itself, else of tables that land in the same way;
                workers are busy with other things than moving, too: in the same measure as so far
    builds      by rows and bytes of the table, at the pace of what was built so far in this run
    at the end  second passage, foreign keys, last words

What several workers can do at the same time is divided by their number, but no table takes less than its own longest
way. Nothing is said before there is something to go by.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from crosswalk.progress import Phase, Stretch
from crosswalk.reckoning.work import Pace, Work

_FIRST_SECONDS: Final = 4.0
_FIRST_SHARE: Final = 0.02
_GUESSED: Final = 0.92
"""No first word while more than this part of what is left stands on nothing that this run has shown."""
_OWN: Final = 30_000_000.0
"""Weight from which on a table's own pace counts more than that of others."""
_TWIN: Final = 2.0
"""A merge takes so many times as long, until one was seen."""
_AGAIN: Final = 0.8
"""A second passage, the same."""
_BUILDS: Final = 1.0
"""Seconds of building that weigh as much as what is known of other machines."""
_REFERENCE: Final = 1.0e-8
"""Seconds for a unit of weight, there where an index takes what `work` says."""
_LIKE: Final = (0.4, 2.5)
"""How much slower or faster indexes are thought to be, by how fast rows come: a slow line says little of the disk."""
_CALM: Final = 3.0
"""Seconds of work, below which the measure of other things says little."""
_MOST: Final = 5.0
_OVERDUE: Final = 0.15
"""What takes longer than thought takes this much of its time more."""
_AFTER: Final = frozenset({Phase.REFERENCES, Phase.CHECK, Phase.FINISH})


@dataclass(slots=True, kw_only=True)
class Forecast:
    """What was learnt."""

    workers: int = 1
    busy: float = 0.0
    """Seconds that workers were at work since rows began to come."""
    moving: float = 0.0
    """Of them, those that the stretches that landed took."""
    stretches: int = 0
    said: bool = False
    """It was told before how long it will take."""
    ways: dict[bool, Pace] = field(default_factory=dict)
    """By whether rows come straight."""
    again: Pace = field(default_factory=Pace)
    builds: Pace = field(default_factory=lambda: Pace(half=600.0))
    """Its weight is in seconds of another machine."""
    keys: Pace = field(default_factory=lambda: Pace(half=600.0))

    def land(self, work: Work, stretch: Stretch) -> None:
        """Learn from what has landed."""
        weight = work.weight * stretch.chunks / max(work.cut, stretch.chunks)
        if stretch.second:
            self.again.add(stretch.seconds, weight)
            return
        self.stretches += 1
        self.moving += stretch.seconds
        work.told += stretch.bytes
        work.moved += weight
        work.pace.add(stretch.seconds, weight)
        self.ways.setdefault(work.coming.direct, Pace()).add(stretch.seconds, weight)

    def left(self, works: Collection[Work], phase: Phase | None, elapsed: float, now: float) -> float | None:
        """Seconds; None as long as it cannot be said."""
        after = self._checks(works, phase, now)
        if phase in _AFTER:
            return after + (self._second(works) if phase is Phase.REFERENCES else 0.0)
        if elapsed < _FIRST_SECONDS or self.stretches < min(2, len(works)) or not self._began(works):
            return None
        wire = self.wire(works)
        measure = self._measure(works, wire, now)
        rows = {work.coming.name: measure * self._rate(work) * work.waiting(wire) for work in works}
        built = {work.coming.name: self._building(work, now) for work in works}
        total = sum(rows.values()) + sum(sum(b) for b in built.values())
        way = max((rows[w.coming.name] / self._hands(w) + max(built[w.coming.name], default=0.0) for w in works), default=0)
        second = self._second(works)
        left = max(total / self.workers, way) + second + after
        self.said = self.said or self._guessed(built.values(), second + after) <= _GUESSED * left
        return left if self.said else None

    def expected(self, work: Work) -> float:
        """Seconds that an index of a table takes."""
        return work.index_seconds * self._build_rate()

    def _build_rate(self) -> float:
        return self.builds.rate(self._like(), _BUILDS)

    def _like(self) -> float:
        """How many times as long as on another machine something takes of which none was seen."""
        pace = self.ways.get(True) or self.ways.get(False)
        return min(max(pace.rate(_REFERENCE, 1.0) / _REFERENCE, _LIKE[0]), _LIKE[1]) if pace else 1.0

    def _began(self, works: Collection[Work]) -> bool:
        moved = sum(w.moved for w in works)
        waiting = sum(w.waiting(0.0) for w in works)
        return moved >= _FIRST_SHARE * (moved + waiting)

    def wire(self, works: Collection[Work]) -> float:
        """Bytes of COPY for a unit of weight."""
        moved = sum(w.moved for w in works)
        return sum(w.told for w in works) / moved if moved else 0.0

    def _measure(self, works: Collection[Work], wire: float, now: float) -> float:
        """How much longer workers are busy than they move rows: preparing, accounting, statistics."""
        known = self.builds.seconds + sum(now - began for w in works for began in w.builds.values())
        moving = self.moving + sum(self._rate(w) * w.in_flight(wire) for w in works if not w.full)
        return min(_MOST, max(1.0, (self.busy - known + _CALM) / (moving + _CALM)))

    def _hands(self, work: Work) -> int:
        """Workers that can be at a table's rows at the same time."""
        return max(1, min(self.workers, work.cut - work.landed))

    def _rate(self, work: Work) -> float:
        """Seconds for a unit of weight of a table."""
        own, other = self.ways.get(work.coming.direct), self.ways.get(not work.coming.direct)
        if own is not None:
            return work.pace.rate(own.rate(0.0, 0.0), _OWN)
        if other is None:
            return 0.0
        return other.rate(0.0, 0.0) * (1 / _TWIN if work.coming.direct else _TWIN)

    def _building(self, work: Work, now: float) -> list[float]:
        """Seconds for each index that is not there yet."""
        expected = self.expected(work)
        under_way = [self._rest(expected, now - began) for began in work.builds.values()]
        waiting = max(0, work.coming.indexes - len(work.built) - len(work.builds))
        return [*under_way, *([expected] * waiting)]

    def _rest(self, expected: float, elapsed: float) -> float:
        return max(expected - elapsed, _OVERDUE * elapsed)

    def _second(self, works: Collection[Work]) -> float:
        left = 0.0
        for work in works:
            if work.coming.again:
                rate = self.again.rate(_AGAIN * self._rate(work), _OWN)
                left += rate * work.weight * max(0.0, 1 - work.second / work.cut)
        return left / self.workers

    def _checks(self, works: Collection[Work], phase: Phase | None, now: float) -> float:
        """Foreign keys, one after the other, and what comes last."""
        left = self._like() * sum(w.last_seconds for w in works)
        if phase is Phase.FINISH:
            return left
        pace = self.keys.rate(self._like(), _BUILDS)
        for work in works:
            expected = pace * work.key_seconds
            left += expected * max(0, work.coming.keys - len(work.checked) - len(work.checks))
            left += sum(self._rest(expected, now - began) for began in work.checks.values())
        return left

    def _guessed(self, built: Collection[list[float]], after: float) -> float:
        if self.builds.weight > _BUILDS:
            return 0.0
        return sum(sum(b) for b in built) / self.workers + after
