"""Vessels as numbers, by which to see whether drawn or generated ones are like real ones. [ours]

Lengths and widths are pixels of the mask; divide by its side to compare pictures of several sizes, as `organs.py` does.
"""
from __future__ import annotations

from typing import NamedTuple, Optional

import cv2
import numpy as np

from pipelines.scores.skeleton import neighbours, skeleton

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
