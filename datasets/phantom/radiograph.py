"""Turns the outlines of a chest into grey levels that look like a radiograph. [ours]

Works like the real thing: layers of attenuation (body, air in the lungs, heart, bones, vessels) are
added up and a film curve maps the sum to grey, lungs dark. Wide soft layers are drawn small and
enlarged; edges are drawn at the picture's size.
"""
from __future__ import annotations

import copy
from typing import Dict, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np

from datasets.phantom.raster import arc, coverage, ellipse, open_curve, ribbon, soften

SOFT_SIZE = 128
GRAIN_SIZE = 512


class Chest(NamedTuple):
    """Outlines [n, 2] in the unit square.

    Attributes:
      organs: the outline of each organ of CHEST.
      walls: side (-1 the patient's right, 1 left) -> the inner chest wall from top to bottom.
      pose: the affine matrix [2, 3] that placed the chest in the picture.
      top, base: heights of the apices and of the diaphragm, before placing.
    """
    organs: Dict[str, np.ndarray]
    walls: Dict[int, np.ndarray]
    pose: np.ndarray
    top: float
    base: float

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points (x, y) of the chest -> of the picture, [..., 2]."""
        return np.asarray(points) @ self.pose[:, :2].T + self.pose[:, 2]

    def placed(self) -> 'Chest':
        """The chest with its organs in the picture; the walls stay where they are drawn."""
        return self._replace(organs={k: self.place(v) for k, v in self.organs.items()})


def render(chest: Chest, rng: np.random.Generator, size: int, bone_suppressed: bool = False,
           lesions: Optional[Tuple[np.ndarray, np.ndarray]] = None) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Draws the radiograph of a chest, and where it is asked for the same, exposure and grain too, without the
    shadows of ribs and clavicles; uint8 [size, size] each; `lesions` as of `attenuate`."""
    attenuation, shadows = attenuate(chest, rng, size, lesions)
    suppressed = _developed(attenuation - shadows, copy.deepcopy(rng), size) if bone_suppressed else None
    return _developed(attenuation, rng, size), suppressed


def attenuate(chest: Chest, rng: np.random.Generator, size: int,
              lesions: Optional[Tuple[np.ndarray, np.ndarray]] = None) -> Tuple[np.ndarray, np.ndarray]:
    """What a chest takes of the rays on their way to a film, which hospitals develop each in their way.

    Args:
      lesions: float32 [size, size] each, the attenuation that they add where no heart is, and how much of the
        vessels they leave; they take no random numbers.

    Returns:
      (attenuation, that part of it which ribs and clavicles are), float32 [size, size] each, 0 where nothing is.
    """
    lungs = coverage([chest.organs['left_lung'], chest.organs['right_lung']], size)
    heart = soften(coverage([chest.organs['heart']], size), 0.004)
    lungs = soften(lungs, 0.0025)
    attenuation = _body(chest, rng, size)
    attenuation -= _air(chest, rng, size) * lungs * (1 - heart)
    attenuation += heart * rng.uniform(0.22, 0.40)
    bones, shadows = _bones(chest, rng, size)
    attenuation += bones
    vessels = _vessels(chest, rng, size) * lungs * (1 - heart)
    if lesions is not None:
        added, kept = lesions
        attenuation, vessels = attenuation + added * (1 - heart), vessels * kept
    return attenuation + vessels, shadows


