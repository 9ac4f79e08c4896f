"""How a picture of any shape lies in a square record.

`pad`: whole and undistorted, in the middle of the square, the rest as dark as the picture's darkest pixel
and background. `stretch`: squeezed onto the square. Of a square picture both are the same. [ours] The
papers' pictures are square; constant and not mirrored, since a mirrored organ would be a second one.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

FITS = ('pad', 'stretch')


class Box(NamedTuple):
    """The part of a square that a picture takes, px."""
    top: int
    left: int
    height: int
    width: int


def box_of(height: int, width: int, size: int, fit: str = 'pad') -> Box:
    """Where a picture of `height` x `width` lies in a square of side `size`.

    Whole numbers only, so that an exported graph can do the same, see serving/export.py.
    """
    if fit == 'stretch':
        return Box(0, 0, size, size)
    longest = max(height, width)
    rows, columns = (max(1, (2 * side * size + longest) // (2 * longest)) for side in (height, width))
    return Box((size - rows) // 2, (size - columns) // 2, rows, columns)


def place(values: np.ndarray, box: Box, size: int, fill=0) -> np.ndarray:
    """Pixels [height, width, ...] of the box -> [size, size, ...], the rest `fill`."""
    square = np.full((size, size, *values.shape[2:]), fill, values.dtype)
    square[box.top:box.top + box.height, box.left:box.left + box.width] = values
    return square


def crop(square: np.ndarray, box: Box) -> np.ndarray:
    """The inverse of `place`: [size, size, ...] -> [height, width, ...]."""
    return square[box.top:box.top + box.height, box.left:box.left + box.width]
