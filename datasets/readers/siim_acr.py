"""SIIM-ACR: chest radiographs, and where each shows a pneumothorax.

SIIM-ACR Pneumothorax Segmentation, a challenge of the Society for Imaging Informatics in Medicine and the American
College of Radiology (2019), under its rules: frontal radiographs of 1024 x 1024 pixels, 8 bits, of which 2669 show
one and 9420 none, as the paper of DF-GAN counts.

    <source>/train-rle.csv                      lines `ImageId, EncodedPixels`: run lengths (SIIM_ACR of run_lengths.py)
                                                on 1024 x 1024 pixels; several lines of one picture add up
    <source>/dicom-images-train/<study>/<series>/<ImageId>.dcm       as distributed; takes pydicom, see dicom.py; or
    <source>/images/<ImageId>.png               exported, of any size, lungs dark; taken first where any are there
    <source>/train.txt, test.txt                yours, if data.division is official; ids, one a line

Those without a pneumothorax are left out, as in the paper (`siim_acr`), or kept (`siim_acr_all`). [ours] Each picture
stands for a patient of its own: the release says of none whose it is. Nor is any given millimetres, for the pictures
were reduced to one size before they were distributed.
"""
from __future__ import annotations

import functools
import pathlib
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from datasets.dicom import pydicom_for, read_dicom
from datasets.errors import InputError
from datasets.images import check_not_constant, read_picture, what_else
from datasets.labels import PNEUMOTHORAX, PNEUMOTHORAX_OR_NONE, UNLABELLED
from datasets.radiographs import told
from datasets.readers.folder import by_id
from datasets.run_lengths import SIIM_ACR
from datasets.sample import Dataset, Sample, check_aspect, check_split
from datasets.splits import choose_ids, listed_ids, name_some, normal

LABELS, ORIGINALS, EXPORTS = 'train-rle.csv', 'dicom-images-train', 'images'
HEADER = ['ImageId', 'EncodedPixels']  # the second with a space before it, as distributed
SIDE = 1024  # px, of the pictures that the run lengths are about
FEW = 3      # ids that a note names


class Line(NamedTuple):
    """One line of the label file: its number, from 1 on, and its run lengths."""
    number: int
    text: str


Lines = Dict[str, List[Line]]  # id -> its lines


def open_siim_acr(asked, has_healthy: bool = False) -> Dataset:
    """Opens SIIM-ACR, see readers.Request.

    Args:
      has_healthy: keep the pictures without a pneumothorax, whose masks are empty.

    Raises:
      InputError: layout, label file, ids, a picture or run lengths are not as they should be; or no picture shows a
        pneumothorax.
    """
    check_split(asked.split)
    source = pathlib.Path(asked.source)
    if not source.is_dir():
        raise InputError(f'--source (data.source) {source}: expected the folder of the data set, found none')
    images, words = _pictures(source)
    lines = {} if asked.unlabelled else read_lines(source / LABELS)
    stored, notes = (sorted(images), ()) if asked.unlabelled else _stored(source, images, lines, has_healthy)
    ids = listed_ids(source, asked.split, stored) if asked.ids is None else tuple(asked.ids)
    healthy = [id for id in ids if id in lines and not _shows(lines[id])]
    if healthy and not has_healthy:
        raise InputError(f'{source}: expected ids of pictures with a pneumothorax, found {name_some(healthy, FEW)} '
                         f'without; take them out, or keep them with data.dataset=siim_acr_all')
    ids = choose_ids(stored, ids, f'{source}/{LABELS}')
    coding = UNLABELLED if asked.unlabelled else PNEUMOTHORAX_OR_NONE if has_healthy else PNEUMOTHORAX

    def load(id: str) -> Sample:
        image = _read(images[id], asked.channels, asked.grey)
        check_not_constant(image, images[id])
        masks = {} if asked.unlabelled else {coding.organs[0]: _mask(lines[id], source / LABELS)}
        check_aspect(image, masks, str(images[id]))
        return Sample(id, image, masks, told=told(image))

    def files(id: str) -> List[pathlib.Path]:
        return [images[id], *([] if asked.unlabelled else [source / LABELS])]

    return Dataset(f'siim_acr{"_all" * has_healthy}_{asked.split}', coding, ids, load, files=files,
                   notes=(*words, *(notes if asked.ids is None else ())),
                   unlabelled=() if asked.unlabelled else tuple(sorted(set(images) - set(lines))))


