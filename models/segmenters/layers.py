"""What several segmenters share: units, starts, resizing, pooling with positions, keyed dropout.

Everything is NHWC and takes any number of samples; height and width may be unknown, too, unless a function
says otherwise, so that what is exported takes pictures of any size.
"""
from __future__ import annotations

import itertools
import random
from typing import Callable, Iterable, Optional, Sequence, Tuple

import tensorflow as tf

Start = tf.keras.initializers.Initializer


def check_sides(name: str, sides: Sequence[Optional[int]], multiple: int = 1, least: int = 1) -> None:
    """Raises ValueError unless each side, px, is at least `least` and divisible by `multiple`; None passes."""
    for side in sides:
        if side is not None and (side < least or side % multiple):
            wanted = f'divisible by {multiple}' if multiple > 1 else f'from {least} px on'
            raise ValueError(f'images: expected a height and width {wanted} for {name}, found '
                             f'{" x ".join(map(str, sides))}; resize or crop them')


def size_of(x: tf.Tensor) -> Tuple:
    """Height and width of [N, H, W, C]: numbers where they are known, scalar tensors where not."""
    return tuple(known if known is not None else tf.shape(x)[axis + 1]
                 for axis, known in enumerate(x.shape[1:3]))


def scaled(filters: int, width: float, multiple: int = 8) -> int:
    """`filters` times `width`, rounded to a multiple, at least one of it."""
    return max(multiple, multiple * round(filters * width / multiple))


def normal(rng: random.Random, mode: str = 'fan_in') -> Start:
    """He et al. 2015 without truncation, as PyTorch and Caffe have it: N(0, 2 / fan); fan_in or fan_out."""
    return tf.keras.initializers.VarianceScaling(2.0, mode, 'untruncated_normal', seed=_seed(rng))


def uniform(rng: random.Random, fan: int) -> Start:
    """PyTorch's default for kernels and biases: uniform within 1 / sqrt(fan)."""
    return tf.keras.initializers.RandomUniform(-fan ** -0.5, fan ** -0.5, seed=_seed(rng))


def he_normal(rng: random.Random) -> Start:
    """Keras' own: truncated."""
    return tf.keras.initializers.HeNormal(seed=_seed(rng))


def glorot(rng: random.Random) -> Start:
    """Keras' default of convolutions."""
    return tf.keras.initializers.GlorotUniform(seed=_seed(rng))


def _seed(rng: random.Random) -> int:
    return rng.randrange(2 ** 31)


def batch_norm(epsilon: float = 1e-5, momentum: float = 0.9, shift: float = 0.0,
               **arguments) -> tf.keras.layers.BatchNormalization:
    """Batch norm with PyTorch's defaults (its momentum 0.1 is 0.9 here); `shift` is where beta starts.

    On several devices statistics are those of the whole batch, and the stored variance is the biased one.
    """
    return tf.keras.layers.BatchNormalization(
        epsilon=epsilon, momentum=momentum, beta_initializer=tf.keras.initializers.Constant(shift),
        synchronized=tf.distribute.get_strategy().num_replicas_in_sync > 1, **arguments)


class Unit(tf.keras.layers.Layer):
    """3x3 convolution with bias, batch norm, ReLU.

    Args:
      start: of the kernel.
      padding: 'same' or 'valid'.
      shift: where batch norm's beta starts.
    """

    def __init__(self, filters: int, start: Start, padding: str = 'same', shift: float = 0.0, **arguments):
        super().__init__(**arguments)
        self.conv = tf.keras.layers.Conv2D(filters, 3, padding=padding, kernel_initializer=start, **arguments)
        self.norm = batch_norm(shift=shift, **arguments)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.nn.relu(self.norm(self.conv(x), training=training))


def through(units: Iterable, x: tf.Tensor, training: bool) -> tf.Tensor:
    """x through one unit after the other."""
    for unit in units:
        x = unit(x, training=training)
    return x


