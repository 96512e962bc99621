"""An optimal one-to-one assignment: the sum of scores is greatest, ties go by name.

Hungarian method as scipy has it, over rows and columns in name order, so that equal input gives equal
output. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

Left = TypeVar("Left")
Right = TypeVar("Right")


def assign(
    scores: Mapping[tuple[Left, Right], float], *, least: float, power: int = 2
) -> dict[Right, Left]:
    """The left one for each right one; pairs below `least` are never taken.

    The higher the `power`, the more one very good pair counts against two fair ones. A tiny share of each
    score goes to the place in name order, so that of equal sums one is best.
    """
    kept = {pair: score for pair, score in scores.items() if score >= least}
    lefts, rights = (_ordered(pair[side] for pair in kept) for side in (0, 1))
    if not kept:
        return {}
    grid = np.zeros((len(lefts), len(rights)))
    rank_left, rank_right = ({each: i for i, each in enumerate(side)} for side in (lefts, rights))
    for (left, right), score in kept.items():
        i, j = rank_left[left], rank_right[right]
        grid[i, j] = score**power + 1e-7 / (1 + i + 2 * j)
    rows, columns = linear_sum_assignment(grid, maximize=True)
    return {
        rights[j]: lefts[i]
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if (lefts[i], rights[j]) in kept
    }


def _ordered(values: Iterable[object]) -> list:  # type: ignore[type-arg]
    return sorted(set(values), key=str)
