"""The rows against the rules, counted on the source under one snapshot.

`find_moment` finds which rows lose to another row of the same target key (over the whole table,
never inside a chunk); `tally_rows` says what becomes of every source row; `judge_rows` turns that
into verdicts for people, with masked sample keys.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from crosswalk.connect import Session
from crosswalk.errors import DuplicateKeys, SourceKeyDoubled
from crosswalk.express import Condition, Facts, Key, Moment, Motion
from crosswalk.judge.broken import steadily
from crosswalk.judge.forecast import Forecast
from crosswalk.judge.together import Ancestry, find_barred, with_barred
from crosswalk.judge.uncovered import watchful
from crosswalk.judge.verdict import Verdict, Way, handle
from crosswalk.judge.ways import Ways
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.schema import Trigger

SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What becomes of one table's source rows."""

    tally: Tally
    rejected: dict[int, int] = field(default_factory=dict)
    """By condition number."""
    broken: int = 0
    """Rows for which a rule raises."""
    elements: dict[int, int] = field(default_factory=dict)
    """Where the rule unnests: elements left out of rows of which another one fits, by condition number."""
    samples: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """A few masked keys by condition number, where they were asked for."""


def mask(text: str) -> str:
    """A key's part with its middle hidden."""
    if len(text) <= 2:
        return "•" * len(text)
    shown = 1 if len(text) < 9 else 2
    return text[:shown] + "•" * min(len(text) - 2 * shown, 6) + text[-shown:]


def mask_key(key: Iterable[Any]) -> str:
    return ", ".join(mask(str(part)) for part in key)


async def find_moment(
    facts: Facts,
    order: Iterable[Name],
    session: Session,
    *,
    strict: bool = True,
    kept: Mapping[Name, frozenset[str]] | None = None,
) -> Moment:
    """What holds under the session's snapshot; raises DuplicateKeys under `on_duplicate: fail` if strict.

    `kept`: see `kept_keys`; none where the target is not there yet.
    """
    give_way = kept or {}
    names = tuple(order)
    await _refuse_doubled(facts, names, session)
    circular = [n for n in names if n in _reached(facts, n)]
    ancestry = Ancestry(facts)
    moment, causes = Moment(), Moment()
    while True:
        for name in names:
            mine = give_way.get(name, frozenset())
            moment = await _find_fates(facts, name, ancestry, moment, session, strict=strict, kept=mine)
        for name in circular:
            causes = with_barred(causes, name, moment.bars(name))
        lost, moment = await _find_lost(facts, circular, moment, session)
        if lost == moment.lost:
            return _named(moment, causes)
        moment = replace(moment, lost=lost, losers={}, barred={})


def _named(moment: Moment, causes: Moment) -> Moment:
    """The moment with the true reason of rows in a circle: one that another row kept out took along what refers to it,
    and so found nothing itself."""
    found = {}
    for name, lost in moment.lost.items():
        gone = set(lost)
        bars = [replace(bar, keys=tuple(key for key in bar.keys if key in gone)) for bar in causes.bars(name)]
        found[name] = tuple(replace(bar, keys=tuple(dict.fromkeys(bar.keys))) for bar in bars if bar.keys)
    return replace(moment, causes={name: bars for name, bars in found.items() if bars})


async def _refuse_doubled(facts: Facts, names: tuple[Name, ...], session: Session) -> None:
    """Raises SourceKeyDoubled where a `source_key` does not tell the rows apart."""
    for name in names:
        motion = Motion(facts, name)
        if motion.unproven_identity:
            count = int(await session.fetchval(motion.identity_doubled(), what=f"the source_key of {name}"))
            if count:
                raise SourceKeyDoubled(
                    keys=count, source=motion.source.name, columns=", ".join(motion.mapping.source_key)
                )


def _reached(facts: Facts, name: Name) -> set[Name]:
    """Tables that a table looks into, directly or through others."""
    found: set[Name] = set()
    waiting = [name]
    while waiting:
        parents = {parent for parent, _ in Motion(facts, waiting.pop()).lookups(Moment())}
        waiting += parents - found
        found |= parents
    return found


