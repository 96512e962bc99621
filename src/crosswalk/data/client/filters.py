"""The filter methods of supabase-py, under all their names; each adds one query parameter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from crosswalk.data.client import params
from crosswalk.data.client.draft import Draft

Pair = tuple[Any, Any]
"""The two ends of a range."""


class Filters:
    """A draft and the filters that go into it. Each method changes it in place and gives it back."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._negate = False

    @property
    def not_(self) -> Self:
        """Turns the next filter round."""
        self._negate = True
        return self

    def filter(self, column: str, operator: str, criteria: Any) -> Self:
        """Any operator by its name in PostgREST, with its value as it is written there."""
        negated, self._negate = "not." if self._negate else "", False
        self._draft.params.add(params.key(column, operator), f"{negated}{operator}.{criteria}")
        return self

    def eq(self, column: str, value: Any) -> Self:
        return self.filter(column, "eq", params.word(value))

    def neq(self, column: str, value: Any) -> Self:
        return self.filter(column, "neq", params.word(value))

    def gt(self, column: str, value: Any) -> Self:
        return self.filter(column, "gt", params.word(value))

    def gte(self, column: str, value: Any) -> Self:
        return self.filter(column, "gte", params.word(value))

    def lt(self, column: str, value: Any) -> Self:
        return self.filter(column, "lt", params.word(value))

    def lte(self, column: str, value: Any) -> Self:
        return self.filter(column, "lte", params.word(value))

    def is_(self, column: str, value: Any) -> Self:
        """None, True, False, or a word such as "unknown"."""
        return self.filter(column, "is", params.word(value) if value is None or isinstance(value, bool) else value)

    def in_(self, column: str, values: Iterable[Any]) -> Self:
        return self.filter(column, "in", params.listed(values))

    def match(self, query: Mapping[str, Any]) -> Self:
        """Equal in every column named."""
        if not query:
            raise ValueError("query dictionary should contain at least one key-value pair")
        for column, value in query.items():
            self.eq(column, value)
        return self

    def or_(self, filters: str, reference_table: str | None = None) -> Self:
        """Alternatives in PostgREST's grammar, e.g. `or_("a.eq.1,and(b.gt.2,c.is.null)")`."""
        negated, self._negate = "not." if self._negate else "", False
        below = f"{params.name(reference_table)}." if reference_table else ""
        self._draft.params.add(f"{below}{negated}or", f"({filters})")
        return self

    def like(self, column: str, pattern: str) -> Self:
        return self.filter(column, "like", pattern)

    def ilike(self, column: str, pattern: str) -> Self:
        return self.filter(column, "ilike", pattern)

    def like_all_of(self, column: str, pattern: str) -> Self:
        """Patterns separated by commas."""
        return self.filter(column, "like(all)", f"{{{pattern}}}")

    def like_any_of(self, column: str, pattern: str) -> Self:
        """Patterns separated by commas."""
        return self.filter(column, "like(any)", f"{{{pattern}}}")

    def ilike_all_of(self, column: str, pattern: str) -> Self:
        """Patterns separated by commas."""
        return self.filter(column, "ilike(all)", f"{{{pattern}}}")

    def ilike_any_of(self, column: str, pattern: str) -> Self:
        """Patterns separated by commas."""
        return self.filter(column, "ilike(any)", f"{{{pattern}}}")

    def fts(self, column: str, query: Any) -> Self:
        return self.filter(column, "fts", query)

    def plfts(self, column: str, query: Any) -> Self:
        return self.filter(column, "plfts", query)

    def phfts(self, column: str, query: Any) -> Self:
        return self.filter(column, "phfts", query)

    def wfts(self, column: str, query: Any) -> Self:
        return self.filter(column, "wfts", query)

    def contains(self, column: str, value: Any) -> Self:
        """An array, an object, or a range as it is written."""
        return self.filter(column, "cs", params.container(value))

    def contained_by(self, column: str, value: Any) -> Self:
        """An array, an object, or a range as it is written."""
        return self.filter(column, "cd", params.container(value))

    def ov(self, column: str, value: Any) -> Self:
        """An array, or a range as it is written."""
        return self.filter(column, "ov", params.container(value))

    def cs(self, column: str, values: Iterable[Any]) -> Self:
        return self.filter(column, "cs", params.array(values))

    def cd(self, column: str, values: Iterable[Any]) -> Self:
        return self.filter(column, "cd", params.array(values))

    def overlaps(self, column: str, values: Any) -> Self:
        return self.ov(column, values)

    def sl(self, column: str, range: Pair) -> Self:
        return self._range(column, "sl", range)

    def sr(self, column: str, range: Pair) -> Self:
        return self._range(column, "sr", range)

    def nxl(self, column: str, range: Pair) -> Self:
        return self._range(column, "nxl", range)

    def nxr(self, column: str, range: Pair) -> Self:
        return self._range(column, "nxr", range)

    def adj(self, column: str, range: Pair) -> Self:
        return self._range(column, "adj", range)

    def range_gt(self, column: str, range: Pair) -> Self:
        return self.sr(column, range)

    def range_gte(self, column: str, range: Pair) -> Self:
        return self.nxl(column, range)

    def range_lt(self, column: str, range: Pair) -> Self:
        return self.sl(column, range)

    def range_lte(self, column: str, range: Pair) -> Self:
        return self.nxr(column, range)

    def range_adjacent(self, column: str, range: Pair) -> Self:
        return self.adj(column, range)

    def max_affected(self, value: int) -> Self:
        """Of an update or delete: more rows than that are refused and left as they were."""
        self._draft.max_affected = value
        return self

    def _range(self, column: str, operator: str, ends: Pair) -> Self:
        return self.filter(column, operator, f"({ends[0]},{ends[1]})")
