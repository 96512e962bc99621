"""Adds the foreign keys that were dropped for the load; rows that violate one go to quarantine.

So do rows that refer to one which the second passage refused: a row is loaded or in quarantine, never both.

A row whose parent did not fit is left without one. It is taken out of the target and set aside, and
so in turn are the rows that refer to it, children first. All of that is one transaction in which the
tables can be read only, and in which no key that was dropped stands: one that cascades would act. A
row that is not ours to take out (of a table that is not mapped, say) stops the run, and nothing goes.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from crosswalk import apply
from crosswalk.accounts import fill_accounts
from crosswalk.copy.quarantine import Refusal, quarantine_refused
from crosswalk.crew import settle_down
from crosswalk.errors import RowsRefused, RowsStay, RowsWithoutSource, StatementFailed, StillReferredTo, Timeout
from crosswalk.express import (
    EVERYTHING,
    SEED,
    Doomed,
    Edge,
    Key,
    Landing,
    Motion,
    foreign_edges,
    reference_edges,
)
from crosswalk.express.casts import row_hash
from crosswalk.failpoints import hit
from crosswalk.ledger import Held, Tally, former
from crosswalk.names import Name, array_literal, quote
from crosswalk.outlook import building
from crosswalk.stage import Stage

_KEY: Final = files("crosswalk.ledger").joinpath("foreign_key.sql")
_PROBE: Final = Name("crosswalk", "cw_probe")
_PERIOD: Final = ", PERIOD "
"""In a key over time (PostgreSQL 18) rows refer to what they lie within: which violate it, only the server can say."""
_BATCH: Final = 20_000
_WHAT: Final = "the rows that refer to nothing"


async def add_keys(stage: Stage, tallies: list[Tally]) -> None:
    """Add every foreign key that is held; corrects the tallies of tables that lost rows by it.

    Raises StillReferredTo, RowsWithoutSource, RowsStay, and RowsRefused where the document wants no row set aside.
    """
    held = [h for h in await stage.ledger.held() if h.kind == "foreign key"]
    while True:
        try:
            for each in held:
                await apply.let_stand(stage.ledger.session, each, _told(each))
            await _validate(stage, held)
            return
        except StatementFailed as error:
            if error.fields["sqlstate"] != "23503" or not await _patiently(stage, held, tallies):
                raise


async def _validate(stage: Stage, held: Iterable[Held]) -> None:
    """Tables side by side, the keys of one after another: a table lets itself be validated by one session at a time.

    All of them stand by now: adding one wants tables to itself that another is validated on. Raises the first failure, once all
    have ended.
    """
    by_table: defaultdict[Name, list[Held]] = defaultdict(list)
    for each in held:
        by_table[each.target].append(each)
    urgency = stage.urgency(n for n in by_table if n in stage.facts.document.by_target)
    works = (_validate_table(stage, keys, urgency.get(name, len(urgency))) for name, keys in by_table.items())
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _validate_table(stage: Stage, keys: Iterable[Held], urgency: int) -> None:
    async with stage.crew.pair(urgency) as pair:
        await settle_down(pair.target)
        for each in keys:
            with building(stage.observer, each.target, each.name):
                await apply.validate_key(pair.target, each, _told(each))


def _told(held: Held) -> str:
    return f"the foreign key {held.name} of {held.target}"


async def take_out(stage: Stage, tallies: list[Tally]) -> None:
    """Take rows out of the target that the second passage refused, and set aside what refers to them; raises as `add_keys`.

    They are in quarantine with their reason already; `misfits` come there now.
    """
    if stage.leaving or stage.misfits:
        held = [h for h in await stage.ledger.held() if h.kind == "foreign key"]
        names = {*stage.leaving, *stage.misfits}
        leaving = {n: [*stage.leaving.get(n, []), *stage.misfits.get(n, {})] for n in names}
        await _patiently(stage, held, tallies, leaving=leaving)
        stage.leaving, stage.misfits = {}, {}


async def _patiently(
    stage: Stage, held: list[Held], tallies: list[Tally], *, leaving: Mapping[Name, list[str]] | None = None
) -> int:
    """Set rows aside, again where a lock was not to be had; returns how many left the target."""
    for attempt in range(apply.TRIES):
        try:
            async with stage.ledger.session.transaction():
                lost = await _set_aside(stage, held, leaving)
                hit("orphans.before_commit")
            break
        except Timeout:
            if attempt == apply.TRIES - 1:
                raise
            await asyncio.sleep(0.3 * 2**attempt)
    await _correct(stage, tallies, lost)
    return sum(each.written for each in lost.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """What a table lost."""

    sources: int
    """Source rows that are in quarantine now and were not before."""
    written: int
    """Target rows."""
    leaving: int
    """Target rows that were counted as quarantined before."""


async def _correct(stage: Stage, tallies: list[Tally], lost: Mapping[Name, _Lost]) -> None:
    for i, tally in enumerate(tallies):
        gone = lost.get(tally.target)
        if gone is None:
            continue
        if Motion(stage.facts, tally.target).unnests:
            tallies[i] = await fill_accounts(stage, tally.target)
            continue
        tallies[i] = replace(
            tally,
            loaded=tally.loaded - gone.sources,
            quarantined=tally.quarantined + gone.sources,
            written=tally.written - gone.written,
        )
        await stage.account(tallies[i], stage.ledger)


# --- what refers to what ------------------------------------------------------------------------


async def _edge(stage: Stage, held: Held) -> Edge:
    """A held key, as the server itself reads it: on a table that is made for the purpose and taken back."""
    session, what = stage.ledger.session, _told(held)
    own = f"ALTER TABLE {held.target.sql} "
    await session.execute(f"SAVEPOINT cw_probe; CREATE TABLE {_PROBE.sql} (LIKE {held.target.sql})", what=what)
    await session.execute(f"ALTER TABLE {_PROBE.sql} {held.restore.removeprefix(own)}", what=what)
    row = await session.fetchrow(_KEY.read_text(), _PROBE.sql, held.name, what=what)
    await session.execute("ROLLBACK TO SAVEPOINT cw_probe; RELEASE SAVEPOINT cw_probe", what=what)
    assert row is not None
    return Edge(
        name=held.name,
        table=held.target,
        columns=tuple(row["columns"]),
        parent=Name(row["schema"], row["relation"]),
        referenced=tuple(row["referenced"]),
        full="MATCH FULL" in held.restore,
    )


def _reach(edges: list[Edge], start: set[Name], mapped: set[Name]) -> list[Edge]:
    """The edges by which a row of one of the tables may be referred to, directly or not."""
    tables = set(start)
    while True:
        more = {e.table for e in edges if e.parent in tables and e.table in mapped} - tables
        if not more:
            return [e for e in edges if e.parent in tables]
        tables |= more


async def _set_aside(
    stage: Stage, held: list[Held], leaving: Mapping[Name, list[str]] | None
) -> dict[Name, _Lost]:
    """Move the rows that refer to nothing, and those that refer to them, into quarantine; in the caller's transaction.

    Where rows are `leaving`, only those that refer to them: what refers to nothing is asked when the keys are added.
    """
    session = stage.ledger.session
    for each in held:
        drop = f"ALTER TABLE {each.target.sql} DROP CONSTRAINT IF EXISTS {quote(each.name)}"
        await session.execute(drop, what=_told(each))
    own = [await _edge(stage, each) for each in held if _PERIOD not in each.restore]
    known = {(e.table, e.name) for e in own}
    others = [e for e in foreign_edges(stage.facts) if (e.table, e.name) not in known]
    edges = [*own, *others, *reference_edges(stage.facts)]
    mapped = set(stage.facts.document.by_target)
    start = {e.table for e in own} if leaving is None else set(leaving)
    near = _reach(edges, start, mapped)
    tables = sorted(start | {e.table for e in near if e.table in mapped})
    if not tables:
        return {}
    names = ", ".join(t.sql for t in tables)
    await session.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE", what=_WHAT)
    first = own if leaving is None else []
    await _doom(stage, edges, first, [e for e in near if e.table in mapped], leaving or {})
    for edge in near:
        if edge.table not in mapped:
            rows = int(await session.fetchval(Doomed.foreign(edge), what=f"the rows of {edge.table}"))
            if rows:
                raise StillReferredTo(rows=rows, table=edge.table, key=edge.name, parent=edge.parent)
    found = {}
    for name in tables:
        lost = await _quarantine(stage, name, edges)
        if lost is not None:
            found[name] = lost
    await _remove(stage, found)
    return found


async def _remove(stage: Stage, found: Mapping[Name, _Lost]) -> None:
    """Delete what is doomed, children first, so that no foreign key has anything to do. Raises RowsStay."""
    for name in reversed([n for n in stage.order if n in found]):
        tag = await stage.ledger.session.execute(Doomed.remove(name), what=_WHAT)
        gone = int(tag.rpartition(" ")[2])
        expected = found[name].written + found[name].leaving
        if gone != expected:
            raise RowsStay(rows=expected, table=name, gone=gone)
        await former.note_came(stage.ledger.session, stage.run, name, -gone)


async def _doom(
    stage: Stage, edges: list[Edge], own: list[Edge], near: list[Edge], leaving: Mapping[Name, list[str]]
) -> None:
    """Collect the rows that must go, to a fixed point."""
    session = stage.ledger.session
    landings = {n: Landing(Motion(stage.facts, n)) for n in (*leaving, *(e.table for e in (*own, *near)))}
    await session.execute(Doomed.make, what=_WHAT)
    for name, keys in leaving.items():
        await session.execute(Doomed.chosen(landings[name]), keys, what=_WHAT)
    for edge in own:
        await session.execute(Doomed.without_parent(landings[edge.table], edge, edges.index(edge)), what=_WHAT)
    more = True
    while more:
        more = False
        for edge in near:
            sql = Doomed.following(landings[edge.table], edge, edges.index(edge))
            more |= not (await session.execute(sql, what=_WHAT)).endswith(" 0")


# --- into quarantine ----------------------------------------------------------------------------


async def _quarantine(stage: Stage, name: Name, edges: list[Edge]) -> _Lost | None:
    """Set a table's doomed rows aside; None where there are none. Raises RowsWithoutSource, RowsRefused."""
    session, motion = stage.ledger.session, Motion(stage.facts, name)
    rows = await session.fetch(Doomed.rows(), str(name), what=_WHAT)
    if not rows:
        return None
    misfits = stage.misfits.get(name, {})
    told = [str(r["k"]) for r in rows if r["number"] == SEED and r["k"] not in misfits]
    await _forget_target_keys(stage, name, told)
    rows = [r for r in rows if r["number"] != SEED or r["k"] in misfits]
    why = {str(r["k"]): misfits.get(r["k"]) or _refusal(edges[r["number"]]) for r in rows}
    sources = await _sources(stage, motion, list(why)) if rows else {}
    foreign = sum(1 for r in rows if r["kept"] or r["k"] not in sources)
    if foreign:
        raise RowsWithoutSource(rows=foreign, table=name)
    refused = {key: why[k] for k, keys in sources.items() for key in keys}
    if motion.mapping.rejects == "fail":
        reasons = "; ".join(sorted({r.message for r in refused.values()})[:3])
        raise RowsRefused(rows=len(refused), source=motion.source.name, table=name, reasons=reasons)
    before = len(await stage.ledger.quarantined_keys(name))
    await quarantine_refused(motion, stage.run, stage.snapshot.keeper, session, refused)
    await session.execute(
        "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND source_key = ANY ($2::text[]::jsonb[])",
        str(name),
        [json.dumps(key) for key in refused],
        what="the key map",
    )
    return _Lost(sources=len(await stage.ledger.quarantined_keys(name)) - before, written=len(rows), leaving=len(told))


