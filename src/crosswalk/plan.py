"""The plan: what a move will do, as a document that can be read, kept and refused.

A plan stands on two fingerprints; `migrate` refuses it when either schema has moved on. Each
statement carries the hazard that it is, by name; hazards must be allowed by name. It holds the
mapping document and no secret. A plan that nobody has decided on is refused (see `planfile`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from crosswalk.mapping import MappingFile, read_json, read_text
from crosswalk.names import Name, parse

UNWRITTEN: Final = "(every table of the source)"
"""Stands for the path of the document where a move has none."""

FORMAT = 2
Strategy = Literal["recreate", "transform", "hybrid"]
STRATEGIES: tuple[Strategy, ...] = ("recreate", "transform", "hybrid")
Phase = Literal["shape", "before", "load", "after", "complete"]
"""When a statement runs.

    shape     gives the target its form before anything else: archive, CREATE, ADD COLUMN
    before    switches off what must be off while rows come, or drops what costs time while they come; `restore`
              switches it on, or makes it, again
    load      the copies
    after     sequences
    complete  what is cheaper or possible only once the rows are there: indexes and keys, NOT VALID
              constraints, triggers, policies, grants
"""
Kind = Literal["ledger", "trigger", "foreign key", "copy", "sequence", "archive", "create", "column", "index", "key"]
"""What a statement is of.

    index   CREATE [UNIQUE] INDEX of one table that the plan makes: as soon as its rows are in, several side by side;
            in phase before: DROP INDEX of a table that stands, made again at the same point
    key     a primary key, unique or exclusion constraint of such a table: once all its indexes stand
"""


class Hazard(StrEnum):
    """What somebody must have allowed by name (`--allow NAME`)."""

    DISABLES_TRIGGERS = "disables-triggers"
    """User triggers of a filled table do not fire while the move runs; they are restored exactly."""
    DROPS_FOREIGN_KEYS = "drops-foreign-keys"
    """Foreign keys (those in a circle; with `--rebuild` all of empty tables) are dropped for the load and added again, validated."""
    REBUILDS_INDEXES = "rebuilds-indexes"
    """Indexes of empty tables are dropped for the load and built again; who queries such a table meanwhile does without."""
    KEEPS_EXISTING_ROWS = "keeps-existing-rows"
    """The target table holds rows already; they stay, and ours go beside them."""
    UPDATES_EXISTING_ROWS = "updates-existing-rows"
    """The target table holds rows already; those of the same key are overwritten."""
    ARCHIVES_TABLES = "archives-tables"
    """Target tables go into a dated schema, with their rows; whoever uses them no longer finds them by name."""
    ADDS_COLUMNS = "adds-columns"
    """Live tables get further columns: nothing is rewritten, but each takes a brief exclusive lock."""
    UNPROVEN_BACKUP = "unproven-backup"
    """The dump of the preserved tables could not be restored here to prove it; known only when it is taken."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def about(table: str, name: str) -> str:
    """A table and what of it a statement is about; a statement about the table itself names it twice."""
    return " ".join(dict.fromkeys(part for part in (table, name) if part))


class Statement(_Model):
    """One step on the target, in order."""

    phase: Phase
    table: str
    sql: str
    restore: str = Field(default="", description="What switches it on again; run after the load, also after a crash.")
    undo: str = Field(default="", description="What a rollback runs to take it back; for shape and complete.")
    hazard: Hazard | None = None
    kind: Kind
    name: str = ""
    if_empty: bool = Field(default=False, description="Left alone where its table holds a row when the run comes to it.")

    @property
    def about(self) -> str:
        """What it is about, in words: its table, and what of that."""
        return about(self.table, self.name)

    @property
    def of_key(self) -> bool:
        """Whether it makes a table's index or key, which may come as soon as that table's rows are in."""
        return self.kind in {"index", "key"}


class TablePlan(_Model):
    """One table's part of the plan."""

    target: str
    source: str
    rows: int = Field(description="The planner's estimate, or an exact count.")
    bytes: int
    way: Literal["direct", "twin"] = Field(description="How rows land: straight COPY, or through a twin and a merge.")
    format: Literal["binary", "text"]
    fed: int = Field(description="Target columns that get a value.")
    defaulted: tuple[str, ...] = Field(description="Target columns left to the server.")
    folded: tuple[str, ...] = Field(description="Source columns kept inside a jsonb document.")
    dropped: dict[str, str] = Field(description="Source columns left behind, each with its reason.")
    key_map: bool
    lookups: tuple[str, ...] = ()
    expected: dict[str, int] = Field(
        default_factory=dict, description="extracted, loaded, merged, quarantined, filtered: as counted when planned."
    )


class Decision(_Model):
    """Who chose a strategy, and why."""

    strategy: Strategy
    who: str
    why: str
    at: str = Field(description="ISO 8601, UTC.")
    recommended: Strategy | None = Field(default=None, description="What the comparison had recommended.")


class Columns(_Model):
    """What becomes of the columns of the mapped source tables, counted; the names stand in `TablePlan`."""

    kept: int = Field(description="Fed into a column of their own, whatever its name or type.")
    folded: int = Field(description="Kept inside a jsonb document.")
    added: int = Field(description="Kept in a column that the target is given for them.")
    dropped: int = Field(description="Left behind, each with its reason.")
    archived: int = Field(description="Columns of target tables that go into the archive.")


