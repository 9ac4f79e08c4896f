"""Scores of thin structures, such as vessels, inside what is known of a picture (its field of view), in numpy.

What is measured of an image are numbers of each organ [..., organs, 9], see Column; every score follows from them, in
per cent, NaN for 0/0 as in `overlap`. Sensitivity, specificity and accuracy are what papers on vessels print, of all
pixels of the field; J and DSC stand in `overlap`. AUC is taken of each image by itself, and then their mean.
"""
from __future__ import annotations

import enum
from typing import Optional

import numpy as np

from datasets.skeleton import skeleton
from pipelines.scores.overlap import mask_counts


class Column(enum.IntEnum):
    """What is measured of an organ, in pixels but for the last."""
    RIGHT = 0             # true positives
    INVENTED = 1          # false positives
    MISSED = 2            # false negatives
    REST = 3              # true negatives, of the known pixels
    LINE_RIGHT = 4        # of the predicted centre line, what lies in the target
    LINE = 5              # the predicted centre line
    LINE_FOUND = 6        # of the target's centre line, what lies in the prediction
    LINE_WANTED = 7       # the target's centre line
    AUC = 8               # per cent; NaN where there are no probabilities


def measure(target: np.ndarray, predicted: np.ndarray, known: np.ndarray, probabilities: Optional[np.ndarray] = None
            ) -> np.ndarray:
    """Measures one image, float64 [organs, 9].

    Args:
      target, predicted: masks, bool [organs, H, W].
      known: what takes part, bool [H, W].
      probabilities: of each organ, [organs, H, W], of which the prediction is a threshold; None = there are none.

    Raises:
      ValueError: they differ in shape.
    """
    target, predicted = target & known, predicted & known
    counted = mask_counts(target, predicted)
    rows = []
    for number, (wanted, found) in enumerate(zip(target, predicted)):
        line, wanted_line = skeleton(found), skeleton(wanted)
        area = np.nan if probabilities is None else roc_auc(wanted[known], probabilities[number][known])
        rows.append([*counted[number], known.sum() - counted[number].sum(), (line & wanted).sum(), line.sum(),
                     (wanted_line & found).sum(), wanted_line.sum(), area])
    return np.round(np.array(rows, np.float64).reshape(-1, len(Column)), 4)


def roc_auc(target: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve in per cent: how often a pixel of the organ has a higher probability than one beside it.

    Equal probabilities count half (Mann and Whitney's statistic, as the trapezoids under the curve).

    Args:
      target: bool [pixels]; probabilities: [pixels], any scale.

    Returns:
      NaN where all pixels are of one kind.

    Raises:
      ValueError: they differ in shape, or a probability is NaN.
    """
    if target.shape != probabilities.shape:
        raise ValueError(f'expected a probability of every pixel, found shapes {target.shape} and '
                         f'{probabilities.shape}')
    if np.isnan(probabilities).any():
        raise ValueError('expected probabilities, found NaN')
    values, places = np.unique(probabilities, return_inverse=True)
    positive = np.bincount(places.ravel()[target.ravel()], minlength=len(values))
    negative = np.bincount(places.ravel(), minlength=len(values)) - positive
    pairs = int(positive.sum()) * int(negative.sum())
    below = np.cumsum(negative) - negative
    return 100.0 * float((positive * (below + negative / 2.0)).sum()) / pairs if pairs else float('nan')


def sensitivity(measured: np.ndarray) -> np.ndarray:
    """TP / (TP + FN) in per cent: what was found of the organ; [..., 9] -> [...], as all that follow."""
    return _per_cent(_of(measured, Column.RIGHT), _of(measured, Column.RIGHT) + _of(measured, Column.MISSED))


def specificity(measured: np.ndarray) -> np.ndarray:
    """TN / (TN + FP): what was left alone of the rest."""
    return _per_cent(_of(measured, Column.REST), _of(measured, Column.REST) + _of(measured, Column.INVENTED))


def accuracy(measured: np.ndarray) -> np.ndarray:
    """(TP + TN) / all: high for an empty prediction too, since most pixels are none of the organ's."""
    right = _of(measured, Column.RIGHT) + _of(measured, Column.REST)
    return _per_cent(right, right + _of(measured, Column.INVENTED) + _of(measured, Column.MISSED))


def centreline_dice(measured: np.ndarray) -> np.ndarray:
    """clDice (Shit et al., CVPR 2021, equation 3): thin branches count as much as wide ones, and a gap costs.

    The harmonic mean of the share of the predicted centre line that lies in the target and of the share of the target's
    that lies in the prediction. Where only one of the two shows the organ it is 0. [ours]
    """
    line, wanted = _of(measured, Column.LINE), _of(measured, Column.LINE_WANTED)
    precision, found = (_per_cent(_of(measured, part), whole) for part, whole in (
        (Column.LINE_RIGHT, line), (Column.LINE_FOUND, wanted)))
    both = np.nan_to_num(precision) + np.nan_to_num(found)
    mean = np.divide(2 * precision * found, both, out=np.zeros(both.shape), where=both > 0)
    return np.where((line > 0) & (wanted > 0), mean, np.where((line > 0) | (wanted > 0), 0.0, np.nan))


def auc(measured: np.ndarray) -> np.ndarray:
    """`roc_auc`, as it was measured of each image."""
    return _of(measured, Column.AUC)


def _of(measured: np.ndarray, column: Column) -> np.ndarray:
    return measured[..., column]


def _per_cent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(100.0 * part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