async def _find_lost(
    facts: Facts, circular: list[Name], moment: Moment, session: Session
) -> tuple[dict[Name, tuple[Key, ...]], Moment]:
    """Rows of tables in a circle that their own lookups set aside, and for their sake others, until no more come."""
    lost: dict[Name, tuple[Key, ...]] = dict(moment.lost)
    while True:
        before = dict(lost)
        for name in circular:
            motion = Motion(facts, name)
            if motion.unnests:
                continue
            trial = replace(moment, lost=lost)
            found, trial = await steadily(facts, name, trial, session, partial(_lost, motion, session))
            moment = replace(moment, broken=trial.broken)
            lost = {**lost, name: found} if found else lost
        if lost == before:
            return lost, moment


async def _lost(motion: Motion, session: Session, moment: Moment) -> tuple[Key, ...]:
    what = f"the rows of {motion.name} that refer to rows set aside"
    return tuple(tuple(r.values()) for r in await session.fetch(motion.lost(moment), what=what))


async def _find_fates(
    facts: Facts,
    name: Name,
    ancestry: Ancestry,
    moment: Moment,
    session: Session,
    *,
    strict: bool,
    kept: frozenset[str],
) -> Moment:
    """A table's losers and the rows that others keep out; those of its parents are known.

    Where the winner of a key is kept out by another row, the next one wins: and may clash in its turn.
    """
    while True:
        before = moment.bars(name)
        moment = await _find_losers(facts, name, moment, session, strict=strict)
        moment = await find_barred(facts, name, ancestry, moment, session, strict=strict, kept=kept)
        if not moment.of(name) or moment.bars(name) == before:
            return moment


async def _find_losers(facts: Facts, name: Name, moment: Moment, session: Session, *, strict: bool) -> Moment:
    motion = Motion(facts, name)
    if not motion.mapping.key or motion.certainly_unique:
        return moment
    found, moment = await steadily(facts, name, moment, session, partial(_losers, motion, session))
    if found and strict and motion.mapping.on_duplicate == "fail":
        raise DuplicateKeys(rows=len(found), source=motion.source.name, table=name)
    losers = {n: keys for n, keys in moment.losers.items() if n != name}
    return replace(moment, losers={**losers, name: found} if found else losers)


async def _losers(motion: Motion, session: Session, moment: Moment) -> tuple[Key, ...]:
    what = f"the search for equal keys of {motion.name}"
    if not await session.fetchval(motion.doubled(moment), what=what):
        return ()
    return tuple(tuple(r.values()) for r in await session.fetch(motion.losing(moment), what=what))


async def tally_rows(motion: Motion, moment: Moment, session: Session, *, samples: int = 0) -> Fates:
    """What becomes of every source row of a table, by the rules alone; those that are broken go to quarantine."""
    what = f"the accounting of {motion.source.name}"
    extracted = int(await session.fetchval(motion.total(), what=what))
    filtered = int(await session.fetchval(motion.filtered(), what=what))
    loaded = merged = written = 0
    rejected: dict[int, int] = {}
    beaten = motion.mapping.on_duplicate == "quarantine"
    shown: dict[int, tuple[str, ...]] = {}
    for row in await session.fetch(motion.tally(moment, samples=samples), what=what):
        if row.get("keys"):
            shown[row["cw$reject"]] = tuple(mask_key(_texts(key)) for key in row["keys"])
        number, is_merged, count = row["cw$reject"], row["merged"], int(row["rows"])
        if number:
            rejected[number] = rejected.get(number, 0) + count
        elif is_merged:
            merged += count
        else:
            loaded += count
        written += int(row["written"] or 0)
    broken = len(moment.broken.get(motion.name, ()))
    quarantined = sum(rejected.values()) + (merged if beaten else 0) + broken
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
    elements = {}
    if motion.unnests:
        elements = {r["cw$reject"]: int(r["rows"]) for r in await session.fetch(motion.elements(moment), what=what)}
    if samples and motion.unnests and rejected:
        shown = await _samples(motion, moment, session)
    return Fates(tally=tally, rejected=rejected, broken=broken, elements=elements, samples=shown)


