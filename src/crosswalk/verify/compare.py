"""One table, both sides: hash by bucket, drill down to keys where buckets differ.

    source: fitting rows, as copied        target: rows as they stand (kept rows apart)
      hash(key) → bucket                     hash(key) → bucket
      count, sum(hash(row)) per bucket       count, sum(hash(row)) per bucket
                        └── equal? done ──┘
                 else: (key, hash) of the differing buckets, compared
                 else: the columns that differ, judged on the target

Each row's hash covers its key and all mapped columns in their exact wire form, so that a value moved
to another row, another column or another type is found. Buckets are of the key's hash: no order and
no collation is assumed to be alike on both sides, and memory is that of a few buckets.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from asyncpg import Record

from crosswalk.connect import Session
from crosswalk.errors import ComparisonUnsteady
from crosswalk.express import BUCKETS, EVERYTHING, Key, Landing, Moment, Motion, Selection
from crosswalk.names import Name
from crosswalk.verify.columns import differing_columns, parse_key
from crosswalk.verify.difference import Difference

_Buckets: TypeAlias = dict[int, tuple[int, Any]]
"""(rows, sum of hashes) by bucket."""
AT_ONCE: Final = 200_000
"""Rows of differing buckets that are held in memory at a time."""


@dataclass(slots=True, kw_only=True)
class TableResult:
    """What verification found in one table."""

    target: Name
    source: Name
    columns: tuple[str, ...]
    """Compared."""
    unchecked: tuple[str, ...]
    """Of the target, made by the server or left to a default: not compared."""
    source_rows: int = 0
    """Rows that fit by the rules."""
    target_rows: int = 0
    """Rows that are there; those from before only where ours may overwrite them."""
    refused: int = 0
    """Of the source's, those that the load had set aside."""
    yielded: int = 0
    """Of the source's, those whose place a row from before holds."""
    standing: int = 0
    """Of the target's, those from before that no row of the source meets."""
    differences: list[Difference] = field(default_factory=list)
    kept: int = 0
    """Rows that stood there before the first run."""
    quarantined: int = 0
    """Rows of the source that the load had refused, those included for which a rule raises."""
    same_value: int = 0
    """Rows equal by value, though not in representation (numeric scale, -0)."""

    @property
    def expected(self) -> int:
        """Rows that should be there: always `found` + missing - extra."""
        return self.source_rows - self.refused - self.yielded

    @property
    def found(self) -> int:
        """Rows that are there, without those from before."""
        return self.target_rows - self.standing

    @property
    def clean(self) -> bool:
        return not self.differences

    def count(self, kind: str) -> int:
        return sum(1 for d in self.differences if d.kind == kind)

    @property
    def by_column(self) -> dict[str, int]:
        """Different rows by column."""
        return dict(Counter(c for d in self.differences for c in d.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows of rows that are missing or extra for a reason."""

    quarantined: frozenset[str] = frozenset()
    """Source keys."""
    kept: frozenset[str] = frozenset()
    """Target keys."""
    keep: bool = False
    """Kept rows win over ours (`existing: keep`), so that they are left out of the target's side."""


async def compare_table(
    motion: Motion,
    moment: Moment,
    source: Session,
    target: Session,
    *,
    known: Known,
    exact: bool = False,
    selections: tuple[Selection, ...] = (EVERYTHING,),
) -> TableResult:
    """Compare one table; `exact` counts differences of representation as differences.

    `selections` are the parts of the source that have been moved (all of it, unless a run is unfinished).
    """
    landing = Landing(motion)
    fed = tuple(f.column.name for f in motion.fed)
    result = TableResult(
        target=motion.name,
        source=motion.source.name,
        columns=fed,
        unchecked=tuple(c for c in motion.target.column_names if c not in fed),
    )
    # The target may be written meanwhile: hashes and keys must be those of one moment.
    async with target.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"):
        await _compare(_Sides(motion, landing, moment, source, target, known, selections), result)
    result.quarantined = result.refused
    if motion.mapping.key:
        await _judge_by_value(motion, moment, source, target, result, exact=exact)
    return result


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is compared with what."""

    motion: Motion
    landing: Landing
    moment: Moment
    source: Session
    target: Session
    known: Known
    selections: tuple[Selection, ...]

    @property
    def what(self) -> str:
        return f"the comparison of {self.motion.name}"

    async def hashes(self) -> tuple[_Buckets, _Buckets]:
        """(rows, sum of hashes) by bucket, of the source and of the target."""
        ours: _Buckets = {}
        for selection in self.selections:
            for r in await self.source.fetch(self.motion.hashed(self.moment, selection), what=self.what):
                rows, total = ours.get(r["bucket"], (0, 0))
                ours[r["bucket"]] = (rows + r["rows"], total + r["total"])
        there = await self.target.fetch(self.landing.hashed(kept=self.known.keep), what=self.what)
        return ours, {r["bucket"]: (r["rows"], r["total"]) for r in there}

    async def rows(self, batch: list[int], *, kept: bool) -> tuple[list[Record], list[Record]]:
        """(target key, hash, source key) of the source's rows in some buckets, (target key, hash) of the target's."""
        ours = [
            r
            for part in self.selections
            for r in await self.source.fetch(self.motion.hashed_keys(self.moment, batch, part), what=self.what)
        ]
        return ours, await self.target.fetch(self.landing.hashed_keys(batch, kept=kept), what=self.what)


async def _compare(sides: _Sides, result: TableResult) -> None:
    """Buckets, then the keys of those that differ; raises ComparisonUnsteady where the keys are of other rows."""
    ours, theirs = await sides.hashes()
    result.source_rows = sum(rows for rows, _ in ours.values())
    result.target_rows = sum(rows for rows, _ in theirs.values())
    result.kept = len(sides.known.kept) if sides.known.keep else 0
    differing = [b for b in range(BUCKETS) if ours.get(b) != theirs.get(b)]
    keyed = bool(sides.motion.mapping.key)
    for batch in _batches(differing, {b: max(_rows(ours, b), _rows(theirs, b)) for b in differing}):
        mine, there = await sides.rows(batch, kept=keyed and sides.known.keep)
        for side, read in ((ours, mine), (theirs, there)):
            if _sum(side, batch) != (len(read), sum(r["hash"] for r in read)):
                raise ComparisonUnsteady(table=sides.motion.name)
        (_drill if keyed else _count)(sides, mine, there, result)


def _sum(side: _Buckets, batch: list[int]) -> tuple[int, int]:
    found = [side[b] for b in batch if b in side]
    return sum(rows for rows, _ in found), int(sum(total for _, total in found))


def _rows(side: _Buckets, bucket: int) -> int:
    return side.get(bucket, (0, 0))[0]


def _batches(buckets: Iterable[int], rows: dict[int, int]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for bucket in buckets:
        if batch and size + rows[bucket] > AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(bucket)
        size += rows[bucket]
    if batch:
        yield batch


def _drill(sides: _Sides, ours: list[Record], theirs: list[Record], result: TableResult) -> None:
    """Rows by key; where several rows have one key, each of them counts."""
    known = sides.known
    there: dict[str, Counter[int]] = {}
    for row in theirs:
        there.setdefault(row["target_key"], Counter())[row["hash"]] += 1
    for row in [r for r in ours if not _taken(there, r["target_key"], r["hash"])]:
        key, source_key = row["target_key"], parse_key(row["source_key"])
        if _taken(there, key):
            result.differences.append(Difference(kind="different", target_key=key, source_key=source_key))
        elif _key_text(source_key) in known.quarantined:
            result.refused += 1
        elif known.keep and key in known.kept:
            result.yielded += 1
        else:
            result.differences.append(Difference(kind="missing", target_key=key, source_key=source_key))
    for key, hashes in there.items():
        surplus = hashes.total()
        if surplus and key in known.kept:
            result.kept += 1
            result.standing += 1
            surplus -= 1
        result.differences += [Difference(kind="extra", target_key=key, source_key=None)] * surplus


def _taken(there: dict[str, Counter[int]], key: str, value: int | None = None) -> bool:
    """Take a row of that key (and hash) out; False where there is none."""
    hashes = there.get(key)
    if not hashes:
        return False
    found = next(iter(hashes)) if value is None else value
    if found not in hashes:
        return False
    hashes[found] -= 1
    if not hashes[found]:
        del hashes[found]
    return True


def _key_text(key: Key) -> str:
    """The source key, with the element's ordinality where the rule unnests, as one text (see `Known.quarantined`)."""
    return "\x1f".join(key)


def _count(sides: _Sides, mine: list[Record], there: list[Record], result: TableResult) -> None:
    """Without a key rows are told by their hash alone, each as often as it occurs."""
    keys: dict[int, list[Key]] = {}
    for row in mine:
        keys.setdefault(row["hash"], []).append(parse_key(row["source_key"]))
    ours, theirs = Counter(r["hash"] for r in mine), Counter(r["hash"] for r in there)
    for value, times in (ours - theirs).items():
        for key in keys[value][-times:]:
            if _key_text(key) in sides.known.quarantined:
                result.refused += 1
            else:
                result.differences.append(Difference(kind="missing", target_key=_by_hash(value), source_key=key))
    for value, times in (theirs - ours).items():
        result.differences += [Difference(kind="extra", target_key=_by_hash(value), source_key=None)] * times


def _by_hash(value: int) -> str:
    """What stands for the target key of a row without one (see `Landing.target_key`)."""
    return json.dumps([str(value)])


async def _judge_by_value(
    motion: Motion, moment: Moment, source: Session, target: Session, result: TableResult, *, exact: bool
) -> None:
    """Name the columns that differ, and set apart rows that differ in representation only."""
    different = [d for d in result.differences if d.kind == "different"]
    if not different:
        return
    found = await differing_columns(motion, moment, source, target, different)
    judged = []
    for difference in result.differences:
        columns, same_value = found.get(difference.target_key, ((), False))
        if difference.kind != "different":
            judged.append(difference)
        elif same_value and columns and not exact:
            result.same_value += 1
        else:
            judged.append(
                Difference(
                    kind="different",
                    target_key=difference.target_key,
                    source_key=difference.source_key,
                    columns=columns,
                )
            )
    result.differences = judged
