"""Everything that a report is made from, read but not yet told.

`look` reads both servers (read only), the target's ledger and, before a move, the rows against the
rules. What cannot be read is noted and costs nothing else: a report is made of what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from crosswalk.catalog import read_schema
from crosswalk.checking import Checked, judged
from crosswalk.connect import Side, session
from crosswalk.errors import BadMapping, CrosswalkError
from crosswalk.ledger import Held, Ledger, Run, RunState, Tally
from crosswalk.ledger.proof import Proof, read_proofs
from crosswalk.ledger.story import applied, kept_counts, pace, rejected_keys
from crosswalk.mapping import MappingFile, read_text
from crosswalk.names import Name
from crosswalk.plan import Plan
from crosswalk.planfile import PlanFile
from crosswalk.schema import Schema
from crosswalk.survey import Servers, survey

KEYS: Final = 5
"""Keys that are read of each reason in quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One server."""

    side: Side
    url: str = ""
    """Masked."""
    schema: Schema | None = None
    failed: str = ""
    """Why it could not be read; empty where it was, or where nobody named it."""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the ledger knows of the newest run."""

    runs: tuple[Run, ...] = ()
    """Newest first."""
    events: tuple[Mapping[str, Any], ...] = ()
    tallies: tuple[Tally, ...] = ()
    pace: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reasons: tuple[Mapping[str, Any], ...] = ()
    keys: tuple[Mapping[str, Any], ...] = ()
    proofs: tuple[Proof, ...] = ()
    held: tuple[Held, ...] = ()
    preserved: Mapping[Name, tuple[int, Any]] = field(default_factory=dict)
    applied: tuple[Mapping[str, Any], ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)

    @property
    def run(self) -> Run | None:
        return self.runs[0] if self.runs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of it."""

    source: Looked
    target: Looked
    history: History | None = None
    """None where the target, or its ledger, could not be read."""
    file: MappingFile | None = None
    plans: PlanFile | None = None
    plan: Plan | None = None
    """Of the newest run that was not taken back, else the one that was decided on, else the one recommended."""
    checked: Checked | None = None
    unchecked: str = ""
    """Why rows were not looked at, where they should have been."""
    made_at: str = ""

    @property
    def run(self) -> Run | None:
        return self.history.run if self.history else None

    @property
    def live(self) -> bool:
        """Whether the target holds what a run has moved."""
        return self.run is not None and self.run.state is not RunState.ROLLED_BACK


async def look(
    source: str | None,
    target: str | None,
    *,
    file: MappingFile | None = None,
    draft: MappingFile | None = None,
    plans: PlanFile | None = None,
    count: bool = True,
) -> Found:
    """Read what can be read; with `count` the source's rows are held against the rules where nothing was moved yet.

    The document is `file`; else, once rows have moved, that of the run; else `draft`, else that of the plan.
    """
    to, history = await _target(target)
    seen = Found(source=await _side("source", source), target=to, history=history, plans=plans)
    plan = _plan(seen)
    file = file or (_carried_out(plan) if seen.live else None) or draft or _reviewed(plan)
    checked, unchecked = None, ""
    if count and file and source and target and seen.source.schema and history is not None and not seen.live:
        checked, unchecked = await _check(file, Servers(source=source, target=target))
    return Found(
        source=seen.source, target=to, history=history, file=file, plans=plans, plan=plan, checked=checked,
        unchecked=unchecked, made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


async def _side(side: Side, url: str | None) -> Looked:
    if not url:
        return Looked(side=side)
    try:
        async with session(side, url, read_only=True, purpose="report") as opened:
            return Looked(side=side, url=opened.url, schema=await read_schema(opened))
    except CrosswalkError as error:
        return Looked(side=side, failed=str(error), advice=error.advice)


async def _target(url: str | None) -> tuple[Looked, History | None]:
    looked = await _side("target", url)
    if not url or looked.schema is None:
        return looked, None
    try:
        async with session("target", url, read_only=True, purpose="report") as opened:
            return looked, await _history(Ledger(opened))
    except CrosswalkError as error:
        return Looked(
            side="target", url=looked.url, schema=looked.schema, failed=f"the ledger: {error}", advice=error.advice
        ), None


async def _history(ledger: Ledger) -> History:
    runs = await ledger.runs()
    if not runs:
        return History()
    run, opened = runs[0].id, ledger.session
    return History(
        runs=tuple(runs),
        events=tuple(await ledger.events(run)),
        tallies=tuple(await ledger.tallies(run)),
        pace={each["target"]: each for each in await pace(opened, run)},
        reasons=tuple(await ledger.reasons()),
        keys=tuple(await rejected_keys(opened, KEYS)),
        proofs=await read_proofs(opened, run),
        held=tuple(await ledger.held()),
        preserved=await ledger.preserved(run),
        applied=tuple(await applied(opened, run)),
        kept=await kept_counts(opened),
    )


def _plan(found: Found) -> Plan | None:
    """The plan that the report is about."""
    ran = None
    if found.run is not None:
        try:
            ran = Plan.model_validate(found.run.plan)
        except ValidationError:
            ran = None  # written by another version
    plans = found.plans
    if found.live and ran is not None:
        return ran
    if plans is None or not plans.plans:
        return ran
    if plans.decision is not None:
        return plans.chosen()
    advised = plans.plans.get(plans.recommendation.strategy) if plans.recommendation else None
    return advised or next(iter(plans.plans.values()))


def _carried_out(plan: Plan | None) -> MappingFile | None:
    """The document by which rows have moved, derived for the strategy where it had to be."""
    return None if plan is None else _read(plan, plan.document)


def _reviewed(plan: Plan | None) -> MappingFile | None:
    """The person's own document: what is derived from it fits the target only once that has its new form."""
    return None if plan is None else _read(plan, plan.reviewed or plan.document)


def _read(plan: Plan, text: str) -> MappingFile | None:
    try:
        return read_text(text, path=plan.mapping_path)
    except BadMapping:
        return None  # written by another version


async def _check(file: MappingFile, servers: Servers) -> tuple[Checked | None, str]:
    """The rows against the rules, without asking the target to try any of them: a report only reads."""
    try:
        async with survey(file, servers, purpose="report") as found:
            return await judged(found, servers, stands=False), ""
    except CrosswalkError as error:
        return None, str(error)
