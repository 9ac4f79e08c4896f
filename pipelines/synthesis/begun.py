"""What samples begin with that do not begin with noise: learning images, and behind them the same ones mirrored.

DF-GAN (section 2.1) draws a picture around the lesion of each learning image, whose mask is that of the sample; for its
Table 2 also around the mirrored ones.
"""
from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

import numpy as np

from datasets import records
from pipelines.data import batches
from pipelines.data.fields import field_of
from pipelines.plan.config import Config
from pipelines.plan.methods import Method


class Begun(NamedTuple):
    """Learning images, not their variants.

    Attributes:
      fields: name -> values of each image as samples have them, uint8 [N, S, S(, C)].
      ids: of the images.
      shapes: (height, width) of each picture in its square; zeros where nobody knows.
    """
    fields: Dict[str, np.ndarray]
    ids: np.ndarray
    shapes: np.ndarray

    def block(self, first: int, size: int) -> Dict[str, np.ndarray]:
        """What the samples from `first` on begin with; behind the mirrored ones, for which nobody asks, anew."""
        numbers = np.arange(first, first + size)
        is_mirrored = numbers // len(self.ids) % 2 == 1
        found = {}
        for name, values in self.fields.items():
            found[name] = values[numbers % len(self.ids)]
            found[name][is_mirrored] = found[name][is_mirrored][:, :, ::-1]
        return found

    def source(self, index: int) -> Tuple[str, Tuple[int, int]]:
        """Id and shape of the image that sample `index` begins with."""
        number = index % len(self.ids)
        return self.ids[number].decode(), tuple(map(int, self.shapes[number]))


def read_begun(config: Config, method: Method, info: records.Info) -> Begun:
    """What the samples of a method begin with, of the records that its stage learned from."""
    fields = [field_of(name, config, info.coding) for name in method.begins]

    def prepare(row):
        made = {field.name: field.decode(field.encode(field.prepare(row)[None]))[0] for field in fields}
        return {**made, 'source_id': row['source_id'], 'shape': row['shape']}

    rows = {key: values[::info.versions] for key, values in batches.prepared_rows(info, prepare).items()}
    return Begun(rows, rows.pop('source_id'), rows.pop('shape'))
