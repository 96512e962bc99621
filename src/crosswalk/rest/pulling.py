"""One pull: everything that an API shows, into the staging database, in one transaction there.

An API gives no snapshot. So every table is counted exactly before and after it is read, and the three numbers must be
equal, else the table is read again, a few times; then the pull fails and what was staged before stays. A key that
row-level security may bind is refused unless somebody says that nothing is hidden: fewer rows would look like all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from crosswalk.connect import Session, session
from crosswalk.errors import NoRestApi, RestNothingExposed, RestRowsHidden, RestUnsteady, StagingBusy, Timeout
from crosswalk.names import Name, literal, quote
from crosswalk.numerals import plural
from crosswalk.rest.address import Key, RestSource
from crosswalk.rest.client import Client, Patience, TimedOutThere, open_client
from crosswalk.rest.openapi import Catalog, StagedTable, read_catalog
from crosswalk.rest.pages import Order, Pages
from crosswalk.rest.staging import Foreign, empty, finish, is_busy, load, make_anew

TELLING: Final = 10.0
"""Seconds between two words on one table."""
AT_ONCE: Final = 4
"""Tables read at a time."""
WITHOUT_ROWS: Final = frozenset({"graphql_public", "graphql"})
"""Schemas that Supabase exposes for functions only."""
_PROBE: Final = "crosswalk-asks-which"
_EXPOSED: Final = re.compile(r"(?:one of the following|schemas are exposed): (.+)")
Tell = Callable[[str], None]
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledTable:
    name: Name
    rows: int
    order: Order
    reads: int
    """1 where the table held still."""
    cap: int
    """The server's most rows an answer, where it was below what was asked; else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull found; no value of a row is in it."""

    url: str
    role: str
    sees_all: bool
    """False where row-level security may have hidden rows."""
    at: str
    document: str
    """A hash of the API's document: another one, another catalog."""
    tables: tuple[PulledTable, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What the API shows before a row is read."""

    catalog: Catalog
    document: str
    views: tuple[Name, ...]
    """Left out."""


async def pull(source: RestSource, key: Key, url: str, *, patience: Patience | None = None, tell: Tell | None = None) -> Pulled:
    """Put all rows that the API shows into the database `url`, instead of what stood there.

    Raises the errors of `errors.rest`, and what `Session` raises.
    """
    held = patience or Patience()
    async with open_client(source, key, held) as client, session("source", url, read_only=False, purpose="staging") as opened:
        found = await exposed(client, key)
        before = await _counts(client, found.catalog)
        _require_seen(source, key, before)
        if tell is not None:
            tell(f"reading {plural(sum(before.values()), 'row')} of {plural(len(before), 'table')} from {source.url}")
        return await _Pull(client=client, session=opened, key=key, found=found, patience=held, tell=tell).run(before)


async def exposed(client: Client, key: Key) -> Exposed:
    """The catalog; raises RestNothingExposed, and NoRestApi for another kind of server."""
    try:
        documents = {schema: await _document(client, schema) for schema in await _schemas(client)}
    except TimedOutThere as error:
        raise NoRestApi(url=client.source.url, reason="its server is too slow to describe itself") from error
    catalog = read_catalog(documents)
    views = tuple(t.name for t in catalog.tables if t.view and not client.source.views)
    kept = tuple(t for t in catalog.tables if t.name not in views)
    if not kept:
        but = f", only {plural(len(views), 'view')}" if views else ""
        raise RestNothingExposed(url=client.source.url, role=key.role, views=but)
    parts = {schema: [each.get("definitions"), each.get("paths")] for schema, each in documents.items()}
    text = json.dumps([parts, client.source.views], sort_keys=True)
    return Exposed(
        catalog=Catalog(tables=kept, enums=catalog.enums, extensions=catalog.extensions),
        document=hashlib.sha256(text.encode()).hexdigest()[:16], views=views,
    )


async def _schemas(client: Client) -> tuple[str, ...]:
    """The exposed schemas: a server that is asked for one that it has not names those that it has."""
    if client.source.schemas:
        return client.source.schemas
    answer = await client.get("", what="its schemas", headers={"Accept-Profile": _PROBE}, tolerated=406)
    said = answer.body if isinstance(answer.body, dict) else {}
    named = _EXPOSED.search(f"{said.get('message')}\n{said.get('hint')}")
    if answer.status != 406 or named is None:
        return ("public",)
    return tuple(n for part in named.group(1).split(",") if (n := part.strip()) not in WITHOUT_ROWS)


async def _document(client: Client, schema: str) -> Mapping[str, Any]:
    headers = {"Accept-Profile": schema, "Accept": "application/openapi+json, application/json"}
    answer = await client.get("", what="its OpenAPI document", headers=headers)
    body = answer.body
    if not isinstance(body, dict) or not {"definitions", "paths"} & body.keys():
        raise NoRestApi(url=client.source.url, reason="its answer is no OpenAPI document")
    return body


async def _counts(client: Client, catalog: Catalog) -> dict[Name, int]:
    async def one(table: StagedTable) -> int:
        return await Pages(client=client, table=table, page=1).count()

    counts = await _each(catalog, one)
    return {table.name: count for table, count in zip(catalog.tables, counts, strict=True)}


async def _each(catalog: Catalog, work: Callable[[StagedTable], Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """The work on every table, several at a time; the first error ends it all."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(table: StagedTable) -> _Result:
        async with gate:
            return await work(table)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(table)) for table in catalog.tables]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several.exceptions[0].__cause__
    return [task.result() for task in tasks]


