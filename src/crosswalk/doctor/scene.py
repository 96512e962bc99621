"""What a check sees: both servers, or one side of them, and the tables that matter.

A check is a coroutine function over one `Scene` (one side) or over both; it reads and never writes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

import asyncpg

from crosswalk.connect import Session, Side
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.names import Name
from crosswalk.schema import RelationKind, Schema, Table


class Moves(Protocol):
    """A document as far as the doctor cares: which tables it moves."""

    @property
    def tables(self) -> Iterable[tuple[Name, Name]]:
        """Pairs of source and target table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One side."""

    side: Side
    session: Session
    schema: Schema
    tables: tuple[Table, ...]
    """The root tables that are moved (source) or written (target)."""

    async def ask(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """The rows of `query`.sql beside this module."""
        sql = files("crosswalk.doctor").joinpath(f"{query}.sql").read_text(encoding="utf-8")
        return await self.session.fetch(sql, *args, what=f"the check {query}")

    def found(
        self, name: str, severity: Severity, title: str, evidence: Iterable[str] = (), *, fix: str = "",
        tables: Iterable[Name] = (),
    ) -> Finding:
        """A finding of this side; its id begins with the side."""
        return Finding(
            id=f"{self.side}.{name}", severity=severity, side=self.side, title=title,
            evidence=tuple(evidence), fix=fix, tables=tuple(tables),
        )

    @property
    def heaps(self) -> tuple[Table, ...]:
        """The tables with all their partitions, at any depth."""
        return tuple(heap for table in self.tables for heap in _family(self.schema, table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """Both sides."""

    source: Scene
    target: Scene


def _family(schema: Schema, table: Table) -> Iterable[Table]:
    yield table
    if table.kind is RelationKind.PARTITIONED:
        for child in schema.partitions(table.name):
            yield from _family(schema, child)


OneSided = Callable[[Scene], AsyncIterator[Finding]]
TwoSided = Callable[[Both], AsyncIterator[Finding]]
