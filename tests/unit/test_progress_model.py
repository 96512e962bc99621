"""What is shown of a run: counted as told, forecast within bounds on runs that are played, never wider than the terminal."""

from __future__ import annotations

import heapq
import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from crosswalk.cli.progress import Bars, Lines, figure_lines, fitted, packed, parts, told
from crosswalk.copy import Hands
from crosswalk.errors import Interrupted
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.progress import Coming, Phase, Standing, Stretch
from crosswalk.reckoning import Figures, Job, Reckoning

A, B = Name("public", "a"), Name("public", "b")
MB = 1_000_000


def tally(name: Name, loaded: int, quarantined: int = 0) -> Tally:
    return Tally(
        target=name, source=name, extracted=loaded + quarantined, loaded=loaded, merged=0, quarantined=quarantined,
        filtered=0, written=loaded,
    )  # fmt: skip


def counts(reckoning: Reckoning) -> tuple[int, int, int, int]:
    found = reckoning.figures()
    return found.tables, found.rows, found.bytes, found.rejected


# --- counting -------------------------------------------------------------------------------------


def test_only_what_is_committed_counts_and_the_accounting_has_the_last_word() -> None:
    counted = Reckoning(clock=lambda: 0.0)
    counted.begin([Coming(name=A, bytes=10 * MB, again=True), Coming(name=B)])
    counted.table(A, 2, 0)
    counted.bytes(A, 500)
    assert counts(counted) == (0, 0, 0, 0)
    counted.bytes(A, -500)
    counted.chunk(A, Stretch(rows=7, rejected=1, bytes=500))
    assert counts(counted) == (0, 7, 500, 1)
    counted.chunk(A, Stretch(rows=3, bytes=100))
    counted.done(A, tally(A, 9, 3))
    assert counts(counted) == (1, 9, 600, 3)
    counted.chunk(A, Stretch(rows=10, bytes=300, rejected=2, chunks=2, second=True))
    assert counts(counted) == (1, 9, 600, 3), "the second passage writes no row again; the accounting comes after it"
    counted.done(A, tally(A, 7, 5))
    assert counts(counted) == (1, 7, 600, 5)


def test_after_a_break_the_ledger_says_where_each_table_stands() -> None:
    counted = Reckoning(clock=lambda: 0.0)
    counted.begin([Coming(name=A), Coming(name=B)])
    counted.table(A, 4, 0)
    counted.chunk(A, Stretch(rows=5, bytes=50))
    counted.bytes(A, 33)
    counted.begin([Coming(name=A), Coming(name=B)])
    assert counts(counted) == (0, 0, 0, 0)
    counted.stands(A, Standing(landed=2, rows=11, bytes=110, rejected=1))
    counted.stands(B, Standing(landed=1, rows=3, bytes=30, rejected=2, done=True))
    counted.table(A, 4, 2)
    assert counts(counted) == (1, 14, 140, 3)
    assert [job.share for job in counted.jobs()] == [0.5], "what passed before the break has gone"


def test_a_table_whose_rows_are_in_and_whose_index_is_built_is_told() -> None:
    now = [0.0]
    counted = Reckoning(clock=lambda: now[0])
    counted.phase(Phase.LOAD)
    counted.begin([Coming(name=A, indexes=1)])
    counted.table(A, 1, 0)
    assert [(job.table, job.building) for job in counted.jobs()] == [("public.a", "")]
    counted.chunk(A, Stretch(rows=5))
    counted.building(A, "a_x")
    now[0] = 2.0
    assert [(job.building, job.seconds) for job in counted.jobs()] == [("a_x", 2.0)]
    assert counted.figures().phase is Phase.BUILD
    counted.built(A, "a_x")
    assert (counted.jobs(), counted.figures().phase) == ([], Phase.LOAD)


def test_speed_is_of_the_last_minute() -> None:
    now = [0.0]
    counted = Reckoning(clock=lambda: now[0])
    counted.begin([Coming(name=A)])
    now[0] = 10.0
    counted.chunk(A, Stretch(rows=1, bytes=1000))
    assert counted.figures().speed == 100.0
    now[0] = 65.0
    counted.chunk(A, Stretch(rows=1, bytes=500))
    assert counted.figures().speed == 25.0
    now[0] = 200.0
    assert counted.figures().speed == 0.0


