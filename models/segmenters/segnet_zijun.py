"""What pytorch-semantic-segmentation calls SegNet: VGG19, no pooling indices, skips of pooled maps.

It is what Oliveira & dos Santos 2018 ran if they used the code they name as it stood; their text describes
the other one (segnet.py). Two of its traits are accidents and kept: modules repeated by a Python list are one
and the same module, and the logits leave by batch norm and ReLU, so that they are never negative.
"""
from __future__ import annotations

import random
from typing import Optional

import tensorflow as tf

from models.segmenters.layers import Unit, check_sides, normal, scaled, through, uniform

CONVOLUTIONS = (2, 2, 4, 4, 4)   # of VGG19, before each pool


def build(num_classes: int, channels: int, seed: int, width: float) -> 'SegNetZijun':
    """The network of a config's settings."""
    return SegNetZijun(num_classes, channels, scaled(64, width), seed)


class SegNetZijun(tf.keras.Model):
    """Five stages down, five up, each up by a transposed convolution.

    Reference: github ZijunDeng/pytorch-semantic-segmentation 4a1721f. 39,789,766 trainable parameters at 3
    channels and 2 classes.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      filters: of the first level; published: 64.
      seed: of the initial weights: those of the same code's U-Net [ours], no ImageNet.

    Call:
      images: [N, H, W, channels], sides multiples of 32.
      keys: not used; every segmenter takes them.
      training: batch statistics if True; those of shared units move once per use.
      Returns logits, float32 [N, H, W, num_classes], from 0 on.

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 64, seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        widths = [filters * min(2 ** stage, 8) for stage in range(5)]

        def unit(count, **arguments):
            return Unit(count, normal(rng), **arguments)

        def up(count):
            start = [uniform(rng, count * 4) for _ in range(2)]
            return tf.keras.layers.Conv2DTranspose(count, 2, 2, kernel_initializer=start[0],
                                                   bias_initializer=start[1])

        self.encoder = [[unit(width) for _ in range(count)] for width, count in zip(widths, CONVOLUTIONS)]
        self.ups = [up(8 * filters)] + [up(2 * width) for width in reversed(widths[:-1])]
        self.decoder = [[unit(8 * filters)] * 4]
        for width, narrow in ((widths[3], widths[2]), (widths[2], widths[1])):
            self.decoder.append([unit(width), *[unit(width)] * 2, unit(narrow)])
        self.decoder.append([unit(widths[1]), unit(widths[0])])
        self.decoder.append([unit(widths[0]), unit(num_classes, dtype=tf.float32)])
        self.build((None, 32, 32, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        del keys
        check_sides("SegNet of VGG19", images.shape[1:3], 32, 32)
        x, pooled = images, []
        for units in self.encoder:
            x = tf.nn.max_pool2d(through(units, x, training), 2, 2, 'VALID')
            pooled.append(x)
        x = through(self.decoder[0], self.ups[0](pooled.pop()), training)
        for up, units in zip(self.ups[1:], self.decoder[1:]):
            x = through(units, up(tf.concat([pooled.pop(), x], -1)), training)
        return x
