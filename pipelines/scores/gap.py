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
    gains, gaps = sides[0] - sides[1], sides[2] - sides[1]
    known = ~(np.isnan(gains) | np.isnan(gaps))
    gap = full.value - real.value
    if gap <= 0 or not known.any() or np.percentile(gaps[known], 2.5) <= 0:
        return None
    shares = 100 * gains[known] / gaps[known]
    return Interval(100 * (tuned.value - real.value) / gap, *np.percentile(shares, [2.5, 97.5]).tolist())
