"""pix2pix's networks: the U-Net generator and the patch discriminator, which CycleGAN takes too.

Tensors are NHWC, pictures in [-1, 1]. Both compute what the official PyTorch networks compute
(`tests/test_parity.py`). All variables exist after construction; `seed` alone decides their values.
Source: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", section 3.2 and
appendix, and the official code.
"""
from __future__ import annotations

from typing import Callable, Optional

import tensorflow as tf

from models.pix2pixhd.layers import Convolution, UpConvolution, norm_of, normal_initializers, normed
from models.segmenters.layers import check_sides

Drop = Callable[[tf.Tensor, float], tf.Tensor]
LEAST_LEVELS = 5


class UNetGenerator(tf.keras.Model):
    """Picture to picture: strided 4x4 convolutions down, transposed ones up, a skip at every size.

    Args:
      channels_in: of the picture that is given.
      channels_out: of the one that is drawn.
      levels: halvings, from 5 on; official: 8 for 256 px, 7 for 128 px.
      width: channels after the first halving; they double up to 8 times that.
      norm: 'batch' or 'instance'.
      seed: of the initial weights, N(0, 0.02).

    Call: [N, H, W, channels_in] -> float32 [N, H, W, channels_out] in [-1, 1]; H and W multiples of 2^levels,
    else ValueError. `drop`: (x, rate) -> x, the dropout of the levels - 5 blocks after the innermost one, which
    are not dropped where it is None. `statistics`: of batch norm, see layers.normed.

    Raises:
      ValueError: fewer levels, another norm.
    """

    def __init__(self, channels_in: int, channels_out: int, levels: int = 8, width: int = 64,
                 norm: str = 'batch', seed: int = 0):
        super().__init__()
        if levels < LEAST_LEVELS:
            raise ValueError(f'levels: expected from {LEAST_LEVELS} on, found {levels}; enlarge the pictures')
        initializers = normal_initializers(seed)
        bias = norm == 'instance'
        widths = [width * min(2 ** level, 8) for level in range(levels)]
        self.downs = []
        for level, (before, after) in enumerate(zip([channels_in] + widths, widths)):
            is_normed = 0 < level < levels - 1
            self.downs.append(Convolution(
                before, after, 4, next(initializers), 2, padding=1,
                **(norm_of(norm, after, initializers) if is_normed else {'bias': bias})))
        self.ups = []   # from the smallest size on
        for level in reversed(range(1, levels)):
            doubled = 1 if level == levels - 1 else 2
            self.ups.append(UpConvolution(
                doubled * widths[level], widths[level - 1], next(initializers), 4,
                **norm_of(norm, widths[level - 1], initializers)))
        self.ups.append(UpConvolution(2 * width, channels_out, next(initializers), 4))
        self.built = True

    def call(self, x, drop: Optional[Drop] = None, statistics: str = 'running'):
        check_sides('the U-Net generator', x.shape[1:3], 2 ** len(self.downs))
        first, *middle, last = self.downs
        skips = [first(x)]
        for down in middle:
            skips.append(normed(down, tf.nn.leaky_relu(skips[-1], 0.2), statistics))
        x = last(tf.nn.leaky_relu(skips[-1], 0.2))
        for number, up in enumerate(self.ups[:-1]):
            x = normed(up, tf.nn.relu(x), statistics)
            if drop is not None and 0 < number <= len(self.downs) - LEAST_LEVELS:
                x = drop(x, 0.5)
            x = tf.concat([skips.pop(), x], -1)
        return tf.tanh(tf.cast(self.ups[-1](tf.nn.relu(x)), tf.float32))


class PatchGAN(tf.keras.Model):
    """Scores of overlapping patches; with 3 layers each sees 70 x 70 px.

    Args:
      channels_in: of what is judged: picture alone, or what was given and the picture together.
      width: channels of the first layer; they double up to 8 times that.
      layers: strided convolutions; one of stride 1 and the scores follow.
      norm: 'batch' or 'instance', of all layers but the first and the last.
      seed: of the initial weights, N(0, 0.02).

    Call: [N, H, W, channels_in] -> scores float32 [N, H', W', 1], linear; H' = H / 2^layers - 2, else ValueError.
    `statistics`: of batch norm, see layers.normed.
    """

    def __init__(self, channels_in: int, width: int = 64, layers: int = 3, norm: str = 'batch', seed: int = 0):
        super().__init__()
        initializers = normal_initializers(seed)
        widths = [width * min(2 ** layer, 8) for layer in range(layers + 1)]
        self.first = Convolution(channels_in, width, 4, next(initializers), 2, padding=1)
        self.hidden = [
            Convolution(before, after, 4, next(initializers), stride, padding=1,
                        **norm_of(norm, after, initializers))
            for before, after, stride in zip(widths, widths[1:], [2] * (layers - 1) + [1])]
        self.last = Convolution(widths[-1], 1, 4, next(initializers), padding=1)
        self.built = True

    def call(self, x, statistics: str = 'running'):
        check_sides(f'a PatchGAN of {len(self.hidden)} layers', x.shape[1:3], 1, 3 * 2 ** len(self.hidden))
        x = tf.nn.leaky_relu(self.first(x), 0.2)
        for convolution in self.hidden:
            x = tf.nn.leaky_relu(normed(convolution, x, statistics), 0.2)
        return tf.cast(self.last(x), tf.float32)
