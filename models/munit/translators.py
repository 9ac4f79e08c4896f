"""What draws after training: two generators as one network that brings pictures of B to A.

The weights are those of the generators themselves, so that one of these can be restored, and exported, alone.
"""
from __future__ import annotations

from typing import Sequence

import tensorflow as tf

from models.munit.networks import MUNITGenerator, UNITGenerator


class UNITTranslator(tf.keras.Model):
    """The encoder of B and the decoder of A, without noise, as officially at test.

    Call: [N, H, W, channels] in [-1, 1] -> the same shape in [-1, 1].
    """

    def __init__(self, generator_a: UNITGenerator, generator_b: UNITGenerator):
        super().__init__()
        self.generator_a, self.generator_b = generator_a, generator_b
        self.built = True

    def call(self, b):
        return self.generator_a.decode(self.generator_b.encode(b))


class MUNITTranslator(tf.keras.Model):
    """The content of B in the style of one picture of A (Oliveira & dos Santos 2018, section IV), or in a given one.

    [ours] The picture is kept and not its style, which moves with the style encoder.

    Call: as of `UNITTranslator`.

    Args:
      example_shape: [S, S, channels] of that picture, or [numbers] of a style that no picture has.

    Attributes:
      example: that picture, [1, S, S, channels] in [-1, 1], or that style, [1, numbers]; 0 until it is assigned.
    """

    def __init__(self, generator_a: MUNITGenerator, generator_b: MUNITGenerator, example_shape: Sequence[int]):
        super().__init__()
        self.generator_a, self.generator_b = generator_a, generator_b
        self.example = self.add_weight(name='example', shape=(1, *example_shape), initializer='zeros', trainable=False)
        self.built = True

    def call(self, b):
        style = self.generator_a.style(self.example) if self.example.shape.rank > 2 else self.example  # of any number of pictures
        return self.generator_a.decode(self.generator_b.content(b), style)
