"""Ctrl-C during a long run: the first asks it to stop at the next chunk's edge, the second stops it at once.

SIGTERM is taken like the second. What was committed stays, and the ledger knows it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from crosswalk.cli import voice
from crosswalk.errors import CrosswalkError, Interrupted, Stopped

_Result = TypeVar("_Result")
Stop = Callable[[], bool]


class _Presses:
    """How the user's patience stands."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.asked = False
        self.at_once = False

    def press(self) -> None:
        if self.asked:
            self.end()
            return
        self.asked = True
        voice.note("stopping at the next chunk's edge; press again to stop at once", style="yellow")

    def end(self) -> None:
        """At once; a further Ctrl-C finds Python's own handler."""
        self.asked = self.at_once = True
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        self.task.cancel()


async def stoppable(work: Callable[[Stop], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run `work` with a callable that says whether to stop; raises Interrupted where it was cancelled."""
    loop = asyncio.get_running_loop()
    presses: list[_Presses] = []
    task = loop.create_task(work(lambda: bool(presses) and presses[0].asked))
    presses.append(_Presses(task))
    loop.add_signal_handler(signal.SIGINT, presses[0].press)
    loop.add_signal_handler(signal.SIGTERM, presses[0].end)
    try:
        return await task
    except (asyncio.CancelledError, CrosswalkError) as error:
        if presses[0].at_once:
            raise Interrupted() from error
        raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
        if presses[0].asked:  # a press that comes now has nothing left to stop, and would cut off the last word
            signal.signal(signal.SIGINT, signal.SIG_IGN)


async def endable(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run work that SIGTERM ends as tidily as Ctrl-C does; raises Stopped."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, task.cancel)
    try:
        return await task
    except asyncio.CancelledError as error:
        raise Stopped() from error
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
