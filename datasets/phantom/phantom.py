"""Drawn chests: the embedded default, so that nothing needs a download. [ours]

A chest is drawn from (seed, index) alone, in coordinates of the unit square (x to the right, y
down), so that the same chest comes out at every size. All five structures of CHEST are there and
overlap as in SCR: clavicles lie across the lungs, the heart over the left lung more than over the
right. Means and spreads of sizes and positions are those of adults on upright radiographs.
This module holds the anatomy; `datasets/phantom/radiograph.py` turns it into grey levels.
"""
from __future__ import annotations

import functools
from typing import Callable, Dict, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.labels import CHEST, LabelCoding
from datasets.phantom.radiograph import Chest, render
from datasets.phantom.raster import closed_curve, coverage, open_curve, ribbon
from datasets.sample import Dataset, Sample, check_split

# test indices start here, so that no training set can meet them
FIRST_TEST_INDEX = 1_000_000
MIN_SIZE = 8
FIELD_OF_VIEW_MM = (358.4, 358.4)  # JSRT's


def open_phantom(split: str, count: int, size: int, seed: int, bone_suppressed: bool = False) -> Dataset:
    """`count` drawn chests of size x size pixels; train (or all) and test draw from disjoint indices."""
    draw = functools.partial(draw_phantom, size=size, bone_suppressed=bone_suppressed)
    return open_drawn('phantom', CHEST, draw, split, count, seed)._replace(has_bone_suppressed=bone_suppressed)


def open_drawn(name: str, coding: LabelCoding, draw: Callable[..., Sample], split: str, count: int, seed: int
               ) -> Dataset:
    """`count` samples that `draw` draws of (seed, index), under the names of hospital `name`."""
    check_split(split)
    if not 1 <= count <= FIRST_TEST_INDEX:
        raise InputError(f'{name} count: expected 1 to {FIRST_TEST_INDEX}, found {count}')
    first = FIRST_TEST_INDEX if split == 'test' else 0
    indices = {name_of(name, seed, index): index for index in range(first, first + count)}
    return Dataset(f'{name}_{split}', coding, tuple(indices), lambda id: draw(seed, indices[id]), FIELD_OF_VIEW_MM)


def draw_phantom(seed: int, index: int, size: int, bone_suppressed: bool = False) -> Sample:
    """Draws chest `index` of `seed`: image uint8 [size, size], masks bool [size, size], and where it is asked for
    the same radiograph without ribs and clavicles."""
    chest, rng = draw_chest(seed, index, size)
    masks = masks_of(chest, size)
    image, suppressed = render(chest, rng, size, bone_suppressed)
    return Sample(name_of('phantom', seed, index), image, masks, bone_suppressed=suppressed)


def draw_chest(seed: int, index: int, size: int) -> Tuple[Chest, np.random.Generator]:
    """Chest `index` of `seed`, and the random numbers that render it; InputError for a size or seed that cannot be."""
    check_drawn(seed, size)
    rng = np.random.default_rng([seed, index])
    return draw_anatomy(rng), rng


def check_drawn(seed: int, size: int) -> None:
    """InputError for what no chest is drawn of."""
    if size < MIN_SIZE:
        raise InputError(f'phantom size: expected at least {MIN_SIZE} pixels, found {size}')
    if seed < 0:
        raise InputError(f'phantom seed: expected 0 or more, found {seed}')


def name_of(hospital: str, seed: int, index: int) -> str:
    """The id of a drawn chest."""
    return f'{hospital}_{seed}_{index:07d}'


def masks_of(chest: Chest, size: int) -> Dict[str, np.ndarray]:
    """Organ -> bool [size, size]."""
    masks = {}
    for organ in CHEST.organs:
        cover = coverage([chest.organs[organ]], size)
        # half of the best pixel, not of a whole one: keeps a clavicle at the smallest sizes
        masks[organ] = cover >= 0.5 * cover.max()
    return masks


def draw_anatomy(rng: np.random.Generator) -> Chest:
    """Draws outlines of one chest and places them in the picture."""
    between = rng.uniform
    # stretches of the mean chest; the two sides differ a little
    top, base = between(0.05, 0.12), between(0.68, 0.80)
    bases = {-1: base + between(-0.035, 0.01), 1: base + between(-0.01, 0.03)}
    width = between(0.90, 1.12)
    heart = _heart(rng, base, width)
    lungs = {side: _lung(rng, side, top + between(-0.012, 0.012), bases[side], width, heart)
             for side in (-1, 1)}
    organs = {'right_lung': lungs[-1], 'left_lung': lungs[1], 'heart': heart,
              'right_clavicle': _clavicle(rng, -1, top), 'left_clavicle': _clavicle(rng, 1, top)}
    walls = {side: _wall(lungs[side], side) for side in (-1, 1)}
    return Chest(organs, walls, _pose(rng), top, base).placed()


def _pose(rng: np.random.Generator) -> np.ndarray:
    """Rotation, scale, aspect and shift of the chest in the picture, an affine matrix [2, 3]."""
    angle = np.deg2rad(np.clip(rng.normal(0, 2.2), -6, 6))
    scale, aspect = rng.uniform(0.88, 1.08), rng.uniform(0.95, 1.05)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([scale * aspect, scale / aspect])
    centre = np.array([0.5, 0.47])
    shift = np.clip(rng.normal(0, [0.018, 0.025]), -0.05, 0.05)
    return np.concatenate([matrix, (centre - matrix @ centre + shift)[:, None]], axis=1)


