"""Sample sheets: fields of samples as pictures that people can judge."""
from __future__ import annotations

from typing import Sequence

import cv2
import numpy as np

from datasets.fitting import box_of, place
from datasets.labels import LabelCoding

TILE = 160   # px, of one picture on a sheet
COLUMNS = 8  # samples on a sheet


def to_rgb(field: str, values: np.ndarray, coding: LabelCoding) -> np.ndarray:
    """One field of one sample -> RGB uint8 [H, W, 3].

    Args:
      field: 'image' (see `picture_to_rgb`), 'labels' or 'dots' (codes [H, W]).
    """
    if field == 'image':
        return picture_to_rgb(values)
    return (coding.colours if field == 'labels' else coding.dot_colours)[values]


def picture_to_rgb(values: np.ndarray) -> np.ndarray:
    """A grey uint8 [H, W] or [H, W, 1], or a colour [H, W, 3] picture -> RGB uint8 [H, W, 3]."""
    values = np.asarray(values)
    values = values[..., None] if values.ndim == 2 else values
    return np.repeat(values, 3 // values.shape[-1], axis=2)


def grid(rows: Sequence[Sequence[np.ndarray]], tile: int = TILE, gap: int = 4) -> np.ndarray:
    """Rows of RGB pictures -> one picture, every tile of the same size, each picture whole in it, on white."""
    columns = max(len(row) for row in rows)
    height, width = len(rows) * (tile + gap) - gap, columns * (tile + gap) - gap
    sheet = np.full((height, width, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            method = cv2.INTER_AREA if max(picture.shape[:2]) > tile else cv2.INTER_NEAREST
            top, left = i * (tile + gap), j * (tile + gap)
            box = box_of(*picture.shape[:2], tile)
            sheet[top:top + tile, left:left + tile] = place(
                cv2.resize(picture, (box.width, box.height), interpolation=method), box, tile, 255)
    return sheet


def overlay(image: np.ndarray, classes: np.ndarray, colours: np.ndarray,
            opacity: float = 0.35) -> np.ndarray:
    """Picture (see `picture_to_rgb`) and class map -> RGB with tinted organs and their outlines."""
    rgb = picture_to_rgb(image).astype(np.float32)
    tint = colours[classes].astype(np.float32)
    rgb = np.where((classes > 0)[..., None], (1 - opacity) * rgb + opacity * tint, rgb)
    rgb = rgb.round().astype(np.uint8)
    thickness = max(1, image.shape[0] // 256)
    for value in range(1, len(colours)):
        contours, _ = cv2.findContours((classes == value).astype(np.uint8), cv2.RETR_LIST,
                                       cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(rgb, contours, -1, [int(c) for c in colours[value]], thickness)
    return rgb
