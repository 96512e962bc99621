"""Writes the log that `crosswalk shadow report` reads: one JSON object a line, never a value of a row.

The format is `crosswalk.shadowlog`. Of each kind of difference of a method some are written in full, the rest is counted
and told with the tallies. Keys are hashed under a secret that stands nowhere: equal keys can be told within one run, and
guessing them takes the secret. A log that cannot be written costs no call: it is said once, and what is lost is never
an equal answer too many.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crosswalk import shadowlog
from crosswalk.data.modes.canonical import Form
from crosswalk.data.modes.compare import Difference

_log = logging.getLogger("crosswalk.data")


@dataclass(slots=True)
class _Tally:
    """What is told at the next turn, of one method."""

    since: str
    equal: int = 0
    again: int = 0
    different: int = 0
    sampled: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    ignored: dict[str, str] = field(default_factory=dict)


class ShadowLog:
    """One file, to which several processes may append."""

    def __init__(
        self,
        path: Path,
        *,
        sample: int = 10,
        every: float = 10.0,
        secret: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sample` differences of each kind and method in full between two tallies, which come `every` so many seconds."""
        self._sample, self._every, self._clock = sample, every, clock
        self._secret = secret or secrets.token_bytes(32)
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._turn = clock()
        self._lock = threading.Lock()
        self._lost: set[tuple[str, str]] = set()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def equal(self, repository: str, method: str, ignored: Mapping[str, str]) -> None:
        with self._lock:
            tally = self._tally(repository, method)
            tally.equal += 1
            tally.ignored.update(ignored)
            self._maybe_flush()

    def again(self, repository: str, method: str) -> None:
        """It differed, and when both sides were asked once more it did not."""
        with self._lock:
            self._tally(repository, method).again += 1
            self._maybe_flush()

    def skipped(self, repository: str, method: str, why: str) -> None:
        with self._lock:
            self._tally(repository, method).skipped[why] += 1
            self._maybe_flush()

    def mismatch(
        self, repository: str, method: str, primary: str, found: Difference, ignored: Mapping[str, str]
    ) -> None:
        with self._lock:
            tally = self._tally(repository, method)
            tally.ignored.update(ignored)
            tally.sampled[found.kind] += 1
            if tally.sampled[found.kind] > self._sample:
                tally.different += 1
                tally.kinds[found.kind] += 1
                tally.columns.update(found.columns)
                tally.errors.update(filter(None, found.errors))
            else:
                self._write(
                    "mismatch", repository=repository, method=method, primary=primary, kind=found.kind,
                    columns=list(found.columns), counts=dict(found.counts), keys=[self.hashed(k) for k in found.keys],
                    errors=list(found.errors),
                )  # fmt: skip
            self._maybe_flush()

    def failed(self, repository: str, method: str, error: BaseException) -> None:
        with self._lock:
            self._write("failed", repository=repository, method=method, error=type(error).__name__)

    def missed(self, repository: str, method: str, *, entry: str, rows: int, error: str) -> None:
        with self._lock:
            self._write("missed", repository=repository, method=method, id=entry, rows=rows, error=error)

    def replayed(self, repository: str, method: str, *, entry: str, rows: int) -> None:
        with self._lock:
            self._write("replayed", repository=repository, method=method, id=entry, rows=rows)

    def call(self, repository: str, method: str, side: str, *, seconds: float, error: str, rows: int | None) -> None:
        with self._lock:
            self._write(
                "call", repository=repository, method=method, side=side, ms=round(seconds * 1000, 3), error=error, rows=rows
            )

    def hashed(self, key: Form) -> str:
        """Without the secret nobody can try which key it is."""
        return hashlib.blake2b(repr(key).encode(), key=self._secret, digest_size=8).hexdigest()

    def flush(self) -> None:
        """Tell what has been counted."""
        with self._lock:
            self._flush()

    def close(self) -> None:
        self.flush()
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _tally(self, repository: str, method: str) -> _Tally:
        return self._tallies.setdefault((repository, method), _Tally(since=_now()))

    def _maybe_flush(self) -> None:
        if self._clock() - self._turn >= self._every:
            self._flush()

    def _flush(self) -> None:
        self._turn = self._clock()
        for (repository, method), tally in self._tallies.items():
            self._write(
                "tally", since=tally.since, repository=repository, method=method, equal=tally.equal,
                different=tally.different, again=tally.again, failed=0, skipped=dict(tally.skipped),
                kinds=dict(tally.kinds), columns=dict(tally.columns), errors=dict(tally.errors), ignored=tally.ignored,
            )  # fmt: skip
        self._tallies.clear()

    def _write(self, event: str, **fields: Any) -> None:
        """One line; what could not be written before is told as failed first, so that its loss is no pass."""
        for repository, method in sorted(self._lost):
            told = {"repository": repository, "method": method, "error": "LogLost"}
            if not self._append("\n" + shadowlog.line("failed", at=_now(), **told)):
                break
            self._lost.discard((repository, method))
        if self._lost or not self._append(shadowlog.line(event, at=_now(), **fields)):
            self._lost.add((fields["repository"], fields["method"]))

    def _append(self, text: str) -> bool:
        """One write(2), so that a line is appended whole, also beside other processes."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self._file >= 0 and os.write(self._file, data) == len(data):
                return True
            said = "only a part of a line was written" if self._file >= 0 else "it is closed"
        except OSError as error:
            said = error.strerror or "error"
        if not self._lost:
            _log.error("the log of comparisons cannot be written: %s", said)
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
