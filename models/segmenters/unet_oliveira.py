"""The U-Net of Oliveira & dos Santos 2018: that of the code they built on, quirks and all.

Skips are the maps after pooling, blown up bilinearly; the decoder's map comes first in each concat. With valid
convolutions, as published, the last map (68 x 68 at 256 px) is stretched over the whole picture.
"""
from __future__ import annotations

import random
from typing import Optional

import tensorflow as tf

from models.segmenters.layers import (Unit, check_sides, dropouts, normal, resize, scaled, size_of, through,
                                      uniform)

LEAST = {'same': 16, 'valid': 188}   # px, by padding


def build(num_classes: int, channels: int, seed: int, width: float, padding: str,
          align_corners: bool) -> 'UNetOliveira':
    """The network of a config's settings."""
    return UNetOliveira(num_classes, channels, scaled(64, width), padding, align_corners, seed)


class UNetOliveira(tf.keras.Model):
    """Four levels of encoder, a centre, four of decoder; bilinear to the picture's size at the end.

    Reference: github ZijunDeng/pytorch-semantic-segmentation 4a1721f; `padding='same'` as in the group's later
    code. 31,043,586 trainable parameters at 3 channels and 2 classes.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      filters: of the first level; published: 64.
      padding: 'same' or 'valid' (the literal one).
      align_corners: of the bilinear resizing; PyTorch's default when the code was written.
      seed: of the initial weights: convolutions N(0, 2 / fan_in), transposed ones uniform.

    Call:
      images: [N, H, W, channels], sides from 16 px ('same') or 188 px ('valid') on.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: batch statistics and dropout if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: an unknown `padding`; a picture that is too small.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 64, padding: str = 'same',
                 align_corners: bool = True, seed: int = 0):
        super().__init__()
        if padding not in LEAST:
            raise ValueError(f'padding: expected one of {", ".join(LEAST)}, found {padding!r}')
        rng, self.padding, self.align_corners = random.Random(seed), padding, align_corners

        def pair(count):
            return [Unit(count, normal(rng), padding) for _ in range(2)]

        def up(count, given):
            # [ours] in * 4, the fan of the time, not today's out * 4
            start = [uniform(rng, given * 4) for _ in range(2)]
            return tf.keras.layers.Conv2DTranspose(count, 2, 2, kernel_initializer=start[0],
                                                   bias_initializer=start[1])

        widths = [filters * 2 ** level for level in range(5)]
        self.encoder = [pair(count) for count in widths[:-1]]
        self.decoder = [pair(count) for count in reversed(widths)]        # the centre is the first
        self.ups = [up(count // 2, count) for count in reversed(widths[1:])]
        self.classifier = tf.keras.layers.Conv2D(num_classes, 1, kernel_initializer=normal(rng),
                                                 dtype=tf.float32)
        self.build((None, 192, 192, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        check_sides(f'this U-Net with padding {self.padding}', images.shape[1:3], least=LEAST[self.padding])
        drop, x, skips = dropouts(keys, training), images, []
        for level, units in enumerate(self.encoder):
            x = through(units, x, training)
            x = drop(x, 0.5) if level == 3 else x
            x = tf.nn.max_pool2d(x, 2, 2, 'VALID')
            skips.append(x)
        for units, up in zip(self.decoder, self.ups):
            x = up(through(units, x, training))
            skip = resize(skips.pop(), *size_of(x), self.align_corners)
            x = tf.concat([x, skip], -1)
        x = self.classifier(through(self.decoder[-1], x, training))
        return resize(x, *size_of(images), self.align_corners)
