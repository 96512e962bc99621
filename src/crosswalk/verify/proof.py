"""What verification found in one table, as the ledger keeps it: counts, columns, a few masked keys."""

from __future__ import annotations

import json
from typing import Final

from crosswalk.judge.rows import mask_key
from crosswalk.ledger.proof import PreservedProof, Sample, TableProof
from crosswalk.verify.compare import TableResult
from crosswalk.verify.difference import Difference
from crosswalk.verify.preserved import PreservedResult

SAMPLES: Final = 5
"""Keys of differing rows that are kept, for each kind."""


def masked(difference: Difference) -> str:
    """The key of a row that differs, its middle hidden."""
    key = json.loads(difference.target_key)
    parts = key if key else (difference.source_key or ())
    return mask_key(part if part is not None else "NULL" for part in parts)


def table_proof(table: TableResult, *, problem: str, stale: int) -> TableProof:
    """`problem` is what is wrong with the accounting, `stale` counts quarantined rows that have changed since."""
    shown = [d for kind in ("missing", "different", "extra") for d in _first(table, kind)]
    return TableProof(
        target=str(table.target),
        source=str(table.source),
        expected=table.expected,
        found=table.found,
        missing=table.count("missing"),
        extra=table.count("extra"),
        different=table.count("different"),
        columns=len(table.columns),
        unchecked=table.unchecked,
        by_column=dict(sorted(table.by_column.items())),
        samples=tuple(Sample(kind=d.kind, key=masked(d), columns=d.columns) for d in shown),
        kept=table.kept,
        quarantined=table.quarantined,
        same_value=table.same_value,
        stale=stale,
        problem=problem,
    )


def _first(table: TableResult, kind: str) -> list[Difference]:
    return [d for d in table.differences if d.kind == kind][:SAMPLES]


def preserved_proof(found: PreservedResult) -> PreservedProof:
    return PreservedProof(
        table=str(found.table), rows_before=found.rows_before, rows=found.rows, unchanged=found.unchanged
    )
