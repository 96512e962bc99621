"""Fills the twin with a selection of rows, and finds the rows that cannot come.

A rule that raises on the source would cost a whole selection: the source names the rows to blame (see `judge.broken`),
and they are left out. For bytes that the target's encoding does not know the keys are halved until one is left.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from crosswalk.connect import CopyFormat
from crosswalk.copy.hands import Hands, refusal, row_fault
from crosswalk.copy.quarantine import RAISES, Refusal
from crosswalk.errors import CrosswalkError, LookupBroken, StatementFailed
from crosswalk.express import Key, Landing, Selection
from crosswalk.judge import raising
from crosswalk.relay import relay
from crosswalk.snapshot import savepoint


async def fill(hands: Hands, landing: Landing, selection: Selection) -> None:
    """COPY a selection into the twin, without the rows that cannot come."""
    try:
        await _copy_to_twin(hands, landing, selection)
        return
    except CrosswalkError as error:
        if not _blames_a_row(error):
            raise
        if row_fault(error, "source") and await set_raising_aside(hands, selection):
            await fill(hands, landing, selection)
            return
    found = await hands.source.fetch(hands.motion.keys(selection), what=f"the keys of {hands.motion.source.name}")
    await _halve(hands, landing, [tuple(str(v) for v in row.values()) for row in found])


async def set_raising_aside(hands: Hands, selection: Selection) -> bool:
    """Refuse the rows of a selection for which a rule raises; whether there are any that were not known.

    Raises LookupBroken where a parent's own rows raise.
    """
    await _blame_parents(hands)
    motion, moment = hands.motion, hands.moment
    what = f"the rows of {motion.source.name} for which a rule raises"
    before = len(hands.raising)
    for asked in (motion.computed_rows, motion.evaluated) if motion.computes_before_it_joins else (motion.evaluated,):
        seen = replace(moment, broken={**moment.broken, motion.name: tuple(hands.raising)})
        joins, query = motion.joins and asked == motion.evaluated, partial(asked, moment=seen)
        for each in await raising(motion, hands.source, query, selection, what=what, joins=joins):
            hands.raising[each.key] = Refusal(sqlstate=each.sqlstate, message=each.message, code=RAISES)
    return len(hands.raising) > before


def _blames_a_row(error: CrosswalkError) -> bool:
    """On the target only a bad value does: the twin has no constraint, but its server may not know the bytes."""
    return row_fault(error, "source") or (row_fault(error, "target") and str(error.fields["sqlstate"]).startswith("22"))


async def _copy_to_twin(hands: Hands, landing: Landing, selection: Selection) -> None:
    form: CopyFormat = "binary" if landing.twin_form == "binary" else "text"
    query = hands.motion.extract(
        selection, hands.moment, keyed=True, without=tuple(hands.raising), binary=form == "binary"
    )
    async with savepoint(hands.target), savepoint(hands.source):
        with hands.attempt():
            await relay(
                hands.source,
                query,
                hands.target,
                "cw_twin",
                landing.twin_columns,
                schema="pg_temp",
                form=form,
                what=f"the copy of {hands.motion.source.name}",
                on_bytes=hands.count,
            )


async def _halve(hands: Hands, landing: Landing, keys: list[Key]) -> None:
    """Load the keys' rows; a set that fails is halved until one row is left, which is refused."""
    if not keys:
        return
    try:
        await _copy_to_twin(hands, landing, Selection(keys=tuple(keys)))
    except StatementFailed as error:
        if not _blames_a_row(error):
            raise
        if len(keys) == 1:
            found = refusal(error)
            hands.refused[keys[0]] = replace(found, code=RAISES) if row_fault(error, "source") else found
            return
        middle = len(keys) // 2
        await _halve(hands, landing, keys[:middle])
        await _halve(hands, landing, keys[middle:])


async def _blame_parents(hands: Hands) -> None:
    """Raises LookupBroken where a parent's own rows raise: then no row of this table is to blame."""
    for parent, rows in hands.motion.lookups(hands.moment):
        try:
            async with savepoint(hands.source):
                await hands.source.fetchval(
                    f"SELECT count(found.*) FROM ({rows}) AS found", what=f"a lookup into {parent}"
                )
        except StatementFailed as error:
            raise LookupBroken(table=hands.motion.name, parent=parent, reason=error.fields["reason"]) from error
