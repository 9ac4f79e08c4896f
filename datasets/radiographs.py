"""What a chest radiograph must be, found in the picture and not in a file's name: polarity and sides."""
from __future__ import annotations

import pathlib
from typing import Dict, Tuple, Union

import cv2
import numpy as np

from datasets.errors import InputError
from datasets.film import film
from datasets.sample import mask_centroid

TOLD_BORDER = 0.01       # of a picture: a border that is smaller goes unsaid
# [ours] both lungs in one mask part where fewest of its pixels stand in a column, in the middle of its width
MIDDLE = 0.3, 0.7
BOTH_SIDES = 0.2         # a piece with so much on either side of that column is both lungs, and is cut there
NARROW = 0.5             # of the fullest column: where more stands in the column of the cut, it is one lung

Path = Union[str, pathlib.Path]
Masks = Dict[str, np.ndarray]


def check_polarity(image: np.ndarray, masks: Masks, path: Path) -> None:
    """InputError where the lungs are brighter than what surrounds them: the picture is inverted.

    [ours] Compared are medians: of both lungs, and of what lies within a tenth of the width around them.

    Args:
      image: [H, W], or [H, W, C] in colours, of which the mean counts.
      masks: 'left_lung' and 'right_lung', bool [h, w], perhaps of another size.
    """
    image = image if image.ndim == 2 else image.mean(axis=-1)
    lungs = (masks['left_lung'] | masks['right_lung']).astype(np.uint8)
    lungs = cv2.resize(lungs, image.shape[::-1], interpolation=cv2.INTER_NEAREST)
    reach = max(3, image.shape[1] // 10) | 1
    around = cv2.dilate(lungs, np.ones((reach, reach), np.uint8)) - lungs
    if not (lungs.any() and around.any()):
        return
    inside, outside = np.median(image[lungs > 0]), np.median(image[around > 0])
    if inside > outside:
        raise InputError(f'{path}: expected lungs darker than what surrounds them, found medians {inside:.0f} '
                         f'and {outside:.0f}: the picture is inverted, or its masks are another\'s; invert it (maximum minus '
                         f'value), or take it out')


def by_side(one: np.ndarray, other: np.ndarray) -> Masks:
    """Two masks that are not empty, bool [H, W] -> the lungs by their place: the patient's left one lies further
    right in the picture, whatever a file or folder calls it."""
    one_x, other_x = mask_centroid(one)[1], mask_centroid(other)[1]
    return {'left_lung': one, 'right_lung': other} if one_x > other_x else {'left_lung': other, 'right_lung': one}


def parted(lungs: np.ndarray, path: Path) -> Masks:
    """One mask of both lungs, bool [H, W] -> a mask of each, whose union it is.

    [ours] A piece goes as a whole to the side where most of it lies, so that a slanted chest is not cut; one that
    reaches far into both is cut along the column between them.

    Raises:
      InputError: nothing lies on one of the sides, or what is to be cut does not narrow there.
    """
    columns = np.nonzero(lungs.any(axis=0))[0]
    first, width = columns[0], columns[-1] + 1 - columns[0]
    low, high = (first + round(share * width) for share in MIDDLE)
    counted = lungs[:, low:high + 1].sum(axis=0)
    fewest = np.nonzero(counted == counted.min())[0]
    column = low + int(fewest[len(fewest) // 2])
    is_narrow = counted.min() <= NARROW * lungs.sum(axis=0).max()
    _, pieces = cv2.connectedComponents(lungs.astype(np.uint8), connectivity=8)
    left = np.zeros_like(lungs)
    for number in range(1, pieces.max() + 1):
        piece = pieces == number
        share = piece[:, column:].sum() / piece.sum()
        if BOTH_SIDES <= share <= 1 - BOTH_SIDES and is_narrow:
            left[:, column:] |= piece[:, column:]
        elif share > 0.5:
            left |= piece
    if not left.any() or left.sum() == lungs.sum():
        raise InputError(f'{path}: expected a mask of both lungs, found one lung, or none on one of the sides; take '
                         f'the picture out')
    return {'left_lung': left, 'right_lung': lungs & ~left}


def told(image: np.ndarray) -> Tuple[str, ...]:
    """What is told of a picture: that it has a black border, above a hundredth of it, see datasets/film.py."""
    return ('a black border',) if 1 - film(image).mean() > TOLD_BORDER else ()
