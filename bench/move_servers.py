"""The two clusters that a move goes between, and what is asked of them besides: databases, scripts, what stands in them.

Both clusters are of the same version: the machine's own PostgreSQL 15 where it is there, for the peers that
Debian packages are built for it, else the embedded 16. They have equal settings (SETTINGS), for all contenders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.move_watch import cpu_of
from crosswalk import embedded
from crosswalk.embedded import Server
from crosswalk.names import quote

SQL: Final = Path(__file__).with_name("move_sql")
DEBIAN: Final = Path("/usr/lib/postgresql/15/bin")
SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    "wal_level": "replica",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_locks_per_transaction": "256",
    # It would come upon one contender and not upon another.
    "autovacuum": "off",
}
"""Beside these: PostgreSQL's own defaults, with fsync, full_page_writes and synchronous_commit on."""
SETTLE: Final = 0.1
SOURCE: Final = "bench_source"
TARGET: Final = "bench_target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a contender took."""

    seconds: float
    cpu: float
    """Seconds of its own programs, to their end."""
    servers_cpu: float
    """Seconds that both clusters used meanwhile: less bound to what else the machine does than the clock is."""
    statistics: float = 0.0
    """Seconds of an ANALYZE afterwards, for whoever leaves it to the user; in none of the others."""


class Refused(Exception):
    """A program ended with an error, or did not do what it was to do; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database of a cluster, for programs that read PG* variables and for those that want a URL."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    @property
    def environment(self) -> dict[str, str]:
        """Ours without PG* variables, and those of this database; its programs come first."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CROSSWALK_"))}
        path = f"{self.server.bindir}{os.pathsep}{clean.get('PATH', '')}"
        return {**clean, "PATH": path, **self.server.environment(self.name)}

    def program(self, name: str) -> str:
        return str(self.server.bindir / name)

    def psql(self, script: str, **variables: object) -> str:
        """Run a script, or a file's text; gives what psql prints, unaligned. Raises Refused."""
        given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        return run([self.program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *given], self.environment, feed=script)

    def server_version(self) -> str:
        """In full, of the cluster; its programs are of the same release."""
        return _maintenance(self).psql("SHOW server_version").strip()

    def ask(self, file: str) -> list[list[str]]:
        """The rows of a query of ours, as texts."""
        return [line.split("|") for line in self.psql((SQL / file).read_text()).splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Where rows come from and where they go."""

    source: Database
    target: Database

    def fresh(self) -> None:
        """An empty target database, and both clusters with nothing left to write."""
        make(self.target)
        for side in (self.source, self.target):
            side.psql("CHECKPOINT")


    def cpu(self) -> float:
        """Seconds that both clusters have used so far; waits until what has ended is told of its parent."""
        time.sleep(SETTLE)
        return sum(cpu_of(side.server.pid) for side in (self.source, self.target) if side.server.pid is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands in a database: equal for source and target when everything has come."""

    rows: Mapping[str, int]
    belongings: Mapping[str, int]
    """Numbers of indexes, constraints (validated ones), sequences."""

    @classmethod
    def of(cls, database: Database) -> Standing:
        return cls(
            rows={name: int(count) for name, count in database.ask("rows.sql")},
            belongings={kind: int(count) for kind, count in database.ask("belongings.sql")},
        )

    def differences(self, there: Standing) -> dict[str, str]:
        """How `there` differs from this, by table or kind."""
        return {
            name: f"{name}: {theirs.get(name, 0):,} instead of {mine.get(name, 0):,}"
            for mine, theirs in ((self.rows, there.rows), (self.belongings, there.belongings))
            for name in sorted({*mine, *theirs})
            if mine.get(name, 0) != theirs.get(name, 0)
        }


@contextmanager
def clusters() -> Iterator[Pair]:
    """Both clusters, wiped afterwards; their databases have yet to be made."""
    bindir = DEBIAN if (DEBIAN / "postgres").exists() else None
    version = None if bindir else 16
    with (
        embedded.ephemeral(version=version, bindir=bindir, fast=False, settings=SETTINGS) as source,
        embedded.ephemeral(version=version, bindir=bindir, fast=False, settings=SETTINGS) as target,
    ):
        yield Pair(source=Database(server=source, name=SOURCE), target=Database(server=target, name=TARGET))


def make(database: Database) -> None:
    """The database, empty; one of that name goes."""
    drop(database)
    _maintenance(database).psql(f"CREATE DATABASE {quote(database.name)} TEMPLATE template0")


def drop(database: Database) -> None:
    _maintenance(database).psql(f"DROP DATABASE IF EXISTS {quote(database.name)} WITH (FORCE)")


def analyze(database: Database) -> float:
    """Gives the tables statistics, two at a time, unless they have some; the seconds that it took."""
    if int(database.psql("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'")):
        return 0.0
    started = time.perf_counter()
    if Path(database.program("vacuumdb")).exists():
        run([database.program("vacuumdb"), "--analyze-only", "-j2", "--quiet", database.name], database.environment)
    else:
        database.psql("ANALYZE")
    return time.perf_counter() - started


def megabytes(database: Database) -> float:
    """What the database takes on disk, its indexes included."""
    return int(database.psql("SELECT pg_database_size(current_database())")) / 2**20


def run(command: list[str], environment: Mapping[str, str], *, feed: str | None = None, cwd: Path | None = None) -> str:
    """A program to its end; gives its output. Raises Refused with the end of what it said."""
    done = subprocess.run(command, env=environment, input=feed, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise Refused(f"{Path(command[0]).name} ended with {done.returncode}: {last(done.stderr or done.stdout)}")
    return done.stdout


def last(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["it said nothing"])[-1][:300]


def found(program: str) -> str | None:
    """Where a peer's program is, if it is installed."""
    return shutil.which(program)


def _maintenance(database: Database) -> Database:
    return Database(server=database.server, name="postgres")
