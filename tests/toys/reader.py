"""Drawn colour pictures: a disc in each, a bright spot on it in every other one. Two hospitals, by seed."""
from __future__ import annotations

import cv2
import numpy as np

from datasets.labels import Code, LabelCoding
from datasets.sample import Dataset, Sample

CODING = LabelCoding(
    'toy', ('disc', 'spot'),
    (Code((), (0, 0, 0), None), Code(('disc',), (200, 60, 60), 'disc'),
     Code(('disc', 'spot'), (250, 240, 90), 'spot')),
    ('disc', 'spot'), optional=('spot',))


def open_toy(asked) -> Dataset:
    """As many pictures as are asked for; the odd ones have no spot."""
    count, side = asked.count or 12, asked.size
    first = {'train': 0, 'test': 100, 'all': 0}[asked.split]
    numbers = {f'toy{asked.seed}_{number}': number for number in range(first, first + count)}

    def load(id: str) -> Sample:
        rng = np.random.default_rng([asked.seed, numbers[id]])
        masks = {organ: np.zeros((side, side), np.uint8) for organ in CODING.organs}
        centre = rng.integers(side * 3 // 8, side * 5 // 8, 2)
        cv2.circle(masks['disc'], tuple(map(int, centre)), side // 4, 1, -1)
        if numbers[id] % 2 == 0:
            cv2.circle(masks['spot'], tuple(map(int, centre)), side // 10, 1, -1)
        image = rng.integers(0, 40, (side, side, 3)).astype(np.uint8)
        image[..., asked.seed % 3] += 90 * masks['disc']
        image[..., 1] += 120 * masks['spot']
        return Sample(id, image, {organ: mask > 0 for organ, mask in masks.items()})

    return Dataset(f'toy_{asked.split}', CODING, tuple(numbers), load, (20.0, 20.0))
