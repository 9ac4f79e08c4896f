"""U-Net (Ronneberger et al. 2015, arXiv 1505.04597), the segmenter that users would reach for.

Two 3x3 convolutions a level, channels doubling on the way down; max pooling down, 2x2 transposed
convolution up, skips concatenated. As in most of today's implementations and other than in the
paper, convolutions are padded ('same') and followed by batch norm. No dropout.

Images are NHWC of mean 0 and standard deviation about 1; logits are float32.
"""
from __future__ import annotations

import random
from typing import Optional

import tensorflow as tf

from models.segmenters.layers import he_normal, scaled, through
from models.segmenters.resnet import ConvNorm

FILTERS = 64  # of the first level


def check_size(height: Optional[int], width: Optional[int], levels: int = 5) -> None:
    """Raises ValueError unless both halve `levels` - 1 times without rest."""
    factor = 2 ** (levels - 1)
    for size in (height, width):
        if size is None or size < factor or size % factor:
            raise ValueError(f'images: expected a static height and width divisible by {factor} '
                             f'for a U-Net of {levels} levels, found {height} x {width}')


def build(num_classes: int, channels: int, seed: int, width: float) -> 'UNet':
    """The U-Net of a config's settings."""
    return UNet(num_classes, channels=channels, width=width, seed=seed)


class UNet(tf.keras.Model):
    """Encoder and decoder with skips. All variables exist after construction.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      levels: resolutions, the first included; the paper has 5.
      width: scales every channel count; 1 = 64 to 1024 channels, as in the paper.
      seed: of the initial weights.

    Call:
      images: [N, H, W, channels], H and W static, see `check_size`.
      keys: not used; every segmenter takes them.
      training: batch statistics if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: a size the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, levels: int = 5, width: float = 1.0,
                 seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        filters = [scaled(FILTERS * 2 ** level, width) for level in range(levels)]
        self.levels = levels
        self.down = [_double(count, rng) for count in filters]
        self.up = [tf.keras.layers.Conv2DTranspose(count, 2, 2, kernel_initializer=he_normal(rng))
                   for count in reversed(filters[:-1])]
        self.decoder = [_double(count, rng) for count in reversed(filters[:-1])]
        self.classifier = tf.keras.layers.Conv2D(num_classes, 1, dtype=tf.float32,
                                                 kernel_initializer=he_normal(rng))
        side = 2 ** (levels - 1)
        self.build((None, side, side, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        del keys
        check_size(*images.shape[1:3], self.levels)
        x, skips = images, []
        for level, units in enumerate(self.down):
            if level:
                skips.append(x)
                x = tf.nn.max_pool2d(x, 2, 2, 'VALID')
            x = through(units, x, training)
        for up, units, skip in zip(self.up, self.decoder, reversed(skips)):
            x = through(units, tf.concat([skip, up(x)], -1), training)
        return self.classifier(x)


def _double(filters: int, rng: random.Random):
    return [ConvNorm(filters, 3, rng), ConvNorm(filters, 3, rng)]
