"""Grows the arteries and veins of a drawn retina, from the optic disc to the last twig. [ours]

Points are (x, y) in disc diameters from the middle of the optic disc, x towards the temple (where the macula lies), y
down. Four trunks of either kind leave the disc; above and below the macula they run in an arc around it. Every vessel
sends out branches and forks at its end, each thinner than its parent by Murray's law (the cubes of the widths add up).
A branch follows the flow of the retina, towards the macula inside the arcs and away from the disc outside, and keeps
away from vessels of its kind; arteries and veins cross.
"""
from __future__ import annotations

import heapq
import math
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from datasets.phantom.raster import open_curve

STEP = 0.05                       # of a walk, disc diameters
MIN_WIDTH = 0.018
ARTERY, VEIN = 0, 1
TRUNK_WIDTHS = {ARTERY: (0.080, 0.096), VEIN: (0.108, 0.128)}
NASAL = 0.72                      # nasal trunks, as a share of the temporal ones
# the course of a trunk above the disc; below it is mirrored
TEMPORAL = ((0, 0), (0.05, -0.42), (0.38, -1.12), (1.1, -1.85), (2.15, -2.3), (3.4, -2.25), (4.7, -1.75), (5.9, -1.15),
            (7.0, -0.7))
NASALLY = ((0, 0), (-0.08, -0.45), (-0.5, -1.1), (-1.25, -1.75), (-2.2, -2.35), (-3.3, -2.9), (-4.6, -3.4))
AVASCULAR = 0.33                  # radius around the middle of the macula without vessels
MOST_TURN = 1.9                   # radians that a branch turns in all
REACH, TOUCH = 0.55, 0.10         # how far a vessel feels another of its kind, and where it ends
NEAR = 0.16                       # how far it feels one of the other kind


class Vessel(NamedTuple):
    """A vessel between two ends: points [n, 2], widths [n], ARTERY or VEIN."""
    points: np.ndarray
    widths: np.ndarray
    kind: int


class _Bud(NamedTuple):
    """Where a vessel begins to grow."""
    point: np.ndarray
    heading: float
    width: float
    kind: int
    tortuosity: float


def grow(rng: np.random.Generator, fovea: np.ndarray, middle: np.ndarray, radius: float) -> List[Vessel]:
    """The vessels of one eye.

    Args:
      fovea: the middle of the macula.
      middle, radius: of what the camera sees; nothing grows beyond.
    """
    return _Growth(rng, fovea, middle, radius).vessels


