"""Takes a dump of a few tables, and with it all that a proof will be held against.

Everything is read under one exported snapshot, with the tables held against DDL: catalog, images,
pg_dump. Sequences know no snapshot; where they stood before and after is remembered instead. Beside the dump
itself comes a second one with what it stands on and does not bring: types, functions, schemas.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from crosswalk.backup.image import TableImage, image_of
from crosswalk.backup.login import environment, login_of
from crosswalk.backup.programs import Ended, Programs, run
from crosswalk.catalog import read_under_locks
from crosswalk.connect import Session
from crosswalk.errors import BackupImpossible
from crosswalk.ledger import SCHEMA as LEDGER
from crosswalk.names import Name, quote
from crosswalk.schema import RelationKind, Schema, Sequence, Table

DUMP: Final = "tables.dump"
GROUND: Final = "ground.dump"
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_NEEDS: Final = files("crosswalk.backup").joinpath("needs.sql")
_STAND_INS: Final = files("crosswalk.backup").joinpath("stand_ins.sql")
_KINDS: Final = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})
_COMMON: Final = ("--format=custom", "--encoding=UTF8", "--no-password", "--lock-wait-timeout=10000")

Positions = Mapping[Name, int]
"""The last number that each sequence gave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A function of an extension that a default calls. No restore runs it, so that another may stand in for it."""

    extension: str
    name: Name
    arguments: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumped:
    """A dump that nobody has proven yet."""

    file: Path
    ground: Path | None
    """None where it could not be dumped."""
    whole: Schema
    part: Schema
    """Only what the dump holds."""
    images: tuple[TableImage, ...]
    needs: Mapping[Name, frozenset[str]]
    """Columns of other relations that policies and rules speak of."""
    called: tuple[Called, ...]
    before: Positions
    after: Positions


async def dump(session: Session, tables: Iterable[Name], programs: Programs, directory: Path) -> Dumped:
    """Dump into a directory; raises BackupImpossible, and what the session raises."""
    names = sorted(set(tables))
    lock = f"LOCK TABLE {', '.join(name.sql for name in names)} IN ACCESS SHARE MODE"
    async with session.transaction(_BEGIN):
        await session.execute(lock, what="the locks of the preserved tables")
        snapshot = str(await session.fetchval("SELECT pg_catalog.pg_export_snapshot()", what="a shared snapshot"))
        whole = await read_under_locks(session)
        part = _part(whole, names)
        await session.execute("SET LOCAL search_path = pg_catalog", what="SET search_path")
        named = [name.sql for name in part.tables]
        rows = await session.fetch(_NEEDS.read_text(), named, what="what policies speak of")
        calls = await session.fetch(_STAND_INS.read_text(), named, what="what defaults call")
        images = tuple([await image_of(session, part.tables[name]) for name in names])
        before = await positions(session, part.sequences.values())
        ground = await _run(session, programs, snapshot, part, directory)
        after = await positions(session, part.sequences.values())
    return Dumped(
        file=directory / DUMP,
        ground=ground,
        whole=whole,
        part=part,
        images=images,
        needs=_by_relation((Name(r["schema"], r["relation"]), r["column"]) for r in rows),
        called=tuple(
            Called(
                extension=r["extension"], name=Name(r["schema"], r["name"]), arguments=r["arguments"], result=r["result"]
            )
            for r in calls
        ),
        before=before,
        after=after,
    )


async def _run(session: Session, programs: Programs, snapshot: str, part: Schema, directory: Path) -> Path | None:
    """Both dumps; returns the path of the second one where it came about."""
    login = await login_of(session)
    program = programs.directory / "pg_dump"
    shared = [*_COMMON, f"--snapshot={snapshot}"]
    chosen = [f"--table={name.sql}" for name in (*part.tables, *part.sequences)]
    with tempfile.TemporaryDirectory(prefix="crosswalk-") as work:
        async with environment(login, Path(work)) as variables:
            done = await run(program, [*shared, "--strict-names", *chosen, f"--file={directory / DUMP}"], variables)
            if done.code:
                raise BackupImpossible(reason=_told(done))
            ground = directory / GROUND
            without = ["--schema-only", "--exclude-table=*.*", f"--exclude-schema={quote(LEDGER)}"]
            done = await run(program, [*shared, *without, f"--file={ground}"], variables)
    if done.code:
        ground.unlink(missing_ok=True)
        return None
    return ground


def _told(done: Ended) -> str:
    return f"pg_dump ended with {done.code}: {done.said}"


def _part(whole: Schema, names: Iterable[Name]) -> Schema:
    """The schema of the tables, of what hangs below them, and of the sequences that feed them."""
    chosen: dict[Name, Table] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        table = whole.tables.get(name)
        if table is None or table.kind not in _KINDS:
            raise BackupImpossible(reason=f"{name} is {table.kind if table else 'not there'}, and no table")
        chosen[name] = table
        below = (t.name for t in whole.tables.values() if t.partition_of == name or name in t.inherits)
        waiting += [each for each in below if each not in chosen]
    return replace(
        whole,
        tables=dict(sorted(chosen.items())),
        sequences={n: s for n, s in whole.sequences.items() if _feeds(s, chosen)},
        enums={}, domains={}, composites={}, ranges={}, views={}, functions=(), extensions=(),
    )  # fmt: skip


def _feeds(sequence: Sequence, tables: Mapping[Name, Table]) -> bool:
    return sequence.owner_table in tables or any(table in tables for table, _ in sequence.used_by)


async def positions(session: Session, sequences: Iterable[Sequence]) -> dict[Name, int]:
    """Where sequences stand; raises MissingPrivilege."""
    found = {}
    for each in sequences:
        row = await session.fetchrow(f"SELECT last_value, is_called FROM {each.name.sql}", what=f"the sequence {each.name}")
        assert row is not None
        found[each.name] = int(row[0]) - (0 if row[1] else each.increment)
    return found


def _by_relation(found: Iterable[tuple[Name, str | None]]) -> dict[Name, frozenset[str]]:
    columns: dict[Name, set[str]] = {}
    for name, column in found:
        columns.setdefault(name, set()).update([column] if column else [])
    return {name: frozenset(each) for name, each in columns.items()}
