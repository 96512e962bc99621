"""Rows that a rule of the target refuses which no condition of a single row can say, found once over the whole table.

    computed          a generated column, or an entry of an index, raises for the row alone
    a foreign key     the row's parent does not land
    unique, exclude   a row before it (in the order of the source's identity) stands in its way

Of rows that stand in each other's way the first stays, as it would if PostgreSQL took them one by one:
a row that was refused itself keeps nobody out. Reads only, on the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import TooManyBarred
from crosswalk.express import EVERYTHING, Barred, Facts, Key, Moment, Motion, Selection
from crosswalk.express.computed import computed, computing
from crosswalk.express.exclusion import excluding, pairs_to_compare
from crosswalk.express.together import (
    Foreign,
    Together,
    foreign_keys,
    found_by_lookup,
    kept_by_source,
    orphaned,
    rules_together,
    shared,
    sharing,
)
from crosswalk.judge.broken import narrowed, raises, steadily
from crosswalk.judge.standing import MOST_VALUES
from crosswalk.mapping import Lookup
from crosswalk.names import Name, parse

MOST_PAIRS: Final = 20_000_000
"""Pairs of rows that an exclusion may make the source compare."""
MOST_BARRED: Final = 500_000
"""Rows of one table that may be set aside for the sake of others: their keys travel in every statement."""


@dataclass(slots=True)
class Clashes:
    """Who stands in whose way."""

    groups: defaultdict[Key, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By row: (place of the rule, number of the group) of the groups of which one may stay."""
    pairs: defaultdict[Key, list[tuple[int, Key]]] = field(default_factory=lambda: defaultdict(list))
    """By row: (place of the rule, a row that it cannot stand beside)."""

    @property
    def rows(self) -> set[Key]:
        return {*self.groups, *self.pairs}

    def refused(self, ordered: Iterable[Key]) -> dict[Key, int]:
        """By row that has to go: the place of the first rule that says so."""
        taken: set[tuple[int, int]] = set()
        stay: set[Key] = set()
        gone: dict[Key, int] = {}
        for key in ordered:
            why = [place for place, group in self.groups[key] if (place, group) in taken]
            why += [place for place, other in self.pairs[key] if other in stay]
            if why:
                gone[key] = min(why)
            else:
                stay.add(key)
                taken.update(self.groups[key])
        return gone


class Ancestry:
    """Which mapped tables a table refers to, by a foreign key or a lookup."""

    def __init__(self, facts: Facts) -> None:
        self._parents = {name: self._direct(facts, name) for name in facts.document.by_target}

    @staticmethod
    def _direct(facts: Facts, name: Name) -> set[Name]:
        found = {k.references for k in facts.target_table(name).foreign_keys if k.references is not None}
        for rule in facts.mapping(name).columns.values():
            if isinstance(rule, Lookup):
                meant = rule.lookup.target
                found.update([parse(meant)] if meant else facts.document.targets_of(parse(rule.lookup.table)))
        return found & set(facts.document.by_target)

    def above(self, name: Name) -> set[Name]:
        """Tables that it refers to, directly or not; itself where it stands in a circle."""
        found: set[Name] = set()
        waiting = [name]
        while waiting:
            more = self._parents[waiting.pop()] - found
            waiting += more
            found |= more
        return found


def judged_keys(motion: Motion, ancestry: Ancestry) -> list[Foreign]:
    """The foreign keys that are asked before anything moves.

    Not those that lie in a circle or are only made with the table, for they come at the load's end; nor those into tables
    that hold rows of others already. `forecast` announces what these refuse.
    """
    return [
        each
        for each in foreign_keys(motion)[0]
        if each.pairs
        and (motion.name, each.key.name) not in motion.facts.later
        and motion.name not in {each.parent, *ancestry.above(each.parent)}
        and motion.facts.mapping(each.parent).existing == "refuse"
        and not found_by_lookup(motion, each)
        and not kept_by_source(motion, each)
    ]


def judged_together(motion: Motion) -> list[Together]:
    """The unique indexes and exclusions that are asked before anything moves.

    Where rows of others are kept, a row that gives way to one of them stands in nobody's way (see `find_barred`).
    """
    return rules_together(motion)[0]