def _require_seen(source: RestSource, key: Key, counts: Mapping[Name, int]) -> None:
    """Raises RestRowsHidden where nobody can know whether all rows are shown."""
    if key.sees_all or source.allow_anon:
        return
    empty = [str(name) for name, rows in counts.items() if not rows]
    said = f"empty under it: {', '.join(empty)}" if empty else "no table is empty under it, yet rows may lack"
    raise RestRowsHidden(url=source.url, role=key.role, empty=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pull:
    """The rows of one pull, several tables at a time, through one session."""

    client: Client
    session: Session
    key: Key
    found: Exposed
    patience: Patience
    tell: Tell | None

    async def run(self, before: Mapping[Name, int]) -> Pulled:
        catalog = self.found.catalog
        try:
            async with self.session.transaction():
                await self.session.set([("lock_timeout", f"{self.patience.wait * 1000:.0f}ms")])
                await make_anew(self.session, catalog)
                tables = await self._tables(before)
                broken = await finish(self.session, catalog)
                made = self._pulled(tables, broken)
                await self.session.execute(_comment(self.session.database, made), what="the note of a pull")
        except Timeout as error:
            if is_busy(error):
                raise StagingBusy(url=self.client.source.url) from error
            raise
        return made

    async def _tables(self, before: Mapping[Name, int]) -> list[PulledTable]:
        one_writes = asyncio.Lock()

        async def one(table: StagedTable) -> PulledTable:
            return await self._table(table, before[table.name], one_writes)

        return await _each(self.found.catalog, one)

    async def _table(self, table: StagedTable, before: int, one_writes: asyncio.Lock) -> PulledTable:
        """Read until the counts before and after agree with the rows; raises RestUnsteady."""
        pages = Pages(client=self.client, table=table, page=self.client.source.page)
        for read in range(1, self.patience.rereads + 1):
            rows = await self._read(pages, before, one_writes)
            after = await pages.count()
            if before == rows == after:
                return PulledTable(name=table.name, rows=rows, order=pages.order, reads=read, cap=pages.cap)
            if read < self.patience.rereads:
                async with one_writes:
                    await empty(self.session, table)
                await asyncio.sleep(self.patience.before(read, None))
                before = await pages.count()
        raise RestUnsteady(table=table.name, tries=self.patience.rereads, before=before, pulled=rows, after=after)

    async def _read(self, pages: Pages, expected: int, one_writes: asyncio.Lock) -> int:
        """The whole table, once; says how far it is, now and then."""
        rows, told = 0, time.monotonic()
        async for page in pages.rows():
            rows += len(page)
            async with one_writes:
                await load(self.session, pages.table, page)
            if self.tell is not None and time.monotonic() - told > TELLING:
                told = time.monotonic()
                self.tell(f"{pages.name}: {rows:,} of {expected:,} rows")
        return rows

    def _pulled(self, tables: list[PulledTable], broken: list[tuple[Foreign, int]]) -> Pulled:
        return Pulled(
            url=self.client.source.url, role=self.key.role, sees_all=self.key.sees_all,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            document=self.found.document, tables=tuple(tables), notes=tuple(self._notes(tables, broken)),
        )

    def _notes(self, tables: list[PulledTable], broken: list[tuple[Foreign, int]]) -> Iterator[str]:
        if not self.key.sees_all:
            empty = [str(t.name) for t in tables if not t.rows]
            told = f"; empty under it: {', '.join(empty)}" if empty else ""
            yield f"row-level security may hide rows from {self.key.role}; allow_anon says that it does not{told}"
        if again := [f"{t.name} ({t.reads} times)" for t in tables if t.reads > 1]:
            yield f"did not hold still and were read again: {', '.join(again)}"
        if cap := min((t.cap for t in tables if t.cap), default=0):
            yield f"the server gives {cap} rows at a time at most, less than the {self.client.source.page} asked for"
        if weak := [str(t.name) for t in tables if t.order == "count"]:
            yield f"without a key, read by position: only their counts speak for completeness: {', '.join(weak)}"
        for foreign, lost in broken:
            yield f"rows of {foreign.table} that refer by {foreign.column} to no row of {foreign.parent}: {lost:,}"
        if text := [f"{t.name}.{c.name} ({c.declared})" for t in self.found.catalog.tables for c in t.columns if c.as_text]:
            yield f"staged as text, for want of their types: {', '.join(text)}"
        if self.found.views:
            yield f"views were left out (views=true takes them): {', '.join(map(str, self.found.views))}"


def _comment(database: str, made: Pulled) -> str:
    noted = {
        "url": made.url, "at": made.at, "document": made.document, "rows": made.rows, "tables": len(made.tables),
        "role": made.role, "sees_all": made.sees_all,
    }
    return f"COMMENT ON DATABASE {quote(database)} IS {literal(json.dumps(noted))}"
