"""Distances between the outlines of segmentations and of their targets, in millimetres.

Class maps are integer arrays [height, width], 0 = background, class i + 1 = `organs[i]`. An outline
runs through the corners between pixels, and along the picture's edge where an organ touches it; its
elements count by their length. The package does the geometry, and trims the picture to what the two
masks cover before it does.

An organ that neither map shows has no distance there: NaN, and that image leaves the organ's mean,
as in `overlap`. An organ that only one of them shows has both distances at the picture's diagonal,
the worst there is. [ours]
"""
from __future__ import annotations

from importlib import metadata
from typing import Sequence, Tuple

import numpy as np
import surface_distance

LIBRARY = f'surface-distance {metadata.version("surface-distance")}'


def surface_distances(target: np.ndarray, prediction: np.ndarray, num_classes: int,
                      spacing_mm: Sequence[float]) -> np.ndarray:
    """HD95 and ASSD of each organ of one image.

    HD95 is the larger of the two directed 95th percentiles. ASSD is the mean over the elements of
    both outlines together, weighted by their length (Heimann et al., IEEE TMI 2009, with lengths in
    the place of voxel counts); the mean of the two directed means, which some packages call so,
    differs from it where one outline is longer.

    Args:
      target: class map [height, width].
      prediction: class map of the same shape.
      num_classes: C, the background among them.
      spacing_mm: height and width of a pixel.

    Returns:
      float64 [C - 1, 2]: HD95 and ASSD of classes 1, 2, ... in mm.

    Raises:
      ValueError: the maps are not two-dimensional or differ in shape, or `spacing_mm` is not two
        positive numbers.
    """
    if target.ndim != 2 or target.shape != prediction.shape:
        raise ValueError('expected target and prediction of one shape [height, width], found '
                         f'{target.shape} and {prediction.shape}')
    classes = np.arange(1, num_classes)[:, None, None]
    return mask_distances(target == classes, prediction == classes, spacing_mm)


def mask_distances(target: np.ndarray, prediction: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """`surface_distances` of masks, bool [organs, height, width] each -> float64 [organs, 2].

    Raises:
      ValueError: as `surface_distances`.
    """
    if target.ndim != 3 or target.shape != prediction.shape:
        raise ValueError('expected masks of one shape [organs, height, width], found '
                         f'{target.shape} and {prediction.shape}')
    spacing = np.asarray(spacing_mm)
    if (spacing.shape != (2,) or spacing.dtype.kind not in 'iuf' or not np.isfinite(spacing).all()
            or not (spacing > 0).all()):
        raise ValueError(f'spacing_mm: expected two positive numbers, the height and width of a '
                         f'pixel in mm, found {spacing_mm!r}')
    diagonal = np.hypot(*(spacing * target.shape[1:]))
    return np.array([_of_masks(*both, spacing, diagonal) for both in zip(target, prediction)],
                    np.float64).reshape(-1, 2)


def _of_masks(target: np.ndarray, prediction: np.ndarray, spacing: np.ndarray,
              diagonal: float) -> Tuple[float, float]:
    shown = target.any(), prediction.any()
    if not all(shown):
        return (diagonal, diagonal) if any(shown) else (np.nan, np.nan)
    found = surface_distance.compute_surface_distances(target, prediction, spacing)
    lengths = np.concatenate([found['surfel_areas_gt'], found['surfel_areas_pred']])
    apart = np.concatenate([found['distances_gt_to_pred'], found['distances_pred_to_gt']])
    return (surface_distance.compute_robust_hausdorff(found, 95),
            np.average(apart, weights=lengths))