async def uncomputed(motion: Motion, moment: Moment, session: Session) -> tuple[Barred, ...]:
    """Rows for which the target's own computations raise, by the column or index."""
    found: list[Barred] = []
    asked = computed(motion)[0]
    what = f"what the target computes of the rows of {motion.name}"
    if not asked or not await raises(session, computing(motion, asked, EVERYTHING, moment), what=what):
        return ()
    for each in asked:
        seen = with_barred(moment, motion.name, tuple(found))
        keys = await narrowed(motion, session, partial(computing, motion, [each], moment=seen), what=what, joins=motion.joins)
        if keys:
            reason = f"the target cannot compute {each.name} for it"
            bar = Barred(
                code="computed", reason=reason, sqlstate="22000", constraint=each.name, columns=each.columns, keys=keys
            )
            found.append(bar)
    return tuple(found)


async def orphans(motion: Motion, ancestry: Ancestry, moment: Moment, session: Session) -> tuple[Barred, ...]:
    """Rows without a parent, by foreign key; each row under the first."""
    found: list[Barred] = []
    seen: set[Key] = set()
    for each in judged_keys(motion, ancestry):
        keys = await _keys(session, orphaned(motion, each, moment), f"the rows of {motion.name} without a parent")
        new = tuple(key for key in keys if key not in seen)
        seen.update(new)
        if new:
            found.append(without_parent(each, new))
    return tuple(found)


def without_parent(each: Foreign, keys: tuple[Key, ...]) -> Barred:
    return Barred(
        code="foreign_key" if each.key.name else "lookup.unresolved",
        reason=f"the row that it refers to is not in {each.parent}",
        sqlstate="23503",
        constraint=each.key.name,
        columns=each.key.columns,
        keys=keys,
    )


async def clashing(
    motion: Motion, moment: Moment, session: Session, *, besides: frozenset[Key] = frozenset()
) -> tuple[tuple[Barred, ...], tuple[str, ...]]:
    """Rows in the way of which another stands, by rule, and the rules that there are too many rows for.

    `besides` names rows that will not stand in the table.
    """
    rules = judged_together(motion)
    found, unjudged = await _collect(motion, rules, moment, session, besides)
    if not found.rows:
        return (), unjudged
    width = len(motion.identity)
    concerned = Selection(keys=tuple(sorted({key[:width] for key in found.rows})))
    # Of rows that clash one may be broken by a rule that the clash does not look at: let it raise here.
    await session.fetchval(motion.evaluated(concerned, moment), what=f"the rules of {motion.name}")
    gone = found.refused(await _ordered(motion, found.rows, session))
    by_rule: defaultdict[int, list[Key]] = defaultdict(list)
    for key, place in gone.items():
        by_rule[place].append(key)
    return tuple(_barred(rules[place], by_rule[place]) for place in sorted(by_rule)), unjudged


def _barred(rule: Together, keys: list[Key]) -> Barred:
    columns = tuple(c for c in rule.columns if c)
    return Barred(
        code=rule.code, reason=rule.reason, sqlstate=rule.sqlstate, constraint=rule.name, columns=columns, keys=tuple(keys)
    )


async def _collect(
    motion: Motion, rules: list[Together], moment: Moment, session: Session, besides: frozenset[Key]
) -> tuple[Clashes, tuple[str, ...]]:
    found, unjudged = Clashes(), []
    what = f"the search for rows of {motion.name} that stand in each other's way"
    for place, rule in enumerate(rules):
        if not rule.exclusion:
            if not await session.fetchval(shared(motion, rule, moment), what=what):
                continue
            for row in await session.fetch(sharing(motion, rule, moment), what=what):
                number, *key = row.values()
                if tuple(key) not in besides:
                    found.groups[tuple(key)].append((place, number))
            continue
        pairs = int(await session.fetchval(pairs_to_compare(motion, rule, moment), what=what))
        if pairs > MOST_PAIRS:
            unjudged.append(f"{motion.name}: {rule.name} (it would compare {pairs:,} pairs of rows): left to the load")
            continue
        width = len(motion.key_wires)
        for row in await session.fetch(excluding(motion, rule, moment), what=what) if pairs else ():
            values = tuple(row.values())
            first, second = values[:width], values[width:]
            if not {first, second} & besides:
                found.pairs[second].append((place, first))
                found.pairs[first].append((place, second))
    return found, tuple(unjudged)