class Cost(_Model):
    """One strategy, costed on the real data."""

    strategy: Strategy
    possible: bool
    blockers: tuple[str, ...] = Field(default=(), description="Why it cannot be taken as things stand.")
    rows: dict[str, int] = Field(
        default_factory=dict, description="extracted, loaded, merged, quarantined, filtered, archived."
    )
    columns: Columns | None = None
    violations: dict[str, int] = Field(
        default_factory=dict, description="Source rows that a rule of the target refuses, by `table: rule`."
    )
    statements: int = 0
    hazards: tuple[Hazard, ...] = ()
    reversibility: str = Field(default="", description="What the way back does, in a sentence.")
    seconds: float = 0.0
    measured: bool = Field(default=False, description="True where the time stands on a timed sample of this data.")
    code: tuple[str, ...] | None = Field(
        default=None, description="References of the application's code that break; None: no code was looked at."
    )
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


class Recommendation(_Model):
    strategy: Strategy
    reasons: tuple[str, ...]


class Plan(_Model):
    """The whole plan of one strategy."""

    format: Literal[2] = 2
    id: str
    version: str = Field(description="Of Crosswalk.")
    created_at: str
    strategy: Strategy
    mapping_path: str
    document: str = Field(description="The document that is carried out: the reviewed one, or what is derived from it.")
    reviewed: str = Field(default="", description="The person's own document, where `document` is derived from it.")
    source: dict[str, str] = Field(description="Server version, database, role and masked URL; no password.")
    target: dict[str, str]
    source_fingerprint: str
    target_fingerprint: str = Field(description="Of the target's tables as the plan found them.")
    shaped_fingerprint: str = Field(
        default="", description="Of the mapped tables once the shape statements have run; empty where there are none."
    )
    shaped: dict[str, str] = Field(
        default_factory=dict, description="The same for each mapped table, so that one that differs can be named."
    )
    archive: str = Field(default="", description="The schema into which clashing target tables go.")
    without: tuple[tuple[str, str], ...] = Field(
        default=(), description="Foreign keys (table, name) that the plan itself drops and adds."
    )
    tables: tuple[TablePlan, ...] = Field(description="In the order in which they are filled.")
    preserved: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    seconds: float = Field(description="Estimate for the copy.")
    warnings: tuple[str, ...] = ()
    decision: Decision | None = None
    costs: tuple[Cost, ...] = Field(default=(), description="All strategies that were compared, this one among them.")
    recommendation: Recommendation | None = None

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Hazards of all statements, each once, in order."""
        return tuple(dict.fromkeys(s.hazard for s in self.statements if s.hazard is not None))

    @property
    def order(self) -> tuple[Name, ...]:
        """Target tables in the order in which they are filled."""
        return tuple(parse(t.target) for t in self.tables)

    @property
    def created(self) -> tuple[Name, ...]:
        """Of the tables that are filled, those that the plan itself makes."""
        return self.order if self.strategy == "recreate" else ()

    @property
    def later_keys(self) -> frozenset[tuple[Name, str]]:
        """(table, name) of foreign keys that do not stand before the plan adds them, once the rows are there."""
        before = (s for s in self.statements if s.phase == "before" and s.kind == "foreign key")
        return frozenset((parse(s.table), s.name) for s in before if not s.sql)

    def coming(self, standing: Collection[int]) -> frozenset[tuple[Name, str]]:
        """(table, name) of what statements of phase complete have yet to make of a table; `standing` numbers those that ran."""
        waiting = (s for number, s in self.phase("complete") if number not in standing and s.table)
        return frozenset((parse(s.table), s.name) for s in waiting if s.of_key or s.kind == "create")

    @property
    def unwritten(self) -> bool:
        """Whether nobody wrote a document for it: there is none to check or edit."""
        return self.mapping_path == UNWRITTEN

    def mapping(self) -> MappingFile:
        """The document as it was when planned. Reading it takes seconds where there are thousands of tables."""
        return _read(self.document, self.mapping_path)

    def dump(self) -> str:
        """The plan as JSON text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


    def keys(self, table: Name | None = None) -> tuple[tuple[int, Statement], ...]:
        """The indexes and keys of one table that the plan makes, or of all, in order, each with its number in the plan."""
        made = (each for each in self.phase("complete") if each[1].of_key)
        return tuple(each for each in made if table is None or each[1].table == str(table))

    def phase(self, phase: Phase) -> tuple[tuple[int, Statement], ...]:
        """The statements of a phase, each with its number in the plan."""
        return tuple((i, s) for i, s in enumerate(self.statements) if s.phase == phase)


@lru_cache(maxsize=4)
def _read(document: str, path: str) -> MappingFile:
    return read_json(document, path=path) if path == UNWRITTEN and document.startswith("{") else read_text(document, path=path)


def sealed(plan: Plan) -> Plan:
    """The plan under the id that its content has."""
    return plan.model_copy(update={"id": content_id(plan)})


def content_id(plan: Plan) -> str:
    """A short name for what a plan would do: its document, fingerprints, servers and statements."""
    covered = {"document", "reviewed", "strategy", "statements", "without", "preserved", "archive"}
    content = plan.model_dump(mode="json", include=covered)
    for statement in content["statements"]:
        if not statement["if_empty"]:
            del statement["if_empty"]  # as in plans of versions that did not know it
    content |= {
        "fingerprints": [plan.source_fingerprint, plan.target_fingerprint, plan.shaped_fingerprint],
        "order": [t.target for t in plan.tables],
        "servers": [plan.source.get("cluster"), plan.target.get("cluster")],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
