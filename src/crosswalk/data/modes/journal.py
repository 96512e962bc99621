"""The journal of dual-write: which keys were about to be written, and whether both sides have been.

One JSON object a line, appended. `intent` is on disk (fsync) before the primary is written; `done` and `refused` follow
when there is nothing left to do. An intent without an end is a write that the second side may lack: after a crash, an
unreachable server, a refusal there. It holds the keys only, since what is to be written then is read from the primary.

**The file holds data** (the values of keys, phone numbers perhaps): it is made with mode 0600, and belongs where dumps do.
One process holds a journal at a time (flock). What a crash tore off at its end was no finished intent, so nothing had
been written yet, and it is cut off; any other line that cannot be read stops the start (JournalBroken). When nothing is
pending, the file is emptied.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from crosswalk.data.failures import DataError, Misconfigured, NotSupported
from crosswalk.data.modes.flags import Side

VERSION: Final = 1
LARGE: Final = 16 * 1024 * 1024
"""Bytes from which a journal without pending entries is emptied."""
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "bool": lambda text: text == "True", "int": int, "float": float, "str": str, "Decimal": Decimal, "UUID": UUID,
    "date": date.fromisoformat, "datetime": datetime.fromisoformat, "time": time.fromisoformat,
    "bytes": base64.b64decode,
}  # fmt: skip
Key = tuple[Any, ...]


class JournalBroken(DataError):
    """The journal cannot be read or written; without it nothing is written to either side."""

    sqlstate = "58030"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One intended write."""

    number: int
    id: str
    """The same in the log; no other journal has it."""
    table: str
    method: str
    primary: Side
    """The side that was written first: the one that is right."""
    columns: tuple[str, ...]
    """Of the key."""
    keys: tuple[Key, ...]


class Journal:
    """One file, held by this process."""

    def __init__(
        self, file: int, path: Path, entries: Mapping[int, Entry], last: int, synced: Callable[[int], None]
    ) -> None:
        """Use `open`."""
        self._file, self._path, self._pending, self._sync = file, path, dict(entries), synced
        self._numbers = itertools.count(last + 1)
        self._written = self._on_disk = 0
        self._turn = asyncio.Lock()
        self._dead = False

    @classmethod
    def open(cls, path: Path, *, sync: Callable[[int], None] = os.fsync) -> Journal:
        """Raises Misconfigured where another process holds it, JournalBroken where it cannot be read."""
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalBroken(f"the journal {path} cannot be opened: {error.strerror}") from None
        try:
            _hold(file, path)
            os.fchmod(file, 0o600)
            entries, last = _load(file, path)
            if not entries:
                os.ftruncate(file, 0)
            _sync_directory(path, sync)
        except BaseException:
            os.close(file)
            raise
        return cls(file, path.absolute(), entries, last, sync)

    @property
    def pending(self) -> tuple[Entry, ...]:
        """In the order in which they were written down."""
        return tuple(self._pending[number] for number in sorted(self._pending))

    async def intend(self, table: str, method: str, primary: Side, columns: Sequence[str], keys: Sequence[Key]) -> Entry:
        """On disk when it returns. Raises JournalBroken, or NotSupported for a key of a kind that it cannot hold."""
        self._still_there()
        entry = Entry(
            number=next(self._numbers), id=uuid4().hex, table=table, method=method, primary=primary,
            columns=tuple(columns), keys=tuple(keys),
        )  # fmt: skip
        said = {"table": table, "method": method, "primary": primary, "columns": list(columns)}
        told = [[_told(value) for value in key] for key in keys]
        self._append({"event": "intent", "number": entry.number, "id": entry.id, **said, "keys": told})
        # From here on it counts: the file must not be emptied while the disk is waited for.
        self._pending[entry.number] = entry
        self._written += 1
        try:
            await self._reach_disk(self._written)
        except BaseException:
            self._pending.pop(entry.number, None)
            raise
        return entry

    def done(self, entry: Entry) -> None:
        """Both sides have it. Not forced to disk: an end that is lost costs one harmless repetition."""
        self._end(entry, "done")

    def refused(self, entry: Entry) -> None:
        """The primary has refused it: nothing was written."""
        self._end(entry, "refused")

    def close(self) -> None:
        if self._file >= 0:
            if not self._pending and not self._dead:
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def _end(self, entry: Entry, event: str) -> None:
        if self._pending.pop(entry.number, None) is None:
            return
        try:
            self._append({"event": event, "number": entry.number})
            if not self._pending and os.fstat(self._file).st_size > LARGE:
                os.ftruncate(self._file, 0)
        except (OSError, JournalBroken):
            # The intent stays without an end: after the next start it is played once more, which changes nothing.
            return

    def _append(self, said: Mapping[str, Any]) -> None:
        if self._file < 0 or self._dead:
            raise JournalBroken("the journal is closed, or the disk has failed it; nothing was written")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = (json.dumps({"v": VERSION, "at": at, **said}, separators=(",", ":")) + "\n").encode()
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            why = "" if written == len(line) else "no space is left"
        except OSError as error:
            why = error.strerror or "error"
        if why:
            self._take_back(size)
            raise JournalBroken(f"the journal cannot be written ({why}); nothing was written to either side")

    def _take_back(self, size: int) -> None:
        """Cut off what was written of a line; where that fails too, no other line may follow it."""
        try:
            os.ftruncate(self._file, size)
        except OSError:
            self._dead = True

    def _still_there(self) -> None:
        """Nobody would find a write again that is noted in a file which was moved away."""
        if self._file < 0 or self._dead:
            return
        try:
            there = os.path.samestat(self._path.stat(), os.fstat(self._file))
        except OSError:
            there = False
        if not there:
            raise JournalBroken(
                f"the journal {self._path} is not where it was; nothing was written to either side",
                hint="Put the file back, or start anew and compare the tables: what was pending stands in the old file.",
            )

    async def _reach_disk(self, number: int) -> None:
        """Intents that come while the disk is busy go together with the next fsync."""
        async with self._turn:
            if self._on_disk >= number:
                return
            if self._dead:
                raise JournalBroken("the disk has failed the journal; nothing was written to either side")
            reached = self._written
            try:
                await asyncio.to_thread(self._sync, self._file)
            except OSError as error:
                # After a failed fsync nobody knows what the disk holds: nothing may be built on this file.
                self._dead = True
                raise JournalBroken(f"the journal did not reach the disk ({error.strerror})") from None
            self._on_disk = reached


