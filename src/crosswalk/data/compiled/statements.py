"""The two texts that a compiled table stands for: legacy rows read, and legacy rows mapped. Pure.

    reading   SELECT legacy columns FROM target AS t + joins                 -- add WHERE, ORDER BY, LIMIT
    mapped    SELECT target columns, what is refused FROM whole legacy rows  -- wrap it in INSERT or UPDATE

Values stay parameters: what the caller adds holds none of them either.
"""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.data.compiled.document import CompiledTable
from crosswalk.data.failures import ColumnMissing
from crosswalk.names import quote

REFUSED = '"cw$refused"'
"""In what `mapped` gives: 0, or which of the table's refusals (from 1) the row meets first."""


def reading(table: CompiledTable, columns: Iterable[str] | None = None, *, extra: Iterable[str] = ()) -> str:
    """SELECT of legacy columns under their names (all readable ones by default); raises ColumnMissing.

    `extra` is SQL over `t` for the select list, such as the target's key under names of the caller's.
    """
    names = table.readable if columns is None else tuple(columns)
    listed = [*extra, *(f"{read(table, name)} AS {quote(name)}" for name in names)]
    return f"SELECT {', '.join(listed)} FROM {source(table)}"


def source(table: CompiledTable) -> str:
    """What stands after FROM: the target as `t`, and the joins."""
    return " ".join([f'{table.name.sql} AS "t"', *(join.sql for join in table.joins)])


def read(table: CompiledTable, column: str) -> str:
    """A legacy column as SQL over what `source` gives; raises ColumnMissing, which says why."""
    found = table.columns.get(column)
    if found is None:
        raise ColumnMissing(f"there is no column {column}", column=column)
    if found.read is None:
        raise ColumnMissing(f"{column} cannot be read from the new schema: {found.absent}", column=column)
    return found.read


def mapped(
    table: CompiledTable,
    rows: str,
    *,
    carry: Iterable[str] = (),
    given: Iterable[str] | None = None,
    into: Iterable[str] | None = None,
) -> str:
    """SELECT of target columns from whole legacy rows, and REFUSED.

    `rows` is a query that gives every legacy column under its name and in its `cast` type, and the columns of `carry`
    (a row's number, say), which come out again. Only target columns of `into` are made (all of `writes` by default);
    only refusals that concern `given` legacy columns are looked at (all by default).
    """
    asked = None if given is None else frozenset(given)
    targets = tuple(table.writes) if into is None else tuple(into)
    kept = [quote(name) for name in carry]
    inner = [*(f"{quote(table.alias)}.{name}" for name in kept), *(f"{sql} AS {quote(n)}" for n, sql in table.values.items())]
    made = [*kept, *(f"{table.writes[name].sql} AS {quote(name)}" for name in targets)]
    arms = " ".join(
        f"WHEN {each.sql} THEN {number}"
        for number, each in enumerate(table.refusals, 1)
        if asked is None or not each.reads or asked & set(each.reads)
    )
    refused = f"CASE {arms} ELSE 0 END" if arms else "0"
    # The fence lets each value be computed once, and not at every mention.
    level = f"SELECT {', '.join(inner) or 'NULL'} FROM ({rows}) AS {quote(table.alias)} OFFSET 0"
    return f'SELECT {", ".join([*made, f"{refused} AS {REFUSED}"])} FROM ({level}) AS "cw$row"'