async def _forget_target_keys(stage: Stage, name: Name, keys: list[str]) -> None:
    if keys:
        await stage.ledger.session.execute(
            "DELETE FROM crosswalk.key_map WHERE target_table = $1 AND target_key = ANY ($2::text[]::jsonb[])",
            str(name),
            keys,
            what="the key map",
        )


def _refusal(edge: Edge) -> Refusal:
    return Refusal(
        sqlstate="23503",
        message=f"the row that it refers to is not in {edge.parent}",
        constraint=edge.name,
        column=", ".join(edge.columns),
    )


async def _sources(stage: Stage, motion: Motion, target_keys: list[str]) -> dict[str, list[Key]]:
    """The fitting source rows of some target keys, by target key."""
    key = motion.target_key_json()
    if not motion.mapping.key:
        key = f"pg_catalog.jsonb_build_array(({row_hash(motion.image())})::pg_catalog.text)"
    listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in motion.key_wires)
    fitting = f'SELECT {key} AS "cw$key", {listed} FROM ({motion.fitting(EVERYTHING, stage.moment)}) AS "cw$fitting"'
    found: defaultdict[str, list[Key]] = defaultdict(list)
    for start in range(0, len(target_keys), _BATCH):
        wanted = array_literal(target_keys[start : start + _BATCH])
        rows = await stage.snapshot.keeper.fetch(
            f'SELECT "cw$key"::pg_catalog.text, * FROM ({fitting}) AS "cw$keyed"'
            f' WHERE "cw$key" = ANY ({wanted}::pg_catalog.text[]::pg_catalog.jsonb[])',
            what=_WHAT,
        )
        for row in rows:
            text, _, *parts = row.values()
            found[str(text)].append(tuple(str(p) for p in parts))
    return found
