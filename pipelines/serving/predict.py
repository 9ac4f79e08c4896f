"""Segments picture files with an exported model: label maps, overlays, one CSV row each."""
from __future__ import annotations

import collections
import csv
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.files import whole_file, write_png
from datasets import images
from datasets.images import check_not_constant
from datasets.readers.jsrt import read_img
from pipelines.data import pixels, sheets
from pipelines.runtime import progress
from pipelines.serving import export

SUFFIXES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.gif', '.bmp', '.img')


def predict(model, inputs: Sequence, output) -> List[Dict[str, object]]:
    """Segments every picture; writes <name>.png (classes), <name>_overlay.png, predictions.csv.

    All pictures are read and checked before the first result is written.

    Args:
      inputs: picture files, or folders of them.
      output: a folder, made if needed; same-named files in it are replaced.

    Returns:
      The CSV's rows: file, size, area of each organ in pixels, cardiothoracic ratio ('' where the
      model does not know heart and lungs).
    """
    segment, description = export.load_segmenter(model)
    files, channels = list_pictures(inputs), description.get('channels', 1)
    for path in progress.bar(files, desc='check', unit='image'):
        check_not_constant(read_picture(path, channels), path)
    output = Path(output)
    if output.resolve() in {path.resolve().parent for path in files}:
        raise InputError(f'--output {output}: expected another folder than that of the pictures, '
                         f'which the label maps would replace')
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'--output {output}: cannot write there: {error.strerror}') from None
    classes, colours = description['classes'], np.array(description['colours'], np.uint8)
    rows = []
    for path in progress.bar(files, desc='predict', unit='image'):
        image = read_picture(path, channels)
        image = image[..., None] if image.ndim == 2 else image
        class_map = segment(tf.constant(image[None], tf.float32))['class_map'][0].numpy()
        write_png(output / f'{path.stem}.png', class_map)
        write_png(output / f'{path.stem}_overlay.png',
                  sheets.overlay(pixels.displayed(image), class_map, colours))
        rows.append(_row(path, class_map, classes))
    _write_csv(output / 'predictions.csv', rows)
    return rows


def read_picture(path: Path, channels: int = 1) -> np.ndarray:
    """A picture as images.read_picture reads it, grey ones with lungs dark; JSRT's .IMG files too."""
    return read_img(path) if path.suffix.lower() == '.img' else images.read_picture(path, channels)


def list_pictures(inputs: Sequence) -> List[Path]:
    """Files as given and the pictures of folders, sorted; InputError on none, or equal names."""
    files: List[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            found = sorted(p for p in given.iterdir() if p.suffix.lower() in SUFFIXES
                           and not p.name.startswith('.'))  # a Mac leaves ._name beside name
            if not found:
                raise InputError(f'--input {given}: expected pictures ({", ".join(SUFFIXES)}), '
                                 f'found none')
            files += found
        elif given.is_file():
            files.append(given)
        else:
            raise InputError(f'--input {given}: no such file or folder')
    counts = collections.Counter(path.stem for path in files)
    twice = next((stem for stem, count in counts.items() if count > 1), None)
    if twice:
        raise InputError(f'--input: two pictures are called {twice!r}, so their results would '
                         f'overwrite each other; segment them into two folders')
    return files


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
    """(name, uint8 or uint16 [H, W], or uint8 [H, W, 3]) of the first records of a folder."""
    info = records.read_info(records_directory)
    for row in records.read(info, count):
        image = row['image']
        yield Path(row['name'].decode()).stem, image[..., 0] if info.channels == 1 else image


def _row(path: Path, class_map: np.ndarray, classes: Sequence[str]) -> Dict[str, object]:
    ratio = cardiothoracic_ratio(class_map, classes)
    areas = {f'{organ}_px': int((class_map == value).sum())
             for value, organ in enumerate(classes) if value}
    return {'file': str(path), 'height': class_map.shape[0], 'width': class_map.shape[1], **areas,
            'cardiothoracic_ratio': '' if ratio is None else f'{ratio:.3f}'}


def _write_csv(path: Path, rows: Sequence[dict]) -> None:
    with whole_file(path) as temporary, open(temporary, 'w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
