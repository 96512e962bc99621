"""From facts and a document to the plan of one strategy. Pure.

    transform   the target's schema stays; the reviewed document is carried out
    hybrid      statements of phase `shape` add columns first
    recreate    statements of phase `shape` archive and create tables, those of `complete` end what needs the rows

Facts are those of the target as it will be when rows come (`Shaping.target`), not as it was found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal, TypedDict

from crosswalk import __version__
from crosswalk.express import Facts, Landing, Motion
from crosswalk.fingerprint import fingerprint
from crosswalk.ledger import Tally
from crosswalk.mapping import Fold, Lookup, MappingFile
from crosswalk.names import Name, parse
from crosswalk.plan import Hazard, Phase, Plan, Statement, Strategy, TablePlan, sealed
from crosswalk.schema import ConstraintKind, Schema, Table
from crosswalk.strategy.hold import bare_statements, key_statements, trigger_statements
from crosswalk.strategy.order import fill_order

ROWS_PER_SECOND: Final = {"direct": 250_000.0, "twin": 60_000.0}
BYTES_PER_SECOND: Final = {"direct": 60e6, "twin": 25e6}
_LEDGER: Final = Statement(
    phase="before", table="", kind="ledger", name="crosswalk", sql="CREATE SCHEMA IF NOT EXISTS crosswalk"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The two databases of a plan: masked URLs, and what tells databases apart (see `Session.cluster`)."""

    urls: tuple[str, str]
    clusters: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """How the target is given the form that the document needs."""

    former: Schema
    """The target as it was found."""
    statements: tuple[Statement, ...]
    created: tuple[Name, ...] = ()
    archived: tuple[Name, ...] = ()
    archive: str = ""


def as_rows_come(schema: Schema, created: Iterable[Name]) -> Schema:
    """The target when the rows come: what the tables that a plan makes get only after them refuses none.

    Also for looking at such a target later: a check that was NOT VALID in the source judges no row that came from it.
    """
    tables = dict(schema.tables)
    for name in created:
        for table in (tables[name], *_below(schema, name)) if name in tables else ():
            tables[table.name] = _before_the_rows(table)
    return replace(schema, tables=tables)


def _before_the_rows(table: Table) -> Table:
    """Without what older rows may break; enforced foreign keys stay, for they say what is filled first."""
    return replace(
        table,
        constraints=tuple(
            c for c in table.constraints if c.enforced and (c.validated or c.kind is ConstraintKind.FOREIGN)
        ),
        columns=tuple(
            replace(c, not_null=c.not_null_by_domain, not_null_validated=True) if not c.not_null_validated else c
            for c in table.columns
        ),
    )


def _below(schema: Schema, name: Name) -> Iterator[Table]:
    for part in schema.partitions(name):
        yield part
        yield from _below(schema, part.name)


def _existing(facts: Facts, occupied: Mapping[Name, int], table: Name) -> Hazard | None:
    if not occupied.get(table):
        return None
    return {"keep": Hazard.KEEPS_EXISTING_ROWS, "update": Hazard.UPDATES_EXISTING_ROWS}.get(
        facts.mapping(table).existing
    )


def _table_plan(facts: Facts, name: Name, tally: Tally | None) -> TablePlan:
    motion = Motion(facts, name)
    landing = Landing(motion)
    mapping = motion.mapping
    way: Literal["direct", "twin"] = "direct" if landing.can_land_directly else "twin"
    folded = tuple(c for rule in mapping.columns.values() if isinstance(rule, Fold) for c in rule.fold)
    fed = {f.column.name for f in motion.fed}
    expected = {}
    if tally is not None:
        expected = {part: getattr(tally, part) for part in ("extracted", "loaded", "merged", "quarantined", "filtered")}
    return TablePlan(
        target=str(name),
        source=str(motion.source.name),
        rows=motion.source.rows,
        bytes=motion.source.bytes,
        way=way,
        format="binary" if (landing.direct_form if way == "direct" else landing.twin_form) == "binary" else "text",
        fed=len(fed),
        defaulted=tuple(c for c in motion.target.column_names if c not in fed),
        folded=folded,
        dropped={column: drop.why for column, drop in mapping.drop.items()},
        key_map=motion.needs_key_map,
        lookups=tuple(
            f"{column} ← {rule.lookup.table}.{rule.lookup.take}"
            for column, rule in mapping.columns.items()
            if isinstance(rule, Lookup)
        ),
        expected=expected,
    )


def guess(table: TablePlan) -> float:
    """Seconds that a table may take; by rows and bytes, nothing was measured."""
    return max(table.rows / ROWS_PER_SECOND[table.way], table.bytes / BYTES_PER_SECOND[table.way])


def estimate(tables: Iterable[TablePlan]) -> float:
    """Seconds that the copy may take; a guess by rows and bytes."""
    return round(0.5 + sum(guess(t) for t in tables), 1)