class _Growth:
    def __init__(self, rng, fovea, middle, radius):
        self.rng, self.fovea, self.middle, self.radius = rng, fovea, middle, radius
        self.vessels: List[Vessel] = []
        self.taken = {ARTERY: np.zeros((0, 2)), VEIN: np.zeros((0, 2))}
        self.buds: list = []      # widest first
        tortuosity = rng.uniform(0.6, 1.3)
        for kind in (VEIN, ARTERY):
            for course in (TEMPORAL, NASALLY):
                for below in (-1, 1):
                    self._trunk(kind, course, below, tortuosity * (1.15 if kind == VEIN else 1.0))
        while self.buds:
            *_, bud = heapq.heappop(self.buds)
            self._branch(bud)

    def _bud(self, bud: _Bud) -> None:
        if bud.width >= MIN_WIDTH:
            heapq.heappush(self.buds, (-bud.width, len(self.vessels), self.rng.random(), bud))

    def _trunk(self, kind: int, course, below: int, tortuosity: float) -> None:
        between, points = self.rng.uniform, np.array(course)
        points = points * [between(0.9, 1.15), between(0.82, 1.12)]
        apart = (0.16 if kind == VEIN else -0.16) * between(0.4, 1.3)   # veins lie outside, more often than not
        apart = -apart if between(0, 1) < 0.25 else apart
        out = points - self.fovea if course is TEMPORAL else points * [0.5, 1]
        out = out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)
        grown = np.minimum(1, np.linalg.norm(points, axis=1, keepdims=True) / 1.3)
        points = points + apart * out * grown + self.rng.normal(0, 0.09, points.shape) * grown
        points[0] = self.rng.normal(0, 0.02, 2) + [-0.08, 0.02 * below]
        points[:, 1] *= -below
        line = open_curve(points, 400)
        line = line[::max(1, round(STEP / np.linalg.norm(np.diff(line, axis=0), axis=1).mean()))]
        line = line + self._waves(len(line), tortuosity)
        width = between(*TRUNK_WIDTHS[kind]) * (NASAL if course is NASALLY else 1)
        self._finish(line, width, kind, tortuosity, first=0.8)

    def _waves(self, count: int, tortuosity: float) -> np.ndarray:
        """A smooth random sway of a trunk, none at its root [count, 2]."""
        coarse = self.rng.normal(0, 0.05 * tortuosity, (max(4, count // 13), 2))
        coarse[0] = 0
        return open_curve(np.concatenate([np.arange(len(coarse))[:, None], coarse], 1), count)[:, 1:]

    def _branch(self, bud: _Bud) -> None:
        walked = self._walk(bud)
        if walked is not None:
            self._finish(walked, bud.width, bud.kind, bud.tortuosity, first=self.rng.uniform(0.3, 0.7))

    def _walk(self, bud: _Bud) -> Optional[np.ndarray]:
        """The line of a branch [n, 2], None where there is no room for one."""
        rng, points, heading, sway = self.rng, [bud.point], bud.heading, 0.0
        steps = int((0.25 + bud.width * rng.uniform(29, 48)) / STEP)
        others, crossed = (points[np.abs(points - bud.point).max(axis=1) < steps * STEP + REACH]
                           for points in (self.taken[bud.kind], self.taken[1 - bud.kind]))
        others = others[np.hypot(*(others - bud.point).T) > 0.14]
        for number, drift in enumerate(rng.normal(0, 0.028, steps) * bud.tortuosity):
            x, y = points[-1]
            sway = 0.85 * sway + drift
            push_x, push_y, near = _repelled(x, y, others, REACH)
            if near < TOUCH and number > 2 or self._is_out(x, y, heading) or abs(heading - bud.heading) > MOST_TURN:
                break
            flow_x, flow_y = self._flow(x, y)
            cross_x, cross_y, _ = _repelled(x, y, crossed, NEAR)
            wanted = 0.6 * flow_x + 0.8 * push_x + 0.4 * cross_x, 0.6 * flow_y + 0.8 * push_y + 0.4 * cross_y
            turn = _turn(heading, *wanted) * min(1.0, math.hypot(*wanted))
            heading += min(0.9, max(-0.9, turn)) * (0.02 if number < 4 else 0.10) + sway
            points.append((x + STEP * math.cos(heading), y + STEP * math.sin(heading)))
        return _smooth(np.array(points)) if len(points) > 5 else None

    def _is_out(self, x: float, y: float, heading: float) -> bool:
        """Beyond what is seen, in the middle of the macula, past it, or back at the disc."""
        inward = self.fovea[0] - x, self.fovea[1] - y
        away, from_disc = math.hypot(*inward), math.hypot(x, y)
        is_past = away < 1.1 and abs(_turn(heading, *inward)) > 1.75
        is_back = from_disc < 0.6 and abs(_turn(heading, x, y)) > 1.75
        is_beyond = math.hypot(x - self.middle[0], y - self.middle[1]) > self.radius + 0.2
        return is_beyond or away < AVASCULAR or is_past or is_back

    def _flow(self, x: float, y: float) -> Tuple[float, float]:
        """Where vessels go from here: to the macula near it, else away from the disc; of length 1."""
        inward, outward = (self.fovea[0] - x, self.fovea[1] - y), (x + 0.3, y)
        away, reach = math.hypot(*inward), 1.9 + min(1.0, max(0.0, x - self.fovea[0]))
        share = 1 / (1 + math.exp(4 * (away - reach)))
        one, other = share / (away + 1e-9), (1 - share) / (math.hypot(*outward) + 1e-9)
        flow = one * inward[0] + other * outward[0], one * inward[1] + other * outward[1]
        length = math.hypot(*flow) + 1e-9
        return flow[0] / length, flow[1] / length

    def _finish(self, line: np.ndarray, width: float, kind: int, tortuosity: float, first: float) -> None:
        """Keeps a line as a vessel and sets the buds of its branches, the first of them so far from its root."""
        inside = np.linalg.norm(line - self.middle, axis=1) < self.radius + 0.3
        line = line[:len(inside) if inside.all() else max(2, int(np.argmin(inside)))]
        along = np.gradient(line, axis=0)
        headings = np.arctan2(along[:, 1], along[:, 0])
        widths, side = np.empty(len(line)), self.rng.choice([-1, 1])
        upcoming = first
        for number in range(len(line)):
            widths[number] = width
            width *= 1 - 0.004
            if (number + 1) * STEP >= upcoming and number < len(line) - 3:
                share = self.rng.choice([self.rng.uniform(0.25, 0.5), self.rng.uniform(0.5, 0.8)], p=[0.6, 0.4])
                angle = side * np.deg2rad(self.rng.uniform(35, 75) * (1.1 - 0.5 * share))
                self._bud(_Bud(line[number], headings[number] + angle, width * share, kind, tortuosity))
                width *= (1 - share ** 3) ** (1 / 3)
                side = -side if self.rng.random() < 0.75 else side
                upcoming += self.rng.uniform(0.22, 0.55)
        away = np.linalg.norm(line - self.fovea, axis=1) - AVASCULAR
        widths = np.minimum(_smooth(widths), MIN_WIDTH + 0.045 * np.maximum(away, 0))   # none is wide at the macula
        self.vessels.append(Vessel(line, np.maximum(widths, 0.75 * MIN_WIDTH), kind))
        self.taken[kind] = np.concatenate([self.taken[kind], line])
        spread = np.deg2rad(self.rng.uniform(18, 34, 2))
        for turn, share in zip((-spread[0], spread[1]), self.rng.permutation([0.86, 0.68])):
            self._bud(_Bud(line[-1], headings[-1] + turn, width * share, kind, tortuosity))


def _repelled(x: float, y: float, others: np.ndarray, reach: float) -> Tuple[float, float, float]:
    """(the push of points [n, 2] nearer than `reach` on a point, at most of length 1; distance to the nearest)."""
    away_x, away_y = x - others[:, 0], y - others[:, 1]
    distances = np.sqrt(away_x * away_x + away_y * away_y)
    close = np.flatnonzero(distances < reach)
    if not len(close):
        return 0.0, 0.0, math.inf
    near = distances[close] + 1e-9
    strength = (1 - near / reach) ** 2 / near
    push_x, push_y = float((away_x[close] * strength).sum()), float((away_y[close] * strength).sum())
    length = max(1.0, math.hypot(push_x, push_y))
    return push_x / length, push_y / length, float(near.min())


def _turn(heading: float, x: float, y: float) -> float:
    """The angle from a heading to a direction, in (-pi, pi]."""
    return (math.atan2(y, x) - heading + math.pi) % (2 * math.pi) - math.pi


def _smooth(values: np.ndarray) -> np.ndarray:
    """Running means of five; the ends stay."""
    padded = np.concatenate([values[:1].repeat(2, 0), values, values[-1:].repeat(2, 0)])
    smooth = sum(padded[i:i + len(values)] for i in range(5)) / 5
    smooth[0], smooth[-1] = values[0], values[-1]
    return smooth
