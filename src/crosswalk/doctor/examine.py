"""Running all checks: reads both servers, writes nothing, and never takes a check that failed for a pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from crosswalk.connect import Session
from crosswalk.doctor.checks import CHECKS, FAILED, SideCheck
from crosswalk.doctor.finding import Finding, Severity, Where
from crosswalk.doctor.rest import unseen
from crosswalk.doctor.scene import Both, Moves, Scene
from crosswalk.errors import ConnectionLost, CrosswalkError
from crosswalk.names import Name
from crosswalk.schema import Schema, Table

_Sight = TypeVar("_Sight", Scene, Both)


async def examine(
    source: Session, target: Session, source_schema: Schema, target_schema: Schema, *,
    document: Moves | None = None,
) -> list[Finding]:
    """Everything found, worst first, else in the order of the checks.

    With a document only its tables are looked at, else all tables. The sessions must not be inside a
    transaction. Raises ConnectionLost; a check that fails otherwise is a finding itself.
    """
    pairs = [*document.tables] if document is not None else None
    both = Both(
        source=_scene(source, source_schema, None if pairs is None else [one for one, _ in pairs]),
        target=_scene(target, target_schema, None if pairs is None else [other for _, other in pairs]),
    )
    found = [finding async for finding in _all(both)]
    order = {severity: place for place, severity in enumerate(Severity)}
    return sorted(found, key=lambda finding: order[finding.severity])


def _scene(session: Session, schema: Schema, wanted: Iterable[Name] | None) -> Scene:
    tables: Iterable[Table] = schema.roots
    if wanted is not None:
        tables = (schema.tables[name] for name in dict.fromkeys(wanted) if name in schema.tables)
    return Scene(side=session.side, session=session, schema=schema, tables=tuple(tables))


async def _all(both: Both) -> AsyncIterator[Finding]:
    staged = bool(both.source.session.stands_for)
    for check in CHECKS:
        if isinstance(check, SideCheck):
            for scene in (both.source, both.target):
                # A staging server is no server of the user's: nothing that is true of it is worth saying.
                if scene.side in check.sides and not (staged and scene.side == "source" and check.run is not unseen):
                    async for finding in _safely(check.run, scene, side=scene.side):
                        yield finding
        elif not staged:
            async for finding in _safely(check.run, both, side="both"):
                yield finding


async def _safely(
    check: Callable[[_Sight], AsyncIterator[Finding]], sight: _Sight, *, side: Where
) -> AsyncIterator[Finding]:
    try:
        async for finding in check(sight):
            yield finding
    except ConnectionLost:
        raise
    except CrosswalkError as error:
        yield Finding(
            id=FAILED, severity=Severity.WARNING, side=side,
            title=f"The check `{getattr(check, '__name__', check)}` could not be made",
            evidence=(str(error),), fix=error.advice,
        )