def read_lines(path: pathlib.Path) -> Lines:
    """Reads the label file: id -> its lines, at least one; their run lengths are decoded where they are needed.

    Raises:
      InputError: no such file, another header, a line of another form, or a picture that has a pneumothorax in one
        line and none in another.
    """
    try:
        header, *rows = path.read_text(encoding='utf-8-sig').splitlines() or ['']
    except (OSError, UnicodeDecodeError):
        raise InputError(f'{path}: expected the label file of SIIM-ACR, lines `ImageId, EncodedPixels`, found none; '
                         f'pictures alone are read with data.unlabelled=true (--unlabelled)') from None
    if [cell.strip() for cell in header.split(',')] != HEADER:
        raise InputError(f'{path}, line 1: expected `ImageId, EncodedPixels`, found {header[:60]!r}')
    found: Lines = {}
    for number, row in enumerate(rows, 2):
        id, *cells = [cell.strip() for cell in row.split(',')]
        if not id and not cells:
            continue
        if not id or len(cells) != 1:
            raise InputError(f'{path}, line {number}: expected `ImageId, EncodedPixels`, found {row[:60]!r}')
        found.setdefault(normal(id), []).append(Line(number, cells[0]))
    for id, own in found.items():
        if len({line.text == SIIM_ACR.none for line in own}) > 1:
            raise InputError(f'{path}: expected of {id} either {SIIM_ACR.none} or run lengths, found both in lines '
                             f'{", ".join(str(line.number) for line in own)}')
    return found


def _shows(lines: List[Line]) -> bool:
    return lines[0].text != SIIM_ACR.none


def _mask(lines: List[Line], path: pathlib.Path) -> np.ndarray:
    """All lines of one picture together, bool [1024, 1024]."""
    return functools.reduce(np.logical_or, (
        SIIM_ACR.decode(line.text, (SIDE, SIDE), f'{path}, line {line.number}') for line in lines))


def _read(path: pathlib.Path, channels: int, grey: str) -> np.ndarray:
    if path.suffix.lower() != '.dcm':
        return read_picture(path, channels, grey)
    image = read_dicom(path)
    return image if channels == 1 else np.repeat(image[..., None], 3, axis=-1)


def _pictures(source: pathlib.Path) -> Tuple[Dict[str, pathlib.Path], Tuple[str, ...]]:
    """(id -> its picture, words on which were taken); exports where any are there, else the originals."""
    originals: Dict[str, pathlib.Path] = {}
    for path in sorted((source / ORIGINALS).rglob('*')):
        if path.suffix.lower() == '.dcm' and not path.name.startswith('.'):
            if path.stem in originals:
                raise InputError(f'{path}: a second file of {path.stem}, beside {originals[path.stem]}; keep one')
            originals[path.stem] = path
    exports = by_id(source / EXPORTS)
    if not originals and not exports:
        raise InputError(f'{source}: found no pictures; looked for {ORIGINALS}/<study>/<series>/<ImageId>.dcm and '
                         f'{EXPORTS}/<ImageId>.png; found {what_else(source)}')
    if exports:
        return exports, (f'{source}: the pictures in {EXPORTS} were read, not those in {ORIGINALS}',) * bool(originals)
    pydicom_for(source / ORIGINALS)
    return originals, ()


def _stored(source: pathlib.Path, images: Dict[str, pathlib.Path], lines: Lines, has_healthy: bool
            ) -> Tuple[List[str], Tuple[str, ...]]:
    """(ids of the pictures that are kept, a note on each sort of those that are not)."""
    both = sorted(set(images) & set(lines))
    shown = [id for id in both if _shows(lines[id])]
    if not shown:
        raise InputError(f'{source / LABELS}: expected pictures with a pneumothorax, found none: of {len(images)} '
                         f'pictures {len(both)} have a line there, and it says {SIIM_ACR.none}')
    left_out = {'pictures show no pneumothorax and are left out; data.dataset=siim_acr_all keeps them':
                [] if has_healthy else sorted(set(both) - set(shown)),
                f'pictures have no line in {LABELS} and are left out': sorted(set(images) - set(lines)),
                f'pictures have lines in {LABELS} and are not there': sorted(set(lines) - set(images))}
    return both if has_healthy else shown, tuple(
        f'{source}: {len(ids)} {words}: {name_some(ids, FEW)}' for words, ids in left_out.items() if ids)
