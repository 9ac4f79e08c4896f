"""The fields of a sample as channels: how a GAN draws them, is given them, and how they come back.

A field is a row of FIELDS. All fields answer the same questions:

  name, size          its name in records and samples; its side, px
  channels            in which a GAN draws it, float32 in [-1, 1]
  given_channels      in which a GAN is given it
  prepare(row)        parsed record -> what is kept in memory
  resize(values, s)   prepared values at another side
  encode(values)      prepared values -> the channels in which it is drawn
  decode(drawn)       the inverse for what a GAN drew: uint8, as records have it
  condition(values, s, edges)  prepared or decoded values -> the channels in which it is given
  picture(values)     one sample's decoded values -> RGB, for people
  repair(values, how) one sample's decoded values -> Repaired: cleaned and judged
"""
from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow as tf

from datasets import anatomy, dots
from datasets.errors import InputError
from datasets.labels import LabelCoding
from pipelines.data import pixels, sheets
from pipelines.plan.config import Config
from pipelines.plan.methods import Stage

# [ours] Labels in channels of their own that are drawn together with the picture. At 1 a pixel's change of code is
# a hundred times its change of grey, and the discriminator sees no picture: it stays a cartoon.
JOINT_AMPLITUDE = 0.25
# [ours] side of the majority window, px: one-hot channels have no rims to remove, and a wider one
# costs thin clavicles
WINDOWS = {'grey': 5, 'onehot': 3, 'distance': 3}


class Repairs(NamedTuple):
    """What a repair may know: the training set's anatomy, and the seed of what moves things (None: nothing)."""
    limits: anatomy.AnatomyRange
    warp_seed: Optional[Sequence[int]] = None


class Repaired(NamedTuple):
    """Cleaned values, what the anatomical check found wrong, how many pixels cleaning changed."""
    values: np.ndarray
    violations: List[str]
    changed: int = 0


class Picture:
    """Grey or colour values, `data.channels` of them, in [-1, 1] for a GAN."""

    def __init__(self, config: Config, coding: LabelCoding, amplitude: float = 1.0):
        self.name, self.size = 'image', config.data.size
        self.channels = self.given_channels = config.data.channels

    def prepare(self, row) -> tf.Tensor:
        """-> float16 [S, S, C]."""
        return tf.cast(pixels.stretch(row['image']), tf.float16)

    def resize(self, values: tf.Tensor, side: int) -> tf.Tensor:
        """[N, S, S, C] -> float32 at another side, antialiased; as it is at its own."""
        return values if values.shape[1] == side else pixels.resize(values, side, side)

    def encode(self, values: tf.Tensor) -> tf.Tensor:
        """-> float32 [N, S, S, C]."""
        return tf.cast(values, tf.float32)

    def decode(self, drawn: tf.Tensor) -> tf.Tensor:
        """-> uint8 [N, S, S], or [N, S, S, C] of several channels."""
        picture = pixels.to_uint8(drawn)
        return picture[..., 0] if self.channels == 1 else picture

    def condition(self, values: tf.Tensor, size: int, edges: bool = False) -> tf.Tensor:
        """-> float32 [N, size, size, C]; decoded values are brought back to [-1, 1]."""
        if values.dtype == tf.uint8:
            values = tf.cast(values, tf.float32) / 127.5 - 1
            values = values[..., None] if values.shape.rank == 3 else values
        return self.encode(self.resize(values, size))

    def picture(self, values: np.ndarray) -> np.ndarray:
        """uint8 [S, S(, C)] -> RGB."""
        return sheets.picture_to_rgb(values)

    def repair(self, values: np.ndarray, how: Repairs) -> Repaired:
        """A picture is taken as it is drawn."""
        return Repaired(values, [])


class Region(Picture):
    """The picture inside the one organ that the data set has, such as a lesion, and -1 outside (DF-GAN, section 2.1).

    [ours] That sharply, at the outline, and -1: the paper prints neither.
    """

    def __init__(self, config: Config, coding: LabelCoding, amplitude: float = 1.0):
        super().__init__(config, coding, amplitude)
        self.name = 'region'
        if len(coding.organs) != 1:
            raise InputError('data.organ: expected a data set of one organ, around whose region a picture is drawn, '
                             f'found {", ".join(coding.organs) or "none"}; name one of them')

    def prepare(self, row) -> tf.Tensor:
        """-> float16 [S, S, C]."""
        return tf.where(row['labels'][..., None] > 0, super().prepare(row), tf.constant(-1, tf.float16))


