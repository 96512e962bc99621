"""The store upon the new schema, under legacy names and meanings: through the mapping that `crosswalk compile` wrote.

What a legacy column is, the compiled mapping says as an expression; what cannot be read back is ColumnMissing with its
reason. A legacy row that is written is completed first, from the row that stands or from the legacy defaults, then
mapped whole; a standing row changes only in the target columns that read one of the given columns. What the mapping
refuses (a lookup that finds nothing, a value that its map does not know) is an error by name, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from crosswalk.data.compiled.document import CompiledMapping, CompiledTable, LegacyColumn, read_compiled
from crosswalk.data.compiled.document import Key as CompiledKey
from crosswalk.data.failures import DataError, NotSupported, NullViolated
from crosswalk.data.repository import drift, statements, values
from crosswalk.data.repository.batch import Batch, Group, all_of
from crosswalk.data.repository.numbering import moved_on
from crosswalk.data.repository.pool import SETTINGS, Connection, affected, lent, open_pool, rows
from crosswalk.data.repository.question import Question
from crosswalk.data.repository.refusal import refusal
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.rewriting import BLIND, Mapped, Writing
from crosswalk.data.repository.sql import POOL, WAIT, SqlBackend, decoded, read_catalog
from crosswalk.data.repository.statements import Parameters, Place
from crosswalk.data.repository.store import BackedStore
from crosswalk.data.repository.table import Column, Key, Table, Type
from crosswalk.names import Name, parse, quote, quote_list

_CHUNK = 1000
_TRIES = 5
"""How often others may make the same rows, and delete them again, before a write gives up."""


class Overtaken(DataError):
    """A row that was new stands by now, or a trigger of the target left it out; nothing was written."""

    sqlstate = "40001"


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
            async with lent(pool, "the catalog") as connection:
                for legacy, table in by_name.items():
                    drift.compare(legacy, table, there)
                    await drift.parsed(connection, legacy, table)
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
        keys=tuple(_key(compiled, key) for key in usable),
        unfit=tuple(f"{_key_name(key)} ({key.unusable})" for key in compiled.keys if key.unusable is not None),
    )


def _key(compiled: CompiledTable, key: CompiledKey) -> Key:
    """Rows that others have written may lack it, unless columns of the row itself that are never NULL give it."""
    reads = [compiled.columns[name].read or "" for name in key.columns]
    beside = any(quote(join.alias) in read for join in compiled.joins for read in reads)
    lacked = beside or not all(compiled.target_columns[name].not_null for name in key.arbiter or ())
    return Key(
        name=_key_name(key), columns=key.columns, primary=key.primary, nulls_distinct=not key.nulls_alike,
        lacked=lacked and key.arbiter is not None, doubled=key.arbiter is None,
    )  # fmt: skip


def _column(name: str, told: LegacyColumn) -> Column:
    default = told.default or ("generated" if told.generated else None)
    return Column(
        name=name, type=Type.read(told.type, cast=told.cast), not_null=told.not_null, default=default, absent=told.absent or ""
    )


def _key_name(key: CompiledKey) -> str:
    return f"the {'primary' if key.primary else 'unique'} key ({', '.join(key.columns)})"


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
        where = statements.where(place, question, parameters, table=table)
        if compiled.joins:
            # Locked first: a row that another transaction has changed meanwhile is looked at once more.
            doomed = f'WITH "cw$doomed" AS MATERIALIZED (SELECT {keys} FROM {place.relation()}{where} FOR UPDATE OF t)'
            sql = f'{doomed} DELETE FROM {compiled.name.sql} AS t WHERE ({keys}) IN (SELECT * FROM "cw$doomed")'
        else:
            sql = f"DELETE FROM {compiled.name.sql} AS t{where}"
        async with self._lent(table) as connection:
            return await affected(connection, sql, parameters.values)

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        compiled = self._compiled[table.name]
        key = next(each for each in compiled.keys if each.columns == batch.key.columns)
        groups = batch.groups(table)
        for group in groups:
            _judge(table, compiled, group)
        for _ in range(_TRIES - 1):
            with suppress(Overtaken):
                return await self._once(table, batch, key, groups)
        return await self._once(table, batch, key, groups)

    async def _once(self, table: Table, batch: Batch, key: CompiledKey, groups: list[Group]) -> list[Row]:
        compiled = self._compiled[table.name]
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
    asked = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0)), current_setting('transaction_isolation')"
    [(_, isolation)] = await rows(connection, asked, [f"crosswalk {target}"])
    if isolation != "read committed":
        told = f"{target}: no unique key keeps its rows apart, and under {isolation} what was written while the lock was waited for"
        raise NotSupported(f"{told} is not seen", table=str(target), hint="Let this role's transactions be READ COMMITTED.")


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
    if writing.beside:
        parameters = Parameters()
        await rows(connection, writing.lock(parameters), parameters.values)
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
    """The target's key of each given row. Raises what the mapping refuses, and Overtaken."""
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
    if writing.yields and len(answer["inserted"]) < sum(not found for _, found, _, _ in answer["mapped"]):
        raise Overtaken(f"{table.name}: a new row was not written, time and again", table=str(table.name))
    moved = dict(answer["updated"])
    keys = [
        next(fresh, None) if not found else moved.get(place) if writing.changed else key
        for place, found, _, key in answer["mapped"]
    ]
    return all_of(writing.group, [key for key in keys if key is not None], table)


def _refuse(table: Table, writing: Writing, number: int) -> None:
    told = writing.compiled.refusals[number]
    error = refusal(told.sqlstate, "", table=str(table.name), column=told.column or "")
    where = f"{writing.compiled.name}.{told.column}" if told.column else str(writing.compiled.name)
    raise type(error)(
        f"{table.name}: {where}: {told.reason} ({told.code})", code=told.sqlstate, table=str(table.name),
        column=told.column or "", constraint=told.code,
    )  # fmt: skip
