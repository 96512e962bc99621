"""Asks the other side beside the answer, compares, and counts. Nobody who called waits for any of it.

A comparison is a task of its own: few run at the same time, few may wait, each has a time-out, and only a share of the
calls is taken. What is not compared is counted as skipped, with the reason; an exception inside a comparison is counted
as failed. Neither is ever counted as equal. `settled` waits for all that is under way, `close` does so for a while.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from crosswalk.data.modes.canonical import kept
from crosswalk.data.modes.compare import Difference, Outcome, Rules, compare
from crosswalk.data.modes.flags import Flags, Route, Side
from crosswalk.data.modes.log import ShadowLog
from crosswalk.data.modes.metrics import Metrics

Call = Callable[[], Awaitable[Any]]
_log = logging.getLogger("crosswalk.data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked: of a repository's method, or (`repository` empty) of a function."""

    repository: str
    method: str
    route: Route
    rules: Rules


class Calls:
    """Runs one call of one side, and counts it."""

    def __init__(self, metrics: Metrics, log: ShadowLog | None) -> None:
        self.metrics, self.log = metrics, log

    async def run(self, repository: str, method: str, side: Side, call: Call, *, logged: bool = False) -> Any:
        """What the call returns or raises."""
        begun, error, value = time.perf_counter(), None, None
        try:
            value = await call()
            return value
        except BaseException as raised:
            error = raised
            raise
        finally:
            self.tell(repository, method, side, time.perf_counter() - begun, error, value, logged=logged)

    def tell(
        self, repository: str, method: str, side: Side, seconds: float, error: BaseException | None, value: Any, *, logged: bool
    ) -> None:
        self.metrics.called(repository, method, side, seconds, error)
        if logged and self.log is not None:
            rows = len(value) if isinstance(value, list | tuple) else None
            self.log.call(repository, method, side, seconds=seconds, error=type(error).__name__ if error else "", rows=rows)


class Beside:
    """The comparisons of one application, in one event loop."""

    def __init__(self, calls: Calls, *, chance: Callable[[], float] = random.random) -> None:
        self.calls, self._chance = calls, chance
        self._metrics, self._log = calls.metrics, calls.log
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[int, asyncio.Semaphore] = {}
        """By their number, which the flags may change."""
        self._closed = False

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    def wanted(self, question: Question, flags: Flags) -> bool:
        """Whether this call is compared; counted as skipped where it is not."""
        if self._closed:
            why = "closed"
        elif flags.shadow.sample < 1 and self._chance() >= flags.shadow.sample:
            why = "sampled out"
        elif len(self._tasks) >= flags.shadow.waiting:
            why = "overflow"
        else:
            return True
        self.skip(question, why)
        return False

    def ask(self, question: Question, flags: Flags, mine: Outcome | None, primary: Call, secondary: Call) -> None:
        """Begin a comparison with what the primary gave (None: it is asked again, beside); returns at once.

        The other side runs in the caller's context, so that who asks (a role, a tenant) is the same.
        """
        try:
            before = mine and Outcome(value=kept(mine.value), error=mine.error)
        except Exception as error:  # noqa: BLE001 - the caller has an answer, and gets it
            self.fail(question, error)
            return
        work = self._compared(question, flags, before, primary, secondary)
        task = asyncio.get_running_loop().create_task(work, context=contextvars.copy_context())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(question, done))

    def skip(self, question: Question, why: str) -> None:
        self._metrics.skipped.labels(question.repository, question.method, why).inc()
        if self._log is not None:
            self._log.skipped(question.repository, question.method, why)

    def _ended(self, question: Question, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self.skip(question, "closed")

    async def settled(self) -> None:
        """Wait until every comparison that was begun has been counted."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, seconds: float = 10.0) -> None:
        """No more comparisons; those under way get some time, and what is left then is counted as skipped."""
        self._closed = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
        await self.settled()

    # --- one comparison -------------------------------------------------------------------------

    async def _compared(
        self, question: Question, flags: Flags, mine: Outcome | None, primary: Call, secondary: Call
    ) -> None:
        try:
            async with self._places.setdefault(flags.shadow.at_once, asyncio.Semaphore(flags.shadow.at_once)):
                mine = mine or await self._outcome(question, flags, question.route.primary, primary)
                theirs = await self._outcome(question, flags, question.route.secondary, secondary)
                found = compare(mine, theirs, question.rules)
                if found is not None and flags.shadow.again:
                    await asyncio.sleep(flags.shadow.again)
                    mine = await self._outcome(question, flags, question.route.primary, primary)
                    theirs = await self._outcome(question, flags, question.route.secondary, secondary)
                    if compare(mine, theirs, question.rules) is None:
                        self._once_more(question)
                        return
            self._count(question, found)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing has been proven
            self.fail(question, error)

    async def _outcome(self, question: Question, flags: Flags, side: Side, call: Call) -> Outcome:
        run = self.calls.run(question.repository, question.method, side, call, logged=flags.log_calls)
        try:
            async with asyncio.timeout(flags.shadow.timeout):
                return Outcome(value=await run)
        except Exception as error:  # noqa: BLE001 - an error is what is compared
            return Outcome(error=error)

    def _once_more(self, question: Question) -> None:
        self._metrics.compared.labels(question.repository, question.method, "again").inc()
        if self._log is not None:
            self._log.again(question.repository, question.method)

    def _count(self, question: Question, found: Difference | None) -> None:
        name = (question.repository, question.method)
        self._metrics.compared.labels(*name, "equal" if found is None else "different").inc()
        if found is not None:
            self._metrics.mismatches.labels(*name, found.kind).inc()
        if self._log is None:
            return
        if found is None:
            self._log.equal(*name, question.rules.absent)
        else:
            self._log.mismatch(*name, question.route.primary, found, question.rules.absent)

    def judge(self, question: Question, mine: Outcome, theirs: Outcome) -> None:
        """Compare two answers that are both there, and count it."""
        try:
            self._count(question, compare(mine, theirs, question.rules))
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing has been proven
            self.fail(question, error)

    def fail(self, question: Question, error: BaseException) -> None:
        """Count a comparison that could not be made."""
        self._metrics.compared.labels(question.repository, question.method, "failed").inc()
        _log.error("a comparison of %s.%s failed: %s", question.repository, question.method, type(error).__name__)
        if self._log is not None:
            self._log.failed(question.repository, question.method, error)
