"""Drafts for pairs of schemas of many styles (tests/pairs), held against what is true of them.

`truth.yaml` says by target table `from`, and by target column the source columns that its rule must read:
`a` (or `a+b`), `~a` where copying it would be wrong, `@a` where it must be looked up, null where nothing feeds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.match import Proposal, TableDraft
from crosswalk.matching import Matched, match
from crosswalk.survey import Servers
from tests.servers import MakeDatabase, database_of, sql

PAIRS = Path(__file__).parents[1] / "pairs"
PRECISE, FOUND = 0.97, 0.8


@dataclass(frozen=True, kw_only=True)
class Told:
    """One target column: what is true, and what the draft says."""

    place: str
    want: str
    rule: Proposal | None
    same_table: bool

    @property
    def columns(self) -> set[str]:
        return set(self.want.lstrip("~@").split("+")) - {""}

    @property
    def right(self) -> bool:
        if self.rule is None or not self.same_table or set(self.rule.reads) != self.columns:
            return False
        if self.want.startswith("@") and "lookup" not in self.rule.rule:
            return False
        return not (self.want.startswith("~") and self.rule.accepted)


def _told(made: Matched, truth: Mapping[str, Mapping[str, str | None]]) -> Iterator[Told]:
    drafts: Mapping[str, TableDraft] = {t.target.relation: t for t in made.draft.tables}
    assert set(drafts) <= set(truth), "a table that should not be filled is"
    for table, columns in truth.items():
        found = drafts.get(table)
        same = found is not None and found.source.relation == str(columns["from"]).split(".")[-1]
        for column, want in columns.items():
            if column != "from":
                rule = found.columns.get(column) if found is not None else None
                yield Told(place=f"{table}.{column}", want=want or "", rule=rule, same_table=same)


@pytest.mark.parametrize("name", sorted(p.name for p in PAIRS.iterdir()))
async def test_a_draft_of_schemas_of_another_style(name: str, make_database: MakeDatabase, pg16: Server) -> None:
    urls = [make_database(pg16), make_database(pg16)]
    for url, side in zip(urls, ("source", "target"), strict=True):
        sql(pg16, (PAIRS / name / f"{side}.sql").read_text(), database=database_of(url))
    made = await match(Servers(source=urls[0], target=urls[1]))
    read_text(made.text)
    told = [*_told(made, YAML(typ="safe").load((PAIRS / name / "truth.yaml").read_text()))]
    said = {t.place: (t.want, dict(t.rule.rule), t.rule.reads) for t in told if t.rule is not None and not t.right}
    assert not [said[t.place] for t in told if t.rule is not None and t.rule.accepted and not t.right]
    written = [t for t in told if t.rule is not None and t.rule.reads]
    right = [t for t in told if t.columns and t.right]
    assert len(right) >= PRECISE * len(written), said
    assert len(right) >= FOUND * sum(bool(t.columns) for t in told), {t.place: t.want for t in told if not t.right}
