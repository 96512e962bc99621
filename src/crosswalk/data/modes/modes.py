"""Everything of the modes in one object: flags, routers, comparisons, dual-write, metrics and the log.

    modes = Modes(Switch.from_environment(), log=ShadowLog(path), journal=Journal.open(path))
    clients = modes.repository(old.repository("clients"), new.repository("clients"), key=("company_id", "vendor_id"))
    await modes.start()                 # raises Misconfigured: flags, journal and repositories that do not go together
    await clients.find_many({"company_id": 5})
    await modes.shadow(old_app.staff, new_app.staff, name="staff")      # a reading function of the application
    await modes.close()

Belongs to one event loop; synchronous code goes through `blocking` or a loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, overload

from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.beside import Beside, Calls, Question
from crosswalk.data.modes.carry import Pair
from crosswalk.data.modes.compare import Outcome, Rules
from crosswalk.data.modes.dual import Declared, Dual, Owners, Replayed
from crosswalk.data.modes.flags import READS, WRITES, Flags, Side
from crosswalk.data.modes.journal import Journal
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.metrics import Metrics
from crosswalk.data.modes.router import Router, Works
from crosswalk.data.modes.switch import Switch
from crosswalk.data.repository.repository import Repository, Row
from crosswalk.data.repository.shape import Shape, shape_of
from crosswalk.data.repository.table import Table

M = TypeVar("M")
T = TypeVar("T")


class DescribedStore(Protocol):
    """A store that knows its tables; all of `crosswalk.data.repository` do."""

    def described(self, table: str) -> Table: ...

    def repository(self, table: str, *, row: None = None, conflict: Sequence[str] | None = None) -> Repository[Row]: ...


class Modes:
    """One for an application, in one event loop."""

    def __init__(
        self,
        switch: Switch,
        *,
        metrics: Metrics | None = None,
        log: ShadowLog | None = None,
        journal: Journal | None = None,
        owners: Owners | None = None,
    ) -> None:
        """Without a journal dual-write is refused; without `owners` the flags' `sync_owns` are asked."""
        self.switch, self.log = switch, log
        self.metrics = metrics or Metrics()
        self.beside = Beside(Calls(self.metrics, log))
        self._journal = journal
        self._dual = Dual(journal, self.beside) if journal else None
        self._owners = owners
        self._pairs: dict[str, Pair] = {}
        self._checked: set[str] = set()
        self._checking = asyncio.Lock()
        self._works = Works(flags=self._now, beside=self.beside, dual=self._dual)

    # --- repositories ---------------------------------------------------------------------------

    @overload
    def repository(
        self, legacy: Repository[Row] | None, new: Repository[Row] | None, *, key: Sequence[str] = (),
        absent: Mapping[str, str] | None = None, unlike: Mapping[str, str] | None = None, shape: None = None,
    ) -> Router[Row]: ...  # fmt: skip
    @overload
    def repository(
        self, legacy: Repository[Row] | None, new: Repository[Row] | None, *, key: Sequence[str] = (),
        absent: Mapping[str, str] | None = None, unlike: Mapping[str, str] | None = None, shape: Shape[M],
    ) -> Router[M]: ...  # fmt: skip
    def repository(
        self,
        legacy: Repository[Row] | None,
        new: Repository[Row] | None,
        *,
        key: Sequence[str] = (),
        absent: Mapping[str, str] | None = None,
        unlike: Mapping[str, str] | None = None,
        shape: Shape[Any] | None = None,
    ) -> Router[Any]:
        """A router over repositories of dicts; a side that does not exist yet is None, and no flag may ask for it.

        `key` pairs rows in comparisons and is what dual-write goes by; `absent` are columns that one side cannot have,
        `unlike` such as it keeps in another form (a phone in one spelling), each with the reason: neither are compared,
        and dual-write carries the latter. Raises Misconfigured.
        """
        pair = self._pair(legacy, new, tuple(key), absent or {}, unlike or {})
        return Router(pair, self._works, shape)

    @overload
    def table(
        self, legacy: DescribedStore | None, new: DescribedStore | None, table: str, *, row: None = None,
        conflict: Sequence[str] | None = None, absent: Mapping[str, str] | None = None,
        unlike: Mapping[str, str] | None = None,
    ) -> Router[Row]: ...  # fmt: skip
    @overload
    def table(
        self, legacy: DescribedStore | None, new: DescribedStore | None, table: str, *, row: type[M],
        conflict: Sequence[str] | None = None, absent: Mapping[str, str] | None = None,
        unlike: Mapping[str, str] | None = None,
    ) -> Router[M]: ...  # fmt: skip
    def table(
        self, legacy: DescribedStore | None, new: DescribedStore | None, table: str, *, row: type[Any] | None = None,
        conflict: Sequence[str] | None = None, absent: Mapping[str, str] | None = None,
        unlike: Mapping[str, str] | None = None,
    ) -> Router[Any]:  # fmt: skip
        """A router over one table of two stores. Raises what `Store.repository` raises, and Misconfigured."""
        one = legacy or new
        if one is None:
            raise Misconfigured(f"{table}: neither side has a store")
        known = one.described(table)
        key = known.arbiter(conflict).columns if conflict is not None else known.key.columns if known.key else ()
        old = None if legacy is None else legacy.repository(table, conflict=conflict)
        fresh = None if new is None else new.repository(table, conflict=conflict)
        return self.repository(old, fresh, key=key, absent=absent, unlike=unlike, shape=shape_of(known, row))

    def _pair(
        self, legacy: Repository[Row] | None, new: Repository[Row] | None, key: tuple[str, ...], absent: Mapping[str, str],
        unlike: Mapping[str, str],
    ) -> Pair:  # fmt: skip
        sides: dict[Side, Repository[Row]] = {}
        if legacy is not None:
            sides["legacy"] = legacy
        if new is not None:
            sides["new"] = new
        tables = {side.table for side in sides.values()}
        if len(tables) != 1:
            raise Misconfigured(f"a router is of one table, and these are {', '.join(sorted(tables)) or 'none'}")
        Rules(absent={**unlike, **absent})  # raises where a reason is lacking
        pair = Pair(table=tables.pop(), sides=sides, key=key, absent=absent, unlike=unlike)
        self._pairs[pair.table] = pair
        self._checked.discard(pair.table)
        return pair

    # --- functions ------------------------------------------------------------------------------

    async def shadow(
        self,
        legacy: Callable[[], Awaitable[T]],
        new: Callable[[], Awaitable[T]],
        *,
        name: str,
        rules: Rules | None = None,
    ) -> T:
        """A reading function of the application, on the side that answers; on the other one beside, in shadow mode.

        Both are called without arguments and must not write. A function that never raises says by `rules.failed` which
        of its answers are errors.
        """
        flags = await self._now(None)
        route = flags.call(name)
        sides: dict[Side, Callable[[], Awaitable[T]]] = {"legacy": legacy, "new": new}
        first, second = sides[route.primary], sides[route.secondary]
        question = Question(repository="", method=name, route=route, rules=rules or Rules())
        compared = route.compare and self.beside.wanted(question, flags)
        try:
            value: T = await self.beside.calls.run("", name, route.primary, first, logged=flags.log_calls)
        except Exception as error:
            if compared:
                self.beside.ask(question, flags, Outcome(error=error), first, second)
            raise
        if compared:
            self.beside.ask(question, flags, Outcome(value=value), first, second)
        return value

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Hold the flags against the repositories, the journal and other writers; raises Misconfigured."""
        await self._check(self.switch.current, self._pairs.values(), whole=True)
        self._checked |= self._pairs.keys()

    async def replay(self) -> Replayed:
        """Bring what the second side has missed; may run beside the application's own writes."""
        if self._dual is None:
            raise Misconfigured("there is no journal to replay", hint="Give Modes a journal.")
        return await self._dual.replay(self._pairs)

    async def settled(self) -> None:
        """Wait until every comparison that was begun has been counted."""
        await self.beside.settled()

    async def close(self, seconds: float = 10.0) -> None:
        """Comparisons get some seconds to end; then log and journal are closed. Repositories stay open."""
        await self.beside.close(seconds)
        if self.log is not None:
            self.log.close()
        if self._journal is not None:
            self._journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- flags ----------------------------------------------------------------------------------

    async def _now(self, pair: Pair | None) -> Flags:
        """The flags of this call. A file that has changed is checked first; one that does not fit changes nothing."""
        if not self._checking.locked():
            async with self._checking:
                await self._look()
        flags = self.switch.current
        if pair is not None and pair.table not in self._checked:
            await self._check(flags, [pair])
            self._checked.add(pair.table)
        return flags

    async def _look(self) -> None:
        found = self.switch.poll()
        if found is not None:
            try:
                await self._check(found, self._pairs.values(), whole=True)
            except Misconfigured as error:
                self.switch.refuse(error)
            else:
                self.switch.take(found)
        self.metrics.flags_refused.set(self.switch.refused)

    async def _check(self, flags: Flags, pairs: Iterable[Pair], *, whole: bool = False) -> None:
        if whole:
            self._names(flags)
        self._outstanding(flags)
        for pair in pairs:
            self._fits(flags, pair)
            if flags.writes_both(pair.table):
                owner = await (self._owners or Declared(lambda: flags)).owner(pair.table)
                if owner:
                    raise Misconfigured(
                        f"mode=dual-write for {pair.table}, and {owner} writes the same table on the other side",
                        hint=f"Stop the sync of {pair.table}, or take dual-write from it: one of them only.",
                    )

    def _names(self, flags: Flags) -> None:
        unknown = sorted(flags.repositories.keys() - self._pairs.keys())
        if unknown:
            raise Misconfigured(
                f"the flags name {', '.join(unknown)}, and there is no such repository",
                hint=f"There are {', '.join(sorted(self._pairs)) or 'none'}.",
            )

    def _fits(self, flags: Flags, pair: Pair) -> None:
        for method in (*READS, *WRITES):
            missing = flags.route(pair.table, method).sides - pair.sides.keys()
            if missing:
                raise Misconfigured(
                    f"mode={flags.route(pair.table, method).mode} for {pair.table} ({method}), and its side"
                    f" {', '.join(missing)} was not opened", hint="Open both sides, or set the mode of the one that is there.",
                )  # fmt: skip
        if flags.writes_both(pair.table) and (self._dual is None or not pair.key):
            lacks = "a journal" if self._dual is None else "the key of its rows"
            raise Misconfigured(
                f"mode=dual-write for {pair.table} needs {lacks}", hint="Give Modes(journal=…) and repository(key=…)."
            )

    def _outstanding(self, flags: Flags) -> None:
        """The other side must not become the first one while it lacks writes."""
        for entry in self._journal.pending if self._journal else ():
            if flags.route(entry.table, "upsert").primary != entry.primary:
                raise Misconfigured(
                    f"{entry.table} is to be answered by the other side, and the journal holds writes that it lacks",
                    hint=f"Replay the journal while {entry.primary} is the primary, then switch.",
                )
