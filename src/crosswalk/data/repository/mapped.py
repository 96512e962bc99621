"""The store upon the new schema, under legacy names and meanings: through the mapping that `crosswalk compile` wrote.

What a legacy column is, the compiled mapping says as an expression; what cannot be read back is ColumnMissing with its
reason. A legacy row that is written is completed first, from the row that stands or from the legacy defaults, then
mapped whole; a standing row changes only in the target columns that read one of the given columns. What the mapping
refuses (a lookup that finds nothing, a value that its map does not know) is an error by name, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from crosswalk.data.compiled.document import CompiledMapping, CompiledTable, LegacyColumn, read_compiled
from crosswalk.data.compiled.document import Key as CompiledKey
from crosswalk.data.failures import DataError, Misconfigured, NotSupported, NullViolated
from crosswalk.data.repository import statements, values
from crosswalk.data.repository.batch import Batch, Group, all_of
from crosswalk.data.repository.numbering import moved_on
from crosswalk.data.repository.pool import SETTINGS, Connection, affected, open_pool, rows
from crosswalk.data.repository.question import Question
from crosswalk.data.repository.refusal import refusal
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.rewriting import BLIND, Mapped, Writing
from crosswalk.data.repository.sql import POOL, WAIT, SqlBackend, decoded, read_catalog
from crosswalk.data.repository.statements import Parameters, Place
from crosswalk.data.repository.store import BackedStore
from crosswalk.data.repository.table import Column, Key, Table, Type
from crosswalk.names import Name, parse, quote_list

_CHUNK = 1000


class MappedStore(BackedStore):
    """A store upon the new schema: `async with await MappedStore.open(dsn, "compiled.json") as store`."""

    _backend: MappedBackend

    @classmethod
    async def open(
        cls,
        dsn: str,
        compiled: CompiledMapping | Path | str | dict[str, Any],
        *,
        pool_size: int = POOL,
        wait: float = WAIT,
        prepare: bool = True,
        default_schema: str = "public",
    ) -> Self:
        """Connect and compare the compiled mapping with the catalog. Raises Unavailable, Misconfigured."""
        mapping = compiled if isinstance(compiled, CompiledMapping) else read_compiled(compiled)
        by_name = {parse(legacy): table for legacy, table in mapping.tables.items()}
        pool = await open_pool(dsn, size=pool_size, wait=wait, prepare=prepare, settings=SETTINGS | mapping.settings)
        try:
            backend = MappedBackend(pool, None, by_name)
            there = {table.name: table for table in await read_catalog(pool)}
            for legacy, table in by_name.items():
                _compare(legacy, table, there)
        except BaseException:
            await pool.close()
            raise
        return cls(backend, {legacy: legacy_table(legacy, table) for legacy, table in by_name.items()}, default_schema)

    async def close(self) -> None:
        await self._backend.close()


def legacy_table(legacy: Name, compiled: CompiledTable) -> Table:
    """What the compiled mapping knows of the legacy table."""
    usable = [key for key in compiled.keys if key.unusable is None]
    return Table(
        name=legacy,
        columns=tuple(_column(name, told) for name, told in compiled.columns.items()),
        keys=tuple(Key(name=_key_name(key), columns=key.columns, primary=key.primary) for key in usable),
        unfit=tuple(f"{_key_name(key)} ({key.unusable})" for key in compiled.keys if key.unusable is not None),
    )


def _column(name: str, told: LegacyColumn) -> Column:
    default = told.default or ("generated" if told.generated else None)
    return Column(
        name=name, type=Type.read(told.type, cast=told.cast), not_null=told.not_null, default=default, absent=told.absent or ""
    )


def _key_name(key: CompiledKey) -> str:
    return f"the {'primary' if key.primary else 'unique'} key ({', '.join(key.columns)})"


def _compare(legacy: Name, compiled: CompiledTable, there: Mapping[Name, Table]) -> None:
    """Raises Misconfigured where the target is not the one that was compiled for."""
    target = there.get(compiled.name)
    if target is None:
        raise Misconfigured(f"the mapping of {legacy} needs {compiled.name}, which is not there", table=str(compiled.name))
    lacking = sorted(set(compiled.target_columns) - set(target.by_name))
    if lacking:
        raise Misconfigured(f"the mapping of {legacy} needs {compiled.name}.{lacking[0]}, which is not there", table=str(target.name))
    keys = {frozenset(key.columns) for key in target.keys}
    for key in compiled.keys:
        if key.arbiter and frozenset(key.arbiter) not in keys:
            told = f"the mapping of {legacy} needs a unique key of {compiled.name} ({', '.join(key.arbiter)}), which is not there"
            raise Misconfigured(told, table=str(target.name))


class MappedBackend(SqlBackend):
    """SQL on the new schema."""

    def __init__(self, pool: Any, bound: Connection | None, compiled: Mapping[Name, CompiledTable]) -> None:
        super().__init__(pool, bound)
        self._compiled = compiled

    def _within(self, connection: Connection) -> Self:
        return type(self)(self._pool, connection, self._compiled)

    def place(self, table: Table) -> Place:
        return Mapped(compiled=self._compiled[table.name])

    async def delete(self, table: Table, question: Question) -> int:
        compiled, parameters = self._compiled[table.name], Parameters()
        place = self.place(table)
        keys = quote_list(compiled.target_key, prefix="t.")
        inner = f"SELECT {keys} FROM {place.relation()}{statements.where(place, question, parameters, table=table)}"
        sql = f"DELETE FROM {compiled.name.sql} AS t WHERE ({keys}) IN ({inner})"
        async with self._lent(table) as connection:
            return await affected(connection, sql, parameters.values)

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        compiled = self._compiled[table.name]
        key = next(each for each in compiled.keys if each.columns == batch.key.columns)
        groups = batch.groups(table)
        for group in groups:
            _judge(table, compiled, group)
        stored: dict[int, Row] = {}
        async with self._lent(table) as connection, connection.transaction():
            if key.arbiter is None:
                await _alone(connection, compiled.name)
            for group in groups:
                for chunk in group.chunks(_CHUNK):
                    writing = Writing(compiled=compiled, group=chunk, key=key)
                    stored.update(zip(chunk.places, await _written(connection, table, writing), strict=True))
        return [stored[place] for place in range(len(batch.distinct))]


async def _alone(connection: Connection, target: Name) -> None:
    """Nobody else writes the table through a mapping until the transaction ends: no unique key keeps rows apart here."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [f"crosswalk {target}"])


