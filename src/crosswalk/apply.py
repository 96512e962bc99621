"""Runs a plan's statements on the target: gives it its form, switches off what must be off, and on again as it was.

Each statement is one transaction with its line in the ledger, so that a crash at any moment leaves
either nothing done or a line that says how to undo it. Locks are asked for briefly and again, so
that a busy application is not held up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import (
    CrosswalkError,
    HazardNotAllowed,
    HazardUnknown,
    LocksExhausted,
    MissingPrivilege,
    RowsBreakIndex,
    RowsBreakRebuilt,
    StatementFailed,
    Timeout,
)
from crosswalk.failpoints import hit
from crosswalk.ledger import Held, Ledger
from crosswalk.ledger.former import Applied, note_applied
from crosswalk.names import Name, literal, parse, quote
from crosswalk.plan import Hazard, Plan, Statement, about

TRIES: Final = 8
KINDS: Final = ("trigger", "index", "foreign key")
"""Of what is off for the time of a run, in the order in which it comes back."""
NOT_VALID: Final = " NOT VALID"
_OF_ROWS: Final = ("22", "23", "54", "P0001")
"""States in which an index that is built over rows complains of one: a value, two that are equal, one that is too large."""
_BRIEFLY: Final = "SET LOCAL lock_timeout = '1s'"
_AT_LEISURE: Final = "SET LOCAL lock_timeout = '60s'"
"""For keys of tables that the plan made, which nobody uses yet, and for an index, which holds writers up anyway while it is
built. What holds one up is a reader of ours, or an autovacuum, which
gives way to whoever has waited for as long as deadlock_timeout, a second."""


def require(plan: Plan, allowed: Iterable[str]) -> None:
    """Raises HazardUnknown for a word that names none, and HazardNotAllowed for hazards that were not allowed by name."""
    words = set(allowed)
    if unknown := sorted(words - {h.value for h in Hazard}):
        raise HazardUnknown(asked=", ".join(unknown), known=", ".join(Hazard))
    missing = [h.value for h in plan.hazards if h.value not in words]
    if missing:
        raise HazardNotAllowed(hazards=", ".join(missing), flags=" ".join(f"--allow {h}" for h in missing))


async def patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Do a transaction's work, again where a lock was not to be had within the time-out."""
    for attempt in range(TRIES):
        try:
            await work()
            return
        except Timeout:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(min(3.0, 0.3 * 2**attempt))


async def _execute(session: Session, sql: str, what: str) -> None:
    async def once() -> None:
        async with session.transaction():
            await session.execute(sql, what=what)

    await patiently(once)


# --- the target's form --------------------------------------------------------------------------


async def perform(ledger: Ledger, run: int, number: int, statement: Statement) -> None:
    """Run a statement that changes the target's form, with its line in the ledger.

    Raises RowsBreakIndex where rows of the table cannot stand under the index or the key that it makes.
    """
    try:
        await patiently(lambda: _perform(ledger.session, [_entry(run, number, statement)], wait=_wait([statement])))
    except StatementFailed as error:
        if statement.of_key and str(error.fields["sqlstate"]).startswith(_OF_ROWS):
            raise RowsBreakIndex(
                table=statement.table,
                name=statement.name,
                sqlstate=error.fields["sqlstate"],
                reason=error.fields["reason"],
            ) from error
        raise
    _passed(statement.phase)


async def perform_all(ledger: Ledger, run: int, statements: Sequence[tuple[int, Statement]]) -> None:
    """Statements of one phase on what the plan itself makes, in one transaction; one by one where that fails.

    Raises as `perform`.
    """
    if len(statements) > 1:
        try:
            wait = _wait(statement for _, statement in statements)
            await patiently(lambda: _perform(ledger.session, [_entry(run, *each) for each in statements], wait=wait))
        except (StatementFailed, MissingPrivilege, Timeout, LocksExhausted):
            pass  # alone each of them says which it is
        else:
            _passed(statements[0][1].phase)
            return
    for number, statement in statements:
        await perform(ledger, run, number, statement)


def _entry(run: int, number: int, statement: Statement) -> Applied:
    return Applied(
        run=run,
        number=number,
        phase=statement.phase,
        target=statement.table,
        name=statement.name,
        sql=statement.sql,
        undo=statement.undo,
    )


def _wait(statements: Iterable[Statement]) -> str:
    """How long locks are waited for: a lock that is waited for holds up everybody behind."""
    return _AT_LEISURE if all(statement.of_key for statement in statements) else _BRIEFLY


def _passed(phase: str) -> None:
    if phase == "shape":
        hit("shape.after_commit")
    else:
        hit("complete.after_commit")


async def _perform(session: Session, entries: Sequence[Applied], *, wait: str) -> None:
    first, last = entries[0], entries[-1]
    what = f"the statement {first.number} of the plan ({about(first.target, first.name)})"
    if last is not first:
        what = f"the statements {first.number} to {last.number} of the plan"
    async with session.transaction():
        await session.execute("\n;\n".join([wait, *(entry.sql for entry in entries)]), what=what)
        await note_applied(session, entries)
        if first.phase == "shape":
            hit("shape.before_commit")
        else:
            hit("complete.before_commit")


# --- what is off for the time of a run ----------------------------------------------------------


async def hold(ledger: Ledger, run: int, statements: Iterable[Statement]) -> None:
    """Switch off what the plan names and nobody has switched off yet; what is for empty tables only is left to others."""
    off = {(h.kind, h.target, h.name) for h in await ledger.held()}
    for statement in statements:
        if statement.phase != "before" or not statement.restore:
            continue
        name = parse(statement.table)
        if (statement.kind, name, statement.name) not in off:
            if not statement.if_empty:
                await _hold(ledger, run, statement)
        elif statement.kind == "foreign key":
            # Killed while it was added again: it may stand, and would refuse what it refused before.
            again = f"ALTER TABLE {name.sql} DROP CONSTRAINT IF EXISTS {quote(statement.name)}"
            await _execute(ledger.session, again, f"the foreign key {statement.name} of {name}")