def _server(schema: Schema, url: str, cluster: str) -> dict[str, str]:
    version = f"{schema.server_version // 10000}.{schema.server_version % 10000}"
    return {"version": version, "database": schema.database, "role": schema.role, "url": url, "cluster": cluster}


def _holding(
    facts: Facts, shaping: Shaping | None, bare: Collection[Name]
) -> tuple[list[Statement], tuple[tuple[Name, str], ...]]:
    """What is switched off, and the foreign keys that are not there while rows come.

    A table that the plan makes gets its triggers and foreign keys only after the rows; those that are to be `bare`
    lose theirs for the load, with their secondary indexes.
    """
    ordered = fill_order(facts)
    created = frozenset(shaping.created) if shaping else frozenset()
    made = [s for s in shaping.statements if s.phase == "before"] if shaping else []
    triggers = [
        s
        for name in ordered.tables
        if name not in created
        for s in trigger_statements(facts.target, facts.target_table(name))
    ]
    later = {(parse(s.table), s.name) for s in made if s.kind == "foreign key"}
    circles = [(t, key) for t, key in ordered.circular if (t, key.name) not in later]
    gone = [*sorted(later), *((t, key.name) for t, key in circles)]
    stripped = [
        s
        for name in ordered.tables
        if name in bare and name not in created
        for s in bare_statements(facts.target_table(name), without=gone, preserved=facts.document.preserved)
    ]
    gone += [(parse(s.table), s.name) for s in stripped if s.kind == "foreign key"]
    return [*made, *triggers, *key_statements(circles), *stripped], tuple(gone)


def _loads(facts: Facts, tables: Iterable[TablePlan], occupied: Mapping[Name, int]) -> Iterator[Statement]:
    for table in tables:
        target = parse(table.target)
        yield Statement(
            phase="load",
            table=table.target,
            kind="copy",
            name=table.source,
            hazard=_existing(facts, occupied, target),
            sql=f"COPY {target.sql} FROM {table.source} -- {table.way}, {table.format}, about {table.rows} rows",
        )
    yield Statement(
        phase="after", table="", kind="sequence", sql="SELECT setval(…) -- sequences that are behind their column"
    )


class _Marks(TypedDict):
    """By what a plan knows again the schemas that it stands on."""

    source_fingerprint: str
    target_fingerprint: str
    shaped_fingerprint: str
    shaped: dict[str, str]


def _marks(facts: Facts, shaping: Shaping | None, without: tuple[tuple[Name, str], ...]) -> _Marks:
    statements = [s for s in shaping.statements if s.phase == "shape"] if shaping else []
    mapped = facts.document.by_target
    concerned = set(mapped) | {parse(s.table) for s in statements if s.kind == "archive" and s.table}
    return _Marks(
        source_fingerprint=fingerprint(facts.source, {m.source for m in mapped.values()}),
        target_fingerprint=fingerprint(shaping.former if shaping else facts.target, concerned, without=without),
        shaped_fingerprint=fingerprint(facts.target, mapped, without=without) if statements else "",
        shaped={str(t): fingerprint(facts.target, [t], without=without) for t in mapped} if statements else {},
    )


def compose(
    strategy: Strategy,
    facts: Facts,
    file: MappingFile,
    *,
    between: Between,
    reviewed: MappingFile | None = None,
    shaping: Shaping | None = None,
    occupied: Mapping[Name, int] | None = None,
    tallies: Iterable[Tally] = (),
    seconds: float | None = None,
    warnings: Iterable[str] = (),
    bare: Collection[Name] = (),
) -> Plan:
    """The plan. `occupied` gives the rows that stand in target tables that are not ours; `bare` names empty tables
    that are to be loaded without their secondary indexes and foreign keys.

    `seconds` is what a timed sample says; without it the plan guesses.
    """
    order = fill_order(facts).tables
    counted = {t.target: t for t in tallies}
    tables = tuple(_table_plan(facts, name, counted.get(name)) for name in order)
    before, without = _holding(facts, shaping, bare)

    def of(phase: Phase) -> list[Statement]:
        return [s for s in shaping.statements if s.phase == phase] if shaping else []

    loads = _loads(facts, tables, occupied or {})
    return sealed(
        Plan(
            id="",
            version=__version__,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            strategy=strategy,
            mapping_path=file.path,
            document=file.text,
            reviewed=reviewed.text if reviewed is not None else "",
            source=_server(facts.source, between.urls[0], between.clusters[0]),
            target=_server(shaping.former if shaping else facts.target, between.urls[1], between.clusters[1]),
            **_marks(facts, shaping, without),
            archive=shaping.archive if shaping else "",
            without=tuple((str(table), name) for table, name in without),
            tables=tables,
            preserved=tuple(str(name) for name in facts.document.preserved),
            statements=(_LEDGER, *of("shape"), *before, *loads, *of("complete")),
            seconds=estimate(tables) if seconds is None else seconds,
            warnings=tuple(warnings),
        )
    )
