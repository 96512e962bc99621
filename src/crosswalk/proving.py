"""Tries what completes a target's form while its new tables are still empty, and takes it back. Part of the conductor.

Views, indexes and foreign keys come after the rows, and may hold what the target's server cannot do: a function that
it lacks, a syntax that it does not know. Whoever learns that after the rows have moved for hours has to take them
back. All of it is tried in one transaction, which locks nothing but what the plan itself has made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import LocksExhausted, StatementFailed, Timeout
from crosswalk.plan import Plan, Statement
from crosswalk.progress import Observer

_OF_ROWS: Final = ("21", "22", "23", "P0001")
"""Errors that say something of rows (a materialized view is filled): without rows nobody can tell."""


async def prove_completion(session: Session, plan: Plan, observer: Observer) -> None:
    """Raises what a statement raises that must run once the rows are there, and that no row can make good."""
    texts = [*_later(plan)]
    if not texts:
        return
    await session.execute("BEGIN", what="what comes after the rows")
    try:
        for what, sql in texts:
            await session.execute(sql, what=f"{what}, tried before the rows come")
    except (LocksExhausted, Timeout) as error:
        observer.note(f"not everything that comes after the rows could be tried beforehand: {error}")
    except StatementFailed as error:
        if not str(error.fields["sqlstate"]).startswith(_OF_ROWS):
            raise
    finally:
        if not session.raw.is_closed():
            await session.execute("ROLLBACK", what="what comes after the rows")


def _later(plan: Plan) -> Iterator[tuple[str, str]]:
    """What it is, and its SQL, in the order in which it will be done: keys, what points to them, all else."""
    last = plan.phase("complete")
    yield from (_told(number, statement) for number, statement in last if statement.of_key)
    for statement in plan.statements:
        if statement.phase == "before" and statement.kind == "foreign key" and not statement.sql:
            yield f"the foreign key {statement.name} of {statement.table}", statement.restore
    yield from (_told(number, statement) for number, statement in last if not statement.of_key)


def _told(number: int, statement: Statement) -> tuple[str, str]:
    return f"the statement {number} of the plan ({statement.about})", statement.sql