def _heart(rng: np.random.Generator, base: float, width: float) -> np.ndarray:
    """A closed outline whose left border sweeps to an apex, resting near the diaphragm's height."""
    between = rng.uniform
    right, left = 0.5 - width * between(0.075, 0.14), 0.5 + width * between(0.18, 0.32)
    bottom = base + between(0.005, 0.055)
    top = bottom - between(0.27, 0.36)
    apex = between(0.72, 0.9)
    waist = between(-0.02, 0.02)

    def at(x, y):
        return right + (left - right) * x, top + (bottom - top) * y

    points = [at(0.20, 0.06), at(0.40, 0.0), at(0.58, 0.10 + waist), at(0.77 + waist, 0.36),
              at(0.93, 0.60), at(1.0, apex), at(0.90, 0.96), at(0.66, 1.0), at(0.36, 0.98),
              at(0.10, 0.88), at(0.0, 0.62), at(0.05, 0.30)]
    return closed_curve(np.array(points) + rng.normal(0, 0.003, (len(points), 2)))


def _border(heart: np.ndarray, side: int, y: float) -> float:
    """x of the heart's border on one side at height y (of its nearest height, beyond its ends)."""
    half = heart[(heart[:, 0] - heart[:, 0].mean()) * side > 0]
    order = np.argsort(half[:, 1])
    return float(np.interp(y, half[order, 1], half[order, 0]))


def _lung(rng: np.random.Generator, side: int, top: float, base: float, width: float,
          heart: np.ndarray) -> np.ndarray:
    """A lung from three smooth borders: along the mediastinum, the diaphragm, the chest wall.

    They meet in the cardiophrenic and the costophrenic angle. `side` is -1 for the right lung.
    """
    between = rng.uniform

    def at(x, y):
        """x from the midline outwards, y down the lung from its apex to its dome."""
        return 0.5 + side * x * width, top + (base - top) * y

    jitter = rng.normal(0, 0.006, 8)
    wall = between(0.36, 0.41) if side > 0 else between(0.375, 0.42)
    hilum = between(0.085, 0.115)
    # how far the lung reaches in behind the heart: more on the left
    behind = between(0.0, 0.022) if side > 0 else between(-0.004, 0.006)
    depth = between(0.05, 0.16)
    dome = between(0.4, 0.6)

    apex = at(0.16 + jitter[0], 0.0)
    upper = [apex, at(0.085 + jitter[1], 0.08), at(0.062 + jitter[2] / 2, 0.20)]
    if side > 0:
        knob = between(0.075, 0.115)
        upper += [at(knob, 0.28), at(knob - 0.008, 0.36), at(hilum, 0.45)]
    else:
        upper += [at(0.065 + jitter[3], 0.33), at(hilum - 0.02, 0.45)]
    angle_y = base + (between(0.0, 0.035) if side > 0 else between(-0.01, 0.02))
    angle_y = min(angle_y, heart[:, 1].max() - 0.03)
    first = max(upper[-1][1] + 0.06, heart[:, 1].min() + 0.06)
    heights = np.linspace(first, angle_y, 4)
    borders = side * (np.array([_border(heart, side, y) for y in heights]) - 0.5) - behind
    # below its widest point the heart turns in; the lung hardly follows, and keeps a base
    borders = np.maximum(borders, np.maximum.accumulate(borders) - 0.015)
    borders = np.minimum(borders, (wall - 0.06) * width)
    lower = list(zip(0.5 + side * borders, heights))
    medial = open_curve(upper + lower, 48)

    corner_in = np.array(lower[-1])
    corner_out = np.array(at(wall + jitter[4], 1.0)) + [0, depth]
    crest = np.array([corner_in[0] * (1 - dome) + corner_out[0] * dome, 0])
    crest[1] = min(corner_in[1], base) - between(0.0, 0.03) * (side < 0)
    slope = (corner_out + crest) / 2 + [side * 0.022, -0.018]
    diaphragm = open_curve([corner_in, crest, slope, corner_out], 32)

    lateral = open_curve([corner_out, at(wall - 0.012 + jitter[5], 0.80),
                          at(wall - 0.035 + jitter[6], 0.50), at(wall - 0.088, 0.20),
                          at(0.245 + jitter[7], 0.04), apex], 48)
    return np.concatenate([medial, diaphragm[1:], lateral[1:-1]])


def _wall(lung: np.ndarray, side: int) -> np.ndarray:
    """The lung's outermost x for each of 64 heights, as points: ribs follow it."""
    ys = np.linspace(lung[:, 1].min(), lung[:, 1].max(), 64)
    outer = lung[np.argsort(lung[:, 1])]
    outer = outer[(outer[:, 0] - lung[:, 0].mean()) * side > 0]
    return np.stack([np.interp(ys, outer[:, 1], outer[:, 0]), ys], 1)


def _clavicle(rng: np.random.Generator, side: int, top: float) -> np.ndarray:
    """An S-shaped bone from beside the sternum up and outwards across the lung's apex."""
    between = rng.uniform
    inner = np.array([0.5 + side * between(0.055, 0.085), top + between(0.10, 0.145)])
    length, rise = between(0.17, 0.24), between(0.015, 0.085)
    line = open_curve([inner, inner + [side * length * 0.35, -rise * between(0.3, 0.5)],
                       inner + [side * length * 0.7, -rise * between(0.75, 0.95)],
                       inner + [side * length, -rise]], 24)
    ends = np.linspace(0, 1, 24)
    thickness = between(0.044, 0.062) * (1 - 0.45 * ends * (2 - ends))
    return ribbon(line, thickness)
