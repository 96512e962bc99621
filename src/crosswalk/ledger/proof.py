"""What a verification or a repair found, as the ledger keeps it: counts and masked keys, never a value.

Written as one event of the run that it verified, so that a later report and the status board can tell what was
verified, when, and what was not. Readers are lenient: an older entry lacks what it did not know of.
"""

from __future__ import annotations

import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from crosswalk.connect import Session

KIND: Final = "proof"
"""Of the event; its name is `verified` or `repaired`."""
Word = Literal["verified", "repaired"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Sample(_Model):
    """One row that differs."""

    kind: str
    key: str = Field(description="Masked.")
    columns: tuple[str, ...] = ()


class TableProof(_Model):
    """One table's rows, held against the source through the mapping."""

    target: str
    source: str
    expected: int
    found: int
    missing: int = 0
    extra: int = 0
    different: int = 0
    columns: int = Field(default=0, description="Compared.")
    unchecked: tuple[str, ...] = ()
    by_column: dict[str, int] = Field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    kept: int = Field(default=0, description="Rows that stood there before the first run, not compared.")
    quarantined: int = 0
    same_value: int = Field(default=0, description="Equal by value, not in form.")
    stale: int = Field(default=0, description="Rows in quarantine that have changed in the source since.")
    problem: str = Field(default="", description="What is wrong with the accounting.")

    @property
    def clean(self) -> bool:
        return not (self.missing or self.extra or self.different or self.problem)


class PreservedProof(_Model):
    """A preserved table, when the run began and when it was verified."""

    table: str
    rows_before: int
    rows: int
    unchanged: bool


class Mended(_Model):
    """What a repair did to one table."""

    target: str
    moved: int
    deleted: int = 0
    refused: int = 0
    left: int = 0


class Proof(_Model):
    """A whole verification; of a repair, the one after it."""

    word: Word
    at: str = ""
    clean: bool
    exact: bool = Field(default=False, description="Differences of representation counted too.")
    rows: int
    seconds: float = 0.0
    tables: tuple[TableProof, ...] = ()
    sequences: int = Field(default=0, description="Compared with their columns.")
    behind: tuple[str, ...] = Field(default=(), description="Sequences that are behind their column.")
    held: tuple[str, ...] = Field(default=(), description="Triggers and keys that are still switched off.")
    preserved: tuple[PreservedProof, ...] = ()
    uncovered: tuple[str, ...] = ()
    mended: tuple[Mended, ...] = ()

    @property
    def differences(self) -> int:
        return sum(t.missing + t.extra + t.different for t in self.tables)


async def write_proof(session: Session, run: int, proof: Proof) -> None:
    """Note it; raises what a role meets that may not write the ledger."""
    await session.execute(
        "INSERT INTO crosswalk.event (run_id, kind, name, detail) VALUES ($1, $2, $3, $4::json)",
        run,
        KIND,
        proof.word,
        json.dumps(proof.model_dump(mode="json", exclude={"word", "at"})),
        what="the ledger",
    )


async def read_proofs(session: Session, run: int) -> tuple[Proof, ...]:
    """All verifications of a run, oldest first."""
    rows = await session.fetch(
        "SELECT at::text, name, detail FROM crosswalk.event WHERE run_id = $1 AND kind = $2 ORDER BY id",
        run,
        KIND,
        what="the ledger",
    )
    return tuple(Proof.model_validate({**json.loads(r["detail"]), "word": r["name"], "at": r["at"]}) for r in rows)
