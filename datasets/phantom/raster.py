"""Smooth shapes in the unit square, and their coverage of pixels at any size.

Points are float [n, 2] as (x, y), x to the right and y down, the picture being [0, 1] x [0, 1].
"""
from __future__ import annotations

from typing import Sequence, Union

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

# fractional bits of the coordinates that OpenCV fills polygons with
SHIFT = 6


def open_curve(points: Sequence, count: int = 32) -> np.ndarray:
    """A smooth curve from the first point through all others to the last, [count, 2]."""
    points = np.asarray(points, float)
    chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0], np.cumsum(np.sqrt(chords))])
    return CubicSpline(at, points)(np.linspace(0, at[-1], count))


def closed_curve(points: Sequence, count: int = 96) -> np.ndarray:
    """A smooth closed curve through all points, [count, 2]."""
    points = np.asarray(points, float)
    points = np.concatenate([points, points[:1]])
    chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0], np.cumsum(np.sqrt(chords))])
    return CubicSpline(at, points, bc_type='periodic')(np.linspace(0, at[-1], count + 1)[:-1])


def arc(start: Sequence, control: Sequence, end: Sequence, count: int = 12) -> np.ndarray:
    """A quadratic Bezier curve, [count, 2]."""
    t = np.linspace(0, 1, count)[:, None]
    return ((1 - t) ** 2 * np.asarray(start) + 2 * t * (1 - t) * np.asarray(control)
            + t ** 2 * np.asarray(end))


def ellipse(centre: Sequence, radii: Sequence, count: int = 32) -> np.ndarray:
    """An ellipse with its axes along x and y, [count, 2]."""
    phi = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.asarray(centre) + np.stack([np.cos(phi), np.sin(phi)], 1) * np.asarray(radii)


def ribbon(line: np.ndarray, width: Union[float, np.ndarray]) -> np.ndarray:
    """The outline of a line [n, 2] drawn with a width (one, or one per point), [2 n, 2]."""
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    half = normal * np.broadcast_to(np.asarray(width) / 2, len(line))[:, None]
    return np.concatenate([line + half, (line - half)[::-1]])


def coverage(outlines: Sequence[np.ndarray], size: int) -> np.ndarray:
    """How much of each pixel the union of the outlines covers, float32 [size, size] in 0..1."""
    canvas_size = size * max(2, 512 // size)
    canvas = np.zeros((canvas_size, canvas_size), np.uint8)
    for outline in outlines:
        # OpenCV counts from the centre of the first pixel
        corners = np.round((outline * canvas_size - 0.5) * 2 ** SHIFT).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255, shift=SHIFT)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def soften(layer: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with sigma as a fraction of the picture's size."""
    pixels = sigma * layer.shape[0]
    return cv2.GaussianBlur(layer, (0, 0), pixels) if pixels > 0.2 else layer
