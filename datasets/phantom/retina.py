"""Drawn retinas: photographs in colour with vessels, for tests and demos without a download. [ours]

An eye is drawn from (seed, index) alone, in coordinates of the unit square, so that the same eye comes out at every
size: left and right eyes, 35 to 45 degrees of field, the disc and the macula in it, arteries and veins. It is as the
public data sets of vessels are (readers/vessels.py): organ `vessels`, pixels outside the field of view ignored.
"""
from __future__ import annotations

import numpy as np

from datasets.errors import InputError
from datasets.images import weighed
from datasets.labels import VESSELS
from datasets.phantom import vessel_tree
from datasets.phantom.fundus import Eye, field_of, photograph, vessels_of
from datasets.phantom.phantom import FIRST_TEST_INDEX, MIN_SIZE
from datasets.sample import Dataset, Sample, check_split

COLOURED = ('phantom_retina: a photograph in colour: set data.channels=3 (--channels 3) to keep its colours, or '
            'data.grey (--grey) to make it grey (green shows vessels best)')


def open_retina(asked, count: int) -> Dataset:
    """`count` drawn eyes, see readers.Request; train (or all) and test draw from disjoint indices."""
    check_split(asked.split)
    if asked.channels == 1 and asked.grey == 'equal':
        raise InputError(COLOURED)
    if not 1 <= count <= FIRST_TEST_INDEX:
        raise InputError(f'phantom_retina count: expected 1 to {FIRST_TEST_INDEX}, found {count}')
    first = FIRST_TEST_INDEX if asked.split == 'test' else 0
    indices = {_name(asked.seed, index): index for index in range(first, first + count)}

    def load(id: str) -> Sample:
        sample = draw_retina(asked.seed, indices[id], asked.size)
        return sample if asked.channels == 3 else sample._replace(image=weighed(sample.image, asked.grey))

    return Dataset(f'phantom_retina_{asked.split}', VESSELS, tuple(indices), load, has_ignored=True)


def draw_retina(seed: int, index: int, size: int) -> Sample:
    """Draws eye `index` of `seed`: image uint8 [size, size, 3], `vessels` and `ignored` bool [size, size]."""
    if size < MIN_SIZE:
        raise InputError(f'phantom_retina size: expected at least {MIN_SIZE} pixels, found {size}')
    if seed < 0:
        raise InputError(f'phantom_retina seed: expected 0 or more, found {seed}')
    rng = np.random.default_rng([seed, index])
    eye = draw_eye(rng)
    field = field_of(eye, size)
    cover = vessels_of(eye, size, vessel_tree.ARTERY, vessel_tree.VEIN) * field
    # half a pixel, or half of the best one: keeps the trunks at the smallest sizes
    vessels = cover >= 0.5 * min(1.0, cover.max())
    return Sample(_name(seed, index), photograph(eye, rng, size), {'vessels': vessels}, ~field)


def draw_eye(rng: np.random.Generator) -> Eye:
    """Draws the anatomy of one eye and places it in the picture."""
    between = rng.uniform
    diameter = between(0.125, 0.165)
    middle, radius = 0.5 + rng.normal(0, 0.006, 2), between(0.47, 0.495)
    if between(0, 1) < 0.25:      # the frame cuts the disc
        radius = between(0.505, 0.53)
    fovea = np.array([between(2.3, 2.7), between(0.15, 0.40)])
    seen = fovea * between(0.35, 0.85) + rng.normal(0, 0.15, 2)   # what lies in the middle of the picture
    side, tilt = rng.choice([-1, 1]), np.deg2rad(rng.normal(0, 3))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) @ np.diag([side, 1]) * diameter

    def place(points: np.ndarray) -> np.ndarray:
        return middle + (np.asarray(points) - seen) @ turn.T

    vessels = [vessel._replace(points=place(vessel.points), widths=vessel.widths * diameter)
               for vessel in vessel_tree.grow(rng, fovea, seen, radius / diameter)]
    temporal = turn @ [1, 0] / diameter
    return Eye(vessels, place([0, 0]), place(fovea), diameter, temporal, middle, radius)


def _name(seed: int, index: int) -> str:
    return f'phantom_retina_{seed}_{index:07d}'