# --- the file -----------------------------------------------------------------------------------


def _hold(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Misconfigured(
            f"the journal {path} is held by another process", hint="Give each process a journal of its own."
        ) from None


def _sync_directory(path: Path, sync: Callable[[int], None]) -> None:
    """So that the file itself is not forgotten."""
    place = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(place)
    finally:
        os.close(place)


def _load(file: int, path: Path) -> tuple[dict[int, Entry], int]:
    """Pending entries and the last number; what was torn off at the end is cut off."""
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        content = reader.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.ftruncate(file, whole)
    pending: dict[int, Entry] = {}
    last = 0
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            last = max(last, _take(json.loads(line), pending))
        except (ValueError, KeyError, TypeError):
            raise JournalBroken(
                f"line {number} of the journal {path} cannot be read", hint="Compare the tables, then move the file away."
            ) from None
    return pending, last


def _take(said: Mapping[str, Any], pending: dict[int, Entry]) -> int:
    if said["v"] != VERSION or said["event"] not in ("intent", "done", "refused"):
        raise ValueError
    number = int(said["number"])
    if said["event"] != "intent":
        pending.pop(number, None)
        return number
    pending[number] = Entry(
        number=number, id=str(said["id"]), table=said["table"], method=said["method"], primary=_side(said["primary"]),
        columns=tuple(said["columns"]), keys=tuple(tuple(_READ[kind](text) for kind, text in key) for key in said["keys"]),
    )  # fmt: skip
    return number


def _side(text: str) -> Side:
    if text == "legacy":
        return "legacy"
    if text == "new":
        return "new"
    raise ValueError


def _told(value: Any) -> list[str]:
    """A value with its kind, so that it comes back as it was."""
    kind = type(value).__name__
    if kind not in _READ:
        raise NotSupported(f"dual-write cannot note a key that is a {kind}; nothing was written")
    if isinstance(value, bytes):
        return [kind, base64.b64encode(value).decode()]
    return [kind, value.isoformat() if isinstance(value, date | time) else str(value)]
