"""Drops what slows a load down (secondary indexes, foreign keys) from tables that are empty when the run comes to them.

Each table in one transaction, under a lock that keeps others' rows out: it is empty, what stands is what was planned,
and before anything is committed each drop is proven by making the thing again and taking that back. Where one of these
does not hold, the table keeps all that it has, which costs time and nothing else; who watches is told. What is dropped
has its line in the ledger in the same transaction (`apply` and `orphans` bring it back). Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from crosswalk import apply
from crosswalk.apply import NOT_VALID
from crosswalk.errors import LocksExhausted, MissingPrivilege, StatementFailed, Timeout
from crosswalk.failpoints import hit
from crosswalk.ledger import Ledger
from crosswalk.ledger.queries import query
from crosswalk.names import Name, literal, parse
from crosswalk.plan import Statement
from crosswalk.schema import RelationKind, Schema

_BRIEFLY: Final = "SET LOCAL lock_timeout = '1s'"


async def strip(ledger: Ledger, run: int, statements: Iterable[Statement], schema: Schema, note: Callable[[str], None]) -> None:
    """Carry out the statements that are meant for empty tables and that nobody has carried out yet."""
    off = {(h.kind, h.target, h.name) for h in await ledger.held()}
    meant = [s for s in statements if s.if_empty and (s.kind, parse(s.table), s.name) not in off]
    for text, group in groupby(meant, key=lambda s: s.table):
        name = parse(text)
        table = _Table(ledger=ledger, run=run, name=name, parted=_is_parted(schema, name), drops=tuple(group))
        try:
            await apply.patiently(table.strip)
        except (_Kept, StatementFailed, MissingPrivilege, LocksExhausted, Timeout) as error:
            if str(error):
                note(f"{name} keeps its indexes and foreign keys while its rows come: {error}")
        else:
            hit("held.after_commit")


def _is_parted(schema: Schema, name: Name) -> bool:
    return name in schema.tables and schema.tables[name].kind is RelationKind.PARTITIONED


class _Kept(Exception):
    """Why a table keeps what it has, empty where that is no news: never leaves this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table and what it may lose for the load."""

    ledger: Ledger
    run: int
    name: Name
    parted: bool
    drops: tuple[Statement, ...]

    async def strip(self) -> None:
        """All or nothing. Raises _Kept."""
        session = self.ledger.session
        async with session.transaction():
            await session.execute(f"{_BRIEFLY}; LOCK TABLE {self.name.sql} IN ACCESS EXCLUSIVE MODE", what=f"a lock on {self.name}")
            if await session.fetchval(f"SELECT EXISTS (SELECT FROM {self.name.sql})", what=f"the table {self.name}"):
                raise _Kept("" if await self.ledger.filled(self.name) else "it holds rows by now")
            for each in self.drops:
                await self._drop(each)
            hit("held.before_commit")

    async def _drop(self, statement: Statement) -> None:
        session, what = self.ledger.session, f"the {statement.kind} {statement.name} of {self.name}"
        restore, also = await (self._index(statement) if statement.kind == "index" else self._key(statement))
        await session.execute(statement.sql, what=what)
        await session.execute("SAVEPOINT cw_proof", what="SAVEPOINT")
        await session.execute(self._proof(statement, restore), what=f"{what}, made again for a trial")
        if also:
            await session.execute(also, what=f"{what}, made again for a trial")
        if statement.kind == "index" and await self._index(statement) != (restore, also):
            raise _Kept(f"{what} would come back otherwise")
        await session.execute("ROLLBACK TO SAVEPOINT cw_proof; RELEASE SAVEPOINT cw_proof", what="SAVEPOINT")
        await self.ledger.hold(self.run, statement.kind, self.name, statement.name, restore, also)

    def _proof(self, statement: Statement, restore: str) -> str:
        """A key is not held against its parent's rows, which may be many; that of a partitioned table cannot be NOT VALID."""
        later = statement.kind == "foreign key" and not self.parted and not restore.endswith(NOT_VALID)
        return restore + NOT_VALID if later else restore

    async def _key(self, statement: Statement) -> tuple[str, str]:
        return statement.restore, await apply.comment_of_key(self.ledger.session, statement)

    async def _index(self, statement: Statement) -> tuple[str, str]:
        """What makes an index, and what else is said of it; raises _Kept where it is no more what was planned."""
        session, index = self.ledger.session, Name(self.name.schema, statement.name).sql
        await session.execute("SAVEPOINT cw_read; SET LOCAL search_path = ''", what="SAVEPOINT")
        row = await session.fetchrow(query("index_before"), index, what=f"the index {index}")
        await session.execute("ROLLBACK TO SAVEPOINT cw_read; RELEASE SAVEPOINT cw_read", what="SAVEPOINT")
        if row is None or row["definition"] != statement.restore:
            raise _Kept(f"the index {statement.name} is another one than when it was planned")
        restore = statement.restore
        if row["tablespace"] is not None:
            place = "SET LOCAL default_tablespace = "
            restore = f"{place}{literal(row['tablespace'])};\n{restore};\n{place}DEFAULT"
        said = [f"ALTER INDEX {index} ALTER COLUMN {each}" for each in row["statistics"]]
        if row["comment"]:
            said.append(f"COMMENT ON INDEX {index} IS {literal(row['comment'])}")
        return restore, ";\n".join(said)
