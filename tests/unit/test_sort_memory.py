"""What an index is given to sort in."""

from __future__ import annotations

import pytest

from crosswalk.crew import sort_memory

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [
        (0, 32 * MB, 32 * MB),
        (3 * 1024 * MB, 32 * MB, 32 * MB),  # 96 runs of 32 MB are merged in one pass
        (100 * 1024 * MB, 150 * MB, 200 * MB),
        (50_000 * 1024 * MB, 1024 * MB, 1024 * MB),
    ],
)
def test_runs_are_small_as_long_as_one_pass_merges_them(size: int, least: int, most: int) -> None:
    assert least <= sort_memory(size) <= most
