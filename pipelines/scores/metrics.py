"""What is measured of a segmented image, and the scores that follow, as two tables.

A measure is taken of one image when it is evaluated, and kept in the results. A metric is computed from
the measures of all images, then and whenever the results are read again: a score that does not follow
from its images is refused. Another metric of a measure that is there is a row of METRICS; a measure of
another kind is a row of MEASURES more.
"""
from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.scores import bootstrap, overlap, thin


class Metric(NamedTuple):
    """A score of each organ.

    Attributes:
      label: in tables.
      measure: the row of MEASURES that it is computed from.
      of: measures [..., organs, K] -> values [..., organs], NaN where there is none.
      unit: '%', 'mm', or '' for a number without one.
      is_pooled: whether pixels of all images are added up first; else the mean over images is taken.
      highest: what no value exceeds.
    """
    label: str
    measure: str
    of: Callable[[np.ndarray], np.ndarray]
    unit: str = '%'
    is_pooled: bool = False
    highest: float = 100.0


def _distances(target: np.ndarray, predicted: np.ndarray, spacing_mm: Optional[Sequence[float]]
               ) -> Optional[np.ndarray]:
    from pipelines.scores import surface  # takes a moment: not for those who only read results
    return None if spacing_mm is None else np.round(
        surface.mask_distances(target, predicted, spacing_mm), 3)


# name -> (masks of the target, bool [organs, H, W], predicted ones, spacing in mm or None) -> [organs, K],
# None where it cannot be taken
MEASURES: Dict[str, Callable[..., Optional[np.ndarray]]] = {
    'counts': lambda target, predicted, spacing_mm: overlap.mask_counts(target, predicted),
    'distances': _distances,
}

THIN = 'thin'  # the measure of thin structures (thin.measure), taken where an organ is scattered, as vessels are

METRICS: Dict[str, Metric] = {
    'jaccard_pooled': Metric('J', 'counts', overlap.jaccard, is_pooled=True),
    'dice_pooled': Metric('DSC', 'counts', overlap.dice, is_pooled=True),
    'jaccard_per_image': Metric('J', 'counts', overlap.jaccard),
    'dice_per_image': Metric('DSC', 'counts', overlap.dice),
    'hd95_mm': Metric('HD95', 'distances', lambda measured: measured[..., 0], 'mm', highest=math.inf),
    'assd_mm': Metric('ASSD', 'distances', lambda measured: measured[..., 1], 'mm', highest=math.inf),
    'sensitivity_pooled': Metric('Sensitivity', THIN, thin.sensitivity, is_pooled=True),
    'specificity_pooled': Metric('Specificity', THIN, thin.specificity, is_pooled=True),
    'accuracy_pooled': Metric('Accuracy', THIN, thin.accuracy, is_pooled=True),
    'cldice_per_image': Metric('clDice', THIN, thin.centreline_dice),
    'auc_per_image': Metric('AUC', THIN, thin.auc),
}


def measure(target: np.ndarray, predicted: np.ndarray, spacing_mm: Optional[Sequence[float]],
            thin_ones: Optional[np.ndarray] = None) -> Dict[str, Optional[np.ndarray]]:
    """Every measure of one image, by name; masks bool [organs, H, W].

    Args:
      thin_ones: what thin.measure found, where the organs are such.
    """
    taken = {name: take(target, predicted, spacing_mm) for name, take in MEASURES.items()}
    return taken if thin_ones is None else {**taken, THIN: thin_ones}


def together(measured: Sequence[Mapping[str, Optional[np.ndarray]]]) -> Dict[str, Any]:
    """Measures of images, one dict each -> arrays [images, organs, K] by name; None where one has none."""
    return {name: None if any(one[name] is None for one in measured)
            else np.stack([one[name] for one in measured]) for name in measured[0]}


def values(measured: Mapping[str, Any], organs: Sequence[str]) -> Dict[Tuple[str, str], float]:
    """{(metric, organ or 'average'): value} of a set of images; what has no value is left out.

    Args:
      measured: by name arrays [images, organs, K], or lists with None for NaN; None where not taken.

    Raises:
      ValueError: a measure is not of these organs.
    """
    found: Dict[Tuple[str, str], float] = {}
    for name, metric in METRICS.items():
        array = as_array(measured.get(metric.measure), organs)
        if array is not None:
            array = array.sum(axis=0, keepdims=True) if metric.is_pooled else array
            found.update(overlap.means(name, metric.of(array), organs))
    return found


def scores(measured: Mapping[str, Any], organs: Sequence[str]) -> Dict[str, Dict[str, List[float]]]:
    """{metric: {organ or 'average': [value, low, high]}}, 95 % intervals over images where there are any."""
    found: Dict[str, Dict[str, List[float]]] = {}
    bounds = {name: _bounds(metric, measured, organs) for name, metric in METRICS.items()}
    for (name, organ), value in values(measured, organs).items():
        found.setdefault(name, {})[organ] = [
            round(float(v), 4) for v in (value, *bounds[name].get(organ, ()))]
    return found


def as_array(measured, organs: Sequence[str]) -> Optional[np.ndarray]:
    """A measure as an array [images, organs, K], None for none; ValueError if it is of others."""
    if measured is None:
        return None
    array = np.asarray(measured)
    array = array.astype(np.float64) if array.dtype == object else array
    if array.ndim != 3 or not len(array) or array.shape[1] != len(organs):
        raise ValueError(f'expected measures [images, {len(organs)}, ...] of the organs '
                         f'{", ".join(organs)}, found shape {array.shape}')
    return array


def _bounds(metric: Metric, measured: Mapping[str, Any], organs: Sequence[str]) -> dict:
    array = as_array(measured.get(metric.measure), organs)
    if array is None:
        return {}
    if not metric.is_pooled:
        return overlap.intervals(metric.of(array), organs)
    try:
        found = bootstrap.pooled_interval(array[None], organs, metric.of)
    except ValueError:  # fewer than two images that show an organ
        return {}
    return {organ: (interval.low, interval.high) for organ, interval in found.items()}
