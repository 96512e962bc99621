"""What a lens is made of: readings, writings, and the tables that stand beside a row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from crosswalk.names import Name, quote

ROW = "t"
"""The alias of the target's row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A table joined to a row of the target; at most one row of it meets each."""

    alias: str
    table: Name | None
    sql: str
    """The whole clause."""
    by: str | None = None
    """The table's column that meets the row."""


@dataclass(slots=True, kw_only=True)
class Joins:
    """The tables beside one alias, each once, in the order in which they may be joined."""

    prefix: str
    found: dict[tuple[str, ...], Beside] = field(default_factory=dict)
    """By what it is joined by."""

    def to(self, parent: Name, column: str, value: str) -> str:
        """The alias of the parent's row whose `column` (unique there) equals a value."""
        by = (str(parent), column, value)
        if by not in self.found:
            alias = f"{self.prefix}{len(self.found) + 1}"
            on = f"{quote(alias)}.{quote(column)} = {value}"
            sql = f"LEFT JOIN {parent.sql} AS {quote(alias)} ON {on}"
            self.found[by] = Beside(alias=alias, table=parent, sql=sql, by=column)
        return self.found[by].alias

    def computed(self, over: str, select: str) -> str:
        """The alias of values computed from the row of another alias."""
        by = ("", over)
        if by not in self.found:
            alias = f"{self.prefix}{len(self.found) + 1}"
            self.found[by] = Beside(alias=alias, table=None, sql=f"CROSS JOIN LATERAL ({select}) AS {quote(alias)}")
        return self.found[by].alias

    @property
    def clauses(self) -> tuple[Beside, ...]:
        return tuple(self.found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparable:
    """What may be compared in place of a reading, so that an index serves it."""

    sql: str
    before: str = ""
    after: str = ""
    patterns: bool = False

    @property
    def plain(self) -> bool:
        """Whether values are compared as they are."""
        return not self.before and not self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A source column read from the target's row."""

    sql: str
    compare: Comparable | None = None
    depends: frozenset[str] = frozenset()
    """Target columns of the row itself that it is made of."""
    exact: bool
    declared: bool = False
    note: str | None = None
    rank: int = 0
    """How near it is to the row: lower ones are preferred among equals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Why a source column cannot be read."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A condition under which a source row is not taken; over the named values."""

    sql: str
    code: str
    sqlstate: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How a target column is fed from a whole source row."""

    values: Mapping[str, str]
    """By name: SQL over the source row."""
    sql: str
    """Over the named values; of the column's type without length or precision."""
    reads: tuple[str, ...]
    refusals: tuple[Refused, ...] = ()
    looks_into: tuple[Name, ...] = ()
    merge: str | None = None
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a document that is merged: the path of each source column in it."""
    settled_by: frozenset[str] = frozenset()
    """Source columns of which any one alone gives the value: those that agree and are never NULL."""

    def follows(self, columns: Collection[str]) -> bool:
        """Whether the value is known once these source columns are."""
        return bool(self.reads) and (set(self.reads) <= set(columns) or not self.settled_by.isdisjoint(columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """Why a target column that the document feeds cannot be fed from here."""

    why: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A statement that the target parses if it understands a part of a lens; it is never run."""

    part: str
    """`back`, `read`, `write`, `where` or `default`."""
    name: str
    """The source column, or the target column that is written."""
    sql: str


Failed = Mapping[tuple[str, str], str]
"""The target's word by (part, name), where it did not understand a proof."""
