"""Rows for which a rule raises an error: found by halving, so that the others can still be judged.

A question about a whole table (which rows lose, how many fit, what is their hash) fails for one row
whose rule divides by zero. `steadily` asks it; where it fails for a row's sake the rows to blame are
found, parents of lookups first, and the question is asked again without them. Reads only, inside the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from crosswalk.connect import Session
from crosswalk.errors import StatementFailed
from crosswalk.express import EVERYTHING, Facts, Key, Moment, Motion, Selection
from crosswalk.names import Name
from crosswalk.snapshot import savepoint
from crosswalk.sqlstates import blames_a_row

T = TypeVar("T")


async def steadily(
    facts: Facts,
    name: Name,
    moment: Moment,
    session: Session,
    ask: Callable[[Moment], Awaitable[T]],
    *,
    also: Iterable[Name] = (),
) -> tuple[T, Moment]:
    """The answer, and the moment under which it was given; raises the error where no row is to blame.

    `also` names other tables whose rows the question looks at.
    """
    try:
        async with savepoint(session):
            return await ask(moment), moment
    except StatementFailed as error:
        if not _blames_a_row(error):
            raise
        healed, seen = moment, set[Name]()
        for each in (name, *also):
            healed = await _heal(facts, each, healed, session, seen=seen) if each not in seen else healed
        if healed == moment:
            raise
    return await ask(healed), healed


def _blames_a_row(error: StatementFailed) -> bool:
    return error.fields["side"] == "source" and blames_a_row(str(error.fields["sqlstate"]))


async def _heal(facts: Facts, name: Name, moment: Moment, session: Session, *, seen: set[Name]) -> Moment:
    """The moment with the broken rows of a table and of those that it looks into."""
    seen.add(name)
    motion = Motion(facts, name)
    for parent in dict.fromkeys(parent for parent, _ in motion.lookups(moment)):
        if parent not in seen:
            moment = await _heal(facts, parent, moment, session, seen=seen)
    found = await _find(motion, moment, session)
    return replace(moment, broken={**moment.broken, name: found}) if found else moment


async def _find(motion: Motion, moment: Moment, session: Session) -> tuple[Key, ...]:
    """Identities of the rows for which a rule raises."""
    what = f"the rows of {motion.source.name} for which a rule raises"
    found = await narrowed(motion, session, partial(motion.evaluated, moment=moment), what=what)
    return found or moment.broken.get(motion.name, ())


async def raises(session: Session, sql: str, *, what: str) -> bool:
    """Whether a question fails for the sake of a row."""
    try:
        async with savepoint(session):
            await session.fetchval(sql, what=what)
    except StatementFailed as error:
        if not _blames_a_row(error):
            raise
        return True
    return False


async def narrowed(
    motion: Motion, session: Session, query: Callable[[Selection], str], *, what: str
) -> tuple[Key, ...]:
    """Identities of the rows for whose sake a query over a selection of them raises; none where it does not."""

    if not await raises(session, query(EVERYTHING), what=what):
        return ()
    keys = [tuple(str(v) for v in row.values()) for row in await session.fetch(motion.keys(EVERYTHING), what=what)]
    found: list[Key] = []
    spans = [(0, len(keys))]
    while spans:
        low, high = spans.pop()
        part = Selection(after=keys[low - 1] if low else None, upto=keys[high - 1])
        if low == high or not await raises(session, query(part), what=what):
            continue
        if high - low == 1:
            found.append(keys[low])
        else:
            middle = (low + high) // 2
            spans += [(middle, high), (low, middle)]
    return tuple(found)
