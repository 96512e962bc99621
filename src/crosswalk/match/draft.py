"""The whole of matching: two schemas and two lookers in, a draft out.

Tables are paired on names and types, looked at, paired again; then each pair's columns are assigned,
references resolved parents first, the rest said aloud. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from crosswalk.mapping import Document
from crosswalk.match import rules, shapes, unfed
from crosswalk.match.assign import assign
from crosswalk.match.fits import misfit
from crosswalk.match.homes import Link, World
from crosswalk.match.looking import Looker
from crosswalk.match.proposal import Draft, Proposal, Question, TableDraft
from crosswalk.match.references import derive, resolve
from crosswalk.match.settled import Settled
from crosswalk.match.shapes import Elements, unnested
from crosswalk.match.tables import Pair, common_columns, fillable, pair
from crosswalk.match.zones import Zones, known
from crosswalk.names import Name, quote
from crosswalk.schema import Schema, Table

_NEAR: Final = 0.45
"""From this score on a candidate is asked about where a column must be fed."""
_UNSURE: Final = "the two tables are not surely the same thing"


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
        poor = {t.target: t.pair for t in made if not t.sure and t.target not in settled.sources and _impossible(t)}
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
    made = [await _table(world, pairs[name], zones, settled) for name in _order(world)]
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


async def _table(world: World, each: Pair, zones: Zones, settled: Settled) -> TableDraft:
    """One target table."""
    made = settled.begin(each)
    made.columns |= await _references(world, each, made)
    linked = set(made.columns) | {c for c, link in world.links(each.target).items() if link.declared}
    free = {c.name: c for c in each.source.columns if c.name not in made.taken}
    made.columns |= {name: p for name, p in shapes.split(each, free).items() if name not in made.decided}
    for column in fillable(each.target):
        candidate = each.chosen.get(column.name)
        if column.name in {*made.columns, *linked, *made.decided} or candidate is None:
            continue
        if candidate.source.name not in free:
            continue
        proposal, questions = await rules.make(world, each, candidate, zones)
        made.questions += questions
        if proposal is not None:
            made.columns[column.name] = proposal
    made.columns |= _nearest(made)
    _rest(made)
    await _keys(made, world.look)
    if made.rejects:
        world.losing.add(made.target)
    return made


def _nearest(made: TableDraft) -> dict[str, Proposal]:
    """For columns that must be fed and are not: the nearest of what is left, with a question."""
    used = {c for p in made.columns.values() for c in p.reads} | made.taken
    asked = {q.place for q in made.questions}
    scores = {
        pair: c.score
        for pair, c in made.pair.candidates.items()
        if unfed.required(c.target) and c.target.name not in {*made.columns, *made.decided}
        and c.source.name not in used and c.way == "plain" and f"{made.target}.{c.target.name}" not in asked
    }
    found = {}
    for target, source in assign(scores, least=_NEAR).items():
        text = f"it must be fed, and {source} is the nearest that is left: is it that?"
        question = Question(code="unfed.nearest", place=f"{made.target}.{target}", text=text, rank=1)
        reasons = tuple(r.split(": ", 1)[1] for r in made.pair.candidates[source, target].reasons)
        found[target] = Proposal(
            rule={"column": source}, confidence=0.4, evidence=reasons, questions=(question,), reads=(source,)
        )
    return found


async def _references(world: World, each: Pair, made: TableDraft) -> dict[str, Proposal]:
    """Rules for the columns that refer to other tables."""
    found: dict[str, Proposal] = {}
    unknown: dict[str, tuple[Link, list[Question]]] = {}
    for name, link in world.links(each.target).items():
        if name in made.decided or (not link.declared and name not in each.chosen):
            continue
        proposal, questions = await resolve(world, each, link)
        if proposal is None:
            unknown[name] = (link, questions)
        else:
            found[name] = proposal if link.declared else proposal.doubted("no foreign key says that it refers there")
    for name, (link, questions) in unknown.items():
        made_up = derive(each, link, found, world) if link.declared else None
        if made_up is not None:
            found[name] = made_up
        else:
            made.questions += questions
            if not link.declared:
                found |= _by_name(each, name)
    return found


def _by_name(each: Pair, name: str) -> dict[str, Proposal]:
    """A column that is used as a reference elsewhere, taken by its name, and doubted."""
    column = each.chosen[name].source.name
    said = "the name agrees; whether the values mean the same is not known"
    return {name: Proposal(rule={"column": column}, confidence=0.5, evidence=(said,), reads=(column,))}


def _rest(made: TableDraft) -> None:
    """What nothing feeds and what has no place; doubts where the tables are not surely one."""
    used = frozenset(c for p in made.columns.values() for c in p.reads) | made.taken
    asked = {q.place for q in made.questions}
    for column in fillable(made.pair.target):
        if column.name in {*made.columns, *made.decided} or unfed.made_by_target(column):
            continue
        if f"{made.target}.{column.name}" in asked:
            continue
        proposal, questions = unfed.propose(made, column, used)
        made.questions += questions
        if proposal is not None:
            made.columns[column.name] = proposal
    made.open = tuple(
        c.name
        for c in fillable(made.pair.target)
        if c.name not in {*made.columns, *made.decided} and not unfed.made_by_target(c)
    )
    if not made.sure:
        made.columns = {name: p.doubted(_UNSURE) for name, p in made.columns.items()}
    order = {c.name: i for i, c in enumerate(made.pair.target.columns)}
    made.columns = dict(sorted(made.columns.items(), key=lambda item: order[item[0]]))
    made.undecided = tuple(c.name for c in made.pair.source.columns if c.name not in used and c.name not in made.drop)
    made.rejects = made.rejects or any(_sets_aside(p) for p in made.columns.values())


def _sets_aside(proposal: Proposal) -> bool:
    """Whether rows that do not fit were seen, or the rule says what becomes of them."""
    rule = proposal.rule
    return bool(
        rule.get("lookup", {}).get("missing") == "quarantine"
        or rule.get("else") == "quarantine"
        or "agree" in rule
        or any(q.code == "misfit" for q in proposal.questions)
    )


async def _keys(made: TableDraft, look: Looker) -> None:
    """The key: the primary key where the source feeds it, else the first unique key that it feeds."""
    target = made.pair.target
    if made.settled:
        return
    fed = {name for name, p in made.columns.items() if "default" not in p.rule and p.rule != {"value": None}}
    keys = [k for k in (target.primary_key, *sorted(target.unique_keys, key=lambda k: (len(k), k))) if k]
    made.key = next((k for k in keys if set(k) <= fed), ())
    if keys and not made.key:
        text = "the source feeds no unique key of it whole: by which columns are its rows told apart?"
        made.questions.append(Question(code="key", place=str(made.target), text=text, rank=1))
    for key in dict.fromkeys(k for k in keys if set(k) <= fed):
        await _doubled(made, key, look)


async def _doubled(made: TableDraft, key: tuple[str, ...], look: Looker) -> None:
    """A question where several source rows would claim one key of the target."""
    reads = tuple(dict.fromkeys(c for name in key for c in made.columns[name].reads))
    source = made.pair.source
    if made.where or any(set(k) <= set(reads) for k in (source.primary_key, *source.unique_keys) if k):
        return
    if not all((c := source.column(name)) is not None and c.type.storage.name not in {"json", "xml", "point"} for name in reads):
        return
    doubled = await look.doubled(source, reads)
    if doubled:
        text = (
            f"{doubled} values of ({', '.join(reads)}) stand in several rows of {made.source}, and ({', '.join(key)}) is"
            " unique: which row wins (key, on_duplicate)?"
        )
        made.questions.append(Question(code="duplicates", place=str(made.target), text=text, rank=2))


def _impossible(made: TableDraft) -> bool:
    """A pair that shares little more than its name, and cannot be filled: no mapping is written for it."""
    return any(
        (column := made.pair.target.column(name)) is not None and unfed.required(column) for name in made.open
    ) or bool(made.pair.target.unique_keys and not made.key)


def _lists(target: Schema, made: Sequence[TableDraft], settled: Settled) -> list[TableDraft]:
    """Target tables of one row for each element of a list."""
    drafts = {t.target: t for t in made}
    found = []
    for table in target.roots:
        if table.name not in drafts and table.name not in settled.closed_targets:
            hit = unnested(table, {name: t.pair for name, t in drafts.items()})
            found += [_list(table, hit, drafts[hit.parent.target.name])] if hit is not None else []
    return found


def _list(table: Table, hit: Elements, parent: TableDraft) -> TableDraft:
    """The parent's source once more, a row for each element."""
    source = hit.parent.source
    each = Pair(source=source, target=table, name=0.0, overlap=0.0, candidates={}, profiles=hit.parent.profiles)
    made = TableDraft(pair=each, sure=False, rejects=True, of_list=hit.items.name)
    fed = parent.columns.get(hit.take)
    match = {name: name for name in source.row_identity}
    rule = {"lookup": {"table": str(source.name), "match": match, "take": hit.take}}
    if fed is not None and "column" in fed.rule:
        rule = dict(fed.rule)
    said = (f"{hit.reference.name} refers to the row of {parent.target} that the same row of {source.name} becomes",)
    made.columns[hit.reference.name] = Proposal(rule=rule, confidence=0.85, evidence=said, reads=tuple(match))
    text = f"the elements of {hit.items.name} are what {hit.column.name} is called"
    made.columns[hit.column.name] = Proposal(
        rule={"unnest": hit.items.name}, confidence=0.85, evidence=(text,), reads=(hit.items.name,)
    )
    _rest(made)
    made.where = (f"pg_catalog.cardinality({quote(hit.items.name)}) > 0", f"a row without {hit.items.name} has no line here")
    keys = [k for k in (table.primary_key, *table.unique_keys) if k and set(k) <= set(made.columns)]
    made.key = keys[0] if keys else ()
    placed = {c for p in parent.columns.values() for c in p.reads} | parent.taken
    made.drop = {name: f"it goes to {parent.target}" for name in made.undecided if name in placed}
    made.undecided = tuple(name for name in made.undecided if name not in made.drop)
    return made


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
    questions = [q for t in tables for q in _of_table(t)]
    questions += [_of_target(t, near, t.name in occupied, str(t.name) in target_look.unseen) for t in without]
    questions += [_of_source(name, target) for name in lonely]
    questions += [
        Question(code="table.occupied", place=str(t.target), text="it holds rows already: refuse, keep or update them?",
                 offer="existing: keep", rank=2)
        for t in tables if t.target in occupied and not t.settled
    ]
    order = {str(t.target): i for i, t in enumerate(tables)}
    return Draft(
        tables=tuple(tables),
        questions=tuple(sorted(questions, key=lambda q: (q.rank, _rank(q, order), q.place, q.code))),
        unmapped_sources=tuple(sorted(lonely)), unmapped_targets=tuple(sorted(t.name for t in without)),
        unseen=dict(sorted((source_look.unseen | target_look.unseen).items())), near=near,
    )


