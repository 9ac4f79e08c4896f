"""Drawn chests of a second hospital, on which a segmenter that learned from the first ones loses. [ours]

The same anatomy as in `phantom.py`, drawn from other numbers, and the same rays; what differs is what this hospital
makes of them: a veil over all greys, light that falls off to one side, softer edges, coarser grain; and, after the
example of Montgomery, a film that is smaller than the scanner's plate and lies slanted on it, so that one to three
sides of the picture are black, and burnt-in letters. No border crosses a lung. Of masks there are those of the lungs
alone, and a lung is what is seen of it beside the heart, as the label maps of the first hospital have it.
"""
from __future__ import annotations

import functools

import cv2
import numpy as np

from datasets.labels import LUNGS
from datasets.phantom.phantom import check_drawn, draw_anatomy, masks_of, name_of, open_drawn
from datasets.phantom.radiograph import GRAIN_SIZE, attenuate, enlarge
from datasets.phantom.raster import coverage, soften
from datasets.sample import Dataset, Sample

NAME = 'phantom_b'
STREAM = 1                     # behind seed and index: other chests than those of the first hospital
GAP = 0.015                    # of the side, between a lung and the edge of the film
SLANT = np.deg2rad(3.0)        # at most
FAR = 4.0                      # beyond the picture
# of the picture's sides, x to the right and y down
INWARDS = {'bottom': (0, -1), 'top': (0, 1), 'left': (1, 0), 'right': (-1, 0)}


def open_phantom_b(split: str, count: int, size: int, seed: int) -> Dataset:
    """`count` drawn chests of size x size pixels; train (or all) and test draw from disjoint indices."""
    return open_drawn(NAME, LUNGS, functools.partial(draw_second, size=size), split, count, seed)


def draw_second(seed: int, index: int, size: int) -> Sample:
    """Draws chest `index` of `seed`: image uint8 [size, size], masks of LUNGS bool [size, size]."""
    check_drawn(seed, size)
    rng = np.random.default_rng([seed, index, STREAM])
    chest = draw_anatomy(rng)
    organs = masks_of(chest, size)
    attenuation, _ = attenuate(chest, rng, size)
    image = _developed(attenuation, rng, size)
    lungs = np.concatenate([chest.organs[organ] for organ in LUNGS.organs])
    film = _film(lungs, rng, size)
    image = np.maximum(image * film, _letters(rng, size))
    return Sample(name_of(NAME, seed, index), np.round(image * 255).astype(np.uint8),
                  {organ: organs[organ] & ~organs['heart'] for organ in LUNGS.organs})


def _developed(attenuation: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Attenuation -> grey 0..1: softer edges, a veil of scattered rays, a tube that is nearer to one side, and
    coarser grain."""
    between = rng.uniform
    attenuation = np.maximum(soften(attenuation, between(0.005, 0.010)), 0)
    shape = (1 - np.exp(-between(1.0, 1.5) * attenuation)) ** between(0.9, 1.4)
    veil, brightest = between(0.1, 0.3), between(0.9, 1.0)
    across = np.linspace(-1, 1, size, dtype=np.float32)
    towards, strength = between(0, 2 * np.pi), between(0.2, 0.4)
    light = 1 + strength * (np.cos(towards) * across[None] + np.sin(towards) * across[:, None])
    grain = rng.standard_normal((GRAIN_SIZE // 2, GRAIN_SIZE // 2), np.float32) * between(0.015, 0.04)
    return np.clip((veil + (brightest - veil) * shape) * light + enlarge(grain, size), 0, 1)


def _film(lungs: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """How much of each pixel is film, float32 [size, size] in 0..1; 0 beyond one to three of its edges.

    Args:
      lungs: points of their outlines [n, 2], which stay on the film.
    """
    beyond = []
    sides = ['bottom', *rng.permutation(['left', 'right', 'top'])][:rng.integers(1, 4)]
    for side in sides:
        slant, depth = rng.uniform(-SLANT, SLANT), rng.uniform(0.03, 0.22 if side == 'bottom' else 0.08)
        inwards = np.array(INWARDS[side]) @ [[np.cos(slant), np.sin(slant)], [-np.sin(slant), np.cos(slant)]]
        # the edge goes through the middle of the side, moved inwards by its depth, or as far as the lungs let it
        depth = min(depth, ((lungs - 0.5) @ inwards).min() + 0.5 - GAP)
        along = FAR * np.array([-inwards[1], inwards[0]])
        on_edge = 0.5 + (depth - 0.5) * inwards
        beyond.append(np.array([on_edge - along, on_edge + along, on_edge + along - FAR * inwards,
                                on_edge - along - FAR * inwards]))
    return 1 - coverage(beyond, size)


def _letters(rng: np.random.Generator, size: int) -> np.ndarray:
    """Burnt-in letters: R in the upper left corner, a plate with words in the other; float32 [size, size] in 0..1."""
    canvas = np.zeros((GRAIN_SIZE, GRAIN_SIZE), np.float32)
    left, right, top = (round(GRAIN_SIZE * rng.uniform(low, high)) for low, high in (
        (0.02, 0.08), (0.78, 0.82), (0.03, 0.07)))
    cv2.putText(canvas, 'R', (left, top + 24), cv2.FONT_HERSHEY_DUPLEX, 0.9, 1.0, 2, cv2.LINE_AA)
    for line, words in enumerate(('PA', 'ERECT')):
        y = top + 22 * line
        cv2.rectangle(canvas, (right, y), (right + 17 * len(words) + 4, y + 20), 0.9, -1)
        cv2.putText(canvas, words, (right + 3, y + 17), cv2.FONT_HERSHEY_DUPLEX, 0.6, 0.1, 2, cv2.LINE_AA)
    return enlarge(canvas, size)
