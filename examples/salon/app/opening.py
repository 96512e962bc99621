"""The methods over real databases: which of them answers is the flags' word.

    async with opened(Places(legacy="https://…", key="…", new="postgresql://…", compiled=Path("compiled.json"))) as salon:
        await salon.get_company(700123)

`over` makes the repositories of one store, `opened` those of the modes' router over two. What the new schema drops or
spells in another way is left out of comparisons, each column with the reason that the compiled mapping gives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from crosswalk.data.compiled import CompiledMapping, read_compiled
from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.journal import Journal
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.metrics import Metrics
from crosswalk.data.modes.modes import DescribedStore, Modes
from crosswalk.data.modes.switch import Switch
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.rest import RestStore
from crosswalk.data.repository.sql import SqlStore

from .salon import KEYS, Repositories, SalonData

TABLES: Final = {
    "companies": "public.companies",
    "clients": "public.clients",
    "services": "public.services",
    "staff": "public.staff",
    "schedules": "public.staff_schedules",
    "bookings": "public.bookings",
    "contexts": "public.dialog_contexts",
}
"""By repository."""
REST_KEYS: Final = {TABLES[name]: [columns] for name, columns in KEYS.items()}
"""What a REST API does not tell: the unique keys."""


class Source(Protocol):
    """What gives repositories by table: a store, or the transaction of one."""

    def repository(self, table: str, *, row: None = None, conflict: Any = None) -> Repository[Row]: ...


def over(store: Source) -> Repositories:
    """Raises NoMatchingKey and TableMissing at once, and not at the first write."""
    return Repositories(**{name: store.repository(table, conflict=KEYS[name]) for name, table in TABLES.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the databases are; one side may be missing if no flag asks for it."""

    legacy: str = field(default="", repr=False)
    """The URL of a REST API, or of a PostgreSQL database."""
    key: str = field(default="", repr=False)
    """Of the REST API."""
    new: str = field(default="", repr=False)
    compiled: Path | None = None
    """What `crosswalk compile` wrote."""
    log: Path | None = None
    """Where differences are told, for `crosswalk shadow report`."""
    journal: Path | None = None
    """What dual-write needs."""


@asynccontextmanager
async def opened(
    places: Places, *, environ: Mapping[str, str] | None = None, metrics: Metrics | None = None, **more: Any
) -> AsyncIterator[SalonData]:
    """The methods over the sides that the flags name; `more` is for SalonData. Raises Misconfigured, and what a store raises."""
    switch = Switch.from_environment(environ)
    compiled = read_compiled(places.compiled) if places.compiled else None
    async with AsyncExitStack() as stack:
        legacy = await stack.enter_async_context(await _legacy(places)) if places.legacy else None
        new = await stack.enter_async_context(await _new(places, compiled)) if places.new else None
        modes = Modes(
            switch, metrics=metrics, log=ShadowLog(places.log) if places.log else None,
            journal=Journal.open(places.journal) if places.journal else None,
        )  # fmt: skip
        await stack.enter_async_context(modes)
        repositories = routed(modes, legacy, new, compiled)
        await modes.start()
        yield SalonData(repositories, **more)


def routed(
    modes: Modes, legacy: DescribedStore | None, new: DescribedStore | None, compiled: CompiledMapping | None
) -> Repositories:
    """The repositories of the router."""
    made = {}
    for name, table in TABLES.items():
        absent, unlike = unequal(compiled, table) if compiled else ({}, {})
        made[name] = modes.table(legacy, new, table, conflict=KEYS[name], absent=absent, unlike=unlike)
    return Repositories(**made)


def unequal(compiled: CompiledMapping, table: str) -> tuple[dict[str, str], dict[str, str]]:
    """Columns of a legacy table that the new database does not have, and those it may give in another form, with reasons."""
    columns = compiled.table(table).columns
    absent = {name: column.absent for name, column in columns.items() if column.absent is not None}
    return absent, {name: column.note or "" for name, column in columns.items() if not column.exact and name not in absent}


async def _legacy(places: Places) -> SqlStore | RestStore:
    if places.legacy.startswith(("http://", "https://")):
        return await RestStore.open(places.legacy, places.key, keys=REST_KEYS)
    return await SqlStore.open(places.legacy)


async def _new(places: Places, compiled: CompiledMapping | None) -> MappedStore:
    if compiled is None:
        raise Misconfigured("the new database needs a compiled mapping", hint="Write one: crosswalk compile crosswalk.yaml")
    return await MappedStore.open(places.new, compiled)
