"""What a report says, as one frozen value: HTML, JSON and Markdown are made from it and from nothing else.

Names stand here exactly as the servers have them; whoever renders them makes them harmless. Counts
and masked keys only; no value of a row, no password. What is not known is an `Absent` in its place,
with the command that would tell.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

GENERATOR: Final = "crosswalk report"
"""By this word a file is known as a report of ours, so that it may be written over."""
Stage = Literal["compared", "mapped", "planned", "decided", "unfinished", "moved", "different", "verified", "rolled back"]
Weight = Literal["failure", "warning", "open", "note"]
Section = Literal[
    "findings", "glance", "proof", "moved", "rejected", "preserved", "decision", "strategies", "differences", "mapping",
    "phases", "risk", "history",
]
FATES: Final = ("loaded", "merged", "quarantined", "filtered")
"""What can become of a source row; their sum is what was extracted."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Absent(Model):
    """Something that could not be learned."""

    why: str
    command: str = Field(default="", description="What would tell.")


class Side(Model):
    side: Literal["source", "target"]
    url: str = Field(default="", description="Masked.")
    version: str = ""
    database: str = ""
    role: str = ""
    rest: bool = Field(default=False, description="Rows pulled through a REST API; version and role are not known.")
    absent: Absent | None = None


class Finding(Model):
    """One thing that a reader must know, the weightiest first."""

    weight: Weight
    title: str
    detail: str = ""
    remedy: str = ""
    section: Section


class Figure(Model):
    """One number at a glance."""

    label: str
    value: float | None = None
    unit: Literal["", "rows", "bytes", "seconds", "rows/s"] = ""
    note: str = ""


class Trait(Model):
    """One thing that differs; None stands for "not there"."""

    name: str
    source: str | None
    target: str | None


class ColumnLine(Model):
    name: str
    source_type: str | None
    target_type: str | None
    verdict: str
    differs: tuple[Trait, ...] = ()
    fate: str = Field(default="", description="What the document makes of it.")


class ObjectLine(Model):
    kind: str
    source: str | None
    target: str | None
    verdict: str
    differs: tuple[Trait, ...] = ()


class TableLine(Model):
    """One pair of tables, or one that a side lacks."""

    source: str | None
    target: str | None
    kind: str
    verdict: str
    counts: dict[str, int] = Field(description="Columns by verdict.")
    columns: tuple[ColumnLine, ...] = Field(description="Those that differ; of a table that a side lacks, all.")
    same: tuple[str, ...] = Field(description="Names of the columns that are equal.")
    properties: tuple[Trait, ...] = ()
    objects: tuple[ObjectLine, ...] = ()
    fate: str = Field(default="", description="What the document says of the table as a whole.")


class Matrix(Model):
    """The two catalogs held against one another."""

    equal: bool
    counts: dict[str, int] = Field(description="Columns by verdict, over all tables.")
    tables: tuple[TableLine, ...]
    objects: tuple[ObjectLine, ...]
    notes: tuple[Trait, ...]


class RuleLine(Model):
    """One target column: what feeds it, why, and who says so."""

    column: str
    type: str = ""
    kind: str
    feed: str
    why: str = ""
    confidence: float | None = None
    evidence: tuple[str, ...] = ()
    decided: Literal["by hand", "inferred, accepted", "proposed", "left to the server", "undecided"]
    secret: bool = False


class LeftLine(Model):
    """A source column that is left behind."""

    column: str
    why: str
    final: bool = False
    secret: bool = False


class TableRules(Model):
    target: str
    source: str
    words: tuple[str, ...] = Field(description="Key, duplicates, rows that do not fit …, as the document says.")
    where: str = ""
    where_why: str = ""
    rules: tuple[RuleLine, ...]
    left: tuple[LeftLine, ...]


class Left(Model):
    """A table that the move leaves alone."""

    table: str
    why: str


class Rules(Model):
    """The mapping document."""

    path: str
    derived: bool = Field(default=False, description="Made from the reviewed document for the strategy.")
    decided: dict[str, int] = Field(description="Target columns by who decided.")
    tables: tuple[TableRules, ...]
    ignored: tuple[Left, ...]
    ignored_targets: tuple[Left, ...]


class Question(Model):
    """Something that keeps a move from starting, or that a person must say."""

    place: str
    line: int = 0
    text: str
    remedy: str


class Choice(Model):
    """The decision between the strategies."""

    strategy: str
    who: str
    why: str
    at: str
    recommended: str | None = None


class StrategyLine(Model):
    """One strategy, as it was costed."""

    strategy: str
    chosen: bool
    recommended: bool
    possible: bool
    blockers: tuple[str, ...] = ()
    rows: dict[str, int] = Field(default_factory=dict)
    columns: dict[str, int] = Field(default_factory=dict)
    violations: dict[str, int] = Field(default_factory=dict)
    statements: int = 0
    hazards: tuple[str, ...] = ()
    reversibility: str = ""
    seconds: float | None = None
    measured: bool = False
    code: tuple[str, ...] | None = None
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


