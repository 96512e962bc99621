"""Our relay against `psql COPY TO | psql COPY FROM`, between two embedded servers of versions 16 and 18.

    python -m bench.relay                 2,000,000 rows
    python -m bench.relay --quick         200,000 rows
    python -m bench.relay --json          one line, for machines

Both copy the same table into an equal, empty one. Ours goes as `copy` does it: binary, in a transaction
on either side. Aim: at least as fast as the pipe, and at most a quarter of a core for our process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from typing import IO, Final, Literal

from bench import pairs
from crosswalk import __version__, embedded
from crosswalk.connect import CopyFormat, Session, connect
from crosswalk.embedded import Server
from crosswalk.relay import relay

FULL: Final = 2_000_000
QUICK: Final = 200_000
ROUNDS: Final = 3
COLUMNS: Final = [
    "id", "company_id", "client_id", "token", "status", "note", "price", "rate", "confirmed",
    "starts_at", "day", "extra", "updated_at",
]  # fmt: skip
TABLE: Final = """
CREATE TABLE visit (
    id bigint PRIMARY KEY, company_id int NOT NULL, client_id bigint NOT NULL, token uuid NOT NULL,
    status text NOT NULL, note text, price numeric(12,2) NOT NULL, rate double precision, confirmed boolean NOT NULL,
    starts_at timestamptz NOT NULL, day date NOT NULL, extra jsonb, updated_at timestamptz NOT NULL
)"""
FILL: Final = """
INSERT INTO visit
SELECT i, i % 97, i / 7, md5(i::text)::uuid, (ARRAY['pending', 'confirmed', 'completed', 'cancelled'])[i % 4 + 1],
       CASE WHEN i % 3 = 0 THEN 'note ' || repeat(md5(i::text), 1 + i % 3) END,
       (i % 900000) / 100.0, CASE WHEN i % 5 > 0 THEN i / 7.0 END, i % 2 = 0,
       '2024-01-01 00:00Z'::timestamptz + i * interval '37 seconds', '2024-01-01'::date + i % 700,
       CASE WHEN i % 4 = 0 THEN jsonb_build_object('source', 'web', 'n', i, 'tags', jsonb_build_array('a', i % 10)) END,
       '2025-01-01 00:00Z'::timestamptz + i * interval '11 seconds'
