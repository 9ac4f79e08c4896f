"""The discriminator of MUNIT and UNIT: one a domain, of several sizes, on the picture alone."""
from __future__ import annotations

from typing import List

import tensorflow as tf

from models.pix2pixhd.layers import Convolution, halve, normal_initializers


class MultiscaleDiscriminator(tf.keras.Model):
    """Scores of patches at the full size, half of it, and so on; no norm.

    Args:
      channels: of the pictures.
      width: channels of the first layer; they double with every layer.
      layers: strided 4x4 convolutions a scale.
      scales: sizes that are judged.
      seed: of the initial weights, N(0, 0.02).

    Call: [N, H, W, channels] -> a list of scores float32 [N, h, w, 1], linear, full size first.
    """

    def __init__(self, channels: int, width: int = 64, layers: int = 4, scales: int = 3, seed: int = 0):
        super().__init__()
        initializers = normal_initializers(seed)
        widths = [channels] + [width * 2 ** layer for layer in range(layers)]
        self.scales = [
            [Convolution(before, after, 4, next(initializers), 2, 1, reflect=True)
             for before, after in zip(widths, widths[1:])] + [Convolution(widths[-1], 1, 1, next(initializers))]
            for _ in range(scales)]
        self.built = True

    def call(self, x) -> List[tf.Tensor]:
        scores = []
        for number, (*convolutions, last) in enumerate(self.scales):
            x = halve(x) if number else x
            y = x
            for convolution in convolutions:
                y = tf.nn.leaky_relu(convolution(y), 0.2)
            scores.append(tf.cast(last(y), tf.float32))
        return scores
