"""Conducts a rollback: checks, rows, form, proof, in one transaction on the target."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from crosswalk import apply
from crosswalk.catalog import read_under_locks
from crosswalk.connect import Session, session
from crosswalk.errors import StatementFailed, StillUsed
from crosswalk.failpoints import hit
from crosswalk.fingerprint import table_object
from crosswalk.ledger import Held, Ledger, RunState, former, landed
from crosswalk.names import Name, parse, quote
from crosswalk.progress import Observer, Silent
from crosswalk.rollback.losses import Going, Loss, refuse_losses
from crosswalk.rollback.proof import Before, prove, read_before
from crosswalk.rollback.rows import TableBack, take_rows
from crosswalk.rollback.scope import Scope, find_scope
from crosswalk.rollback.sequences import set_sequences_back
from crosswalk.rollback.surroundings import counted, fewer, lock, published, require_writable
from crosswalk.schema import Schema

_IN_USE = "2BP01"


@dataclass(slots=True, kw_only=True)
class TakenBack:
    """What a rollback did."""

    runs: tuple[int, ...] = ()
    """Oldest first."""
    standing: tuple[int, ...] = ()
    """Runs of other tables that nobody has taken back."""
    tables: list[TableBack] = field(default_factory=list)
    statements: int = 0
    """Of the target's form, undone."""
    sequences: int = 0
    changed: bool = False
    """Something differs that others changed since: it is among the warnings."""
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(table.deleted for table in self.tables)


async def rollback(url: str, *, allow: Collection[Loss] = (), observer: Observer | None = None) -> TakenBack:
    """Bring the target back to what it was before the newest run that stands, and all that share tables with it.

    Raises NothingToRollBack, AlreadyRunning, TargetReadOnly, LaterRowsLost, LaterChangesLost,
    ReferringRowsLost, StillUsed, NotAsBefore, FormerStateUnknown, LocksExhausted, Timeout; whatever is raised, nothing has changed.
    """
    async with session("target", url, purpose="rollback") as target:
        ledger = Ledger(target)
        await require_writable(target)
        await ledger.update()
        await find_scope(ledger)
        await ledger.lock()
        scope = await find_scope(ledger)
        done = TakenBack(runs=scope.numbers, standing=scope.others)
        told = observer or Silent()
        told.note(f"taking back {'runs' if len(scope.runs) > 1 else 'run'} {', '.join(map(str, scope.numbers))}")
        await target.execute("SET synchronous_commit = on", what="SET")
        await apply.patiently(lambda: _take_back(ledger, scope, frozenset(allow), done))
        hit("rollback.after_commit")
    return done


async def _take_back(ledger: Ledger, scope: Scope, allow: frozenset[Loss], done: TakenBack) -> None:
    target = ledger.session
    async with target.transaction():
        await lock(target, scope)
        schema = await read_under_locks(target)
        claims = await former.claims(target, scope.tables)
        statements = await former.standing_statements(target, scope.numbers)
        before = await read_before(ledger, scope, claims)
        created = _created(schema, scope, statements, before)
        going = Going(schema=schema, claims=claims, created=created, landed=await landed.noted(target, scope.tables))
        done.warnings = await refuse_losses(target, going, allow)
        done.warnings += await published(target, going)
        following = await counted(target, going)
        await _drop_pending(target, scope, created)
        done.tables = await take_rows(target, going)
        done.warnings += await fewer(target, following)
        await _restore_held(ledger, scope, created)
        await _undo(target, statements)
        done.statements = len(statements)
        now = await read_under_locks(target)
        stood = await former.sequences(target, scope.numbers)
        moved = await set_sequences_back(target, now, stood, scope.tables)
        done.sequences = moved.moved
        await former.forget(target, scope.numbers, scope.tables)
        for number in scope.numbers:
            await ledger.event(number, "state", RunState.ROLLED_BACK)
        differing = await prove(ledger, scope, before, statements, allow)
        done.changed = bool(differing)
        done.warnings += [*moved.left, *differing]
        for sql in moved.late:
            await target.execute(sql, what="a sequence")
        hit("rollback.before_commit")


def _created(
    schema: Schema, scope: Scope, statements: Iterable[former.Applied], before: Before
) -> frozenset[Name]:
    """Tables that stand and that the statements made: they were not there, or another of their name is in the archive."""
    touched = {parse(s.target) for s in statements if s.target}
    return frozenset(
        name
        for name in touched & schema.tables.keys()
        if name in scope.archived or table_object(name) not in before.catalog
    )


async def _drop_pending(target: Session, scope: Scope, created: Collection[Name]) -> None:
    """The keys between tables that are about to be dropped: without them any order is right."""
    for table, name in sorted(scope.pending_keys):
        if table in created:
            sql = f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {quote(name)}"
            await target.execute(sql, what=f"the foreign key {name} of {table}")


async def _restore_held(ledger: Ledger, scope: Scope, created: Collection[Name]) -> None:
    """What a killed run left switched off; nothing where the table itself goes, or the key was never there."""
    for held in await ledger.held():
        if held.target in created or held.target not in scope.tables:
            continue
        what = f"the {held.kind} {held.name} of {held.target}"
        if not await _stands(ledger.session, held):
            await ledger.session.execute(held.restore, what=what)
        if held.also:
            await ledger.session.execute(held.also, what=what)


async def _stands(target: Session, held: Held) -> bool:
    """Whether a foreign key was added again, though the ledger does not know of it yet, or an index by others."""
    what = f"the {held.kind} {held.name} of {held.target}"
    if held.kind == "index":
        index = Name(held.target.schema, held.name).sql
        return bool(await target.fetchval("SELECT pg_catalog.to_regclass($1) IS NOT NULL", index, what=what))
    return held.kind == "foreign key" and bool(
        await target.fetchval(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2)",
            held.target.sql,
            held.name,
            what=what,
        )
    )


async def _undo(target: Session, statements: Iterable[former.Applied]) -> None:
    """Take the statements back, the last one first; raises StillUsed."""
    for each in reversed(list(statements)):
        if not each.undo:
            continue
        try:
            await target.execute(each.undo, what=f"taking back statement {each.number} ({each.target} {each.name})")
        except StatementFailed as error:
            if error.fields["sqlstate"] != _IN_USE:
                raise
            detail = str(getattr(error.__cause__, "detail", None) or error.fields["reason"])
            raise StillUsed(user=detail.splitlines()[0].partition(" depends on ")[0], table=each.target) from error
