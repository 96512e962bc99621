"""Gathers what the board is made of: two files, the ledger, and both catalogs where they matter.

The catalogs are read only while no run stands in the target: afterwards the run's own plan counts.
Raises nothing for what is merely not there; a target that was named and does not answer is an error.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crosswalk.board.facts import Facts, History, Trouble
from crosswalk.connect import Session, session
from crosswalk.errors import CrosswalkError
from crosswalk.ledger import LOCK, Ledger
from crosswalk.ledger.running import running
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.plan import Plan
from crosswalk.planfile import PlanFile, read_plans
from crosswalk.reckoning import WINDOW
from crosswalk.survey import Servers, Survey, survey

_BUSY: Final = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND ((l.classid::bigint << 32) | l.objid::bigint) = $1)"
)


async def look(source: str | None, target: str | None, *, document: Path, plan: Path) -> Facts:
    """Everything that can be found; raises what keeps a named target from being read."""
    file, file_trouble = _document(document)
    plans, plans_trouble = _plans(plan)
    found = Facts(
        document_path=str(document), plan_path=str(plan), file=file, file_at=_written(document),
        file_trouble=file_trouble, plans=plans, plans_trouble=plans_trouble,
        history=await _history(target) if target else None,
    )  # fmt: skip
    if found.run is not None or (file is None and found.plan is None):
        return found
    if not source or not target:
        missing = "source" if not source else "target"
        return replace(found, unread=Trouble(code="NoServerNamed", message=f"no {missing} was named"))
    return await _compared(found, Servers(source=source, target=target))


def _written(path: Path) -> str:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError:
        return ""


def _document(path: Path) -> tuple[MappingFile | None, Trouble | None]:
    if not path.exists():
        return None, None
    try:
        return read_mapping(path), None
    except CrosswalkError as error:
        return None, Trouble.of(error)


def _plans(path: Path) -> tuple[PlanFile | None, Trouble | None]:
    if not path.exists():
        return None, None
    try:
        return read_plans(path), None
    except CrosswalkError as error:
        return None, Trouble.of(error)


async def _history(url: str) -> History:
    async with session("target", url, read_only=True, purpose="status") as opened:
        ledger = Ledger(opened)
        runs = await ledger.runs()
        if not runs:
            return History()
        newest = runs[0].id
        busy = await _busy(opened)
        under_way = busy and not runs[0].state.over
        return History(
            runs=tuple(runs), events=tuple(await ledger.events(newest)), progress=tuple(await ledger.progress(newest)),
            tallies=tuple(await ledger.tallies(newest)), held=tuple(await ledger.held()),
            reasons=tuple(await ledger.reasons()), busy=busy,
            running=await running(opened, newest, WINDOW) if under_way else None,
        )  # fmt: skip


async def _busy(opened: Session) -> bool:
    return bool(await opened.fetchval(_BUSY, LOCK, what="the run's lock"))


async def _compared(found: Facts, servers: Servers) -> Facts:
    """The document and the plan held against both databases."""
    plan = found.plan
    file = found.file or (plan.mapping() if plan else None)
    assert file is not None
    try:
        async with survey(file, servers, purpose="status") as seen:
            drift = None
            if plan is not None:
                drift = await _drift(replace(seen, file=plan.mapping()), plan)
            problems = seen.problems if found.file else None
            return replace(found, problems=problems, drift=drift, compared=True)
    except CrosswalkError as error:
        return replace(found, unread=Trouble.of(error))


async def _drift(seen: Survey, plan: Plan) -> Trouble | None:
    try:
        await seen.require_same_servers(plan)
        seen.require_unchanged(plan)
    except CrosswalkError as error:
        return Trouble.of(error)
    return None
