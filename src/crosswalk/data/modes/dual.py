"""Writes both databases, the primary first: in order for each key, repeatable, and nothing that one side lacks is forgotten.

    1  which keys the write concerns (of a delete: read from the primary), and a turn among the writers of these keys
    2  the intent, on disk
    3  the primary is written; what it says is the answer
    4  the keys are carried to the second side (`carry`), and the intent is done

What happens where it breaks: before 2 nothing was written. From 2 to 4 the intent stays, and `replay` carries its keys
later: if the primary was written, the second side gets that; if it was not, nothing changes. The second side's failure
never fails the call: it is counted, logged, and waits in the journal. Both sides are equal again after a replay that
leaves nothing.

Between processes: rows of one key that two of them write meet in the same state, yet a `delete` by conditions may also
delete a row that another process has inserted since its keys were read; the comparison of reads finds such a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from crosswalk.data.failures import (
    CheckViolated,
    ColumnMissing,
    DataError,
    DuplicateKey,
    ForeignKeyViolated,
    Misconfigured,
    NoMatchingKey,
    NotSupported,
    NullViolated,
    TableMissing,
    Unavailable,
)
from crosswalk.data.modes.beside import Beside, Question
from crosswalk.data.modes.carry import Pair, carry, forms
from crosswalk.data.modes.compare import Outcome, Rules
from crosswalk.data.modes.face import Write
from crosswalk.data.modes.flags import Flags, Route
from crosswalk.data.modes.journal import Entry, Journal, Key
from crosswalk.data.modes.lanes import Lanes
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.failpoints import hit

_ORDER: Final = (ForeignKeyViolated, DuplicateKey)
"""What a later entry may put right: a parent that is still to come, a value that is still taken."""
_REFUSED: Final = (
    DuplicateKey, ForeignKeyViolated, NullViolated, CheckViolated, NotSupported, ColumnMissing, TableMissing, NoMatchingKey,
)  # fmt: skip
"""After these one statement has written nothing. (A bad value may be what was answered, when all was written.)"""
_UNKNOWN: Final = "40003"
"""The server's own word for not knowing."""


class Owners(Protocol):
    """Who else writes the second side of a table. Asked before dual-write begins there."""

    async def owner(self, table: str) -> str | None:
        """In words, e.g. `the live sync of run 3`; None: nobody."""
        ...


