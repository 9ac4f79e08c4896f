"""Samples as PNG files, for other programs."""
from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np
import yaml

from datasets import records
from datasets.errors import InputError
from datasets.files import whole_file, write_png
from datasets.labels import LabelCoding
from datasets.sample import is_complete
from pipelines.runtime import progress


def check_output(output, sheet: str) -> None:
    """InputError unless it is a new folder, an empty one, or one of pairs that was written before, as its sheet tells."""
    output = Path(output)
    if output.exists() and (not output.is_dir() or any(output.iterdir()) and not (output / sheet).is_file()):
        raise InputError(f'--png {output}: expected a new folder, or one of this tool\'s with its {sheet}, found something '
                         f'else, which pairs would be mixed with and lists replaced in; choose another')


def write_png_pairs(info: records.Info, output) -> None:
    """Writes every record as images/<name>.png and labels/<name>.png with their coding.yaml.

    The folder is what `prepare_records.py --dataset folder` reads; train.txt lists the samples that
    it accepts, those with every organ on its side. Pairs have the shape of the training pictures, or, where
    those differ, stay squares.
    """
    output = Path(output)
    complete = []
    for row in progress.bar(records.read(info), total=info.count, desc='png', unit='sample'):
        name = Path(row['name'].decode()).stem
        image, labels, _ = info.shown(row)
        write_pair(output, name, image, labels)
        complete += [name] * is_complete(info.coding, labels)
    write_lists(output, complete, info.coding)


def write_pair(output: Path, name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """One pair: image uint8 [h, w(, C)] and codes uint8 [h, w], as images/<name>.png and labels/<name>.png."""
    for folder, picture in (('images', image), ('labels', labels)):
        (output / folder).mkdir(parents=True, exist_ok=True)
        is_grey = picture.ndim == 3 and picture.shape[-1] == 1
        write_png(output / folder / f'{name}.png', np.squeeze(picture, -1) if is_grey else picture)


def write_lists(output: Path, complete: Sequence[str], coding: LabelCoding) -> None:
    """train.txt, the names of the pairs that a reader accepts, and coding.yaml of a folder of pairs."""
    with whole_file(output / 'train.txt') as temporary:
        temporary.write_text(''.join(f'{name}\n' for name in complete))
    told = yaml.safe_dump({
        'organs': list(coding.organs), 'codes': [list(code.organs) for code in coding.codes[1:]],
        'colours': [list(code.colour) for code in coding.codes[1:]],
        'targets': list(coding.targets), 'left_right': [list(p) for p in coding.left_right],
        'optional': list(coding.optional), 'scattered': list(coding.scattered)})
    with whole_file(output / 'coding.yaml') as temporary:
        temporary.write_text(told)
