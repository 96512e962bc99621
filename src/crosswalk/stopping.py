"""The end of a run that did not finish: noted in the ledger, and what it switched off is switched on again.

As far as the target answers: what cannot be noted is found by `crosswalk resume`, and the ledger keeps a line for
whatever is still off. Part of the conductor.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crosswalk import apply
from crosswalk.errors import CrosswalkError
from crosswalk.ledger import Ledger, RunState
from crosswalk.numerals import plural
from crosswalk.progress import Observer, Phase

_FOR_GOOD: Final = ("0A000", "42")
"""The target's server does not know what a statement asks for: no function of that name, a syntax of a later version."""
_MENDABLE: Final = frozenset({"42501", "42710", "42723", "42P06", "42P07"})
"""A right that can be granted, a name that can be made free."""
ANSWER_SECONDS: Final = 5.0
"""That a target has to take the note: on a dead line the user who stops would wait for minutes."""


def refused_each_time(events: Sequence[Mapping[str, Any]]) -> str:
    """The SQLSTATE under which the target refuses a statement that gives it its form, however often a run goes on; else "".

    `events` are those of a run that did not finish.
    """
    phases = [e["name"] for e in events if e["kind"] == "phase"]
    ends = [e["detail"].get("sqlstate", "") for e in events if e["kind"] == "state"]
    state = str(ends[-1]) if ends and phases[-1:] == [Phase.SHAPE] else ""
    return state if state.startswith(_FOR_GOOD) and state not in _MENDABLE else ""


async def note_stop(ledger: Ledger, run: int, observer: Observer, error: BaseException) -> None:
    """Note the stop and switch triggers on again."""
    if ledger.session.raw.is_closed():
        return
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await _note(ledger, run, error)
        await switch_on(ledger, observer)
    except TimeoutError:
        ledger.session.raw.terminate()
        observer.note("the stop could not be noted in the ledger: the target does not answer")
    except CrosswalkError as second:
        observer.note(f"the stop could not be noted in the ledger: {second}")


async def _note(ledger: Ledger, run: int, error: BaseException) -> None:
    if ledger.session.raw.is_in_transaction():
        await ledger.session.execute("ROLLBACK", what="ROLLBACK")
    code = error.code if isinstance(error, CrosswalkError) else type(error).__name__
    state = error.fields.get("sqlstate") if isinstance(error, CrosswalkError) else None
    await ledger.event(run, "state", RunState.STOPPED, error=code, **({"sqlstate": str(state)} if state else {}))


async def switch_on(ledger: Ledger, observer: Observer) -> None:
    """Switch triggers on again, and say which ones could not be, and what else is still off."""
    for failed in await apply.restore_what_can_be(ledger):
        observer.note(f"still switched off, `crosswalk resume` tries again: {failed}")
    kinds = Counter(held.kind for held in await ledger.held())
    told = [plural(kinds[kind], kind, many) for kind, many in (("foreign key", ""), ("index", "indexes")) if kinds[kind]]
    if told:
        observer.note(f"dropped until `crosswalk resume` or `crosswalk rollback` brings them back: {' and '.join(told)}")
