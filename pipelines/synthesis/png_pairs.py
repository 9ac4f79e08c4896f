"""Samples as PNG files, for other programs."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from datasets import records
from datasets.files import write_png
from datasets.sample import is_complete
from pipelines.runtime import progress


def write_png_pairs(info: records.Info, output) -> None:
    """Writes every record as images/<name>.png and labels/<name>.png with their coding.yaml.

    The folder is what `prepare_records.py --dataset folder` reads; train.txt lists the samples that
    it accepts, those with every organ on its side. Pairs have the shape of the training pictures, or, where
    those differ, stay squares.
    """
    output = Path(output)
    complete = []
    for folder in ('images', 'labels'):
        (output / folder).mkdir(parents=True, exist_ok=True)
    for row in progress.bar(records.read(info), total=info.count, desc='png', unit='sample'):
        name = Path(row['name'].decode()).stem
        image, labels, _ = info.shown(row)
        write_png(output / 'images' / f'{name}.png', np.squeeze(image, -1) if info.channels == 1 else image)
        write_png(output / 'labels' / f'{name}.png', labels)
        complete += [name] * is_complete(info.coding, labels)
    (output / 'train.txt').write_text(''.join(f'{name}\n' for name in complete))
    coding = info.coding
    (output / 'coding.yaml').write_text(yaml.safe_dump({
        'organs': list(coding.organs), 'codes': [list(code.organs) for code in coding.codes[1:]],
        'colours': [list(code.colour) for code in coding.codes[1:]],
        'targets': list(coding.targets), 'left_right': [list(p) for p in coding.left_right],
        'optional': list(coding.optional), 'scattered': list(coding.scattered)}))
