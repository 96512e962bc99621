"""What only the target's own rows decide, asked beforehand: the load will refuse these rows.

    foreign_key   into a table that is not mapped, or that holds rows of others: the target is asked which values it has
    clash         with a row that stands in the table already, by a unique index other than the key

The load finds the same rows and sets them aside; nothing of this is part of a `Moment`, since the target's rows
may change meanwhile. `follow` adds the rows that go with them, by foreign keys, to a fixed point. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.errors import MissingPrivilege
from crosswalk.express import EVERYTHING, Barred, Facts, Key, Landing, Moment, Motion, Reference, Selection
from crosswalk.express.casts import canonical, type_sql
from crosswalk.express.together import (
    Foreign,
    Together,
    foreign_keys,
    found_by_lookup,
    half_referred,
    identity_texts,
    kept_by_source,
    orphaned,
    references,
    referred,
    referring,
    rules_together,
)
from crosswalk.judge.broken import steadily
from crosswalk.judge.standing import MOST_VALUES, standing_keys
from crosswalk.judge.together import Ancestry, judged_keys, with_barred, without_parent
from crosswalk.names import Name, array_literal, literal, quote

_BATCH: Final = 5_000


@dataclass(slots=True)
class Forecast:
    """Rows that the load will refuse, by target table, and what could not be asked."""

    barred: dict[Name, tuple[Barred, ...]] = field(default_factory=dict)
    broken: dict[Name, tuple[Key, ...]] = field(default_factory=dict)
    """Rows for which a rule raises, found on the way."""
    met: dict[Name, frozenset[Key]] = field(default_factory=dict)
    """Source rows that go where a row of others stands."""
    uncovered: list[str] = field(default_factory=list)

    def seen(self, moment: Moment, name: Name) -> Moment:
        """The moment as a table's own rows stand in it: those that will be refused left out."""
        healed = replace(moment, broken={**moment.broken, **self.broken})
        return with_barred(healed, name, self.barred.get(name, ()))

    async def fetch(
        self, motion: Motion, moment: Moment, source: Session, sql: Callable[[Moment], str], *, what: str,
        also: tuple[Name, ...] = (),
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        """The answer to a question about a table's rows; those for which a rule raises are left out and remembered."""

        async def ask(seen: Moment) -> list[tuple[Any, ...]]:
            return [tuple(row.values()) for row in await source.fetch(sql(seen), what=what)]

        seen = self.seen(moment, motion.name)
        rows, healed = await steadily(motion.facts, motion.name, seen, source, ask, also=also)
        self.broken |= healed.broken
        return rows

    def leave(self, what: str) -> None:
        """Something that only the load will tell."""
        self.uncovered.append(f"{what}: left to the load")

    def add(self, name: Name, bars: tuple[Barred, ...]) -> bool:
        """Whether these are more."""
        if bars:
            self.barred[name] = with_barred(Moment(barred=self.barred), name, bars).bars(name)
        return bool(bars)


async def foresee(facts: Facts, name: Name, moment: Moment, source: Session, target: Session, found: Forecast) -> None:
    """What the target's rows refuse of one table."""
    motion = Motion(facts, name)
    for each in foreign_keys(motion)[0]:
        mapped = facts.document.by_target.get(each.parent)
        if mapped is None or (mapped.existing != "refuse" and not found_by_lookup(motion, each)):
            await _foreign(motion, each, moment, source, target, found)
    await _standing(motion, moment, source, target, found)


async def follow(
    facts: Facts, order: tuple[Name, ...], moment: Moment, source: Session, found: Forecast, *, target: Session | None
) -> None:
    """Rows that refer to rows which will be refused, to a fixed point; no target, no rows of others."""
    ancestry = Ancestry(facts)
    keys = [asked for name in order for asked in _followed(facts, name, ancestry)]
    more = True
    while more:
        more = False
        for motion, each, circular in keys:
            if not (circular or found.barred.get(each.parent)):
                continue
            if facts.mapping(each.parent).existing != "refuse" and not _by_reference(motion, each):
                more |= target is not None and await _again(motion, each, moment, source, target, found)
                continue
            gone = await _orphaned(motion, each, moment, source, found, f"the rows of {motion.name} without a parent")
            more |= found.add(motion.name, (without_parent(each, gone),) if gone else ())


def _by_reference(motion: Motion, each: Foreign) -> bool:
    """Whether the target finds the parent by its key: nothing but the row that the lookup means will do."""
    return set(each.key.columns) <= {f.column.name for f in motion.fed if isinstance(f.via, Reference)}


async def _again(
    motion: Motion, each: Foreign, moment: Moment, source: Session, target: Session, found: Forecast
) -> bool:
    """Asks about a parent that holds rows of others once more, since rows of it will be refused; whether more go."""
    if any(isinstance(f.via, Reference) for f in motion.fed if f.column.name in each.key.columns):
        found.leave(f"{motion.name}: {each.key.name} (the target makes its values, and holds rows of others)")
        return False
    return await _foreign(motion, each, moment, source, target, found)


def _followed(facts: Facts, name: Name, ancestry: Ancestry) -> Iterator[tuple[Motion, Foreign, bool]]:
    """The foreign keys by which rows may go with others, and whether nobody has asked about them at all."""
    motion = Motion(facts, name)
    yield from ((motion, each, False) for each in references(motion))
    asked = {each.key.name for each in judged_keys(motion, ancestry)}
    for each in foreign_keys(motion)[0]:
        if each.pairs:
            proven = found_by_lookup(motion, each) or kept_by_source(motion, each)
            occupied = facts.mapping(each.parent).existing != "refuse"
            circle = name in {each.parent, *ancestry.above(each.parent)}
            yield motion, each, circle if occupied else each.key.name not in asked and not proven


# --- foreign keys -------------------------------------------------------------------------------


async def _foreign(
    motion: Motion, each: Foreign, moment: Moment, source: Session, target: Session, found: Forecast
) -> bool:
    """Whether there are more rows whose value the target does not have."""
    what = f"what {motion.name} refers to"
    if each.pairs:
        keys = await _orphaned(motion, each, moment, source, found, what)
        ask = partial(_values, motion, each, keys)
        rows = await found.fetch(motion, moment, source, ask, what=what) if keys else []
    else:
        rows = await found.fetch(
            motion, moment, source, lambda seen: f"{referred(motion, each, seen)} LIMIT {MOST_VALUES + 1}", what=what
        )
    if len(rows) > MOST_VALUES:
        found.leave(f"{motion.name}: {each.key.name} (more than {MOST_VALUES:,} values to ask {each.parent} for)")
        return False
    try:
        missing = [v for i in range(0, len(rows), _BATCH) for v in await _absent(motion, each, rows[i : i + _BATCH], target)]
    except MissingPrivilege:
        found.leave(f"{motion.name}: {each.key.name} (the role may not read {each.parent})")
        return False
    gone: list[Key] = []
    for start in range(0, len(missing), _BATCH):
        some = missing[start : start + _BATCH]
        gone += await found.fetch(motion, moment, source, partial(referring, motion, each, some), what=what)
    if half_referred(motion, each, moment):
        gone += await found.fetch(motion, moment, source, lambda seen: half_referred(motion, each, seen) or "", what=what)
    return found.add(motion.name, (without_parent(each, tuple(gone)),) if gone else ())


async def _orphaned(
    motion: Motion, each: Foreign, moment: Moment, source: Session, found: Forecast, what: str
) -> tuple[Key, ...]:
    """Rows whose parent does not land, as far as is known by now."""

    def asked(seen: Moment) -> str:
        # Where a row of others has the key of one that is refused, that one is found.
        met = found.met.get(each.parent, frozenset())
        bars = [replace(bar, keys=tuple(k for k in bar.keys if k not in met)) for bar in found.barred.get(each.parent, ())]
        bare = replace(seen, barred={**seen.barred, each.parent: moment.bars(each.parent)})
        above = with_barred(bare, each.parent, tuple(bar for bar in bars if bar.keys))
        return orphaned(motion, each, seen, above=above)

    return tuple(await found.fetch(motion, moment, source, asked, what=what, also=(each.parent,)))


def _values(motion: Motion, each: Foreign, keys: tuple[Key, ...], moment: Moment) -> str:
    listed = ", ".join(f"{child}::pg_catalog.text" for child in each.children)
    width = len(motion.identity)
    chosen = Selection(keys=tuple(dict.fromkeys(key[:width] for key in keys)))
    given = " AND ".join(f"{child} IS NOT NULL" for child in each.children)
    return f'SELECT DISTINCT {listed} FROM ({motion.fitting(chosen, moment)}) AS "cw$fitting" WHERE {given}'


async def _absent(motion: Motion, each: Foreign, rows: list[tuple[str, ...]], target: Session) -> list[tuple[str, ...]]:
    """Those of the values that no row of the parent has."""
    places = range(len(each.key.columns))
    columns = [motion.facts.column("target", motion.target, c) for c in each.key.columns]
    arrays = ", ".join(f"pg_catalog.unnest({array_literal(r[i] for r in rows)}::pg_catalog.text[])" for i in places)
    named = ", ".join(f"v{i}" for i in places)
    on = " AND ".join(
        f"p.{quote(parent)} = v.v{i}::{type_sql(columns[i].type)}" for i, parent in enumerate(each.key.referenced_columns)
    )
    sql = (
        f"SELECT {named} FROM ROWS FROM ({arrays}) AS v ({named})"
        f" WHERE NOT EXISTS (SELECT FROM {each.parent.sql} AS p WHERE {on})"
    )
    return [tuple(r.values()) for r in await target.fetch(sql, what=f"the rows of {each.parent}")]


# --- rows that stand in the table already -------------------------------------------------------


async def _standing(motion: Motion, moment: Moment, source: Session, target: Session, found: Forecast) -> None:
    """Rows that clash with rows of others, which stay."""
    if motion.mapping.existing == "refuse" or not motion.mapping.key or not rules_together(motion)[0]:
        return
    name = motion.name
    standing = await standing_keys(motion, target)
    if len(standing) > MOST_VALUES:
        found.leave(f"{name}: its unique indexes against the {len(standing):,} rows that stand there")
        return
    keep = motion.mapping.existing == "keep"
    met = await _met(motion, moment, list(standing), source, found)
    found.met[name] = frozenset(key for _, key in met)
    yielding = frozenset(key for _, key in met) if keep else frozenset()
    blocking = standing if keep else standing - {k for k, _ in met}
    made = {f.column.name for f in motion.fed if isinstance(f.via, Reference)}
    for rule in rules_together(motion)[0]:
        if blocking and made & set(rule.columns):
            found.leave(f"{name}: {rule.name} against the rows that stand there (the target makes values of it)")
        else:
            await _against(motion, rule, blocking, yielding, moment, (source, target), found)


async def _met(
    motion: Motion, moment: Moment, standing: list[str], source: Session, found: Forecast
) -> list[tuple[str, Key]]:
    """(target key, source key) of the rows that go where a row stands."""
    if not standing:
        return []

    def asked(seen: Moment) -> str:
        return (
            f'SELECT "cw$key"::pg_catalog.text, * FROM (SELECT {motion.target_key_json()} AS "cw$key",'
            f' {identity_texts(motion)} FROM ({motion.fitting(EVERYTHING, seen)}) AS "cw$fitting") AS "cw$keyed"'
            f' WHERE "cw$key" = ANY ({array_literal(standing)}::pg_catalog.text[]::pg_catalog.jsonb[])'
        )

    rows = await found.fetch(motion, moment, source, asked, what=f"the rows that stand in {motion.name}")
    return [(row[0], row[2:]) for row in rows]


async def _against(
    motion: Motion, rule: Together, blocking: frozenset[str], yielding: frozenset[Key], moment: Moment,
    sessions: tuple[Session, Session], found: Forecast,
) -> None:  # fmt: skip
    """Rows in whose way a row of others stands, by one unique index."""
    if rule.exclusion:
        if blocking:
            found.leave(f"{motion.name}: {rule.name} against the rows that stand there")
        return
    source, target = sessions
    terms = _texts(motion, rule)
    given = " AND ".join([*(f"{t} IS NOT NULL" for t in rule.terms), *([f"({rule.predicate})"] if rule.predicate else [])])
    landing, what = Landing(motion), f"the rows that stand in {motion.name}"
    values: list[tuple[str, ...]] = []
    listed = sorted(blocking)
    for start in range(0, len(listed), _BATCH):
        some = f"{array_literal(listed[start : start + _BATCH])}::pg_catalog.text[]::pg_catalog.jsonb[]"
        sql = f'SELECT {", ".join(terms)} FROM {motion.name.sql} AS "cw$t" WHERE {given} AND {landing.target_key()} = ANY ({some})'
        values += [tuple(r.values()) for r in await target.fetch(sql, what=what)]
    keys: list[Key] = []
    for start in range(0, len(values), _BATCH):
        rows = ", ".join(f"({', '.join(literal(v) for v in row)})" for row in values[start : start + _BATCH])
        among = f"{given} AND ({', '.join(terms)}) IN (VALUES {rows})"
        keys += await found.fetch(motion, moment, source, partial(_fitting_where, motion, among), what=what)
    refused = tuple(key for key in dict.fromkeys(keys) if key not in yielding)
    if refused:
        columns = tuple(c for c in rule.columns if c)
        reason = f"a row that stands in the table has the same {', '.join(columns) or 'value'}"
        bar = Barred(code="clash", reason=reason, sqlstate="23505", constraint=rule.name, columns=columns, keys=refused)
        found.add(motion.name, (bar,))


def _fitting_where(motion: Motion, condition: str, moment: Moment) -> str:
    rows = motion.fitting(EVERYTHING, moment)
    return f'SELECT {identity_texts(motion)} FROM ({rows}) AS "cw$fitting" WHERE {condition}'


def _texts(motion: Motion, rule: Together) -> list[str]:
    """The terms as texts that are equal on both sides where the values are."""
    types = {quote(f.column.name): f.column.type for f in motion.fed}
    return [
        f"({canonical(term, types[term]) if term in types else term})::pg_catalog.text" for term in rule.terms
    ]
