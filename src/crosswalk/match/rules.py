"""The rule that a candidate becomes: a column, labels, an equal pair, the first of a list; and how sure it is.

A rule is accepted from names that agree, types that lose nothing and values that fit, all three; a
shared type, place or common word alone never is. References, zones and units have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from crosswalk.match import coded, zones
from crosswalk.match.affinity import Candidate
from crosswalk.match.fits import misfit
from crosswalk.match.homes import World
from crosswalk.match.labels import column_labels, translate
from crosswalk.match.naming import words
from crosswalk.match.proposal import Proposal, Question
from crosswalk.match.shapes import Repeated
from crosswalk.match.tables import Pair
from crosswalk.match.units import convert, fractional, unit
from crosswalk.match.vocabulary import DURATIONS, MEASURES, MONEY
from crosswalk.match.yamltext import flow
from crosswalk.match.zones import Zones
from crosswalk.pg_types import DOCUMENTS, INTEGERS, NUMBERS, STRINGS
from crosswalk.schema import TypeKind

_SAME_NAME, _SAME_SPELLED, _LIKELY = 0.98, 0.97, 0.93
_LABEL: Final = re.compile(r"[\w ?./-]{1,40}\Z")
_WORDS_OF_STATE: Final = frozenset({"status", "type", "kind", "level", "stage", "phase", "mode", "role", "class"})


async def make(world: World, pair: Pair, candidate: Candidate, known: Zones) -> tuple[Proposal | None, list[Question]]:
    """The rule for one target column, or questions where none can be written."""
    place = f"{pair.target.name}.{candidate.target.name}"
    if candidate.way == "zone":
        return await zones.propose(pair, candidate, known, world.look)
    if candidate.way == "first":
        return _first(candidate, place), []
    if candidate.way == "codes":
        return None, [_codes(world, pair, candidate, place)]
    if candidate.way in {"flag", "since", "epoch", "dotted"}:
        return await _coded(world, pair, candidate, place)
    repeated = world.repeated.get(pair.target.name, {}).get(candidate.source.name)
    if repeated:
        return _agree(candidate, repeated), []
    if column_labels(pair.target, candidate.target, world.target):
        return await _labels(world, pair, candidate, place)
    converted = convert(candidate, pair.profiles.get(candidate.source.name), place)
    return converted or _plain(pair, candidate, place), []


def _codes(world: World, pair: Pair, candidate: Candidate, place: str) -> Question:
    """Numbers that stand for labels: which for which, only a person knows."""
    want, name = column_labels(pair.target, candidate.target, world.target), candidate.source.name
    text = f"{name} holds numbers for labels: which number is which of {', '.join(want)}?"
    rule = {"map": {"0": want[0] if want else "…"}, "from": name, "else": "quarantine"}
    return Question(code="labels", place=place, text=text, offer=flow({candidate.target.name: rule})[1:-1], rank=1)


async def _coded(
    world: World, pair: Pair, candidate: Candidate, place: str
) -> tuple[Proposal | None, list[Question]]:
    """A value that the source keeps in another form."""
    words_of_it = None
    if candidate.way == "flag" and candidate.source.type.storage.name in STRINGS:
        words_of_it = await world.look.labels(pair.source, candidate.source.name)
    found = coded.propose(candidate, place, words_of_it)
    if found is not None and candidate.guess:
        text = f"only constraints speak for {candidate.source.name}, no name: is it {candidate.target.name}?"
        asked = Question(code="unfed.nearest", place=place, text=text, rank=1)
        found = replace(found, confidence=0.6, questions=(*found.questions, asked))
    if found is not None:
        return found, []
    text = f"which words of {candidate.source.name} mean that {candidate.target.name} is true?"
    return None, [Question(code="flag", place=place, text=text, rank=1)]


def _first(candidate: Candidate, place: str) -> Proposal:
    name = candidate.source.name
    text = f"{name} is a list and {candidate.target.name} one value: is its first element the right one?"
    return Proposal(
        rule={"first": name}, confidence=0.7, evidence=candidate.reasons, reads=(name,),
        questions=(Question(code="list", place=place, text=text, rank=3),),
    )


def _agree(candidate: Candidate, repeated: Repeated) -> Proposal:
    columns = repeated.columns
    said = f"{' and '.join(columns)} are equal in {repeated.same} of {repeated.both} rows that have both"
    evidence = (candidate.name.reason, said)
    return Proposal(rule={"agree": list(columns)}, confidence=0.9, evidence=evidence, reads=columns)


async def _labels(
    world: World, pair: Pair, candidate: Candidate, place: str
) -> tuple[Proposal | None, list[Question]]:
    """Labels that the target allows: as they are where all of them exist there, else translated."""
    source, target = candidate.source, candidate.target
    want = column_labels(pair.target, target, world.target)
    if source.type.storage.kind is TypeKind.ARRAY:
        return _plain(pair, candidate, place).doubted("its elements must be labels of the target"), []
    have = await world.look.labels(pair.source, source.name)
    if not have:
        made = _plain(pair, candidate, place)
        return made.doubted(f"the labels of {source.name} were not seen; {target.name} allows {len(want)}", 0.8), []
    found, rest = translate(have, want)
    if not rest and all(k == v for k, v in found.items()):
        made = _plain(pair, candidate, place)
        return replace(made, evidence=(*made.evidence, f"all {len(have)} labels are labels of {target.name}")), []
    return _translated(candidate, place, found, rest, want)


def _translated(
    candidate: Candidate, place: str, found: dict[str, str], rest: tuple[str, ...], want: tuple[str, ...]
) -> tuple[Proposal | None, list[Question]]:
    source, target = candidate.source, candidate.target
    # Words of which none is known to be a label may be anything: they stay on their server.
    named = ", ".join(rest) if found and all(map(_LABEL.match, rest)) else f"the {len(rest)} other words"
    question = Question(
        code="labels", place=place, rank=1,
        text=f"what becomes of {named} of {source.name}? {target.name} allows {', '.join(want)}",
    )
    if not found:
        return None, [question]
    said = f"{len(found)} of {len(found) + len(rest)} labels of {source.name} have a counterpart in {target.name}"
    rule = {"map": dict(found), "from": source.name, "else": "quarantine"}
    return Proposal(
        rule=rule, confidence=0.8, evidence=(candidate.name.reason, said), reads=(source.name,),
        questions=(question,) if rest else (),
    ), []


def _plain(pair: Pair, candidate: Candidate, place: str) -> Proposal:
    """The column itself."""
    source, target = candidate.source, candidate.target
    seen = pair.profiles.get(source.name)
    confidence = min(confidence_of(candidate), 0.97 if candidate.types >= 0.95 else 0.85)
    evidence = [reason.split(": ", 1)[1] for reason in candidate.reasons]
    if candidate.types < 1 and seen is not None and seen.present:
        evidence.append(f"looked at {seen.rows} rows")
    if target.type.storage.name in DOCUMENTS:
        confidence = min(confidence, 0.9)
        evidence.append("what stands inside the documents was not compared")
    if set(words(target.name)) & _WORDS_OF_STATE and target.type.storage.name in STRINGS:
        confidence = min(confidence, 0.9)
        evidence.append("what its words mean on both sides was not compared")
    for doubt in _doubts(pair, candidate):
        confidence = min(confidence, 0.9)
        evidence.append(doubt)
    questions = []
    here, there = unit(source), unit(target)
    if bool(here) != bool(there) and {source.type.storage.name, target.type.storage.name} <= NUMBERS and not _cents(candidate):
        told, other = (source, target) if here else (target, source)
        text = f"{told.name} says that it counts {(here or there or ('',))[0]}s, {other.name} does not say what: is it the same unit?"
        confidence = min(confidence, 0.8)
        questions.append(Question(code="unit", place=place, text=text, rank=1))
    if _cents(candidate):
        text = f"{source.name} has no digits after the point and {target.name} has: are they the same unit, not cents?"
        questions.append(Question(code="unit", place=place, text=text, rank=1))
    if candidate.guess:
        confidence = min(confidence, 0.6)
        text = f"only constraints speak for {source.name}, no name: is it {target.name}?"
        questions.append(Question(code="unfed.nearest", place=place, text=text, rank=1))
    wrong = misfit(seen, source, target)
    if wrong:
        confidence = min(confidence, 0.9)
        text = f"{wrong}: set such rows aside, or write a rule that makes them fit?"
        theme = "some values do not fit: set such rows aside, or write rules that make them fit?"
        questions.append(Question(code="misfit", place=place, text=text, rank=3, theme=theme, detail=wrong))
    elif _spelled(pair, candidate):
        text = f"{target.name} tells rows apart, and the values of {source.name} are spelled in several ways: normalise them?"
        questions.append(Question(code="spelling", place=place, text=text, rank=2))
    return Proposal(
        rule={"column": source.name}, confidence=round(confidence, 2), evidence=tuple(evidence),
        questions=tuple(questions), reads=(source.name,),
    )


def _doubts(pair: Pair, candidate: Candidate) -> Iterator[str]:
    """Why a column is not taken for sure, though its name and type agree."""
    have, source, target = set(words(candidate.target.name)), candidate.source, candidate.target
    if not source.selectable:
        yield f"the role may not read {source.name}: nothing was seen of its values"
    if "phone" in have and candidate.types < 1:
        yield "phone numbers are often spelled in several ways"
    if have & DURATIONS and target.type.storage.name in NUMBERS and not (unit(candidate.source) and unit(target)):
        yield "in which unit it is measured is not said on both sides"
    if have & MEASURES and source.type.storage.name != target.type.storage.name and not (unit(source) and unit(target)):
        yield "in which unit it is measured is not said on both sides"
    if words(target.name)[-1:] == ("id",) and len(have) > 1 and target.name not in pair.target.primary_key:
        yield "whose id it is cannot be seen: it refers to no table"


def _cents(candidate: Candidate) -> bool:
    """Whole money on one side, money with a fraction on the other."""
    source, target = candidate.source, candidate.target
    money = set(words(target.name)) & MONEY
    return bool(money) and source.type.storage.name in INTEGERS and fractional(target)


def confidence_of(candidate: Candidate) -> float:
    """How sure a plain column is, by its name."""
    name = candidate.name
    if name.exact:
        return _SAME_NAME if candidate.source.name == candidate.target.name else _SAME_SPELLED
    return min(_LIKELY, 0.45 + 0.48 * candidate.score)


def _spelled(pair: Pair, candidate: Candidate) -> bool:
    """A text of a unique key whose values are mostly, not all, digits."""
    seen = pair.profiles.get(candidate.source.name)
    keyed = any(candidate.target.name in key for key in pair.target.unique_keys)
    return bool(keyed and seen and seen.shares and 0.5 <= seen.share("digits") < 1)
