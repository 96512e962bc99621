"""One schema's contest: rounds in which everybody takes a turn, and what came of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import move_mapped, move_ours
from bench.move_mapped import VARIANTS, Table, Variant
from bench.move_ours import Moved
from bench.move_peers import Peer
from bench.move_schemas import Schema
from bench.move_servers import Pair, Refused, Standing, Turn, analyze, drop, make, megabytes

OURS: Final = "crosswalk"
PATIENCE: Final = 300.0
SLOWER: Final = 5.0


@dataclass(kw_only=True)
class Found:
    """What came of a schema."""

    name: str
    about: str
    small: bool
    size: int
    mb: float
    rows: int
    tables: int
    taken: list[dict[str, float]] = field(default_factory=list)
    """Seconds by contender, a round an entry; who is void is not in it."""
    ready: list[dict[str, float]] = field(default_factory=list)
    """As `taken`, with an ANALYZE for whoever leaves it to the user."""
    effort: dict[str, list[Turn]] = field(default_factory=dict)
    """By contender: its turns with the CPU that they took."""
    void: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    """By contender: what it does not carry over, and need not."""
    moved: dict[str, list[Moved]] = field(default_factory=dict)
    """Our runs in detail, by contender."""

    def ratio(self, one: str, other: str) -> float | None:
        """Median over the rounds of one's time by the other's; None where they never both came through."""
        both = [r[one] / r[other] for r in self.taken if one in r and other in r]
        return median(both) if both else None

    def ready_ratio(self, peer: str) -> float | None:
        """As `ratio` to ours, with statistics on both sides."""
        both = [r[peer] / r[OURS] for r in self.ready if peer in r and OURS in r]
        return median(both) if both else None

    def median_of(self, name: str) -> float | None:
        seconds = [r[name] for r in self.taken if name in r]
        return median(seconds) if seconds else None

    @property
    def cpu_share(self) -> float | None:
        shares = [m.cpu_share for m in self.moved.get(OURS, ()) if m.cpu_share is not None]
        return median(shares) if shares else None

    @property
    def rss_mb(self) -> float | None:
        """The most of all our runs, the mapped ones too."""
        return max((m.rss_mb for runs in self.moved.values() for m in runs), default=None)

    def as_json(self) -> dict[str, Any]:
        names = list(dict.fromkeys(name for r in self.taken for name in r))
        peers = [n for n in names if n not in (OURS, *VARIANTS)]
        return {
            "about": self.about, "size": self.size, "mb": round(self.mb, 1), "rows": self.rows, "tables": self.tables,
            "seconds": {n: [round(r[n], 3) if n in r else None for r in self.taken] for n in names},
            "ratios": {n: rounded(self.ratio(n, OURS)) for n in peers},
            "ratios_with_statistics": {n: rounded(self.ready_ratio(n)) for n in peers},
            "statistics_seconds": {n: [round(t.statistics, 3) for t in turns] for n, turns in self.effort.items()},
            "mapped_cost": rounded(self.ratio("mapped", "identity")),
            "mapped_fold_cost": rounded(self.ratio("folded", "identity")),
            "cpu_share": rounded(self.cpu_share), "rss_mb": rounded(self.rss_mb, 1),
            "cpu_seconds": {n: [[round(t.cpu, 2), round(t.servers_cpu, 2)] for t in turns] for n, turns in self.effort.items()},
            "void": self.void, "lacks": self.lacks,
            "ours": {name: [m.as_json() for m in runs] for name, runs in self.moved.items()},
        }  # fmt: skip


def rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)


@dataclass(kw_only=True)
class Contest:
    """Everybody on one schema."""

    pair: Pair
    schema: Schema
    peers: Sequence[Peer]
    mapped: bool
    note: Callable[[str], None]

    def run(self, size: int, rounds: int) -> Found:
        """Make the schema, let everybody take turns, and drop it."""
        source = self.pair.source
        make(source)
        try:
            self.schema.build(source, size)
            standing = Standing.of(source)
            found = Found(
                name=self.schema.name, about=self.schema.about, small=self.schema.small, size=size, mb=megabytes(source),
                rows=sum(standing.rows.values()), tables=len(standing.rows),
            )  # fmt: skip
            self.note(f"{found.name}: {found.tables:,} tables, {found.rows:,} rows, {found.mb:,.0f} MB with indexes")
            turns = self._turns(standing, move_mapped.read_tables(source), found)
            for number in range(rounds):
                found.taken.append(self._round(turns, number, found))
            return found
        finally:
            drop(source)
            drop(self.pair.target)

    def _turns(self, standing: Standing, tables: list[Table], found: Found) -> Mapping[str, Callable[[], Turn]]:
        turns: dict[str, Callable[[], Turn]] = {OURS: lambda: self._ours(standing, found)}
        for peer in self.peers:
            if peer.large_only and self.schema.small:
                continue
            turns[peer.name] = lambda peer=peer: self._peer(standing, peer, found)  # type: ignore[misc]
        for variant in VARIANTS if self.mapped else ():
            if variant == "folded" and not self.schema.folds:
                continue
            turns[variant] = lambda variant=variant: self._variant(standing, tables, variant, found)  # type: ignore[misc]
        return turns

    def _round(self, turns: Mapping[str, Callable[[], Turn]], number: int, found: Found) -> dict[str, float]:
        """Everybody once, another one first each time."""
        names = list(turns)
        shift = number % len(names)
        taken: dict[str, float] = {}
        found.ready.append({})
        for name in names[shift:] + names[:shift]:
            if name in found.void or self._sits_out(name, found):
                continue
            try:
                turn = turns[name]()
                taken[name] = turn.seconds
                found.ready[-1][name] = turn.seconds + turn.statistics
                found.effort.setdefault(name, []).append(turn)
                cpu = f"CPU {turn.cpu:6.2f} + servers' {turn.servers_cpu:6.2f}"
                self.note(f"{found.name} {number + 1}: {name:21}{turn.seconds:8.2f} s  {cpu}{self._aside(name, found)}")
            except Refused as refused:
                found.void[name] = str(refused)
                self.note(f"{found.name} {number + 1}: {name:21}    void: {refused}")
        return taken

    def _sits_out(self, name: str, found: Found) -> bool:
        """A peer that took minutes and many times ours took, which another turn would not change."""
        seconds, ours = found.median_of(name), found.median_of(OURS)
        return name != OURS and seconds is not None and ours is not None and seconds > max(PATIENCE, SLOWER * ours)

    def _aside(self, name: str, found: Found) -> str:
        runs = found.moved.get(name)
        if not runs:
            return ""
        told = "  ".join(f"{phase} {s:.2f}" for phase, s in runs[-1].phases.items())
        share = "" if runs[-1].cpu_share is None else f"  {runs[-1].cpu_share:.2f} of a core"
        return f"   {told}{share}  {runs[-1].rss_mb:.0f} MB (plan {runs[-1].plan_seconds:.1f})"

    # --- turns --------------------------------------------------------------------------------------

    def _ours(self, standing: Standing, found: Found) -> Turn:
        self.pair.fresh()
        with tempfile.TemporaryDirectory(prefix="bench-move-") as place:
            moved = move_ours.recreate(self.pair, Path(place))
        self._require(standing)
        found.moved.setdefault(OURS, []).append(moved)
        return replace(moved, statistics=analyze(self.pair.target))

    def _peer(self, standing: Standing, peer: Peer, found: Found) -> Turn:
        self.pair.fresh()
        turn = peer.move(self.pair)
        lacking = self._require(standing, without=peer.lacks)
        if lacking:
            found.lacks[peer.name] = "; ".join(lacking)
        return replace(turn, statistics=analyze(self.pair.target))

    def _variant(self, standing: Standing, tables: list[Table], variant: Variant, found: Found) -> Turn:
        """Rows as in the source under the target's names; indexes and constraints as they stood before."""
        self.pair.fresh()
        move_mapped.shape(self.pair, self.schema, tables, variant)
        before = Standing.of(self.pair.target)
        wanted = {move_mapped.lands_in(name, variant): count for name, count in standing.rows.items()}
        with tempfile.TemporaryDirectory(prefix="bench-move-") as place:
            document = move_mapped.document(self.schema, tables, variant)
            moved = move_ours.transform(self.pair, document, Path(place))
        self._require(Standing(rows=wanted, belongings=before.belongings))
        found.moved.setdefault(variant, []).append(moved)
        return moved

    def _require(self, standing: Standing, *, without: Collection[str] = ()) -> list[str]:
        """Raises Refused where the target is not what it must be; gives how it differs in what may be missing."""
        wrong = standing.differences(Standing.of(self.pair.target))
        refused = [told for name, told in wrong.items() if name not in without]
        if refused:
            raise Refused(f"the target differs in {len(refused)} respects: {refused[0]}")
        return [*wrong.values()]


