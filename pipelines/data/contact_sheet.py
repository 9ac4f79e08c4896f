"""A picture by which to see whether a data set was read as meant."""
from __future__ import annotations

import cv2
import numpy as np

from datasets import records
from datasets.files import write_png
from pipelines.data import pixels, sheets, structures

NAME = 'contact_sheet.png'
SHOWN, COLUMNS, TILE = 16, 4, 256


def write_contact_sheet(info: records.Info, path) -> None:
    """Some originals, evenly chosen, each with its organs' outlines, its dots and its id."""
    wanted = {i * info.versions for i in structures.some(range(len(info.ids)), SHOWN)}
    tiles = [_tile(row, info) for number, row in enumerate(records.read(info)) if number in wanted]
    write_png(path, sheets.grid([tiles[i:i + COLUMNS] for i in range(0, len(tiles), COLUMNS)], TILE))


def _tile(row: dict, info: records.Info) -> np.ndarray:
    image, labels, _ = info.shown(row)
    scale = TILE / max(image.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    shown = cv2.resize(pixels.displayed(image), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    picture = sheets.overlay(shown, labels, info.coding.colours, opacity=0.15)
    if info.dots_size:
        _draw_dots(picture, row['dots'], info, info.box(row), scale)
    cv2.putText(picture, row['source_id'].decode()[-24:], (4, picture.shape[0] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4,
                (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def _draw_dots(picture: np.ndarray, dots: np.ndarray, info: records.Info, box, scale: float) -> None:
    for value, colour in enumerate(info.coding.dot_colours):
        at = np.argwhere(dots == value)
        if value and len(at):
            y, x = (at.mean(axis=0) + 0.5) / info.dots_size * info.size - (box.top, box.left)
            cv2.circle(picture, (round(x * scale), round(y * scale)), 4, (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(picture, (round(x * scale), round(y * scale)), 3, [int(c) for c in colour], -1, cv2.LINE_AA)