class Declared:
    """Answers from the flags: `sync_owns`."""

    def __init__(self, flags: Callable[[], Flags]) -> None:
        self._flags = flags

    async def owner(self, table: str) -> str | None:
        return "a live sync (sync_owns)" if table in self._flags().sync_owns else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay."""

    done: int
    left: int
    stopped_at: Entry | None = None
    """The first that failed again."""
    error: DataError | None = None


class Dual:
    """Writes of one application."""

    def __init__(self, journal: Journal, beside: Beside) -> None:
        self.journal, self._beside, self._calls = journal, beside, beside.calls
        self._lanes = Lanes()
        self._tell()

    async def write(self, pair: Pair, route: Route, write: Write, flags: Flags) -> Any:
        """What the primary answers. Raises what the primary raises, NotSupported, JournalBroken."""
        first = pair.sides[route.primary]
        columns = tuple(write.conflict or pair.key)
        whole = write.where is not None
        keys = pair.keys_of(write.rows, columns)
        async with self._lanes.hold(pair.table, None if whole else frozenset(map(forms, keys))):
            if whole:
                keys = await keys_of(first, columns, write)
            entry = await self.intend(pair, route, write, columns, keys)
            value = await self._first(pair, route, entry, write, flags)
            await self._second(pair, route, entry, flags, _rows(value))
            return value

    async def intend(self, pair: Pair, route: Route, write: Write, columns: Sequence[str], keys: Sequence[Key]) -> Entry:
        """Note what is about to be written."""
        entry = await self.journal.intend(pair.table, write.method, route.primary, columns, keys)
        self._tell()
        hit("dual.intended")
        return entry

    async def _first(self, pair: Pair, route: Route, entry: Entry, write: Write, flags: Flags) -> Any:
        first = pair.sides[route.primary]
        try:
            value = await self._calls.run(
                pair.table, write.method, route.primary, lambda: write.ask(first), logged=flags.log_calls
            )
        except BaseException as error:
            if isinstance(error, _REFUSED) and write.method != "bulk_upsert":
                self.refused([entry])
            elif _is_over(error):
                # A part may have been written: over REST a bulk is several requests.
                await self._second(pair, route, entry, flags, ())
            else:
                # Nobody knows whether it arrived, or will yet: the intent stays.
                self._missed(entry, error)
            raise
        hit("dual.first_written")
        return value

    async def second(self, pair: Pair, route: Route, entry: Entry, flags: Flags) -> None:
        """Carry an entry's keys in their turn; what fails stays in the journal."""
        async with self._lanes.hold(pair.table, frozenset(map(forms, entry.keys))):
            await self._second(pair, route, entry, flags, ())

    async def _second(self, pair: Pair, route: Route, entry: Entry, flags: Flags, known: Sequence[Row]) -> None:
        def call() -> Any:
            return carry(pair, entry.primary, entry.columns, entry.keys, known)

        mine: Sequence[Row] = known
        try:
            async with asyncio.timeout(flags.shadow.timeout):
                mine, theirs = await self._calls.run(pair.table, entry.method, route.secondary, call, logged=flags.log_calls)
        except Exception as error:  # noqa: BLE001 - the first side has it: the call has succeeded
            self._missed(entry, error)
            self._judge(pair, route, entry, mine, Outcome(error=error))
        except BaseException as error:
            self._missed(entry, error)
            raise
        else:
            hit("dual.second_written")
            self.journal.done(entry)
            self._tell()
            self._judge(pair, route, entry, mine, Outcome(value=theirs))

    def _judge(self, pair: Pair, route: Route, entry: Entry, mine: Sequence[Row], theirs: Outcome) -> None:
        """COMPARE_DUAL_RESULTS: what the second side has stored against what the first side holds."""
        if route.compare:
            rules = Rules(key=entry.columns, absent=pair.left_out)
            question = Question(repository=pair.table, method=entry.method, route=route, rules=rules)
            self._beside.judge(question, Outcome(value=list(mine)), theirs)

    def missed(self, entries: Iterable[Entry], error: BaseException) -> None:
        """Writes of which nobody knows whether they arrived."""
        for entry in entries:
            self._missed(entry, error)

    def refused(self, entries: Iterable[Entry]) -> None:
        """Writes that were taken back."""
        for entry in entries:
            self.journal.refused(entry)
        self._tell()

    def _missed(self, entry: Entry, error: BaseException) -> None:
        self._calls.metrics.missed.labels(entry.table, entry.method).inc(len(entry.keys))
        if self._calls.log is not None:
            self._calls.log.missed(entry.table, entry.method, entry=entry.id, rows=len(entry.keys), error=type(error).__name__)

    def _tell(self) -> None:
        self._calls.metrics.pending.set(len(self.journal.pending))

    # --- replay ---------------------------------------------------------------------------------

    async def replay(self, pairs: Mapping[str, Pair]) -> Replayed:
        """Carry what is pending, in order; stops at the first entry that fails again.

        One that fails for want of another (a parent, a value that is still taken) is tried again after the others.
        """
        waiting, done = list(self.journal.pending), 0
        while waiting:
            later: list[tuple[Entry, DataError]] = []
            for entry in waiting:
                try:
                    done += await self._again(pairs, entry)
                except _ORDER as error:
                    later.append((entry, error))
                except DataError as error:
                    return self._replayed(done, entry, error)
            if len(later) == len(waiting):
                return self._replayed(done, *later[0])
            waiting = [entry for entry, _ in later]
        return self._replayed(done)

    def _replayed(self, done: int, stopped_at: Entry | None = None, error: DataError | None = None) -> Replayed:
        self._tell()
        return Replayed(done=done, left=len(self.journal.pending), stopped_at=stopped_at, error=error)

    async def _again(self, pairs: Mapping[str, Pair], entry: Entry) -> int:
        pair = pairs.get(entry.table)
        if pair is None:
            raise Misconfigured(
                f"the journal names table {entry.table}, and there is no repository of it",
                hint="Make its repository before the replay.",
            )
        async with self._lanes.hold(entry.table, frozenset(map(forms, entry.keys))):
            if entry not in self.journal.pending:
                return 0
            await carry(pair, entry.primary, entry.columns, entry.keys)
            self.journal.done(entry)
        self._calls.metrics.replayed.labels(entry.table, entry.method).inc(len(entry.keys))
        if self._calls.log is not None:
            self._calls.log.replayed(entry.table, entry.method, entry=entry.id, rows=len(entry.keys))
        return 1


def _is_over(error: BaseException) -> bool:
    """The server has answered: nothing of the write is still under way."""
    if not isinstance(error, DataError) or isinstance(error, Unavailable):
        return False
    return error.code not in ("", _UNKNOWN)


async def keys_of(repository: Repository[Row], columns: Sequence[str], write: Write) -> tuple[Key, ...]:
    """The keys of the rows that a delete is about to take."""
    if not write.where:
        return ()
    found = await repository.find_many(write.where, columns=columns)
    return tuple({forms(key): key for row in found for key in [tuple(row[c] for c in columns)]}.values())


def _rows(value: Any) -> Sequence[Row]:
    """The rows that a write has answered with."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []
