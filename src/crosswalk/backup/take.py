"""A backup from its beginning to its end: dump, proof, and the name under which it may be found.

Everything is written into a hidden directory that is renamed as the last step: what stands under a
backup's name is whole. Directories are 0700, files 0600.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from crosswalk.backup.dump import DUMP, Dumped, dump
from crosswalk.backup.image import TableImage
from crosswalk.backup.programs import Programs, find_programs
from crosswalk.backup.proof import prove
from crosswalk.connect import Session
from crosswalk.errors import BackupImpossible, BackupUnproven
from crosswalk.names import Name
from crosswalk.plan import Hazard

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Preserved tables, dumped."""

    directory: Path
    files: tuple[Path, ...]
    """The dump first, then what it stands on (where that could be dumped), then the manifest."""
    tables: tuple[TableImage, ...]
    pg_dump: str
    """Its release, e.g. `pg_dump (PostgreSQL) 18.4`."""
    sha256: str
    """Of the dump."""
    proven: bool
    """False only where somebody allowed an unproven backup."""
    unproven: str = ""
    """Why it could not be proven."""
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """What a ledger or a report keeps: counts, paths and hashes, no value of a row."""
        return {
            "directory": str(self.directory), "files": [path.name for path in self.files], "pg_dump": self.pg_dump,
            "sha256": self.sha256, "proven": self.proven, "unproven": self.unproven, "seconds": round(self.seconds, 1),
            "tables": [{"table": str(t.table), "rows": t.rows, "hash": str(t.hash)} for t in self.tables],
        }  # fmt: skip


async def back_up(
    session: Session, tables: Collection[Name], *, directory: Path, allow: Collection[str] = ()
) -> Backup:
    """Dump tables of the session's database into a new directory below `directory`, and prove the dump.

    The session must not be inside a transaction and is in one meanwhile. `allow` may hold the hazard
    `unproven-backup`: then a dump that is whole but cannot be restored here is kept, and says so.
    Raises BackupImpossible (NoDumpProgram), BackupUnproven, BackupWrong, RowsHidden, MissingPrivilege,
    Timeout; whatever is raised, nothing is left behind.
    """
    if not tables:
        raise BackupImpossible(reason="no table was named")
    begun = time.monotonic()
    programs = await asyncio.to_thread(find_programs, session.version // 10000)
    with _made(_new_place(directory)) as (place, part):
        dumped = await dump(session, tables, programs, part)
        unproven = await _prove(dumped, programs, allow)
        found = Backup(
            directory=place,
            files=tuple(place / p.name for p in (dumped.file, dumped.ground, Path(MANIFEST)) if p),
            tables=dumped.images,
            pg_dump=programs.release,
            sha256=await asyncio.to_thread(_digest, dumped.file),
            proven=not unproven,
            unproven=unproven,
            seconds=time.monotonic() - begun,
        )
        _write(part / MANIFEST, _manifest(found, session, programs))
    return found


async def _prove(dumped: Dumped, programs: Programs, allow: Collection[str]) -> str:
    """Why the dump is not proven, where that is allowed; empty where it is."""
    try:
        await prove(dumped, programs)
    except BackupUnproven as error:
        if Hazard.UNPROVEN_BACKUP.value not in allow:
            raise
        return str(error.fields["reason"])
    return ""


def _new_place(directory: Path) -> Path:
    return directory.expanduser().absolute() / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


@contextmanager
def _made(place: Path) -> Iterator[tuple[Path, Path]]:
    """Its name, and a hidden directory that gets it at the end of the block, or goes; raises BackupImpossible."""
    part = place.with_name(f".{place.name}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.mkdir(mode=0o700)
    except OSError as error:
        raise BackupImpossible(reason=f"{place.parent} cannot be written: {error.strerror or error}") from error
    try:
        yield place, part
        for path in part.iterdir():
            path.chmod(0o600)
        part.rename(place)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise BackupImpossible(reason=f"{place.parent} cannot be written: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, manifest: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _manifest(found: Backup, session: Session, programs: Programs) -> dict[str, Any]:
    """What a person needs who finds the directory."""
    return {
        "format": _FORMAT,
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "database": session.database,
        "server": session.url,
        "server_version": session.version,
        **found.as_json(),
        "restore": f"pg_restore --exit-on-error --dbname=DATABASE {DUMP}",
        "restore_needs": f"pg_restore {programs.major} or newer; the tables must not be there",
    }
