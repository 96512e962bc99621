"""How many chunks a worker takes, and which job gets the next free pair of sessions."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.copy import Pace
from crosswalk.copy.chunks import selection
from crosswalk.crew import Crew, Pair
from crosswalk.express import Selection
from crosswalk.ledger import Chunk


def _pages(count: int) -> list[Chunk]:
    return [Chunk(number=i, pages=(i * 10, (i + 1) * 10 if i < count - 1 else None)) for i in range(count)]


@given(numbers=st.sets(st.integers(0, 60), min_size=1), workers=st.integers(1, 5), seconds=st.lists(st.floats(0, 20)))
def test_every_chunk_is_taken_once_and_only_neighbours_together(
    numbers: set[int], workers: int, seconds: list[float]
) -> None:
    pace = Pace(waiting=[Chunk(number=n) for n in sorted(numbers)], workers=workers)
    taken: list[int] = []
    took = iter(seconds)
    while chunks := pace.take():
        found = [c.number for c in chunks]
        assert found == list(range(found[0], found[0] + len(found)))
        taken += found
        pace.took(len(chunks), time.monotonic() - next(took, 1.0))
    assert taken == sorted(numbers)


def test_quick_chunks_are_taken_by_the_dozen_and_slow_ones_singly() -> None:
    pace = Pace(waiting=_pages(1000), workers=1)
    for _ in range(5):
        pace.took(len(pace.take()), time.monotonic() - 0.1)
    assert len(pace.take()) > 50
    for _ in range(10):
        pace.took(len(pace.take()), time.monotonic() - 100)
    assert len(pace.take()) == 1


def test_towards_the_end_there_is_work_for_every_worker() -> None:
    pace = Pace(waiting=_pages(400), workers=4)
    for _ in range(20):
        chunks = pace.take()
        assert not pace.waiting or len(chunks) <= len(pace.waiting)
        pace.took(len(chunks), time.monotonic() - 0.01)


def test_a_size_that_somebody_asked_for_is_kept_to() -> None:
    pace = Pace(waiting=_pages(9), workers=1, steady=True)
    while chunks := pace.take():
        assert len(chunks) == 1
        pace.took(1, time.monotonic() - 0.001)


def test_neighbours_are_one_range() -> None:
    chunks = _pages(5)
    assert selection(chunks[1:3]) == Selection(pages=(10, 30))
    assert selection(chunks[3:]) == Selection(pages=(30, None))
    keyed = [Chunk(number=0, upto=("5",)), Chunk(number=1, after=("5",), upto=("9",)), Chunk(number=2, after=("9",))]
    assert selection(keyed[:2]) == Selection(upto=("9",))
    assert selection(keyed[1:]) == Selection(after=("5",))
    assert selection([Chunk(number=0)]) == Selection()


# --- the crew ---------------------------------------------------------------------------------------


def _crew(size: int) -> Crew:
    return Crew([cast(Pair, object()) for _ in range(size)])


async def test_the_most_urgent_job_gets_the_next_pair() -> None:
    crew, order = _crew(1), list[int]()

    async def job(urgency: int) -> None:
        async with crew.pair(urgency):
            order.append(urgency)
            await asyncio.sleep(0)

    async with crew.pair(0):
        jobs = [asyncio.create_task(job(urgency)) for urgency in (3, 1, 2, -1)]
        await asyncio.sleep(0)
    await asyncio.gather(*jobs)
    assert order == [-1, 1, 2, 3]


async def test_a_job_that_is_cancelled_while_it_waits_takes_no_pair_along() -> None:
    crew = _crew(1)

    async def job() -> None:
        async with crew.pair(1):
            await asyncio.sleep(10)

    async with crew.pair(0):
        waiting = asyncio.create_task(job())
        await asyncio.sleep(0)
    waiting.cancel()  # the pair had just been handed to it
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert crew.busy == 0
    async with asyncio.timeout(1), crew.pair(0):
        assert crew.busy == 1
