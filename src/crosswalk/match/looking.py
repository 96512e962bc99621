"""Questions to a server about its values, each bounded, each answered with counts.

A `Looker` asks under a read-only session, remembers answers, and gives None where it may not or could
not look; what it did not look at stands in `unseen`. Only `labels` and `zone_names` return values: short
words of columns with few of them, and names of time zones that PostgreSQL knows.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from crosswalk.connect import Session
from crosswalk.errors import MissingPrivilege, RowsHidden, StatementFailed, Timeout
from crosswalk.match import profile
from crosswalk.match.profile import Profile
from crosswalk.names import Name, literal, quote
from crosswalk.schema import RelationKind, Table

STATEMENT_SECONDS: Final = 20
"""No question may take longer."""
TOTAL_SECONDS: Final = 600.0
"""All questions to one server together; what is left then stays unseen."""
DISTINCT: Final = 20_000
"""Values of a column that are looked for in another one."""
LABELS: Final = 24
"""A column with more different values than these has no labels."""
LABEL_LENGTH: Final = 40
_REFUSED: Final = (MissingPrivilege, RowsHidden, Timeout, StatementFailed)
_READABLE: Final = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})
_SETTINGS: Final = (("statement_timeout", f"{STATEMENT_SECONDS}s"), ("synchronize_seqscans", "off"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """How many different values of one column are found in another."""

    values: int
    found: int
    rows: int
    """Rows that hold those values."""
    rows_found: int

    @property
    def share(self) -> float:
        """Of the different values, or of the rows that hold them, whichever is more: few values may be odd ones."""
        return max(self.found / self.values, self.rows_found / self.rows) if self.values else 0.0

    @property
    def whole(self) -> bool:
        return self.found == self.values


@dataclass(slots=True, kw_only=True)
class Looker:
    """One server's values, asked for in counts."""

    session: Session
    unseen: dict[str, str] = field(default_factory=dict)
    """Reason by what was not looked at."""
    _answers: dict[tuple[str, tuple[Any, ...]], asyncpg.Record | None] = field(default_factory=dict)
    _until: float = 0.0

    async def prepare(self) -> None:
        """Time-outs of our own; to be called once."""
        await self.session.set(_SETTINGS)
        self._until = time.monotonic() + TOTAL_SECONDS

    async def profile(self, table: Table) -> dict[str, Profile]:
        """Profiles by column, of the columns that may be read; empty where the table may not."""
        columns = [c for c in table.columns if c.selectable]
        if not may_read(table) or not columns:
            self.unseen[str(table.name)] = why_not(table)
            return {}
        found: dict[str, Profile] = {}
        for start in range(0, len(columns), 100):
            part = columns[start : start + 100]
            row = await self._ask(str(table.name), profile.sql(table, part))
            if row is not None:
                found |= profile.read(part, tuple(row.values()))
        return found

    async def holds_rows(self, tables: Sequence[Table]) -> set[Name]:
        """Those of the tables that hold a row, as far as they may be read."""
        found: set[Name] = set()
        for table in tables:
            if not may_read(table):
                self.unseen[str(table.name)] = why_not(table)
                continue
            row = await self._ask(str(table.name), f"SELECT EXISTS (SELECT FROM {table.name.sql})")
            if row is not None and row[0]:
                found.add(table.name)
        return found

    async def contained(
        self, child: Table, value: str, parents: Sequence[tuple[Table, str]]
    ) -> list[Contained] | None:
        """How many different values of an expression over the child `c` equal an expression over each parent `p`.

        The child's full table is read, up to DISTINCT different values.
        """
        if not parents or not may_read(child) or not all(may_read(p) for p, _ in parents):
            return None
        tests = ", ".join(
            f"EXISTS (SELECT FROM {p.name.sql} AS p WHERE {expression} = g.v) AS t{i}"
            for i, (p, expression) in enumerate(parents)
        )
        counts = ", ".join(
            f"count(*) FILTER (WHERE t{i}), COALESCE(sum(n) FILTER (WHERE t{i}), 0)::int8" for i in range(len(parents))
        )
        text = (
            f"SELECT count(*), COALESCE(sum(n), 0)::int8, {counts} FROM (SELECT n, {tests} FROM (SELECT x.v, count(*) AS n"
            f" FROM (SELECT {value} AS v FROM {child.name.sql} AS c) AS x WHERE x.v IS NOT NULL GROUP BY x.v"
            f" LIMIT {DISTINCT}) AS g) AS t"
        )
        row = await self._ask(str(child.name), text)
        if row is None:
            return None
        values, rows, *found = row.values()
        pairs = zip(found[::2], found[1::2], strict=True)
        return [Contained(values=values, found=n, rows=rows, rows_found=r) for n, r in pairs]

    async def doubled(self, table: Table, columns: Sequence[str]) -> int | None:
        """How many values of these columns together stand in several rows."""
        if not may_read(table):
            return None
        names = ", ".join(map(quote, columns))
        whole = " AND ".join(f"{quote(c)} IS NOT NULL" for c in columns)
        text = (
            f"SELECT count(*) FROM (SELECT FROM {table.name.sql} WHERE {whole} GROUP BY {names} HAVING count(*) > 1) AS d"
        )
        row = await self._ask(str(table.name), text)
        return None if row is None else int(row[0])

    async def equal(self, table: Table, pairs: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
        """For each pair of columns: rows where both are present, and of these the rows where they are equal.

        The second expression of a pair is compared as it is given: a column, or SQL over `s`.
        """
        if not pairs or not may_read(table):
            return [(0, 0)] * len(pairs)
        counts = ", ".join(
            f"count(*) FILTER (WHERE ({a}) IS NOT NULL AND ({b}) IS NOT NULL), count(*) FILTER (WHERE ({a}) = ({b}))"
            for a, b in pairs
        )
        rows = f"(SELECT * FROM {profile.sampled(table)} LIMIT {profile.ROWS})"
        row = await self._ask(str(table.name), f"SELECT {counts} FROM {rows} AS s")
        if row is None:
            return [(0, 0)] * len(pairs)
        flat = tuple(row.values())
        return [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]

    async def labels(self, table: Table, column: str) -> tuple[str, ...] | None:
        """The different short words of a column, in order; None where there are too many, or longer ones."""
        if not may_read(table):
            return None
        value = f"{quote(column)}::pg_catalog.text"
        text = (
            f"SELECT array_agg(v ORDER BY v COLLATE \"C\") FROM (SELECT DISTINCT {value} AS v FROM {table.name.sql}"
            f" WHERE {quote(column)} IS NOT NULL LIMIT {LABELS + 1}) AS d"
        )
        row = await self._ask(str(table.name), text)
        found = tuple(row[0] or ()) if row is not None else None
        if found is None or len(found) > LABELS or any(len(label) > LABEL_LENGTH for label in found):
            return None
        return found

    async def zone_names(self, table: Table, column: str) -> tuple[str, ...]:
        """The time zones that stand in a column, where all its values are zones that PostgreSQL knows."""
        found = await self.labels(table, column)
        if not found:
            return ()
        names = ", ".join(literal(name) for name in found)
        text = f"SELECT count(*) FROM pg_catalog.pg_timezone_names WHERE name IN ({names})"
        row = await self._ask("time zones", text)
        return found if row is not None and row[0] == len(found) else ()

    async def server_zone(self) -> str:
        """The zone in which this database writes a wall clock from now(), where a session does not say."""
        row = await self._ask(
            "the server's zone", "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'"
        )
        zone = str(row[0]) if row is not None else ""
        return "UTC" if zone in {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu"} else zone

    async def _ask(self, what: str, text: str) -> asyncpg.Record | None:
        key = (text, ())
        if key in self._answers:
            return self._answers[key]
        answer = None
        if time.monotonic() > self._until > 0:
            self.unseen[what] = f"the {TOTAL_SECONDS:.0f} s for looking at values were over"
        else:
            try:
                answer = await self.session.fetchrow(text, what=f"looking at {what}")
            except _REFUSED as error:
                self.unseen[what] = _said(error)
        self._answers[key] = answer
        return answer


def _said(error: Exception) -> str:
    if isinstance(error, RowsHidden):
        return "row-level security would hide rows"
    if isinstance(error, MissingPrivilege):
        return "the role may not read it"
    if isinstance(error, Timeout):
        return f"it took longer than {STATEMENT_SECONDS} s, or somebody held a lock"
    return f"the server refused a question (SQLSTATE {getattr(error, 'fields', {}).get('sqlstate', '')})"


def may_read(table: Table) -> bool:
    """True where this role can read all rows."""
    return table.kind in _READABLE and not table.row_security.hides and any(c.selectable for c in table.columns)


def why_not(table: Table) -> str:
    if table.row_security.hides:
        return "row-level security would hide rows"
    return "a foreign table's values are not looked at" if table.kind not in _READABLE else "the role may not read it"


def readable(table: Table, columns: Collection[str]) -> bool:
    """True where these columns may be read."""
    return all((c := table.column(name)) is not None and c.selectable for name in columns)
