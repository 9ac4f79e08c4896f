"""Which of several networks is better, from the folds that all of them were tested in.

The trainings of two folds share most of their images, so the spread over folds understates how a mean over
folds would vary with other images. Nadeau and Bengio 2003 (Machine Learning 52) therefore put 1/k + tested/learned
in the place of 1/k into the variance of Student's t: their corrected resampled t-test.
"""
from __future__ import annotations

import itertools
import math
import statistics
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from pipelines.scores.comparison import holm

LEVEL = 0.95


class Ranked(NamedTuple):
    """A network beside the one whose mean is the highest.

    Attributes:
      mean: over folds.
      gap: how far the mean lies below the highest, 0 for that one.
      low, high: interval of the gap; NaN for the highest.
      p_holm: two-sided, adjusted for all pairs of networks; NaN for the highest.
      is_apart: whether the interval leaves out 0.
    """
    name: str
    mean: float
    gap: float
    low: float
    high: float
    p_holm: float

    @property
    def is_apart(self) -> bool:
        """Whether it is told from the highest."""
        return self.low > 0


def ranked(per_fold: Mapping[str, Sequence[float]], tested: float, learned: float) -> List[Ranked]:
    """The networks from the highest mean down, each against the highest.

    [ours] Which network is the highest is seen in the same folds, so p-values and intervals are adjusted for all
    pairs of networks, not only for those with the highest (Holm; Bonferroni for the intervals).

    Args:
      per_fold: scores of each network, the same folds in the same order.
      tested, learned: images of a fold that were scored, and that a network learned from.

    Raises:
      ValueError: fewer than two folds, or networks with other numbers of them.
    """
    sizes = {len(values) for values in per_fold.values()}
    if len(sizes) != 1 or min(sizes) < 2:
        raise ValueError(f'expected two folds or more, as many of each network, found {sorted(sizes)}')
    order = sorted(per_fold, key=lambda name: -statistics.fmean(per_fold[name]))
    pairs = list(itertools.combinations(order, 2))
    tested_pairs = [student(per_fold[one], per_fold[other], tested, learned, len(pairs)) for one, other in pairs]
    adjusted: Dict[Tuple[str, str], float] = dict(zip(pairs, holm([p for *_, p in tested_pairs])))
    found, best = dict(zip(pairs, tested_pairs)), order[0]
    lines = [Ranked(best, statistics.fmean(per_fold[best]), 0.0, math.nan, math.nan, math.nan)]
    for name in order[1:]:
        gap, reach, _ = found[best, name]
        lines.append(Ranked(name, statistics.fmean(per_fold[name]), gap, gap - reach, gap + reach,
                            adjusted[best, name]))
    return lines


def student(ours: Sequence[float], theirs: Sequence[float], tested: float, learned: float, told: int = 1
            ) -> Tuple[float, float, float]:
    """The corrected resampled t-test of paired folds.

    Args:
      tested, learned: images of a fold.
      told: intervals that hold together (Bonferroni).

    Returns:
      (mean difference, half of its interval, two-sided p). Folds that all differ by the same leave nothing to
      estimate a variance from: the interval is a point, p is 0, or 1 where they do not differ.
    """
    from scipy import stats  # takes a second: not for those who only read results
    gaps = [one - other for one, other in zip(ours, theirs)]
    count, mean = len(gaps), statistics.fmean(gaps)
    error = math.sqrt((1 / count + tested / learned) * statistics.variance(gaps))
    if error == 0:
        return mean, 0.0, float(mean == 0)
    reach = float(stats.t.ppf(1 - (1 - LEVEL) / 2 / told, count - 1)) * error
    return mean, reach, float(2 * stats.t.sf(abs(mean) / error, count - 1))
