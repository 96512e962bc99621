"""What a reference really holds: in which column of the parent's source its values live.

A column's name and type say nothing of it: `company_id` may hold companies.id on one side and a
vendor's number on the other. So the values are looked for (`homes`). Where they live in the column
that feeds the parent's id the column is taken as it is; where they live in another key of the parent
it becomes a lookup; where they live in both or in neither a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from crosswalk.match.homes import LIVES, Found, Link, World, find, foreign, named
from crosswalk.match.looking import Contained
from crosswalk.match.proposal import Proposal, Question, many
from crosswalk.match.tables import Pair
from crosswalk.match.yamltext import flow
from crosswalk.names import quote
from crosswalk.schema import Column

ALIEN: Final = 0.5
"""Up to this share, what is found there is chance."""
ENOUGH: Final = 5
"""Different values from which on an inclusion is no chance."""


async def resolve(world: World, pair: Pair, link: Link) -> tuple[Proposal | None, list[Question]]:
    """A rule for a reference, or questions."""
    place = f"{pair.target.name}.{link.column.name}"
    parent = world.pairs.get(link.parent)
    if parent is None:
        text = f"it refers to {link.parent}, which no source table feeds: from where do its values come?"
        return None, [Question(code="reference.parent", place=place, text=text, rank=2)]
    declared = _declared(world, pair, parent, link)
    if declared is not None:
        return _taken(world, pair, link, parent, declared), []
    found, looked = await find(world, pair, link, parent)
    if not found:
        whole = await _by_composite(world, pair, link, parent)
        return (whole, []) if whole is not None else (None, [_nothing(pair, link, parent, looked)])
    return await _decide(world, pair, link, parent, found)


def _declared(world: World, pair: Pair, parent: Pair, link: Link) -> Column | None:
    """The source column that has a foreign key to the column that feeds the parent's id."""
    feeding = parent.chosen.get(link.take)
    if feeding is None:
        return None
    claims = world.claims(pair)
    for key in pair.source.foreign_keys:
        if key.references == parent.source.name and key.referenced_columns == (feeding.source.name,):
            column = pair.source.column(key.columns[0])
            if column is not None and claims.get(column.name) == link.column.name:
                return column
    return None


def _nothing(pair: Pair, link: Link, parent: Pair, looked: int) -> Question:
    what = f"{link.parent}.{link.take}"
    if looked:
        text = f"it refers to {what}; no column like it holds values of a key of {parent.source.name}"
    else:
        text = f"it refers to {what}; no column of {pair.source.name} was found that says which row is meant"
    return Question(code="reference.unknown", place=f"{pair.target.name}.{link.column.name}", text=text, rank=1)


def _taken(world: World, pair: Pair, link: Link, parent: Pair, column: Column) -> Proposal:
    """The source has the same reference, by a foreign key of its own."""
    feeding = parent.chosen[link.take].source.name
    evidence = (f"a foreign key of {pair.source.name} leads to {parent.source.name}.{feeding}, which feeds {link.take}",)
    alone = len(foreign(pair, parent)) == 1
    name = named(pair, link, parent, column)
    sure = parent.sure and link.declared and (name >= 0.95 or (alone and name >= 0.8))
    made = _as_it_is(world, link, parent, column.name, feeding, 0.97 if sure else 0.85, evidence)
    if name >= 0.5 or alone:
        return made
    text = f"{column.name} is the reference to {parent.source.name} that is left: is {link.column.name} that?"
    asked = Question(code="reference.which", place=f"{pair.target.name}.{link.column.name}", text=text, rank=1)
    return replace(made, confidence=0.6, questions=(asked,))


def _as_it_is(
    world: World, link: Link, parent: Pair, column: str, feeding: str, confidence: float, evidence: tuple[str, ...]
) -> Proposal:
    """The column itself; by a lookup where rows of the parent are set aside, so that theirs are too."""
    if link.parent not in world.losing:
        return Proposal(rule={"column": column}, confidence=confidence, evidence=evidence, reads=(column,))
    rule = _rule(parent, {feeding: column}, link.take)
    why = f"some rows of {parent.source.name} will not fit: a lookup sets aside those that refer to them"
    return Proposal(rule=rule, confidence=confidence, evidence=(*evidence, why), reads=(column,))


def _rule(parent: Pair, match: Mapping[str, Any], take: str) -> dict[str, Any]:
    return {
        "lookup": {"table": str(parent.source.name), "match": dict(match), "take": take, "missing": "quarantine"}
    }


