"""Rows for which a rule raises an error: found one by one, so that the others can still be judged.

A question about a whole table (which rows lose, how many fit, what is their hash) fails for one row
whose rule divides by zero. `steadily` asks it; where it fails for a row's sake the rows to blame are
found, parents of lookups first, and the question is asked again without them. Reads only, inside the
caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from crosswalk.connect import Session
from crosswalk.errors import StatementFailed
from crosswalk.express import EVERYTHING, Facts, Key, Moment, Motion, Selection
from crosswalk.express.apart import FOUND, SPEAKS, raising_apart
from crosswalk.names import Name, literal
from crosswalk.snapshot import savepoint
from crosswalk.sqlstates import blames_a_row
from crosswalk.translation import without_values

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
    """Identities of the rows for which a rule raises; those that the moment knows stay among them."""
    what = f"the rows of {motion.source.name} for which a rule raises"
    found = moment.broken.get(motion.name, ())
    for asked in (motion.computed_rows, motion.evaluated) if motion.computes_before_it_joins else (motion.evaluated,):
        seen = replace(moment, broken={**moment.broken, motion.name: found}) if found else moment
        joins = motion.joins and asked == motion.evaluated
        found += await narrowed(motion, session, partial(asked, moment=seen), what=what, joins=joins)
    return found


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
    motion: Motion, session: Session, query: Callable[[Selection], str], *, what: str, joins: bool
) -> tuple[Key, ...]:
    """Identities of the rows for whose sake a query over a selection of them raises; none where it does not."""
    if not await raises(session, query(EVERYTHING), what=what):
        return ()
    found = await raising(motion, session, query, EVERYTHING, what=what, joins=joins)
    return tuple(each.key for each in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raising:
    """A row for whose sake a query raises."""

    key: Key
    sqlstate: str
    message: str
    """Without values of the row."""


async def raising(
    motion: Motion,
    session: Session,
    query: Callable[[Selection], str],
    selection: Selection,
    *,
    what: str,
    joins: bool,
) -> list[Raising]:
    """Each row of a selection for which a query over it alone raises, and what the server says.

    `joins`: the query looks into other tables. Found inside the server where it runs PL/pgSQL blocks for us (see
    `express.apart`), else by halving.
    """
    if not await session.fetchval(SPEAKS, what="the source's languages"):
        return await _halved(motion, session, query, selection, what=what)
    async with savepoint(session):
        await session.execute(raising_apart(motion, query, selection, joins=joins), what=what)
        lines = str(await session.fetchval(f"SELECT pg_catalog.current_setting({literal(FOUND)})", what=what))
    said = [json.loads(line) for line in lines.splitlines()]
    return [Raising(key=tuple(key), sqlstate=state, message=without_values(state, text)) for key, state, text in said]


async def _halved(
    motion: Motion, session: Session, query: Callable[[Selection], str], selection: Selection, *, what: str
) -> list[Raising]:
    keys = [tuple(str(v) for v in row.values()) for row in await session.fetch(motion.keys(selection), what=what)]
    found: list[Raising] = []
    spans = [(0, len(keys))] if keys else []
    while spans:
        low, high = spans.pop()
        try:
            async with savepoint(session):
                await session.fetchval(query(Selection(keys=tuple(keys[low:high]))), what=what)
        except StatementFailed as error:
            if not _blames_a_row(error):
                raise
            if high - low == 1:
                state, reason = str(error.fields["sqlstate"]), str(error.fields["reason"])
                found.append(Raising(key=keys[low], sqlstate=state, message=reason))
                continue
            middle = (low + high) // 2
            spans += [(middle, high), (low, middle)]
    return found
