"""The schema cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crosswalk.data.request import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCache:
    @classmethod
    def from_row(cls, row: Sequence[Any] | Mapping[str, Any]) -> SchemaCache:
        """The cache from the one row of `statement(...)`."""
        raise NotImplementedError


def statement(schemas: Sequence[str] = ("public",)) -> Statement:
    """Reads what a database exposes in these schemas: one row, one column of JSON."""
    raise NotImplementedError
