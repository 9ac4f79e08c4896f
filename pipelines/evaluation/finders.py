"""What finds the organs in the pictures of records: an exported model, or label maps that any other program wrote.

Scores, overlays, readings and reports ask a Finder and know no difference.
"""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.fitting import Box, crop
from datasets.images import read_codes
from datasets.readers.coding import Coding, plain_coding, read_coding
from datasets.readers.folder import by_id
from datasets.readers.nnunet import DESCRIPTION as NNUNET
from datasets.readers.nnunet import coding_of
from datasets.sample import check_same_aspect
from datasets.splits import name_some, normal
from datasets.targets import Scored, Targets, scored_on
from pipelines.data.nnunet import case_name
from pipelines.data.prepare import resize_mask
from pipelines.serving import export


class Found(NamedTuple):
    """What was found in one picture: masks bool [classes, H, W]; a function of their probabilities, float32 of that
    shape, or of None where there are none."""
    masks: np.ndarray
    probabilities: Callable[[], Optional[np.ndarray]]


class Finder(NamedTuple):
    """One program and the records that it is asked about.

    Attributes:
      named: what scores say they are of: the folder of a model, or of predictions.
      info: the records.
      targets: the classes that it finds.
      compared: those that are scored there.
      find: (a record, see records.parse, its picture [h, w, C]) -> Found, of the picture's shape.
      colours: RGB of the classes, uint8 [1 + classes, 3], when asked.
      threshold: what a model says of its threshold, when asked, see serving/threshold.py; None = it has none.
    """
    named: str
    info: records.Info
    targets: Targets
    compared: Scored
    find: Callable[[dict, np.ndarray], Found]
    colours: Callable[[], np.ndarray]
    threshold: Callable[[], Optional[dict]] = lambda: None


def of_model(model, records_directory, chosen: Optional[Mapping[str, Sequence[str]]] = None) -> Finder:
    """An exported segmenter; see export.load_segmenter_on for what is refused."""
    segment, info, targets, compared = export.load_segmenter_on(model, records_directory, chosen)

    def find(row, image):
        result = segment(tf.cast(image, tf.float32)[None])
        return Found(export.masks_of(result, targets), lambda: export.probabilities_of(result, targets))

    return Finder(str(model), info, targets, compared, find,
                  lambda: np.array(export.read_description(model)['colours'], np.uint8),
                  lambda: export.read_threshold(model))


def of_predictions(directory, records_directory, codes: Optional[Mapping[str, int]] = None,
                   chosen: Optional[Mapping[str, Sequence[str]]] = None) -> Finder:
    """Pictures of codes, <id>.png, one for each record, of the shape of the picture or of its record.

    Args:
      codes: what they hold, {'left_lung': 1, ...}, 0 for the background; None = as a coding.yaml beside them says (see
        readers/folder.py), or the dataset.json that nnU-Net leaves there.
      chosen: the classes to score, see targets.scored_on; one that `codes` name is made of these organs.

    Raises:
      InputError: no such folder, a picture without its prediction, codes that nobody explained, or another shape.
        Every file is read before anything is scored.
    """
    directory, where = Path(directory), f'--predictions {directory}'
    info = records.read_info(records_directory)
    if not directory.is_dir():
        raise InputError(f'{where}: expected a folder of label maps, <id>.png, found none')
    if info.versions > 1:
        raise InputError(f'--records {records_directory}: expected pictures as they are, found {info.versions} versions of '
                         f'each; write records without --augment')
    coded = _coded(directory, info, codes)
    organs = [tuple((chosen or {}).get(name, (name,))) for name in coded.coding.organs]
    targets = Targets(coded.coding.organs, tuple(organs))
    compared = scored_on(targets, info.coding, chosen, where if chosen is None else '--targets')
    read = functools.partial(_read, files=_files(directory, info.ids), coded=coded, info=info)
    for row in records.read(info):
        read(row)
    return Finder(str(directory), info, targets, compared,
                  lambda row, image: Found(read(row), lambda: None), lambda: coded.coding.class_colours)


def _files(directory: Path, ids: Sequence[str]) -> Dict[str, Path]:
    """id -> its label map, which may be called as nnU-Net calls it."""
    there = by_id(directory)
    files = {id: there.get(normal(id), there.get(case_name(id))) for id in ids}
    missing = [id for id, path in files.items() if path is None]
    if missing:
        raise InputError(f'--predictions {directory}: expected a label map of every picture, <id>.png, found none of '
                         f'{name_some(missing)}')
    return files


def _coded(directory: Path, info: records.Info, codes: Optional[Mapping[str, int]]) -> Coding:
    """What the codes of predictions mean: as somebody said, never as it would be usual."""
    if codes:
        return plain_coding('predictions', tuple(codes), (0, *codes.values()))
    if (directory / 'coding.yaml').is_file():
        return read_coding(directory / 'coding.yaml')
    if (directory / NNUNET).is_file():
        return coding_of(directory)
    example = ' '.join(f'{name}={number}' for number, name in enumerate(info.coding.targets, 1))
    raise InputError(f'--predictions {directory}: which codes are which classes? Say --classes, as {example}, or lay a '
                     f'coding.yaml or the dataset.json of nnU-Net beside them')


def _read(row: dict, files: Dict[str, Path], coded: Coding, info: records.Info) -> np.ndarray:
    """The masks of a record's prediction, bool [classes, h, w], in the shape that the record shows."""
    path, box = files[row['source_id'].decode()], info.box(row)
    stored = _of_film(read_codes(path), tuple(map(int, row['cut_from'])), tuple(map(int, row['shape'])))
    check_same_aspect(np.empty((box.height, box.width)), stored, 'a label map', str(path))
    least = [min(sides) for sides in zip(row['shape'], (box.height, box.width))]
    if min(stored.shape[0] - least[0], stored.shape[1] - least[1]) < -1:
        raise InputError(f'{path}: expected a label map of the shape of its picture or of its record, {box.height} x '
                         f'{box.width}, found a smaller one, {stored.shape[0]} x {stored.shape[1]}, of which nothing fine '
                         f'is left; save predictions at the size of the pictures')
    label_map, ignored = coded.codes_of(stored, str(path))
    if ignored is not None and ignored.any():
        raise InputError(f'{path}: expected a class of every pixel, found {coded.ignore}, which is `ignore`')
    masks = [coded.coding.organ_mask(label_map, organ) for organ in coded.coding.organs]
    return np.stack([resize_mask(mask, Box(0, 0, box.height, box.width)) for mask in masks])


def _of_film(stored: np.ndarray, cut_from: Tuple[int, ...], shape: Tuple[int, ...]) -> np.ndarray:
    """Of a label map of a whole picture the part that a record was cut to; another as it is."""
    top, left, *whole = cut_from
    return crop(stored, Box(top, left, *shape)) if any(cut_from) and [*stored.shape] == whole else stored
