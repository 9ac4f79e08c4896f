"""Statistics that compare the regimes of one experiment on one fixed set of test images, in numpy.

A run is one training of a regime: one draw of the training images and one seed. `runs` are its
confusion matrices [runs, images, C, C], counts of pixels as in `metrics`; all runs saw the same
test images in the same order. Scores are per cent, class 0 (background) is not scored, the average
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

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines import metrics

BATCH = 1000      # resamples at a time, to bound memory
EXACT_UP_TO = 50  # differences; beyond, Wilcoxon's statistic is taken as normal, as scipy does


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


class Comparison(NamedTuple):
    """A regime against the baseline: difference of the average pooled J, and Wilcoxon's test."""
    regime: str
    value: float
    low: float
    high: float
    p: float
    p_holm: float
    is_difference: bool


def pooled_interval(runs: np.ndarray, organs: Sequence[str],
                    metric: Callable = metrics.jaccard,
                    draws: Optional[Sequence[int]] = None) -> Dict[str, Interval]:
    """Mean over runs of the pooled score.

    Args:
      runs: [runs, images, C, C].
      organs: the C - 1 names of classes 1, 2, ...
      metric: `metrics.jaccard` or `metrics.dice`.
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
      runs: [runs, images, C, C].
      baseline: [runs, images, C, C] of the same images.
      organs: the C - 1 names of classes 1, 2, ...
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
    ours, theirs = (_pooled(side, metrics.jaccard) for side in sides)
    of_ours, of_theirs = _resample(sides, (draws, baseline_draws), metrics.jaccard, paired)
    scored = np.minimum(*(_scored(side, metrics.jaccard) for side in sides))
    return _intervals(Difference, _apart(ours, theirs), _apart(of_ours, of_theirs), scored,
                      organs)


def image_scores(runs: np.ndarray) -> np.ndarray:
    """J of each image: mean over its organs, then over runs.

    Args:
      runs: [runs, images, C, C].

    Returns:
      float64 [images], per cent; NaN where no run has a score (0/0 for every organ).
    """
    return _mean(_mean(metrics.jaccard(np.asarray(runs))[..., 1:], axis=-1), axis=0)


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
    apart = _apart(of_images, baseline)
    apart = apart[~np.isnan(apart)]
    if not len(apart):
        return float('nan')
    apart = apart[apart != 0]
    if not len(apart):
        return 1.0
    # scipy 1.11's 'auto' takes the exact distribution for tied ranks too, where it does not hold
    tied = len(np.unique(np.abs(apart))) < len(apart)
    method = 'exact' if len(apart) <= EXACT_UP_TO and not tied else 'approx'
    return float(stats.wilcoxon(apart, method=method).pvalue)


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
                    baseline: str, organs: Sequence[str]) -> List[Comparison]:
    """Compares every regime with the baseline; p-values are adjusted over all these comparisons.

    Runs are paired where a regime has exactly the baseline's keys, in any order.

    Args:
      regimes: [runs, images, C, C] by name, all of the same images.
      keys: (draw, seed) of each run, by name of the regime.
      baseline: the name of the regime to compare with.
      organs: the C - 1 names of classes 1, 2, ...

    Returns:
      One Comparison for each other regime, in the order given.

    Raises:
      ValueError: the baseline is missing, keys do not fit their runs, or what `difference` refuses.
    """
    if baseline not in regimes:
        raise ValueError(f'baseline: expected one of {", ".join(regimes)}, found {baseline}')
    base_runs, base_keys = _by_key(regimes[baseline], keys.get(baseline, ()), baseline)
    names = [name for name in regimes if name != baseline]
    differences, p_values = [], []
    for name in names:
        runs, of_runs = _by_key(regimes[name], keys.get(name, ()), name)
        try:
            found = difference(runs, base_runs, organs, of_runs == base_keys,
                               [draw for draw, _ in of_runs], [draw for draw, _ in base_keys])
        except ValueError as error:
            raise ValueError(f'{name} against {baseline}: {error}') from None
        differences.append(found['average'])
        p_values.append(wilcoxon(image_scores(runs), image_scores(base_runs)))
    return [Comparison(name, *found, p, p_holm, found.is_difference)
            for name, found, p, p_holm in zip(names, differences, p_values, holm(p_values))]


def _resample(sides: Sequence[np.ndarray], draws: Sequence, metric: Callable,
              paired: bool) -> List[np.ndarray]:
    """Pooled scores of resamples, [NUM_RESAMPLES, organs + 1] for each side.

    Not scipy.stats.bootstrap, as elsewhere: it cannot resample two levels at once. With one run
    both mean the same. A resample is a row of counts, how often each image was drawn.
    """
    rng = np.random.default_rng(metrics.BOOTSTRAP_SEED)
    num_images, classes = sides[0].shape[1:3]
    flat = [np.moveaxis(side, 1, 0).reshape(num_images, -1).astype(np.float64) for side in sides]
    batches = [[] for _ in sides]
    for start in range(0, metrics.NUM_RESAMPLES, BATCH):
        size = min(BATCH, metrics.NUM_RESAMPLES - start)
        images = _draw(rng, size, num_images, num_images)
        for i, (side, confusions) in enumerate(zip(sides, flat)):
            if i == 0 or not paired:
                drawn = _draw_runs(rng, size, draws[i] or [0] * len(side))
            pooled = (images @ confusions).reshape(size, len(side), classes, classes)
            batches[i].append(_mean(_with_average(metric(pooled)), 1, drawn[..., None]))
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
    return _mean(_with_average(metric(runs.sum(axis=1))), axis=0)


def _scored(runs: np.ndarray, metric: Callable) -> np.ndarray:
    """Number of images that have a score in some run, [organs + 1]."""
    return (~np.isnan(_with_average(metric(runs)))).any(axis=0).sum(axis=0)


def _with_average(scores: np.ndarray) -> np.ndarray:
    """[..., C] of all classes -> [..., organs + 1]: the organs and, last, their mean."""
    return np.concatenate([scores[..., 1:], _mean(scores[..., 1:], -1)[..., None]], axis=-1)


def _mean(values: np.ndarray, axis: int, weights=1.0) -> np.ndarray:
    """Weighted mean of what is not NaN, and NaN where nothing is."""
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum(axis=axis)
    return np.divide((np.nan_to_num(values) * weights).sum(axis=axis), total,
                     out=np.full(total.shape, np.nan), where=total > 0)


def _apart(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
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


def _by_key(runs: np.ndarray, keys: Sequence[tuple], regime: str) -> Tuple[np.ndarray, list]:
    if len(keys) != len(runs) or len(set(keys)) != len(keys):
        raise ValueError(f'{regime}: expected a (draw, seed) of its own for each of {len(runs)} '
                         f'runs, found {list(keys)}')
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    return np.asarray(runs)[order], [keys[i] for i in order]


def _checked(runs: np.ndarray, organs: Sequence[str]) -> np.ndarray:
    runs = np.asarray(runs)
    classes = 1 + len(organs)
    if runs.ndim != 4 or not len(runs) or runs.shape[2:] != (classes, classes):
        raise ValueError(f'expected confusion matrices [runs, images, {classes}, {classes}] for '
                         f'the organs {", ".join(organs)}, found shape {runs.shape}')
    shown = _scored(runs, metrics.jaccard)[-1]
    if shown < 2:
        raise ValueError(f'expected at least two test images that show an organ, found {shown} of '
                         f'{runs.shape[1]}')
    return runs
