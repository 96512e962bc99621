"""One target table: its references, its columns, what is left, its key."""

from __future__ import annotations

from typing import Final

from crosswalk.match import coded, rules, shapes, unfed
from crosswalk.match.affinity import WORTH
from crosswalk.match.assign import assign
from crosswalk.match.homes import Link, World
from crosswalk.match.looking import Looker
from crosswalk.match.proposal import Proposal, Question, TableDraft, many
from crosswalk.match.references import derive, resolve
from crosswalk.match.settled import Settled
from crosswalk.match.shapes import Elements
from crosswalk.match.tables import Pair, fillable
from crosswalk.match.zones import Zones
from crosswalk.names import quote
from crosswalk.schema import Column, Table

_NEAR: Final = 0.45
"""From this score on a candidate is asked about where a column must be fed."""
_SHARED: Final = 0.5
"""From this overlap on two tables share more than a name, and what is open is asked."""
_UNSURE: Final = "the two tables are not surely the same thing"


async def fill(world: World, each: Pair, zones: Zones, settled: Settled) -> TableDraft:
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
        proposal, questions = _opposite(made, column) or unfed.propose(made, column, used)
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


def _opposite(made: TableDraft, column: Column) -> tuple[Proposal | None, list[Question]] | None:
    """A flag that says the opposite of one that feeds another column already (`is_closed` beside `is_open`)."""
    best = next((c for c in made.pair.of_target(column.name) if c.turned and c.score >= WORTH), None)
    if best is None or best.source.type.storage.name != "bool":
        return None
    return coded.propose(best, f"{made.target}.{column.name}", None), []


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
    """The key: the primary key where the source feeds it, else a unique key that it feeds.

    Keys that are never NULL come first, then those whose rules are certain, then short ones.
    """
    target = made.pair.target
    required = {c.name for c in target.columns if c.not_null}
    certain = {name for name, p in made.columns.items() if p.accepted} | {*made.decided}
    fed = {name for name, p in made.columns.items() if "default" not in p.rule and p.rule != {"value": None}}
    fed |= {name for name, reads in made.decided.items() if reads}

    def rank(key: tuple[str, ...]) -> tuple[bool, bool, int, tuple[str, ...]]:
        return not set(key) <= required, not set(key) <= certain, len(key), key

    keys = [k for k in (target.primary_key, *sorted(target.unique_keys, key=rank)) if k]
    made.key = made.key or next((k for k in keys if set(k) <= fed), ())
    if keys and not made.key:
        text = "the source feeds no unique key of it whole: by which columns are its rows told apart?"
        made.questions.append(Question(code="key", place=str(made.target), text=text, rank=1))
    for key in dict.fromkeys(k for k in keys if set(k) <= fed):
        await _doubled(made, key, look)


async def _doubled(made: TableDraft, key: tuple[str, ...], look: Looker) -> None:
    """A question where several source rows would claim one key of the target."""
    rules = {**made.decided} | {name: p.reads for name, p in made.columns.items()}
    reads = tuple(dict.fromkeys(c for name in key for c in rules[name]))
    source = made.pair.source
    declared = any(set(k) <= set(reads) for k in (source.primary_key, *source.unique_keys) if k)
    kinds = {c.type.storage.name for name in reads if (c := source.column(name)) is not None}
    if "duplicates" in made.answered or made.where or declared or kinds & {"json", "xml", "point"}:
        return
    doubled = await look.doubled(source, reads)
    if doubled:
        text = (
            f"{many(doubled, 'value')} of ({', '.join(reads)}) in several rows of {made.source}, and ({', '.join(key)}) is"
            " unique: which row wins (key, on_duplicate)?"
        )
        made.questions.append(Question(code="duplicates", place=str(made.target), text=text, rank=2))


def impossible(made: TableDraft) -> bool:
    """A pair that shares little more than its name, and cannot be filled: no mapping is written for it."""
    if made.pair.overlap >= _SHARED:
        return False
    return any(
        (column := made.pair.target.column(name)) is not None and unfed.required(column) for name in made.open
    ) or bool(made.pair.target.unique_keys and not made.key)


def fill_by_list(table: Table, hit: Elements, parent: TableDraft) -> TableDraft:
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
