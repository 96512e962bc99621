"""Progress of a long run on stderr: bars on a terminal, else a line now and then.

`watch` gives the observer that fits. Rows and bytes are those that passed; what is still to come is
the catalog's estimate and is said to be one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from crosswalk.cli import voice
from crosswalk.cli.tables import shown
from crosswalk.ledger import Tally
from crosswalk.names import Name
from crosswalk.numerals import plural
from crosswalk.progress import Observer

LINE_SECONDS: Final = 10.0
REJECTED: Final = "rejected"


@dataclass(slots=True)
class _Count:
    """How far a table is."""

    estimate: int = 0
    rows: int = 0
    bytes: int = 0
    rejected: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def speed(self) -> float:
        """Bytes a second."""
        return self.bytes / max(time.monotonic() - self.began, 0.001)

    @property
    def left(self) -> float | None:
        """Seconds, by the estimate."""
        if not self.rows or self.estimate <= self.rows:
            return None
        return (self.estimate - self.rows) * (time.monotonic() - self.began) / self.rows


def size(count: float) -> str:
    """Bytes for people: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for people: `2:05`, `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _outcome(tally: Tally) -> str:
    parts = [(tally.merged, "merged"), (tally.quarantined, "quarantined"), (tally.filtered, "filtered")]
    said = [plural(tally.extracted, 'row'), f"{tally.loaded:,} loaded", *(f"{n:,} {word}" for n, word in parts if n)]
    return ", ".join(said)


class Lines:
    """A line every ten seconds, and one at each table's end."""

    def __init__(self, word: str = REJECTED) -> None:
        self._word = word
        self._counts: dict[Name, _Count] = {}
        self._told = time.monotonic()

    def note(self, text: str) -> None:
        voice.note(text)

    def begin(self, tables: list[tuple[Name, int, int]]) -> None:
        self._counts = {name: _Count(estimate=rows) for name, rows, _ in tables}
        voice.note(f"{plural(len(tables), 'table')}, about {plural(sum(rows for _, rows, _ in tables), 'row')}")

    def table(self, name: Name, chunks: int, landed: int) -> None:
        self._counts[name] = _Count(estimate=self._count(name).estimate)
        if landed:
            voice.note(f"{name}: {landed} of {chunks} chunks have landed before")

    def bytes(self, name: Name, count: int) -> None:
        self._count(name).bytes += count
        self._now_and_then(name)

    def chunk(self, name: Name, rows: int, rejected: int) -> None:
        count = self._count(name)
        count.rows += rows
        count.rejected += rejected
        self._now_and_then(name)

    def done(self, name: Name, tally: Tally) -> None:
        voice.note(f"{name}: {_outcome(tally)}")

    def _count(self, name: Name) -> _Count:
        return self._counts.setdefault(name, _Count())

    def _now_and_then(self, name: Name) -> None:
        if time.monotonic() - self._told < LINE_SECONDS:
            return
        self._told = time.monotonic()
        count = self._count(name)
        parts = [f"{count.rows:,} of about {max(count.estimate, count.rows):,} rows", f"{size(count.speed)}/s"]
        if count.rejected:
            parts.append(f"{count.rejected:,} {self._word}")
        if count.left is not None:
            parts.append(f"about {duration(count.left)} left")
        voice.note(f"{name}: {', '.join(parts)}")


class _Figures(ProgressColumn):
    """Rows, bytes, speed and what was rejected."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def render(self, task: Task) -> Text:
        rows, total = int(task.fields.get("rows") or 0), int(task.fields.get("estimate") or 0)
        text = Text(f"{rows:,}" + (f"/~{total:,}" if total > rows else ""), style="cyan")
        if task.fields.get("speed"):
            text.append(f"  {size(task.fields['bytes'])}, {size(task.fields['speed'])}/s", style="dim")
        if task.fields.get("rejected"):
            text.append(f"  {task.fields['rejected']:,} {self._word}", style="yellow")
        return text


class Bars:
    """A bar for each table and one for the whole."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._counts: dict[Name, _Count] = {}
        self._tasks: dict[Name, TaskID] = {}
        self._whole: TaskID | None = None

    def note(self, text: str) -> None:
        self._progress.console.print(Text(voice.clean(text), style="yellow"))

    def begin(self, tables: list[tuple[Name, int, int]]) -> None:
        self._counts = {name: _Count(estimate=rows) for name, rows, _ in tables}
        total = sum(rows for _, rows, _ in tables)
        self._whole = self._progress.add_task("all tables", total=max(total, 1), estimate=total)

    def table(self, name: Name, chunks: int, landed: int) -> None:
        self._counts[name] = count = _Count(estimate=self._count(name).estimate)
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(
                shown(str(name)), total=count.estimate or None, estimate=count.estimate
            )

    def bytes(self, name: Name, count: int) -> None:
        self._count(name).bytes += count
        self._show(name)

    def chunk(self, name: Name, rows: int, rejected: int) -> None:
        count = self._count(name)
        count.rows += rows
        count.rejected += rejected
        if self._whole is not None:
            self._progress.update(self._whole, advance=rows, rows=sum(c.rows for c in self._counts.values()))
        self._show(name)

    def done(self, name: Name, tally: Tally) -> None:
        self._count(name).estimate = tally.loaded
        if self._whole is not None:
            total = sum(c.estimate for c in self._counts.values())
            self._progress.update(self._whole, total=max(total, 1), estimate=total)
        if name in self._tasks:
            self._progress.update(
                self._tasks[name], completed=1, total=1, rows=tally.loaded, estimate=0, rejected=tally.quarantined
            )

    def _count(self, name: Name) -> _Count:
        return self._counts.setdefault(name, _Count())

    def _show(self, name: Name) -> None:
        count = self._count(name)
        if name in self._tasks:
            self._progress.update(
                self._tasks[name], completed=count.rows, total=max(count.estimate, count.rows, 1), rows=count.rows,
                speed=count.speed, bytes=count.bytes, rejected=count.rejected,
            )


@contextmanager
def watch(word: str = REJECTED) -> Iterator[Observer]:
    """The observer for this stderr; `word` is said of the rows that a chunk counts apart."""
    console = voice.err()
    if not console.is_terminal:
        yield Lines(word)
        return
    name = Column(ratio=3, no_wrap=True, overflow="ellipsis", min_width=12)
    with Progress(
        TextColumn("{task.description}", markup=False, table_column=name), BarColumn(bar_width=8),
        _Figures(word), TimeRemainingColumn(compact=True), console=console,
        expand=True,
    ) as progress:
        yield Bars(progress)
