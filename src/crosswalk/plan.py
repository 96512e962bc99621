"""The plan: what a move will do, as a document that can be read, kept and refused.

A plan stands on two fingerprints; `migrate` refuses it when either schema has moved on. Each
statement carries the hazard that it is, by name; hazards must be allowed by name. It holds the
mapping document and no secret.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crosswalk.errors import BadPlan
from crosswalk.mapping import MappingFile, read_text
from crosswalk.names import Name, parse

FORMAT = 1


class Hazard(StrEnum):
    """What somebody must have allowed by name (`--allow NAME`)."""

    DISABLES_TRIGGERS = "disables-triggers"
    """User triggers of a filled table do not fire while the move runs; they are restored exactly."""
    DROPS_FOREIGN_KEYS = "drops-foreign-keys"
    """Foreign keys in a circle are dropped for the load and added again, validated."""
    KEEPS_EXISTING_ROWS = "keeps-existing-rows"
    """The target table holds rows already; they stay, and ours go beside them."""
    UPDATES_EXISTING_ROWS = "updates-existing-rows"
    """The target table holds rows already; those of the same key are overwritten."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(_Model):
    """One step on the target, in order."""

    phase: Literal["before", "load", "after"]
    table: str
    sql: str
    restore: str = Field(default="", description="What takes it back; run after the load, also after a crash.")
    hazard: Hazard | None = None
    kind: Literal["ledger", "trigger", "foreign key", "copy", "sequence"]
    name: str = ""


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


class Plan(_Model):
    """The whole plan."""

    format: Literal[1] = 1
    id: str
    version: str = Field(description="Of Crosswalk.")
    created_at: str
    strategy: Literal["transform"]
    mapping_path: str
    document: str = Field(description="The mapping document's own text.")
    source: dict[str, str] = Field(description="Server version, database, role and masked URL; no password.")
    target: dict[str, str]
    source_fingerprint: str
    target_fingerprint: str
    without: tuple[tuple[str, str], ...] = Field(
        default=(), description="Foreign keys (table, name) that the plan itself drops and adds."
    )
    tables: tuple[TablePlan, ...] = Field(description="In the order in which they are filled.")
    preserved: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    seconds: float = Field(description="Estimate for the copy.")
    warnings: tuple[str, ...] = ()

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Hazards of all statements, each once, in order."""
        return tuple(dict.fromkeys(s.hazard for s in self.statements if s.hazard is not None))

    @property
    def order(self) -> tuple[Name, ...]:
        """Target tables in the order in which they are filled."""
        return tuple(parse(t.target) for t in self.tables)

    def mapping(self) -> MappingFile:
        """The document as it was when planned."""
        return read_text(self.document, path=self.mapping_path)

    def dump(self) -> str:
        """The plan as JSON text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def sealed(plan: Plan) -> Plan:
    """The plan under the id that its content has."""
    return plan.model_copy(update={"id": _content_id(plan)})


def _content_id(plan: Plan) -> str:
    """A short name for what a plan would do: its document, fingerprints, servers and statements."""
    content = plan.model_dump(mode="json", include={"document", "strategy", "statements", "without", "preserved"})
    content |= {
        "fingerprints": [plan.source_fingerprint, plan.target_fingerprint],
        "order": [t.target for t in plan.tables],
        "servers": [plan.source.get("cluster"), plan.target.get("cluster")],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def read_plan(path: Path | str) -> Plan:
    """A plan from its file; raises BadPlan, also where somebody has edited it."""
    try:
        found = Plan.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(path=path, reason=error.strerror or str(error)) from error
    except (ValidationError, UnicodeDecodeError) as error:
        reason = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else "it is not UTF-8"
        raise BadPlan(path=path, reason=reason) from error
    if found.id != _content_id(found):
        raise BadPlan(path=path, reason="its content is not what its id says: it was edited")
    return found
