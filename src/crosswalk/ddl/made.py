"""What is handed over: statements in order, what stands in the way, and the schema that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from crosswalk.names import Name, parse
from crosswalk.plan import Statement
from crosswalk.schema import Column, Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The way from one schema to another, as values. Nothing may be run while there are blockers."""

    statements: tuple[Statement, ...]
    """Phases shape and complete, in order; undo runs in reverse order, and takes away just what was made."""
    foreign_keys: tuple[Statement, ...]
    """Phase before, with an empty sql: `restore` adds each once the rows are there. NOT VALID ones stay so."""
    blockers: tuple[str, ...]
    """Why it cannot be done as things stand, in words for a person."""
    warnings: tuple[str, ...]
    """What is left out, or changes beside what was asked for."""
    projected: Schema
    """The target as its catalog reads once everything above has run."""

    @property
    def lenient(self) -> frozenset[tuple[Name, str]]:
        """(table, name) of the foreign keys that are added NOT VALID: no row that came before breaks one."""
        keys = [(parse(s.table), s.name) for s in self.foreign_keys]
        bare = {(n, c.name) for n, _ in keys for c in self.projected.tables[n].constraints if not c.validated}
        return frozenset(keys) & bare


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A column of the source that a table of the target is given."""

    table: Name
    """In the target."""
    name: str
    """In the target."""
    column: Column
    """Of the source; its type comes along, its default, NOT NULL and identity do not."""