class Codes:
    """A map of codes: drawn in the channels that `labels.channels` says, given as one-hot.

    `amplitude` is that of the channels as a GAN draws them.
    """

    def __init__(self, name: str, num_codes: int, size: int, colours: np.ndarray, config: Config,
                 amplitude: float, repair: Callable[[np.ndarray, Repairs], Repaired]):
        self.name, self.num_codes, self.size, self.colours = name, num_codes, size, colours
        self.drawn_as, self.amplitude, self.repair = config.labels.channels, amplitude, repair
        self.channels = pixels.label_channels(num_codes, self.drawn_as)
        self.given_channels = num_codes

    def prepare(self, row) -> tf.Tensor:
        """-> uint8 [S, S]."""
        return row[self.name]

    def resize(self, values: tf.Tensor, side: int) -> tf.Tensor:
        """[N, S, S] at another side: codes stay codes."""
        return pixels.resize_nearest(values, side)

    def encode(self, values: tf.Tensor) -> tf.Tensor:
        """-> float32 [N, S, S, channels]."""
        return self.amplitude * pixels.encode_labels(values, self.num_codes, self.drawn_as)

    def decode(self, drawn: tf.Tensor) -> tf.Tensor:
        """-> uint8 codes [N, S, S]."""
        return pixels.decode_labels(drawn / self.amplitude, self.num_codes, self.drawn_as)

    def condition(self, values: tf.Tensor, size: int, edges: bool = False) -> tf.Tensor:
        """-> float32 [N, size, size, num_codes (+ 1 for edges)], 0 or 1."""
        return pixels.condition(pixels.resize_nearest(values, size), self.num_codes, edges)

    def picture(self, values: np.ndarray) -> np.ndarray:
        """uint8 [S, S] -> RGB."""
        return self.colours[values]


def _labels(config: Config, coding: LabelCoding, amplitude: float = 1.0) -> Codes:
    def repair(label_map: np.ndarray, how: Repairs) -> Repaired:
        changed = 0
        if config.labels.clean:
            label_map, changed = anatomy.clean_labels(label_map, coding, WINDOWS[config.labels.channels],
                                                      thin_specks=how.limits.specks)
        if config.labels.warp and how.warp_seed is not None:
            label_map = anatomy.warp_labels(label_map, config.labels.warp, how.warp_seed)
        return Repaired(label_map, how.limits.violations(label_map), changed)

    return Codes('labels', coding.num_codes, config.data.size, coding.colours, config, amplitude,
                 repair)


def _dots(config: Config, coding: LabelCoding, amplitude: float = 1.0) -> Codes:
    def repair(dot_map: np.ndarray, how: Repairs) -> Repaired:
        radius, strength = config.data.dots_radius, config.labels.jitter
        cleaned = dots.clean_dots(dot_map, coding, radius)
        if strength and how.warp_seed is not None:
            cleaned = dot_map = dots.jittered(cleaned, coding, strength, how.warp_seed, radius)
        return Repaired(cleaned, dots.dots_violations(dot_map, coding, radius))

    return Codes('dots', 1 + len(coding.organs), config.data.dots_size, coding.dot_colours, config,
                 amplitude, repair)


# name -> maker of the field: (config, coding, amplitude) -> what the module's docstring lists
FIELDS: Dict[str, Callable] = {'image': Picture, 'region': Region, 'labels': _labels, 'dots': _dots}


def field_of(name: str, config: Config, coding: LabelCoding, amplitude: float = 1.0):
    """The field of that name; `amplitude` is that of a label map's channels as a GAN draws them."""
    return FIELDS[name](config, coding, amplitude)


def drawn_fields(config: Config, stage: Stage, coding: LabelCoding) -> List:
    """The fields that a stage draws, in the order of their channels."""
    joint = len(stage.produces) > 1 and config.labels.channels != 'grey'
    return [field_of(name, config, coding, JOINT_AMPLITUDE if joint else 1.0)
            for name in stage.produces]


def split_fields(drawn: tf.Tensor, fields: Sequence) -> Dict[str, tf.Tensor]:
    """Channels that a GAN drew [N, H, W, C] -> its decoded fields by name."""
    parts = tf.split(drawn, [field.channels for field in fields], axis=-1)
    return {field.name: field.decode(part) for field, part in zip(fields, parts)}
