"""Segments picture files with an exported model: label maps, overlays, one CSV row each."""
from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np
import tensorflow as tf

from datasets import records
from datasets.dicom import Radiograph
from datasets.errors import InputError
from datasets.files import whole_file, write_png
from datasets.film import box_of_film
from datasets.fitting import Box, crop
from pipelines.data import pixels, sheets
from pipelines.runtime import progress
from pipelines.serving import capture, export, pictures

TABLE = 'predictions.csv'
SPACING = ('row_mm', 'column_mm', 'measured')  # of DICOM: a pixel, and where, see datasets/dicom.py
CHEST = {'heart', 'left_lung', 'right_lung'}
OF_CHESTS = ('lung', 'heart', 'clavicle', 'pneumothorax')  # in the name of a class


def predict(model, inputs: Sequence, output, trim_borders: Optional[bool] = None, are_numbered: bool = False,
            are_captured: bool = False) -> List[Dict[str, object]]:
    """Segments every picture; writes <name>.png (classes), <name>_overlay.png, predictions.csv.

    All pictures are read and checked before the model is loaded.

    Args:
      inputs: picture files, or folders of them, whose folders below are kept in the names.
      output: a folder, made if needed; same-named files in it are replaced.
      trim_borders: whether the model sees the film alone, see datasets/film.py; beyond it is background. None = as it
        learned.
      are_numbered: whether results and messages number the pictures, whose files' names may be those of patients.
      are_captured: whether <name>_overlay.dcm is written, too, which names the patient, see capture.py.

    Returns:
      The CSV's rows: file, size, area of each organ in pixels, and, of a model that knows heart and lungs,
      the cardiothoracic ratio ('' where one is missing); of DICOM also SPACING ('' where it says none).
    """
    description, output = export.read_description(model), Path(output)
    files = pictures.list_pictures(inputs, output, are_numbered)
    read = functools.partial(pictures.read_picture, shown=pictures.shown(files, are_numbered),
                             channels=description.get('channels', 1), grey=description.get('grey', 'equal'))
    are_chests = any(organ in word for word in description['classes'] for organ in OF_CHESTS)
    pictures.warn(pictures.check(files, read, are_chests))
    studies = {path: capture.study_of(path) for path in files} if are_captured else {}
    if output.resolve() in {path.resolve().parent for path in files}:
        raise InputError(f'--output {output}: expected another folder than that of the pictures, '
                         f'which the label maps would replace')
    try:
        output.mkdir(parents=True, exist_ok=True)
        with whole_file(output / TABLE) as temporary:  # what cannot be written there is said now
            temporary.touch()
    except OSError as error:
        raise InputError(f'--output {output}: cannot write there: {error.strerror}') from None
    segment, _ = export.load_segmenter(model)
    classes, colours = description['classes'], np.array(description['colours'], np.uint8)
    trims = description.get('trim_borders', False) if trim_borders is None else trim_borders
    rows = []
    for path, name in progress.bar(list(files.items()), desc='predict', unit='image'):
        image, told = read(path)
        image = image[..., None] if image.ndim == 2 else image
        class_map = _segmented(segment, image, box_of_film(image) if trims else Box(0, 0, *image.shape[:2]))
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(output / f'{name}.png', class_map)
        overlay = sheets.overlay(pixels.displayed(image), class_map, colours)
        write_png(output / f'{name}{pictures.OVERLAY}.png', overlay)
        if are_captured:
            capture.write_capture(output / f'{name}{pictures.OVERLAY}.dcm', overlay, studies[path], classes[1:])
        rows.append(_row(name if are_numbered else path, class_map, classes, told))
    _write_csv(output / TABLE, rows)
    return rows


def _segmented(segment, image: np.ndarray, box: Box) -> np.ndarray:
    """Classes uint8 [H, W] of a picture [H, W, C], found in a part of it; background beyond."""
    found = np.zeros(image.shape[:2], np.uint8)
    crop(found, box)[:] = segment(tf.constant(crop(image, box)[None], tf.float32))['class_map'][0].numpy()
    return found


def cardiothoracic_ratio(class_map: np.ndarray, classes: Sequence[str]) -> Optional[float]:
    """Widest extent of the heart over that of both lungs, or None where one is missing.

    Of each organ the largest piece counts: a stray pixel is no heart. [ours]
    """
    widths = []
    for organs in (('heart',), ('left_lung', 'right_lung')):
        if not set(organs) <= set(classes):
            return None
        mask = np.any([_largest(class_map == classes.index(organ)) for organ in organs], axis=0)
        columns = np.nonzero(mask.any(axis=0))[0]
        if not columns.size:
            return None
        widths.append(columns[-1] - columns[0] + 1)
    return float(widths[0] / widths[1])


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest 8-connected piece of a mask; nothing of an empty one."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return pieces == 1 + stats[1:, cv2.CC_STAT_AREA].argmax() if count > 1 else mask


def some_images(records_directory, count: int) -> Iterator[Tuple[str, np.ndarray]]:
    """(name, uint8 or uint16 [h, w], or uint8 [h, w, 3]) of the first records of a folder, without margins."""
    info = records.read_info(records_directory)
    for row in records.read(info, count):
        image, _, _ = info.shown(row)
        yield Path(row['name'].decode()).stem, image[..., 0] if info.channels == 1 else image


def _row(path, class_map: np.ndarray, classes: Sequence[str], told: Optional[Radiograph] = None) -> Dict[str, object]:
    areas = {f'{organ}_px': int((class_map == value).sum())
             for value, organ in enumerate(classes) if value}
    row = {'file': str(path), 'height': class_map.shape[0], 'width': class_map.shape[1], **areas}
    if CHEST <= set(classes):
        ratio = cardiothoracic_ratio(class_map, classes)
        row['cardiothoracic_ratio'] = '' if ratio is None else f'{ratio:.3f}'
    if told:
        row.update(zip(SPACING, (*(told.spacing_mm or ('', '')), told.measured)))
    return row


def _write_csv(path: Path, rows: Sequence[dict]) -> None:
    with whole_file(path) as temporary, open(temporary, 'w', newline='', encoding='utf-8',
                                             errors='surrogateescape') as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), restval='')
        writer.writeheader()
        writer.writerows(rows)
