"""The store in memory, for tests: tables as values, with the keys, defaults and refusals of PostgreSQL.

    table = Table.of("public.people", {"id": "bigint not null default identity", "name": "text not null"}, primary=["id"])
    store = MemoryStore([table])

Or over the very tables of a database: `MemoryStore(sql_store.tables)`. NOT NULL, unique keys, foreign keys, lengths and
scales are enforced; a CHECK is, where the caller gives it as a function, for its SQL is not read. Texts order by code
points. A transaction keeps everybody else out until it ends.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from crosswalk.data.failures import Misconfigured
from crosswalk.data.repository import matching, sending
from crosswalk.data.repository.batch import Batch, Encoded, Group, identity
from crosswalk.data.repository.question import Question
from crosswalk.data.repository.refusal import refusal
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.store import BackedStore
from crosswalk.data.repository.table import Column, Key, Reference, Table
from crosswalk.names import Name

Check = Callable[[Row], bool | None]
_CLOCKS: Final = frozenset({"now()", "CURRENT_TIMESTAMP", "transaction_timestamp()", "LOCALTIMESTAMP", "CURRENT_DATE"})
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'(?:::.*)?$")
_NUMBER: Final = re.compile(r"\(?(-?\d+(?:\.\d+)?)\)?(?:::.*)?$")


class MemoryStore(BackedStore):
    """A store in memory.

    `defaults` are values, or functions that make one, by `schema.table.column`: needed only for defaults that are
    neither constants nor a serial, an identity, now() or a random UUID. `checks` are predicates of a row by constraint,
    by table: `{"public.people": {"people_age_check": lambda row: row["age"] >= 0}}`.
    """

    _backend: MemoryBackend

    def __init__(
        self,
        tables: Iterable[Table],
        *,
        defaults: Mapping[str, Any] | None = None,
        checks: Mapping[str, Mapping[str, Check]] | None = None,
        default_schema: str = "public",
    ) -> None:
        known = {table.name: table for table in tables}
        made = {name: _makers(table, defaults or {}) for name, table in known.items()}
        super().__init__(MemoryBackend(_State(tables=known, makers=made, checks=checks or {})), known, default_schema)


@dataclass(slots=True, kw_only=True)
class _State:
    """Everything that the store's calls share."""

    tables: Mapping[Name, Table]
    makers: Mapping[Name, Mapping[str, Callable[[], Any]]]
    checks: Mapping[str, Mapping[str, Check]]
    rows: dict[Name, list[Row]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, table: Table | Name) -> list[Row]:
        return self.rows.setdefault(table if isinstance(table, Name) else table.name, [])


