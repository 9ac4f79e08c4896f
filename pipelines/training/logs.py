"""What a training leaves for people: losses.jsonl, sample sheets, TensorBoard."""
from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Dict, Optional

import cv2
import numpy as np
import tensorflow as tf

from datasets.errors import InputError
from datasets.files import whole_file, write_png
from pipelines.runtime.json_lines import read_json_lines


LOSSES = 'losses.jsonl'
VALIDATED = 'jaccard_validation'  # among the losses, where validation chooses the weights


class Logs:
    """losses.jsonl, sample sheets and their TensorBoard copy."""

    def __init__(self, directory: Path, restored_step: int):
        self.file = directory / LOSSES
        self.samples = directory / 'samples'
        self.samples.mkdir(parents=True, exist_ok=True)
        rows = [row for row in read_rows(self.file) if row['step'] <= restored_step]
        with whole_file(self.file) as temporary:
            temporary.write_text(''.join(json.dumps(row) + '\n' for row in rows))
        shutil.rmtree(directory / 'tensorboard', ignore_errors=True)
        self.writer = tf.summary.create_file_writer(str(directory / 'tensorboard'))
        for row in rows:
            self._scalars(row)
        for path in sorted(self.samples.glob('step-*.png')):
            step, picture = int(path.stem.split('-')[1]), cv2.imread(str(path))
            if step > restored_step or picture is None:  # no picture: damaged
                path.unlink()
            else:
                self._picture(step, picture[..., ::-1])

    def row(self, step: int, phase: str, metrics: Dict[str, float]) -> None:
        """Appends a row to losses.jsonl and its numbers to TensorBoard; null for what is not finite."""
        row = {'step': step, 'phase': phase,
               **{k: v if math.isfinite(v) else None for k, v in metrics.items()}}
        with open(self.file, 'a') as file:
            file.write(json.dumps(row) + '\n')
        self._scalars(row)

    def sheet(self, step: int, picture: np.ndarray) -> None:
        """Keeps a sample sheet, RGB uint8 [H, W, 3], for people and TensorBoard."""
        write_png(self.samples / f'step-{step:08d}.png', picture)
        self._picture(step, picture)

    def _scalars(self, row) -> None:
        with self.writer.as_default(step=row['step']):
            for key, value in row.items():
                if key not in ('step', 'phase') and value is not None:
                    tf.summary.scalar(key, value)

    def _picture(self, step: int, picture: np.ndarray) -> None:
        with self.writer.as_default(step=step):
            tf.summary.image('samples', picture[None])


def chosen_step(path) -> Optional[int]:
    """The first step of the highest validation, whose weights were chosen; None where nothing was validated."""
    rows = [row for row in read_rows(path) if row.get(VALIDATED) is not None]
    return max(rows, key=lambda row: row[VALIDATED])['step'] if rows else None


def read_rows(path) -> list:
    """Rows of a losses.jsonl, none if there is no file; see json_lines.read_json_lines."""
    rows = [row for _, row in read_json_lines(path)] if Path(path).exists() else []
    for row in rows:
        if not isinstance(row.get('step'), int):
            raise InputError(f'{path}: damaged: expected rows with their step; remove the file, '
                             f'which only plots are made from')
    return rows
