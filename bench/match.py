"""Schemas of many tables, from the first look to a verified move, on embedded servers of versions 16 and 18.

    python -m bench.match                 1,000 tables
    python -m bench.match --quick         200 tables
    python -m bench.match --json          one line, for machines

The pair of schemas is made up (see `bench.manytables`), with a true document. The draft that `match`
makes is held against it: a rule that is accepted and wrong must not be. There is no peer to run beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from getpass import getuser
from importlib.metadata import version
from typing import Final, TypeVar

from bench import pairs
from bench.manytables import Pair, build, generate
from crosswalk import __version__, embedded
from crosswalk.checking import check
from crosswalk.embedded import Server
from crosswalk.mapping import Document, Fold, Lookup, MapLabels, MappingFile, Rule, Sql, Take, read_text
from crosswalk.matching import match
from crosswalk.migration import migrate
from crosswalk.names import parse
from crosswalk.plan import Hazard
from crosswalk.planning import Planned, make_plans
from crosswalk.survey import Servers, both, read_both
from crosswalk.verification import verify

FULL: Final = 1000
QUICK: Final = 200
T = TypeVar("T")


@dataclass(kw_only=True)
class Score:
    """A draft held against the truth, rule by rule of the target's columns."""

    rules: int = 0
    """In the true document."""
    right: int = 0
    wrong: int = 0
    accepted: int = 0
    accepted_wrong: int = 0
    tables_wrong: int = 0
    """Fed from another table than in truth."""

    @property
    def precision(self) -> float:
        return round(self.right / (self.right + self.wrong), 4) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        return round(self.right / self.rules, 4) if self.rules else 0.0


def score(draft: Document, truth: Document) -> Score:
    """What of a draft is right."""
    found = Score(rules=sum(len(table.columns) for table in truth.tables.values()))
    for name, table in draft.by_target.items():
        true = truth.by_target.get(name)
        elsewhere = true is None or true.source != table.source
        found.tables_wrong += elsewhere
        for column, rule in table.columns.items():
            wanted = None if true is None or elsewhere else true.columns.get(column)
            right = wanted is not None and (alike(rule, wanted) or alike(as_taken(rule, truth), wanted))
            found.right += right
            found.wrong += not right
            found.accepted += rule.status == "accepted"
            found.accepted_wrong += rule.status == "accepted" and not right
    return found


def alike(one: Rule, other: Rule) -> bool:
    """Whether two rules say the same; an expression counts by what it mentions."""
    if isinstance(one, Sql) and isinstance(other, Sql):
        return Counter(one.sql.replace("(", " ").replace(")", " ").split()) == Counter(other.sql.split())
    if isinstance(one, Lookup) and isinstance(other, Lookup):
        return _lookup(one) == _lookup(other)
    if isinstance(one, MapLabels) and isinstance(other, MapLabels):
        shared = one.map.keys() & other.map.keys()
        return one.from_ == other.from_ and all(one.map[label] == other.map[label] for label in shared)
    if isinstance(one, Fold) and isinstance(other, Fold):
        return set(one.fold) == set(other.fold)
    said = {"why", "confidence", "evidence", "status"}
    return one.kind == other.kind and one.model_dump(exclude=said) == other.model_dump(exclude=said)


def as_taken(rule: Rule, truth: Document) -> Rule:
    """A lookup of the very column that feeds what it takes gives the value that it looked for: that column, taken."""
    if not isinstance(rule, Lookup) or len(rule.lookup.matches) != 1:
        return rule
    fed = [truth.by_target[t].columns.get(rule.lookup.take) for t in truth.targets_of(parse(rule.lookup.table))]
    [(left, operand), *others] = rule.lookup.matches[0].items()
    if others or not isinstance(operand, Take) or not all(isinstance(f, Take) and f.column == left for f in fed):
        return rule
    return operand


def _lookup(rule: Lookup) -> tuple[object, ...]:
    matches = [sorted((left, repr(operand)) for left, operand in match.items()) for match in rule.lookup.matches]
    return parse(rule.lookup.table), rule.lookup.take, matches


