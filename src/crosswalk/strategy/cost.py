"""What a strategy costs, side by side with the others: counted where rows were counted, in words where not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crosswalk.judge import Verdict
from crosswalk.ledger import Tally
from crosswalk.mapping import Document
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.plan import Columns, Cost, Plan, Strategy
from crosswalk.schema import Schema
from crosswalk.strategy.derive import Derived
from crosswalk.strategy.fates import dropped, fates, sources
from crosswalk.strategy.lost import Held

_NAMED = 3
"""Columns that are named where many could be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A strategy as far as it came: a plan, or what stands in its way."""

    strategy: Strategy
    derived: Derived
    plan: Plan | None = None
    blockers: tuple[str, ...] = ()
    counted: bool = False
    tallies: tuple[Tally, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    held: tuple[Held, ...] = ()
    """What the columns hold that this strategy leaves behind."""
    archived: Mapping[Name, int] = field(default_factory=dict)
    """Rows by table that goes into the archive."""
    measured: bool = False


def cost(candidate: Candidate, source: Schema, target: Schema, reviewed: Document) -> Cost:
    """The cost of one strategy; `target` is as it was found."""
    plan = candidate.plan
    return Cost(
        strategy=candidate.strategy,
        possible=plan is not None and not candidate.blockers,
        blockers=candidate.blockers,
        rows=_rows(candidate, reviewed, source),
        columns=_columns(candidate, source, target),
        violations=_violations(candidate),
        statements=len(plan.statements) if plan else 0,
        hazards=plan.hazards if plan else (),
        reversibility=_way_back(candidate) if plan else "",
        seconds=plan.seconds if plan else 0.0,
        measured=candidate.measured,
        gains=tuple(_gains(candidate)) if plan else (),
        losses=tuple(_losses(candidate, source)) if plan else (),
    )


def _rows(candidate: Candidate, reviewed: Document, source: Schema) -> dict[str, int]:
    parts = ("loaded", "merged", "quarantined", "filtered")
    found = {"extracted": sum(t.extracted for t in candidate.tallies)}
    found |= {part: sum(getattr(t, part) for t in candidate.tallies) for part in parts}
    if not candidate.counted:
        known = [source.tables[name] for name in sources(reviewed) if name in source.tables]
        found = {"extracted": sum(max(t.rows, 0) for t in known)}
    return found | {"archived": sum(candidate.archived.values())}


def _columns(candidate: Candidate, source: Schema, target: Schema) -> Columns:
    counts = {"kept": 0, "folded": 0, "dropped": 0}
    for name, columns in fates(candidate.derived.file.document, source).items():
        for column, fate in columns.items():
            found = source.tables[name].column(column)
            again = candidate.strategy == "recreate" and found is not None and found.generated is not None
            counts["kept" if again else fate] += 1
    added = len(candidate.derived.additions)
    return Columns(
        kept=counts["kept"] - added,
        folded=counts["folded"],
        dropped=counts["dropped"],
        added=added,
        archived=sum(len(target.tables[name].columns) for name in candidate.derived.archived),
    )


def _violations(candidate: Candidate) -> dict[str, int]:
    """Rows refused, by table and rule; rows that a policy merges into another are not refused."""
    found: dict[str, int] = {}
    for verdict in candidate.verdicts:
        if verdict.code == "duplicate" and not _refused_twice(candidate, verdict):
            continue
        rule = " ".join(part for part in (verdict.column or verdict.constraint, verdict.code) if part)
        place = f"{verdict.target}: {rule}"
        found[place] = found.get(place, 0) + (verdict.rows or 0)
    return {place: rows for place, rows in found.items() if rows}


def _refused_twice(candidate: Candidate, verdict: Verdict) -> bool:
    """A row that loses to another of its key is refused, not merged into it."""
    return candidate.derived.file.document.by_target[verdict.target].on_duplicate in {"fail", "quarantine"}


def _way_back(candidate: Candidate) -> str:
    derived = candidate.derived
    if candidate.strategy == "recreate":
        back = f"`crosswalk rollback` drops {plural(len(derived.created), 'created table')}"
        kept = plural(len(derived.archived), "archived table")
        return f"{back} and puts {kept} back with every row" if derived.archived else back
    out = "`crosswalk rollback` takes our rows out again"
    if derived.additions:
        return f"{out} and drops {plural(len(derived.additions), 'added column')}"
    return f"{out} and restores those overwritten; the schema is not touched"


def _gains(candidate: Candidate) -> Iterator[str]:
    added = len(candidate.derived.additions)
    if candidate.strategy == "recreate":
        yield "rows and columns arrive as they are in the source; code written for its schema goes on"
    else:
        yield "the target keeps its own tables and rules; code written for them goes on"
    if added:
        yield f"{plural(added, 'column')} that transform would drop {'is' if added == 1 else 'are'} kept beside the others"
    if candidate.counted and not sum(t.quarantined for t in candidate.tallies):
        yield "no row is refused"


def _losses(candidate: Candidate, source: Schema) -> Iterator[str]:
    refused = sum(t.quarantined for t in candidate.tallies)
    if refused:
        yield f"{plural(refused, 'row')} {'goes' if refused == 1 else 'go'} to quarantine"
    yield from (_lost(each) for each in candidate.held if each.columns)
    derived = candidate.derived
    final = sum(each.final for each in dropped(derived.file.document, source))
    if final:
        yield f"{plural(final, 'column')} {'is' if final == 1 else 'are'} left behind for good, as the document says"
    if derived.archived:
        rows = sum(candidate.archived.values())
        verb = "goes" if len(derived.archived) == 1 else "go"
        yield (
            f"{plural(len(derived.archived), 'table')} of the target with {plural(rows, 'row') if rows else 'no rows'}"
            f" {verb} into the archive: code that uses them no longer finds them"
        )
    if candidate.strategy == "recreate":
        yield "what the new schema had improved (keys, checks, references) is not in use"
    if derived.additions:
        renamed = [a for a in derived.additions if a.name != a.lost.column]
        told = f"; {len(renamed)} under another name" if renamed else ""
        tables = len({a.target for a in derived.additions})
        verb = "carries" if tables == 1 else "carry"
        yield f"{plural(tables, 'table')} {verb} columns of the old schema that somebody has to clear up later{told}"


def _lost(each: Held) -> str:
    most = sorted(each.columns.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({rows:,})" for name, rows in most[:_NAMED])
    more = f" and {len(most) - _NAMED} more" if len(most) > _NAMED else ""
    return (
        f"{each.source}: {plural(len(most), 'dropped column')} {'holds' if len(most) == 1 else 'hold'} something"
        f" in {each.rows:,} of {plural(each.total, 'row')}: {named}{more}"
    )
