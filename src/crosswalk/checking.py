"""Conducts a check: the document against both catalogs, every row against every rule of the target. Reads only.

What the source can tell is part of the `Moment` that a move finds again; what only the target's own rows can
tell is asked of it; what only the target itself can judge is tried there and taken back. What was not judged is
said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crosswalk.earlier import refuse_outgrown
from crosswalk.errors import WayNeedsValue, WaysCollide, WayUnfit, WayUnknown
from crosswalk.express import Moment
from crosswalk.judge import (
    Edit,
    Forecast,
    Problem,
    Verdict,
    Way,
    find_moment,
    follow,
    foresee,
    judge_rows,
    kept_keys,
    silenced,
    uncovered,
)
from crosswalk.ledger import Ledger, Tally
from crosswalk.mapping import MappingFile, amended
from crosswalk.names import Name
from crosswalk.snapshot import Snapshot, snapshot
from crosswalk.strategy import fill_order
from crosswalk.survey import Servers, Survey, survey
from crosswalk.trial import try_rows

PLACEHOLDER: Final = "VALUE"
"""Stands for a value where a way out is shown."""
_OF_VALUES: Final = frozenset(
    {"not_null", "length", "label", "range", "rounded", "precision", "syntax", "changed", "check", "partition"}
)
"""Codes of rules that a value breaks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The document against both catalogs, and the rows against the rules."""

    problems: tuple[Problem, ...]
    tallies: tuple[Tally, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    uncovered: tuple[str, ...] = ()
    """What was not judged, and why."""
    remarks: tuple[str, ...] = ()
    """What a reader should know and nothing has to be done about."""

    @property
    def clean(self) -> bool:
        """Nothing stands in the way, and every row that does not fit is one that the document speaks of."""
        return not self.problems and all(v.declared for v in self.verdicts)


async def check(file: MappingFile, servers: Servers) -> Checked:
    """Check a document; rows are counted only where the document itself is sound.

    Raises FormOutgrown where a run has given the target another form than the one it speaks of.
    """
    async with survey(file, servers, purpose="check") as found:
        await refuse_outgrown(file, len(found.problems), Ledger(found.target))
        return await judged(found, servers)


async def judged(found: Survey, servers: Servers, *, stands: bool = True) -> Checked:
    """Judge the rows; where the target is not there yet (`stands` is false) it is not asked."""
    if found.problems:
        return Checked(problems=found.problems)
    facts, order = found.facts, fill_order(found.facts).tables
    tables = [facts.source_table(name) for name in order]
    async with snapshot(servers.source, tables, workers=0, purpose="check") as shared:
        kept = await kept_keys(facts, order, found.target) if stands else None
        moment = await find_moment(facts, order, shared.keeper, strict=False, kept=kept)
        forecast = await foretell(found, order, moment, shared, stands=stands)
        tallies, verdicts = await judge_rows(facts, order, moment, shared.keeper, forecast=forecast)
    left = [line for name in order for line in uncovered(facts, name)]
    return Checked(
        problems=(),
        tallies=tuple(tallies),
        verdicts=tuple(verdicts),
        uncovered=tuple(dict.fromkeys([*left, *moment.unjudged, *forecast.uncovered])),
        remarks=_remarks([trigger for name in order for trigger in silenced(facts, name)]),
    )


def _remarks(off: list[str]) -> tuple[str, ...]:
    if not off:
        return ()
    return (f"switched off for the move, so that they neither rewrite nor refuse rows: the triggers {', '.join(off)}",)


async def foretell(
    found: Survey, order: tuple[Name, ...], moment: Moment, shared: Snapshot, *, stands: bool = True
) -> Forecast:
    """The rows that fit by the rules and that the load will refuse."""
    forecast = Forecast()
    for name in order if stands else ():
        await foresee(found.facts, name, moment, shared.keeper, found.target, forecast)
        await try_rows(found.facts, name, moment, shared.keeper, found.target, forecast)
    await follow(found.facts, order, moment, shared.keeper, forecast, target=found.target if stands else None)
    return forecast


# --- ways out ---------------------------------------------------------------------------------------


def apply_ways(file: MappingFile, checked: Checked, chosen: Sequence[str]) -> MappingFile:
    """The document after the chosen ways out, each `RULE=WAY` or `RULE=WAY:VALUE`.

    Raises WayUnknown, WayNeedsValue, WaysCollide, and BadMapping where it is no document any more.
    """
    by_place: dict[tuple[str, ...], tuple[str, Edit]] = {}
    for asked in chosen:
        for edit in _edits(checked, asked):
            for place, (first, known) in by_place.items():
                if _one_holds_the_other(place, edit.place) and known != edit:
                    raise WaysCollide(first=first, second=asked, place=".".join(edit.place))
            by_place.setdefault(edit.place, (asked, edit))
    return amended(file, [(edit.place, edit.value) for _, edit in by_place.values()])


def _one_holds_the_other(place: tuple[str, ...], other: tuple[str, ...]) -> bool:
    width = min(len(place), len(other))
    return place[:width] == other[:width]


def require_fitting(before: Checked, after: Checked, chosen: Sequence[str]) -> None:
    """Raises WayUnfit where a document does not fit any more, or rows break another rule for the sake of a given value."""
    if after.problems:
        raise WayUnfit(asked=", ".join(chosen), reason=after.problems[0].message)
    known = {_name(v) for v in before.verdicts}
    for asked in chosen:
        verdict, way, _ = _chosen(before, asked)
        for new in after.verdicts if way.takes_value else ():
            same = new.target == verdict.target and (new.column == verdict.column or new.code == "check")
            if same and new.code in _OF_VALUES and _name(new) not in known:
                raise WayUnfit(asked=asked, reason=f"{new.column or new.constraint}: {new.reason}")


def not_gone(before: Checked, after: Checked, chosen: Sequence[str]) -> list[str]:
    """A sentence for each way that was taken and did not do away with its verdict."""
    still = {_name(v): v for v in after.verdicts if not v.declared}
    found = dict.fromkeys(_chosen(before, asked)[0].rule for asked in chosen)
    rules = {v.rule: _name(v) for v in before.verdicts}
    return [f"{rule} did not go away: {still[rules[rule]].reason}" for rule in found if rules[rule] in still]


def _name(verdict: Verdict) -> tuple[object, ...]:
    """What a verdict is about, whatever number its handle has."""
    return verdict.target, verdict.code, verdict.column, verdict.constraint, verdict.reason


def _chosen(checked: Checked, asked: str) -> tuple[Verdict, Way, str | None]:
    """The verdict, the way, and the value that was given. Raises WayUnknown."""
    fitting = [v for v in checked.verdicts if asked.startswith(f"{v.rule}=")]
    for verdict in sorted(fitting, key=lambda v: -len(v.rule)):
        word, colon, value = asked.removeprefix(f"{verdict.rule}=").partition(":")
        for way in verdict.ways:
            if way.word == word:
                return verdict, way, value if colon else None
    possible = [f"{v.rule}={w.word}{f':{PLACEHOLDER}' if w.takes_value else ''}" for v in checked.verdicts for w in v.ways]
    raise WayUnknown(asked=asked, possible=", ".join(possible) or "none")


def _edits(checked: Checked, asked: str) -> tuple[Edit, ...]:
    verdict, way, value = _chosen(checked, asked)
    if way.make is None:
        return way.edits
    if value is None or value == PLACEHOLDER:
        raise WayNeedsValue(way=way.word, rule=verdict.rule)
    return way.make(value)
