"""How sure the scores of trained segmenters are: bootstrap intervals, in numpy.

A run is one training of a regime: one draw of the training images and one seed. `runs` are its
counts of pixels [runs, images, organs, 3], see `overlap`; all runs saw the same
test images in the same order. Scores are per cent, the average
is the plain mean over organs, and pooled means over all pixels of the test set, as the paper's
tables are.

Intervals are 95 % percentile bootstraps over all that varies: images, resampled once for all runs,
and runs, since other seeds and other draws of the training images would have given other scores:
first the draws, then the seeds of each (`resampling`). [ours] (Owen 2007, "The pigeonhole bootstrap".)
Differences that are told together get simultaneous intervals (Bonferroni): of m, each has the level
1 - 0.05 / m, so that all of them hold with 95 %. [ours]

What intervals do not know: with one run they speak of images alone, and with few
draws or seeds they are still too narrow, like any percentile bootstrap of so few; `error_rates` says
how often they are wrong.
"""
from __future__ import annotations

import functools
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.scores import overlap, resampling

BATCH = 1000          # resamples at a time, to bound memory
RESAMPLES = 100_000   # of a difference: its bounds decide, and must not hang on the generator's seed
KEPT = 16             # lines of a table, each of which meets several baselines
UNSURE = 2.0          # [ours] standard errors of a bound within which zero leaves it undecided


class Interval(NamedTuple):
    """A score with its 95 % interval; per cent."""
    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much higher a regime scores than a baseline, with its interval; per cent.

    Attributes:
      low_range, high_range: where a bound may lie for all that the number of resamples tells, two
        standard errors to either side; None = at the bound.
    """
    value: float
    low: float
    high: float
    low_range: Optional[Tuple[float, float]] = None
    high_range: Optional[Tuple[float, float]] = None

    @property
    def is_difference(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    @property
    def is_undecided(self) -> bool:
        """Whether other random numbers could put zero on the other side of a bound."""
        low, high = self.low_range or (self.low,) * 2, self.high_range or (self.high,) * 2
        return (low[0] > 0) != (low[1] > 0) or (high[0] < 0) != (high[1] < 0)

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the bound that is known less well; per cent."""
        return max((ends[1] - ends[0]) / (2 * UNSURE)
                   for ends in (self.low_range, self.high_range, (0.0, 0.0)) if ends)


def pooled_interval(runs: np.ndarray, organs: Sequence[str],
                    metric: Callable = overlap.jaccard,
                    draws: Optional[Sequence[int]] = None) -> Dict[str, Interval]:
    """Mean over runs of the pooled score.

    Args:
      runs: [runs, images, organs, 3].
      organs: their names
      metric: such as `overlap.jaccard`, of counts of 3; of others see `thin`.
      draws: of the training images, one for each run; None = all runs have the same.

    Returns:
      {organ or 'average': Interval}; an organ that fewer than two images show is left out.

    Raises:
      ValueError: `runs` has another shape or fewer than two images that show an organ.
    """
    runs = _checked(runs, organs, metric)
    resampled = _resample(runs, draws, metric)
    return {organ: Interval(float(value), *np.percentile(column, [2.5, 97.5]).tolist())
            for organ, value, column in _columns(
                _pooled(runs, metric), resampled, _scored(runs, metric), organs)}


def difference(runs: np.ndarray, baseline: np.ndarray, organs: Sequence[str],
               paired: bool, draws: Optional[Sequence[int]] = None,
               baseline_draws: Optional[Sequence[int]] = None, told: int = 1) -> Dict[str, Difference]:
    """Pooled J of a regime minus that of a baseline, both means over runs.

    Images are resampled once for both sides.

    Args:
      runs: [runs, images, organs, 3].
      baseline: [runs, images, organs, 3] of the same images.
      organs: their names
      paired: whether run i of both sides had the same draw and seed: the sides then share the
        resample of runs too; otherwise each has its own, and they may differ in number.
      draws, baseline_draws: see `pooled_interval`.
      told: how many differences are told together; see the module's docstring.

    Returns:
      {organ or 'average': Difference}; an organ that fewer than two images show on either side is
      left out.

    Raises:
      ValueError: a side has another shape or fewer than two images that show an organ, the numbers
        of images differ, or runs are to be paired and differ in number.
    """
    sides = _checked(runs, organs), _checked(baseline, organs)
    if sides[0].shape[1] != sides[1].shape[1]:
        raise ValueError('expected runs on the same test images, found '
                         f'{sides[0].shape[1]} and {sides[1].shape[1]} images')
    if paired and len(sides[0]) != len(sides[1]):
        raise ValueError(f'paired: expected as many runs on both sides, found {len(sides[0])} and '
                         f'{len(sides[1])}')
    ours, theirs = (_pooled(side, overlap.jaccard) for side in sides)
    means = [means_of_resamples(side, of_side, 0 if paired else number)
             for number, (side, of_side) in enumerate(zip(sides, (draws, draws if paired else baseline_draws)))]
    scored = np.minimum(*(_scored(side, overlap.jaccard) for side in sides))
    return {organ: _difference(float(value), column, 0.05 / told)
            for organ, value, column in _columns(apart(ours, theirs), apart(*means), scored, organs)}


