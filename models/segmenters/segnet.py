"""SegNet (Badrinarayanan et al. 2017): VGG16 without its dense layers, and back up by the positions of the pools.

No features are carried across: each maximum returns to the place that it came from.
"""
from __future__ import annotations

import random
from typing import Optional

import tensorflow as tf

from models.segmenters.layers import (Unit, check_sides, normal, pool_with_positions, scaled, size_of, through,
                                      unpool)

CONVOLUTIONS = (2, 2, 3, 3, 3)   # of each stage, down and up
SHIFT = 0.001                    # batch norm's beta at the start, as in the authors' Caffe model


def build(num_classes: int, channels: int, seed: int, width: float) -> 'SegNet':
    """SegNet of a config's settings."""
    return SegNet(num_classes, channels, scaled(64, width), seed)


class SegNet(tf.keras.Model):
    """Five stages down, five up; all variables exist after construction.

    References: github alexgkendall/SegNet-Tutorial bb68b64 (layers, start), delta-onera/segnet_pytorch e306165.
    29,444,162 trainable parameters at 3 channels and 2 classes.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      filters: of the first level; published: 64.
      seed: of the initial weights, N(0, 2 / fan_in).

    Call:
      images: [N, H, W, channels] of any size: pools round up and their sizes are remembered [ours]; sides that
        are multiples of 32 need neither.
      keys: not used; every segmenter takes them.
      training: batch statistics if True.
      Returns logits, float32 [N, H, W, num_classes].
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 64, seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        widths = [filters * min(2 ** stage, 8) for stage in range(5)]
        self.encoder = [[Unit(width, normal(rng), shift=SHIFT) for _ in range(count)]
                        for width, count in zip(widths, CONVOLUTIONS)]
        # The last unit of a stage has the width of the next; that of the last stage gives the classes.
        ups = [[width] * (count - 1) + [narrow] for width, narrow, count in
               zip(widths, [0] + widths[:-1], CONVOLUTIONS)]
        ups[0] = ups[0][:-1]
        self.decoder = [[Unit(width, normal(rng), shift=SHIFT) for width in stage] for stage in reversed(ups)]
        self.classifier = tf.keras.layers.Conv2D(num_classes, 3, padding='same', dtype=tf.float32,
                                                 kernel_initializer=normal(rng))
        self.build((None, 32, 32, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        del keys
        check_sides('SegNet', images.shape[1:3])
        x, kept = images, []
        for units in self.encoder:
            x = through(units, x, training)
            size = size_of(x)
            x, places = pool_with_positions(x)
            kept.append((places, *size))
        for units in self.decoder:
            x = through(units, unpool(x, *kept.pop()), training)
        return self.classifier(x)
