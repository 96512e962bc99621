"""What a compiled motion is made of: conditions, what travels for each column, and how lookups join."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from crosswalk.names import Name
from crosswalk.schema import Column, TypeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Why a source row is set aside."""

    number: int
    code: str
    """Stable: not_null, length, range, rounded, lookup.missing, check …"""
    sql: str
    """True for rows that do not fit, at the level `mapped`."""
    reason: str
    sqlstate: str
    column: str | None = None
    constraint: str | None = None
    policy: str = "quarantine"
    """`fail` where the rule's own word stops the move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column whose value the target makes: the parent's row is found by its own key."""

    parent: Name
    take: str
    parts: tuple[tuple[str, Wire | Reference], ...]
    """Key columns of the parent, each with what the child carries for it."""

    def wires(self) -> Iterable[Wire]:
        """What travels, in order."""
        for _, part in self.parts:
            if isinstance(part, Wire):
                yield part
            else:
                yield from part.wires()

    def parents(self) -> Iterable[Name]:
        """The tables that the target looks into to resolve it."""
        yield self.parent
        for _, part in self.parts:
            if isinstance(part, Reference):
                yield from part.parents()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One column of the extract and of the twin."""

    name: str
    """Its name in both: the target column's, or `cw$…`."""
    type: TypeRef
    """The target column's own type; it travels as `wire_type(type)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One target column and what feeds it."""

    column: Column
    via: Wire | Reference

    @property
    def wires(self) -> tuple[Wire, ...]:
        return (self.via,) if isinstance(self.via, Wire) else tuple(self.via.wires())


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """One way to find a lookup's row."""

    alias: str
    parent: Name
    take: str
    lefts: tuple[str, ...]
    """What is matched on the parent's side."""
    on: str
    column: str
    """The target column that the lookup feeds."""
    operands: tuple[str, ...]
    """What the row gives for each of `lefts`, at the levels from `row` on."""


@dataclass(slots=True, kw_only=True)
class Compiled:
    """What compiling a table's rules gives; complete once its maker has it, and read only from then on."""

    rows: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    fed: tuple[Fed, ...] = ()
    sent: dict[str, str] = field(default_factory=dict)
    """By wire: the column that holds the very bytes of its binary form, where those are cheaper to make than its value."""