def test_an_attempt_that_fails_has_sent_nothing() -> None:
    passed: list[int] = []
    nothing = cast("Any", None)
    hands = Hands(
        motion=nothing, moment=nothing, run=1, snapshot="", source=nothing, target=nothing, direct=True,
        on_bytes=passed.append,
    )  # fmt: skip
    hands.count(10)
    with suppress(Interrupted), hands.attempt():
        hands.count(30)
        raise Interrupted
    with hands.attempt():
        hands.count(5)
    assert (hands.sent, sum(passed)) == (15, 15)
    hands.begin()
    assert (hands.sent, sum(passed)) == (0, 0)


# --- the forecast, on runs that are played --------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Played:
    """A table of a run that is played."""

    megabytes: int
    rows: int
    indexes: int = 0
    slow: float = 1.0
    """So many times as long as its bytes and rows say."""
    wire: float = 1.0
    """Bytes of COPY for one of the source's."""
    direct: bool = True
    keys: int = 0

    @property
    def read(self) -> float:
        """Megabytes outside of TOAST: a row has two thousand bytes there, at most."""
        return min(self.megabytes, self.rows * 2e-3)


@dataclass(kw_only=True)
class Play:
    """Two workers, the largest table first, indexes before rows, keys at the end; what is shown each second is kept."""

    tables: list[Played]
    machine: float = 1.0
    """Seconds here for one on the machine that the forecast knows."""
    index: float = 1.0
    start: float = 2.0
    """How much slower the first seconds are."""
    workers: int = 2
    now: float = 0.0
    shown: list[tuple[float, float | None]] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def run(self) -> float:
        """Seconds that it took."""
        self.counted = Reckoning(clock=lambda: self.now)
        self.names = {Name("public", f"t{i}"): t for i, t in enumerate(self.tables)}
        self.counted.phase(Phase.LOAD)
        self.counted.begin([
            Coming(name=n, rows=t.rows, bytes=t.megabytes * MB, indexes=t.indexes, keys=t.keys, direct=t.direct)
            for n, t in self.names.items()
        ])  # fmt: skip
        self.left = {n: max(1, t.megabytes // 8) for n, t in self.names.items()}
        self.open = dict(self.left)
        self.chunks = dict(self.left)
        self.builds: list[tuple[Name, str]] = []
        self.free = self.workers
        self._go()
        self._tick()
        while self._events:
            self.now, _, what = heapq.heappop(self._events)
            what()
        for phase, work in ((Phase.CHECK, self._keys), (Phase.FINISH, self._last)):
            self.counted.phase(phase)
            work()
        return self.now

    def _show(self) -> None:
        self.shown.append((self.now, self.counted.figures().left))

    def _tick(self) -> None:
        self._show()
        if self._events or self.free < self.workers:
            self._at(1.0, self._tick)

    def _at(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._number), what))

    def _go(self) -> None:
        while self.free and (self.builds or any(self.left.values())):
            self.free -= 1
            self.counted.workers(self.workers - self.free, self.workers)
            if self.builds:
                self._build(*self.builds.pop(0))
            else:
                waiting = [n for n in self.names if self.left[n]]
                self._stretch(max(waiting, key=lambda n: self.names[n].megabytes))
        if self.free == self.workers:
            self.counted.workers(0, self.workers)

    def _stretch(self, name: Name) -> None:
        table = self.names[name]
        if self.left[name] == self.chunks[name]:
            self.counted.table(name, self.chunks[name], 0)
        many = min(6, max(1, self.left[name] // 4), self.left[name])
        self.left[name] -= many
        part = many / self.chunks[name]
        seconds = (table.megabytes / 100 + table.rows * 1.5e-6 + 0.01) * part * table.slow * self.machine
        seconds *= self.start if self.now < 5 else 1
        sent = int(table.megabytes * MB * part * table.wire)
        for i in range(10):
            self._at(seconds * i / 10, lambda: self.counted.bytes(name, sent // 10))
        self._at(seconds, lambda: self._landed(name, many, sent, seconds))

    def _landed(self, name: Name, many: int, sent: int, seconds: float) -> None:
        table = self.names[name]
        self.counted.bytes(name, -(sent // 10) * 10)
        self.counted.chunk(name, Stretch(rows=1, bytes=sent, chunks=many, seconds=seconds))
        self.open[name] -= many
        if not self.open[name]:
            self.counted.done(name, tally(name, table.rows))
            self.builds += [(name, f"i{i}") for i in range(table.indexes)]
        self.free += 1
        self._go()

    def _build(self, name: Name, what: str) -> None:
        table = self.names[name]
        self.counted.building(name, what)
        self._at((table.rows * 1e-6 + table.read * 2e-3) * self.index * self.machine, lambda: self._built(name, what))

    def _built(self, name: Name, what: str) -> None:
        self.counted.built(name, what)
        self.free += 1
        self._go()

    def _keys(self) -> None:
        for name, table in self.names.items():
            for i in range(table.keys):
                self.counted.building(name, f"k{i}")
                self._pass((table.rows * 1.1e-6 + table.read * 0.5e-3) * self.machine)
                self.counted.built(name, f"k{i}")

    def _last(self) -> None:
        self._pass(sum(t.rows * 0.1e-6 + t.read * 0.5e-3 for t in self.tables) * self.machine)

    def _pass(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self._show()
            self.now = min(end, self.now + 1)


def shop(scale: int) -> list[Played]:
    """Wide, narrow, with TOAST, with many indexes, and a tail of small ones."""
    return [
        Played(megabytes=400 * scale, rows=4_000_000 * scale, indexes=3, keys=2),
        Played(megabytes=900 * scale, rows=300_000 * scale, indexes=1, wire=2.5),
        Played(megabytes=300 * scale, rows=1_000_000 * scale, indexes=2, wire=1.3, keys=1),
        Played(megabytes=120 * scale, rows=2_500_000 * scale, indexes=1),
        *[Played(megabytes=3, rows=20_000, indexes=1) for _ in range(60)],
    ]


RUNS: dict[str, Play] = {
    "mixed": Play(tables=shop(10)),
    "mixed, on a machine half as fast": Play(tables=shop(6), machine=2.0),
    "mixed, on a machine twice as fast": Play(tables=shop(20), machine=0.5),
    "indexes slower than thought": Play(tables=shop(9), index=1.5),
    "indexes faster than thought": Play(tables=shop(12), index=0.65),
    "a very slow start": Play(tables=shop(10), start=6.0),
    "one table": Play(tables=[Played(megabytes=20_000, rows=40_000_000, indexes=2)]),
    "one table that goes by a merge among others": Play(
        tables=[*shop(7), Played(megabytes=800, rows=3_000_000, slow=2.2, direct=False)]
    ),
    "many small ones": Play(tables=[Played(megabytes=30, rows=300_000, indexes=1) for _ in range(500)]),
    "four workers": Play(tables=shop(20), workers=4),
    "lookups make the second largest slow": Play(
        tables=[*shop(8)[1:], Played(megabytes=2500, rows=9_000_000, slow=1.6, indexes=1)]
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_after_a_fifth_of_the_time_the_forecast_is_within_thirty_percent(name: str) -> None:
    play = RUNS[name]
    end = play.run()
    assert 100 < end < 900, "a run of minutes"
    for part, most in ((0.2, 0.30), (0.5, 0.30), (0.8, 0.35)):
        at, left = min((s for s in play.shown if s[1] is not None), key=lambda s: abs(s[0] - part * end))
        assert at == pytest.approx(part * end, abs=0.02 * end), "it is shown by then"
        assert left == pytest.approx(end - at, rel=most), f"at {at:.0f} of {end:.0f} s"
    assert all(left is None for at, left in play.shown if at < 4)


def test_nothing_is_said_before_there_is_something_to_go_by() -> None:
    """Two large tables, and an hour of indexes of which none was seen."""
    play = Play(tables=[Played(megabytes=500, rows=400_000_000, indexes=9)] * 2, machine=0.1)
    play.run()
    assert play.shown[0][1] is None
    first = next(at for at, left in play.shown if left is not None)
    assert first > 4


PLAYED = st.builds(
    Played, megabytes=st.integers(0, 400), rows=st.integers(0, 3_000_000), indexes=st.integers(0, 3),
    slow=st.floats(0.2, 5), wire=st.floats(0.05, 20), direct=st.booleans(), keys=st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(tables=st.lists(PLAYED, min_size=1, max_size=6), machine=st.floats(0.05, 20), workers=st.integers(1, 5))
def test_whatever_runs_the_forecast_is_a_time(tables: list[Played], machine: float, workers: int) -> None:
    play = Play(tables=tables, machine=machine, workers=workers)
    end = play.run()
    assert all(left is None or 0 <= left < 1000 * (end + 60) for _, left in play.shown)
    assert play.counted.figures().tables == len(tables)


# --- eighty columns -------------------------------------------------------------------------------

NAMES = {
    "plain": "public.clients",
    "long": "a_schema_with_a_name_of_sixty_three_characters_in_all_so_it_is_." + "x" * 63,
    "Cyrillic": "салон.записи_клиентов_за_все_годы_работы_салона_красоты_на_невском",
    "wide": "店舗.予約台帳予約台帳予約台帳予約台帳予約台帳予約台帳",
    "control characters": "public.a\x1b[2Jb\nc",
    "markup": "public.[red]x[/red]",
}
HUGE = Figures(
    phase=Phase.REFERENCES, tables=1_998, of=2_000, rows=123_456_789_012, bytes=999_900_000_000_000, rejected=12_345_678_901,
    speed=999.9e6, busy=16, workers=16, elapsed=90_000.0, left=3_600_000.0,
)  # fmt: skip


def drawn(shown: Bars, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(shown)
    return str(cast("io.StringIO", console.file).getvalue()).splitlines()


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_line_is_wider_than_the_terminal(width: int, name: str) -> None:
    schema, _, relation = name.partition(".")
    table = Name(schema, relation)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    bars = Bars(console, clock=lambda: 0.0)
    bars.phase(Phase.LOAD)
    bars.begin([Coming(name=table, rows=10**10, bytes=10**13, indexes=1), Coming(name=A)])
    bars.workers(2, 2)
    bars.table(table, 1000, 10)
    bars.chunk(table, Stretch(rows=123_456_789_012, bytes=10**12, rejected=1_234_567_890, chunks=5, seconds=9.0))
    bars.building(table, "i" * 63)
    lines = drawn(bars, width)
    heads = 1 + len(packed(parts(bars.reckoning.figures()), width - 2, between=" · ", indent=""))
    assert len(lines) == heads + 2, lines
    bars.done(table, tally(table, 123_456_789_012, 1_234_567_890))
    told_above = str(cast("io.StringIO", console.file).getvalue()).splitlines()
    for line in [*lines, *told_above]:
        assert cell_len(line) <= width, line
        assert "\x1b[2J" not in line
    if width >= 80 and cell_len(name) < 22 and name.isprintable():
        assert any(relation in line for line in lines)


@pytest.mark.parametrize("width", [60, 80])
def test_the_largest_figures_fit(width: int) -> None:
    for line in packed(parts(HUGE), width):
        assert cell_len(line) <= width
    jobs = [Job(table=name, building="b" * 63) for name in NAMES.values()]
    assert all(cell_len(line) <= 80 for line in figure_lines(HUGE, jobs))
    for name in NAMES.values():
        lines = told(Name(*name.split(".", 1)), tally(A, 10**14, 10**12), width)
        assert all(cell_len(line) <= width for line in lines), lines


def test_of_two_thousand_tables_only_those_at_work_have_a_line() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    bars = Bars(console, clock=lambda: 0.0)
    names = [Name("public", f"t{i}") for i in range(2000)]
    bars.begin([Coming(name=name) for name in names])
    for name in names[:12]:
        bars.table(name, 4, 0)
    lines = drawn(bars, 80)
    assert len(lines) == 2 + 8 + 1
    assert "0/2,000 tables" in lines[1]
    assert lines[-1].strip() == "and 4 more"


@pytest.mark.parametrize(("text", "width", "shown"), [
    ("abcdefghij", 10, "abcdefghij"), ("abcdefghij", 7, "abc…hij"), ("ж" * 9, 4, "жж…ж"), ("予約台帳", 5, "予…帳"), ("abc", 1, "…"),
])  # fmt: skip
def test_a_name_that_is_too_wide_loses_its_middle(text: str, width: int, shown: str) -> None:
    assert fitted(text, width) == shown
    assert cell_len(fitted(text, width)) <= width


def test_an_accounting_that_has_not_changed_is_not_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(clock=lambda: 0.0)
    for each in (tally(A, 5), tally(A, 5), tally(A, 4, 1)):
        lines.done(A, each)
    assert capsys.readouterr().err.splitlines() == [
        "public.a: 5 rows, 5 loaded", "public.a: 5 rows, 4 loaded, 1 quarantined",
    ]  # fmt: skip
