"""One thing in a document that keeps a move from starting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the document that keeps a move from starting."""

    code: str
    """Stable: table.undecided, column.unaccounted, key.not_unique …"""
    place: tuple[str, ...]
    """Key path in the document."""
    message: str
    remedy: str
    line: int = 0
