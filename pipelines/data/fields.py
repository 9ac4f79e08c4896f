"""The fields of a sample as channels: how a GAN draws them, is given them, and how they come back.

'image' is one channel in [-1, 1]; 'labels' and 'dots' are codes, drawn by a GAN in the channels that
`labels.channels` says and given to a Pix2PixHD as one-hot.
"""
from __future__ import annotations

from typing import Dict, List, Sequence

import numpy as np
import tensorflow as tf

from datasets.labels import LabelCoding
from pipelines.data import pixels, sheets
from pipelines.plan.config import Config
from pipelines.plan.methods import Stage


# [ours] One-hot labels that are drawn together with the picture. At 1 a pixel's change of code is a
# hundred times its change of grey, and the discriminator sees no picture: it stays a cartoon.
JOINT_AMPLITUDE = 0.25


class Field:
    """How one field of a sample becomes channels and comes back.

    `amplitude` is that of one-hot channels as a GAN draws them.
    """

    def __init__(self, name: str, config: Config, coding: LabelCoding, amplitude: float = 1.0):
        self.name, self.coding, self.amplitude = name, coding, amplitude
        self.drawn_as = config.labels.channels
        self.num_codes = {'image': 0, 'labels': coding.num_codes,
                          'dots': 1 + len(coding.organs)}[name]
        self.size = config.data.dots_size if name == 'dots' else config.data.size

    @property
    def channels(self) -> int:
        """Channels in which a GAN draws the field."""
        if self.name == 'image':
            return 1
        return pixels.label_channels(self.num_codes, self.drawn_as)

    def prepare(self, row) -> tf.Tensor:
        """Parsed record -> what is kept in memory: float16 picture [S, S, 1] or codes [S, S]."""
        if self.name == 'image':
            return tf.cast(pixels.stretch(row['image']), tf.float16)
        return row[self.name]

    def resize(self, values: tf.Tensor, side: int) -> tf.Tensor:
        """Prepared values [N, S, S(, 1)] -> the same at another side; codes stay codes."""
        if values.shape[1] == side:
            return values
        if self.name == 'image':
            return pixels.resize(values, side, side)
        return pixels.resize_nearest(values, side)

    def encode(self, values: tf.Tensor) -> tf.Tensor:
        """Prepared values -> channels, float32 in [-1, 1]."""
        if self.name == 'image':
            return tf.cast(values, tf.float32)
        return self.amplitude * pixels.encode_labels(values, self.num_codes, self.drawn_as)

    def decode(self, drawn: tf.Tensor) -> tf.Tensor:
        """Channels as a GAN drew them -> uint8 picture or codes, [N, H, W]."""
        if self.name == 'image':
            return pixels.to_uint8(drawn[..., 0])
        return pixels.decode_labels(drawn, self.num_codes, self.drawn_as)

    def condition(self, codes: tf.Tensor, size: int, edges: bool = False) -> tf.Tensor:
        """Codes [N, h, w] -> the input of a Pix2PixHD [N, size, size, num_codes (+ 1 for edges)]."""
        return pixels.condition(pixels.resize_nearest(codes, size), self.num_codes, edges)

    def picture(self, values: np.ndarray) -> np.ndarray:
        """uint8 picture or codes [H, W] -> RGB."""
        return sheets.to_rgb(self.name, values, self.coding)


def drawn_fields(config: Config, stage: Stage, coding: LabelCoding) -> List[Field]:
    """The fields that a stage draws, in the order of their channels."""
    joint = len(stage.produces) > 1 and config.labels.channels == 'onehot'
    return [Field(name, config, coding, JOINT_AMPLITUDE if joint else 1.0)
            for name in stage.produces]


def split_fields(drawn: tf.Tensor, fields: Sequence[Field]) -> Dict[str, tf.Tensor]:
    """Channels that a GAN drew [N, H, W, C] -> its decoded fields by name."""
    parts = tf.split(drawn, [field.channels for field in fields], axis=-1)
    return {field.name: field.decode(part) for field, part in zip(fields, parts)}
