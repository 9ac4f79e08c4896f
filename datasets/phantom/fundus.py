"""Turns the anatomy of a drawn retina into a photograph in colour. [ours]

Layers as in the eye: the choroid's orange with its mottle, the sheen of nerve fibres, the dark macula, the pale disc
with its cup, and blood, which takes away green and blue more than red, veins more than arteries, with a light streak
along the wider arteries. Then the camera: uneven light, a round field, soft optics, grain. In double precision, so that
rounding to 8 bits is the same with any numpy.
"""
from __future__ import annotations

from typing import List, NamedTuple

import cv2
import numpy as np

from datasets.phantom.raster import coverage, ribbon, soften
from datasets.phantom.vessel_tree import ARTERY, VEIN, Vessel

GRAIN_SIZE, SOFT_SIZE = 512, 128
# red, green and blue of a background, of which each eye has its own mixture
GROUNDS = np.array([(0.86, 0.42, 0.20), (0.84, 0.27, 0.09), (0.58, 0.31, 0.15), (0.92, 0.52, 0.29)])
RIM, CUP = np.array([0.98, 0.64, 0.36]), np.array([1.0, 0.88, 0.62])
TAKEN = {ARTERY: np.array([0.16, 0.54, 0.50]), VEIN: np.array([0.34, 0.66, 0.60])}  # of the light, by blood


class Eye(NamedTuple):
    """An eye in the unit square (x to the right, y down).

    Attributes:
      vessels: with points and widths in the square.
      disc, fovea: their middles (x, y).
      diameter: of the disc.
      temporal: unit vector from the disc towards the macula.
      middle, radius: of the field of view, of which the frame may cut some.
    """
    vessels: List[Vessel]
    disc: np.ndarray
    fovea: np.ndarray
    diameter: float
    temporal: np.ndarray
    middle: np.ndarray
    radius: float


