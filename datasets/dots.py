"""Dots: one filled disc per organ at its centroid, the first stage of the three-stage method.

A dot map is uint8 [size, size], 64 x 64 in the paper; value 0 is background, 1 + i the dot of
`coding.organs[i]`. Radius 2 is [ours]. Positions are (y, x) as fractions of height and width.
"""
from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from datasets.labels import LabelCoding
from datasets.sample import mask_centroid

SIZE = 64
RADIUS = 2
# a blob of fewer pixels than this part of a whole dot is a speck [ours]
MIN_PART = 0.25


class Dot(NamedTuple):
    """One blob of a dot map: the organ it stands for, and its centroid as fractions."""
    organ: str
    y: float
    x: float


def mask_dots(masks: Dict[str, np.ndarray], coding: LabelCoding) -> List[Dot]:
    """The centroids of organ masks (bool [h, w]) in the order of the coding.

    An organ that is absent has no dot. A scattered one has none ever: it has no place of its own. [ours]
    """
    return [Dot(organ, *mask_centroid(masks[organ])) for organ in coding.organs
            if organ not in coding.scattered and masks[organ].any()]


def draw_dots(dots: Iterable[Dot], coding: LabelCoding, size: int = SIZE, radius: int = RADIUS
              ) -> np.ndarray:
    """Draws dots, later ones over earlier ones: uint8 [size, size] of 1 + index of the organ."""
    code_map = np.zeros((size, size), np.uint8)
    rows, columns = np.mgrid[:size, :size]
    for dot in dots:
        y, x = (min(max(int(at * size), 0), size - 1) for at in (dot.y, dot.x))
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= radius ** 2
        code_map[disc] = 1 + coding.organs.index(dot.organ)
    return code_map


def decode_dots(code_map: np.ndarray, coding: LabelCoding, radius: int = RADIUS) -> List[Dot]:
    """Finds the dots of a map of codes, however ragged a GAN drew them.

    A blob is an 8-connected region of any codes but 0; it is the dot of the code that most of its
    pixels have (the lowest of equals). Specks are dropped.

    Args:
      code_map: uint8 [size, size].
      radius: of a clean dot in this map, in pixels; says what a speck is.

    Returns:
      Dots ordered by organ, then from top to bottom: none, one or several of each organ.
    """
    size = code_map.shape[0]
    count, blobs, stats, centroids = cv2.connectedComponentsWithStats(
        (code_map > 0).astype(np.uint8), connectivity=8)
    votes = np.zeros((count, 1 + len(coding.organs)), int)
    np.add.at(votes, (blobs.ravel(), code_map.ravel()), 1)
    least = max(2, MIN_PART * disc_area(radius))
    found: List[Tuple[int, Dot]] = []
    for blob in range(1, count):
        if stats[blob, cv2.CC_STAT_AREA] >= least:
            organ = int(votes[blob].argmax()) - 1
            x, y = (centroids[blob] + 0.5) / size
            found.append((organ, Dot(coding.organs[organ], float(y), float(x))))
    return [dot for _, dot in sorted(found, key=lambda item: (item[0], item[1].y, item[1].x))]


def clean_dots(code_map: np.ndarray, coding: LabelCoding, radius: int = RADIUS) -> np.ndarray:
    """Decodes a map of dots and draws it again with whole discs; uint8, the size given."""
    dots = decode_dots(code_map, coding, radius)
    return draw_dots(dots, coding, code_map.shape[0], radius)


def jittered(code_map: np.ndarray, coding: LabelCoding, strength: float, seed: Sequence[int], radius: int = RADIUS
              ) -> np.ndarray:
    """A map of dots with each of them moved at random, so that equal ones become others; uint8, the size given.

    Args:
      strength: up to how far, either way and on either axis, as a share of the side.
      seed: of these moves.
    """
    rng = np.random.default_rng(seed)
    moved = [dot._replace(y=dot.y + dy, x=dot.x + dx) for dot in decode_dots(code_map, coding, radius)
             for dy, dx in [rng.uniform(-strength, strength, 2)]]
    return draw_dots(moved, coding, code_map.shape[0], radius)


def dots_violations(code_map: np.ndarray, coding: LabelCoding, radius: int = RADIUS) -> List[str]:
    """What is wrong with a dot map, a line each: an organ without or with several dots, sides."""
    at: Dict[str, List[Dot]] = {organ: [] for organ in coding.organs}
    for dot in decode_dots(code_map, coding, radius):
        at[dot.organ].append(dot)
    allowed = {organ: (0,) if organ in coding.scattered else (0, 1) if organ in coding.optional else (1,)
               for organ in coding.organs}
    words = {(0,): 'no dot', (0, 1): 'one dot or none', (1,): 'one dot'}
    wrong = [f'{organ}: expected {words[allowed[organ]]}, found {len(dots)}'
             for organ, dots in at.items() if len(dots) not in allowed[organ]]
    for left, right in coding.left_right:
        if len(at[left]) == len(at[right]) == 1 and at[left][0].x <= at[right][0].x:
            wrong.append(f'{left} and {right}: sides swapped')
    return wrong


def disc_area(radius: int) -> int:
    """Pixels of a whole dot: 13 for radius 2."""
    rows, columns = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    return int((rows ** 2 + columns ** 2 <= radius ** 2).sum())