async def _hold(ledger: Ledger, run: int, statement: Statement) -> None:
    """A key of a table that the plan itself makes does not stand yet: there is nothing to switch off."""
    session = ledger.session

    table, what = parse(statement.table), f"the {statement.kind} {statement.name} of {statement.table}"

    async def once() -> None:
        async with session.transaction():
            also = ""
            if statement.sql:
                also = await comment_of_key(session, statement)
                await session.execute(statement.sql, what=what)
            await ledger.hold(run, statement.kind, table, statement.name, statement.restore, also)
            hit("held.before_commit")

    await patiently(once)
    hit("held.after_commit")


async def comment_of_key(session: Session, statement: Statement) -> str:
    """What says a key's comment again: it goes when the key is dropped."""
    if statement.kind != "foreign key":
        return ""
    table = parse(statement.table).sql
    text = await session.fetchval(
        "SELECT obj_description(oid, 'pg_constraint') FROM pg_catalog.pg_constraint"
        " WHERE conrelid = $1::text::regclass AND conname = $2",
        table,
        statement.name,
        what=f"the foreign key {statement.name} of {statement.table}",
    )
    return f"COMMENT ON CONSTRAINT {quote(statement.name)} ON {table} IS {literal(text)}" if text else ""


async def release(ledger: Ledger, *, kinds: Iterable[str] = KINDS) -> list[Held]:
    """Switch everything on again that is of these kinds; returns what was.

    A foreign key is added NOT VALID and then validated, so that writers are not held up.
    Raises StatementFailed (23503) where rows violate a key, and RowsBreakRebuilt.
    """
    done = []
    for wanted in kinds:
        for held in await ledger.held():
            if held.kind == wanted:
                await _release(ledger, held)
                done.append(held)
    return done


async def _release(ledger: Ledger, held: Held) -> None:
    session = ledger.session
    what = f"the {held.kind} {held.name} of {held.target}"
    if held.kind == "trigger":
        async with session.transaction():
            await session.execute(held.restore, what=what)
            await ledger.release(held)
            hit("released.before_commit")
        return
    if held.kind == "index":
        await build_again(ledger, held)
        return
    hit("keys.before_restore")
    await add_key(session, held, what)
    hit("keys.after_restore")
    async with session.transaction():
        if held.also:
            await session.execute(held.also, what=what)
        await ledger.release(held)


async def build_again(ledger: Ledger, held: Held) -> None:
    """Build an index that was dropped for the load; one of its name that stands is left as it is. Raises RowsBreakRebuilt."""
    try:
        await patiently(lambda: _build_again(ledger, held))
    except StatementFailed as error:
        if not str(error.fields["sqlstate"]).startswith(_OF_ROWS):
            raise
        raise RowsBreakRebuilt(
            table=held.target, name=held.name, sqlstate=error.fields["sqlstate"], reason=error.fields["reason"]
        ) from error
    hit("rebuilt.after_commit")


async def _build_again(ledger: Ledger, held: Held) -> None:
    session, what = ledger.session, f"the index {held.name} of {held.target}"
    async with session.transaction():
        await session.execute(_AT_LEISURE, what="SET")
        index = Name(held.target.schema, held.name).sql
        if not await session.fetchval("SELECT pg_catalog.to_regclass($1) IS NOT NULL", index, what=what):
            await session.execute(held.restore, what=what)
            if held.also:
                await session.execute(held.also, what=what)
        await ledger.release(held)
        hit("rebuilt.before_commit")


async def add_key(session: Session, held: Held, what: str) -> None:
    """Add a foreign key and validate it; one that stands already (after a crash) is only validated."""
    await let_stand(session, held, what)
    await validate_key(session, held, what)


async def let_stand(session: Session, held: Held, what: str) -> None:
    """Add a foreign key for what is written from now on; where the version cannot do that, for all rows at once."""
    present = await session.fetchval(
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1::text::regclass AND conname = $2)",
        held.target.sql,
        held.name,
        what=what,
    )
    if not present:
        later = "" if held.restore.rstrip().endswith("NOT VALID") else NOT_VALID
        try:
            await _execute(session, held.restore + later, what)
        except StatementFailed as error:
            if error.fields["sqlstate"] != "0A000" and "partitioned" not in str(error.fields["reason"]):
                raise
            await _execute(session, held.restore, what)


async def validate_key(session: Session, held: Held, what: str) -> None:
    """Ask a foreign key of the rows that were there before it; one that was valid is left alone by the server."""
    if not held.restore.rstrip().endswith("NOT VALID"):
        table, _, _ = held.restore.partition(" ADD CONSTRAINT ")
        name = held.restore.removeprefix(f"{table} ADD CONSTRAINT ")
        await session.execute(f"{table} VALIDATE CONSTRAINT {_first_name(name)}", what=what)


def _first_name(text: str) -> str:
    """The quoted identifier at the beginning of a text of ours."""
    end = 1
    while True:
        end = text.index('"', end)
        if text[end + 1 : end + 2] != '"':
            return text[: end + 1]
        end += 2


async def restore_what_can_be(ledger: Ledger) -> list[CrosswalkError]:
    """After a stop: switch triggers on again; what cannot be is returned, and the ledger keeps its line."""
    failed: list[CrosswalkError] = []
    for held in await ledger.held():
        if held.kind != "trigger":
            continue
        try:
            await _release(ledger, held)
        except (StatementFailed, Timeout, MissingPrivilege) as error:
            failed.append(error)
    return failed
