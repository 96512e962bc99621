"""Checks of what tables lean on: extensions and functions that the other server may lack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from crosswalk.doctor.access import lines
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Both
from crosswalk.names import Name, quote
from crosswalk.numerals import plural

_EVERYWHERE: Final = frozenset({"plpgsql"})


def _names(both: Both) -> tuple[list[str], list[str]]:
    """Schemas and, beside them, names of the source's tables."""
    names = [table.name for table in both.source.tables]
    return [name.schema for name in names], [name.relation for name in names]


async def extensions(both: Both) -> AsyncIterator[Finding]:
    """Extensions of the source that the target lacks; a warning where moved columns have types of them."""
    there = {extension.name for extension in both.target.schema.extensions}
    missing = {e.name: e for e in both.source.schema.extensions if e.name not in there | _EVERYWHERE}
    if not missing:
        return
    available = {row["name"] for row in await both.target.ask("available_extensions", [*missing])}
    rows = await both.source.ask("used_extensions", *_names(both))
    used = {row["extension"]: row["columns"] for row in rows}
    for needed, severity, title in (
        (True, Severity.WARNING, "Extensions whose types the source's columns use are missing in the target"),
        (False, Severity.NOTE, "Extensions of the source, which its indexes and functions may need, are missing in the target"),
    ):
        names = [name for name in missing if (name in used) is needed]
        if names:
            yield both.target.found(
                "extensions.missing" if needed else "extensions.unused", severity, title,
                (
                    f"{name}: {'available' if name in available else 'not installed on that server'}"
                    + (f", {plural(used[name], 'column')}" if needed else "") for name in names
                ),
                fix=lines(f"CREATE EXTENSION {quote(name)};" for name in names),
            )


async def functions(both: Both) -> AsyncIterator[Finding]:
    """Functions that the source's defaults, checks, policies, triggers and indexes call and the target lacks."""
    rows = await both.source.ask("called_functions", *_names(both))
    called = {Name(row["schema"], row["name"]): row["uses"] for row in rows}
    if not called:
        return
    known = await both.target.ask(
        "known_functions", [name.schema for name in called], [name.relation for name in called]
    )
    missing = called.keys() - {Name(row["schema"], row["name"]) for row in known}
    if missing:
        yield both.target.found(
            "functions.missing", Severity.WARNING, "Functions that the source's tables call are missing in the target",
            (f"{name}: called by {called[name]}" for name in sorted(missing)),
        )