def vessels_of(eye: Eye, size: int, *kinds: int) -> np.ndarray:
    """How much of each pixel vessels of some kinds cover, float32 [size, size]."""
    drawn = 1 / (size * max(2, 512 // size))  # OpenCV fills the outline's own pixels too, half of them outside
    return coverage([ribbon(vessel.points, np.maximum(vessel.widths - drawn, 0)) for vessel in eye.vessels
                     if vessel.kind in kinds], size)


def field_of(eye: Eye, size: int) -> np.ndarray:
    """The field of view: pixels whose middle lies in it, bool [size, size]."""
    return _distance(eye.middle, size) < eye.radius


def photograph(eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    """The photograph, uint8 [size, size, 3], black outside the field of view."""
    picture = _ground(eye, rng, size)
    picture = _macula(picture, eye, rng, size)
    picture = _disc(picture, eye, rng, size)
    picture = _blood(picture, eye, rng, size)
    picture *= _light(eye, rng, size)[..., None]
    picture = soften(picture, rng.uniform(0.0008, 0.0016))
    picture += _grain(rng, size)
    edge = np.clip((eye.radius - _distance(eye.middle, size)) / 0.004, 0, 1)[..., None]
    return np.round(255 * np.clip(picture * edge, 0, 1)).astype(np.uint8)


def _distance(middle: np.ndarray, size: int, axes=(1.0, 1.0)) -> np.ndarray:
    """Of the middle of each pixel from a point, [size, size]."""
    at = (np.arange(size) + 0.5) / size
    return np.hypot((at[None] - middle[0]) / axes[0], (at[:, None] - middle[1]) / axes[1])


def _noise(rng: np.random.Generator, sigma: float, size: int) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1, the same at every size."""
    layer = soften(rng.standard_normal((SOFT_SIZE, SOFT_SIZE)), sigma)
    layer = (layer - layer.mean()) / layer.std()
    return cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA if size < SOFT_SIZE else cv2.INTER_CUBIC)


def _ground(eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    colour = rng.dirichlet(np.full(len(GROUNDS), 0.5)) @ GROUNDS
    mottle = 0.045 * _noise(rng, 0.035, size) + rng.uniform(0.01, 0.05) * _noise(rng, 0.013, size)
    picture = colour * (1 + mottle[..., None] * np.array([0.7, 1.1, 1.2]))
    # nerve fibres shine above and below the disc, where they are thickest
    sheen, strength = np.zeros((size, size)), rng.uniform(0.0, 0.10)
    for below in (-1, 1):
        across = np.array([-eye.temporal[1], eye.temporal[0]]) * below
        place = eye.disc + eye.diameter * (0.85 * across + 0.45 * eye.temporal)
        sheen += np.exp(-(_distance(place, size) / (0.8 * eye.diameter)) ** 2)
    return picture + strength * sheen[..., None] * np.array([0.6, 1.0, 0.7])


def _macula(picture: np.ndarray, eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    away = _distance(eye.fovea, size) / eye.diameter
    dark = rng.uniform(0.16, 0.30) * np.exp(-(away / 0.85) ** 2) + rng.uniform(0.10, 0.20) * np.exp(-(away / 0.30) ** 2)
    picture = picture * (1 - dark[..., None] * np.array([0.75, 1.1, 1.0]))
    reflex = rng.uniform(0.0, 0.25) * np.exp(-(away / 0.045) ** 2)
    return picture + reflex[..., None] * np.array([0.9, 1.0, 0.7])


def _disc(picture: np.ndarray, eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    between, half = rng.uniform, eye.diameter / 2
    axes = np.array([between(0.90, 0.97), between(1.0, 1.08)])
    edge = between(0.06, 0.13)
    away = _distance(eye.disc, size, axes * half)
    crescent = between(0, 0.35) * _inside(_distance(eye.disc + eye.temporal * half * between(0.1, 0.25), size,
                                                    axes * half), 0.12)
    picture = picture + crescent[..., None] * (0.92 * RIM - picture)
    rim = between(0.80, 0.95) * _inside(away, edge)
    tone = RIM * between(0.93, 1.0) * np.array([1, between(0.90, 1.02), between(0.85, 1.1)])
    picture = picture + rim[..., None] * (tone - picture)
    share = between(0.30, 0.58)   # of the cup in the disc
    cup = _inside(_distance(eye.disc + eye.temporal * half * between(0.08, 0.22), size, axes * half * share), 0.28)
    return picture + (between(0.6, 0.95) * cup)[..., None] * (CUP - picture)


def _inside(away: np.ndarray, edge: float) -> np.ndarray:
    """1 inside an ellipse, 0 outside; `away` is 1 on its outline, `edge` how soft that is, as a share of its radius."""
    return 1 / (1 + np.exp(np.clip((away - 1) / (edge / 3), -30, 30)))


def _blood(picture: np.ndarray, eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    depth = rng.uniform(0.75, 1.0)
    for kind in (ARTERY, VEIN):
        cover = soften(vessels_of(eye, size, kind), 0.0006)
        halo = soften(cover, 0.004)      # the wall's shadow beside it
        picture = picture * (1 - depth * cover[..., None] * TAKEN[kind]) * (
            1 - 0.10 * (halo * (1 - cover))[..., None])
    streaks = [ribbon(vessel.points, 0.28 * vessel.widths) for vessel in eye.vessels
               if vessel.kind == ARTERY and vessel.widths[0] > 0.044 * eye.diameter]
    streak = soften(coverage(streaks, size), 0.0008)
    return picture + rng.uniform(0.06, 0.16) * streak[..., None] * np.array([0.7, 0.8, 0.5])


def _light(eye: Eye, rng: np.random.Generator, size: int) -> np.ndarray:
    """Uneven illumination: darker to one side and towards the rim."""
    away = _distance(eye.middle, size) / eye.radius
    at = (np.arange(size) + 0.5) / size - 0.5
    slope = rng.normal(0, 0.22, 2)
    light = rng.uniform(0.85, 1.08) * (1 - rng.uniform(0.15, 0.45) * away ** 2 + slope[0] * at[None]
                                       + slope[1] * at[:, None] + 0.05 * _noise(rng, 0.16, size))
    return np.clip(light, 0.12, 1.3)


def _grain(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise of the sensor, the same at every size."""
    fine = 0.7 * rng.standard_normal((GRAIN_SIZE, GRAIN_SIZE, 1)) + 0.7 * rng.standard_normal(
        (GRAIN_SIZE, GRAIN_SIZE, 3))
    return rng.uniform(0.006, 0.016) * cv2.resize(
        fine, (size, size), interpolation=cv2.INTER_AREA if size < GRAIN_SIZE else cv2.INTER_CUBIC)
