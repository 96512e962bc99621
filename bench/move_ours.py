"""Ours: the command line in a process of its own, with a plan that was made and decided beforehand.

What is timed is `crosswalk migrate PLAN`, from the start of the interpreter to its end. The plan's own time
is told beside it: whoever moves for good has made it days before.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.move_servers import Pair, Refused, Turn, last
from bench.move_watch import Watched, watch

JOBS: Final = "2"
STARTED, COPYING, FINISHED = "started", "copying", "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Turn):
    """One timed run of ours."""

    plan_seconds: float
    cpu_share: float | None
    """Of one core while rows are copied: from the event `copying` to the last chunk."""
    rss_mb: float
    phases: Mapping[str, float]
    """Seconds of each, in order; together they are the run."""

    def as_json(self) -> dict[str, object]:
        return {
            "seconds": round(self.seconds, 3),
            "plan_seconds": round(self.plan_seconds, 3),
            "cpu_share": None if self.cpu_share is None else round(self.cpu_share, 3),
            "rss_mb": round(self.rss_mb, 1),
            "phases": {name: round(s, 3) for name, s in self.phases.items()},
        }


def recreate(pair: Pair, place: Path) -> Moved:
    """The same schema into an empty database: no document is needed."""
    return _migrate(pair, *_plan(pair, place, "--strategy", "recreate"))


def transform(pair: Pair, document: str, place: Path) -> Moved:
    """Into the tables that stand in the target."""
    (place / "crosswalk.yaml").write_text(document)
    return _migrate(pair, *_plan(pair, place, "crosswalk.yaml", "--strategy", "transform"))


def _plan(pair: Pair, place: Path, *words: str) -> tuple[Path, float]:
    """A plan that is decided on, and the seconds that it took."""
    done = _crosswalk(pair, place, "plan", *words, "-o", "plan.json", "--why", "the benchmark", "--no-count")
    return place / "plan.json", done.seconds


def _migrate(pair: Pair, plan: Path, plan_seconds: float) -> Moved:
    chosen: dict[str, Any] = next(iter(json.loads(plan.read_text())["plans"].values()))
    hazards = sorted({s["hazard"] for s in chosen["statements"] if s["hazard"]})
    allowed = [part for hazard in hazards for part in ("--allow", hazard)]
    for side in (pair.source, pair.target):
        side.psql("CHECKPOINT")
    before = pair.cpu()
    done = _crosswalk(pair, plan.parent, "migrate", plan.name, "--jobs", JOBS, *allowed)
    return _told(pair, done, plan_seconds, pair.cpu() - before)


def _crosswalk(pair: Pair, place: Path, *words: str) -> Watched:
    """A verb of the command line; raises Refused."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CROSSWALK_SOURCE", "CROSSWALK_TARGET"))}
    servers = {"CROSSWALK_SOURCE": pair.source.url, "CROSSWALK_TARGET": pair.target.url}
    done = watch([sys.executable, "-m", "crosswalk", *words, "--json"], {**clean, **servers}, cwd=place)
    if done.code:
        raise Refused(f"crosswalk {words[0]} ended with {done.code}: {_said(done)}")
    return done


def _said(done: Watched) -> str:
    try:
        return str(json.loads(done.out)["error"]["message"])[:600]
    except (ValueError, KeyError, TypeError):
        return last(done.err or done.out)


def _told(pair: Pair, done: Watched, plan_seconds: float, servers_cpu: float) -> Moved:
    marks = {name: float(at) for name, at in pair.target.ask("phases.sql") if at}
    named = (
        ("start", done.started, marks.get(STARTED)),
        ("prepare", marks.get(STARTED), marks.get(COPYING)),
        ("copy", marks.get(COPYING), marks.get("last chunk")),
        ("finish", marks.get("last chunk"), marks.get(FINISHED)),
        ("end", marks.get(FINISHED), done.started + done.seconds),
    )
    copying, landed = marks.get(COPYING), marks.get("last chunk")
    return Moved(
        seconds=done.seconds,
        plan_seconds=plan_seconds,
        cpu=done.cpu,
        servers_cpu=servers_cpu,
        cpu_share=done.share(copying, landed) if copying and landed else None,
        rss_mb=done.rss_mb,
        phases={name: end - begin for name, begin, end in named if begin and end},
    )


