"""What the doctor says: one `Finding` for one trouble on one side.

Evidence holds names, settings and counts, never a value of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from crosswalk.names import Name

Where = Literal["source", "target", "both"]


class Severity(StrEnum):
    """How bad it is, worst first."""

    BLOCKER = "blocker"
    """A migration would fail or lose rows."""
    WARNING = "warning"
    """Something to decide or to mend; a migration would run."""
    NOTE = "note"
    """Worth knowing; nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    id: str
    """Stable, e.g. `target.triggers.rewrite`; explained in docs/doctor.md."""
    severity: Severity
    side: Where
    title: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    """SQL or a command; empty where there is nothing to run."""
    tables: tuple[Name, ...] = ()
    """The tables concerned."""

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {
            "id": self.id, "severity": self.severity.value, "side": self.side, "title": self.title,
            "evidence": list(self.evidence), "fix": self.fix, "tables": [str(name) for name in self.tables],
        }
