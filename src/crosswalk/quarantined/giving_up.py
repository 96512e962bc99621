"""A person's word that rows stay behind for good: what stood in them is deleted, key and reason stay.

The accounting goes on counting them as quarantined, verification goes on knowing them, and a retry leaves them out
unless it is asked for them. Who said so and why stands in the ledger. A source row that changes later is another row:
that word does not cover it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crosswalk.connect import session
from crosswalk.errors import NothingChosen
from crosswalk.failpoints import hit
from crosswalk.ledger import Ledger
from crosswalk.ledger import quarantine as shelf
from crosswalk.names import Name
from crosswalk.quarantined.stock import resolve
from crosswalk.scene import newest, require_finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What was given up."""

    run: int
    rows: Mapping[Name, int]
    """By target table; of rows that a rule spreads, elements count one by one."""
    why: str
    who: str


async def drop(url: str, tables: Iterable[str] = (), *, code: str | None = None, why: str, who: str) -> Dropped:
    """Give rows up: of some tables or of all, for one reason or for any.

    Raises NothingMigrated, RolledBack, AlreadyRunning, NotFinished, NotOfThisRun, NothingChosen.
    """
    async with session("target", url, purpose="quarantine") as target:
        ledger = Ledger(target)
        await ledger.update()
        await ledger.lock()
        run, plan = await newest(ledger)
        await require_finished(ledger)
        chosen = resolve(tables, [*plan.order, *await shelf.counts(target)], run.id)
        async with target.transaction():
            rows = await shelf.drop(target, chosen or None, code, why=why, who=who)
            if not rows:
                raise NothingChosen(what=", ".join([*map(str, chosen), *([code] if code else [])]) or "any table")
            counted = {str(name): count for name, count in sorted(rows.items())}
            await ledger.event(run.id, "quarantine", "dropped", rows=counted, reason=code, why=why, who=who)
            hit("drop.before_commit")
    return Dropped(run=run.id, rows=dict(sorted(rows.items())), why=why, who=who)
