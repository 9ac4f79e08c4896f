"""How sure the scores of trained segmenters are: bootstrap intervals, in numpy.

A run is one training of a regime: one draw of the training images and one seed. `runs` are its
counts of pixels [runs, images, organs, 3], see `overlap`; all runs saw the same
test images in the same order. Scores are per cent, the average
is the plain mean over organs, and pooled means over all pixels of the test set, as the paper's
tables are.

Intervals are 95 % percentile bootstraps over all that varies: images, resampled once for all runs,
and runs, since other seeds and other draws of the training images would have given other scores:
first the draws, then the seeds of each. [ours] (Owen 2007, "The pigeonhole bootstrap".) Of n draws or
seeds a resample takes n - 1, since n would show only (n - 1) / n of their variance. [ours] (McCarthy
and Snowden 1985.) What intervals do not know: with one run they speak of images alone, and with few
draws or seeds they are still too narrow, like any percentile bootstrap of so few.
"""
from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from pipelines.scores import overlap

BATCH = 1000  # resamples at a time, to bound memory


class Interval(NamedTuple):
    """A score with its 95 % interval; per cent."""
    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much higher a regime scores than a baseline, with its 95 % interval; per cent."""
    value: float
    low: float
    high: float

    @property
    def is_difference(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def pooled_interval(runs: np.ndarray, organs: Sequence[str],
                    metric: Callable = overlap.jaccard,
                    draws: Optional[Sequence[int]] = None) -> Dict[str, Interval]:
    """Mean over runs of the pooled score.

    Args:
      runs: [runs, images, organs, 3].
      organs: their names
      metric: `overlap.jaccard` or `overlap.dice`.
      draws: of the training images, one for each run; None = all runs have the same.

    Returns:
      {organ or 'average': Interval}; an organ that fewer than two images show is left out.

    Raises:
      ValueError: `runs` has another shape or fewer than two images that show an organ.
    """
    runs = _checked(runs, organs)
    (resampled,) = _resample((runs,), (draws,), metric, paired=False)
    return _intervals(Interval, _pooled(runs, metric), resampled, _scored(runs, metric), organs)


def difference(runs: np.ndarray, baseline: np.ndarray, organs: Sequence[str],
               paired: bool, draws: Optional[Sequence[int]] = None,
               baseline_draws: Optional[Sequence[int]] = None) -> Dict[str, Difference]:
    """Pooled J of a regime minus that of a baseline, both means over runs.

    Images are resampled once for both sides.

    Args:
      runs: [runs, images, organs, 3].
      baseline: [runs, images, organs, 3] of the same images.
      organs: their names
      paired: whether run i of both sides had the same draw and seed: the sides then share the
        resample of runs too; otherwise each has its own, and they may differ in number.
      draws, baseline_draws: see `pooled_interval`.

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
    of_ours, of_theirs = _resample(sides, (draws, baseline_draws), overlap.jaccard, paired)
    scored = np.minimum(*(_scored(side, overlap.jaccard) for side in sides))
    return _intervals(Difference, apart(ours, theirs), apart(of_ours, of_theirs), scored,
                      organs)


def _resample(sides: Sequence[np.ndarray], draws: Sequence, metric: Callable,
              paired: bool) -> List[np.ndarray]:
    """Pooled scores of resamples, [NUM_RESAMPLES, organs + 1] for each side.

    Not scipy.stats.bootstrap, as elsewhere: it cannot resample two levels at once. With one run
    both mean the same. A resample is a row of counts, how often each image was drawn.
    """
    rng = np.random.default_rng(overlap.BOOTSTRAP_SEED)
    num_images = sides[0].shape[1]
    flat = [np.moveaxis(side, 1, 0).reshape(num_images, -1).astype(np.float64) for side in sides]
    batches = [[] for _ in sides]
    for start in range(0, overlap.NUM_RESAMPLES, BATCH):
        size = min(BATCH, overlap.NUM_RESAMPLES - start)
        images = _draw(rng, size, num_images, num_images)
        for i, (side, counted) in enumerate(zip(sides, flat)):
            if i == 0 or not paired:
                drawn = _draw_runs(rng, size, draws[i] or [0] * len(side))
            pooled = (images @ counted).reshape(size, len(side), *side.shape[2:])
            batches[i].append(mean_of(_with_average(metric(pooled)), 1, drawn[..., None]))
    return [np.concatenate(batch) for batch in batches]


def _draw_runs(rng: np.random.Generator, size: int, draws: Sequence[int]) -> np.ndarray:
    """Weights of runs, float64 [size, runs]: some of the draws, of each some of its runs."""
    groups = [np.flatnonzero(np.array(draws) == draw) for draw in sorted(set(draws))]
    of_groups = _draw(rng, size, len(groups), max(len(groups) - 1, 1))
    weights = np.zeros([size, len(draws)])
    for taken, runs in zip(of_groups.T, groups):
        times = max(len(runs) - 1, 1)
        weights[:, runs] = taken[:, None] * _draw(rng, size, len(runs), times) / times
    return weights


def _draw(rng: np.random.Generator, size: int, number: int, times: int) -> np.ndarray:
    """How often each of `number` things is among `times` drawn, float64 [size, number]."""
    drawn = rng.integers(number, size=(size, times)) + number * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number).astype(float)


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


def _intervals(kind: Callable, values: np.ndarray, resampled: np.ndarray, scored: np.ndarray,
               organs: Sequence[str]) -> dict:
    found = {}
    for i, organ in enumerate((*organs, 'average')):
        column = resampled[:, i][~np.isnan(resampled[:, i])]
        if scored[i] >= 2:
            found[organ] = kind(float(values[i]), *np.percentile(column, [2.5, 97.5]).tolist())
    return found


def _checked(runs: np.ndarray, organs: Sequence[str]) -> np.ndarray:
    runs = np.asarray(runs)
    if runs.ndim != 4 or not len(runs) or runs.shape[2] != len(organs):
        raise ValueError(f'expected counts [runs, images, {len(organs)}, 3] of the organs '
                         f'{", ".join(organs)}, found shape {runs.shape}')
    shown = _scored(runs, overlap.jaccard)[-1]
    if shown < 2:
        raise ValueError(f'expected at least two test images that show an organ, found {shown} of '
                         f'{runs.shape[1]}')
    return runs
