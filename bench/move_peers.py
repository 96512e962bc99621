"""The peers, each as somebody who knows it would call it on a machine of two cores.

A peer begins with an empty target database and ends with the source's tables, rows, indexes, constraints and
sequences in it. Its time is that of all its programs, from the first to the end of the last.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.move_servers import Database, Pair, Refused, Turn, found, last, megabytes, run

JOBS: Final = "2"
SEQUENCES: Final = (
    "SELECT format('SELECT setval(%L, %s, true);', format('%I.%I', schemaname, sequencename), last_value)"
    " FROM pg_sequences WHERE last_value IS NOT NULL"
)
TABLES: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY pg_total_relation_size(c.oid) DESC"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A way to copy a database."""

    name: str
    about: str
    copy: Callable[[Pair, Path], None]
    """With a directory of its own, which is there and empty."""
    program: str = ""
    """One that must be installed, and does not come with PostgreSQL."""
    large_only: bool = False
    """Differs from another peer only where tables are large."""
    lacks: frozenset[str] = frozenset()
    """What it does not carry over (see `Standing.belongings`): told, and no reason to refuse its time, for it is the shorter."""

    @property
    def absent(self) -> bool:
        return bool(self.program) and found(self.program) is None

    def move(self, pair: Pair) -> Turn:
        """Copies; raises Refused."""
        with tempfile.TemporaryDirectory(prefix="bench-move-") as place:
            own, theirs, started = _children(), pair.cpu(), time.perf_counter()
            self.copy(pair, Path(place))
            seconds = time.perf_counter() - started
            return Turn(seconds=seconds, cpu=_children() - own, servers_cpu=pair.cpu() - theirs)