def resize(x: tf.Tensor, height, width, align_corners: bool = True) -> tf.Tensor:
    """Bilinear: [N, h, w, C] -> [N, height, width, C] of the same dtype; no second derivative.

    Aligned corners are the op behind `tf.compat.v1.image.resize_bilinear(align_corners=True)`, without its
    warning; half-pixel centres are PyTorch's `align_corners=False`, no filter where it shrinks.
    """
    x32 = tf.raw_ops.ResizeBilinear(images=x, size=[height, width], align_corners=align_corners,
                                    half_pixel_centers=not align_corners)
    return tf.cast(x32, x.dtype)


def pool_with_positions(x: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """2x2 max pool that keeps where each maximum was; of equal values the first, row by row.

    Args:
      x: [N, H, W, C]; an odd side is extended by one that is never the maximum.

    Returns:
      maxima [N, h, w, C], h = ceil(H / 2), whose gradient goes to that one place, and the places
      [N, h, w, 4, C], 1 at the maximum's and 0 elsewhere.
    """
    height, width = size_of(x)
    x = tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], constant_values=x.dtype.min)
    channels, rows, columns = x.shape[3], (height + 1) // 2, (width + 1) // 2
    windows = tf.transpose(tf.reshape(x, [-1, rows, 2, columns, 2, channels]), [0, 1, 3, 2, 4, 5])
    windows = tf.reshape(windows, [-1, rows, columns, 4, channels])
    # [ours] no max_pool_with_argmax: it has no second derivative, no XLA kernel, and no sure order of ties on a GPU
    first, second, third, fourth = tf.unstack(
        tf.equal(windows, tf.reduce_max(windows, 3, keepdims=True)), axis=3)
    places = tf.cast(tf.stack([first, second & ~first, third & ~(first | second),
                               fourth & ~(first | second | third)], 3), x.dtype)
    return tf.reduce_sum(windows * places, 3), places


def unpool(x: tf.Tensor, places: tf.Tensor, height, width) -> tf.Tensor:
    """Each value at the place that `pool_with_positions` kept, zeros elsewhere.

    Args:
      x: [N, h, w, C].
      places: [N, h, w, 4, C].
      height, width: before the pool.

    Returns:
      [N, height, width, C].
    """
    rows, columns = size_of(x)
    spread = tf.reshape(x[:, :, :, tf.newaxis] * places, [-1, rows, columns, 2, 2, x.shape[3]])
    spread = tf.transpose(spread, [0, 1, 3, 2, 4, 5])
    return tf.reshape(spread, [-1, 2 * rows, 2 * columns, x.shape[3]])[:, :height, :width]


def keyed_dropout(x: tf.Tensor, rate: float, keys: tf.Tensor) -> tf.Tensor:
    """Dropout where each sample's noise depends on its own key and on nothing else.

    Args:
      x: [N, H, W, C], static but for N.
      rate: the fraction dropped; what is kept is divided by 1 - rate.
      keys: int32 [N, 2], N static.

    Raises:
      ValueError: the batch size of `keys` is not static.
    """
    if keys.shape[0] is None:
        raise ValueError('keys: expected a static batch size, found None; batch with '
                         'drop_remainder=True')
    noise = tf.stack([tf.random.stateless_uniform(x.shape[1:], key) for key in tf.unstack(keys)])
    return tf.where(noise >= rate, x / (1.0 - rate), tf.zeros_like(x))


def dropouts(keys: Optional[tf.Tensor], training: bool) -> Callable[[tf.Tensor, float], tf.Tensor]:
    """The dropouts of one call of a network: drop(x, rate), each with noise of its own.

    They do nothing outside training or without `keys` (int32 [N, 2], one per sample, N static).
    """
    if keys is None or not training:
        return lambda x, rate: x
    numbers = itertools.count()
    # 12,345,701 apart: seeds that are small numbers, one after the other, do not meet
    return lambda x, rate: keyed_dropout(x, rate, keys + [12_345_701 * next(numbers), 0])