def means_of_resamples(runs: np.ndarray, draws: Optional[Sequence[int]], number: int) -> np.ndarray:
    """Means over runs of the pooled J in resamples of images and runs; of images the same for all sides.

    Args:
      runs: int [runs, images, organs, 3].
      draws: see `pooled_interval`.
      number: of the side: sides of the same number and draws share the resample of runs too, as pairs do.

    Returns:
      float64 [RESAMPLES, organs + 1], per cent; last the average.
    """
    rng = np.random.default_rng([overlap.BOOTSTRAP_SEED, 1 + number])
    drawn = resampling.of_runs(rng, RESAMPLES, draws or [0] * len(runs))
    return mean_of(scores_of_resamples(runs), 1, drawn[..., None])


def scores_of_resamples(runs: np.ndarray) -> np.ndarray:
    """Pooled J of each run in resamples of images, the same for all runs of so many images.

    Args:
      runs: int [runs, images, organs, 3].

    Returns:
      float64 [RESAMPLES, runs, organs + 1], per cent; last the average.
    """
    return _kept_scores(runs.astype(np.int64).tobytes(), runs.shape)


@functools.lru_cache(maxsize=KEPT)
def _kept_scores(counted: bytes, shape: Tuple[int, ...]) -> np.ndarray:
    runs = np.frombuffer(counted, np.int64).reshape(shape)
    flat = np.moveaxis(runs, 1, 0).reshape(shape[1], -1).astype(np.float64)
    images = _kept_images(shape[1])
    return np.concatenate([_with_average(overlap.jaccard(
        (images[start:start + BATCH] @ flat).reshape(-1, shape[0], *shape[2:])))
        for start in range(0, RESAMPLES, BATCH)])


@functools.lru_cache(maxsize=4)
def _kept_images(number: int) -> np.ndarray:
    rng = np.random.default_rng([overlap.BOOTSTRAP_SEED, 0])
    return np.concatenate([resampling.counted(rng, BATCH, number, number).astype(np.float64)
                           for _ in range(RESAMPLES // BATCH)])


def _difference(value: float, column: np.ndarray, miss: float) -> Difference:
    """Percentiles of resamples [N], and those two standard errors of their rank to either side."""
    shares = np.array([miss / 2, 1 - miss / 2])
    aside = UNSURE * np.sqrt(shares * (1 - shares) / len(column))
    wanted = [shares, np.clip(shares - aside, 0, 1), np.clip(shares + aside, 0, 1)]
    (low, high), below, above = np.quantile(column, wanted).tolist()
    return Difference(value, low, high, (below[0], above[0]), (below[1], above[1]))


def _resample(runs: np.ndarray, draws: Optional[Sequence[int]], metric: Callable) -> np.ndarray:
    """Pooled scores of resamples of images and runs, [NUM_RESAMPLES, organs + 1].

    Not scipy.stats.bootstrap, as elsewhere: it cannot resample two levels at once. A resample is a
    row of counts, how often each image was drawn.
    """
    rng = np.random.default_rng(overlap.BOOTSTRAP_SEED)
    num_images = runs.shape[1]
    flat = np.moveaxis(runs, 1, 0).reshape(num_images, -1).astype(np.float64)
    batches = []
    for start in range(0, overlap.NUM_RESAMPLES, BATCH):
        size = min(BATCH, overlap.NUM_RESAMPLES - start)
        images = resampling.counted(rng, size, num_images, num_images)
        drawn = resampling.of_runs(rng, size, draws or [0] * len(runs))
        pooled = (images @ flat).reshape(size, len(runs), *runs.shape[2:])
        batches.append(mean_of(_with_average(metric(pooled)), 1, drawn[..., None]))
    return np.concatenate(batches)


def _pooled(runs: np.ndarray, metric: Callable) -> np.ndarray:
    return mean_of(_with_average(metric(runs.sum(axis=1))), axis=0)


def _scored(runs: np.ndarray, metric: Callable) -> np.ndarray:
    """Number of images that have a score in some run, [organs + 1]."""
    return (~np.isnan(_with_average(metric(runs)))).any(axis=0).sum(axis=0)


def _with_average(scores: np.ndarray) -> np.ndarray:
    """[..., organs] -> [..., organs + 1]: the organs and, last, their mean."""
    return np.concatenate([scores, mean_of(scores, -1)[..., None]], axis=-1)


def mean_of(values: np.ndarray, axis: int, weights=1.0) -> np.ndarray:
    """Weighted mean of what is not NaN, and NaN where nothing is."""
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum(axis=axis)
    return np.divide((np.nan_to_num(values) * weights).sum(axis=axis), total,
                     out=np.full(total.shape, np.nan), where=total > 0)


def apart(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Difference without the rounding errors that would make ranks and signs of equal scores."""
    return np.round(ours - theirs, 9)


def _columns(values: np.ndarray, resampled: np.ndarray, scored: np.ndarray, organs: Sequence[str]):
    """(organ or 'average', its value, its resamples) of those that two images show."""
    for i, organ in enumerate((*organs, 'average')):
        if scored[i] >= 2:
            yield organ, values[i], resampled[:, i][~np.isnan(resampled[:, i])]


def _checked(runs: np.ndarray, organs: Sequence[str], metric: Callable = overlap.jaccard) -> np.ndarray:
    runs = np.asarray(runs)
    if runs.ndim != 4 or not len(runs) or runs.shape[2] != len(organs):
        raise ValueError(f'expected counts [runs, images, {len(organs)}, 3] of the organs '
                         f'{", ".join(organs)}, found shape {runs.shape}')
    shown = _scored(runs, metric)[-1]
    if shown < 2:
        raise ValueError(f'expected at least two test images that show an organ, found {shown} of '
                         f'{runs.shape[1]}')
    return runs
