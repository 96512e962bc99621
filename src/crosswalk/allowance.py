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

SETTING: Final = "max_rejects"
"""Under this name a run's settings hold the limit, as text."""
_READ: Final = re.compile(r"(\d{1,18}|\d{1,3}(?:\.\d+)?%)\Z", re.ASCII)
_REFUSED: Final = """SELECT count(DISTINCT (target_table, source_key)) FROM crosswalk.quarantine
WHERE run_id = $1 AND found_by = 'load' AND ($2 OR sqlstate <> '23505')"""


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
        return int(rows * Decimal(self.text[:-1]) / 100) if self.text.endswith("%") else int(self.text)

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
        self._require(self.by_rule + refused)

    def keep_to(self, tallies: Iterable[Tally]) -> None:
        """The same by the accounting, once all rows are there; raises TooManyRejects."""
        self._require(sum(t.quarantined for t in tallies))

    def _require(self, rejected: int, when: str = "") -> None:
        if rejected > self.allowed:
            raise TooManyRejects(
                rows=rejected, of=self.rows, when=when, limit=self.limit, allowed=f"{self.allowed:,} rows"
            )


async def foresee(
    limit: Limit, run: int, facts: Facts, order: Iterable[Name], moment: Moment, session: Session
) -> tuple[Allowance, Moment]:
    """The allowance of a run, under the session's snapshot; raises TooManyRejects where the rules alone exceed it."""
    rows = rejected = 0
    for name in order:
        motion = Motion(facts, name)
        fates, moment = await steadily(facts, name, moment, session, partial(_fates, motion, session))
        rows += fates.tally.extracted
        rejected += fates.tally.quarantined
    allowance = Allowance(limit=limit, run=run, rows=rows, by_rule=rejected)
    allowance._require(rejected, " by the rules alone")
    return allowance, moment


async def _fates(motion: Motion, session: Session, moment: Moment) -> Fates:
    return await tally_rows(motion, moment, session)


async def asked_for(ledger: Ledger, run: int, given: Limit | None) -> Limit | None:
    """The limit of a run that goes on: the one given now, which is noted, else the newest that was asked for."""
    if given is not None:
        await ledger.event(run, "settings", "asked", **{SETTING: str(given)})
        return given
    settings: list[dict[str, Any]] = [e["detail"] for e in await ledger.events(run) if e["kind"] == "settings"]
    said = [str(s[SETTING]) for s in settings if s.get(SETTING)]
    return Limit.read(said[-1]) if said else None
