"""The proof of a dump: restored on a server of our own, read again, and equal.

Rows and hash of every table, columns, keys, checks, indexes, triggers, policies, sequences. Owners
and grants stand in the dump and are not proven: they name roles of another server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from crosswalk import embedded
from crosswalk.backup import ground as grounds
from crosswalk.backup.dump import Dumped, positions
from crosswalk.backup.image import image_of
from crosswalk.backup.login import plain_environment
from crosswalk.backup.programs import Ended, Programs, run
from crosswalk.catalog import read_schema
from crosswalk.connect import Session, session
from crosswalk.diff import TableDiff, Verdict, compare
from crosswalk.embedded import Server
from crosswalk.embedded.errors import EmbeddedError
from crosswalk.errors import BackupUnproven, BackupWrong, CrosswalkError
from crosswalk.schema import Schema

_NOWHERE: Final = "/dev/null"
_LIKE: Final = ("--no-owner", "--no-privileges", "--no-security-labels", "--no-tablespaces", "--no-table-access-method")
_SECTIONS: Final = ("pre-data", "data", "post-data")


async def prove(dumped: Dumped, programs: Programs) -> None:
    """Raises BackupWrong where the dump does not give back what was read, BackupUnproven where it cannot be tried."""
    await _require_whole(dumped, programs)
    try:
        async with _server(programs) as server:
            await _prove(dumped, programs, server)
    except (BackupWrong, BackupUnproven):
        raise
    except CrosswalkError as error:
        raise BackupUnproven(reason=str(error).rstrip(".")) from error


async def _require_whole(dumped: Dumped, programs: Programs) -> None:
    """Raises BackupWrong for a file that cannot be read to its end."""
    done = await run(programs.directory / "pg_restore", [f"--file={_NOWHERE}", dumped.file], plain_environment())
    if done.code:
        raise BackupWrong(reason=f"pg_restore cannot read it: {done.said}")


@asynccontextmanager
async def _server(programs: Programs) -> AsyncIterator[Server]:
    """A server for the time of the block; its start and end block, so a thread does them."""
    beside = programs.directory / "postgres"
    if not programs.embedded and not beside.exists():
        raise BackupUnproven(reason=f"there is a pg_dump {programs.major} in {programs.directory}, and no server beside it")
    bindir = None if programs.embedded else programs.directory
    context = embedded.ephemeral(version=programs.major, bindir=bindir)
    start = asyncio.ensure_future(asyncio.to_thread(context.__enter__))
    try:
        yield await asyncio.shield(start)
    except EmbeddedError as error:
        raise BackupUnproven(reason=str(error).rstrip(".")) from error
    finally:
        await asyncio.wait([start])
        if start.exception() is None:
            await asyncio.shield(asyncio.to_thread(context.__exit__, None, None, None))


async def _prove(dumped: Dumped, programs: Programs, server: Server) -> None:
    async with session("target", server.url("postgres"), purpose="proof") as first:
        ground = await grounds.make_database(first)
    async with session("target", server.url(grounds.DATABASE), purpose="proof") as opened:
        await grounds.prepare(opened, dumped, ground)
        variables = grounds.variables(ground, {**plain_environment(), **server.environment()})
        restore = _Restore(programs=programs, variables=variables, missing=ground.missing)
        if dumped.ground is not None:
            # Whatever the tables do not need may fail: if they need it, their own restore says so.
            await restore.run([*_LIKE, str(dumped.ground)])
        await grounds.lay_stubs(opened, dumped)
        for section in _SECTIONS:
            if section == "post-data":
                await grounds.fill_stubs(opened, dumped)
            await restore.strictly([*_LIKE, f"--section={section}", str(dumped.file)])
        await _require_equal(opened, dumped)


class _Restore:
    """pg_restore into the proof's database."""

    def __init__(self, *, programs: Programs, variables: dict[str, str], missing: tuple[str, ...]) -> None:
        self._program = programs.directory / "pg_restore"
        self._variables = variables
        self._missing = missing

    async def run(self, arguments: list[str]) -> Ended:
        return await run(self._program, [f"--dbname={grounds.DATABASE}", *arguments], self._variables)

    async def strictly(self, arguments: list[str]) -> None:
        """Raises BackupUnproven at the first error."""
        done = await self.run(["--exit-on-error", *arguments])
        if done.code:
            lacking = f" (extensions that only the target has: {', '.join(self._missing)})" if self._missing else ""
            raise BackupUnproven(reason=done.said + lacking)


async def _require_equal(opened: Session, dumped: Dumped) -> None:
    """Raises BackupWrong, naming the first table that differs."""
    async with opened.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
        await opened.execute("SET LOCAL search_path = pg_catalog", what="SET search_path")
        for before in dumped.images:
            now = await image_of(opened, dumped.part.tables[before.table])
            if now.rows != before.rows:
                raise BackupWrong(reason=f"{before.table} comes back with {now.rows} rows and had {before.rows}")
            if now != before:
                raise BackupWrong(reason=f"{before.table} comes back with other values")
        restored = await positions(opened, dumped.part.sequences.values())
    for each in dumped.part.sequences.values():
        low, high = sorted((dumped.before[each.name], dumped.after[each.name]))
        if not each.cycle and not low <= restored[each.name] <= high:
            raise BackupWrong(reason=f"the sequence {each.name} comes back at {restored[each.name]} and stood at {low}")
    again = await read_schema(opened, schemas={name.schema for name in dumped.part.tables})
    for difference in differences(dumped.part, again):
        raise BackupWrong(reason=difference)


def differences(before: Schema, restored: Schema) -> Iterator[str]:
    """What differs in form, a line each."""
    after = replace(
        before,
        server_version=restored.server_version,
        tables={n: t for n, t in restored.tables.items() if n in before.tables},
        sequences={n: s for n, s in restored.sequences.items() if n in before.sequences},
    )
    found = compare(before, after)
    for table in found.tables:
        if table.verdict is not Verdict.SAME:
            yield f"{table.source or table.target} comes back in another form ({_what(table)})"
    for each in found.objects:
        yield f"{each.kind} {each.source or each.target} comes back in another form"


def _what(table: TableDiff) -> str:
    columns = [f"column {c.name}: {c.verdict.value}" for c in table.columns if c.verdict.value != "same"]
    others = [f"{o.kind} {o.source or o.target}: {o.verdict.value}" for o in table.objects]
    return ", ".join([*columns, *others, *(a.name for a in table.properties)]) or table.verdict.value
