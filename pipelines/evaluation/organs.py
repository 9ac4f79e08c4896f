"""Anatomy of a set of label maps as numbers, and how far generated ones are from real ones.

Label maps are uint8 [N, S, S] of codes (`datasets/labels.py`). Areas are fractions of the picture,
positions (y, x) fractions of height and width, as in `datasets/anatomy.py`, so that sets of several
sizes compare.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple

import cv2
import numpy as np
from scipy import stats

from datasets import anatomy, vessels
from datasets.labels import LabelCoding
from datasets.sample import mask_centroid

Measures = Dict[str, np.ndarray]


class Row(NamedTuple):
    """One quantity of two sets; what has no value is NaN.

    Attributes:
      real_mean, real_sd, generated_mean, generated_sd: over the maps where the quantity exists.
      distance: Wasserstein-1 distance of the distributions, in real standard deviations; NaN
        where the real ones do not vary.
    """
    quantity: str
    real_mean: float
    real_sd: float
    generated_mean: float
    generated_sd: float
    distance: float


def measure(label_maps: np.ndarray, coding: LabelCoding) -> Measures:
    """Every quantity of every label map: name -> float64 [N], NaN where an organ is missing.

    Of each organ: 'area'; 'centroid y' and 'centroid x'; 'pieces', how many 8-connected components
    are more than a speck (0 where it is missing); 'once', 1 where it is there in one dominant piece
    and 0 elsewhere (so its mean is a share). Of each scattered one, such as vessels: 'width' and 'length' in sides of
    the picture, and 'branchings', see vessels.py. Of each pair of `coding.left_right`: 'area ratio',
    smaller by larger; 'height difference' of the centroids, left minus right (positive: the left is
    lower in the picture); 'mirrored overlap', the Jaccard index of the left organ with the mirrored
    right one, centroids laid on each other, in [0, 1].

    Args:
      label_maps: uint8 [N, S, S] of codes.
    """
    maps = [_measure_map(label_map, coding) for label_map in label_maps]
    return {name: np.array([row[name] for row in maps], np.float64) for name in maps[0]}


def compare(real: Measures, generated: Measures) -> List[Row]:
    """One row a quantity of `measure`, in its order."""
    rows = []
    for quantity in real:
        ours, theirs = (values[~np.isnan(values)] for values in (real[quantity],
                                                                 generated[quantity]))
        (mean, sd), (generated_mean, generated_sd) = _moments(ours), _moments(theirs)
        varies = sd > 1e-9 and len(theirs)  # False for NaN
        distance = stats.wasserstein_distance(ours, theirs) / sd if varies else float('nan')
        rows.append(Row(quantity, mean, sd, generated_mean, generated_sd, float(distance)))
    return rows


def _moments(values: np.ndarray):
    if not len(values):
        return float('nan'), float('nan')
    return float(values.mean()), float(values.std())


def _measure_map(label_map: np.ndarray, coding: LabelCoding) -> Dict[str, float]:
    masks = {organ: coding.organ_mask(label_map, organ) for organ in coding.organs}
    row: Dict[str, float] = {}
    for organ, mask in masks.items():
        found = {**_measure_organ(mask), **(vessels.shape(mask) if organ in coding.scattered else {})}
        row.update({f'{organ} {name}': value for name, value in found.items()})
    for left, right in coding.left_right:
        pair = _measure_pair(masks[left], masks[right])
        row.update({f'{left} / {right} {name}': value for name, value in pair.items()})
    return row


def _measure_organ(mask: np.ndarray) -> Dict[str, float]:
    if not mask.any():
        nan = float('nan')
        return {'area': nan, 'centroid y': nan, 'centroid x': nan, 'pieces': 0, 'once': 0}
    y, x = mask_centroid(mask)
    _, _, components, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = components[1:, cv2.CC_STAT_AREA]
    # what anatomy.clean_labels takes for a speck
    speck = max(2, round(anatomy.SPECK_AREA * mask.size))
    return {'area': mask.mean(), 'centroid y': y, 'centroid x': x,
            'pieces': int((areas >= speck).sum()),
            'once': float(areas.max() >= anatomy.DOMINANT * areas.sum())}


def _measure_pair(left: np.ndarray, right: np.ndarray) -> Dict[str, float]:
    if not (left.any() and right.any()):
        return dict.fromkeys(('area ratio', 'height difference', 'mirrored overlap'), float('nan'))
    areas = sorted([left.sum(), right.sum()])
    return {'area ratio': areas[0] / areas[1],
            'height difference': mask_centroid(left)[0] - mask_centroid(right)[0],
            'mirrored overlap': _overlap(left, right[:, ::-1])}


def _overlap(mask: np.ndarray, other: np.ndarray) -> float:
    """Jaccard index after moving `other` by whole pixels onto the centroid of `mask`."""
    shift = (np.array(mask_centroid(mask)) - mask_centroid(other)) * mask.shape
    other = np.roll(other, np.rint(shift).astype(int), axis=(0, 1))
    return float((mask & other).sum() / (mask | other).sum())
