"""What a run tells who watches it beside its rows: what is to come, what had landed before, what is being built.

The phases that it comes to stand in the ledger as well, so that another process can tell where it is. Part of the
conductor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from crosswalk.connect import Session
from crosswalk.express import Facts, Motion
from crosswalk.ledger import Held, Ledger
from crosswalk.ledger.queries import query
from crosswalk.names import Name, parse
from crosswalk.plan import Plan, Statement
from crosswalk.progress import Coming, Observer, Phase, Standing


def outlook(
    plan: Plan, facts: Facts, builds: Mapping[Name, Sequence[tuple[int, Statement]]], rebuilds: Mapping[Name, Sequence[Held]]
) -> list[Coming]:
    """The tables of a run, in the order in which they are filled; what is yet to be built on each, or to be built again."""
    keys = Counter(s.table for s in plan.statements if s.kind == "foreign key")
    found, order = [], plan.order
    for each in plan.tables:
        name = parse(each.target)
        table = facts.source_table(name)
        found.append(
            Coming(
                name=name,
                rows=table.rows,
                bytes=table.bytes,
                direct=each.way == "direct",
                indexes=sum(statement.kind == "index" for _, statement in builds.get(name, ())) + len(rebuilds.get(name, ())),
                keys=keys[each.target],
                again=bool(Motion(facts, name).late(order)),
            )
        )
    return found


async def enter(ledger: Ledger, run: int, observer: Observer, phase: Phase) -> None:
    """The run comes to something else."""
    await ledger.event(run, "phase", phase)
    observer.phase(phase)


async def standings(session: Session, run: int, name: Name | None = None) -> dict[Name, Standing]:
    """What has landed of one table, or of all that were cut."""
    rows = await session.fetch(query("progress"), run, None if name is None else str(name), what="the ledger")
    return {
        parse(r["target"]): Standing(
            landed=r["landed"], rows=r["rows"], bytes=r["bytes"], rejected=r["rejected"], done=r["done"]
        )
        for r in rows
    }


async def standing(session: Session, run: int, name: Name) -> Standing:
    """What has landed of a table."""
    nothing = Standing(landed=0, rows=0, bytes=0, rejected=0)
    return (await standings(session, run, name)).get(name, nothing)


@contextmanager
def building(observer: Observer, table: Name, *whats: str) -> Iterator[None]:
    """Tell of something that is made on a table while it is made."""
    for what in whats:
        observer.building(table, what)
    try:
        yield
    finally:
        for what in whats:
            observer.built(table, what)


@contextmanager
def checking(observer: Observer, statements: Sequence[Statement]) -> Iterator[None]:
    """The same for foreign keys among statements."""
    with ExitStack() as stack:
        for each in statements:
            if each.kind == "foreign key":
                stack.enter_context(building(observer, parse(each.table), each.name))
        yield