@dataclass(kw_only=True)
class Race:
    """The stages, each with its seconds."""

    pair: Pair
    file: MappingFile
    servers: Servers
    seconds: dict[str, float]

    async def timed(self, stage: str, work: Awaitable[T]) -> T:
        began = time.perf_counter()
        done = await work
        self.seconds[stage] = round(time.perf_counter() - began, 2)
        return done

    async def run(self) -> dict[str, object]:
        """Every stage; gives what is told besides the seconds, and raises where a stage did not do what it must."""
        await self.timed("building", build(self.pair, self.servers.source, self.servers.target))
        await self.timed("catalogs", self._catalogs())
        matched = await self.timed("match", match(self.servers))
        found = score(read_text(matched.text).document, self.file.document)
        checked = await self.timed("check", check(self.file, self.servers))
        quarantined = sum(tally.quarantined for tally in checked.tallies)
        if checked.problems or quarantined != sum(self.pair.quarantined.values()):
            raise RuntimeError(f"check found {len(checked.problems)} problems and {quarantined} rows that do not fit")
        planned = await self.timed("plan", make_plans(self.file, self.servers))
        await self._move(planned)
        return {
            "precision": found.precision,
            "recall": found.recall,
            "accepted": found.accepted,
            "accepted_wrong": found.accepted_wrong,
            "tables_wrong": found.tables_wrong,
            "rules": found.rules,
            "questions": len(matched.draft.questions),
            "strategies": sorted(planned.file.plans),
            "quarantined": quarantined,
        }

    async def _catalogs(self) -> None:
        async with both(self.servers, purpose="bench") as (source, target):
            await read_both(source, target)

    async def _move(self, planned: Planned) -> None:
        plan = planned.file.decide("transform", who=getuser(), why="the benchmark").chosen()
        hazards = [hazard.value for hazard in Hazard]
        moved = await self.timed("migrate", migrate(plan, self.servers, allow=hazards))
        verified = await self.timed("verify", verify(self.servers))
        loaded = sum(tally.loaded for tally in moved.tallies)
        if loaded + self.pair.merged + sum(self.pair.quarantined.values()) != self.pair.rows or not verified.clean:
            raise RuntimeError(f"{loaded} of {self.pair.rows} rows were moved, verified clean: {verified.clean}")


def race(*, tables: int) -> dict[str, object]:
    """Run it; gives the figures that --json prints."""
    pair = generate(tables=tables)
    with (
        embedded.ephemeral(version=16, fast=True) as source,
        embedded.ephemeral(version=18, fast=True) as target,
    ):
        began = time.perf_counter()
        file = read_text(pair.document)
        seconds = {"document": round(time.perf_counter() - began, 2)}
        run = Race(pair=pair, file=file, servers=_servers(source, target), seconds=seconds)
        found = asyncio.run(run.run())
        return {
            "bench": "match",
            "tables": tables,
            "rows": pair.rows,
            "seconds": run.seconds,
            **found,
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


def _servers(source: Server, target: Server) -> Servers:
    return Servers(source=source.url(), target=target.url())


def table(found: Mapping[str, object]) -> str:
    """The figures for people."""
    seconds = found["seconds"]
    assert isinstance(seconds, dict)
    lines = [
        f"{found['tables']:,} tables, {found['rows']:,} rows, {found['machine']}, {found['rss_mb']} MB peak",
        *(f"{stage:12}{took:>8.2f} s" for stage, took in seconds.items()),
        f"draft: precision {found['precision']}, recall {found['recall']} of {found['rules']} rules;"
        f" {found['accepted']} accepted, {found['accepted_wrong']} of them wrong; {found['questions']} questions",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.match", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} tables instead of {FULL:,}")
    parser.add_argument("--tables", type=int, help="so many tables")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    given = parser.parse_args()
    found = race(tables=given.tables or (QUICK if given.quick else FULL))
    print(json.dumps(found) if given.json else table(found))


if __name__ == "__main__":
    main()
