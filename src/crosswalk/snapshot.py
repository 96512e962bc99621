"""One snapshot of the source for several sessions, with the tables held against DDL.

A snapshot alone does not protect from TRUNCATE, CLUSTER or a rewriting ALTER: each session takes
ACCESS SHARE on every table that will be read *before* it takes the snapshot and holds it to the end,
so that such a statement waits. All sessions hold their own locks, for a waiting ALTER would
otherwise stand between a late session and its table.

A worker whose own connection went gets another one under the same snapshot (`renew`), as long as the keeper's
transaction is open: the snapshot stays exported, and the keeper's locks hold.

A materialized view takes no LOCK; the keeper reads nothing of it, which holds it all the same: REFRESH
would put rows into it that an old snapshot sees too, so that two chunks had two contents.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from crosswalk.connect import Session, session
from crosswalk.errors import ConnectionLost, CrosswalkError, SnapshotLost, StatementFailed, Timeout
from crosswalk.failpoints import hit
from crosswalk.schema import RelationKind, Table

BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOCKABLE: Final = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.VIEW})
_TRIES: Final = 6
_STARTED: Final = "SELECT pg_catalog.pg_postmaster_start_time()::text"
_PAUSES: Final = (0.1, 1.0, 3.0)
"""Seconds before a worker whose connection went does its chunk again."""
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """Sessions that all see the source at one moment. `keeper` exported it; `workers` imported it."""

    id: str
    keeper: Session
    workers: list[Session]
    lock: str = ""
    """The statement that holds the tables."""
    server: str = ""
    """When the server was started: after another start the same id may be somebody else's snapshot."""
    _free: asyncio.Queue[Session] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Queue()
        for worker in self.workers:
            self._free.put_nowait(worker)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Session]:
        """Borrow a worker's session."""
        taken = await self._free.get()
        try:
            yield taken
        finally:
            self._free.put_nowait(taken)

    async def renew(self, worker: Session) -> None:
        """Give a worker whose connection went another one, under the same snapshot.

        Raises SnapshotLost where the keeper has gone too, and as `connect` where the server is away. The keeper itself
        is not asked: somebody else may be using it.
        """
        await worker.reopen()
        try:
            await _begin(worker, self.lock, self.id)
            if await worker.fetchval(_STARTED, what="the server's start") == self.server:
                hit("snapshot.renewed")
                return
        except (StatementFailed, Timeout) as error:  # an ALTER may wait for the keeper, and so stand before our lock
            worker.raw.terminate()
            raise SnapshotLost(reason=error.fields["reason"]) from error
        worker.raw.terminate()
        raise SnapshotLost(reason="the server was started again")

    async def check(self) -> None:
        """Raises SnapshotLost where the keeper, and with it the locks, is gone."""
        try:
            await self.keeper.fetchval("SELECT 1", what="the snapshot's keeper")
        except ConnectionLost as error:
            raise SnapshotLost(reason=error.fields["reason"]) from error


def _lock(tables: Iterable[Table]) -> str:
    names = ", ".join(t.name.sql for t in tables if t.kind in _LOCKABLE)
    return f"LOCK TABLE {names} IN ACCESS SHARE MODE" if names else ""


def _touch(tables: Iterable[Table]) -> str:
    """A query that reads no row and holds the materialized views to the end of the transaction."""
    views = [t.name.sql for t in tables if t.kind is RelationKind.MATERIALIZED_VIEW]
    return " UNION ALL ".join(f"(SELECT 1 FROM {name} LIMIT 0)" for name in views)


async def _begin(opened: Session, lock: str, imported: str | None) -> None:
    await opened.execute(BEGIN, what="BEGIN")
    if lock:
        await opened.execute(lock, what="the tables' locks")
    if imported:
        await opened.execute(f"SET TRANSACTION SNAPSHOT '{imported}'", what="the shared snapshot")


async def _together(keeper: Session, workers: list[Session], lock: str, touch: str) -> str:
    await _begin(keeper, lock, None)
    if touch:
        await keeper.execute(touch, what="the materialized views")
    found = str(await keeper.fetchval("SELECT pg_catalog.pg_export_snapshot()", what="the shared snapshot"))
    for worker in workers:
        await _begin(worker, lock, found)
    return found


@asynccontextmanager
async def snapshot(url: str, tables: Iterable[Table], *, workers: int, purpose: str) -> AsyncIterator[Snapshot]:
    """A shared snapshot of the source; raises Timeout where DDL holds a table for long."""
    chosen = tuple(tables)
    lock, touch = _lock(chosen), _touch(chosen)
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(session("source", url, purpose=f"{purpose} keeper"))
        hands = [await stack.enter_async_context(session("source", url, purpose=purpose)) for _ in range(workers)]
        for attempt in range(_TRIES):
            try:
                found = await _together(keeper, hands, lock, touch)
                break
            except Timeout:
                for each in (keeper, *hands):
                    await each.execute("ROLLBACK", what="ROLLBACK")
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        server = str(await keeper.fetchval(_STARTED, what="the server's start"))
        taken = Snapshot(id=found, keeper=keeper, workers=hands, lock=lock, server=server)
        yield taken


def _is_loss_of(opened: Session, error: CrosswalkError) -> bool:
    """Whether the error says that this session is gone; the one on the other side may go on."""
    return isinstance(error, ConnectionLost) and error.fields.get("side") == opened.side


async def undeterred(
    work: Callable[[], Awaitable[T]], shared: Snapshot, source: Session, target: Session, told: Callable[[str], None]
) -> T:
    """Do a chunk's work; where one of the worker's own two connections goes, it gets another and the work is done again.

    `work` must be safe to repeat, as a chunk is by its row in the ledger. What cannot be mended so is raised: SnapshotLost
    without the keeper, CannotConnect while a server is away, and a connection that goes again and again.
    """
    for pause in _PAUSES:
        try:
            return await work()
        except ConnectionLost as error:
            told(f"a worker lost its connection to the {error.fields['side']} ({error.fields['reason']}): it gets another")
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            await _mend(error, shared, source, target)
    return await work()


async def _mend(error: ConnectionLost, shared: Snapshot, source: Session, target: Session) -> None:
    """Open those of a worker's sessions again that went."""
    if source.raw.is_closed() or _is_loss_of(source, error):
        await shared.renew(source)
    if target.raw.is_closed() or _is_loss_of(target, error):
        await target.reopen()


@asynccontextmanager
async def savepoint(opened: Session) -> AsyncIterator[None]:
    """A savepoint that is rolled back to on one of our errors, so that the transaction stays usable.

    A session that writes nothing rolls back to it in any case: that gives back the locks on the indexes of what was
    read, which PostgreSQL would else hold to the end of the snapshot; of a thousand tables they fill its lock table.
    """
    await opened.execute("SAVEPOINT cw", what="SAVEPOINT")
    try:
        yield
    except CrosswalkError as error:
        if not opened.raw.is_closed() and not _is_loss_of(opened, error):
            await opened.execute("ROLLBACK TO SAVEPOINT cw; RELEASE SAVEPOINT cw", what="ROLLBACK TO SAVEPOINT")
        raise
    back = "ROLLBACK TO SAVEPOINT cw; " if opened.read_only else ""
    await opened.execute(f"{back}RELEASE SAVEPOINT cw", what="RELEASE SAVEPOINT")
