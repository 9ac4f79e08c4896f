"""Random numbers addressed by sample: a function of (stage seed, sample number, use), nothing else.

Sample number k of a training run is step * batch size + position, so a resumed run, and one spread
over several devices, draws the same numbers as an undisturbed one on a single device.
"""
from __future__ import annotations

from typing import Sequence

import tensorflow as tf

# uses: every independent draw for one sample has its own number
LATENT, LATENT_GENERATOR, MIXING, AFFINE, TONE, NOISE, CROP, POOL, ELASTIC, ORDER = range(10)
NOISE_STRENGTH, FLIP, SHOWN, STYLE = 104, 105, 106, 107
DROPOUT = 200   # and those behind it: one for each layer of a network that draws


def sample_keys(seed: int, numbers: tf.Tensor) -> tf.Tensor:
    """Sample numbers [N] -> keys int32 [N, 2]."""
    numbers = tf.cast(numbers, tf.int32)
    return tf.stack([tf.fill(tf.shape(numbers), seed), numbers], axis=-1)


def _per_sample(draw, keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    numbers = tf.map_fn(lambda key: draw(shape, tf.random.experimental.stateless_fold_in(key, use)),
                        keys, fn_output_signature=tf.float32)
    return tf.ensure_shape(numbers, [keys.shape[0], *shape])


def normal(keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    """Standard normal numbers float32 [N, *shape]."""
    return _per_sample(tf.random.stateless_normal, keys, use, shape)


def uniform(keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    """Numbers in [0, 1), float32 [N, *shape]."""
    return _per_sample(tf.random.stateless_uniform, keys, use, shape)


def shuffled(numbers: tf.Tensor, count: int, seed: int) -> tf.Tensor:
    """Sample numbers int64 [N] -> rows 0..count-1, int32 [N]: every epoch a permutation of its own.

    It is the order of `count` random numbers that are addressed by (seed, epoch). tf.data's shuffle cannot
    begin in the middle, and `index_shuffle` has 256 orders where its key is two small numbers.
    """
    def order(key):
        key = tf.random.experimental.stateless_fold_in(key, ORDER)
        return tf.argsort(tf.random.stateless_uniform([count], key, None, None, tf.int32))

    epochs, which = tf.unique(numbers // count)
    orders = tf.map_fn(order, sample_keys(seed, epochs), fn_output_signature=tf.int32)
    return tf.gather_nd(orders, tf.stack([which, tf.cast(numbers % count, tf.int32)], axis=-1))