async def _tally(motion: Motion, session: Session, moment: Moment) -> Fates:
    return await tally_rows(motion, moment, session, samples=SAMPLES)


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
    facts: Facts, order: Iterable[Name], moment: Moment, session: Session, *, forecast: Forecast | None = None
) -> tuple[list[Tally], list[Verdict]]:
    """Per table what becomes of its rows, and why rows are set aside; `forecast`: also those that the load will refuse."""
    tallies: list[Tally] = []
    verdicts: list[Verdict] = []
    texts = dict(zip(facts.document.by_target, facts.document.tables, strict=True))
    for name in order:
        motion = Motion(facts, name)
        judge = _Judge(motion=motion, ways=Ways(motion, texts[name]))
        seen = forecast.seen(moment, name) if forecast else moment
        fates, healed = await steadily(facts, name, seen, session, partial(_tally, motion, session))
        moment = replace(moment, broken=healed.broken)
        tallies.append(fates.tally)
        verdicts += judge.verdicts(fates, healed)
        verdicts += [judge.watching(trigger) for trigger in watchful(facts, name)]
    return tallies, [*_told_apart(verdicts)]


def _told_apart(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Each under a handle of its own: a second one of the same rule gets a number."""
    times: Counter[str] = Counter()
    for verdict in verdicts:
        times[verdict.rule] += 1
        number = times[verdict.rule]
        yield verdict if number == 1 else replace(verdict, rule=f"{verdict.rule}:{number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Turns what was counted of one table into verdicts."""

    motion: Motion
    ways: Ways

    def verdicts(self, fates: Fates, moment: Moment) -> Iterator[Verdict]:
        broken = moment.broken.get(self.motion.name, ())
        if fates.broken:
            reason, ways = "a rule raises an error", self.ways.of_raising()
            yield self._said("rule.raises", reason, rows=len(broken), samples=_masked(broken), ways=ways)
        for condition in self.motion.reasons(moment):
            count = fates.rejected.get(condition.number, 0)
            if count:
                yield self._of(condition, count, fates.samples.get(condition.number, ()))
            if fates.elements.get(condition.number):
                element = replace(condition, reason=f"an element is left out: {condition.reason}")
                yield replace(self._of(element, fates.elements[condition.number], ()), ways=self.ways.of(condition))
        losers = moment.of(self.motion.name)
        if losers:
            yield self._duplicates(losers)

    def _said(
        self,
        code: str,
        reason: str,
        *,
        rows: int | None,
        samples: tuple[str, ...] = (),
        column: str | None = None,
        constraint: str | None = None,
        declared: bool | None = None,
        ways: tuple[Way, ...] = (),
    ) -> Verdict:
        expected = self.motion.mapping.rejects == "quarantine"
        return Verdict(
            target=self.motion.name,
            source=self.motion.source.name,
            code=code,
            column=column,
            constraint=constraint,
            reason=reason,
            rows=rows,
            samples=samples,
            declared=expected if declared is None else declared,
            rule=handle(self.motion.name, code, column, constraint),
            exact=rows is not None,
            ways=ways,
        )

    def _of(self, condition: Condition, count: int, samples: tuple[str, ...]) -> Verdict:
        return self._said(
            condition.code,
            condition.reason,
            rows=count,
            samples=samples,
            column=condition.column,
            constraint=condition.constraint,
            declared=condition.policy != "fail" and self.motion.mapping.rejects == "quarantine",
            ways=self.ways.of(condition),
        )

    def _duplicates(self, losers: tuple[Key, ...]) -> Verdict:
        policy = self.motion.mapping.on_duplicate
        word = policy if isinstance(policy, str) else f"newest by {policy.newest}"
        fate = {"fail": "the move would stop", "quarantine": "they go to quarantine"}.get(word, "they are merged into it")
        said = self._said(
            "duplicate",
            f"another row has the same key; by on_duplicate: {word} {fate}",
            rows=len(losers),
            samples=_masked(losers),
            declared=word != "fail",
            ways=self.ways.of_duplicates(),
        )
        return replace(said, column=", ".join(self.motion.mapping.key))

    def watching(self, trigger: Trigger) -> Verdict:
        """A constraint trigger stays on: whether it refuses a row cannot be judged."""
        reason = f"the trigger {trigger.name} stays on and may refuse rows: it cannot be judged before the load"
        return self._said("trigger", reason, rows=None, constraint=trigger.name, ways=self.ways.of_raising())


def _masked(keys: tuple[Key, ...]) -> tuple[str, ...]:
    return tuple(mask_key(key) for key in keys[:SAMPLES])
