"""The parts MUNIT is made of beside Pix2PixHD's: adaptive instance norm, its layer norm, starts, keyed noise.

Source: Huang et al. 2018, "Multimodal Unsupervised Image-to-Image Translation", appendix, and the official code.
"""
from __future__ import annotations

import math
from typing import Iterator, Sequence

import tensorflow as tf

from models.pix2pixhd.layers import Initializer, instance_norm, normal_initializers


def kaiming_initializers(seed: int) -> Iterator[Initializer]:
    """Yields initialisers N(0, 2 / fan_in), not truncated, each with a stateless key of its own (He et al. 2015)."""
    return normal_initializers(seed, lambda shape: math.sqrt(2 / math.prod(shape[:-1])))


def adaptive_instance_norm(x: tf.Tensor, mean: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Instance norm, then times `deviation` plus `mean`, both [N, C]: [N, H, W, C] -> the same shape."""
    return (instance_norm(x) * tf.cast(deviation, x.dtype)[:, tf.newaxis, tf.newaxis]
            + tf.cast(mean, x.dtype)[:, tf.newaxis, tf.newaxis])


def uniform_initializer(seed: int) -> Initializer:
    """Uniform in [0, 1)."""
    key = tf.constant([seed, 1], tf.int64)
    return lambda shape, dtype=tf.float32, **_: tf.random.stateless_uniform(shape, key, dtype=dtype)


def keyed_normal(keys: tf.Tensor, use: int, shape: Sequence) -> tf.Tensor:
    """Standard normal numbers [N, *shape], each sample's a function of its key and `use` alone.

    Args:
      keys: int32 [N, 2]; in training N is static, for a loop is slower.
      shape: of one sample; may hold scalar tensors.
    """
    def of_one(key):
        return tf.random.stateless_normal(shape, tf.random.experimental.stateless_fold_in(key, use))

    if keys.shape[0] is None:  # a validation's last batch is smaller
        return tf.map_fn(of_one, keys, fn_output_signature=tf.float32)
    return tf.stack([of_one(key) for key in tf.unstack(keys)])


class LayerNorm(tf.keras.layers.Layer):
    """MUNIT's: mean and deviation over height, width and channels of a sample, then a scale and offset a channel.

    The deviation is the unbiased one, and 1e-5 is added to it, not to the variance: Keras' differs in both.

    Attributes:
      gamma: [channels], uniform in [0, 1) at first, as officially.
      beta: [channels], 0 at first.
    """

    def __init__(self, channels: int, initializer: Initializer):
        super().__init__()
        self.gamma = self.add_weight('gamma', (channels,), initializer=initializer)
        self.beta = self.add_weight('beta', (channels,), initializer='zeros')

    def call(self, x):
        values = tf.cast(x, tf.float32)
        centred = values - tf.reduce_mean(values, [1, 2, 3], keepdims=True)
        count = tf.cast(tf.size(x[0]), tf.float32)
        variance = tf.reduce_sum(tf.square(centred), [1, 2, 3], keepdims=True) / (count - 1)
        deviation = tf.sqrt(tf.maximum(variance, 1e-20))   # the root has no derivative at 0, of a flat picture
        y = centred / (deviation + 1e-5) * tf.cast(self.gamma, tf.float32) + tf.cast(self.beta, tf.float32)
        return tf.cast(y, x.dtype)
