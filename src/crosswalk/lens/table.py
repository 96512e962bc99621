"""One legacy table through the lens: every column read, every target column written, and the keys.

Pure. A table that feeds several targets, or whose rows are spread by `unnest`, has no lens: which of its rows stands for
a legacy row is nothing that one row of one table could say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crosswalk.express import Facts, Motion
from crosswalk.lens.kinds import Kinds
from crosswalk.lens.parts import ROW, Absent, Beside, Failed, Joins, Reading, Refused, Unwritten, Written
from crosswalk.lens.reading import Readings
from crosswalk.lens.writing import Writings
from crosswalk.mapping.words import calls
from crosswalk.names import Name
from crosswalk.schema import Column, Table

_OF_SEQUENCES: Final = frozenset({"nextval", "currval", "lastval"})
_CONSTANT: Final = re.compile(r"""\(*(?P<literal>[eE]?'(?:[^'\\]|''|\\.)*'|-?\d[\d.]*|true|false)\)*(?:::[^'()]+\)*)*""", re.DOTALL)
"""A literal and its casts, as PostgreSQL prints a default; none with a length, for that cast would cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What is known of a table before the target was asked; `failed` is what it then did not understand."""

    facts: Facts
    source: Table
    target: Table
    readings: Mapping[str, Reading | Absent]
    writings: Mapping[str, Written | Unwritten]
    joins: tuple[Beside, ...]
    where: tuple[Refused, tuple[str, ...]] | None

    @property
    def kinds(self) -> Kinds:
        return Kinds(source=self.facts.source, target=self.facts.target)

    def read(self, failed: Failed) -> dict[str, Reading | Absent]:
        """The readings that stand."""
        return {
            name: Absent(why=f"the target does not understand it: {failed['read', name]}") if ("read", name) in failed else found
            for name, found in self.readings.items()
        }

    def written(self, failed: Failed) -> dict[str, Written | Unwritten]:
        """The writings that stand."""
        return {
            name: Unwritten(why=f"the target does not understand it: {failed['write', name]}", reads=found.reads)
            if ("write", name) in failed
            else found
            for name, found in self.writings.items()
        }


def lens(facts: Facts, target: Name) -> Lens:
    """The lens of a mapped table; see `why_not` for those that have none."""
    source, stands = facts.source_table(target), facts.target_table(target)
    joins = Joins(prefix="cw$j")
    readings = Readings(facts, target, ROW, joins)
    writings = Writings(facts, target)
    found = {column.name: readings.of(column.name) for column in source.columns}
    return Lens(
        facts=facts,
        source=source,
        target=stands,
        readings=found,
        writings=dict(writings.all()),
        joins=joins.clauses,
        where=writings.filtered(),
    )


def why_not(facts: Facts, target: Name) -> str | None:
    """Why a mapped table has no lens."""
    mapping = facts.mapping(target)
    several = facts.document.targets_of(mapping.source)
    if len(several) > 1:
        return f"it feeds several tables: {', '.join(map(str, several))}"
    if Motion(facts, target).unnests:
        return f"each of its rows becomes several rows of {target} (unnest)"
    if not facts.target_table(target).row_identity:
        return f"{target} has no key that tells its rows apart"
    return None


def makes_itself(column: Column) -> bool:
    """Whether the legacy database made the value of a column by what the target cannot do."""
    if column.identity or column.generated:
        return True
    made = calls(column.default) if column.default else set()
    return numbered(column) or any(schema not in {None, "pg_catalog"} for schema, _ in made)


def numbered(column: Column) -> bool:
    """Whether a sequence gave the value."""
    made = calls(column.default) if column.default else set()
    return column.identity is not None or any(name in _OF_SEQUENCES for _, name in made)


def default(column: Column) -> str | None:
    """The default as the target can compute it: a constant of a type of the source's own without that type's name."""
    if column.default is None or (column.type.element or column.type).builtin:
        return column.default
    found = _CONSTANT.fullmatch(column.default)
    return found["literal"] if found else column.default
