"""Whether the target is still the one that a mapping was compiled for. Asked once, when the store opens.

A column of another type would be cast, a join by what is no longer unique would double rows, a new NOT NULL column would
refuse every insert: each is told at once, by name, and nothing is started. What is compared: the columns of each target
and their types, what a new row cannot do without, the keys that rows are told apart and found by, the tables beside. At
last the server is asked to read no row by each mapping: it parses what the mapping says of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import psycopg

from crosswalk.data.compiled.document import CompiledTable
from crosswalk.data.compiled.statements import reading
from crosswalk.data.failures import Misconfigured
from crosswalk.data.repository.pool import Connection, translated
from crosswalk.data.repository.table import Column, Table, Type
from crosswalk.data.repository.values import KNOWN
from crosswalk.names import Name, parse

HINT = "Write the file again: crosswalk compile."
_DENIED = "42501"


def compare(legacy: Name, compiled: CompiledTable, there: Mapping[Name, Table]) -> None:
    """Raises Misconfigured where the target is not the one that was compiled for."""
    target = there.get(compiled.name)
    if target is None:
        raise _drifted(legacy, compiled, f"{compiled.name}, which is not there, or may not be seen")
    found = next(chain(_columns(compiled, target), _keys(compiled, target), _beside(compiled, there)), None)
    if found:
        raise _drifted(legacy, compiled, found)


def _drifted(legacy: Name, compiled: CompiledTable, told: str) -> Misconfigured:
    return Misconfigured(f"the mapping of {legacy} needs {told}", table=str(compiled.name), hint=HINT)


def _columns(compiled: CompiledTable, target: Table) -> Iterator[str]:
    for name, told in compiled.target_columns.items():
        column = target.by_name.get(name)
        if column is None:
            yield f"{target.name}.{name}, which is not there"
        elif not _same(told.type, column):
            yield f"{target.name}.{name} of type {told.type}, and it is another"
    for column in target.columns:
        told_of = compiled.target_columns.get(column.name)
        known = told_of is not None and told_of.not_null and not told_of.default
        if column.required and column.name not in compiled.writes and not known:
            yield f"nothing for {target.name}.{column.name}, and no row can do without it now"


def _same(told: str, column: Column) -> bool:
    """Of a type that has no form of its own here, nothing but the name is known, and that only without its schema."""
    type_ = Type.read(told)
    if type_.name in KNOWN:
        return (type_.name, type_.array, type_.modifiers) == (column.type.name, column.type.array, column.type.modifiers)
    return column.type.name not in KNOWN or "." in type_.name


def _keys(compiled: CompiledTable, target: Table) -> Iterator[str]:
    fit = {frozenset(key.columns) for key in target.keys}
    for key in compiled.keys:
        if key.arbiter and frozenset(key.arbiter) not in fit:
            yield f"a unique key of {target.name} ({', '.join(key.arbiter)}), which is not there"
    required = {column.name for column in target.columns if column.not_null}
    if not (frozenset(compiled.target_key) in target.apart and required.issuperset(compiled.target_key)):
        yield f"{target.name} to tell its rows apart by ({', '.join(compiled.target_key)}), and it does not"


def _beside(compiled: CompiledTable, there: Mapping[Name, Table]) -> Iterator[str]:
    looked = [(each, None) for write in compiled.writes.values() for each in write.looks_into]
    for named, by in [*looked, *((join.table, join.by) for join in compiled.joins if join.table)]:
        table = there.get(parse(named))
        if table is None:
            yield f"{named}, which is not there, or may not be seen"
        elif by is not None and frozenset({by}) not in table.apart:
            yield f"{named}.{by} to be unique, and it is not: rows would be read twice"


async def parsed(connection: Connection, legacy: Name, compiled: CompiledTable) -> None:
    """Let the server parse the readings. A role that may not read the table is told when it reads."""
    try:
        await connection.execute(reading(compiled) + " WHERE false" if compiled.readable else "SELECT 1")
    except psycopg.Error as error:
        if error.sqlstate == _DENIED:
            return
        if not (error.sqlstate or "").startswith("42"):
            raise
        told = translated(error, str(compiled.name)).message
        raise Misconfigured(f"the mapping of {legacy} is not understood: {told}", table=str(compiled.name), hint=HINT) from None
