"""In which time zone a wall clock was read: what the schema and the values say of it.

Evidence, from strong to weak: a default of now() writes the server's zone; a date beside it that is the
day of the same clock shows that people read it, in the one zone that the source names in a column; the
other clocks of the table. Where nothing speaks, a person is asked and nothing is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from crosswalk.match.affinity import Candidate
from crosswalk.match.looking import Looker
from crosswalk.match.naming import words
from crosswalk.match.proposal import Proposal, Question
from crosswalk.match.tables import Pair
from crosswalk.match.vocabulary import LIGHT
from crosswalk.match.yamltext import flow, scalar
from crosswalk.names import quote
from crosswalk.schema import Column, Table

_NOW: Final = re.compile(r"\b(now\(\)|CURRENT_TIMESTAMP|LOCALTIMESTAMP|statement_timestamp\(\)|clock_timestamp\(\))", re.I)
_BY_MACHINES: Final = frozenset({"create", "update", "delete", "sync"})
_SAME_DAY: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """What is known of zones before a single column is looked at."""

    server: str
    """The zone in which now() writes."""
    told: str = ""
    """The one zone that the source's own columns name."""
    told_by: str = ""
    """TABLE.COLUMN that names it."""


async def known(pairs: list[Pair], look: Looker) -> Zones:
    """The server's zone, and the one that stands in a column of the source, where it is one."""
    found: dict[str, str] = {}
    for pair in pairs:
        for name, seen in sorted(pair.profiles.items()):
            if seen.present and seen.share("zone") == 1:
                for zone in await look.zone_names(pair.source, name):
                    found.setdefault(zone, f"{pair.source.name}.{name}")
    server = await look.server_zone()
    if len(found) != 1:
        return Zones(server=server)
    [(zone, where)] = found.items()
    return Zones(server=server, told=zone, told_by=where)


def written_by_server(column: Column) -> bool:
    return bool(column.default and _NOW.search(column.default))


async def propose(pair: Pair, candidate: Candidate, zones: Zones, look: Looker) -> tuple[Proposal | None, list[Question]]:
    """A zone rule, or the question."""
    source, place = candidate.source, f"{pair.target.name}.{candidate.target.name}"
    if source.type.storage.name != "timestamp":
        return None, [_unknown(place, source, f"{source.name} is an instant, {candidate.target.name} a wall clock")]
    name = candidate.name.reason
    day = "" if written_by_server(source) else await _day_beside(pair.source, source, look)
    if day:
        return _of_people(place, candidate, zones, day)
    if written_by_server(source) and zones.server:
        said = f"{source.name} is written by now(), and the server's zone is {zones.server}"
        return _rule(candidate, zones.server, 0.9, (name, said)), []
    sisters = [c.name for c in pair.source.columns if c.type.storage.name == "timestamp" and written_by_server(c)]
    if sisters and zones.server:
        said = f"{', '.join(sisters)} beside it are written by now() in {zones.server}"
        theme = f"clocks beside them are written by now() in {zones.server}: are these read from the same clock?"
        question = _unknown(place, source, f"{said}: is {source.name} read from the same clock?", rank=2, theme=theme)
        return _rule(candidate, zones.server, 0.7, (name, said), question), []
    if zones.server and set(words(source.name)) & _BY_MACHINES:
        said = f"such columns are mostly written by machines, and the server's zone is {zones.server}"
        question = _unknown(place, source, f"{said}: is {source.name} written so?", rank=2, theme=f"{said}: are these written so?")
        return _rule(candidate, zones.server, 0.6, (name, said), question), []
    text = f"nothing says in which time zone {source.name} was written"
    theme = "nothing says in which time zone these were written"
    return None, [_unknown(place, source, text, column=candidate.target.name, theme=theme)]


def _of_people(place: str, candidate: Candidate, zones: Zones, day: str) -> tuple[Proposal | None, list[Question]]:
    name, source = candidate.name.reason, candidate.source
    said = f"{day} beside it is the day of the same clock, so people read it"
    if not zones.told:
        return None, [_unknown(place, source, f"{said}; nothing says in which zone", column=candidate.target.name)]
    told = f"{zones.told_by} names one zone"
    question = _unknown(place, source, f"{said}, and {told}, {zones.told}: is it the zone of {source.name}?", rank=2)
    return _rule(candidate, zones.told, 0.8, (name, said, told), question), []


def _unknown(place: str, source: Column, text: str, rank: int = 1, column: str = "", theme: str = "") -> Question:
    offer = f"{scalar(column)}: {flow({'zone': 'Area/City', 'from': source.name})}" if rank == 1 and column else ""
    detail = f"from {source.name}" if theme else ""
    return Question(code="zone", place=place, text=text, offer=offer, rank=rank, theme=theme, detail=detail)


def _rule(
    candidate: Candidate, zone: str, confidence: float, evidence: tuple[str, ...], *questions: Question
) -> Proposal:
    column = candidate.source.name
    sure = min(confidence, 0.5 + 0.45 * candidate.score)
    return Proposal(
        rule={"zone": zone, "from": column}, confidence=round(sure, 2), evidence=evidence, questions=questions, reads=(column,)
    )


async def _day_beside(table: Table, column: Column, look: Looker) -> str:
    """A date column of the table, named alike, that is this clock's day; empty where there is none."""
    own = set(words(column.name))
    days = [
        c for c in table.columns
        if c.type.storage.name == "date" and c.selectable and {w for w in words(c.name) if w not in LIGHT} <= own
    ]
    pairs = [(f"s.{quote(column.name)}::date", f"s.{quote(c.name)}") for c in days]
    for day, (both, same) in zip(days, await look.equal(table, pairs), strict=True):
        if both >= 5 and same >= _SAME_DAY * both:
            return day.name
    return ""
