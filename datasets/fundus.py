"""What a photograph of the retina must be, found in the picture: colours, and the disc that the camera saw.

Outside that disc, the *field of view*, there is nothing to see: its pixels are `ignored` (datasets/sample.py), so that
they neither train a segmenter nor score it, which the black corners would flatter.
"""
from __future__ import annotations

import pathlib
from typing import Tuple, Union

import cv2
import numpy as np

from datasets.errors import InputError
from datasets.images import check_not_constant, read_mask, read_picture, weighed
from datasets.sample import check_binary

# [ours] the field is brighter than the corners by this share of the picture's range, and by that share of what is
# brightest nearby: what JPEG leaves of the black beside a bright rim is darker, the rim of a badly lit eye brighter
BRIGHTER, OF_NEARBY = 0.03, 0.25
BLOCK, NEARBY = 1 / 200, 1 / 20   # of the side: what is averaged first, and how far nearby reaches
TAB = 1 / 40                 # of the side: thinner pieces are no part of the field
CORNER = 1 / 40              # of the side: squares in the corners, which no field reaches
LEAST_FIELD = 0.2            # of the picture: less is no field of view
TOLD_OUTSIDE = 0.01          # of the vessels: what lies outside the field above it is said

Path = Union[str, pathlib.Path]


def read_fundus(path: Path, channels: int = 1, grey: str = 'equal') -> Tuple[np.ndarray, np.ndarray]:
    """Reads a photograph as images.read_picture does, of a data set whose pictures are all in colour, or all copies
    that somebody made grey.

    Returns:
      (the picture [H, W] or [H, W, 3]; the same in colours [H, W, 3], in which the field of view is found).

    Raises:
      InputError: it is grey where colours are asked for or to be weighed, or in colour where grey ones are.
    """
    colours = read_picture(path, 3)
    check_not_constant(colours, path)
    is_grey = bool((colours == colours[..., :1]).all())
    if channels == 1 and grey == 'equal':
        return read_picture(path), colours
    if is_grey:
        raise InputError(f'{path}: expected a photograph in colour, found a grey picture; take the original, or, where '
                         f'all pictures are grey copies, set data.channels=1 and data.grey=equal')
    return colours if channels == 3 else weighed(colours, grey), colours


def read_field(path: Path) -> np.ndarray:
    """Reads a given field of view, bool [H, W].

    Raises:
      InputError: it covers nothing, or hardly anything, or is inverted.
    """
    return check_field_of_view(check_binary(read_mask(path), str(path)), path)


def check_field_of_view(field: np.ndarray, source: Path) -> np.ndarray:
    """The field, bool [H, W]; InputError, naming `source`, if it covers hardly anything, or the corners alone."""
    if field.mean() < LEAST_FIELD:
        raise InputError(f'{source}: expected a field of view, found {field.mean():.1%} of the picture; '
                         f'{"is it empty?" if not field.any() else "is it inverted, or another mask?"}')
    height, width = field.shape
    if field[[0, 0, -1, -1], [0, -1, 0, -1]].all() and not field[height // 2, width // 2]:
        raise InputError(f'{source}: expected a field of view, found one that covers the four corners and not the '
                         f'middle; is it inverted?')
    return field


def field_of_view(image: np.ndarray, source: Path) -> np.ndarray:
    """The disc that the camera saw, bool [H, W], also where the frame cuts it.

    [ours] What is brighter than the corners, its largest piece without thin tabs, and the convex hull of that: a dark
    rim, a lesion or a vessel makes no dent.

    Args:
      image: [H, W], or [H, W, 3] in colours, of which the brightest counts; 8 or 16 bits.

    Raises:
      InputError: no bright disc on black.
    """
    grey = (image if image.ndim == 2 else image.max(axis=-1)).astype(np.float32)
    side = max(grey.shape)
    block, corner = max(1, round(BLOCK * side)) | 1, max(1, round(CORNER * side))
    smooth = cv2.blur(grey, (block, block))
    corners = [smooth[rows, columns] for rows in (np.s_[:corner], np.s_[-corner:])
               for columns in (np.s_[:corner], np.s_[-corner:])]
    black, white = np.median([np.median(part) for part in corners]), np.percentile(smooth, 99)
    reach = max(3, round(NEARBY * side)) | 1
    nearby = cv2.dilate(smooth, np.ones((reach, reach), np.uint8))
    bright = (smooth > black + np.maximum(BRIGHTER * white, OF_NEARBY * (nearby - black))).astype(np.uint8)
    tab = max(3, round(TAB * side)) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (tab, tab))
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, disc, borderType=cv2.BORDER_REPLICATE)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    field = np.zeros(grey.shape, np.uint8)
    if len(stats) > 1:
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        outlines, _ = cv2.findContours((pieces == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.fillConvexPoly(field, cv2.convexHull(outlines[0]), 1)
    if field.mean() < LEAST_FIELD or field[[0, 0, -1, -1], [0, -1, 0, -1]].any():
        raise InputError(f'{source}: expected a bright disc on black corners, found none; give its field of view as a '
                         f'folder data set does, with `ignore` in coding.yaml, or take the picture out')
    return field > 0


def told_outside(vessels: np.ndarray, field: np.ndarray) -> Tuple[str, ...]:
    """What is told of the vessels of a picture: that some lie outside its field of view."""
    share = (vessels & ~field).sum() / max(1, vessels.sum())
    words = f'more than {TOLD_OUTSIDE:.0%} of the vessels lie outside the field of view'
    return (words,) if share > TOLD_OUTSIDE else ()