def _rank(question: Question, order: Mapping[str, int]) -> int:
    return next((i for name, i in order.items() if question.place == name or question.place.startswith(f"{name}.")), 9999)


def _of_table(table: TableDraft) -> list[Question]:
    found = list(table.questions)
    if table.of_list and not table.settled:
        text = f"one row for each element of {table.of_list} of {table.source}: is that what it holds?"
        found.append(Question(code="table.list", place=str(table.target), text=text, rank=2))
    elif not table.sure and not table.settled:
        text = f"is {table.source} the same thing? name {table.pair.name:.2f}, columns {table.pair.overlap:.2f}"
        found.append(Question(code="table.unsure", place=str(table.target), text=text, rank=1))
    found += [q for p in table.columns.values() for q in p.questions]
    return found + unfed.left_over(table)


def _of_target(table: Table, near: Mapping[Name, Pair], occupied: bool, unseen: bool) -> Question:
    place = str(table.name)
    like = near.get(table.name)
    said = f"{like.source.name} shares its name and little else; " if like is not None else ""
    if occupied or unseen:
        rows = "it holds rows" if occupied else "it may hold rows"
        text = f"{said}{rows} and nothing of the source feeds it: preserve it?"
        return Question(code="table.preserve", place=place, text=text, offer=f"preserve: {{{place}: reason}}", rank=1)
    text = f"{said}nothing of the source feeds it: leave it empty?"
    offer = f"ignore: {{target: {{{place}: reason}}}}"
    return Question(code="table.unfed", place=place, text=text, offer=offer, rank=5)


def _of_source(name: Name, target: Schema) -> Question:
    text = "nothing of the target takes its rows: leave them behind?"
    return Question(
        code="table.left", place=str(name), text=text, offer=f"ignore: {{source: {{{name}: reason}}}}", rank=5
    )