def _judge(table: Table, compiled: CompiledTable, group: Group) -> None:
    """What the legacy table would refuse, and what cannot be written from here."""
    names = {column.name for column in group.columns}
    for each in table.columns:
        left_out = each.required and each.name not in names
        if left_out or (each.not_null and any(row.get(each.name, "") is None for row in group.rows)):
            message = f'null value in column "{each.name}" of relation "{table.name.relation}" violates not-null constraint'
            raise NullViolated(f"{table.name}: {message}", table=str(table.name), column=each.name)
    for target, told in compiled.unwritten.items():
        if names & set(told.reads):
            raise NotSupported(f"{table.name}: {compiled.name}.{target} cannot be written: {told.why}", table=str(table.name))


async def _written(connection: Connection, table: Table, writing: Writing) -> list[Row]:
    parameters = Parameters()
    [(answer,)] = await rows(connection, writing.sql(parameters), parameters.values)
    told = values.loads(answer)
    keys = _keys(table, writing, told)
    await moved_on(connection, writing, told["inserted"])
    named = [dict(zip(writing.compiled.target_key, key, strict=True)) for key in keys]
    parameters = Parameters()
    found = await rows(connection, writing.back(parameters, table.readable, values.dumps(named)), parameters.values)
    return all_of(writing.group, decoded(found, table.readable), table)


def _keys(table: Table, writing: Writing, answer: dict[str, Any]) -> list[Any]:
    """The target's key of each given row. Raises what the mapping refuses."""
    seen: set[int] = set()
    fresh = iter(answer["inserted"])
    for place, _, refused, _ in answer["mapped"]:
        if refused not in {None, BLIND}:
            _refuse(table, writing, refused)
        if refused == BLIND:
            told = f"{', '.join(writing.blind)} must be given too: what stands there cannot be read back"
            raise NotSupported(f"{table.name}: {told}", table=str(table.name))
        if place in seen:
            told = f"several rows of {writing.compiled.name} have the key ({', '.join(writing.key.columns)})"
            raise DataError(f"{table.name}: {told}; none was written", code="21000", table=str(table.name))
        seen.add(place)
    moved = dict(answer["updated"])
    keys = [moved.get(place, key) if found else next(fresh, None) for place, found, _, key in answer["mapped"]]
    return all_of(writing.group, [key for key in keys if key is not None], table)


def _refuse(table: Table, writing: Writing, number: int) -> None:
    told = writing.compiled.refusals[number]
    error = refusal(told.sqlstate, "", table=str(table.name), column=told.column or "")
    where = f"{writing.compiled.name}.{told.column}" if told.column else str(writing.compiled.name)
    raise type(error)(
        f"{table.name}: {where}: {told.reason} ({told.code})", code=told.sqlstate, table=str(table.name),
        column=told.column or "", constraint=told.code,
    )  # fmt: skip
