"""InvertedNet (Novikov et al. 2018), a reading: no official code is known.

Stated are delayed subsampling, ELU, strong regularisation, many maps at high resolution and a Dice loss. The
reading of five levels is the one with the published number of parameters. Images are NHWC; logits float32.
"""
from __future__ import annotations

import random
from typing import Dict, Optional, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.layers import check_sides, dropouts, he_normal, scaled
from models.segmenters.losses import dice_per_class, segmentation_update

LEVELS = 5
DROPOUT = 0.1   # [ours] the rate of the student version; the paper's is not known


def build(num_classes: int, channels: int, seed: int, width: float) -> 'InvertedNet':
    """InvertedNet of a config's settings."""
    return InvertedNet(num_classes, channels, scaled(256, width, 2 ** (LEVELS - 1)), seed=seed)


def updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """Minus the sum of the classes' Dice coefficients."""
    return (segmentation_update(networks['network'], dice_per_class),)


class InvertedNet(tf.keras.Model):
    """Five levels, the widest at full resolution; all variables exist after construction.

    3,140,771 trainable parameters at 1 channel and 3 classes.

    Args:
      num_classes: channels of the logits, of which each by itself is a mask's.
      channels: of the images.
      filters: of the first level, halved at every other; the reading's: 256. A multiple of 16.
      levels: resolutions, the first included.
      seed: of the initial weights, He normal [ours].

    Call:
      images: [N, H, W, channels], sides multiples of 16, with 5 levels.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: dropout if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 256, levels: int = LEVELS,
                 seed: int = 0):
        super().__init__()
        rng, self.factor = random.Random(seed), 2 ** (levels - 1)
        widths = [filters // 2 ** level for level in range(levels)]

        def pair(count, stride=1):
            return [tf.keras.layers.Conv2D(count, 3, by, padding='same', activation='elu',
                                           kernel_initializer=he_normal(rng)) for by in (stride, 1)]

        self.encoder = [pair(count, 2 if level else 1) for level, count in enumerate(widths)]
        self.decoder = [pair(count) for count in reversed(widths[:-1])]
        self.classifier = tf.keras.layers.Conv2D(num_classes, 1, dtype=tf.float32,
                                                 kernel_initializer=he_normal(rng))
        self.build((None, self.factor, self.factor, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        check_sides('InvertedNet', images.shape[1:3], self.factor, self.factor)
        drop, x, skips = dropouts(keys, training), images, []
        for level, pair in enumerate(self.encoder):
            if level:
                skips.append(x)
                x = tf.nn.max_pool2d(x, 2, 1, 'SAME')
            for convolution in pair:
                x = drop(convolution(x), DROPOUT)
        for pair in self.decoder:
            x = tf.concat([double(x), skips.pop()], -1)
            for convolution in pair:
                x = drop(convolution(x), DROPOUT)
        return self.classifier(x)


def double(x: tf.Tensor) -> tf.Tensor:
    """Nearest neighbour: [N, H, W, C] -> [N, 2 H, 2 W, C]."""
    return tf.repeat(tf.repeat(x, 2, 1), 2, 2)