FROM generate_series(1, $1::int) AS i"""
QUERY: Final = f"SELECT {', '.join(COLUMNS)} FROM visit"

OURS: Final = "crosswalk relay, binary"
PIPE: Final = "psql | psql, binary"
PIPE_TEXT: Final = "psql | psql, text"


@dataclass(kw_only=True)
class Contest:
    """Two servers with the table on both, and what our rounds took besides time."""

    source: Server
    target: Server
    rows: int
    loop: asyncio.Runner
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of this process by wall-clock second, a round an entry."""
    pipe_cpu: list[float] = field(default_factory=list)
    """The same of the two psql of the binary pipe."""
    megabytes: float = 0.0

    def prepare(self) -> None:
        """Fill the source and make the target's empty table."""
        self.loop.run(self._prepare())

    async def _prepare(self) -> None:
        source, target = await self._sessions(read_only=False)
        await source.execute(TABLE)
        await source.execute(FILL, self.rows)
        await source.execute("VACUUM ANALYZE visit")
        await target.execute(TABLE)
        await source.close()
        await target.close()

    async def _sessions(self, *, read_only: bool | None = None) -> tuple[Session, Session]:
        return (
            await connect("source", self.source.url(), read_only=read_only, purpose="bench"),
            await connect("target", self.target.url(), purpose="bench"),
        )

    def relay(self, form: CopyFormat = "binary") -> float:
        """Our turn; seconds of the copy alone, as for the peer without the empty table's making."""
        return self.loop.run(self._relay(form))

    async def _relay(self, form: CopyFormat) -> float:
        await self._empty()
        began, used = time.perf_counter(), _cpu()
        source, target = await self._sessions()
        async with source.transaction(), target.transaction():
            landed = await relay(source, QUERY, target, "visit", COLUMNS, form=form)
        await source.close()
        await target.close()
        took = time.perf_counter() - began
        self.cpu.append((_cpu() - used) / took)
        self.megabytes = landed.bytes / 2**20
        await self._check(landed.rows)
        return took

    def pipe(self, form: Literal["binary", "text"]) -> float:
        """The peer's turn."""
        self.loop.run(self._empty())
        began, used = time.perf_counter(), _cpu(resource.RUSAGE_CHILDREN)
        sender = self._psql(self.source, f"COPY ({QUERY}) TO STDOUT (FORMAT {form})", stdout=subprocess.PIPE)
        receiver = self._psql(
            self.target, f"COPY visit ({', '.join(COLUMNS)}) FROM STDIN (FORMAT {form})", stdin=sender.stdout
        )
        assert sender.stdout is not None
        sender.stdout.close()
        if receiver.wait() or sender.wait():
            raise RuntimeError("psql failed")
        took = time.perf_counter() - began
        if form == "binary":
            self.pipe_cpu.append((_cpu(resource.RUSAGE_CHILDREN) - used) / took)
        self.loop.run(self._check(self.rows))
        return took

    def _psql(
        self,
        server: Server,
        statement: str,
        *,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.Popen(
            [server.bindir / "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-c", statement],
            env={**clean, **server.environment()},
            stdin=stdin,
            stdout=stdout,
        )

    async def _empty(self) -> None:
        target = await connect("target", self.target.url(), purpose="bench")
        await target.execute("TRUNCATE visit")
        await target.execute("CHECKPOINT")
        await target.close()

    async def _check(self, landed: int) -> None:
        target = await connect("target", self.target.url(), purpose="bench")
        there = await target.fetchval("SELECT count(*) FROM visit")
        await target.close()
        if not there == landed == self.rows:
            raise RuntimeError(f"{there} rows arrived, {landed} were counted, {self.rows} were sent")


def _cpu(who: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def contest(*, rows: int, rounds: int) -> dict[str, object]:
    """Run it; gives the figures that --json prints."""
    with (
        embedded.ephemeral(version=16, fast=True) as source,
        embedded.ephemeral(version=18, fast=True) as target,
        asyncio.Runner() as loop,
    ):
        it = Contest(source=source, target=target, rows=rows, loop=loop)
        it.prepare()
        taken = pairs.interleave(
            {OURS: it.relay, PIPE: lambda: it.pipe("binary"), PIPE_TEXT: lambda: it.pipe("text")}, rounds=rounds
        )
        return {
            "bench": "relay",
            "rows": rows,
            "megabytes": round(it.megabytes, 1),
            "rounds": rounds,
            "seconds": round(pairs.median_of(taken, OURS), 3),
            "seconds_psql_pipe": round(pairs.median_of(taken, PIPE), 3),
            "seconds_psql_pipe_text": round(pairs.median_of(taken, PIPE_TEXT), 3),
            "ratio_psql_pipe": round(pairs.ratio(taken, PIPE, OURS), 3),
            "ratio_psql_pipe_text": round(pairs.ratio(taken, PIPE_TEXT, OURS), 3),
            "cpu_share": round(median(it.cpu), 3),
            "cpu_share_psql_pipe": round(median(it.pipe_cpu), 3),
            "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "machine": pairs.machine(),
            "versions": {
                "crosswalk": __version__,
                "python": platform.python_version(),
                "asyncpg": version("asyncpg"),
                "source": source.version,
                "target": target.version,
            },
        }


def table(found: dict[str, object]) -> str:
    """The figures for people."""
    rows = (
        (OURS, found["seconds"], 1.0, f"{found['cpu_share']} of a core, {found['rss_mb']} MB peak"),
        (PIPE, found["seconds_psql_pipe"], found["ratio_psql_pipe"], f"{found['cpu_share_psql_pipe']} of a core"),
        (PIPE_TEXT, found["seconds_psql_pipe_text"], found["ratio_psql_pipe_text"], ""),
    )
    lines = [
        f"{found['rows']:,} rows, {found['megabytes']} MB, {found['rounds']} rounds, {found['machine']}",
        f"{'':28}{'median s':>10}{'by ours':>10}",
        *(f"{name:28}{seconds:>10}{times:>10}  {note}".rstrip() for name, seconds, times, note in rows),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.relay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows instead of {FULL:,}")
    parser.add_argument("--rows", type=int, help="so many rows")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of one turn each (3)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    given = parser.parse_args()
    found = contest(rows=given.rows or (QUICK if given.quick else FULL), rounds=given.rounds)
    print(json.dumps(found) if given.json else table(found))


if __name__ == "__main__":
    main()
