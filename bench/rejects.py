"""What rows that are refused cost: a move of 1,000,000 rows of which none, one, or one in a hundred does not fit.

    python -m bench.rejects                        1,000,000 rows
    python -m bench.rejects --quick                100,000 rows, one round
    python -m bench.rejects --kinds check,raises   only these
    python -m bench.rejects --json                 one line, for machines

The same table is moved from an embedded PostgreSQL 16 to an embedded 18, each time with other rows spoiled. Only the
move is timed (`migrate`, with all that it asks of the source beforehand), not the plan. In each round the clean move
is made beside the spoiled ones, and the ratios are those of one round. Aim: one bad row in a million costs less than
5 %, and one in a hundred stays usable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench import pairs
from crosswalk import __version__, embedded
from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.migration import migrate
from crosswalk.plan import Decision, Hazard
from crosswalk.planning import make_plan
from crosswalk.survey import Servers

FULL: Final = 1_000_000
QUICK: Final = 100_000
ROUNDS: Final = 3
EVERY: Final = 100
"""One row in so many is spoiled."""
SOURCE: Final = """
CREATE TABLE parcel (id bigint PRIMARY KEY, code text NOT NULL, weight int NOT NULL, note text, tag text NOT NULL,
    total int NOT NULL, extra text, made timestamptz NOT NULL)"""
FILL: Final = """
INSERT INTO parcel SELECT i, 'c' || i, i % 1000, 'note ' || i % 977, 't' || i, i % 100000, '{"n": ' || i || '}',
    '2024-01-01 00:00Z'::timestamptz + i * interval '11 seconds' FROM generate_series(1, $1::int) AS i"""
TARGET: Final = """
CREATE FUNCTION public.weighable(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 >= 0';
CREATE TABLE parcel (id bigint PRIMARY KEY, code varchar(16) NOT NULL, weight int NOT NULL, note text, tag text NOT NULL,
    total int NOT NULL, extra jsonb, made timestamptz NOT NULL)"""
COLUMNS: Final = {
    "id": "id", "code": "code", "weight": "weight", "note": "note", "tag": "tag", "total": "total", "extra": "extra",
    "made": "made",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way in which a row does not fit."""

    spoil: str
    """What is done to the row, as the SET of an UPDATE."""
    target: str = ""
    """What refuses it, as SQL on the target."""
    rules: tuple[tuple[str, str], ...] = ()
    """Rules other than the plain ones: (column, SQL)."""
    found: str = "load"
    """Who finds it: the rules (before the load) or the load."""


KINDS: Final = {
    "length": Kind(spoil="code = code || ' and far too long'", found="rules"),
    "raises": Kind(spoil="total = 2147483647", rules=(("total", "total + 1"),)),
    "cast": Kind(spoil="extra = '{'", rules=(("extra", "extra::jsonb"),)),
    "check": Kind(
        spoil="weight = -1",
        target="ALTER TABLE parcel ADD CONSTRAINT parcel_weight CHECK (public.weighable(weight))",
    ),
    "trigger": Kind(
        spoil="note = 'refused'",
        target="CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'refused' THEN"
        " RAISE EXCEPTION 'refused'; END IF; RETURN NULL; END $$;"
        " CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON parcel FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
    "shared": Kind(spoil="tag = 't1'", target="ALTER TABLE parcel ADD UNIQUE (tag)", found="rules"),
    "unique": Kind(
        spoil="tag = 't' || -id",
        target="ALTER TABLE parcel ADD UNIQUE (tag); INSERT INTO parcel SELECT -i, 'c', 0, NULL, 't' || -i, 0, NULL,"
        " '2024-01-01 00:00Z' FROM generate_series(1, ROWS) AS i WHERE i % 100 = 37",
    ),
}


def document(kind: Kind) -> str:
    """The mapping of the one table."""
    rules = {**COLUMNS, **{name: json.dumps({"sql": sql}) for name, sql in kind.rules}}
    listed = "".join(f"      {name}: {rule}\n" for name, rule in rules.items())
    return f"version: 1\ntables:\n  parcel:\n    from: parcel\n    key: [id]\n    existing: keep\n    columns:\n{listed}"


@dataclass(kw_only=True)
class Course:
    """Two servers, and the source as it is before rows are spoiled."""

    source: Server
    target: Server
    rows: int
    loop: asyncio.Runner
    refused: dict[str, int] = field(default_factory=dict)
    """By contender: rows in quarantine."""

    def prepare(self) -> None:
        self.loop.run(self._prepare())

    async def _prepare(self) -> None:
        await self._run(self.source, "postgres", 'CREATE DATABASE "clean"')
        async with session("source", self.source.url("clean"), read_only=False) as opened:
            await opened.execute(SOURCE)
            await opened.execute(FILL, self.rows)
            await opened.execute("VACUUM ANALYZE parcel")

    async def _run(self, server: Server, database: str, *statements: str) -> None:
        async with session("source", server.url(database), read_only=False) as opened:
            for statement in filter(None, statements):
                await opened.execute(statement)

    def move(self, name: str, kind: Kind, where: str) -> float:
        """Spoil, plan, move; the seconds of the move."""
        return self.loop.run(self._move(name, kind, where))

    async def _move(self, name: str, kind: Kind, where: str) -> float:
        await self._run(self.source, "postgres", 'CREATE DATABASE "spoiled" TEMPLATE "clean" STRATEGY file_copy')
        await self._run(self.target, "postgres", 'CREATE DATABASE "new"')
        try:
            spoil = f"UPDATE parcel SET {kind.spoil} WHERE {where}"
            await self._run(self.source, "spoiled", spoil, "VACUUM ANALYZE parcel")
            await self._run(self.target, "new", TARGET, kind.target.replace("ROWS", str(self.rows)), "CHECKPOINT")
            took = await self._timed(kind)
            self.refused[name] = await self._require(kind, where)
        finally:
            await self._run(self.source, "postgres", 'DROP DATABASE "spoiled" WITH (FORCE)')
            await self._run(self.target, "postgres", 'DROP DATABASE "new" WITH (FORCE)')
        return took

    async def _timed(self, kind: Kind) -> float:
        servers = Servers(source=self.source.url("spoiled"), target=self.target.url("new"))
        plan, _ = await make_plan(read_text(document(kind)), servers, count=False, sample=False)
        decision = Decision(strategy="transform", who="bench", why="it is measured", at="2026-01-01T00:00:00+00:00")
        began = time.perf_counter()
        await migrate(plan.model_copy(update={"decision": decision}), servers, allow=[h.value for h in Hazard])
        return time.perf_counter() - began

    async def _require(self, kind: Kind, where: str) -> int:
        """Every spoiled row stands in quarantine and no other; how many."""
        async with session("source", self.source.url("spoiled")) as opened:
            spoiled = int(await opened.fetchval(f"SELECT count(*) FROM parcel WHERE {where}"))
        async with session("target", self.target.url("new")) as opened:
            refused = int(await opened.fetchval("SELECT count(*) FROM crosswalk.quarantine"))
            found = {r["found_by"] for r in await opened.fetch("SELECT DISTINCT found_by FROM crosswalk.quarantine")}
        if refused != spoiled or found - {kind.found}:
            raise RuntimeError(f"{spoiled} rows were spoiled, {refused} refused, by {found}")
        return refused


def measure(course: Course, name: str, *, rounds: int) -> dict[str, object]:
    """The figures of one kind."""
    kind, middle = KINDS[name], f"id = {course.rows // 2 // EVERY * EVERY + 37}"
    contenders = {"clean": "false", "one": middle, "hundredth": f"id % {EVERY} = 37"}
    taken = pairs.interleave(
        {each: partial(course.move, each, kind, where) for each, where in contenders.items()},
        rounds=rounds,
    )
    return {
        "seconds": {each: round(pairs.median_of(taken, each), 2) for each in contenders},
        "refused": dict(course.refused),
        "cost_of_one": round(pairs.ratio(taken, "one", "clean"), 3),
        "cost_of_a_hundredth": round(pairs.ratio(taken, "hundredth", "clean"), 3),
    }


def contest(kinds: Iterable[str], *, rows: int, rounds: int) -> dict[str, object]:
    """Run it; gives the figures that --json prints."""
    with (
        embedded.ephemeral(version=16, fast=True) as source,
        embedded.ephemeral(version=18, fast=True) as target,
        asyncio.Runner() as loop,
    ):
        course = Course(source=source, target=target, rows=rows, loop=loop)
        course.prepare()
        found = {name: measure(course, name, rounds=rounds) for name in kinds}
        versions = {
            "crosswalk": __version__,
            "python": platform.python_version(),
            "source": source.version,
            "target": target.version,
        }
    return {
        "bench": "rejects", "rows": rows, "rounds": rounds, "kinds": found, "machine": pairs.machine(),
        "versions": versions,
    }  # fmt: skip


def report(found: dict[str, object]) -> str:
    """The figures for people."""
    lines = [f"{found['rows']:,} rows, {found['rounds']} rounds, {found['machine']}"]
    kinds = found["kinds"]
    assert isinstance(kinds, dict)
    for name, each in kinds.items():
        seconds = ", ".join(f"{what} {taken:.2f} s" for what, taken in each["seconds"].items())
        ratios = f"one row ×{each['cost_of_one']:.3f}, one in {EVERY} ×{each['cost_of_a_hundredth']:.2f}"
        lines.append(f"{name:8} {seconds}; {ratios}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows and one round")
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"some of {', '.join(KINDS)}")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    given = parser.parse_args()
    found = contest(
        given.kinds.split(","),
        rows=given.rows or (QUICK if given.quick else FULL),
        rounds=given.rounds or (1 if given.quick else ROUNDS),
    )
    print(json.dumps(found) if given.json else report(found))


if __name__ == "__main__":
    main()
