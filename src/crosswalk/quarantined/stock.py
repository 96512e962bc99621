"""What quarantine holds: counted by table and reason beside the accounting, and row by row. Reads the target only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crosswalk.connect import session
from crosswalk.errors import NotOfThisRun
from crosswalk.ledger import Ledger, RunState, Tally
from crosswalk.ledger import quarantine as shelf
from crosswalk.mapping import Document, Lookup, TableMapping, Unnest
from crosswalk.names import Name, parse
from crosswalk.scene import newest


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStock:
    """One table's rows in quarantine."""

    target: Name
    reasons: tuple[Mapping[str, Any], ...]
    """As `Ledger.reasons` gives them; each counts its rows (`rows`) and those given up (`dropped`)."""
    tallied: int | None
    """Source rows that the accounting has in quarantine; None where the newest run does not fill the table."""
    held: int
    """Source rows that stand there; where a rule unnests, an element that the load refused counts as one."""
    spreads: bool
    """A rule unnests: elements are refused one by one, and the accounting knows source rows only."""

    @property
    def dropped(self) -> int:
        return sum(int(r["dropped"]) for r in self.reasons)

    @property
    def agrees(self) -> bool:
        """Whether the accounting says the same; where elements stand there it cannot be told from the counts."""
        return self.spreads or self.tallied is None or self.tallied == self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What quarantine holds."""

    run: int
    state: RunState
    tables: tuple[TableStock, ...] = field(default=())

    @property
    def rows(self) -> int:
        return sum(t.held for t in self.tables)

    @property
    def dropped(self) -> int:
        return sum(t.dropped for t in self.tables)

    @property
    def settled(self) -> bool:
        """Whether the run has finished, so that accounting and quarantine must agree."""
        return self.state is RunState.FINISHED


async def stock(url: str, tables: Iterable[str] = ()) -> Stock:
    """Count quarantine by table and reason, of some tables or of all; raises NothingMigrated, RolledBack, NotOfThisRun."""
    async with session("target", url, purpose="quarantine") as target:
        ledger = Ledger(target)
        run, plan = await newest(ledger)
        tallies = {t.target: t for t in await ledger.tallies(run.id)}
        held, reasons = await shelf.counts(target), await ledger.reasons()
    known = list(dict.fromkeys([*plan.order, *held]))
    chosen = resolve(tables, known, run.id) or known
    document = plan.mapping().document
    made = [_stock(name, reasons, tallies, held, document) for name in chosen]
    return Stock(run=run.id, state=run.state, tables=tuple(t for t in made if t.reasons or not t.agrees))


def _stock(
    name: Name, reasons: list[dict[str, Any]], tallies: Mapping[Name, Tally], held: Mapping[Name, int], document: Document
) -> TableStock:
    mapping = document.by_target.get(name)
    return TableStock(
        target=name,
        reasons=tuple(r for r in reasons if r["target_table"] == str(name)),
        tallied=tallies[name].quarantined if name in tallies else None,
        held=held.get(name, 0),
        spreads=mapping is not None and _spreads(mapping),
    )


def _spreads(mapping: TableMapping) -> bool:
    for rule in mapping.columns.values():
        operands = [o for m in rule.lookup.matches for o in m.values()] if isinstance(rule, Lookup) else [rule]
        if any(isinstance(operand, Unnest) for operand in operands):
            return True
    return False


async def show(
    url: str, table: str, *, code: str | None = None, limit: int, values: bool = False
) -> tuple[Name, list[shelf.Reject]]:
    """Rows in quarantine of a table, oldest first; with `values` what stands in them. Raises as `stock`."""
    async with session("target", url, purpose="quarantine") as target:
        ledger = Ledger(target)
        run, plan = await newest(ledger)
        (name,) = resolve([table], [*plan.order, *await shelf.counts(target)], run.id)
        return name, await shelf.rejects(target, name, code=code, values=values, limit=limit)


def resolve(texts: Iterable[str], known: Sequence[Name], run: int) -> list[Name]:
    """Tables as a person names them; without a schema it is `public`, or the only one that has such a table.

    Raises NotOfThisRun, BadName.
    """
    found = []
    for text in texts:
        name = parse(text)
        alike = [k for k in dict.fromkeys(known) if k.relation == name.relation and "." not in text]
        if name not in known and len(alike) != 1:
            raise NotOfThisRun(table=name, run=run, tables=", ".join(map(str, dict.fromkeys(known))) or "none")
        found.append(name if name in known else alike[0])
    return list(dict.fromkeys(found))
