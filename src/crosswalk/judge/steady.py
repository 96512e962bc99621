"""Rules whose SQL gives another value each time it is run: refused, since a row is computed more than once.

Copy, lookups, resume and verify all compute a rule's value again, in other transactions; a value that
depends on chance, on a sequence or on the clock would be another one there. Functions are found by
name; operators, and functions that such a function hides behind a stable name, are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from crosswalk.connect import Session
from crosswalk.judge.problem import Problem
from crosswalk.mapping import MappingFile, TableMapping
from crosswalk.mapping.words import bare_words, calls

_CLOCK_WORDS: Final = frozenset({"current_timestamp", "current_time", "current_date", "localtime", "localtimestamp"})
_CLOCKS: Final = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
"""Stable within a transaction, and other ones in the next."""
_VOLATILE: Final = """
SELECT DISTINCT CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN NULL ELSE n.nspname::text END AS hidden_in,
       n.nspname::text AS schema, p.proname::text AS name
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v' AND p.prokind = 'f' AND p.proname = ANY ($1)
  AND NOT (p.proname = 'lo_get' AND n.nspname = 'pg_catalog')  -- it reads under the snapshot, as a table is read
"""


def _texts(name: str, mapping: TableMapping) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every SQL text of a table with its place in the document."""
    if mapping.where is not None:
        yield ("tables", name, "where"), mapping.where.sql
    for column, rule in mapping.columns.items():
        for text in rule.expressions():
            yield ("tables", name, "columns", column), text


async def unsteady(file: MappingFile, session: Session) -> list[Problem]:
    """Problems of the document's SQL that is not a function of the source row."""
    texts = [t for name, mapping in file.document.tables.items() for t in _texts(name, mapping)]
    names = sorted({name for _, sql in texts for _, name in calls(sql)})
    volatile: set[tuple[str | None, str]] = set()
    if names:
        for row in await session.fetch(_VOLATILE, names, what="the functions of the rules"):
            volatile.add((row["schema"], row["name"]))
            if row["hidden_in"] is None:
                volatile.add((None, row["name"]))
    volatile |= {(schema, name) for name in _CLOCKS for schema in (None, "pg_catalog")}
    problems = []
    for place, sql in texts:
        found = sorted({name for schema, name in calls(sql) & volatile} | (bare_words(sql) & _CLOCK_WORDS))
        if found:
            problems.append(_problem(file, place, found))
    return problems


def _problem(file: MappingFile, place: tuple[str, ...], found: list[str]) -> Problem:
    clock = set(found) <= _CLOCKS | _CLOCK_WORDS
    remedy = (
        "Write the moment as a constant, or leave the column to the target's default: `{default: true}`."
        if clock
        else "Compute the value from the row's own columns (md5(id::text)::uuid instead of gen_random_uuid()), leave it"
        " to the target's default, or declare a function of your own IMMUTABLE or STABLE where it is that."
    )
    return Problem(
        code="rule.unsteady",
        place=place,
        line=file.line(*place),
        message=f"{place[-1]}: {', '.join(found)} gives another value {'in each run' if clock else 'each time'},"
        " and a row is computed again by lookups, resume and verify",
        remedy=remedy,
    )