async def _ordered(motion: Motion, keys: set[Key], session: Session) -> list[Key]:
    """The keys in the order of the source's identity."""
    width = len(motion.identity)
    rows = await session.fetch(
        motion.keys(Selection(keys=tuple(sorted({key[:width] for key in keys})))), what=f"the order of {motion.name}"
    )
    place = {tuple(str(v) for v in row.values()): number for number, row in enumerate(rows)}
    return sorted(keys, key=lambda key: (place[key[:width]], int(key[width]) if len(key) > width else 0))


async def find_barred(
    facts: Facts,
    name: Name,
    ancestry: Ancestry,
    moment: Moment,
    session: Session,
    *,
    strict: bool,
    kept: frozenset[str] = frozenset(),
) -> Moment:
    """The moment with the rows of one table that others keep out, beside those that it has already; its parents'
    are known. Rows that go where one of the `kept` target keys stands give way to it. Raises TooManyBarred.
    """
    motion = Motion(facts, name)
    unjudged: tuple[str, ...] = ()
    if computed(motion)[0]:
        ask_computed = partial(_uncomputed, motion, session)
        raising, moment = await steadily(facts, name, moment, session, ask_computed)
        moment = with_barred(moment, name, raising)
    if judged_keys(motion, ancestry):
        ask = partial(_orphans, motion, ancestry, session)
        parents = [each.parent for each in judged_keys(motion, ancestry)]
        found, moment = await steadily(facts, name, moment, session, ask, also=parents)
        moment = with_barred(moment, name, found)
    if len(kept) > MOST_VALUES and judged_together(motion):
        unjudged = (f"{name}: its unique indexes beside the rows that stand there (too many): left to the load",)
    elif judged_together(motion):
        ask_clashes = partial(_clashes, motion, session, sorted(kept))
        (clashes, unjudged), moment = await steadily(facts, name, moment, session, ask_clashes)
        moment = with_barred(moment, name, clashes)
    rows = sum(len(bar.keys) for bar in moment.bars(name))
    if strict and rows > MOST_BARRED:
        rules = ", ".join(bar.constraint for bar in moment.bars(name))
        raise TooManyBarred(rows=rows, source=motion.source.name, table=name, rules=rules, most=MOST_BARRED)
    return replace(moment, unjudged=tuple(dict.fromkeys((*moment.unjudged, *unjudged))))


def with_barred(moment: Moment, name: Name, bars: tuple[Barred, ...]) -> Moment:
    """More rows that are kept out; those of one rule stand together."""
    if not bars:
        return moment
    by_rule = {(bar.code, bar.constraint, bar.columns): bar for bar in moment.bars(name)}
    for bar in bars:
        known = by_rule.get((bar.code, bar.constraint, bar.columns))
        by_rule[bar.code, bar.constraint, bar.columns] = replace(bar, keys=(*known.keys, *bar.keys)) if known else bar
    return replace(moment, barred={**moment.barred, name: tuple(by_rule.values())})


async def _uncomputed(motion: Motion, session: Session, moment: Moment) -> tuple[Barred, ...]:
    return await uncomputed(motion, moment, session)


async def _orphans(motion: Motion, ancestry: Ancestry, session: Session, moment: Moment) -> tuple[Barred, ...]:
    return await orphans(motion, ancestry, moment, session)


async def _clashes(
    motion: Motion, session: Session, kept: list[str], moment: Moment
) -> tuple[tuple[Barred, ...], tuple[str, ...]]:
    what = f"the rows of {motion.name} that give way to rows that stand there"
    yielding = frozenset(await _keys(session, motion.meeting(kept, moment), what)) if kept else frozenset()
    return await clashing(motion, moment, session, besides=yielding)


async def _keys(session: Session, sql: str, what: str) -> list[Key]:
    return [tuple(row.values()) for row in await session.fetch(sql, what=what)]
