"""InvertedNet as students built it: another reading, not the paper; a second check of the primitives.

Four levels, batch norm on the picture and before the last convolution, pools without padding, an extra
convolution between enlarging and concat, softmax. Reference: github bcabgil/DD2424 7b50dba.
"""
from __future__ import annotations

import random
from typing import Dict, Optional, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.invertednet import DROPOUT, double
from models.segmenters.layers import batch_norm, check_sides, dropouts, glorot, scaled
from models.segmenters.losses import pixel_dice_entropy, segmentation_update

LEVELS = 4


def build(num_classes: int, channels: int, seed: int, width: float) -> 'InvertedNetKTH':
    """The network of a config's settings."""
    return InvertedNetKTH(num_classes, channels, scaled(128, width), seed=seed)


def updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """1 - Dice of each pixel's classes, and cross entropy."""
    return (segmentation_update(networks['network'], pixel_dice_entropy),)


class InvertedNetKTH(tf.keras.Model):
    """973,062 trainable parameters at 1 channel and 4 classes; all variables exist after construction.

    Args:
      num_classes: channels of the logits, whose softmax is meant.
      channels: of the images.
      filters: of the first level, halved at every other; the students': 128. A multiple of 8.
      levels: resolutions, the first included.
      seed: of the initial weights, Keras' defaults.

    Call:
      images: [N, H, W, channels], sides multiples of 8, with 4 levels.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: batch statistics and dropout if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 128, levels: int = LEVELS,
                 seed: int = 0):
        super().__init__()
        rng, self.factor = random.Random(seed), 2 ** (levels - 1)
        widths = [filters // 2 ** level for level in range(levels)]

        def convolutions(count, strides):
            return [tf.keras.layers.Conv2D(count, 3, by, padding='same', activation='elu',
                                           kernel_initializer=glorot(rng)) for by in strides]

        self.first_norm, self.last_norm = (batch_norm(epsilon=1e-3, momentum=0.99) for _ in range(2))
        self.encoder = [convolutions(count, (2, 1) if level else (1, 1)) for level, count in enumerate(widths)]
        self.decoder = [convolutions(count, (1, 1, 1)) for count in reversed(widths[:-1])]
        self.classifier = tf.keras.layers.Conv2D(num_classes, 1, dtype=tf.float32,
                                                 kernel_initializer=glorot(rng))
        self.build((None, self.factor, self.factor, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        check_sides('InvertedNet', images.shape[1:3], self.factor, self.factor)
        drop, skips = dropouts(keys, training), []
        x = self.first_norm(images, training=training)
        for level, (first, second) in enumerate(self.encoder):
            if level:
                skips.append(x)
                x = tf.nn.max_pool2d(x, 2, 1, 'VALID')
            x = second(drop(first(x), DROPOUT))   # [ours] where in a level it drops
        for up, first, second in self.decoder:
            x = tf.concat([skips.pop(), up(double(x))], -1)
            x = second(drop(first(x), DROPOUT))
        return self.classifier(self.last_norm(x, training=training))
