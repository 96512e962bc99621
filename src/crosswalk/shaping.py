"""Gives the target the form that a plan's document needs, and completes it once the rows are there.

    shape      before the rows: preserved tables are dumped and the dump is proven, then come the statements
    keys       indexes and keys of tables that the plan makes: once their rows are in, before foreign keys
    complete   after the rows, foreign keys and triggers: whatever has not run yet

Each statement runs once, in one transaction with its line in `crosswalk.applied`: a run that is killed goes on with
the next. What a run of the same plan applied before, and nobody has undone, counts. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crosswalk import apply
from crosswalk.backup import back_up
from crosswalk.claim import note_standing
from crosswalk.errors import Interrupted
from crosswalk.failpoints import hit
from crosswalk.ledger import Ledger, former
from crosswalk.names import Name, parse
from crosswalk.numerals import plural
from crosswalk.outlook import checking, enter
from crosswalk.plan import Phase as When
from crosswalk.plan import Plan, Statement
from crosswalk.progress import Observer, Phase
from crosswalk.schema import RelationKind, Schema

BACKUPS: Final = "crosswalk-backup"
"""The directory of backups where nobody named one."""
CHUNK_BYTES: Final = "chunk_bytes"
"""Under this name a run's settings hold how much is moved at a time."""
_MANY: Final = 50
"""From so many statements on, several go in one transaction."""
_LARGEST: Final = 50
"""Statements in one transaction, at most: each holds locks to its end."""
_MAKING: Final = frozenset({"create", "index", "key"})
_HOLDING: Final = {RelationKind.TABLE, RelationKind.PARTITIONED}
"""Relations with rows of their own; a partition's are its root's too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """A run that changes its target's form."""

    plan: Plan
    ledger: Ledger
    run: int
    observer: Observer
    stop: Callable[[], bool]

    async def shape(self, found: Schema) -> None:
        """Run what has not run yet of the phase `shape`; `found` is the target as it is."""
        standing = await former.standing_numbers(self.ledger.session, self.plan.id)
        if not self.waiting("shape", standing):
            return
        if not standing:
            await self._back_up()
            concerned = sorted({*archived(self.plan), *self.plan.order} & found.tables.keys())
            await note_standing(self.ledger, self.run, [n for n in concerned if found.tables[n].kind in _HOLDING])
        await enter(self.ledger, self.run, self.observer, Phase.SHAPE)
        await self._perform(standing, self.plan.phase("shape"))

    async def keys(self, table: Name | None = None) -> None:
        """Run what has not run yet of the indexes and keys of one table that the plan makes, or of all such tables.

        Raises RowsBreakIndex.
        """
        standing = await former.standing_numbers(self.ledger.session, self.plan.id)
        await self._perform(standing, self.plan.keys(table))

    async def complete(self) -> None:
        """Run what has not run yet of the phase `complete`."""
        standing = await former.standing_numbers(self.ledger.session, self.plan.id)
        await self._perform(standing, self.plan.phase("complete"))

    def waiting(self, phase: When, standing: frozenset[int]) -> bool:
        """Whether statements of a phase have yet to run."""
        return any(number not in standing for number, _ in self.plan.phase(phase))

    async def _perform(self, standing: frozenset[int], statements: Iterable[tuple[int, Statement]]) -> None:
        for batch in _batches([each for each in statements if each[0] not in standing]):
            if self.stop():
                raise Interrupted()
            with checking(self.observer, [statement for _, statement in batch]):
                await apply.perform_all(self.ledger, self.run, batch)

    async def _back_up(self) -> None:
        """Dump the preserved tables before anything is changed; once for a run."""
        tables = [parse(name) for name in self.plan.preserved]
        events = await self.ledger.events(self.run)
        if not tables or any(e["kind"] == "backup" for e in events):
            return
        asked: dict[str, Any] = next((e["detail"] for e in events if e["kind"] == "settings"), {})
        self.observer.note(f"dumping {plural(len(tables), 'preserved table')} and proving the dump")
        done = await back_up(
            self.ledger.session, tables, directory=Path(asked.get("backup") or BACKUPS), allow=asked.get("allow", ())
        )
        await self.ledger.event(self.run, "backup", "proven" if done.proven else "unproven", **done.as_json())
        self.observer.note(f"the preserved tables are dumped into {done.directory}")
        hit("backup.taken")


def _batches(statements: Sequence[tuple[int, Statement]]) -> Iterator[list[tuple[int, Statement]]]:
    """What makes new objects goes together where there is much of it; what others may be waiting for goes alone."""
    size = min(max(1, len(statements) // _MANY), _LARGEST)
    batch: list[tuple[int, Statement]] = []
    for each in statements:
        alone = each[1].hazard is not None or each[1].kind not in _MAKING
        if batch and (alone or len(batch) == size):
            yield batch
            batch = []
        batch.append(each)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch


async def is_shaped(ledger: Ledger, plan: Plan) -> bool:
    """Whether the target has the form that the plan gives it: all of its `shape` statements stand."""
    standing = await former.standing_numbers(ledger.session, plan.id) if await ledger.exists() else frozenset()
    return all(number in standing for number, _ in plan.phase("shape"))


async def is_untouched(ledger: Ledger, plan: Plan) -> bool:
    """Whether no statement of the plan has changed the target's form yet."""
    return not await ledger.exists() or not await former.standing_numbers(ledger.session, plan.id)


async def is_being_completed(ledger: Ledger, plan: Plan) -> bool:
    """Whether a statement of phase `complete` stands: the form is no longer the one that the shape left.

    Indexes and keys of tables that the plan makes do not count: the form is said with them from the beginning.
    """
    standing = await former.standing_numbers(ledger.session, plan.id) if await ledger.exists() else frozenset()
    return any(number in standing for number, statement in plan.phase("complete") if not statement.of_key)


async def asked_chunk_bytes(ledger: Ledger, run: int) -> int | None:
    """What a run was asked to move at a time; None: as much as takes a few seconds."""
    said = [e["detail"].get(CHUNK_BYTES) for e in await ledger.events(run) if e["kind"] == "settings"]
    return next((int(each) for each in reversed(said) if each), None)


async def note_settings(ledger: Ledger, run: int, **settings: Any) -> None:
    """What a resumption must know of how the run was asked for."""
    await ledger.event(run, "settings", "asked", **settings)


def archived(plan: Plan) -> list[Name]:
    """What a plan moves out of the way."""
    return sorted({parse(s.table) for s in plan.statements if s.kind == "archive" and s.table})
