"""Which share of what more real images would bring is gained without them, in numpy.

The gap is what REAL of many images scores above REAL of few; a regime that learned from the few closes (regime - REAL) /
gap of it [ours]. Runs, resamples and intervals are those of pipelines/scores/bootstrap.py; a share has none where the gap
itself is not told from nothing, for there any share may come out.
"""
from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

import numpy as np

from pipelines.scores.bootstrap import Interval, means_of_resamples, mean_of
from pipelines.scores import overlap


FARTHEST = 1e4  # times the gap: a share that far off is unbounded
STEPS = 50      # of a bisection


class Side(NamedTuple):
    """Trainings of one regime: counts int [runs, images, organs, 3], and the draw of each run."""
    counts: np.ndarray
    draws: Sequence[int]

    @property
    def value(self) -> float:
        """Mean over runs of the average pooled J, per cent."""
        pooled = overlap.jaccard(np.asarray(self.counts).sum(axis=1))
        return float(mean_of(mean_of(pooled, -1), 0))


def share_closed(tuned: Side, real: Side, full: Side) -> Optional[Interval]:
    """(tuned - real) / (full - real) of the average pooled J, per cent, with its 95 % interval.

    Args:
      tuned, real: of the few images, run by run of the same draw and seed.
      full: REAL of more images, scored on the same test images.

    Returns:
      None where the interval of the gap full - real holds 0, or is below it.
    """
    sides = [means_of_resamples(np.asarray(side.counts), side.draws, number)[:, -1]
             for side, number in ((tuned, 0), (real, 0), (full, 1))]
    return share_of(tuned.value - real.value, full.value - real.value, sides[0] - sides[1], sides[2] - sides[1])


def share_of(gain: float, gap: float, gains: np.ndarray, gaps: np.ndarray) -> Optional[Interval]:
    """gain / gap, per cent, with its 95 % interval.

    Args:
      gains, gaps: both in each resample, float64 [N], NaN where nothing is known.

    Returns:
      None where the interval of the gap holds 0, or is below it.
    """
    known = ~(np.isnan(gains) | np.isnan(gaps))
    if gap <= 0 or not known.any() or np.percentile(gaps[known], 2.5) <= 0:
        return None
    ends = [_share_at(gains[known], gaps[known], level) for level in (2.5, 97.5)]
    return Interval(100 * gain / gap, *ends)


def _share_at(gains: np.ndarray, gaps: np.ndarray, level: float) -> float:
    """The share s, per cent, at which `level` per cent of gains - s * gaps are below 0 (Fieller 1954, by resamples): where
    gaps come near 0, or below it, quotients of theirs would be far off, or of the other sign."""
    def below(share: float) -> float:
        return 100 * (gains - share * gaps < 0).mean()

    low, high = -1.0, 1.0
    while below(low) > level and low > -FARTHEST:
        low *= 2
    while below(high) <= level and high < FARTHEST:
        high *= 2
    if abs(low) >= FARTHEST or high >= FARTHEST:
        return float(np.sign(level - 50) * np.inf)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if below(middle) > level else (middle, high)
    return 100 * low
