"""Vessels as numbers, by which to see whether drawn or generated ones are like real ones. [ours]

Lengths and widths are pixels of the mask; `shape` divides them by its side, to compare pictures of several sizes.
"""
from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from datasets.skeleton import neighbours, skeleton

# of a code of neighbours: how often it changes from none to some, going round, which is how many lines leave a pixel
_ROUND = np.arange(256)[:, None] >> np.arange(8) & 1
LEAVING = (_ROUND < np.roll(_ROUND, -1, axis=1)).sum(axis=1)


class Vessels(NamedTuple):
    """What a mask of vessels shows.

    Attributes:
      share: of the field of view that they cover, in [0, 1].
      width: mean over their length, px; NaN where there are none.
      length: of their centre lines, px.
      branchings: places where three lines or more meet, so also where two vessels cross.
    """
    share: float
    width: float
    length: float
    branchings: int


def measure(mask: np.ndarray, field: Optional[np.ndarray] = None) -> Vessels:
    """Measures a mask of vessels, bool [H, W], inside a field of view (None: all of the picture)."""
    inside = np.ones(mask.shape, bool) if field is None else field
    mask = mask & inside
    lines = skeleton(mask)
    length = line_length(lines)
    return Vessels(float(mask.sum() / max(1, inside.sum())), float(mask.sum() / length) if length else float('nan'),
                   length, num_branchings(lines))


def shape(mask: np.ndarray) -> Dict[str, float]:
    """'width' and 'length' in sides of the picture (NaN where it is empty), and 'branchings', of a mask bool [S, S]."""
    found = measure(mask)
    length = found.length / mask.shape[0] if mask.any() else float('nan')
    return {'width': found.width / mask.shape[0], 'length': length, 'branchings': found.branchings}


def speck_area(masks: Sequence[np.ndarray], loss: float, largest: float) -> float:
    """The area, as a share of the picture, below which a piece is a speck rather than a vessel.

    The largest one, at most `largest`, for which the pieces of real masks that are smaller hold no more than the share
    `loss` of all their pixels: capillaries, which stand alone where a picture is small, are then safe.

    Args:
      masks: of learning images, bool [H, W] each, of any sizes.
    """
    shares = [stats[1:, cv2.CC_STAT_AREA] / mask.size for mask in masks for stats in [
        cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2]]]
    areas = np.sort(np.concatenate(shares)) if shares else np.zeros(0)
    lost = np.cumsum(areas) > loss * areas.sum()
    return float(min(largest, areas[lost.argmax()])) if lost.any() else largest


def line_length(lines: np.ndarray) -> float:
    """Length of lines of one pixel, bool [H, W]: 1 for each two pixels side by side, the root of 2 for each two corner
    to corner that nothing else joins, and 1 for each piece, which is half a pixel at either end."""
    straight = (lines[1:] & lines[:-1]).sum() + (lines[:, 1:] & lines[:, :-1]).sum()
    above, below = lines[:-1], lines[1:]
    slanted = 0
    for one, other, beside, across in ((above[:, :-1], below[:, 1:], above[:, 1:], below[:, :-1]),
                                       (above[:, 1:], below[:, :-1], above[:, :-1], below[:, 1:])):
        slanted += (one & other & ~beside & ~across).sum()
    pieces = cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)[0] - 1
    return float(straight + np.sqrt(2) * slanted + pieces)


def num_branchings(lines: np.ndarray) -> int:
    """Places where three lines or more meet; pixels that touch are one place. Lines: bool [H, W], as of `skeleton`."""
    meeting = np.zeros(lines.shape, np.uint8)
    meeting[lines] = LEAVING[neighbours(lines)] >= 3
    return cv2.connectedComponents(meeting, connectivity=8)[0] - 1