def _developed(attenuation: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    image = _film(np.maximum(attenuation, 0), rng, size)
    image += _grain(rng, size)
    return _frame(np.clip(image, 0, 1), rng, size)


def enlarge(layer: np.ndarray, size: int) -> np.ndarray:
    """A layer [s, s] at the size of a picture, [size, size], whichever is larger."""
    small = size < layer.shape[0]
    return cv2.resize(layer, (size, size),
                      interpolation=cv2.INTER_AREA if small else cv2.INTER_CUBIC)


def _soft(chest: Chest, outlines: List, sigma: float) -> np.ndarray:
    return soften(coverage([chest.place(o) for o in outlines], SOFT_SIZE), sigma)


def _body(chest: Chest, rng: np.random.Generator, size: int) -> np.ndarray:
    """Tissue without the lungs' air: trunk, shoulders, arms, mediastinum, abdomen, breasts."""
    between = rng.uniform
    top, base = chest.top, chest.base
    fat = between(0.03, 0.10)
    trunk, arms = [], []
    for side in (-1, 1):
        wall = chest.walls[side]

        def out(x):
            return 0.5 + side * x

        reach = abs(wall[:, 0] - 0.5).max()
        hip = reach + fat * between(0.6, 1.1)
        shoulder = top - between(0.02, 0.07)
        half = open_curve([(0.5, -0.4), (out(0.13), -0.35), (out(0.14), shoulder - 0.05),
                           (out(0.22), shoulder), (out(0.36), shoulder + 0.05),
                           (out(reach + fat * 0.9), top + 0.20), (out(reach + fat), 0.5),
                           (out(hip), base), (out(hip), 1.1), (out(hip), 1.5)], 48)
        trunk.append(np.concatenate([half, [(0.5, 1.5)]]))
        elbow = reach + fat + between(0.10, 0.25)
        arms.append(ribbon(open_curve([(out(0.24), top + 0.08), (out(0.40), top + 0.10),
                                       (out(elbow), top + 0.40), (out(elbow + 0.03), 1.2)], 24),
                           between(0.18, 0.23)))
    body = between(1.7, 2.1) * _soft(chest, trunk, 0.010)
    body = np.maximum(body, between(1.2, 1.7) * _soft(chest, arms, 0.012))
    middle = [(0.455, -0.4), (0.545, -0.4), (0.57, 0.2), (0.60, base), (0.60, 1.4), (0.38, 1.4),
              (0.40, base), (0.43, 0.2)]
    inside = body / body.max()
    body += between(0.3, 0.6) * _soft(chest, [np.array(middle)], 0.03)
    abdomen = [(-0.2, base + 0.03), (0.3, base - 0.02), (0.5, base + 0.02), (0.75, base + 0.01),
               (1.2, base + 0.05), (1.2, 1.5), (-0.2, 1.5)]
    body += between(0.3, 0.7) * _soft(chest, [np.array(abdomen)], 0.03) * inside
    if between(0, 1) < 0.4:
        breasts = [ellipse((0.5 + side * between(0.24, 0.30), base - between(0.0, 0.08)),
                           (between(0.12, 0.17), between(0.10, 0.15))) for side in (-1, 1)]
        body += between(0.1, 0.35) * _soft(chest, breasts, 0.008)
    if between(0, 1) < 0.5:
        bubble = ellipse((between(0.66, 0.78), base + between(0.07, 0.13)),
                         (between(0.02, 0.06), between(0.015, 0.04)))
        body -= between(0.2, 0.6) * _soft(chest, [bubble], 0.008)
    return enlarge(body.astype(np.float32), size)


def _air(chest: Chest, rng: np.random.Generator, size: int) -> np.ndarray:
    """Attenuation that air takes away inside the lungs: more in the middle, uneven."""
    between = rng.uniform
    both = coverage([chest.organs['left_lung'], chest.organs['right_lung']], SOFT_SIZE)
    depth = soften(both, 0.05)
    uneven = soften(rng.standard_normal((SOFT_SIZE, SOFT_SIZE), np.float32), 0.06)
    uneven *= 0.06 / uneven.std()
    gradient = 1 + between(-0.15, 0.12) * np.linspace(-1, 1, SOFT_SIZE)[:, None]
    air = between(1.15, 1.5) * (0.62 + 0.38 * depth + uneven) * gradient
    return enlarge(air.astype(np.float32), size)


def _bones(chest: Chest, rng: np.random.Generator, size: int) -> Tuple[np.ndarray, np.ndarray]:
    """(ribs, inside and outside the lungs, spine, clavicles, and the air of the trachea; ribs and clavicles)."""
    between = rng.uniform
    top, base = chest.top, chest.base
    rib_outer, rib_inner = [], []
    spacing = (base - top) / between(7.0, 8.5)
    drop, rise = between(0.13, 0.20), between(0.01, 0.04)
    thickness = between(0.020, 0.028)
    start = top - between(0.0, 0.05)
    phi = np.linspace(0.06, 0.82, 28) * np.pi
    # the front ends fade into cartilage
    widths = thickness * np.clip((phi[-1] - phi) / 0.9, 0, 1) ** 0.5
    for side in (-1, 1):
        wall = chest.walls[side]
        for k in range(11):
            y = start + k * spacing * (1 + 0.02 * k) + rng.normal(0, 0.003)
            x_wall = np.interp(y + drop / 2, wall[:, 1], wall[:, 0]) + side * 0.014
            line = np.stack([0.5 + (x_wall - 0.5) * np.sin(phi),
                             y + drop * (1 - np.cos(phi)) / 2 - rise * np.sin(phi)], 1)
            rib_outer.append(chest.place(ribbon(line, widths)))
            rib_inner.append(chest.place(ribbon(line, 0.55 * widths)))
    ribs = soften(coverage(rib_outer, size) - 0.45 * coverage(rib_inner, size), 0.002)
    bones = shadows = between(0.15, 0.40) * ribs

    discs = [ellipse((0.5 + rng.normal(0, 0.002), y), (0.036, 0.017))
             for y in np.arange(-0.3, 1.3, between(0.045, 0.055))]
    bones = bones + between(0.08, 0.2) * soften(coverage([chest.place(d) for d in discs], size), 0.004)
    clavicles = [chest.organs['left_clavicle'], chest.organs['right_clavicle']]
    clavicle = between(0.25, 0.45) * soften(coverage(clavicles, size), 0.003)
    bones, shadows = bones + clavicle, shadows + clavicle
    trachea = ribbon(open_curve([(0.5, -0.3), (0.5 + rng.normal(0, 0.004), top),
                                 (0.5 + rng.normal(-0.004, 0.006), top + 0.26)], 16), 0.034)
    bones -= between(0.25, 0.55) * soften(coverage([chest.place(trachea)], size), 0.006)
    return bones, shadows


def _vessels(chest: Chest, rng: np.random.Generator, size: int) -> np.ndarray:
    """Vessels that leave the hila, branch once and taper; the hila themselves."""
    between = rng.uniform
    height = chest.top + 0.47 * (chest.base - chest.top)
    outlines, hila = [], []
    for side in (-1, 1):
        hilum = np.array([0.5 + side * 0.10, height - 0.02 * (side > 0)])
        hila.append(ellipse(hilum, (0.028, 0.06)))
        for angle in np.linspace(-1.3, 1.4, 11) + rng.normal(0, 0.12, 11):
            reach = between(0.10, 0.27)
            direction = np.array([side * np.cos(angle), np.sin(angle)])
            root = hilum + [rng.normal(0, 0.012), 0.045 * np.sin(angle) + rng.normal(0, 0.012)]
            bend = root + direction * reach * 0.5 + rng.normal(0, 0.03, 2)
            end = root + direction * reach + rng.normal(0, 0.02, 2)
            outlines.append(ribbon(arc(root, bend, end), np.linspace(0.010, 0.003, 12)))
            middle = arc(root, bend, end, 3)[1]
            fork = end + direction * 0.07 + rng.normal(0, 0.04, 2)
            outlines.append(ribbon(arc(middle, (middle + fork) / 2 + rng.normal(0, 0.015, 2), fork),
                                   np.linspace(0.006, 0.002, 12)))
    vessels = soften(coverage([chest.place(o) for o in outlines], size), 0.002)
    blurred = enlarge(_soft(chest, hila, 0.02), size)
    return between(0.08, 0.20) * vessels + between(0.15, 0.4) * blurred


def _film(attenuation: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Attenuation -> grey 0..1 with a toe and a shoulder; exposure varies across the film."""
    between = rng.uniform
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    exposure = 1 + between(-0.08, 0.08) * xs + between(-0.08, 0.08) * ys
    low, high = between(0.10, 0.28), between(0.90, 0.98)
    shape = 1 - np.exp(-between(0.8, 1.15) * attenuation * exposure)
    return low + (high - low) * shape


def _grain(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise of the film: fine grain and coarse mottle, the same for every size."""
    fine = rng.standard_normal((GRAIN_SIZE, GRAIN_SIZE), np.float32) * rng.uniform(0.008, 0.03)
    coarse = rng.standard_normal((96, 96), np.float32) * rng.uniform(0.002, 0.006)
    return enlarge(fine, size) + enlarge(coarse, size)


def _frame(image: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Name plates blanked to 0 at the upper edge and a bright rim, as in JSRT; uint8."""
    between = rng.uniform
    plates, rims = [], []

    def box(x0, y0, x1, y1):
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    if between(0, 1) < 0.7:
        for x in (between(0.0, 0.12), between(0.75, 0.95)):
            plates.append(box(x, -0.1, x + between(0.08, 0.17), between(0.02, 0.07)))
    if between(0, 1) < 0.5:
        rims.append(box(-0.1, 1 - between(0.004, 0.015), 1.1, 1.1))
    image = np.maximum(image, soften(coverage(rims, size), 0.002))
    image = image * (1 - coverage(plates, size))
    return np.round(image * 255).astype(np.uint8)
