"""Scores of segmentations against their targets, in numpy.

Class maps are integer arrays, 0 = background, class i + 1 = `organs[i]`. Counts are pixels of each organ
[..., organs, 3]: right ones, invented ones, missed ones (true and false positives, false negatives), so
that organs may also overlap. Scores are per cent, the background is not scored, and the average is the
plain mean over organs.

An organ that neither target nor prediction of an image shows has no score there (0/0): that image
leaves the organ's mean and interval; an organ without any score is left out of the result and of
the average. [ours]
"""
from __future__ import annotations

import warnings
from typing import Dict, List, Sequence, Tuple

import numpy as np

Scores = Dict[Tuple[str, str], float]

NUM_RESAMPLES = 9999
BOOTSTRAP_SEED = 0


def confusion_matrix(target: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts pixels by (target class, predicted class).

    Args:
      target: class map, integers in 0..num_classes - 1, any shape.
      prediction: class map of the same shape.

    Returns:
      int64 [num_classes, num_classes].

    Raises:
      ValueError: the shapes differ, or a class is out of range.
    """
    if target.shape != prediction.shape:
        raise ValueError(f'expected target and prediction of one shape, found {target.shape} and '
                         f'{prediction.shape}')
    for name, classes in (('target', target), ('prediction', prediction)):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(f'{name}: expected classes 0 to {num_classes - 1}, found '
                             f'{classes.min()} to {classes.max()}')
    pairs = target.astype(np.intp).ravel() * num_classes + prediction.astype(np.intp).ravel()
    counts = np.bincount(pairs, minlength=num_classes ** 2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def counts(target: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts of two class maps, int64 [num_classes - 1, 3]; ValueError as `confusion_matrix`."""
    return counts_of(confusion_matrix(target, prediction, num_classes))


def mask_counts(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Counts of masks, bool [organs, ...] each -> int64 [organs, 3]; ValueError if they differ in shape."""
    if target.shape != prediction.shape:
        raise ValueError(f'expected target and prediction of one shape, found {target.shape} and '
                         f'{prediction.shape}')
    axes = tuple(range(1, target.ndim))
    return np.stack([(target & prediction).sum(axes), (prediction & ~target).sum(axes),
                     (target & ~prediction).sum(axes)], axis=-1).astype(np.int64)


def counts_of(confusion: np.ndarray) -> np.ndarray:
    """Confusion matrices [..., C, C] -> counts [..., C - 1, 3]."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.stack([right, confusion.sum(axis=-2) - right, confusion.sum(axis=-1) - right],
                    axis=-1)[..., 1:, :]


def jaccard(counted: np.ndarray) -> np.ndarray:
    """J = |T and P| / |T or P| in per cent, [..., 3] -> float64 [...]; NaN for 0/0.

    Pooled over a test set it is what the paper's tables show: DSC = 2J/(1+J) holds for every published
    pair, and would not for means over images (pipelines/FIDELITY.md).
    """
    right, invented, missed = np.moveaxis(counted, -1, 0)
    return _per_cent(right, right + invented + missed)


def dice(counted: np.ndarray) -> np.ndarray:
    """DSC = 2 |T and P| / (|T| + |P|) in per cent, [..., 3] -> float64 [...]; NaN for 0/0."""
    right, invented, missed = np.moveaxis(counted, -1, 0)
    return _per_cent(2 * right, 2 * right + invented + missed)


def intervals(of_images: np.ndarray, organs: Sequence[str]) -> Dict[str, List[float]]:
    """`bootstrap_interval` of each organ's mean over images and of their average.

    Args:
      of_images: [images, organs], a score of each image, NaN where it has none.

    Returns:
      organ or 'average' -> [low, high]; those with fewer than two images are left out.
    """
    columns = {organ: of_images[:, i:i + 1] for i, organ in enumerate(organs)}
    found = {organ: bootstrap_interval(values)
             for organ, values in {**columns, 'average': of_images}.items()}
    return {organ: interval for organ, interval in found.items() if interval is not None}


def bootstrap_interval(values: np.ndarray):
    """95 % percentile bootstrap over images of the mean over organs of the means over images.

    Percentile and not BCa: BCa is undefined where all images score alike. [ours] The seed is
    fixed, so that the same confusion matrices always give the same interval.

    Args:
      values: [images, organs], per cent, NaN where an image has no score.

    Returns:
      [low, high] in per cent, or None with fewer than two images that have a score.
    """
    from scipy import stats  # takes a second: not for those who only read results

    values = values[~np.isnan(values).all(axis=1)]
    if len(values) < 2:
        return None

    def statistic(images, axis):
        # scipy resamples along the last axis; indices keep the organs of an image together
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', RuntimeWarning)  # an organ missing from a resample
            return np.nanmean(np.nanmean(values[images], axis=axis - 1), axis=-1)

    interval = stats.bootstrap(
        (np.arange(len(values)),), statistic, n_resamples=NUM_RESAMPLES, batch=1000,
        vectorized=True, confidence_level=0.95, method='percentile',
        random_state=BOOTSTRAP_SEED).confidence_interval
    return [float(interval.low), float(interval.high)]


def _per_cent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(100.0 * part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def means(metric: str, of_images: np.ndarray, organs: Sequence[str]) -> Scores:
    """Means over images of [images, organs], and their mean; organs without a score left out."""
    found = {}
    for organ, values in zip(organs, of_images.T):
        if not np.isnan(values).all():
            found[metric, organ] = float(np.nanmean(values))
    if found:
        found[metric, 'average'] = float(np.mean(list(found.values())))
    return found
