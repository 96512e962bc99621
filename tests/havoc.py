"""Havoc: a run of the command line that is disturbed again and again, until it has finished.

`Arena` holds two servers of its own, which may be stopped and started. `Ride` is one move of a `World` (see
`tests/worlds.py`): `ride.go(blows)` begins it, deals the blows, resumes where the process ended, and returns the blows
that were dealt. A blow falls at a moment of the run, or while the process is held at one of its failpoints. Nothing here
judges the content: `tests/acceptance/test_drill.py` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from crosswalk import embedded
from crosswalk.embedded import Server
from crosswalk.failpoints import NAMES, VARIABLE
from crosswalk.plan import Hazard
from tests.road import rows
from tests.servers import database_of, sql

Kind = Literal["kill", "source session", "target session", "source server", "target server"]
WEIGHTS: Final[dict[Kind, int]] = {
    "kill": 35, "source session": 18, "target session": 18, "source server": 14, "target server": 15,
}
BEGUN: Final = "run.begun"
RESUMED: Final = (
    "reconcile.compared", "reconcile.deleted", "chunks.forgotten", "references.forgotten", "snapshot.taken",
    "held.before_commit", "clashes.before_commit", "repair.before_commit", "claim.before_commit", "table.done",
    "sequences.before_commit", "run.before_finish", "snapshot.renewed", "complete.before_commit", "chunks.planned",
)
"""Places of a run that goes on, some of which an undisturbed one does not pass."""
FINISHED: Final = (
    "SELECT name FROM crosswalk.event WHERE kind = 'state' ORDER BY id DESC LIMIT 1"
)
GIVES_UP: Final = (
    "AlreadyRunning", "BackupImpossible", "CannotConnect", "ConnectionLost", "NoHeadway", "ServerStaysAway", "SnapshotLost",
)
"""What a disturbed process may end with: before the run had begun, or while pg_dump was at work, a break ends it."""
PATIENCE: Final = 60.0
"""Seconds until a process that does not end fails the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One disturbance."""

    number: int
    kind: Kind
    share: float = 0.0
    """When: of the undisturbed run's time, since this process began or resumed the run."""
    place: str = ""
    """Or where: while the process is held at a failpoint."""
    passage: int = 1
    purpose: str = ""
    """Only a session of that purpose."""

    def __str__(self) -> str:
        return f"{self.kind} at {f'{self.place}@{self.passage}' if self.place else f'{self.share:.2f}'}"