class Decided(Model):
    choice: Choice | None = None
    recommendation: str | None = None
    reasons: tuple[str, ...] = ()
    strategies: tuple[StrategyLine, ...] = ()
    plan: str = Field(default="", description="The plan's id.")


class MovedLine(Model):
    """What became of one table's source rows."""

    target: str
    source: str
    extracted: int
    loaded: int
    merged: int
    quarantined: int
    filtered: int
    written: int | None = Field(default=None, description="None for a forecast.")
    bytes: int | None = None
    seconds: float | None = None
    rate: float | None = Field(default=None, description="Source rows a second.")
    balanced: bool
    way: str = ""


class Moved(Model):
    forecast: bool = Field(description="Counted by the rules before anything was moved.")
    tables: tuple[MovedLine, ...]
    total: MovedLine
    begun: str = ""
    ended: str = ""
    seconds: float | None = Field(default=None, description="From the run's beginning to its end.")


class RejectLine(Model):
    """Rows of one table that were set aside for one reason."""

    source: str
    target: str
    place: str = Field(description="Column or constraint; empty where neither is to blame.")
    code: str
    sqlstate: str = ""
    reason: str
    rows: int | None = Field(description="None where a rule raises, so that none could be counted.")
    keys: tuple[str, ...] = Field(default=(), description="Masked source keys, a few.")
    declared: bool = Field(description="The document says that such rows are expected, or a person has given them up.")
    ways: tuple[str, ...] = Field(default=(), description="Ways out, as edits of the document.")
    rule: str = Field(default="", description="The rule's stable handle.")


class Rejected(Model):
    forecast: bool
    rows: int
    undeclared: int
    reasons: tuple[RejectLine, ...]
    unjudged: tuple[str, ...] = Field(default=(), description="What was not judged beforehand, and why.")


class ProofLine(Model):
    target: str
    source: str
    expected: int
    found: int
    missing: int
    different: int
    extra: int
    columns: int
    kept: int = 0
    same_value: int = 0
    by_column: dict[str, int] = Field(default_factory=dict)
    samples: tuple[str, ...] = Field(default=(), description="Kind, masked key and columns of a few rows.")
    problem: str = ""
    clean: bool


class Proven(Model):
    """The last verification."""

    word: Literal["verified", "repaired"]
    at: str
    clean: bool
    current: bool = Field(description="Nothing was moved after it.")
    exact: bool
    rows: int
    differences: int
    seconds: float
    tables: tuple[ProofLine, ...]
    sequences: int
    behind: tuple[str, ...]
    held: tuple[str, ...]
    uncovered: tuple[str, ...]
    mended: tuple[str, ...]
    earlier: tuple[str, ...] = Field(default=(), description="Verifications before it, oldest first.")


class PreservedLine(Model):
    table: str
    why: str = ""
    rows_before: int | None = None
    rows: int | None = None
    unchanged: bool | None = Field(default=None, description="None: not verified yet.")


class PhaseLine(Model):
    """What one phase did, or will do, to either side."""

    phase: str
    state: Literal["done", "to come", "under way", "stopped", "nothing to do", "not recorded", "undone"]
    at: str = ""
    seconds: float | None = None
    source: str
    target: str


class Span(Model):
    """A stretch of the run's time line."""

    label: str
    kind: Literal["before", "table", "after", "verify"]
    start: float = Field(description="Seconds after the run began.")
    seconds: float


class Phases(Model):
    lines: tuple[PhaseLine, ...]
    spans: tuple[Span, ...] = ()


class HazardLine(Model):
    hazard: str
    meaning: str
    statements: tuple[str, ...]
    allowed: str


class Risk(Model):
    hazards: tuple[HazardLine, ...] = ()
    irreversible: tuple[str, ...] = ()
    way_back: str = ""
    warnings: tuple[str, ...] = ()


class RunLine(Model):
    id: int
    plan: str
    strategy: str
    state: str
    started: str


class Report(Model):
    """The whole story as far as it is known."""

    schema_version: Literal[1] = 1
    generator: Literal["crosswalk report"] = GENERATOR
    version: str = Field(description="Of Crosswalk.")
    made_at: str = Field(description="ISO 8601, UTC; the only thing in which two reports of one state differ.")
    stage: Stage
    verdict: Weight | Literal["good"]
    headline: str
    summary: str
    next: str = Field(default="", description="The command to go on with.")
    sides: tuple[Side, ...]
    findings: tuple[Finding, ...]
    figures: tuple[Figure, ...]
    questions: tuple[Question, ...] = ()
    proof: Proven | Absent
    moved: Moved | Absent
    rejected: Rejected | Absent
    preserved: tuple[PreservedLine, ...] | Absent
    backup: str = Field(default="", description="How the preserved tables were dumped before anything was changed.")
    decided: Decided | Absent
    differences: Matrix | Absent
    mapping: Rules | Absent
    phases: Phases
    risk: Risk | Absent
    history: tuple[RunLine, ...] | Absent
