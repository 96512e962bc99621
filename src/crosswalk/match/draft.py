"""The whole of matching: two schemas and two lookers in, a draft out.

Tables are paired on names and types, looked at, paired again; then each pair's columns are assigned,
references resolved parents first, the rest said aloud. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from crosswalk.mapping import Document
from crosswalk.match import shapes
from crosswalk.match.asking import of_source, of_table, of_target
from crosswalk.match.columns import fill, fill_by_list, impossible
from crosswalk.match.fits import misfit
from crosswalk.match.grouping import grouped
from crosswalk.match.homes import World
from crosswalk.match.looking import Looker
from crosswalk.match.proposal import Draft, TableDraft
from crosswalk.match.settled import Settled
from crosswalk.match.shapes import unnested
from crosswalk.match.tables import Pair, common_columns, pair
from crosswalk.match.zones import Zones, known
from crosswalk.names import Name
from crosswalk.schema import Schema


async def draft(
    source: Schema, target: Schema, source_look: Looker, target_look: Looker, decided: Document | None = None
) -> Draft:
    """Everything that two databases say about how one goes into the other; what a person decided stands."""
    settled = Settled(document=decided)
    pairs = await _look(source, target, source_look, settled)
    zones = await known([*pairs.values()], source_look)
    near: dict[Name, Pair] = {}
    while True:
        made = await _tables(pairs, target, source_look, zones, settled)
        poor = {t.target: t.pair for t in made if not t.sure and t.target not in settled.sources and impossible(t)}
        if not poor:
            break
        near |= poor
        pairs = {name: each for name, each in pairs.items() if name not in poor}
    return await _whole(source, target, made, near, source_look, target_look, settled)


async def _tables(
    pairs: Mapping[Name, Pair], target: Schema, look: Looker, zones: Zones, settled: Settled
) -> list[TableDraft]:
    """A draft for each pair, parents first, then for the tables that lists become."""
    world = World(target=target, pairs=pairs, look=look)
    world.repeated = {name: await shapes.repeated(each, look) for name, each in pairs.items()}
    world.losing |= {name for name, each in pairs.items() if _loses(each)}
    world.losing |= {n for n, found in world.repeated.items() if any(r.same < r.both for r in found.values())}
    made = [await fill(world, pairs[name], zones, settled) for name in _order(world)]
    return made + _lists(target, made, settled)


async def _look(source: Schema, target: Schema, look: Looker, settled: Settled) -> dict[Name, Pair]:
    """The pairs, compared again with what the values say."""
    commons = common_columns([source, target])
    found = {}
    for name, (here, there) in sorted(settled.pairs(source, target).items()):
        profiles = await look.profile(here)
        found[name] = pair(here, there, commons, target, profiles)
    return found


def _loses(each: Pair) -> bool:
    """Whether values were seen that will not fit, so that their rows will not land."""
    return any(
        misfit(each.profiles.get(c.source.name), c.source, c.target) for c in each.chosen.values() if c.way == "plain"
    )


def _order(world: World) -> list[Name]:
    """Parents first, else by name; where references lie in a circle, by name."""
    below: dict[Name, list[Name]] = {name: [] for name in world.pairs}
    waits: dict[Name, int] = {}
    for name, each in world.pairs.items():
        above = {link.parent for link in world.links(each.target).values()} & world.pairs.keys() - {name}
        waits[name] = len(above)
        for parent in above:
            below[parent].append(name)
    free = sorted(name for name, count in waits.items() if not count)
    order: dict[Name, None] = {}
    while len(order) < len(waits):
        name = heappop(free) if free else min(n for n in waits if n not in order)
        if name in order:
            continue
        order[name] = None
        for child in below[name]:
            waits[child] -= 1
            if not waits[child]:
                heappush(free, child)
    return list(order)


def _lists(target: Schema, made: Sequence[TableDraft], settled: Settled) -> list[TableDraft]:
    """Target tables of one row for each element of a list."""
    drafts = {t.target: t for t in made}
    found = []
    for table in target.roots:
        if table.name not in drafts and table.name not in settled.closed_targets:
            hit = unnested(table, {name: t.pair for name, t in drafts.items()})
            found += [fill_by_list(table, hit, drafts[hit.parent.target.name])] if hit is not None else []
    return found


async def _whole(
    source: Schema, target: Schema, tables: list[TableDraft], near: Mapping[Name, Pair], source_look: Looker,
    target_look: Looker, settled: Settled,
) -> Draft:
    """The draft, with what nobody has decided."""
    mapped = {t.source for t in tables} | settled.closed_sources
    done = {d.target for d in tables} | settled.closed_targets
    without = [t for t in target.roots if t.name not in done]
    lonely = [t.name for t in source.roots if t.name not in mapped]
    occupied = await target_look.holds_rows([t for t in target.roots if t.name not in settled.closed_targets])
    asked = [(i, q) for i, t in enumerate(tables) for q in of_table(t, occupied=t.target in occupied)]
    asked += [
        (len(tables), of_target(t, near, occupied=t.name in occupied, unseen=str(t.name) in target_look.unseen))
        for t in without
    ]
    asked += [(len(tables), of_source(name)) for name in lonely]
    asked.sort(key=lambda each: (each[1].rank, each[0], each[1].place, each[1].code))
    return Draft(
        tables=tuple(tables),
        questions=tuple(grouped([question for _, question in asked])),
        unmapped_sources=tuple(sorted(lonely)), unmapped_targets=tuple(sorted(t.name for t in without)),
        unseen=dict(sorted((source_look.unseen | target_look.unseen).items())), near=near,
    )