async def _by_composite(world: World, pair: Pair, link: Link, parent: Pair) -> Proposal | None:
    """A key of several columns that stand in the child under the same names."""
    for key in sorted((k for k in (parent.source.primary_key, *parent.source.unique_keys) if len(k) > 1), key=len):
        own = [pair.source.column(name) for name in key]
        if not all(own) or pair.source.name == parent.source.name:
            continue
        value, there = (
            "pg_catalog.jsonb_build_array(" + ", ".join(f"({side}.{quote(c)})::pg_catalog.text" for c in key) + ")"
            for side in ("c", "p")
        )
        shares = await world.look.contained(pair.source, value, [(parent.source, there)])
        if shares and shares[0].values and shares[0].share >= LIVES:
            said = _counted(shares[0], f"{parent.source.name} ({', '.join(key)})")
            sure = 0.96 if shares[0].whole and shares[0].values >= ENOUGH and link.declared and parent.sure else 0.85
            rule = _rule(parent, {name: name for name in key}, link.take)
            return Proposal(
                rule=rule, confidence=sure, reads=key, evidence=(said, "together they are a key there, by these names"),
                questions=() if shares[0].whole else (_missing(pair, parent, link, shares[0]),),
            )
    return None


def _counted(share: Contained, where: str) -> str:
    if share.whole:
        many = f"all {share.values} different values stand" if share.values > 1 else "its only value stands"
        return f"{many} in {where}"
    return f"{share.found} of {share.values} different values stand in {where}"


def _missing(pair: Pair, parent: Pair, link: Link, share: Contained) -> Question:
    lost = many(share.rows - share.rows_found, "row")
    text = (
        f"{share.values - share.found} of {share.values} different values ({lost}) lead to no row of"
        f" {parent.source.name}: set such rows aside (missing: quarantine), leave the reference empty (null), or stop (fail)?"
    )
    return Question(
        code="reference.missing", place=f"{pair.target.name}.{link.column.name}", text=text, rank=3,
        detail=f"{share.values - share.found} of {share.values} values, {lost}",
        theme="some values lead to no row: set such rows aside (missing: quarantine), leave the reference empty (null),"
        " or stop (fail)?",
    )


async def _decide(
    world: World, pair: Pair, link: Link, parent: Pair, found: Sequence[Found]
) -> tuple[Proposal | None, list[Question]]:
    best = found[0]
    place = f"{pair.target.name}.{link.column.name}"
    if best.share.share < LIVES:
        text = (
            f"of {best.share.values} different values of {pair.source.name}.{best.operand.column.name} only"
            f" {best.share.found} stand in {parent.source.name}.{best.home.column.name}: what do they mean?"
        )
        return None, [Question(code="reference.unsure", place=place, text=text, rank=1)]
    same = [f for f in found if f.operand is best.operand]
    at_id = next((f for f in same if f.home.feeds), None)
    others = [f for f in same if not f.home.feeds and f.share.share >= LIVES]
    if at_id is not None and others and _by_chance(at_id.share, others[0].share):
        at_id = None
    if at_id is not None and at_id.share.share >= LIVES and others and others[0].share.found > at_id.share.found:
        elsewhere = await _elsewhere(world, pair, link, parent, others[0])
        asked = Question(code="reference.both", place=place, text=_both(at_id, others, parent), rank=1)
        return replace(elsewhere, confidence=0.6, questions=(asked, *elsewhere.questions)), []
    if at_id is not None and at_id.share.share >= LIVES:
        return _at_id(world, pair, link, parent, at_id, others), []
    return await _elsewhere(world, pair, link, parent, others[0] if others else best), []


def _by_chance(there: Contained, elsewhere: Contained) -> bool:
    """Whether only few of the values are in the one, many of them in the other: keys of two kinds may meet."""
    return there.found <= ALIEN * there.values and elsewhere.found > there.found


def _at_id(
    world: World, pair: Pair, link: Link, parent: Pair, here: Found, others: Sequence[Found]
) -> Proposal:
    feeding, column = here.home.column.name, here.operand.column.name
    evidence = (_counted(here.share, f"{parent.source.name}.{feeding}, which feeds {link.take}"),)
    if not isinstance(here.operand.rule, str):
        rule = _rule(parent, {feeding: here.operand.rule}, link.take)
        return Proposal(
            rule=rule, confidence=0.7, evidence=evidence, reads=(column,), questions=(_of_list(pair, link, here),)
        )
    sure = link.declared and here.share.whole and here.share.values >= ENOUGH and here.operand.name >= 0.8 and parent.sure
    made = _as_it_is(world, link, parent, column, feeding, 0.96 if sure and not others else 0.8, evidence)
    if others:
        text = _both(here, others, parent)
        offer = flow({link.column.name: _rule(parent, {others[0].home.column.name: column}, link.take)})[1:-1]
        question = Question(
            code="reference.both", place=f"{pair.target.name}.{link.column.name}", text=text, offer=offer, rank=1
        )
        return replace(made, confidence=0.5, questions=(question,))
    if not here.share.whole:
        return Proposal(
            rule=_rule(parent, {feeding: column}, link.take), confidence=0.85, evidence=evidence, reads=(column,),
            questions=(_missing(pair, parent, link, here.share),),
        )
    return made


