"""Progress of a long run on stderr: a few lines that are drawn again on a terminal, else a line now and then.

`watch` gives the observer that fits. Tables, rows, bytes and rejected ones are what is committed: the ledger has the same,
and `crosswalk status` says it in the same words. No line is wider than the terminal; a name that is too long loses its
middle.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from crosswalk.cli import voice
from crosswalk.cli.tables import shown
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.progress import Coming, Observer, Phase, Standing, Stretch
from crosswalk.reckoning import Figures, Job, Reckoning

LINE_SECONDS: Final = 10.0
JOBS: Final = 8
"""Lines of what is being done now, at most."""
WIDTH: Final = 80
"""Of a line where no terminal says how wide it is."""
REJECTED: Final = "rejected"
_TICK: Final = 1.0
_SECONDS: Final = 0.5


# --- words ----------------------------------------------------------------------------------------


def size(count: float) -> str:
    """Bytes for people: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for people: `2:05`, `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def parts(figures: Figures, word: str = REJECTED) -> list[str]:
    """The figures in words, in the order in which they are said; none of them is wider than 40 columns."""
    of = f"/{figures.of:,}" if figures.of > figures.tables else ""
    said = [f"{figures.tables:,}{of} table{'s' if figures.of != 1 else ''}", plural(figures.rows, "row")]
    if figures.bytes:
        said.append(size(figures.bytes))
    if figures.speed:
        said.append(f"{size(figures.speed)}/s")
    if figures.workers:
        said.append(f"{figures.busy if figures.busy is not None else '?'}/{plural(figures.workers, 'worker')}")
    if figures.rejected:
        said.append(f"{figures.rejected:,} {word}")
    return said


def time_left(figures: Figures) -> str:
    """`about 2:05 left`, or nothing where it cannot be said."""
    return "" if figures.left is None else f"about {duration(figures.left)} left"


def packed(said: Iterable[str], width: int, *, between: str = ", ", indent: str = "  ") -> list[str]:
    """Lines of these parts, none wider than that; those after the first are indented."""
    lines: list[str] = []
    for part in said:
        if lines and cell_len(lines[-1]) + cell_len(between) + cell_len(part) <= width:
            lines[-1] += between + part
        else:
            lines.append((indent if lines else "") + part)
    return lines


def fitted(text: str, width: int) -> str:
    """Text that is too wide loses its middle: the ends of names are what tells them apart."""
    if cell_len(text) <= width:
        return text
    if width < 3:
        return "…"[: max(width, 0)]
    half = (width - 1) // 2
    return _until(text, width - 1 - half) + "…" + _until(text[::-1], half)[::-1]


def _until(text: str, width: int) -> str:
    taken = 0
    for place, sign in enumerate(text):
        taken += cell_len(sign)
        if taken > width:
            return text[:place]
    return text


def told(name: Name, tally: Tally, width: int) -> list[str]:
    """What became of a table's rows, in lines that fit."""
    more = [(tally.merged, "merged"), (tally.quarantined, "quarantined"), (tally.filtered, "filtered")]
    said = [plural(tally.extracted, "row"), f"{tally.loaded:,} loaded", *(f"{n:,} {word}" for n, word in more if n)]
    line = ", ".join(said)
    room = width - cell_len(line) - 2
    if room >= 24 or room >= cell_len(shown(str(name))):
        return [f"{fitted(shown(str(name)), room)}: {line}"]
    return [f"{fitted(shown(str(name)), width - 1)}:", *("  " + each for each in packed(said, width - 2, indent=""))]


# --- both forms -----------------------------------------------------------------------------------


class _Counted(ABC):
    """Hands everything on to a reckoning, one call at a time, for another thread draws; says what is worth a line of its own."""

    def __init__(self, word: str = REJECTED, clock: Callable[[], float] = time.monotonic) -> None:
        self.word = word
        self.clock = clock
        self.lock = threading.RLock()
        self.reckoning = Reckoning(clock=clock)
        self._last: dict[Name, Tally] = {}

    @abstractmethod
    def say(self, lines: Sequence[str]) -> None:
        """Lines that stay; none is wider than `width`."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns."""

    def begin(self, tables: Sequence[Coming]) -> None:
        with self.lock:
            self.reckoning.begin(tables)
        rows = sum(max(t.rows, 0) for t in tables)
        self.say([plural(len(tables), "table") + (f", about {plural(rows, 'row')}" if rows else "")])

    def phase(self, phase: Phase) -> None:
        with self.lock:
            self.reckoning.phase(phase)

    def workers(self, busy: int, of: int) -> None:
        with self.lock:
            self.reckoning.workers(busy, of)

    def table(self, name: Name, chunks: int, landed: int) -> None:
        with self.lock:
            self.reckoning.table(name, chunks, landed)
        if landed:
            said = f"{landed:,} of {plural(chunks, 'chunk')} landed before"
            self.say([f"{fitted(shown(str(name)), self.width - len(said) - 2)}: {said}"])

    def stands(self, name: Name, standing: Standing) -> None:
        with self.lock:
            self.reckoning.stands(name, standing)

    def bytes(self, name: Name, count: int) -> None:
        with self.lock:
            self.reckoning.bytes(name, count)

    def chunk(self, name: Name, stretch: Stretch) -> None:
        with self.lock:
            self.reckoning.chunk(name, stretch)

    def building(self, name: Name, what: str) -> None:
        with self.lock:
            self.reckoning.building(name, what)

    def built(self, name: Name, what: str) -> None:
        with self.lock:
            self.reckoning.built(name, what)

    def done(self, name: Name, tally: Tally) -> None:
        with self.lock:
            self.reckoning.done(name, tally)
        if self._last.get(name) != tally:
            self._last[name] = tally
            self.say(told(name, tally, self.width))


# --- no terminal ----------------------------------------------------------------------------------


class Lines(_Counted):
    """A line every ten seconds, and one at each table's end."""

    def __init__(self, word: str = REJECTED, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(word, clock)
        self._said = clock()

    @property
    def width(self) -> int:
        return WIDTH

    def note(self, text: str) -> None:
        voice.note(text)

    def say(self, lines: Sequence[str]) -> None:
        for line in lines:
            voice.note(line)

    def tick(self) -> None:
        """Now and then: the figures."""
        with self.lock:
            if self.clock() - self._said < LINE_SECONDS:
                return
            self._said = self.clock()
            figures = self.reckoning.figures()
            jobs = self.reckoning.jobs()
        self.say(figure_lines(figures, jobs, self.word))


def figure_lines(figures: Figures, jobs: Sequence[Job], word: str = REJECTED) -> list[str]:
    """The figures of the moment, and what is built."""
    head = figures.phase.value if figures.phase else "under way"
    left = time_left(figures)
    said = parts(figures, word)
    lines = packed([f"{head}: {said[0]}", *said[1:], *([left] if left else [])], WIDTH)
    builds = [job for job in jobs if job.building]
    return lines + [f"  {fitted(f'building {shown(b.building)} of {shown(b.table)}', WIDTH - 2)}" for b in builds[:JOBS]]


# --- a terminal -----------------------------------------------------------------------------------


class Bars(_Counted):
    """The whole in two or three lines, and a line for each thing that is being done; what is done scrolls by above."""

    def __init__(
        self, console: Console, word: str = REJECTED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(word, clock)
        self._console = console

    @property
    def width(self) -> int:
        return self._console.width

    def note(self, text: str) -> None:
        self._console.print(Text(voice.clean(text), style="yellow"))

    def say(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._console.print(Text(line, style="dim"), no_wrap=True, crop=True)

    def __rich__(self) -> RenderableType:
        with self.lock:
            figures, jobs = self.reckoning.figures(), self.reckoning.jobs()
        return Group(*self._whole(figures), *self._jobs(jobs))

    def _whole(self, figures: Figures) -> Iterator[RenderableType]:
        if figures.phase is None and not figures.of:
            return
        spent = "" if figures.elapsed is None else duration(figures.elapsed)
        said = ", ".join(each for each in (spent, time_left(figures)) if each)
        head = figures.phase.value if figures.phase else "under way"
        yield self._row(head, figures.share, said, style="bold")
        for line in packed(parts(figures, self.word), self.width - 2, between=" · ", indent=""):
            yield Text("  " + line, style="cyan", no_wrap=True)

    def _jobs(self, jobs: Sequence[Job]) -> Iterator[RenderableType]:
        for job in jobs[:JOBS]:
            yield self._row(_name(job), job.share, _said(job))
        if len(jobs) > JOBS:
            yield Text(f"  and {len(jobs) - JOBS} more", style="dim", no_wrap=True)

    def _row(self, name: str, share: float | None, said: str, *, style: str = "") -> Grid:
        """A name, a bar, and what is said of it: three columns of a fixed width."""
        room = self.width
        right = min(28, room // 2)
        bar = 10 if room >= 60 else 6
        left = max(room - right - bar - 2, 4)
        made = Grid.grid(padding=(0, 1, 0, 0), pad_edge=False)
        for width in (left, bar, right):
            made.add_column(width=width, no_wrap=True, overflow="ellipsis")
        gauge: RenderableType = "" if share is None else ProgressBar(total=1.0, completed=share, width=bar)
        made.add_row(Text(fitted(name, left), style=style), gauge, Text(fitted(said, right), style="dim"))
        return made


def _name(job: Job) -> str:
    return "  " + (f"{shown(job.building)} of {shown(job.table)}" if job.building else shown(job.table))


def _said(job: Job) -> str:
    if job.building:
        return f"building, {duration(job.seconds)}"
    return ", ".join([plural(job.rows, "row"), *([size(job.bytes)] if job.bytes else [])])


@contextmanager
def watch(word: str = REJECTED) -> Iterator[Observer]:
    """The observer for this stderr; `word` is said of the rows that a chunk counts apart."""
    console = voice.err()
    if console.is_terminal:
        bars = Bars(console, word)
        with Live(bars, console=console, refresh_per_second=1 / _SECONDS, transient=True):
            yield bars
        return
    lines = Lines(word)
    with _ticking(lines.tick):
        yield lines


@contextmanager
def _ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Call something every second, also while nothing happens."""
    over = threading.Event()

    def go() -> None:
        while not over.wait(_TICK):
            tick()

    thread = threading.Thread(target=go, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
