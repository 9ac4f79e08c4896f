"""Drawn chests of which most have a pneumothorax: a lesion to find where nothing else is labelled. [ours]

The chest of (seed, index) is that of phantom.py and takes the same random numbers; the air takes numbers of its own,
so that a picture without any is the phantom's.
"""
from __future__ import annotations

import functools
from typing import List

import numpy as np

from datasets.labels import PNEUMOTHORAX_OR_NONE
from datasets.phantom import pneumothorax
from datasets.phantom.phantom import draw_chest, name_of, open_drawn
from datasets.phantom.radiograph import Chest, render
from datasets.sample import Dataset, Sample

NAME = 'phantom_lesions'
HEALTHY, BOTH = 0.15, 0.05  # shares of the pictures without any, and with one on each side
STREAM = 1                  # of random numbers, beside the chest's


def open_lesions(split: str, count: int, size: int, seed: int) -> Dataset:
    """`count` drawn chests of size x size pixels; train (or all) and test draw from disjoint indices."""
    return open_drawn(NAME, PNEUMOTHORAX_OR_NONE, functools.partial(draw_lesions, size=size), split, count, seed)


def draw_lesions(seed: int, index: int, size: int) -> Sample:
    """Draws chest `index` of `seed` and what it has: image uint8 [size, size], mask bool [size, size], which may be
    empty."""
    chest, rng = draw_chest(seed, index, size)
    found = _pneumothoraces(chest, np.random.default_rng([seed, index, STREAM]))
    image, _ = render(chest, rng, size, lesions=pneumothorax.layers(found, chest, size) if found else None)
    return Sample(name_of(NAME, seed, index), image, {PNEUMOTHORAX_OR_NONE.organs[0]: pneumothorax.air(found, chest, size)})


def _pneumothoraces(chest: Chest, rng: np.random.Generator) -> List[pneumothorax.Pneumothorax]:
    how_many, side = rng.uniform(), 1 if rng.uniform() < 0.45 else -1  # the right side more often
    if how_many < HEALTHY:
        return []
    return [pneumothorax.draw(chest, rng, one) for one in ((side, -side) if how_many > 1 - BOTH else (side,))]
