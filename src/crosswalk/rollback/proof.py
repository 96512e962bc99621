"""Whether the target is again what it was: its catalog, and the rows of tables that held some.

Read inside the transaction that takes a run back, before its COMMIT. What differs in tables of the run, in
preserved ones or in what the run made is a reason to change nothing at all; what others did elsewhere, and to the
rows of preserved tables, is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from crosswalk.catalog import read_under_locks
from crosswalk.errors import FormerStateUnknown, NotAsBefore
from crosswalk.fingerprint import differences, portrait, table_object
from crosswalk.ledger import Ledger, former
from crosswalk.ledger.census import holding
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.rollback.losses import Loss
from crosswalk.rollback.scope import Scope
from crosswalk.schema import Schema
from crosswalk.verify import image_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The target before the first of the runs."""

    catalog: Mapping[str, Mapping[str, str]]
    found: Mapping[Name, tuple[int, object]]
    """Rows and hash of tables that held rows."""
    preserved: Mapping[Name, tuple[int, object]]
    empty: frozenset[Name]


async def read_before(ledger: Ledger, scope: Scope, claims: Mapping[Name, former.Claim]) -> Before:
    """What the ledger noted; raises FormerStateUnknown."""
    first = scope.runs[0].id
    catalog = await former.portrait(ledger.session, first)
    if catalog is None:
        raise FormerStateUnknown(run=first)
    return Before(
        catalog=catalog,
        found=await former.found(ledger.session, scope.tables),
        preserved=await ledger.preserved(first),
        empty=frozenset(name for name, claim in claims.items() if claim.was_empty),
    )


async def prove(
    ledger: Ledger, scope: Scope, before: Before, statements: Iterable[former.Applied], allow: Collection[Loss]
) -> list[str]:
    """Raises NotAsBefore; returns warnings: what differs and is nobody's fault, or was allowed."""
    session = ledger.session
    schema = await read_under_locks(session)
    ours, others = _split(before, schema, scope, list(statements))
    for name, (rows, total) in before.found.items():
        if name in schema.tables and await image_of(session, name) != (rows, total):
            ours.append(f"the rows of {name}, {rows:,} before, are not what they were")
    empty = sorted((before.empty - before.found.keys()) & schema.tables.keys())
    ours += [f"{name} is not empty" for name in sorted(await holding(session, empty))]
    if ours and Loss.LATER_CHANGES not in allow:
        raise NotAsBefore(differences="; ".join(ours))
    for name, (rows, total) in before.preserved.items():
        now = await image_of(session, name) if name in schema.tables else (0, 0)
        if now != (rows, total):
            others.append(f"{name} (preserved) held {plural(rows, 'row')} and holds {now[0]:,}: its own application changed it")
    return [*ours, *others]


def _split(
    before: Before, schema: Schema, scope: Scope, statements: list[former.Applied]
) -> tuple[list[str], list[str]]:
    """Differences of the catalog: those that stand in the way, and those of others."""
    concerned = set(_concerned(schema, scope))
    made = [s.sql for s in statements]
    ours: list[str] = []
    others: list[str] = []
    for name, what in differences(before.catalog, portrait(schema)).items():
        kind, _, called = name.partition(" ")
        quoted = called.partition("(")[0].rpartition(".")[2].strip('"')
        by_us = what == "was not there" and any(f'"{quoted}"' in sql for sql in made)
        text = f"{kind} {called}: {what}"
        (ours if name in concerned or by_us else others).append(text)
    return ours, others


def _concerned(schema: Schema, scope: Scope) -> Iterator[str]:
    tables = scope.tables | scope.preserved
    for name in tables:
        yield table_object(name)
    for name, table in schema.tables.items():
        if table.partition_of in tables:
            yield table_object(name)
    for name, sequence in schema.sequences.items():
        if sequence.owner_table in tables or any(table in tables for table, _ in sequence.used_by):
            yield f"sequence {name}"