def _both(here: Found, others: Sequence[Found], parent: Pair) -> str:
    names = ", ".join(f"{parent.source.name}.{o.home.column.name} ({o.share.found})" for o in others)
    return (
        f"of {here.share.values} different values of {here.operand.column.name} {here.share.found} stand in"
        f" {parent.source.name}.{here.home.column.name}, and as many or more in {names}: which is meant?"
    )


def _of_list(pair: Pair, link: Link, here: Found) -> Question:
    text = f"{here.operand.column.name} is a list and {link.column.name} one value: is its first element the right one?"
    return Question(code="reference.list", place=f"{pair.target.name}.{link.column.name}", text=text, rank=3)


async def _elsewhere(world: World, pair: Pair, link: Link, parent: Pair, here: Found) -> Proposal:
    """The values live in another key of the parent: a lookup."""
    match, partners, companions = {here.home.column.name: here.operand.rule}, here.home.partners, [here.operand.column.name]
    evidence = [_counted(here.share, f"{parent.source.name}.{here.home.column.name}")]
    if here.at_id is not None:
        there = f"{here.at_id.found or 'none'} in {parent.source.name}.{_feeding(parent, link)}, which feeds {link.take}"
        evidence.append(there)
    for name in partners:
        if pair.source.column(name) is not None and pair.source.name != parent.source.name:
            match[name] = name
            companions.append(name)
    whole = here.home.unique or (bool(partners) and len(match) == 1 + len(partners))
    if len(match) > 1:
        evidence.append(f"{', '.join(match)} together are a key of {parent.source.name}")
    doubled = 0 if whole else await world.look.doubled(parent.source, tuple(match))
    if not whole:
        evidence.append("no value stands there twice" if doubled == 0 else "some values stand there in several rows")
    questions = [*_of_elsewhere(pair, parent, link, here, doubled)]
    sure = (
        link.declared and parent.sure and not questions and _near(here) and here.operand.name >= 0.9
        and (here.at_id is None or here.at_id.found <= ALIEN * here.at_id.values)
    )
    return Proposal(
        rule=_rule(parent, match, link.take), confidence=0.96 if sure else 0.85, evidence=tuple(evidence),
        questions=tuple(questions), reads=tuple(companions),
    )


def _near(here: Found) -> bool:
    """Enough values that it is no chance, or the same name on both sides."""
    return here.share.values >= ENOUGH or here.operand.column.name == here.home.column.name


def _of_elsewhere(pair: Pair, parent: Pair, link: Link, here: Found, doubled: int | None) -> Iterator[Question]:
    place = f"{pair.target.name}.{link.column.name}"
    if not here.share.whole:
        yield _missing(pair, parent, link, here.share)
    if doubled:
        text = f"{many(doubled, 'value')} of {here.home.column.name} in several rows: what tells them apart?"
        yield Question(code="reference.ambiguous", place=place, text=text, rank=2)
    if isinstance(here.operand.rule, dict) and "first" in here.operand.rule:
        yield _of_list(pair, link, here)
    elif isinstance(here.operand.rule, dict):
        text = f"only the number at the end of {here.operand.column.name} is looked up: is that what it means?"
        yield Question(code="reference.part", place=place, text=text, rank=2)


def _feeding(parent: Pair, link: Link) -> str:
    return parent.chosen[link.take].source.name if link.take in parent.chosen else "?"


def derive(pair: Pair, link: Link, made: Mapping[str, Proposal], world: World) -> Proposal | None:
    """A reference that the source does not hold, taken from a row that another reference leads to."""
    for name, other in sorted(world.links(pair.target).items()):
        through = world.pairs.get(other.parent)
        rule = made[name].rule if name in made else None
        if rule is None or through is None or name == link.column.name or other.parent == pair.target.name:
            continue
        above = world.links(through.target)
        take = [c for c, up in above.items() if (up.parent, up.take) == (link.parent, link.take)]
        if not take:
            continue
        take.sort(key=lambda c: (c != link.column.name, c))
        found = rule.get("lookup") or {
            "table": str(through.source.name), "match": {_feeding(through, other): rule.get("column")}
        }
        text = f"{pair.source.name} has no such column; the row of {through.source.name} that {name} leads to has one"
        return Proposal(
            rule={"lookup": {"table": found["table"], "match": dict(found["match"]), "take": take[0], "missing": "quarantine"}},
            confidence=0.9, evidence=(text,), reads=made[name].reads,
        )
    return None
