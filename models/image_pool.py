"""The history of generated pictures that a discriminator may be shown instead of fresh ones.

Source: Shrivastava et al. 2017, section 2.3, as the official Pix2PixHD code does it (off there by
default, `pool_size` 0).
"""
from __future__ import annotations

from typing import Sequence

import tensorflow as tf


class ImagePool(tf.Module):
    """Holds `size` pictures; its variables belong into the checkpoint.

    Args:
      size: number of pictures kept, from 1 on.
      shape: of one picture, [H, W, C].
    """

    def __init__(self, size: int, shape: Sequence[int]):
        super().__init__()
        self.size = size
        self.pictures = tf.Variable(tf.zeros([size, *shape]), trainable=False)
        self.count = tf.Variable(0, trainable=False)

    def exchange(self, fresh: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Pictures to show: fresh ones until the pool is full, later half of them from the pool.

        A fresh picture that is not shown takes the place of the one that is.

        Args:
          fresh: float32 [N, H, W, C], N static.
          draws: [N, 2], uniform in [0, 1): whether to swap, and with which.
        """
        shown = []
        for picture, draw in zip(tf.unstack(fresh), tf.unstack(draws)):
            full = self.count >= self.size
            slot = tf.where(full, tf.cast(draw[1] * self.size, tf.int32), self.count)
            kept = tf.identity(self.pictures[slot])
            swap = full & (draw[0] > 0.5)
            shown.append(tf.where(swap, kept, picture))
            stored = tf.where(full & ~swap, kept, picture)
            self.pictures.scatter_nd_update([[slot]], stored[None])
            self.count.assign(tf.minimum(self.count + 1, self.size))
        return tf.stack(shown)
