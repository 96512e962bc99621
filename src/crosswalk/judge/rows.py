"""The rows against the rules, counted on the source under one snapshot.

`find_moment` finds which rows lose to another row of the same target key (over the whole table,
never inside a chunk); `tally_rows` says what becomes of every source row; `judge_rows` turns that
into verdicts for people, with masked sample keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crosswalk.connect import Session
from crosswalk.errors import DuplicateKeys, StatementFailed
from crosswalk.express import Condition, Facts, Key, Moment, Motion
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.snapshot import savepoint

SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Rows of one table that one condition sets aside."""

    target: Name
    source: Name
    code: str
    column: str | None
    constraint: str | None
    reason: str
    rows: int | None
    """None where the rule raises an error for some row, so that none could be counted."""
    samples: tuple[str, ...]
    """Masked source keys."""
    declared: bool
    """True where the document says that such rows go to quarantine (or are merged)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What becomes of one table's source rows."""

    tally: Tally
    rejected: dict[int, int] = field(default_factory=dict)
    """By condition number."""


def mask(text: str) -> str:
    """A key's part with its middle hidden."""
    if len(text) <= 2:
        return "•" * len(text)
    shown = 1 if len(text) < 6 else 2
    return text[:shown] + "•" * min(len(text) - 2 * shown, 6) + text[-shown:]


def mask_key(key: Iterable[Any]) -> str:
    return ", ".join(mask(str(part)) for part in key)


async def find_moment(facts: Facts, order: Iterable[Name], session: Session, *, strict: bool = True) -> Moment:
    """The losers of every table, parents first; raises DuplicateKeys under `on_duplicate: fail` if strict."""
    losers: dict[Name, tuple[Key, ...]] = {}
    for name in order:
        motion = Motion(facts, name)
        if not motion.mapping.key or motion.certainly_unique:
            continue
        moment = Moment(losers=losers)
        what = f"the search for equal keys of {name}"
        if not await session.fetchval(motion.doubled(moment), what=what):
            continue
        found = tuple(tuple(r.values()) for r in await session.fetch(motion.losing(moment), what=what))
        if strict and motion.mapping.on_duplicate == "fail":
            raise DuplicateKeys(rows=len(found), source=motion.source.name, table=name)
        losers[name] = found
    return Moment(losers=losers)


async def tally_rows(motion: Motion, moment: Moment, session: Session) -> Fates:
    """What becomes of every source row of a table, by the rules alone."""
    what = f"the accounting of {motion.source.name}"
    extracted = int(await session.fetchval(motion.total(), what=what))
    filtered = int(await session.fetchval(motion.filtered(), what=what))
    loaded = merged = written = 0
    rejected: dict[int, int] = {}
    beaten = motion.mapping.on_duplicate == "quarantine"
    for row in await session.fetch(motion.tally(moment), what=what):
        number, is_merged, count = row["cw$reject"], row["merged"], int(row["rows"])
        if number:
            rejected[number] = rejected.get(number, 0) + count
        elif is_merged:
            merged += count
        else:
            loaded += count
        written += int(row["written"] or 0)
    quarantined = sum(rejected.values()) + (merged if beaten else 0)
    tally = Tally(
        target=motion.name,
        source=motion.source.name,
        extracted=extracted,
        loaded=loaded,
        merged=0 if beaten else merged,
        quarantined=quarantined,
        filtered=filtered,
        written=written,
    )
    return Fates(tally=tally, rejected=rejected)


async def _samples(motion: Motion, moment: Moment, session: Session) -> dict[int, tuple[str, ...]]:
    """A few masked keys for each condition that rows meet, by its number."""
    rows = await session.fetch(motion.sampled(moment, SAMPLES), what=f"sample keys of {motion.source.name}")
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        number = int(row["cw$reject"])
        found[number] = (*found.get(number, ()), mask_key(_texts(row["key"])))
    return found


def _texts(key: str) -> list[str]:
    return [str(part) for part in json.loads(key)]


async def judge_rows(
    facts: Facts, order: Iterable[Name], moment: Moment, session: Session
) -> tuple[list[Tally], list[Verdict]]:
    """Per table what becomes of its rows, and why rows are set aside."""
    tallies, verdicts = [], []
    for name in order:
        motion = Motion(facts, name)
        try:
            async with savepoint(session):
                fates = await tally_rows(motion, moment, session)
        except StatementFailed as error:
            if not str(error.fields["sqlstate"]).startswith(("22", "23", "P0")):
                raise
            verdicts.append(_raised(motion, error))
            continue
        tallies.append(fates.tally)
        samples = await _samples(motion, moment, session) if fates.rejected else {}
        for condition in motion.conditions:
            count = fates.rejected.get(condition.number, 0)
            if count:
                verdicts.append(_verdict(motion, condition, count, samples.get(condition.number, ())))
        losers = moment.of(name)
        if losers:
            verdicts.append(_duplicates(motion, losers))
    return tallies, verdicts


def _raised(motion: Motion, error: StatementFailed) -> Verdict:
    return Verdict(
        target=motion.name,
        source=motion.source.name,
        code="error",
        column=None,
        constraint=None,
        reason=f"a rule raises an error for some row: {error.fields['sqlstate']} {error.fields['reason']}",
        rows=None,
        samples=(),
        declared=False,
    )


def _verdict(motion: Motion, condition: Condition, count: int, samples: tuple[str, ...]) -> Verdict:
    declared = condition.policy != "fail" and motion.mapping.rejects == "quarantine"
    return Verdict(
        target=motion.name,
        source=motion.source.name,
        code=condition.code,
        column=condition.column,
        constraint=condition.constraint,
        reason=condition.reason,
        rows=count,
        samples=samples,
        declared=declared,
    )


def _duplicates(motion: Motion, losers: tuple[Key, ...]) -> Verdict:
    policy = motion.mapping.on_duplicate
    word = policy if isinstance(policy, str) else f"newest by {policy.newest}"
    fate = {"fail": "the move would stop", "quarantine": "they go to quarantine"}.get(word, "they are merged into it")
    return Verdict(
        target=motion.name,
        source=motion.source.name,
        code="duplicate",
        column=", ".join(motion.mapping.key),
        constraint=None,
        reason=f"another row has the same key; by on_duplicate: {word} {fate}",
        rows=len(losers),
        samples=tuple(mask_key(k) for k in losers[:SAMPLES]),
        declared=word != "fail",
    )
