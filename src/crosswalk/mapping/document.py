"""The document itself: per target table where its rows come from, and what becomes of each column.

Pure values; whether they fit two real schemas is asked by `crosswalk.judge`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Field, field_validator

from crosswalk.mapping.rules import Model, Rule
from crosswalk.mapping.words import words
from crosswalk.names import Name, parse

Existing = Literal["refuse", "keep", "update"]
Rejects = Literal["quarantine", "fail"]
_NEWEST = re.compile(r"newest by (.+)\Z")
_NEWEST_BY = "^newest by .+"


class Newest(Model):
    """Of several rows for one key the one with the greatest value wins; ties go to the lowest source key."""

    newest: str = Field(description="A source column.")


def _duplicates(value: Any) -> Any:
    found = _NEWEST.match(value) if isinstance(value, str) else None
    return {"newest": found.group(1).strip()} if found else value


_Word = Literal["fail", "quarantine", "first"]
_NewestBy = Annotated[str, Field(pattern=_NEWEST_BY, description="newest by COLUMN")]
Duplicates = Annotated[
    _Word | Newest, BeforeValidator(_duplicates, json_schema_input_type=Union[_Word, _NewestBy, Newest])  # noqa: UP007
]


class Filter(Model):
    """Source rows that are moved; the others are filtered, with a reason."""

    sql: str = Field(min_length=1)
    why: str = Field(min_length=1)


class Drop(Model):
    """A source column that is left behind."""

    why: str = Field(min_length=1)
    final: bool = Field(default=False, description="Not even the hybrid strategy adds it to the target.")
    secret: bool = Field(default=False, description="Never show the values, not even in quarantine.")


def _drop(value: Any) -> Any:
    return {"why": value} if isinstance(value, str) else value


class Back(Model):
    """How a source column is read back from the target's row; nothing but `crosswalk compile` asks for it."""

    sql: str = Field(min_length=1, description="An expression over one row of the target table; subqueries are allowed.")
    exact: bool = Field(
        default=False, description="For every row that the mapping wrote it gives the very value that the source had."
    )
    why: str | None = Field(default=None, description="The reason, for the reader.")


def _back(value: Any) -> Any:
    return {"sql": value} if isinstance(value, str) else value


class TableMapping(Model):
    """How one target table is fed."""

    from_: str = Field(alias="from", description="The source table or view.")
    key: tuple[str, ...] = Field(
        description="Target columns that tell its rows apart; [] only for tables without a key."
    )
    source_key: tuple[str, ...] = Field(
        default=(), description="For views and keyless tables: columns that tell rows apart."
    )
    where: Filter | None = None
    on_duplicate: Duplicates = "fail"
    existing: Existing = "refuse"
    rejects: Rejects | None = Field(
        default=None,
        description="quarantine: rows that do not fit are expected and set aside; fail: one such row stops the move.",
    )
    on_reject: Literal["keep", "remove"] = Field(
        default="remove", description="What becomes of the target row when its source row no longer fits."
    )
    columns: dict[str, Rule]
    drop: dict[str, Annotated[Drop, BeforeValidator(_drop, json_schema_input_type=str | Drop)]] = Field(
        default_factory=dict
    )
    back: dict[str, Annotated[Back, BeforeValidator(_back, json_schema_input_type=str | Back)]] = Field(
        default_factory=dict,
        description="By source column: how it is read back from the target, where no rule says it. No move reads this.",
    )

    @cached_property
    def source(self) -> Name:
        return parse(self.from_)

    def secret_columns(self, columns: Iterable[str]) -> frozenset[str]:
        """Those of the source's columns whose values never show: also what the SQL of a secret rule mentions."""
        dropped = {name for name, drop in self.drop.items() if drop.secret}
        hidden = [rule for rule in self.columns.values() if rule.secret]
        fed = {column for rule in hidden for column in rule.reads()}
        mentioned = {word for rule in hidden for text in rule.expressions() for word in words(text)}
        return frozenset(columns) & (dropped | fed | mentioned)


class Ignored(Model):
    """Tables of either side that the move leaves alone, each with a reason."""

    source: dict[str, str] = Field(default_factory=dict)
    target: dict[str, str] = Field(default_factory=dict)


class Fingerprints(Model):
    """Of both schemas, as they were when the document was written."""

    source: str | None = None
    target: str | None = None


class Document(Model):
    """The whole mapping document."""

    version: Literal[1]
    fingerprints: Fingerprints = Field(default_factory=Fingerprints)
    tables: dict[str, TableMapping] = Field(min_length=1, description="By target table.")
    preserve: dict[str, str] = Field(
        default_factory=dict, description="Live target tables that nothing of ours may touch, each with a reason."
    )
    ignore: Ignored = Field(default_factory=Ignored)

    @field_validator("tables", "preserve")
    @classmethod
    def _names_parse(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            parse(name)
        return value

    @cached_property
    def by_target(self) -> Mapping[Name, TableMapping]:
        """The mapped tables by their target's name."""
        return {parse(name): table for name, table in self.tables.items()}

    @cached_property
    def preserved(self) -> Mapping[Name, str]:
        """Reason by preserved target table."""
        return {parse(name): why for name, why in self.preserve.items()}

    @cached_property
    def ignored_sources(self) -> Mapping[Name, str]:
        return {parse(name): why for name, why in self.ignore.source.items()}

    @cached_property
    def ignored_targets(self) -> Mapping[Name, str]:
        return {parse(name): why for name, why in self.ignore.target.items()}

    @cached_property
    def pairs(self) -> Mapping[Name, Name]:
        """Target by source table; where one feeds several the first counts."""
        found: dict[Name, Name] = {}
        for target, table in self.by_target.items():
            found.setdefault(table.source, target)
        return found

    def targets_of(self, source: Name) -> tuple[Name, ...]:
        """The target tables that a source table feeds."""
        return self._by_source.get(source, ())

    @cached_property
    def _by_source(self) -> Mapping[Name, tuple[Name, ...]]:
        found: defaultdict[Name, list[Name]] = defaultdict(list)
        for name, table in self.by_target.items():
            found[table.source].append(name)
        return {source: tuple(targets) for source, targets in found.items()}
