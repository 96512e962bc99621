"""Conducts a move that outlives its connections: what breaks for a while is waited for, and the run goes on by itself.

    migrate   as `migration.migrate`
    resume    as `migration.resume`

Where a server went away, a session was ended or the source's snapshot died, it waits with growing pauses, ends what
sessions of ours the servers still hold, and resumes: under a new snapshot, with what had landed compared. So nothing is
repeated that could be done twice; the ledger in the target says what was committed, also where the answer to a COMMIT
was lost. Bounded by the time that a server stays away, and by attempts that came no further. Never begins a run that
had not begun, and repeats no error that time does not mend (`sqlstates` says which).
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from crosswalk import migration
from crosswalk.allowance import Limit
from crosswalk.connect import Side, mask, session
from crosswalk.errors import (
    AlreadyRunning,
    CannotConnect,
    ConnectionLost,
    CrosswalkError,
    Interrupted,
    NoHeadway,
    ServerStaysAway,
    SnapshotLost,
)
from crosswalk.ledger import Ledger, Run, RunState
from crosswalk.lifeline import marked
from crosswalk.migration import JOBS, Migrated, never, undeclared
from crosswalk.numerals import plural
from crosswalk.plan import Plan
from crosswalk.progress import Observer, Silent
from crosswalk.sqlstates import Meaning, meaning
from crosswalk.survey import Servers

_LEFTOVERS: Final = files("crosswalk").joinpath("leftovers.sql")
_HEADWAY: Final = files("crosswalk").joinpath("headway.sql")
_GOODBYE: Final = 2000
"""Milliseconds that a session left behind has to end."""
_ANSWER: Final = 30.0
"""Seconds that a server has to say whether the run may go on."""
T = TypeVar("T")
_GLANCE: Final = 0.2
"""Seconds between two looks at whether the user asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much is borne."""

    seconds: float = 300.0
    """That a server may stay away at a time; 0: the first break ends the run."""
    fruitless: int = 5
    """Attempts one after the other that committed nothing."""
    first: float = 1.0
    """Seconds before the first attempt; each further one waits twice as long, up to `longest`."""
    longest: float = 30.0

    def pause(self, number: int) -> float:
        """Seconds before an attempt, counted from 0; never quite the same, so that many runs do not knock at once."""
        return float(min(self.longest, self.first * 2 ** min(number, 16))) * random.uniform(0.5, 1)


PATIENCE: Final = Patience()


async def migrate(
    plan: Plan,
    servers: Servers,
    *,
    allow: Iterable[str] = (),
    jobs: int = JOBS,
    chunk_bytes: int | None = None,
    observer: Observer | None = None,
    stop: Callable[[], bool] = never,
    backup: Path | None = None,
    who: str = "",
    max_rejects: Limit | None = None,
    patience: Patience = PATIENCE,
) -> Migrated:
    """Carry a plan out, and go on after breaks; raises as `migration.migrate`, ServerStaysAway and NoHeadway."""
    journey = _Journey(servers=servers, jobs=jobs, observer=observer or Silent(), stop=stop, patience=patience)
    return await journey.go(
        partial(
            migration.migrate,
            plan,
            servers,
            allow=list(allow),
            jobs=jobs,
            chunk_bytes=chunk_bytes,
            observer=journey.observer,
            stop=stop,
            backup=backup,
            who=who,
            max_rejects=max_rejects,
            begun=journey.begin,
        )
    )


async def resume(
    servers: Servers,
    *,
    jobs: int = JOBS,
    observer: Observer | None = None,
    stop: Callable[[], bool] = never,
    max_rejects: Limit | None = None,
    patience: Patience = PATIENCE,
) -> Migrated:
    """Go on with a run that stopped, and after further breaks; raises as `migration.resume`, ServerStaysAway, NoHeadway."""
    journey = _Journey(servers=servers, jobs=jobs, observer=observer or Silent(), stop=stop, patience=patience)
    return await journey.go(partial(journey.again, max_rejects))


def passes(error: CrosswalkError) -> bool:
    """Whether a run that met this may go on by itself after a while."""
    state = str(error.fields.get("sqlstate") or getattr(error.__cause__, "sqlstate", None) or "")
    known = meaning(state)
    if isinstance(error, (ConnectionLost, SnapshotLost, CannotConnect)):
        return not state or known in {Meaning.LOST, Meaning.LATER, Meaning.UNLUCKY}
    # A transaction on the target was run again before; on the source only a new snapshot helps.
    wanted = {"target": Meaning.LATER, "source": Meaning.UNLUCKY}
    return bool(state) and wanted.get(str(error.fields.get("side"))) is known


async def _in_time(side: Side, url: str, work: Awaitable[T]) -> T:
    """Raises CannotConnect where a server takes a question and does not answer."""
    try:
        async with asyncio.timeout(_ANSWER):
            return await work
    except TimeoutError as error:
        raise CannotConnect(side=side, url=mask(url), reason=f"no answer in {_ANSWER:.0f} s") from error


@dataclass(slots=True, kw_only=True)
class _Journey:
    """A run, however many attempts it takes."""

    servers: Servers
    jobs: int
    observer: Observer
    stop: Callable[[], bool]
    patience: Patience
    run: int | None = None
    """Set once there is something to go on with."""
    marks: list[str] = field(default_factory=list)
    """Of all attempts so far: sessions that carry one are left over."""
    headway: int = -1
    """What had been committed when the last attempt ended."""
    fruitless: int = 0

    def begin(self, run: int) -> None:
        self.run = run

    async def again(self, max_rejects: Limit | None = None) -> Migrated:
        """A limit that was given once holds for all further attempts: the ledger knows it."""
        return await migration.resume(
            self.servers,
            jobs=self.jobs,
            observer=self.observer,
            stop=self.stop,
            max_rejects=max_rejects,
            begun=self.begin,
        )

    async def go(self, attempt: Callable[[], Awaitable[Migrated]]) -> Migrated:
        """The first attempt, and those that follow."""
        while True:
            self.marks.append(f"#{secrets.token_hex(3)}")
            try:
                with marked(self.marks[-1]):
                    return await attempt()
            except CrosswalkError as error:
                if self.run is None or not self.patience.seconds or not passes(error):
                    raise
                broken = error
            run = await self._return(broken)
            if run.state is RunState.FINISHED:
                return await self._finished(run)
            attempt = self.again

    async def _return(self, broken: CrosswalkError) -> Run:
        """Wait until both servers answer and nothing of the attempt is left; raises ServerStaysAway, NoHeadway."""
        found = await self._wait_for_servers(broken)
        headway, run = found
        self.fruitless = 0 if headway > self.headway else self.fruitless + 1
        self.headway = max(headway, self.headway)
        if self.fruitless >= self.patience.fruitless:
            raise NoHeadway(tries=self.fruitless + 1, reason=str(broken)) from broken
        if run is None or run.id != self.run:  # a server may have come back without what it had said was committed
            raise broken
        return run

    async def _wait_for_servers(self, broken: CrosswalkError) -> tuple[int, Run | None]:
        until = time.monotonic() + self.patience.seconds
        error, number, told = broken, self.fruitless, ""
        while True:
            left = until - time.monotonic()
            pause = min(self.patience.pause(number), max(left, 0))
            said = "" if str(error) == told else f"{error} "
            told = str(error)
            self.observer.note(f"{said}It is tried again in {pause:.0f} s.")
            await self._sleep(pause)
            try:
                return await self._look()
            except CrosswalkError as caught:
                if not (passes(caught) or isinstance(caught, AlreadyRunning)):
                    raise
                error, number = caught, number + 1
            if time.monotonic() >= until:
                raise self._gives_up(error) from error

    def _gives_up(self, error: CrosswalkError) -> CrosswalkError:
        if isinstance(error, AlreadyRunning):
            return AlreadyRunning(**error.fields)
        reason = str(error.fields.get("reason", error))
        return ServerStaysAway(side=error.fields.get("side", "?"), seconds=f"{self.patience.seconds:g}", reason=reason)

    async def _sleep(self, seconds: float) -> None:
        """Raises Interrupted as soon as the user asks to stop."""
        until = time.monotonic() + seconds
        while True:
            if self.stop():
                raise Interrupted()
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _GLANCE))

    async def _look(self) -> tuple[int, Run | None]:
        """Whether both servers answer: what has been committed, and the newest run. Ends what is left of earlier attempts.

        Raises CannotConnect, ConnectionLost, AlreadyRunning.
        """
        old, new = self.servers.source, self.servers.target
        ended = await _in_time("source", old, self._end_leftovers("source", old))
        ended += await _in_time("target", new, self._end_leftovers("target", new))
        found = await _in_time("target", new, self._read())
        left = f", {plural(ended, 'session')} left behind ended" if ended else ""
        self.observer.note(f"both servers answer{left}: the run goes on under a new snapshot")
        return found

    async def _end_leftovers(self, side: Side, url: str) -> int:
        """A server that was cut off may hold sessions of ours, with their locks, for hours."""
        async with session(side, url, purpose="return") as opened:
            return len(await opened.fetch(_LEFTOVERS.read_text(), self.marks, _GOODBYE, what="the sessions left behind"))

    async def _read(self) -> tuple[int, Run | None]:
        async with session("target", self.servers.target, purpose="return") as target:
            ledger = Ledger(target)
            await ledger.lock()
            run = next(iter(await ledger.runs()), None)
            return int(await target.fetchval(_HEADWAY.read_text(), self.run, what="the ledger")), run

    async def _finished(self, run: Run) -> Migrated:
        """The last COMMIT had come through, and only its answer was lost."""
        async with session("target", self.servers.target, purpose="return") as target:
            return await _told_by_ledger(run, Ledger(target))


async def _told_by_ledger(run: Run, ledger: Ledger) -> Migrated:
    """What a finished run did, for who could not hear it."""
    plan = Plan.model_validate(run.plan)
    tallies = sorted(await ledger.tallies(run.id), key=lambda t: plan.order.index(t.target))
    done = [e["detail"] for e in await ledger.events(run.id) if (e["kind"], e["name"]) == ("state", RunState.FINISHED)]
    counts = {name: int(done[-1].get(name, 0)) for name in ("sequences", "moved_again")}
    reasons = await ledger.reasons()
    return Migrated(
        run=run.id, tallies=tallies, reasons=reasons, undeclared=undeclared(plan, tallies, reasons),
        unwritten=plan.unwritten, **counts,
    )
