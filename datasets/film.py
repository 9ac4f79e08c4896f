"""Where a scanned picture is film, and where the black plate that a smaller or slanted film was scanned on.

A border of the film is found as a straight line on each side of the picture, at most a little slanted, so that what is
black beside a patient stays film, and so does whatever is written on it.
"""
from __future__ import annotations

from typing import Tuple

import numpy as np

from datasets.fitting import Box
from datasets.sample import Sample

# [ours] black is what lies so near the darkest grey, as a share of the range
BLACK = 0.04
SLANT = np.tan(np.deg2rad(np.linspace(-5, 5, 41)))  # [ours] of the film on the plate: black flanks lie steeper
LEAST = 0.25  # [ours] of each side: a picture with less film is none with a border, and stays whole
BEYOND = 'a mask reaches beyond the film, where nothing is learned or scored'
PARTS = 32   # [ours] of a side: in each of them the middle one of its lines counts, so that specks count for nothing


def film(image: np.ndarray) -> np.ndarray:
    """Where a picture is film, bool [H, W]; all of it where no side has a black border.

    Args:
      image: [H, W], or [H, W, C] in colours, of which the brightest counts.
    """
    grey = image if image.ndim == 2 else image.max(axis=-1)
    darkest, brightest = int(grey.min()), int(grey.max())
    found = np.ones(grey.shape, bool)
    if darkest == brightest:
        return found
    black = grey <= darkest + BLACK * (brightest - darkest)
    for turns in range(4):  # each side once on top; views, so that all are of one array
        side, beyond = np.rot90(black, turns), np.rot90(found, turns)
        depth, slope = edge(side)
        if depth > 0:
            columns = np.arange(side.shape[1]) - (side.shape[1] - 1) / 2
            line = depth + slope * columns
            beyond &= np.arange(side.shape[0])[:, None] + 0.5 >= line
    return found


def edge(black: np.ndarray) -> Tuple[float, float]:
    """(depth in the middle, slope), px, of the line above which the top of a picture is black, bool [H, W].

    [ours] Of all lines that are not too slanted, begin and end inside the picture, and above which everything is
    black, the one that is the deepest in the middle. (0, 0) where there is none.
    """
    columns = np.arange(black.shape[1])
    runs = np.where(black.all(axis=0), len(black), black.argmin(axis=0))
    parts = np.array_split(columns, min(PARTS, len(columns)))
    runs = np.array([np.median(runs[part]) for part in parts])
    places = np.array([part.mean() for part in parts]) - columns.mean()
    depths = (runs - SLANT[:, None] * places).min(axis=1)
    depths[depths < np.abs(SLANT) * len(columns) / 2] = 0  # beside a patient it is black along a part of the side
    best = depths.argmax()
    return (float(depths[best]), float(SLANT[best])) if depths[best] >= 1 else (0.0, 0.0)


def box_of_film(image: np.ndarray) -> Box:
    """The smallest upright rectangle that holds all of the film: [ours] a slanted edge leaves a black wedge in it, so
    that nothing of the film is lost, and no mask on it."""
    found = film(image)
    rows, columns = (np.nonzero(found.any(axis=axis))[0] for axis in (1, 0))
    if len(rows) < LEAST * image.shape[0] or len(columns) < LEAST * image.shape[1]:
        return Box(0, 0, *image.shape[:2])
    return Box(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))


def trimmed(sample: Sample) -> Sample:
    """A sample cut to its film, with its masks and all else that it brings; the same where it has no border.

    Returns:
      With `cut_from`, and `BEYOND` told where a mask loses a pixel.
    """
    height, width = sample.image.shape[:2]
    box = box_of_film(sample.image)
    if (box.height, box.width) == (height, width):
        return sample

    def cut(values):
        """Of another size than the picture, what covers the same."""
        rows, columns = (np.round(np.array([first, first + count]) * side / whole).astype(int)
                         for first, count, side, whole in ((box.top, box.height, values.shape[0], height),
                                                           (box.left, box.width, values.shape[1], width)))
        return np.ascontiguousarray(values[slice(*rows), slice(*columns)])

    masks = {organ: cut(mask) for organ, mask in sample.masks.items()}
    lost = any(mask.sum() > masks[organ].sum() for organ, mask in sample.masks.items())
    return sample._replace(
        image=cut(sample.image), masks=masks, ignored=None if sample.ignored is None else cut(sample.ignored),
        bone_suppressed=None if sample.bone_suppressed is None else cut(sample.bone_suppressed),
        told=(*sample.told, *([BEYOND] if lost else [])), cut_from=(box.top, box.left, height, width))
