"""Compares the regimes of one experiment on one fixed set of test images: tests and tables of them.

Runs, scores and intervals are those of pipelines/scores/bootstrap.py.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.scores import overlap
from pipelines.scores.bootstrap import Difference, apart, difference, mean_of

EXACT_UP_TO = 50  # differences; beyond, Wilcoxon's statistic is taken as normal, as scipy does


class Comparison(NamedTuple):
    """A regime against the baseline.

    Attributes:
      difference: of the average pooled J; its interval is one of all lines together.
      pairs: how many trainings both sides share by draw and seed, on which alone they are compared;
        0 = none, and all of either side stand against each other.
      p, p_holm: Wilcoxon's test, and adjusted.
    """
    regime: str
    difference: Difference
    pairs: int
    p: float
    p_holm: float


def image_scores(runs: np.ndarray) -> np.ndarray:
    """J of each image: mean over its organs, then over runs.

    Args:
      runs: [runs, images, organs, 3].

    Returns:
      float64 [images], per cent; NaN where no run has a score (0/0 for every organ).
    """
    return mean_of(mean_of(overlap.jaccard(np.asarray(runs)), axis=-1), axis=0)


def wilcoxon(of_images: np.ndarray, baseline: np.ndarray) -> float:
    """Two-sided Wilcoxon signed-rank test over images; it takes the runs at hand as given.

    Zero differences are dropped (Wilcoxon 1945).

    Args:
      of_images: [images], `image_scores` of a regime.
      baseline: [images], of another, same images in the same order.

    Returns:
      p; 1.0 where all differences are zero, NaN where no image has a score on both sides.

    Raises:
      ValueError: the numbers of images differ.
    """
    from scipy import stats  # takes a second: not for those who only read results

    of_images, baseline = np.asarray(of_images, float), np.asarray(baseline, float)
    if of_images.ndim != 1 or of_images.shape != baseline.shape:
        raise ValueError('expected scores [images] of the same images, found shapes '
                         f'{of_images.shape} and {baseline.shape}')
    gaps = apart(of_images, baseline)
    gaps = gaps[~np.isnan(gaps)]
    if not len(gaps):
        return float('nan')
    gaps = gaps[gaps != 0]
    if not len(gaps):
        return 1.0
    # scipy 1.11's 'auto' takes the exact distribution for tied ranks too, where it does not hold
    tied = len(np.unique(np.abs(gaps))) < len(gaps)
    method = 'exact' if len(gaps) <= EXACT_UP_TO and not tied else 'approx'
    return float(stats.wilcoxon(gaps, method=method).pvalue)


def holm(p_values: Sequence[float]) -> List[float]:
    """Adjusted p-values of one family of tests (Holm 1979), in the order given.

    A NaN stays one and still counts as a test.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p)  # NaN last
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order])
    return np.minimum(adjusted, 1).tolist()


def compare_regimes(regimes: Dict[str, np.ndarray], keys: Dict[str, Sequence[tuple]],
                    baseline: str, organs: Sequence[str], told: Optional[int] = None) -> List[Comparison]:
    """Compares every regime with the baseline; intervals and p-values are those of all lines together.

    Where two regimes share (draw, seed) keys, their runs of these keys alone are compared, as pairs;
    where they share none, all runs of either side. [ours] p-values are adjusted by Holm, intervals by
    Bonferroni, which Holm's steps have no informative intervals for (Strassburger and Bretz 2008).

    Args:
      regimes: [runs, images, organs, 3] by name, all of the same images.
      keys: (draw, seed) of each run, by name of the regime.
      baseline: the name of the regime to compare with.
      organs: their names
      told: of how many lines the intervals hold together, where these are a part of them; None = of these.

    Returns:
      One Comparison for each other regime, in the order given.

    Raises:
      ValueError: the baseline is missing, keys do not fit their runs, or what `difference` refuses.
    """
    if baseline not in regimes:
        raise ValueError(f'baseline: expected one of {", ".join(regimes)}, found {baseline}')
    base = _by_key(regimes[baseline], keys.get(baseline, ()), baseline)
    found, names = [], [name for name in regimes if name != baseline]
    for name in names:
        (runs, of_runs), (base_runs, of_base), pairs = _on_common_keys(
            _by_key(regimes[name], keys.get(name, ()), name), base)
        try:
            gaps = difference(runs, base_runs, organs, pairs > 0, [draw for draw, _ in of_runs],
                              [draw for draw, _ in of_base], told=told or len(names))
        except ValueError as error:
            raise ValueError(f'{name} against {baseline}: {error}') from None
        found.append((name, gaps['average'], pairs,
                      wilcoxon(image_scores(runs), image_scores(base_runs))))
    return [Comparison(*line, p_holm) for line, p_holm in zip(found, holm([line[-1] for line in found]))]


def _on_common_keys(ours: Tuple[np.ndarray, list], theirs: Tuple[np.ndarray, list]) -> tuple:
    """((runs, keys), (runs, keys), number of common keys) of what is to be compared."""
    common = set(ours[1]) & set(theirs[1])
    if not common:
        return ours, theirs, 0
    kept = [[i for i, key in enumerate(keys) if key in common] for _, keys in (ours, theirs)]
    return (*[(runs[some], [keys[i] for i in some]) for (runs, keys), some in zip((ours, theirs), kept)],
            len(common))


def _by_key(runs: np.ndarray, keys: Sequence[tuple], regime: str) -> Tuple[np.ndarray, list]:
    if len(keys) != len(runs) or len(set(keys)) != len(keys):
        raise ValueError(f'{regime}: expected a (draw, seed) of its own for each of {len(runs)} '
                         f'runs, found {list(keys)}')
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    return np.asarray(runs)[order], [keys[i] for i in order]
