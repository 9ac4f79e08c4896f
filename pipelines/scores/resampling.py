"""Which images and which trainings a resample takes, as rows of counts and weights, in numpy.

Of n draws or seeds a resample takes n - 1, since n would show only (n - 1) / n of their variance. [ours]
(McCarthy and Snowden 1985, "The bootstrap and finite population sampling".)
"""
from __future__ import annotations

from typing import Sequence

import numpy as np


def of_runs(rng: np.random.Generator, size: int, draws: Sequence[int]) -> np.ndarray:
    """Weights of runs in resamples: some of the draws, of each some of its runs.

    Args:
      size: number of resamples.
      draws: the draw of each run.

    Returns:
      float64 [size, runs], those of a resample sum up to the number of draws that it takes.
    """
    groups = [np.flatnonzero(np.array(draws) == draw) for draw in sorted(set(draws))]
    of_groups = counted(rng, size, len(groups), max(len(groups) - 1, 1))
    weights = np.zeros([size, len(draws)])
    for taken, runs in zip(of_groups.T, groups):
        times = max(len(runs) - 1, 1)
        weights[:, runs] = taken[:, None] * counted(rng, size, len(runs), times) / times
    return weights


def counted(rng: np.random.Generator, size: int, number: int, times: int) -> np.ndarray:
    """How often each of `number` things is among `times` drawn, float64 [size, number]."""
    drawn = rng.integers(number, size=(size, times)) + number * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number).astype(float)
