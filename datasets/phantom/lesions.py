"""Drawn chests of which most have a pneumothorax: a lesion to find where nothing else is labelled. [ours]

The chest of (seed, index) is that of phantom.py and takes the same random numbers; the air takes numbers of its own,
so that a picture without any is the phantom's.
"""
from __future__ import annotations

import functools
from typing import List

import numpy as np

from datasets.labels import PNEUMOTHORAX, PNEUMOTHORAX_OR_NONE
from datasets.phantom import pneumothorax
from datasets.phantom.phantom import draw_chest, name_of, open_drawn
from datasets.phantom.radiograph import Chest, render
from datasets.sample import Dataset, Sample

NAME, SHOWN = 'phantom_lesions', 'phantom_lesions_shown'
HEALTHY, BOTH = 0.15, 0.05  # shares of the pictures without any, and with one on each side
STREAM = 1                  # of random numbers, beside the chest's


def open_lesions(split: str, count: int, size: int, seed: int, has_healthy: bool = True) -> Dataset:
    """`count` drawn chests of size x size pixels; train (or all) and test draw from disjoint indices.

    Args:
      has_healthy: else every chest has a pneumothorax, also those of the indices that would have none.
    """
    name, coding = (NAME, PNEUMOTHORAX_OR_NONE) if has_healthy else (SHOWN, PNEUMOTHORAX)
    draw = functools.partial(draw_lesions, size=size, has_healthy=has_healthy)
    return open_drawn(name, coding, draw, split, count, seed)


def draw_lesions(seed: int, index: int, size: int, has_healthy: bool = True) -> Sample:
    """Draws chest `index` of `seed` and what it has: image uint8 [size, size], mask bool [size, size], which may be
    empty where some are healthy."""
    chest, rng = draw_chest(seed, index, size)
    found = _pneumothoraces(chest, np.random.default_rng([seed, index, STREAM]), has_healthy)
    image, _ = render(chest, rng, size, lesions=pneumothorax.layers(found, chest, size) if found else None)
    return Sample(name_of(NAME if has_healthy else SHOWN, seed, index), image, {
        PNEUMOTHORAX.organs[0]: pneumothorax.air(found, chest, size)})


def _pneumothoraces(chest: Chest, rng: np.random.Generator, has_healthy: bool) -> List[pneumothorax.Pneumothorax]:
    how_many, side = rng.uniform(), 1 if rng.uniform() < 0.45 else -1  # the right side more often
    if not has_healthy:
        how_many = HEALTHY + (1 - HEALTHY) * how_many
    if how_many < HEALTHY:
        return []
    return [pneumothorax.draw(chest, rng, one) for one in ((side, -side) if how_many > 1 - BOTH else (side,))]
