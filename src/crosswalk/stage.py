"""What all tables of a run share while their rows come. Part of the conductor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from crosswalk.allowance import Allowance
from crosswalk.connect import Session
from crosswalk.copy import Hands, insist
from crosswalk.copy.quarantine import Refusal
from crosswalk.crew import Crew, Pair
from crosswalk.errors import Interrupted
from crosswalk.express import Facts, Moment, Motion
from crosswalk.ledger import Chunk, Ledger, Tally
from crosswalk.names import Name
from crosswalk.outlook import standing
from crosswalk.progress import Observer
from crosswalk.snapshot import Snapshot


class GivenUp(Exception):
    """Another worker failed, and this one stopped at its job's edge: never leaves the conductor."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What all tables of a run share."""

    run: int
    facts: Facts
    moment: Moment
    snapshot: Snapshot
    ledger: Ledger
    """On the control session."""
    targets: list[Session]
    """One for each worker of the snapshot."""
    observer: Observer
    order: tuple[Name, ...]
    """Target tables in the order in which they are filled."""
    stop: Callable[[], bool]
    """True once the user asked to stop at the next chunk's edge."""
    resumed: bool = False
    chunk_bytes: int | None = None
    """Of the source, moved at a time; None: as much as takes a few seconds."""
    occupied: set[Name] = field(default_factory=set)
    """Target tables that held rows before the first run."""
    fresh: frozenset[Name] = frozenset()
    """Target tables that this run's plan made, and that nobody can have used."""
    leaving: dict[Name, list[str]] = field(default_factory=dict)
    """Target keys of rows that the second passage refused: they stand in the target until they are taken out."""
    misfits: dict[Name, dict[str, Refusal]] = field(default_factory=dict)
    """By target key: rows that stand in the target, and that an index refuses which is yet to be built again."""
    failed: list[BaseException] = field(default_factory=list)
    """The first error of a worker; the others stop at their chunk's edge."""
    cut: dict[Name, list[Chunk]] = field(default_factory=dict)
    """Chunks that were planned for all small tables at once."""
    overtaken: set[Name] = field(default_factory=set)
    """Tables of which a chunk turned out to have landed when it was this run's turn: a predecessor's COMMIT came late."""
    stained: set[Name] | None = None
    """Target tables of which rows are or were in quarantine; None: not known, any may be."""
    blocks: bool | None = None
    """Whether the target runs blocks for this role (see `copy.apart`); None: not asked yet."""
    reconciled: Callable[[Name, Pair], Awaitable[None]] | None = None
    """In a resumed run: holds what had landed of a table against the new snapshot, once the rest has come."""
    allowance: Allowance | None = None
    """How many rows may be rejected; None: any number."""
    crew: Crew = field(init=False)

    def __post_init__(self) -> None:
        pairs = zip(self.snapshot.workers, self.targets, strict=False)
        self.crew = Crew([Pair(source=source, target=target) for source, target in pairs], self.observer.workers)

    @property
    def desk(self) -> Pair:
        """The keeper and the control session: for what is done while no worker is."""
        return Pair(source=self.snapshot.keeper, target=self.ledger.session)

    def go_on(self) -> None:
        """Raises Interrupted, and GivenUp."""
        self.stop_here()
        if self.failed:
            raise GivenUp

    def stop_here(self) -> None:
        """Raises Interrupted."""
        if self.stop():
            raise Interrupted()

    def keep_to_limit(self, tallies: Iterable[Tally]) -> None:
        """Raises TooManyRejects where the accounting has more rows in quarantine than may be."""
        if self.allowance is not None:
            self.allowance.keep_to(tallies)

    def hands(self, motion: Motion, pair: Pair, *, late: frozenset[Name] = frozenset(), second: bool = False) -> Hands:
        """What moves rows of a table through a pair of sessions; see `Hands`."""
        return Hands(
            motion=motion,
            moment=self.moment,
            run=self.run,
            snapshot=self.snapshot.id,
            source=pair.source,
            target=pair.target,
            direct=False,
            keep=self.keeps(motion),
            late=late,
            second=second,
            blocks=self.blocks,
        )

    def keeps(self, motion: Motion) -> bool:
        """Rows that stood in the table before win."""
        return motion.name in self.occupied and motion.mapping.existing == "keep"

    async def account(self, tally: Tally, ledger: Ledger) -> None:
        """Note what became of a table's rows."""
        await insist(partial(ledger.tally, self.run, tally))
        self.observer.done(tally.target, tally)

    async def tell_standing(self, name: Name, ledger: Ledger) -> None:
        """What has landed of a table, for who watches and cannot have counted it."""
        self.observer.stands(name, await standing(ledger.session, self.run, name))

    def is_stained(self, name: Name) -> bool:
        return self.stained is None or name in self.stained

    def learn(self, moment: Moment, *, since: Moment | None = None) -> None:
        """What somebody found out about rows that raise, `since` they began to ask: others have found out more meanwhile."""
        known = since.broken if since is not None else {}
        new = {name: keys for name, keys in moment.broken.items() if name not in known or known[name] != keys}
        self.moment = replace(self.moment, broken={**self.moment.broken, **new})

    def urgency(self, names: Iterable[Name]) -> dict[Name, int]:
        """The larger a table, the earlier its turn: small ones fill the gaps at the end."""
        sizes = {name: self.facts.source_table(name).bytes for name in names}
        return {name: place for place, name in enumerate(sorted(sizes, key=lambda n: -sizes[n]))}


async def together(stage: Stage, works: Iterable[Coroutine[object, object, None]]) -> None:
    """Do all of it at the same time; raises the run's first error once the others have come to their edge."""
    tasks = [asyncio.create_task(_guarded(stage, work)) for work in works]
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    if stage.failed:
        raise stage.failed[0]


async def _guarded(stage: Stage, work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except GivenUp:
        raise
    except BaseException as error:
        stage.failed.append(error)
        raise
