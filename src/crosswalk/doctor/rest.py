"""A source that is read through a REST API: what nobody can see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Scene

_UNSEEN: Final = (
    "unique and check constraints, indexes, generated columns, the precision of a numeric: not told by an API",
    "tables and columns that are not exposed, or not granted to the key's role",
    "the server's version, settings, extensions, roles and policies; where its sequences stand",
    "rows are read without a snapshot: counts before and after guard each table, not the tables between one another",
)


async def unseen(scene: Scene) -> AsyncIterator[Finding]:
    """The other checks of the source would look at the staging server, and are not made."""
    if scene.session.stands_for:
        yield scene.found(
            "rest", Severity.NOTE, "The source is a REST API; of the server behind it we do not see:",
            (f"through {scene.session.stands_for}", *_UNSEEN),
            fix="For all checks: give --source as postgresql://…, where you have a password for it.",
        )