def _children() -> float:
    """CPU seconds of the programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _dump_restore(compress: str) -> Callable[[Pair, Path], None]:
    def copy(pair: Pair, place: Path) -> None:
        source, target = pair.source, pair.target
        there = str(place / "dump")
        run([source.program("pg_dump"), "-Fd", f"-j{JOBS}", *([compress] if compress else []), "-f", there], source.environment)
        run([target.program("pg_restore"), f"-j{JOBS}", "--exit-on-error", "-d", target.name, there], target.environment)

    return copy


def _dump_psql(pair: Pair, place: Path) -> None:
    source, target = pair.source, pair.target
    psql = [target.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1"]
    _pipe([source.program("pg_dump")], source.environment, psql, target.environment)


def _psql_copy(pair: Pair, place: Path) -> None:
    """Tables without anything, two pipes of binary COPY at a time (the largest first), sequences, then what hangs on tables."""
    source, target = pair.source, pair.target
    psql = [target.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1"]
    dump = [source.program("pg_dump")]
    _pipe([*dump, "--section=pre-data"], source.environment, psql, target.environment)

    def one(table: str) -> None:
        out = [source.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-c", f"COPY {table} TO STDOUT (FORMAT binary)"]
        into = [*psql, "-c", f"COPY {table} FROM STDIN (FORMAT binary)"]
        _pipe(out, source.environment, into, target.environment)

    with ThreadPoolExecutor(max_workers=int(JOBS)) as pool:
        for _ in pool.map(one, source.psql(TABLES).splitlines()):
            pass
    run([*psql, "-o", os.devnull], target.environment, feed=source.psql(SEQUENCES))
    _pipe([*dump, "--section=post-data"], source.environment, psql, target.environment)


def _pipe(left: list[str], left_in: Mapping[str, str], right: list[str], right_in: Mapping[str, str]) -> None:
    """`left | right`, what right prints thrown away; raises Refused where either of them fails."""
    with tempfile.TemporaryFile("w+") as said:
        first = subprocess.Popen(left, env=left_in, stdout=subprocess.PIPE, stderr=said)
        second = subprocess.Popen(right, env=right_in, stdin=first.stdout, stdout=subprocess.DEVNULL, stderr=said)
        assert first.stdout is not None
        first.stdout.close()  # so that the first is told when the second ends
        codes = (second.wait(), first.wait())
        if any(codes):
            said.seek(0)
            raise Refused(f"{Path(left[0]).name} | {Path(right[0]).name} ended with {codes[1]}, {codes[0]}: {last(said.read())}")


def _pgcopydb_split(pair: Pair, place: Path) -> None:
    """Tables of more than a quarter of all are cut, so that both jobs have their share of a large one."""
    _pgcopydb(pair, place, "--split-tables-larger-than", f"{max(round(megabytes(pair.source) / 4), 1)}MB")


def _pgcopydb(pair: Pair, place: Path, *more: str) -> None:
    environment = {
        **pair.target.environment,
        "PGCOPYDB_SOURCE_PGURI": pair.source.url,
        "PGCOPYDB_TARGET_PGURI": pair.target.url,
    }
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"):
        environment.pop(name, None)
    options = ["--table-jobs", JOBS, "--index-jobs", JOBS, "--no-owner", "--skip-large-objects", *more]
    run(["pgcopydb", "clone", "--dir", str(place / "work"), *options], environment)


def _pgloader(pair: Pair, place: Path) -> None:
    told = place / "bench.load"
    told.touch(mode=0o600)  # the passwords stand in it
    source, target = (side.url.replace("postgresql:", "pgsql:", 1) for side in (pair.source, pair.target))
    told.write_text(
        f"LOAD DATABASE FROM {source} INTO {target}\n"
        "WITH create tables, create indexes, foreign keys, reset sequences, workers = 2, concurrency = 1,"
        " batch rows = 25000, prefetch rows = 100000;\n"
    )
    command = ["pgloader", "--root-dir", str(place), "--on-error-stop", str(told)]
    said = run(command, {"PATH": os.environ.get("PATH", ""), "HOME": str(place)})
    wrong = [line for line in said.splitlines() if " ERROR " in line or " FATAL " in line]
    if wrong:
        raise Refused(wrong[0].partition(" ERROR ")[2][:300] or wrong[0][:300])


LOST_BY_PGLOADER: Final = frozenset({"checks", "sequences", "unique constraints", "exclusions"})
"""Identity columns and CHECKs are gone; a unique constraint becomes a unique index."""
ALL: Final = (
    Peer(name="pg_dump_restore", about="pg_dump -Fd -j2 -Z0, then pg_restore -j2", copy=_dump_restore("-Z0")),
    Peer(name="pg_dump_psql", about="pg_dump | psql", copy=_dump_psql),
    Peer(name="psql_pipe", about="psql COPY | psql COPY, binary, two tables at a time", copy=_psql_copy),
    Peer(name="pgcopydb", about="pgcopydb clone, two table jobs, two index jobs", copy=_pgcopydb, program="pgcopydb"),
    Peer(
        name="pgcopydb_split",
        about="the same with --split-tables-larger-than a quarter of the database",
        copy=_pgcopydb_split,
        program="pgcopydb",
        large_only=True,
    ),
    Peer(name="pgloader", about="pgloader, two workers", copy=_pgloader, program="pgloader", lacks=LOST_BY_PGLOADER),
    Peer(name="pg_dump_restore_gzip", about="pg_dump -Fd -j2 (gzip, its default), then pg_restore -j2", copy=_dump_restore("")),
)
BY_DEFAULT: Final = tuple(peer.name for peer in ALL)
QUICKLY: Final = ("pg_dump_restore", "psql_pipe", "pgcopydb", "pgcopydb_split")
"""The ones that a figure of the promise stands on."""


def version_of(program: str, database: Database) -> str | None:
    """What a peer says of its version; None where it is not installed."""
    if found(program) is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=database.environment)
    return next((line.strip().replace('"', "") for line in said.stdout.splitlines() if "version" in line), None)
