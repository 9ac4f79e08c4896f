"""Air between a drawn lung and its chest wall: where it lies, and what it does to the radiograph. [ours]

A pneumothorax is drawn as one sees it: the lung has shrunk towards its hilum, most at the apex or along the side. Its
edge, the visceral pleura, is a fine bright line; beyond it there are no vessels, and it is a little darker there, while
the lung itself gets denser. Ribs and clavicles lie across it as before. What is drawn is also what is outlined: from
the chest wall to the line, but for what the heart hides. Shapes are in the unit square, as the chest's.
"""
from __future__ import annotations

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from datasets.phantom.radiograph import Chest
from datasets.phantom.raster import coverage, ribbon, soften

ALONG = 128          # points of the chest wall, from beside the mediastinum over the apex to the costophrenic angle
MEDIAL, ANGLE = 20, 48 + 31 - 1  # of a lung's outline: points along the upper mediastinum; the costophrenic angle
EDGE, LINE = 0.0015, 0.0008  # blur of the air's edge and of the line


class Pneumothorax(NamedTuple):
    """One of them.

    Attributes:
      lung: the organ that has shrunk.
      wall, pleura: the chest wall and the lung's new edge, [n, 2] each, which meet where the air begins, and where it
        ends unless that is below the costophrenic angle.
      darker: attenuation that the air takes away beside what lung would.
      denser: attenuation that the lung gains.
      line, width: attenuation and width of the pleura.
    """
    lung: str
    wall: np.ndarray
    pleura: np.ndarray
    darker: float
    denser: float
    line: float
    width: float

    @property
    def outline(self) -> np.ndarray:
        """Around the air, [2 n, 2]."""
        return np.concatenate([self.wall, self.pleura[::-1]])


def draw(chest: Chest, rng: np.random.Generator, side: int) -> Pneumothorax:
    """Draws one on a side, -1 the patient's right, 1 left, of a chest that is placed."""
    between = rng.uniform
    lung = 'left_lung' if side > 0 else 'right_lung'
    wall, at = _around(chest.organs[lung])
    hilum = chest.place([0.5 + side * 0.10, chest.top + 0.47 * (chest.base - chest.top)])
    shrunk = np.exp(between(np.log(0.035), np.log(0.45)))  # share of the way from the wall to the hilum, at most
    # where it begins and ends along the wall, and where in between it is widest
    if between(0, 1) < 0.8:  # apical: the wider, the further down it reaches, at last to the angle
        first, last, widest = between(-0.22, -0.06), between(0.15, 0.5) + 1.3 * shrunk, between(0.25, 0.45)
    else:                    # along the side
        first, last, widest = between(0.0, 0.2), between(0.9, 1.1), between(0.4, 0.6)
        shrunk = 0.5 * shrunk + 0.02
    inside = (at > first) & (at < last)
    wall, at = wall[inside], at[inside]
    share = ((at - first) / (last - first)) ** (np.log(0.5) / np.log(widest))
    waves = between(0.03, 0.12) * np.sin(2 * np.pi * (between(0.7, 1.5) * at + between(0, 1)))
    pleura = wall + (shrunk * np.sin(np.pi * share) ** 0.8 * (1 + waves))[:, None] * (hilum - wall)
    return Pneumothorax(lung, wall, pleura, between(0.08, 0.32), shrunk * between(0.2, 0.6),
                        between(0.10, 0.28), between(0.004, 0.006))


def air(found: Sequence[Pneumothorax], chest: Chest, size: int) -> np.ndarray:
    """Where the air is seen, bool [size, size]: at least half of the pixel that has most of it, and no heart."""
    shown = np.zeros((size, size), bool)
    for one in found:
        cover = coverage([one.outline], size) * coverage([chest.organs[one.lung]], size)
        shown |= cover >= 0.5 * cover.max()
    return shown & (coverage([chest.organs['heart']], size) < 0.5)


def layers(found: Sequence[Pneumothorax], chest: Chest, size: int) -> Tuple[np.ndarray, np.ndarray]:
    """(attenuation that is gained or lost, share of the vessels that stays), float32 [size, size] each."""
    gained, kept = np.zeros((size, size), np.float32), np.ones((size, size), np.float32)
    for one in found:
        lung = soften(coverage([chest.organs[one.lung]], size), EDGE)
        gas = soften(coverage([one.outline], size), EDGE) * lung
        gained += one.denser * (lung - gas) - one.darker * gas
        gained += one.line * soften(coverage([ribbon(one.pleura, one.width)], size), LINE) * lung
        kept *= 1 - gas
    return gained, kept


def _around(lung: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """(points [n, 2] of a lung's edge, evenly along it; their places: 0 at the apex, 1 at the costophrenic angle,
    below 0 along the mediastinum).

    The outline is as phantom.py draws it: from the apex down the mediastinum, 48 points; along the diaphragm to the
    angle, 31; up the side.
    """
    medial, lateral = lung[:MEDIAL], np.concatenate([lung[:1], lung[:ANGLE - 1:-1]])
    path = np.concatenate([medial[:0:-1], lateral])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    apex = lengths[len(medial) - 1]
    at = np.linspace(-0.25, 1, ALONG)
    along = apex + at * (lengths[-1] - apex)
    return np.stack([np.interp(along, lengths, path[:, axis]) for axis in (0, 1)], axis=1), at