class MemoryBackend:
    """Upon the state; inside a transaction the lock is held already."""

    def __init__(self, state: _State, *, inside: bool = False) -> None:
        self._state = state
        self._inside = inside

    def _alone(self) -> AbstractAsyncContextManager[object]:
        return nullcontext() if self._inside else self._state.lock

    async def read(self, table: Table, question: Question) -> list[Row]:
        async with self._alone():
            found = matching.ordered(table, list(self._matching(table, question)), question.order)
            end = None if question.limit is None else question.offset + question.limit
            names = [column.name for column in question.columns]
            return copy.deepcopy([{name: row[name] for name in names} for row in found[question.offset : end]])

    async def count(self, table: Table, question: Question) -> int:
        async with self._alone():
            return sum(1 for _ in self._matching(table, question))

    def _matching(self, table: Table, question: Question) -> Iterator[Row]:
        for row in self._state.of(table):
            if all(matching.holds(test, row) for test in question.tests) and (
                question.after is None or matching.follows(table, question.order, row, question.after)
            ):
                yield row

    async def delete(self, table: Table, question: Question) -> int:
        async with self._alone(), _undone(self._state):
            gone = {id(row) for row in self._matching(table, question)}
            self._state.rows[table.name] = [row for row in self._state.of(table) if id(row) not in gone]
            for other in self._state.tables.values():
                self._referring(other, to=table.name)
            return len(gone)

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        stored: dict[int, Row] = {}
        async with self._alone(), _undone(self._state):
            kept = _Kept(table, self._state.of(table))
            for group in batch.groups(table):
                for place, encoded in zip(group.places, group.rows, strict=True):
                    stored[place] = self._upsert(kept, batch.key, _cast(table, group, encoded))
                # A statement looks at references after its last row.
                self._referring(table)
            return copy.deepcopy([stored[place] for place in range(len(batch.distinct))])

    def _upsert(self, kept: _Kept, key: Key, given: Row) -> Row:
        table = kept.table
        fresh = {column.name: self._or_default(table, column, given) for column in table.columns}
        self._judge(table, fresh)
        standing = kept.same(key, fresh)
        row = fresh if standing is None else {**standing, **given}
        if standing is not None:
            self._judge(table, row)
        return kept.put(row, standing)

    def _or_default(self, table: Table, column: Column, given: Row) -> Any:
        if column.name in given:
            return given[column.name]
        maker = self._state.makers[table.name].get(column.name)
        if maker is None:
            return None
        encoded = sending.encode(column, maker(), table=str(table.name))
        return matching.kept(column, encoded, table=str(table.name))

    def _judge(self, table: Table, row: Row) -> None:
        for column in table.columns:
            if column.not_null and row[column.name] is None:
                message = f'null value in column "{column.name}" of relation "{table.name.relation}" violates not-null constraint'
                raise refusal("23502", message, table=str(table.name), column=column.name)
        for name, check in self._state.checks.get(str(table.name), {}).items():
            if check(row) is False:
                message = f'new row for relation "{table.name.relation}" violates check constraint "{name}"'
                raise refusal("23514", message, table=str(table.name), constraint=name)

    def _referring(self, table: Table, to: Name | None = None) -> None:
        """Raises where a row of the table refers to one that is not there."""
        for reference in table.references:
            if reference.to in self._state.tables and to in {None, reference.to}:
                self._refers(table, reference, removed=to is not None)

    def _refers(self, table: Table, reference: Reference, *, removed: bool) -> None:
        there = {tuple(row[name] for name in reference.to_columns) for row in self._state.of(reference.to)}
        for row in self._state.of(table):
            wanted = tuple(row[name] for name in reference.columns)
            if None not in wanted and wanted not in there:
                verb = "update or delete" if removed else "insert or update"
                on = reference.to.relation if removed else table.name.relation
                message = f'{verb} on table "{on}" violates foreign key constraint "{reference.name}"'
                raise refusal("23503", message, table=str(table.name), constraint=reference.name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        async with self._alone(), _undone(self._state):
            yield type(self)(self._state, inside=True)


@asynccontextmanager
async def _undone(state: _State) -> AsyncIterator[None]:
    """What is done inside is taken back where it fails."""
    before = {name: [dict(row) for row in rows] for name, rows in state.rows.items()}
    try:
        yield
    except BaseException:
        state.rows = before
        raise


def _cast(table: Table, group: Group, encoded: Encoded) -> Row:
    return {column.name: matching.kept(column, encoded[column.name], table=str(table.name)) for column in group.columns}


class _Kept:
    """A table's rows by each of its keys, while a batch is written."""

    def __init__(self, table: Table, rows: list[Row]) -> None:
        self.table = table
        self._rows = rows
        self._by: dict[str, dict[Any, Row]] = {key.name: {} for key in table.keys}
        for row in rows:
            self._enter(row)

    def same(self, key: Key, row: Row) -> Row | None:
        """The row of the same key."""
        return self._by[key.name].get(self._identity(key, row))

    def put(self, row: Row, standing: Row | None) -> Row:
        """Keep a row, in place of the standing one. Raises DuplicateKey."""
        for key in self.table.keys:
            found = self.same(key, row)
            if found is not None and found is not standing:
                message = f'duplicate key value violates unique constraint "{key.name}"'
                raise refusal("23505", message, table=str(self.table.name), constraint=key.name)
        if standing is None:
            self._rows.append(row)
            return self._enter(row)
        for key in self.table.keys:
            self._by[key.name].pop(self._identity(key, standing), None)
        standing.update(row)
        return self._enter(standing)

    def _enter(self, row: Row) -> Row:
        for key in self.table.keys:
            mine = self._identity(key, row)
            if mine is not None:
                self._by[key.name][mine] = row
        return row

    def _identity(self, key: Key, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        table = self.table
        return identity(table, key, {n: sending.encode(table.by_name[n], row[n], table=str(table.name)) for n in key.columns})


def _makers(table: Table, told: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """What makes each column's default. Raises Misconfigured for one that cannot be read."""
    made: dict[str, Callable[[], Any]] = {}
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        if name in told:
            given = told[name]
            made[column.name] = given if callable(given) else _always(given)
        elif column.default is not None:
            made[column.name] = _maker(name, column)
    return made


def _maker(name: str, column: Column) -> Callable[[], Any]:
    text = column.default or ""
    if text == "identity" or text.startswith("nextval("):
        counter = itertools.count(1)
        return lambda: next(counter)
    if text in _CLOCKS:
        return lambda: _now(column)
    if text in {"gen_random_uuid()", "uuid_generate_v4()"}:
        return uuid.uuid4
    constant = _constant(text, column)
    if constant is None and not text.startswith("NULL"):
        raise Misconfigured(f"the default of {name} is an expression: say what it makes (defaults={{{name!r}: …}})")
    return _always(constant)


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


def _constant(text: str, column: Column) -> Any:
    if found := _LITERAL.match(text):
        literal = found.group(1).replace("''", "'")
        if column.type.array:
            return [] if literal == "{}" else None
        return matching.read_text(column, literal)
    if found := _NUMBER.match(text):
        return found.group(1)
    return {"true": True, "false": False}.get(text)


def _now(column: Column) -> Any:
    moment = datetime.now(UTC)
    if column.type.name == "date":
        return moment.date()
    return moment if column.type.name.endswith("with time zone") else moment.replace(tzinfo=None)


