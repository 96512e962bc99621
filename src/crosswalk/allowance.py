"""How many rows a run may reject in all (`--max-rejects`), and whether it still keeps to that.

    Limit       what was asked for: a number of rows, or a part of all source rows of the tables that are filled
    Allowance   that limit for one run: the source rows that the rules reject are counted before anything is moved,
                those that the load refuses at each chunk's edge

A row that clashes with another over a unique value may yet land at its table's end, so that it counts only then.
Of a row that a rule spreads over several, each element that the load refuses counts. Part of the conductor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from crosswalk.connect import Session
from crosswalk.errors import LimitUnreadable, TooManyRejects
from crosswalk.express import Facts, Moment, Motion
from crosswalk.judge import Fates, steadily, tally_rows
from crosswalk.ledger import Ledger, Tally
from crosswalk.names import Name
from crosswalk.numerals import plural

SETTING: Final = "max_rejects"
"""Under this name a run's settings hold the limit, as text."""
_READ: Final = re.compile(r"(\d{1,18}|\d{1,3}(?:\.\d+)?%)\Z", re.ASCII)
_REFUSED: Final = """SELECT count(DISTINCT (target_table, source_key)) FROM crosswalk.quarantine
WHERE run_id = $1 AND found_by = 'load' AND code <> 'rule.raises' AND ($2 OR sqlstate <> '23505')"""
"""Rows for which a rule raises are counted with those that the rules reject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many rejected rows are accepted."""

    text: str
    """As it was asked for: `100`, `0.5%`."""

    @classmethod
    def read(cls, text: str) -> Limit:
        """Raises LimitUnreadable."""
        bare = text.strip()
        if not _READ.match(bare) or (bare.endswith("%") and Decimal(bare[:-1]) > 100):
            raise LimitUnreadable(text=text)
        return cls(text=bare)

    def of(self, rows: int) -> int:
        """So many of these source rows."""
        return int(rows * Decimal(self.text[:-1]) / 100) if self.is_part else int(self.text)

    @property
    def is_part(self) -> bool:
        """Of all rows, and not a number of them."""
        return self.text.endswith("%")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A limit on one run."""

    limit: Limit
    run: int
    rows: int
    """Source rows of all tables."""
    by_rule: int
    """Of them, those that the rules reject."""

    @property
    def allowed(self) -> int:
        return self.limit.of(self.rows)

    async def keep(self, session: Session, *, clashes: bool = True) -> None:
        """Raises TooManyRejects where the load has refused too many; `clashes`: rows that may yet land count too."""
        refused = int(await session.fetchval(_REFUSED, self.run, clashes, what="the quarantine"))
        self.require(self.by_rule + refused)

    def keep_to(self, tallies: Iterable[Tally]) -> None:
        """The same by the accounting, once all rows are there; raises TooManyRejects."""
        self.require(sum(t.quarantined for t in tallies))

    def require(self, rejected: int, when: str = "") -> None:
        """Raises TooManyRejects."""
        if rejected > self.allowed:
            said = f"{self.limit} ({plural(self.allowed, 'row')})" if self.limit.is_part else str(self.limit)
            raise TooManyRejects(rows=rejected, of=self.rows, when=when, limit=said)


async def foresee(
    ledger: Ledger, run: int, facts: Facts, order: Iterable[Name], moment: Moment, session: Session
) -> Allowance | None:
    """The allowance of a run, under the session's snapshot; None where no limit was asked for.

    Every source row is held against the rules for it. Raises TooManyRejects where these alone exceed the limit.
    """
    limit = await asked_for(ledger, run)
    if limit is None:
        return None
    rows = rejected = 0
    for name in order:
        fates, moment = await steadily(facts, name, moment, session, partial(_fates, Motion(facts, name), session))
        rows += fates.tally.extracted
        rejected += fates.tally.quarantined
    allowance = Allowance(limit=limit, run=run, rows=rows, by_rule=rejected)
    allowance.require(rejected, " by the rules alone")
    return allowance


async def _fates(motion: Motion, session: Session, moment: Moment) -> Fates:
    return await tally_rows(motion, moment, session)


async def asked_for(ledger: Ledger, run: int) -> Limit | None:
    """The limit that was asked for last: when the run began, or when it was resumed."""
    settings: list[dict[str, Any]] = [e["detail"] for e in await ledger.events(run) if e["kind"] == "settings"]
    said = [str(s[SETTING]) for s in settings if s.get(SETTING)]
    return Limit.read(said[-1]) if said else None