class Arena:
    """Two servers of our own, PostgreSQL 16 and 18."""

    def __init__(self, old: Server, new: Server) -> None:
        self.sides = {"source": old, "target": new}

    def crash(self, side: str) -> None:
        """Immediate stop, as a crash, and start: the server recovers from its log."""
        server = self.sides[side]
        embedded.stop(server.name, immediate=True)
        again = embedded.start(server.name, owner_pid=os.getpid(), fast=True)
        assert again.port == server.port

    def end_session(self, side: str, database: str, chance: random.Random, purpose: str = "") -> str:
        """End one of the product's sessions; what it was for, empty where there is none."""
        ours = f"FROM pg_stat_activity WHERE datname = '{database}' AND application_name ~ '^crosswalk/[^ ]+ {purpose}'"
        found = sql(self.sides[side], f"SELECT pid || ' ' || application_name {ours} ORDER BY backend_start, pid").splitlines()
        if not found:
            return ""
        pid, _, purpose = chance.choice(found).partition(" ")
        sql(self.sides[side], f"SELECT pg_terminate_backend({pid})")
        return purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An undisturbed run."""

    seconds: float
    """Since it had begun."""
    places: Counter[str]
    """How often it passed each failpoint."""

    def blows(self, chance: random.Random, count: int) -> list[Blow]:
        """Disturbances for a run of this kind, one after the other."""
        return [self._blow(chance, number) for number in range(count)]

    def _blow(self, chance: random.Random, number: int) -> Blow:
        kind = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if chance.random() < 0.4:
            return Blow(number=number, kind=kind, share=chance.random())
        name = chance.choice(sorted({*self.places, *RESUMED}) if number > 1 else sorted(self.places))
        return Blow(number=number, kind=kind, place=name, passage=chance.randint(1, max(1, self.places[name])))


@dataclass(slots=True, kw_only=True)
class Ride:
    """One move that is disturbed."""

    arena: Arena
    source: str
    target: str
    plan: Path
    chance: random.Random
    between: Callable[[], None] = lambda: None
    """What happens after a process has ended and before the next one."""
    jobs: int = 2
    story: list[str] = field(default_factory=list)
    """What was done, for who has to find out why it went wrong."""
    _processes: int = 0

    def go(self, blows: Sequence[Blow], *, seconds: float) -> list[Blow]:
        """Move, dealing the blows; `seconds` is the undisturbed run's time. Returns the blows that were dealt."""
        left, until = list(blows), time.monotonic() + PATIENCE
        while not self._over():
            assert time.monotonic() < until, self.told()
            self._process(left, seconds)
            if not self._over():
                self.between()
        return [blow for blow in blows if blow not in left]

    def quietly(self, notes: Path | None = None) -> Measured:
        """The run without any disturbance."""
        asked = ",".join(f"{name}=note:{notes}" for name in sorted(NAMES)) if notes else ""
        process, began = self._start(asked), time.monotonic()
        while process.poll() is None and not self._begun.exists():
            time.sleep(0.01)
        began = time.monotonic()
        assert process.wait(PATIENCE) == 0, self.told()
        passed = Counter(notes.read_text().split()) if notes else Counter[str]()
        return Measured(seconds=time.monotonic() - began, places=passed)

    # --- one process ----------------------------------------------------------------------------

    def _process(self, left: list[Blow], seconds: float) -> None:
        """One process until it ends; takes the blows that it meets from the list."""
        held = {blow: self._directory / f"held-{self._processes}-{blow.number}" for blow in left if blow.place}
        process = self._start(",".join(f"{b.place}=hold:{path}@{b.passage}" for b, path in held.items()))
        zero, until = 0.0, time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < until, self.told()
            if not zero and self._begun.exists():
                zero = time.monotonic()
            for blow in list(left):
                path = held.get(blow)
                if path.exists() if path else zero and time.monotonic() - zero > blow.share * seconds:
                    if self._deal(blow, process):
                        left.remove(blow)
                    if path:
                        path.unlink(missing_ok=True)
                    break
            time.sleep(0.005)
        self._ended(process)

    def _start(self, failpoints: str) -> subprocess.Popen[bytes]:
        self._processes += 1
        self._begun.unlink(missing_ok=True)
        began = f"{BEGUN}=note:{self._begun}"
        words = ["resume"] if self._has_begun() else ["migrate", str(self.plan), "--chunk-size", "1", *_allowed()]
        self.story.append(words[0])
        with self._log("out").open("wb") as out, self._log("err").open("wb") as err:
            return subprocess.Popen(
                [sys.executable, "-m", "crosswalk", *words, "--json", "--retry-for", "60", "--jobs", str(self.jobs)],
                env={
                    **os.environ, "CROSSWALK_SOURCE": self.source, "CROSSWALK_TARGET": self.target,
                    VARIABLE: ",".join(filter(None, (began, failpoints))), "CROSSWALK_DEBUG": "1",
                },
                stdout=out, stderr=err,
            )

    def _deal(self, blow: Blow, process: subprocess.Popen[bytes]) -> bool:
        """Whether there was anything to disturb."""
        what = str(blow)
        if blow.kind == "kill":
            process.send_signal(signal.SIGKILL)
            process.wait()
        elif blow.kind.endswith("server"):
            self.arena.crash(blow.kind.partition(" ")[0])
        else:
            side = blow.kind.partition(" ")[0]
            database = database_of(self.source if side == "source" else self.target)
            met = self.arena.end_session(side, database, self.chance, blow.purpose)
            what = f"{what}: {met or 'nobody there'}"
            if not met:
                return False
        self.story.append(what)
        return True

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        if process.returncode in {0, -signal.SIGKILL}:
            return
        out = self._log("out").read_text()
        code = json.loads(out).get("error", {}).get("code", "") if out else ""
        self.story.append(f"ended with {process.returncode}: {out.strip()[:600]}")
        assert code in GIVES_UP, self.told()
        if code == "AlreadyRunning":
            time.sleep(0.2)

    # --- how it stands --------------------------------------------------------------------------

    @property
    def _directory(self) -> Path:
        return self.plan.parent

    @property
    def _begun(self) -> Path:
        return self._directory / "begun"

    def _log(self, what: str) -> Path:
        return self._directory / f"{what}-{self._processes}.txt"

    def _asked(self, query: str) -> list[tuple[object, ...]]:
        return asyncio.run(rows(self.target, query))

    def _has_begun(self) -> bool:
        made = self._asked("SELECT to_regclass('crosswalk.event') IS NOT NULL")[0][0]
        return bool(made) and bool(self._asked("SELECT EXISTS (SELECT FROM crosswalk.run)")[0][0])

    def _over(self) -> bool:
        return self._has_begun() and self._asked(FINISHED) == [("finished",)]

    def told(self) -> str:
        """The story so far, with what the last process said."""
        last = [self._log(what).read_text()[-3000:] for what in ("out", "err") if self._log(what).exists()]
        return "\n".join([*self.story, *last])


def _allowed() -> list[str]:
    return [word for hazard in Hazard for word in ("--allow", hazard.value)]
