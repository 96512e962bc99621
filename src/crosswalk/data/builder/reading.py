"""Query parameters become a Query. Pure; raises PGRST100, and PGRST103 for a negative limit."""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.data.builder import refusals
from crosswalk.data.builder.grammar import Check, Logic, Path, Query
from crosswalk.data.builder.grammar_filters import read_filter, read_logic, read_path
from crosswalk.data.builder.grammar_select import read_names, read_order, read_select
from crosswalk.data.failures import DataError

_WHOLE = frozenset(("select", "columns", "on_conflict"))
_ENDINGS = frozenset(("order", "limit", "offset", "and", "or"))
_DIGITS = 4000
"""More of them Python does not read; so many are out of the server's range anyway."""
Pairs = list[tuple[str, str]]


def read_query(params: Iterable[tuple[str, str]], *, calls: bool = False) -> Query:
    """`calls`: a function is called by GET, whose arguments are the parameters that are no filters."""
    whole, ending, plain = _sorted(params)
    columns, embeds = read_select(whole.get("select", "*"))
    limits, offsets = _pages(_numbers(ending["limit"]), _numbers(ending["offset"]))
    filters, arguments = _filters(plain, calls)
    return Query(
        columns=columns,
        embeds=embeds,
        tests=(*filters, *(read_logic(key, text) for key, text in ending["and"] + ending["or"])),
        orders=tuple((read_path(key)[0], read_order(text)) for key, text in ending["order"]),
        limits=tuple(limits.items()),
        offsets=tuple(offsets.items()),
        on_conflict=read_names("on_conflict", whole["on_conflict"]) if "on_conflict" in whole else None,
        only=read_names("columns", whole["columns"]) if "columns" in whole else None,
        arguments=tuple(arguments),
    )


def _sorted(params: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, Pairs], Pairs]:
    """By their keys: those of the whole request (the first counts), those by their last word, and filters."""
    whole: dict[str, str] = {}
    ending: dict[str, Pairs] = {word: [] for word in _ENDINGS}
    plain: Pairs = []
    for key, text in params:
        last = key.rpartition(".")[2]
        if key in _WHOLE:
            whole.setdefault(key, text)
        elif last in _ENDINGS:
            ending[last].append((key, text))
        else:
            plain.append((key, text))
    return whole, ending, plain


def _filters(plain: Pairs, calls: bool) -> tuple[list[tuple[Path, Check | Logic]], Pairs]:
    filters: list[tuple[Path, Check | Logic]] = []
    arguments: Pairs = []
    for key, text in plain:
        try:
            filters.append(read_filter(key, text))
        except DataError:
            if not calls:
                raise
            arguments.append((key, text))
    return filters, arguments


def _numbers(pairs: Pairs) -> dict[Path, int]:
    """Of `limit` or `offset`, by path; what is no number is passed over, as PostgREST does."""
    found: dict[Path, int] = {}
    for key, text in pairs:
        if text.strip().removeprefix("-").isdecimal():
            found[read_path(key)[0]] = int(text[:_DIGITS])
    return found


def _pages(limits: dict[Path, int], offsets: dict[Path, int]) -> tuple[dict[Path, int], dict[Path, int]]:
    """Pages begin at row 0: what lies before it is cut off. An empty one is refused at the root, but for a plain limit of 0."""
    first = {path: max(offset, 0) for path, offset in offsets.items()}
    most = {path: limit + min(offsets.get(path, 0), 0) for path, limit in limits.items()}
    if most.get((), 1) < 1 and not (limits[()] == 0 and offsets.get((), 0) == 0):
        raise refusals.bad_range("Limit should be greater than or equal to zero.")
    return most, first
